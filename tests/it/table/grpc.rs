//! A real tonic server behind the layers, and a real tonic client over a real socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Request as HttpRequest, header};
use http_body::Body as _;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::{LayerExt, Routes};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::Layer;
use tower_sso::test_util::SignedIn;
use tower_sso::{Auth, Policy, RequireLayer, Sso};

use super::serve::{Version, send, serve};
use crate::support::{App, RemoteStore};

/// A ready-made service: `Check` answers once, `Watch` with a stream that ends with the session.
#[derive(Clone)]
struct Watched {
    sso: Sso,
    handled: Arc<AtomicUsize>,
}

fn serving() -> HealthCheckResponse {
    HealthCheckResponse {
        status: ServingStatus::Serving.into(),
    }
}

#[tonic::async_trait]
impl Health for Watched {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.handled.fetch_add(1, Ordering::SeqCst);
        let user = Auth::of(request.extensions()).and_then(Auth::user);
        assert_eq!(user.unwrap().subject(), "ada");
        Ok(Response::new(serving()))
    }

    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.handled.fetch_add(1, Ordering::SeqCst);
        let session = Auth::of(request.extensions()).and_then(Auth::session);
        let session = session.unwrap().clone();
        let sso = self.sso.clone();
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let _ = sender.send(Ok(serving())).await;
            sso.ended(&session).await;
            let ended = Status::unauthenticated("the session has ended");
            let _ = sender.send(Err(ended)).await;
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// The server, with a client's way to it.
struct Rpc {
    app: App,
    store: RemoteStore,
    channel: Channel,
    address: std::net::SocketAddr,
    handled: Arc<AtomicUsize>,
}

impl Rpc {
    /// tonic's own server, with ours as its layer: a service with a policy of its own, and a router of
    /// services with one each.
    async fn start() -> Self {
        let (app, store) = App::with_remote_store();
        let handled = Arc::<AtomicUsize>::default();
        let health = HealthServer::new(Watched {
            sso: app.sso.clone(),
            handled: Arc::clone(&handled),
        });
        let weak = RequireLayer::new(Policy::mfa()).layer(health.clone());
        let admin = RequireLayer::new(Policy::login().role("admin")).layer(health.clone());
        let router = Router::new()
            .nest_service("/mfa", weak)
            .nest_service("/admin", admin);
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = incoming.local_addr().unwrap();
        let login = RequireLayer::new(Policy::login()).named_layer(health);
        let server = Server::builder()
            .layer(app.sso.layer())
            .add_routes(Routes::from(router).add_service(login));
        tokio::spawn(server.serve_with_incoming(incoming));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        Self {
            app,
            store,
            channel,
            address,
            handled,
        }
    }

    fn client(&self, under: &str) -> HealthClient<Channel> {
        let origin = format!("http://{}{under}", self.address).parse();
        HealthClient::with_origin(self.channel.clone(), origin.unwrap())
    }

    async fn sign_in(&self, person: SignedIn) -> String {
        self.app.sso.sign_in(person).await.unwrap()
    }

    /// Calls `Check` under `under`; 0 is OK.
    async fn check(&self, under: &str, cookie: Option<&str>) -> Code {
        let answer = self.client(under).check(call(cookie)).await;
        answer.map_or_else(|status| status.code(), |_| Code::Ok)
    }

    fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }
}

