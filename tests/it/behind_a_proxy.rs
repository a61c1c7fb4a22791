//! Who sent a request: each way in which a server tells the peer, and what is made of it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::routing::get;
use axum::{Extension, Router, ServiceExt};
use http::{HeaderMap, Method};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceBuilder;
use tower_sso::{Auth, ForwardedHeaders, PeerAddress, Sso};
use tracing::Level;

use crate::support::{App, Log};

const CLIENT: &str = "192.0.2.1";

/// A route that says who the client is.
fn routes() -> Router {
    Router::new().route("/who", get(who))
}

async fn who(Extension(auth): Extension<Auth>) -> String {
    let address = auth.client_address().map(|address| address.to_string());
    format!(
        "{} {} {}",
        address.as_deref().unwrap_or("-"),
        auth.forwarded_scheme().unwrap_or("-"),
        auth.forwarded_host().unwrap_or("-"),
    )
}

fn sso(proxies: &[&str]) -> Sso {
    let builder = Sso::builder(App::IDP)
        .public_client("app")
        .base_url(App::URL);
    let builder = builder.cookie_key(tower_sso::CookieKey::generate());
    builder
        .trusted_proxies(proxies.iter().copied())
        .build()
        .unwrap()
}

/// What `/who` answers over this connection, to a request that says it was forwarded.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let lines = [
        "GET /who HTTP/1.1",
        "Host: app.example.com",
        "Connection: close",
        "X-Forwarded-For: 6.6.6.6, 192.0.2.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: app.example.com",
        "Forwarded: for=192.0.2.2;proto=http",
        "\r\n",
    ];
    stream
        .write_all(lines.join("\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.rsplit("\r\n").next().unwrap().to_owned()
}

const BELIEVED: &str = "192.0.2.1 https app.example.com";
const NOT_BELIEVED: &str = "127.0.0.1 - -";

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn into_axum_knows_the_peer_of_a_connection() {
    for (proxies, expected) in [
        (&["127.0.0.1"][..], BELIEVED),
        (&["127.0.0.2", "unix"], NOT_BELIEVED),
        (&[], NOT_BELIEVED),
    ] {
        let (listener, address) = listen().await;
        let service = sso(proxies).into_axum(routes());
        tokio::spawn(axum::serve(listener, service).into_future());
        let stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(stream).await, expected, "{proxies:?}");
    }
}

#[tokio::test]
async fn a_router_with_the_layer_takes_the_peer_from_connect_info() {
    let app = || routes().layer(sso(&["127.0.0.1"]).layer());
    let (listener, address) = listen().await;
    let service = app().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    assert_eq!(
        ask(TcpStream::connect(address).await.unwrap()).await,
        BELIEVED
    );

    let (listener, address) = listen().await;
    tokio::spawn(axum::serve(listener, app()).into_future());
    let stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(stream).await, "- - -", "nobody said who the peer is");
}

/// Handlers that want it get it as ever.
#[tokio::test]
async fn into_axum_goes_with_connect_info() {
    let info = async |ConnectInfo(address): ConnectInfo<SocketAddr>| address.ip().to_string();
    let app = sso(&[]).into_axum(Router::new().route("/who", get(info)));
    let (listener, address) = listen().await;
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(app);
    tokio::spawn(axum::serve(listener, service).into_future());
    let stream = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(stream).await, "127.0.0.1");
}

