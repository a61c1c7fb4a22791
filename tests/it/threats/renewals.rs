//! Renewals that hang, die, come back for a token of yesterday, or keep what the provider has taken away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use tokio::sync::Notify;
use tower_sso::provider::{HttpClient, HttpError, InProcessClient};
use tower_sso::simulator::Fault;
use tower_sso::{BoxError, Decision, Enrichment, Identity, SsoBuilder};

use super::{builder, deploy};
use crate::support::{App, settle};

fn offline(builder: SsoBuilder) -> SsoBuilder {
    builder.scopes(["openid", "profile", "email", "groups", "offline_access"])
}

/// Almost over, but for a minute.
const NEARLY_OVER: Duration = Duration::from_secs(3540);

/// Providers leave `groups` out when the last one is gone. Guard: `IdTokenClaims::over` keeps who somebody is
/// and how they signed in, and not what they may.
#[tokio::test]
async fn threat_25_a_claim_that_is_left_out_at_a_refresh_still_opens_doors() {
    let hook = |identity: Identity| async move {
        let admin = identity.claims.all.contains_key("groups");
        let roles = Enrichment::new().add_role(if admin { "admin" } else { "nobody" });
        Ok::<_, BoxError>(Decision::Enrich(roles))
    };
    let app = App::with(|builder| offline(builder).on_identity(hook));
    app.sign_in("/admin").await;
    app.idp()
        .set_fault(Fault::IdTokenClaim("groups".into(), None));
    app.clock.advance(NEARLY_OVER);
    assert_eq!(app.visit("/admin").no_follow().await.status, 403);
    let claims = &app.visit("/protected").no_follow().await.json()["claims"];
    assert!(claims["groups"].is_null(), "{claims}");
    assert_eq!(claims["email"], "alice@example.com");
}

/// A hook of the app that waits for ever, at each identity but the first.
async fn hangs_at_refreshes() -> App {
    let seen = Arc::new(AtomicUsize::new(0));
    let hook = move |_: Identity| {
        let first = seen.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if !first {
                std::future::pending::<()>().await;
            }
            Ok::<_, BoxError>(Decision::Accept)
        }
    };
    let app = App::with(|builder| offline(builder).on_identity(hook));
    app.sign_in("/protected").await;
    app
}

/// Whoever waits for a renewal may hold a permit of an inner service. Guard: `LONGEST_WAIT`.
#[tokio::test(start_paused = true)]
async fn threat_26_a_renewal_that_hangs_holds_requests_for_ever() {
    let app = hangs_at_refreshes().await;
    app.clock.advance(NEARLY_OVER);
    let began = tokio::time::Instant::now();
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    assert!(began.elapsed() <= Duration::from_secs(10));
    app.clock.advance(Duration::from_secs(60));
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 503);
    assert!(page.header("retry-after").is_some());
}

/// The answer of the provider is in, the old refresh token used up, and then the app's hook panics. Guard: the new
/// one is kept before anything else is done with the answer.
#[tokio::test]
async fn threat_23_a_refresh_token_is_lost_with_the_task_that_got_it() {
    let seen = Arc::new(AtomicUsize::new(0));
    let hook = move |_: Identity| {
        let count = seen.fetch_add(1, Ordering::SeqCst);
        async move {
            assert_ne!(count, 1, "on purpose");
            Ok::<_, BoxError>(Decision::Accept)
        }
    };
    let app = App::with(|builder| offline(builder).on_identity(hook));
    app.sign_in("/protected").await;
    app.clock.advance(NEARLY_OVER);
    for grants in [1, 2] {
        assert_eq!(app.visit("/protected").no_follow().await.status, 200);
        assert_eq!(app.idp().refresh_grants(), grants);
        // Longer than nobody asks after a failure, and shorter than a lease that nobody gave back.
        app.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(app.idp().reuse_detected(), 0);
}

/// Refuses each refresh token, when it is told to.
#[derive(Clone, Debug)]
struct Refuses {
    provider: InProcessClient,
    now: Arc<Notify>,
}

impl HttpClient for Refuses {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        let refreshes = request.body().starts_with(b"grant_type=refresh_token");
        Box::pin(async move {
            if !refreshes {
                return self.provider.call(request).await;
            }
            self.now.notified().await;
            let refusal = Response::builder().status(400);
            let refusal = refusal.body(br#"{"error":"invalid_grant"}"#[..].into());
            Ok(refusal.unwrap())
        })
    }
}

/// A provider ends the old grant when the person signs in anew, as at a step-up. What it says of the old token then
/// is said of a session that has it no more. Guard: `by_refresh_token` looks whether the session still has the
/// token that was refused.
#[tokio::test]
async fn threat_26_a_refusal_of_yesterdays_token_ends_todays_session() {
    let mut app = App::new();
    let client = Refuses {
        provider: InProcessClient::new(app.simulator.router()),
        now: Arc::default(),
    };
    let sso = offline(builder(&app).http_client(Arc::new(client.clone()))).build();
    deploy(&mut app, sso.unwrap());
    app.sign_in("/protected").await;
    app.person("alice", &["pwd", "otp", "mfa"]);
    app.clock.advance(NEARLY_OVER - Duration::from_secs(1));
    let callback = app.until_callback("/mfa").await;
    app.clock.advance(Duration::from_secs(1));
    let in_flight = app.browser.copy();
    let waiting = tokio::spawn(async move {
        let url = format!("{}/protected", App::URL);
        in_flight.visit(&url).no_follow().await.status
    });
    settle().await;
    let page = app.browser.visit_from(App::IDP, &callback).await;
    assert_eq!(page.status, 200, "{}", page.html());
    client.now.notify_one();
    assert_eq!(
        waiting.await.unwrap(),
        200,
        "the old id answers ten seconds more"
    );
    app.sign_in("/mfa").await;
}
