//! Policy.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, StatusCode};
use tower::{Layer as _, ServiceExt as _};
use tower_sso::simulator::Endpoint;
use tower_sso::{Policy, Rejection, RejectionKind, RequireLayer, Session, SsoLayer, User};

use super::{Mood, body_of, kind, on_hostile_store, serve_routes};
use crate::support::{App, Log, Page};

/// Spellings of `/admin/panel`, and of what is beside it.
const SPELLINGS: &[&str] = &[
    "/admin/panel",
    "/admin/panel/",
    "/admin/panel//",
    "//admin/panel",
    "/admin//panel",
    "/./admin/panel",
    "/admin/./panel",
    "/admin/../admin/panel",
    "/public/../admin/panel",
    "/public/..%2fadmin/panel",
    "/public/%2e%2e/admin/panel",
    "/admin/panel;x=1",
    "/admin;x=1/panel",
    "/admin/panel%3bx",
    "/%61dmin/panel",
    "/admin/p%61nel",
    "/admin%2fpanel",
    "/admin%2Fpanel",
    "/admin/panel%2f",
    "/admin%5cpanel",
    "/admin/panel%00",
    "/admin/panel%20",
    "/admin/panel.",
    "/admin/panel.json",
    "/admin/panel?x=/public",
    "/admin/panel?/auth/login",
    "/ADMIN/panel",
    "/Admin/Panel",
    "/auth/../admin/panel",
    "/auth/login/../../admin/panel",
    "/auth/..%2f..%2fadmin/panel",
    "/auth//../admin/panel",
    "/auth%2f..%2fadmin/panel",
    "/static/..;/admin/panel",
    "https://app.example.com/admin/panel",
    "https://evil.example/admin/panel",
];

/// An app with nested routers, wildcards and fallbacks; what is protected counts.
fn nested(count: &Arc<AtomicUsize>) -> Router {
    let protected = || {
        let count = Arc::clone(count);
        get(move || async move {
            count.fetch_add(1, Ordering::SeqCst);
            "private"
        })
    };
    let admin = Router::new()
        .route("/panel", protected())
        .route("/files/{*path}", protected())
        .fallback_service(protected())
        .layer(RequireLayer::new(Policy::login()));
    let by_name = Router::new().route(
        "/{name}/inside",
        protected().layer(RequireLayer::new(Policy::login())),
    );
    Router::new()
        .nest("/admin", admin)
        .nest("/deep", Router::new().nest("/er", by_name))
        .route("/auth/session", protected())
        .route("/public/{*rest}", get(|| async { "public" }))
        .route("/", get(|| async { "public" }))
}

