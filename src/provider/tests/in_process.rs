//! The client that needs no socket.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use bytes::Bytes;

use crate::provider::{DEFAULT_MAX_BODY, HttpClient as _, HttpErrorKind, InProcessClient};

#[tokio::test]
async fn a_service_in_this_process_answers_without_a_socket() {
    let echo = post(|body: String| async move { (StatusCode::CREATED, body) });
    let large = get(|| async { vec![b' '; DEFAULT_MAX_BODY + 1] });
    let router = Router::new().route("/echo", echo).route("/large", large);
    let client = InProcessClient::new(router);
    let call = |method: &str, path: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://idp.example.com{path}"))
            .body(Bytes::from_static(b"hello"))
            .unwrap();
        client.call(request)
    };
    let answer = call("POST", "/echo").await.unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(&answer.body()[..], b"hello");
    let error = call("GET", "/large").await.unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::TooLarge);
}