#[cfg(unix)]
#[tokio::test]
async fn the_peer_of_a_unix_socket_is_trusted_by_name() {
    use tokio::net::{UnixListener, UnixStream};

    for (at, (proxies, expected)) in [(&["unix"][..], BELIEVED), (&["127.0.0.1", "::1"], "- - -")]
        .into_iter()
        .enumerate()
    {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("tower-sso-{}-{at}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let service = sso(proxies).into_axum(routes());
        tokio::spawn(axum::serve(listener, service).into_future());
        let stream = UnixStream::connect(&path).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(ask(stream).await, expected, "{proxies:?}");
    }
}

/// What `/who` answers to a request with these headers and this in its extensions.
async fn answer<E>(sso: &Sso, headers: &[(&str, &str)], peer: E) -> String
where
    E: Clone + Send + Sync + 'static,
{
    let mut request = http::Request::get("/who");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.extension(peer).body(axum::body::Body::empty());
    let service = sso.into_axum(routes());
    let response = tower::ServiceExt::oneshot(service, request.unwrap()).await;
    let body = axum::body::to_bytes(response.unwrap().into_body(), 1000).await;
    String::from_utf8(body.unwrap().into()).unwrap()
}

#[tokio::test]
async fn what_a_server_says_of_the_peer_comes_before_connect_info() {
    let sso = sso(&["10.0.0.0/8"]);
    let lines = [("x-forwarded-for", CLIENT)];
    let proxy: SocketAddr = "[::ffff:10.0.0.1]:80".parse().unwrap();
    assert_eq!(
        answer(&sso, &lines, ConnectInfo(proxy)).await,
        "192.0.2.1 - -"
    );
    let peer = PeerAddress::from(proxy);
    assert_eq!(peer.ip(), Some(IpAddr::from([10, 0, 0, 1])));
    assert_eq!(answer(&sso, &lines, peer).await, "192.0.2.1 - -");

    let mut request = http::Request::get("/who").header("x-forwarded-for", CLIENT);
    let extensions = request.extensions_mut().unwrap();
    extensions.insert(ConnectInfo(proxy));
    extensions.insert(PeerAddress::from(IpAddr::from([203, 0, 113, 9])));
    let request = request.body(axum::body::Body::empty()).unwrap();
    let service = sso.into_axum(routes());
    let response = tower::ServiceExt::oneshot(service, request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 1000)
        .await
        .unwrap();
    assert_eq!(body, "203.0.113.9 - -");
}

#[tokio::test]
async fn the_family_of_headers_is_the_set_ups_choice() {
    let lines = [
        ("x-forwarded-for", CLIENT),
        ("x-forwarded-proto", "http"),
        ("forwarded", "for=192.0.2.2;proto=https;host=b.example"),
    ];
    let peer = PeerAddress::from(IpAddr::from([10, 0, 0, 1]));
    for (value, expected) in [
        ("", "192.0.2.1 http -"),
        ("x-forwarded", "192.0.2.1 http -"),
        ("forwarded", "192.0.2.2 https b.example"),
    ] {
        let sso = tower_sso::SsoBuilder::from_lookup(|name| match name {
            "SSO_ISSUER" => Some(App::IDP.into()),
            "SSO_CLIENT_ID" => Some("app".into()),
            "SSO_BASE_URL" => Some("http://127.0.0.1:3000".into()),
            "SSO_TRUSTED_PROXIES" => Some("192.0.2.9, 10.0.0.0/8".into()),
            "SSO_FORWARDED_HEADERS" => Some(value.into()),
            _ => None,
        });
        let sso = sso.and_then(tower_sso::SsoBuilder::build).unwrap();
        assert_eq!(answer(&sso, &lines, peer).await, expected, "{value}");
    }
    assert_eq!(ForwardedHeaders::default(), ForwardedHeaders::XForwarded);
}

/// An app that is reached through a proxy at 10.0.0.1, which speaks for [`CLIENT`].
fn behind(proxies: &[&str]) -> App {
    let app = App::with(|builder| builder.trusted_proxies(proxies.iter().copied()));
    let service = ServiceBuilder::new()
        .map_request(|mut request: http::Request<axum::body::Body>| {
            let peer = PeerAddress::from(IpAddr::from([10, 0, 0, 1]));
            request.extensions_mut().insert(peer);
            let headers: &mut HeaderMap = request.headers_mut();
            headers.append("x-forwarded-for", CLIENT.parse().unwrap());
            request
        })
        .service(app.sso.into_axum(app.routes()));
    app.serve(service);
    app
}

#[tokio::test]
async fn each_audit_event_names_the_client() {
    for (proxies, client) in [(&["10.0.0.1"][..], CLIENT), (&[], "10.0.0.1")] {
        let log = Log::start();
        let app = behind(proxies);
        app.sign_in("/protected").await;
        app.visit("/admin").await;
        app.person("alice", &["pwd", "otp", "mfa"]);
        app.sign_in("/mfa").await;
        let callback = app.until_callback("/auth/login").await;
        let forged = app
            .browser
            .visit_from("https://evil.example/", App::URL)
            .await;
        let forged = forged.follow("/auth/logout").method(Method::POST);
        forged.header("sec-fetch-site", "cross-site").await;
        let asked = app.visit("/auth/logout").await;
        asked.submit(&asked.only_form()).await;
        app.browser.stranger().visit(&callback).await;
        let denied = tower_sso::simulator::Fault::AuthorizeError("access_denied".into(), None);
        app.idp().set_fault(denied);
        app.visit("/protected").await;

        let events = log.audit();
        for (event, outcome) in [
            ("sign_in", "success"),
            ("step_up", "success"),
            ("sign_in", "failure"),
            ("refusal", "sign_in"),
            ("refusal", "forbidden"),
            ("refusal", "cross_site"),
            ("sign_out", "success"),
        ] {
            let found = events
                .iter()
                .any(|e| e["event"] == event && e["outcome"] == outcome);
            assert!(found, "no {event} {outcome} in {events:?}");
        }
        for event in events {
            assert_eq!(
                event.get("client").map(String::as_str),
                Some(client),
                "{event:?}"
            );
        }
    }
}

/// The usual mistake of a set-up, told once; a stranger can't fill the log with it.
#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_warned_of_once() {
    for (proxies, count) in [(&[][..], 1), (&["10.0.0.2"], 1), (&["10.0.0.1"], 0)] {
        let log = Log::start();
        let app = behind(proxies);
        app.sign_in("/protected").await;
        app.visit("/auth/login").await;
        app.visit("/admin").await;
        let lines = log.take().into_iter();
        let lines = lines.filter(|line| line.target.contains("forwarded"));
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.len(), count, "{proxies:?} {lines:?}");
        for line in lines {
            assert_eq!(line.level, Level::WARN);
            assert!(line.fields["message"].contains("SSO_TRUSTED_PROXIES"));
            assert!(!format!("{line:?}").contains(CLIENT), "no value is logged");
        }
    }
}

/// `http://localhost:3000` for `http://127.0.0.1:3000`: the cookie stays where the sign-in began.
#[tokio::test]
async fn a_page_without_its_cookies_names_the_right_address() {
    let app = App::with(|builder| builder.base_url(App::PREFIXED));
    app.serve(app.sso.into_axum(app.routes()));
    let page = app.visit("/app/auth/callback?code=a&state=b").await;
    assert_eq!(page.status, 400);
    let address = format!("{}/", App::PREFIXED);
    assert!(page.text().contains(&address), "{}", page.html());
    let request = app.visit("/app/auth/callback?code=a&state=b");
    let page = request.header("x-forwarded-host", "evil.example").await;
    assert!(!page.html().contains("evil"), "{}", page.html());
}
