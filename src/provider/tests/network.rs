//! The real client against a real socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Redirect;
use axum::routing::{get, post};
use bytes::Bytes;

use crate::provider::{DEFAULT_MAX_BODY, HttpClient, HttpErrorKind, HttpOptions, ReqwestClient};

/// A deflate stream (RFC 1951) of `length` zero bytes and more: one literal, then copies of 258 bytes
/// from one byte before.
fn gzip_bomb(length: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false]; // last block, fixed codes
    let push = |code: u32, width: u32, bits: &mut Vec<bool>| {
        bits.extend((0..width).rev().map(|bit| (code >> bit) & 1 == 1));
    };
    push(0b0011_0000, 8, &mut bits); // literal 0
    for _ in 0..=length / 258 {
        push(0b1100_0101, 8, &mut bits); // length 258
        push(0, 5, &mut bits); // distance 1
    }
    push(0, 7, &mut bits); // end of block
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let data = bits.chunks(8).map(|byte| {
        byte.iter()
            .rev()
            .fold(0, |byte, bit| (byte << 1) | u8::from(*bit))
    });
    header.into_iter().chain(data).collect()
}

struct Server {
    port: u16,
    calls: Arc<AtomicUsize>,
}

async fn serve() -> Server {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let router = router().layer(axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            counted.fetch_add(1, Ordering::SeqCst);
            next.run(request)
        },
    ));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Server { port, calls }
}

fn router() -> Router {
    let bomb = || async {
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        (encoding, gzip_bomb(2 * DEFAULT_MAX_BODY))
    };
    Router::new()
        .route(
            "/echo",
            post(|body: String| async move { (StatusCode::CREATED, body) }),
        )
        .route(
            "/agent",
            get(|headers: HeaderMap| async move {
                headers[header::USER_AGENT].to_str().unwrap().to_owned()
            }),
        )
        .route("/redirect", get(|| async { Redirect::temporary("/agent") }))
        .route("/exact", get(|| async { vec![b' '; DEFAULT_MAX_BODY] }))
        .route("/large", get(|| async { vec![b' '; DEFAULT_MAX_BODY + 1] }))
        .route("/bomb", get(bomb))
        .route("/down", post(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .route(
            "/slow",
            get(|| async { tokio::time::sleep(Duration::from_secs(60)).await }),
        )
        .route(
            "/trickle",
            get(|| async {
                let endless = http_body_util::StreamBody::new(Trickle);
                Body::new(endless)
            }),
        )
}

/// A body that sends nothing and never ends.
struct Trickle;

impl futures_core::Stream for Trickle {
    type Item = Result<http_body::Frame<Bytes>, std::convert::Infallible>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Pending
    }
}

fn client(total_timeout: Duration) -> ReqwestClient {
    ReqwestClient::new(&HttpOptions {
        total_timeout,
        ..HttpOptions::default()
    })
    .unwrap()
}

impl Server {
    async fn call(
        &self,
        method: &str,
        host: &str,
        path: &str,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, HttpErrorKind> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://{host}:{}{path}", self.port))
            .body(Bytes::from_static(b"hello"))
            .unwrap();
        let answer = client(timeout).call(request).await;
        answer.map_err(|error| error.kind())
    }

    async fn get(&self, path: &str) -> Result<http::Response<Bytes>, HttpErrorKind> {
        self.call("GET", "127.0.0.1", path, Duration::from_secs(5))
            .await
    }
}

#[tokio::test]
async fn a_call_is_made_once_and_answered_as_it_is() {
    let server = serve().await;
    let timeout = Duration::from_secs(5);
    let answer = server
        .call("POST", "127.0.0.1", "/echo", timeout)
        .await
        .unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (201, &b"hello"[..])
    );
    let down = server
        .call("POST", "127.0.0.1", "/down", timeout)
        .await
        .unwrap();
    assert_eq!(down.status(), 503);
    assert_eq!(server.calls.load(Ordering::SeqCst), 2);
    let agent = server.get("/agent").await.unwrap();
    assert!(agent.body().starts_with(b"tower-sso/"));
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let server = serve().await;
    assert_eq!(server.get("/redirect").await.unwrap().status(), 307);
    assert_eq!(server.calls.load(Ordering::SeqCst), 1);
}

/// The environment of this process can't be changed safely: another process runs the test above.
#[test]
fn a_proxy_in_the_environment_is_not_obeyed() {
    let nobody = "http://127.0.0.1:9";
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "provider::tests::network::a_redirect_is_an_answer",
        ])
        .env("http_proxy", nobody)
        .env("all_proxy", nobody)
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn a_body_is_bounded_after_decompression() {
    let server = serve().await;
    assert_eq!(
        server.get("/exact").await.unwrap().body().len(),
        DEFAULT_MAX_BODY
    );
    for path in ["/large", "/bomb"] {
        assert_eq!(
            server.get(path).await.unwrap_err(),
            HttpErrorKind::TooLarge,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_slow_answer_is_given_up_its_body_too() {
    let server = serve().await;
    for path in ["/slow", "/trickle"] {
        let answer = server
            .call("GET", "127.0.0.1", path, Duration::from_millis(200))
            .await;
        assert_eq!(answer.unwrap_err(), HttpErrorKind::Timeout, "{path}");
    }
}

#[tokio::test]
async fn names_under_localhost_are_this_machine() {
    let server = serve().await;
    for host in [
        "localhost",
        "idp.localhost",
        "a.b.LocalHost",
        "idp.localhost.",
    ] {
        let answer = server
            .call("GET", host, "/agent", Duration::from_secs(5))
            .await;
        assert_eq!(answer.unwrap().status(), 200, "{host}");
    }
}

#[tokio::test]
async fn nobody_at_the_port_is_no_connection_and_shows_no_query() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let request = http::Request::get(format!("http://127.0.0.1:{port}/?token=s3cr3t"))
        .body(Bytes::new())
        .unwrap();
    let error = client(Duration::from_secs(5))
        .call(request)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Connect);
    assert!(!format!("{error:?}").contains("s3cr3t"));
}

#[test]
fn a_ca_that_is_none_is_a_fault_of_the_set_up() {
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no certificate", bad] {
        let options = HttpOptions {
            extra_ca: Some(pem.into()),
            ..HttpOptions::default()
        };
        assert!(
            ReqwestClient::new(&options).unwrap_err().is_configuration(),
            "{pem}"
        );
    }
}
