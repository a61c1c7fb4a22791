//! Sessions in a store that is not in this process: the request waits for it, and may be given up.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response, header};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::test_util::SignedIn;
use tower_sso::{Rejection, RejectionKind};

use super::soon;
use crate::support::App;

#[tokio::test]
async fn signs_in_and_out_and_up() {
    let (app, store) = App::with_remote_store();
    app.sign_in("/protected").await;
    assert!(store.loads() > 0, "sessions are in the remote store");
    app.person("alice", &["pwd", "otp", "mfa"]);
    let page = app.sign_in("/mfa").await;
    assert_eq!(page.json()["amr"][1], "otp");
    let asked = app.visit("/auth/logout").await;
    asked.submit(&asked.only_form()).await;
    assert_eq!(app.visit("/").await.html(), "nobody");
}

#[tokio::test]
async fn a_failing_store_says_neither_yes_nor_no() {
    let (app, store) = App::with_remote_store();
    app.sign_in("/protected").await;
    store.set_failing(true);
    for path in ["/protected", "/", "/extractor", "/auth/session"] {
        let page = app.visit(path).await;
        assert_eq!(page.status, 503, "{path}");
        assert!(page.header("retry-after").is_some(), "{path}");
    }
    assert_eq!(app.visit("/static").await.status, 200);
    let page = app.visit("/protected").await;
    let rejection = page.extensions.get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::Unavailable);
    store.set_failing(false);
    assert_eq!(app.visit("/protected").await.status, 200);
}

#[tokio::test]
async fn a_request_without_a_cookie_does_not_wait() {
    let (app, store) = App::with_remote_store();
    store.hold();
    assert_eq!(app.visit("/").await.html(), "nobody");
    assert_eq!(store.loads(), 0);
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_nothing_behind() {
    let (app, store) = App::with_remote_store();
    let cookie = app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let inner = service_fn(move |_: Request<Body>| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, Infallible>(Response::new(Body::empty())) }
    });
    let mut service = app.sso.layer().layer(ConcurrencyLimit::new(inner, 1));
    let mut other = service.clone();
    let request = || {
        let request = Request::get("/").header(header::COOKIE, &cookie);
        request.body(Body::empty()).unwrap()
    };

    store.hold();
    let waiting = tokio::spawn(service.ready().await.unwrap().call(request()));
    while store.loads() == 0 {
        tokio::task::yield_now().await;
    }
    let full = tokio::time::timeout(Duration::ZERO, other.ready()).await;
    assert!(full.is_err(), "the one that waits has the permit");
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    store.let_go();
    let answer = soon(other.ready()).await.unwrap().call(request());
    assert_eq!(answer.await.unwrap().status(), 200);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_goes_on_when_the_browser_hangs_up() {
    let (app, _) = App::with_remote_store();
    let callback = app.until_callback("/protected").await;
    let slow = Fault::Slow(Endpoint::Token, Duration::from_secs(1));
    app.idp().set_fault(slow);
    let browser = app.browser.clone();
    let arriving = tokio::spawn(async move { browser.visit(&callback).await });
    while app.idp().requests(Endpoint::Token) == 0 {
        tokio::task::yield_now().await;
    }
    arriving.abort();
    assert!(arriving.await.unwrap_err().is_cancelled());
    assert_eq!(app.idp().code_grants(), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(app.idp().code_grants(), 1);
}
