//! Real sockets on loopback: `axum::serve`, and hyper with a body of its own.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceBuilder, service_fn};
use tower_sso::provider::InProcessClient;
use tower_sso::simulator::{LoginChoice, SigningAlgorithm, SimulatedUser, Simulator};
use tower_sso::{Auth, Policy, RequireLayer, Sso, User};

use super::bodies::Frames;
use crate::support::{App, Browser};

/// An app on a port of its own, with a provider that knows it and is not on a socket.
struct Loopback {
    sso: Sso,
    browser: Browser,
    url: String,
}

async fn listen() -> (Loopback, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let simulator = Simulator::builder(App::IDP)
        .any_client()
        .user(SimulatedUser::new("alice"))
        .algorithm(SigningAlgorithm::Es256)
        .build();
    simulator
        .handle()
        .set_default_login(LoginChoice::new("alice"));
    let sso = Sso::builder(App::IDP)
        .public_client("loopback")
        .base_url(&url)
        .http_client(Arc::new(InProcessClient::new(simulator.router())))
        .build()
        .unwrap();
    let browser = Browser::new();
    browser.serve(App::IDP, simulator.router());
    (Loopback { sso, browser, url }, listener)
}

impl Loopback {
    /// Signs in at `/protected`, which names its user, and out again.
    async fn the_way_in_and_out(&self) {
        let go = |path: &str| self.browser.visit(&format!("{}{path}", self.url));
        let head = go("/protected").method(Method::HEAD).no_follow().await;
        assert_eq!((head.status.as_u16(), head.body.len()), (303, 0));
        let page = go("/protected?tab=2").await;
        assert_eq!(page.url.as_str(), format!("{}/protected?tab=2", self.url));
        assert_eq!(page.html(), "alice");
        let port = self.url.rsplit(':').next().unwrap();
        let cookie = self.browser.cookie(&format!("sso-{port}")).unwrap();
        assert!(cookie.http_only && !cookie.secure);

        let asked = go("/auth/logout").await;
        let left = asked.submit(&asked.only_form()).await;
        assert_eq!(left.url.path(), "/auth/logged-out");
        assert_eq!(
            go("/protected")
                .header("accept", "*/*")
                .no_follow()
                .await
                .status,
            303
        );
        let script = left.fetch("/protected").await;
        assert_eq!(script.status, 401);
        assert!(script.json()["login_url"].is_string());
    }
}

fn routes() -> Router {
    let hello = get(|user: User| async move { user.subject().to_owned() });
    Router::new()
        .route(
            "/protected",
            hello.layer(RequireLayer::new(Policy::login())),
        )
        .route("/echo", any(echo))
}

/// Whatever is sent after the upgrade comes back.
async fn echo(mut request: Request<Body>) -> Response<Body> {
    assert!(Auth::of(request.extensions()).is_some());
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.unwrap());
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.unwrap();
        stream.write_all(&word).await.unwrap();
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, "upgrade".parse().unwrap());
    headers.insert(header::UPGRADE, "websocket".parse().unwrap());
    response
}

/// The way of a WebSocket: the connection is switched, and both sides talk.
async fn an_upgrade_passes(url: &str) {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let lines = [
        "GET /echo HTTP/1.1",
        &format!("Host: {address}"),
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "\r\n",
    ];
    stream
        .write_all(lines.join("\r\n").as_bytes())
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    stream.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"ping");
}

#[tokio::test]
async fn axum_serves_what_into_axum_makes() {
    let (app, listener) = listen().await;
    let service = app.sso.into_axum(routes());
    tokio::spawn(axum::serve(listener, service).into_future());
    app.the_way_in_and_out().await;
    an_upgrade_passes(&app.url).await;
}

#[tokio::test]
async fn axum_serves_a_router_with_the_layer() {
    let (app, listener) = listen().await;
    let router = routes().layer(app.sso.layer());
    tokio::spawn(axum::serve(listener, router).into_future());
    app.the_way_in_and_out().await;
    an_upgrade_passes(&app.url).await;
}

#[tokio::test]
async fn hyper_serves_a_service_whose_body_is_its_own() {
    let (app, listener) = listen().await;
    let service = ServiceBuilder::new()
        .layer(app.sso.layer())
        .layer(RequireLayer::new(Policy::login()))
        .service(service_fn(hello));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    app.the_way_in_and_out().await;
}

async fn hello(request: Request<Incoming>) -> Result<Response<Frames>, Infallible> {
    let user = Auth::of(request.extensions()).and_then(Auth::user).unwrap();
    assert_eq!(user.subject(), "alice");
    Ok(Response::new(Frames::of("alice")))
}