/// A call with the session's cookie as metadata.
fn call(cookie: Option<&str>) -> Request<HealthCheckRequest> {
    let mut request = Request::new(HealthCheckRequest::default());
    if let Some(cookie) = cookie {
        let metadata = request.metadata_mut();
        metadata.insert("cookie", cookie.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn a_client_is_told_its_status() {
    let rpc = Rpc::start().await;
    for under in ["", "/mfa", "/admin"] {
        assert_eq!(
            rpc.check(under, None).await,
            Code::Unauthenticated,
            "{under}"
        );
    }
    let cookie = rpc.sign_in(SignedIn::new("ada").amr(["pwd"])).await;
    assert_eq!(rpc.handled(), 0);
    assert_eq!(rpc.check("", Some(&cookie)).await, Code::Ok);
    assert_eq!(rpc.handled(), 1);
    assert_eq!(
        rpc.check("/mfa", Some(&cookie)).await,
        Code::Unauthenticated
    );
    assert_eq!(
        rpc.check("/admin", Some(&cookie)).await,
        Code::PermissionDenied
    );
    rpc.store.set_failing(true);
    for under in ["", "/mfa", "/admin"] {
        let code = rpc.check(under, Some(&cookie)).await;
        assert_eq!(code, Code::Unavailable, "{under}");
    }
    assert_eq!(rpc.handled(), 1, "no handler of a refused call ran");

    rpc.store.set_failing(false);
    let able = SignedIn::new("ada").amr(["pwd", "otp"]).role("admin");
    let able = rpc.sign_in(able).await;
    for under in ["", "/mfa", "/admin"] {
        assert_eq!(rpc.check(under, Some(&able)).await, Code::Ok, "{under}");
    }
    assert_eq!(rpc.handled(), 4);
}

/// A message that a client can show, and no metadata that is not for it.
#[tokio::test]
async fn a_status_has_a_message_and_no_cookie() {
    let rpc = Rpc::start().await;
    let status = rpc.client("").check(call(None)).await.unwrap_err();
    assert_eq!(status.message(), "sign-in is required");
    assert_eq!(status.details(), b"");
    assert!(!status.metadata().contains_key("set-cookie"));
    assert!(!status.metadata().contains_key("location"));
}

#[tokio::test]
async fn a_stream_is_refused_at_once_and_an_open_one_ends_with_its_session() {
    let rpc = Rpc::start().await;
    let refused = rpc.client("").watch(call(None)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(rpc.handled(), 0);

    let cookie = rpc.sign_in(SignedIn::new("ada")).await;
    let answer = rpc.client("").watch(call(Some(&cookie))).await.unwrap();
    let mut stream = answer.into_inner();
    assert_eq!(stream.message().await.unwrap(), Some(serving()));
    let out = HttpRequest::post("/auth/logout").header(header::COOKIE, &cookie);
    let out = out.body(axum::body::Body::empty()).unwrap();
    let service = rpc.app.sso.into_axum(Router::new());
    let left = tower::ServiceExt::oneshot(service, out).await.unwrap();
    assert_eq!(left.status(), 303);
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.message());
    let ended = ended.await.expect("the stream stays open").unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated);
    assert_eq!(ended.message(), "the session has ended");
    assert_eq!(rpc.check("", Some(&cookie)).await, Code::Unauthenticated);
}

/// gRPC over HTTP/2, "Trailers-Only": one HEADERS frame that ends the stream.
#[tokio::test]
async fn the_status_is_in_one_header_block_that_ends_the_stream() {
    let rpc = Rpc::start().await;
    let stream = TcpStream::connect(rpc.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let method = format!("http://{}/grpc.health.v1.Health/Check", rpc.address);
    let request = HttpRequest::post(method)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert!(response.body().is_end_stream(), "END_STREAM is on HEADERS");
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/grpc");
    assert_eq!(headers["grpc-status"], "16");
    assert_eq!(headers["grpc-message"], "sign-in is required");
    assert_eq!(headers.get("transfer-encoding"), None);
}

/// gRPC-Web is for browsers over either version, and is answered in its own kind: a client that asked for
/// `application/grpc-web` takes `application/grpc` for something else.
#[tokio::test]
async fn grpc_web_is_answered_in_its_own_kind() {
    let app = App::new();
    for version in [Version::Http1, Version::Http2] {
        let address = serve(version, app.sso.into_axum(app.routes())).await;
        for (sent, answered) in [
            ("application/grpc", "application/grpc"),
            ("application/grpc+proto", "application/grpc"),
            ("Application/gRPC", "application/grpc"),
            ("application/grpc-web", "application/grpc-web"),
            ("application/grpc-web+proto", "application/grpc-web"),
            ("application/grpc-web;charset=utf-8", "application/grpc-web"),
            ("application/grpc-web-text", "application/grpc-web-text"),
            (
                "application/grpc-web-text+proto",
                "application/grpc-web-text",
            ),
            // Neither of the two, whatever it is.
            ("application/grpc-website", "application/problem+json"),
        ] {
            let request = HttpRequest::post(format!("http://{address}/protected"))
                .header("host", address.to_string())
                .header("content-type", sent)
                .header("sec-fetch-mode", "cors")
                .body(Empty::new())
                .unwrap();
            let response = send(version, address, request).await.unwrap();
            assert_eq!(response.headers()["content-type"], answered, "{sent}");
            if answered.starts_with("application/grpc") {
                assert_eq!(response.status(), 200, "{sent}");
                assert_eq!(response.headers()["grpc-status"], "16", "{sent}");
                assert_eq!(response.body(), "", "{sent}");
            } else {
                assert_eq!(response.status(), 401, "{sent}");
            }
        }
    }
}
