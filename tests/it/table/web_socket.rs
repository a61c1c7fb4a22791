//! A real handshake over a real socket: axum's `ws` on one side, tungstenite on the other.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message as Sent, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderValue, Request, header};
use tokio::net::TcpStream;
use tokio_stream::StreamExt;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tower::ServiceExt;
use tower_sso::test_util::SignedIn;
use tower_sso::{Policy, RequireLayer, Session, Sso};

use super::serve::{Version, serve};
use crate::support::App;

/// Greets, and closes when the session ends (1008: policy violation, RFC 6455 section 7.4.1).
async fn greet(upgrade: WebSocketUpgrade, State(sso): State<Sso>, session: Session) -> Response {
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        let hello = Sent::text(format!("hello {}", session.subject()));
        socket.send(hello).await.unwrap();
        sso.ended(&session).await;
        let frame = CloseFrame {
            code: 1008,
            reason: "the session has ended".into(),
        };
        let _ = socket.send(Sent::Close(Some(frame))).await;
    })
}

struct Sockets {
    app: App,
    address: std::net::SocketAddr,
}

impl Sockets {
    async fn start(app: App) -> Self {
        let guarded = |policy| any(greet).layer(RequireLayer::new(policy));
        let routes = Router::new()
            .route("/socket", guarded(Policy::login()))
            .route("/mfa", guarded(Policy::mfa()))
            .route("/admin", guarded(Policy::login().role("admin")))
            .with_state(app.sso.clone());
        let address = serve(Version::Http1, app.sso.into_axum(routes)).await;
        Self { app, address }
    }

    async fn sign_in(&self) -> String {
        self.app.sso.sign_in(SignedIn::new("ada")).await.unwrap()
    }

    async fn open(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<WebSocketStream<TcpStream>, Error> {
        let url = format!("ws://{}{path}", self.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(*name, value);
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async(request, stream)
            .await
            .map(|(socket, _)| socket)
    }

    /// The status that the handshake is refused with.
    async fn refused(&self, path: &str, headers: &[(&'static str, &str)]) -> u16 {
        match self.open(path, headers).await {
            Err(Error::Http(response)) => {
                for gone in ["set-cookie", "location", "sec-websocket-accept", "upgrade"] {
                    assert_eq!(response.headers().get(gone), None);
                }
                assert_eq!(response.headers()["cache-control"], "private, no-store");
                response.status().as_u16()
            }
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("{path} is open to {headers:?}"),
        }
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    let within = tokio::time::timeout(Duration::from_secs(5), what).await;
    within.expect("the socket stays open")
}

#[tokio::test]
async fn a_handshake_wants_a_session_that_may_and_a_page_of_ours() {
    let sockets = Sockets::start(App::new()).await;
    let cookie = sockets.sign_in().await;
    let cookie = ("cookie", cookie.as_str());
    let ours = ("origin", App::URL);
    assert_eq!(sockets.refused("/socket", &[ours]).await, 401);
    assert_eq!(sockets.refused("/mfa", &[cookie, ours]).await, 401);
    assert_eq!(sockets.refused("/admin", &[cookie, ours]).await, 403);
    for elsewhere in [
        "https://evil.example",
        "https://sub.app.example.com",
        "null",
    ] {
        let headers = [cookie, ("origin", elsewhere)];
        assert_eq!(
            sockets.refused("/socket", &headers).await,
            403,
            "{elsewhere}"
        );
    }
    let headers = [cookie, ours, ("sec-fetch-site", "cross-site")];
    assert_eq!(sockets.refused("/socket", &headers).await, 403);

    // A program sends no `Origin`: it is no page's doing.
    for headers in [&[cookie, ours][..], &[cookie]] {
        let mut socket = sockets.open("/socket", headers).await.unwrap();
        let hello = soon(socket.next()).await.unwrap().unwrap();
        assert_eq!(hello, Message::text("hello ada"));
    }
}

#[tokio::test]
async fn a_failing_store_opens_no_socket() {
    let (app, store) = App::with_remote_store();
    let sockets = Sockets::start(app).await;
    let cookie = sockets.sign_in().await;
    store.set_failing(true);
    assert_eq!(
        sockets.refused("/socket", &[("cookie", &cookie)]).await,
        503
    );
}

#[tokio::test]
async fn an_open_socket_is_closed_when_its_session_ends() {
    let sockets = Sockets::start(App::new()).await;
    let (leaves, stays) = (sockets.sign_in().await, sockets.sign_in().await);
    let mut socket = sockets
        .open("/socket", &[("cookie", &leaves)])
        .await
        .unwrap();
    let mut other = sockets
        .open("/socket", &[("cookie", &stays)])
        .await
        .unwrap();
    for open in [&mut socket, &mut other] {
        let hello = soon(open.next()).await.unwrap().unwrap();
        assert_eq!(hello, Message::text("hello ada"));
    }
    let out = Request::post("/auth/logout").header(header::COOKIE, &leaves);
    let service = sockets.app.sso.into_axum(Router::new());
    let left = service.oneshot(out.body(Body::empty()).unwrap()).await;
    assert_eq!(left.unwrap().status(), 303);
    let end = soon(socket.next()).await.unwrap().unwrap();
    let Message::Close(Some(frame)) = end else {
        panic!("{end}");
    };
    assert_eq!(frame.code, CloseCode::Policy);
    assert_eq!(
        sockets.refused("/socket", &[("cookie", &leaves)]).await,
        401
    );

    // The other session goes on until its time is over.
    assert!(arrived(&mut other).is_none(), "it was closed, too");
    sockets.app.clock.advance(Duration::from_secs(12 * 3600));
    let end = soon(other.next()).await.unwrap().unwrap();
    assert!(end.is_close(), "{end}");
}

/// What has arrived already.
fn arrived(socket: &mut WebSocketStream<TcpStream>) -> Option<Message> {
    let mut next = std::pin::pin!(socket.next());
    let waker = std::task::Waker::noop();
    match next
        .as_mut()
        .poll(&mut std::task::Context::from_waker(waker))
    {
        std::task::Poll::Ready(message) => message.map(Result::unwrap),
        std::task::Poll::Pending => None,
    }
}