/// Policies by path pattern have been passed by another spelling of the path, in a dozen gateways. Guard:
/// `RequireLayer` is on the route, after the router has decided what a path means.
#[tokio::test]
async fn threat_28_another_spelling_of_a_path_passes() {
    let app = App::new();
    let count = Arc::new(AtomicUsize::new(0));
    let rewritten = nested(&count);
    // A layer that rewrites paths on their way to the router changes what they mean to it, too.
    let rewriting = tower::util::MapRequestLayer::new(|mut request: Request<Body>| {
        let plain = request
            .uri()
            .path()
            .to_lowercase()
            .replace("%2f", "/")
            .replace("//", "/");
        *request.uri_mut() = plain.trim_end_matches('/').parse().unwrap_or_default();
        request
    });
    let rewriting = rewriting.layer(rewritten);
    for path in SPELLINGS {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            let request = || {
                let request = Request::builder().method(&method).uri(*path);
                request.body(Body::empty()).unwrap()
            };
            let service = app.sso.into_axum(nested(&count));
            let plain = service.oneshot(request()).await.unwrap().status();
            let service = app.sso.layer().layer(rewriting.clone());
            let rewritten = service.oneshot(request()).await.unwrap().status();
            for status in [plain, rewritten] {
                let refused = status.is_client_error() || status.is_redirection();
                let public = status == 200 && !path.to_lowercase().contains("evil");
                assert!(refused || public, "{method} {path}: {status}");
            }
            assert_eq!(count.load(Ordering::SeqCst), 0, "{method} {path}");
        }
    }
    for path in [
        "/admin",
        "/admin/anything",
        "/admin/files/a/b",
        "/deep/er/x/inside",
        "/deep/er/%2e%2e/inside",
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app
            .sso
            .into_axum(nested(&count))
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(count.load(Ordering::SeqCst), 0, "{path}");
    }

    serve_routes(&app, nested(&count));
    let page = app.visit("/admin/panel?x=1").await;
    assert_eq!((page.status.as_u16(), page.url.query()), (200, Some("x=1")));
    assert_eq!(count.load(Ordering::SeqCst), 1, "who is signed in comes in");
    let page = app.visit("/auth/session").await;
    assert_eq!(
        page.json()["signed_in"],
        true,
        "under /auth we answer, and no route of the app"
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// CVE-2022-29229: the answer was a redirect, and the handler ran all the same. Guard: `RequireService::call`
/// calls the inner service in one arm only.
#[tokio::test]
async fn threat_29_the_handler_runs_on_a_request_that_was_refused() {
    let app = App::new();
    let home = app.visit("/").await;
    let everybody_asks = async |path: &str, home: &Page| {
        let mut pages = Vec::new();
        for method in [Method::GET, Method::HEAD, Method::POST] {
            pages.push(app.visit(path).method(method.clone()).no_follow().await);
            pages.push(home.fetch(path).method(method.clone()).await);
            pages.push(
                home.fetch(path)
                    .method(method.clone())
                    .header("hx-request", "true")
                    .await,
            );
            pages.push(home.follow(path).method(method.clone()).no_follow().await);
            pages.push(home.frame(path).method(method.clone()).no_follow().await);
            let grpc = home.fetch(path).method(method.clone());
            pages.push(grpc.header("content-type", "application/grpc").await);
            pages.push(
                app.visit(path)
                    .method(method)
                    .header("accept", "text/event-stream")
                    .await,
            );
        }
        pages.push(home.prefetch(path).no_follow().await);
        pages.push(home.websocket(path).await);
        pages.push(home.load(path).await);
        pages
    };
    for path in ["/protected", "/mfa", "/recent", "/acr", "/admin"] {
        for page in everybody_asks(path, &home).await {
            assert_eq!(kind(&page), Some(RejectionKind::SignIn), "{path}");
        }
    }
    assert_eq!(app.handled(), 0, "nobody was signed in");

    app.sign_in("/protected").await;
    let handled = app.handled();
    app.clock.advance(Duration::from_secs(61));
    for (path, expected) in [
        ("/mfa", RejectionKind::StepUp),
        ("/recent", RejectionKind::StepUp),
        ("/acr", RejectionKind::StepUp),
        ("/admin", RejectionKind::Forbidden),
    ] {
        for page in everybody_asks(path, &home).await {
            assert_eq!(kind(&page), Some(expected), "{path}");
        }
    }
    for path in [
        "/auth/login",
        "/auth/session",
        "/auth/logged-out",
        "/auth/nothing",
    ] {
        app.visit(path).no_follow().await;
    }
    assert_eq!(app.handled(), handled, "not one was let in");
}

/// As before, for the extractors: what a handler does comes after its arguments. Guard: `extract::session`.
#[tokio::test]
async fn threat_29_a_handler_runs_without_the_user_it_asked_for() {
    let app = App::new();
    let count = Arc::new(AtomicUsize::new(0));
    let (by_user, by_session) = (Arc::clone(&count), Arc::clone(&count));
    let routes = Router::new()
        .route(
            "/user",
            get(move |_: User| async move { by_user.fetch_add(1, Ordering::SeqCst).to_string() }),
        )
        .route(
            "/session",
            get(move |_: Session| async move { by_session.fetch_add(1, Ordering::SeqCst).to_string() }),
        );
    serve_routes(&app, routes);
    for path in ["/user", "/session"] {
        assert_eq!(app.visit(path).no_follow().await.status, 303);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let without_us = app.routes().oneshot(request).await.unwrap();
        assert_ne!(without_us.status(), 200);
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    app.sign_in("/user").await;
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// A store that fails is read as "no such session" and everybody is sent to sign in, or as "whoever was
/// here". Guard: `State::Unknown` in `SsoService::call_after_load`.
#[tokio::test]
async fn threat_30_a_failing_store_signs_people_in_or_out() {
    let (app, store) = on_hostile_store();
    app.sign_in("/protected").await;
    let cookie = app.session_cookie();
    let home = app.visit("/").await;
    store.set(Mood::Fails);
    let handled = app.handled();
    for path in [
        "/protected",
        "/mfa",
        "/admin",
        "/extractor",
        "/",
        "/auth/session",
        "/auth/login",
    ] {
        for page in [app.visit(path).no_follow().await, home.fetch(path).await] {
            assert_eq!(page.status, 503, "{path}: {}", page.html());
            assert!(page.header("retry-after").is_some(), "{path}");
            assert_eq!(
                page.header("cache-control").as_deref(),
                Some("private, no-store")
            );
            assert_eq!(page.set_cookies(), [""; 0], "{path}");
        }
    }
    let grpc = home
        .fetch("/protected")
        .header("content-type", "application/grpc")
        .await;
    assert_eq!(grpc.header("grpc-status").as_deref(), Some("14"));
    assert_eq!(home.prefetch("/protected").no_follow().await.status, 503);
    assert_eq!(home.websocket("/protected").await.status, 503);
    assert_eq!(
        app.visit("/static").await.status,
        200,
        "what asks nobody works"
    );
    assert_eq!(app.handled(), handled);
    assert_eq!(app.session_cookie(), cookie);

    store.set(Mood::Works);
    assert_eq!(
        app.visit("/protected").no_follow().await.status,
        200,
        "still signed in"
    );
}

/// As before, while somebody signs in. Guard: the `?` after `Sessions::use_once` and `Sessions::make`.
#[tokio::test]
async fn threat_30_a_sign_in_succeeds_without_its_store() {
    let (app, store) = on_hostile_store();
    let callback = app.until_callback("/protected").await;
    store.set(Mood::Fails);
    let page = app.browser.visit(&callback).no_follow().await;
    assert_eq!(page.status, 503, "{}", page.html());
    assert_eq!(app.session_cookie(), None);
    assert_eq!(
        app.idp().requests(Endpoint::Token),
        0,
        "a code that can't be marked is not sent"
    );
    store.set(Mood::Works);
    app.sign_in("/protected").await;
}

/// Somebody forgot the outer layer, and the inner one takes that for a yes. Guard: the `None` arm of
/// `RequireService::call` and of the extractors.
#[tokio::test]
async fn threat_30_without_the_outer_layer_everybody_passes() {
    let app = App::new();
    let log = Log::start();
    for path in ["/protected", "/mfa", "/admin", "/extractor", "/"] {
        let request = Request::get(path).header("accept", "text/html");
        let response = app
            .routes()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(
            response.status(),
            StatusCode::INTERNAL_SERVER_ERROR,
            "{path}"
        );
        let kind = response
            .extensions()
            .get::<Rejection>()
            .map(Rejection::kind);
        assert_eq!(kind, Some(RejectionKind::NoLayer), "{path}");
        assert!(!body_of(response).await.contains("alice"));
        let lines = log.take();
        let [line] = lines.as_slice() else {
            panic!("{path}: one line that says what is wrong: {lines:?}");
        };
        assert_eq!(line.level, tracing::Level::ERROR);
        let message = &line.fields["message"];
        assert!(message.contains("no SsoLayer around"), "{message}");
    }
    assert_eq!(app.handled(), 0);
    // An `SsoLayer` inside of the guard does not help it.
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let inner = Router::new().route(
        "/x",
        get(move || async move { counted.fetch_add(1, Ordering::SeqCst).to_string() }),
    );
    let layer: SsoLayer = app.sso.layer();
    let wrong = inner.layer(layer).layer(RequireLayer::new(Policy::login()));
    let request = Request::get("/x").body(Body::empty()).unwrap();
    assert_eq!(wrong.oneshot(request).await.unwrap().status(), 500);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
