//! Row 41: webhooks reach the app when Scalekit sent them, now, and once.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_core::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;
use tower_sso::clock::{SecondsSinceEpoch, TestClock};
use tower_sso::vendor::scalekit::{Received, SeenWebhooks, WebhookSecret, Webhooks};
use tower_sso::{Error, Result};

const NOW: u64 = 1_800_000_000;
const KEY: &[u8] = b"the key of this endpoint";
const OLD_KEY: &[u8] = b"the key before this one";
const FOREIGN_KEY: &[u8] = b"the key of somebody else";
const BODY: &str = r#"{"type":"organization.sso_disabled","id":"evt_1","organization_id":"org_1"}"#;

/// HMAC as RFC 2104 defines it, written apart from the crate's.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |with: u8| -> Vec<u8> {
        let mut block = [with; 64];
        block
            .iter_mut()
            .zip(key)
            .for_each(|(pad, byte)| *pad ^= byte);
        block.to_vec()
    };
    let inner = Sha256::digest([padded(0x36), message.to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

fn secret(key: &[u8]) -> WebhookSecret {
    WebhookSecret::parse(&format!("whsec_{}", STANDARD.encode(key))).unwrap()
}

fn signed(key: &[u8], id: &str, at: u64) -> Request<Body> {
    let tag = hmac_sha256(key, format!("{id}.{at}.{BODY}").as_bytes());
    Request::post("/webhooks")
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", format!("v1,{}", STANDARD.encode(tag)))
        .body(Body::from(BODY))
        .unwrap()
}

struct Receiver {
    clock: TestClock,
    app: Router,
}

impl Receiver {
    fn new() -> Self {
        Self::with(|webhooks| webhooks)
    }

    fn with(configure: impl FnOnce(Webhooks) -> Webhooks) -> Self {
        let clock = TestClock::at(NOW);
        let webhooks = Webhooks::new([secret(KEY), secret(OLD_KEY)]).unwrap();
        let webhooks = configure(webhooks.with_clock(Arc::new(clock.clone())));
        let app = Router::new()
            .route("/webhooks", post(receive))
            .with_state(webhooks);
        Self { clock, app }
    }

    /// 201 for one that counts, 200 for one that came before.
    async fn send(&self, request: Request<Body>) -> u16 {
        self.app
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    }
}

async fn receive(State(webhooks): State<Webhooks>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match webhooks.receive(&headers, &body).await {
        Ok(Received::New { event, .. }) => {
            assert_eq!(event.organization_id.as_deref(), Some("org_1"));
            StatusCode::CREATED
        }
        Ok(Received::Again { .. }) => StatusCode::OK,
        Err(error) if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}

#[tokio::test]
async fn row_41_a_webhook_counts_when_scalekit_signed_it_and_once() {
    let receiver = Receiver::new();
    assert_eq!(receiver.send(signed(KEY, "msg_1", NOW)).await, 201);
    assert_eq!(
        receiver.send(signed(KEY, "msg_1", NOW)).await,
        200,
        "a copy"
    );
    assert_eq!(
        receiver.send(signed(OLD_KEY, "msg_2", NOW)).await,
        201,
        "while rotated"
    );
    assert_eq!(receiver.send(signed(FOREIGN_KEY, "msg_3", NOW)).await, 401);
}

#[tokio::test]
async fn row_41_a_webhook_that_was_changed_is_refused() {
    let receiver = Receiver::new();
    let mut body = signed(KEY, "msg_1", NOW);
    *body.body_mut() = Body::from(BODY.replace("org_1", "org_2"));
    assert_eq!(receiver.send(body).await, 401);
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut without = signed(KEY, "msg_1", NOW);
        let value = without.headers_mut().remove(name).unwrap();
        assert_eq!(receiver.send(without).await, 401, "no {name}");
        let mut twice = signed(KEY, "msg_1", NOW);
        twice.headers_mut().append(name, value);
        assert_eq!(receiver.send(twice).await, 401, "{name} twice");
        let mut other = signed(KEY, "msg_1", NOW);
        other
            .headers_mut()
            .insert(name, "1800000001".parse().unwrap());
        assert_eq!(receiver.send(other).await, 401, "another {name}");
    }
    assert_eq!(
        receiver.send(signed(KEY, "msg_1", NOW)).await,
        201,
        "nothing was remembered"
    );
}

#[tokio::test]
async fn row_41_a_webhook_that_is_late_or_from_the_future_is_refused() {
    let receiver = Receiver::new();
    for (at, status) in [
        (NOW - 301, 401),
        (NOW - 300, 201),
        (NOW + 300, 201),
        (NOW + 301, 401),
    ] {
        let sent = signed(KEY, &format!("msg_{at}"), at);
        assert_eq!(receiver.send(sent).await, status, "{at}");
    }
    receiver.clock.advance(Duration::from_secs(600));
    let copy = signed(KEY, &format!("msg_{}", NOW + 300), NOW + 300);
    assert_eq!(
        receiver.send(copy).await,
        200,
        "its last second, and still a copy"
    );
    receiver.clock.advance(Duration::from_secs(1));
    let copy = signed(KEY, &format!("msg_{}", NOW + 300), NOW + 300);
    assert_eq!(receiver.send(copy).await, 401);
}

/// Of one that is sent to two replicas at once.
#[tokio::test]
async fn row_41_replicas_with_a_store_of_their_own_count_a_webhook_once() {
    #[derive(Debug)]
    struct Down;

    impl SeenWebhooks for Down {
        fn claim<'a>(&'a self, _: &'a str, _: SecondsSinceEpoch) -> BoxFuture<'a, Result<bool>> {
            Box::pin(async { Err(Error::store("the store is down")) })
        }
        fn release<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<()>> {
            Box::pin(async { Ok(()) })
        }
    }

    let shared: Arc<dyn SeenWebhooks> = Arc::new(Shared::default());
    let one = Receiver::with(|webhooks| webhooks.with_seen(Arc::clone(&shared)));
    let two = Receiver::with(|webhooks| webhooks.with_seen(shared));
    assert_eq!(one.send(signed(KEY, "msg_1", NOW)).await, 201);
    assert_eq!(two.send(signed(KEY, "msg_1", NOW)).await, 200);

    let unsure = Receiver::with(|webhooks| webhooks.with_seen(Arc::new(Down)));
    assert_eq!(
        unsure.send(signed(KEY, "msg_1", NOW)).await,
        503,
        "sent again later"
    );
}

/// A store that replicas share.
#[derive(Debug, Default)]
struct Shared(std::sync::Mutex<std::collections::HashSet<String>>);

impl SeenWebhooks for Shared {
    fn claim<'a>(&'a self, id: &'a str, _: SecondsSinceEpoch) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().insert(id.to_owned())) })
    }
    fn release<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.0.lock().unwrap().remove(id);
            Ok(())
        })
    }
}
