//! Bodies that are huge, slow or broken.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;
use tokio_stream::StreamExt as _;
use tower_sso::oidc::ResponseMode;

use super::{send, session};
use crate::support::App;

const KILOBYTE: Bytes = Bytes::from_static(&[b'a'; 1024]);
/// Where a body is read, and what it would lead to.
const READERS: [&str; 3] = ["/auth/callback", "/auth/login", "/auth/logout"];

async fn post(app: &App, path: &str, length: Option<usize>, body: Body) -> Response<Body> {
    let mut request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", session(app));
    if let Some(length) = length {
        request = request.header("content-length", length);
    }
    send(app, request.body(body).unwrap()).await
}

/// After the bad one the app is as it was.
async fn is_as_before(app: &App) {
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 200, "still signed in");
}

#[tokio::test]
async fn ten_megabytes_are_not_read() {
    for path in READERS {
        for length in [None, Some(10 << 20), Some(3)] {
            let app = App::new();
            app.sign_in("/protected").await;
            let pulled = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&pulled);
            let chunks = tokio_stream::iter(0..10 * 1024).map(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
                Ok::<_, io::Error>(KILOBYTE)
            });
            let response = post(&app, path, length, Body::from_stream(chunks)).await;
            assert_eq!(response.status(), 413, "{path} {length:?}");
            let pulled = pulled.load(Ordering::SeqCst);
            assert!(pulled <= 65, "{path} {length:?}: {pulled} kB were read");
            is_as_before(&app).await;
        }
    }
}

/// One chunk that is too large, and one that is not.
#[tokio::test]
async fn the_limit_is_64_kb() {
    for (size, status) in [(64 * 1024, 400), (64 * 1024 + 1, 413)] {
        let app = App::new();
        app.sign_in("/protected").await;
        let response = post(&app, "/auth/callback", None, Body::from(vec![b'a'; size])).await;
        assert_eq!(response.status(), status, "{size}");
    }
}

/// A byte each nine seconds keeps no request open: the time counts for all of it.
#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_given_up_after_ten_seconds() {
    for path in READERS {
        let app = App::new();
        app.sign_in("/protected").await;
        let drops = tokio_stream::iter(0..100).then(async |_| {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Ok::<_, io::Error>(Bytes::from_static(b"a"))
        });
        let began = Instant::now();
        let response = post(&app, path, None, Body::from_stream(Box::pin(drops))).await;
        assert_eq!(response.status(), 408, "{path}");
        assert_eq!(began.elapsed().as_secs(), 10, "{path}");
        is_as_before(&app).await;
    }
}

/// Empty chunks are no progress.
#[tokio::test(start_paused = true)]
async fn a_body_of_nothing_without_end_is_given_up() {
    let app = App::new();
    app.sign_in("/protected").await;
    let nothing = tokio_stream::iter(0..u64::MAX).then(async |_| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok::<_, io::Error>(Bytes::new())
    });
    let body = Body::from_stream(Box::pin(nothing));
    let response = post(&app, "/auth/logout", None, body).await;
    assert_eq!(response.status(), 408);
    is_as_before(&app).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_does_nothing() {
    for path in READERS {
        let app = App::new();
        app.sign_in("/protected").await;
        let parts = [
            Ok(Bytes::from_static(b"return_to=%2F")),
            Err(io::Error::other("the connection is gone")),
        ];
        let body = Body::from_stream(tokio_stream::iter(parts));
        let response = post(&app, path, Some(100), body).await;
        assert_eq!(response.status(), 400, "{path}");
        is_as_before(&app).await;
    }
}

/// The answer of the provider by form: what comes of it too slowly or by half uses nothing up.
#[tokio::test(start_paused = true)]
async fn an_answer_that_came_by_half_can_come_again() {
    let app = App::with(|builder| builder.response_mode(ResponseMode::FormPost));
    let page = app.visit("/protected").await;
    let pairs = page.only_form().pairs();
    let text = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    let cookies = app.browser.cookies().into_iter();
    let cookies: Vec<_> = cookies
        .filter(|cookie| cookie.name.starts_with(App::COOKIE))
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    let half = Bytes::from(text.as_bytes()[..text.len() / 2].to_vec());
    let broken = io::Error::other("the connection is gone");
    let stuck =
        tokio_stream::iter([Ok::<_, io::Error>(half.clone())]).chain(tokio_stream::pending());
    let broken = tokio_stream::iter([Ok(half), Err(broken)]);
    for (body, status) in [
        (Body::from_stream(stuck), 408),
        (Body::from_stream(broken), 400),
    ] {
        let request = Request::post("/auth/callback")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookies.join("; "));
        let response = send(&app, request.body(body).unwrap()).await;
        assert_eq!(response.status(), status);
    }
    let page = page.auto_submit().await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/protected"));
}
