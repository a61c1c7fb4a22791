//! Where the layers stand among axum's routers.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, Response};
use tower::{Layer, service_fn};
use tower_sso::{Auth, Policy, Rejection, RejectionKind, RequireLayer, User};

use crate::support::App;

/// A service that is no router and names its user.
async fn whoami(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let user = Auth::of(request.extensions()).and_then(Auth::user);
    let name = user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned());
    Ok(Response::new(Body::from(name)))
}

fn login() -> RequireLayer {
    RequireLayer::new(Policy::login())
}

#[tokio::test]
async fn the_layer_is_last_on_the_outermost_router() {
    let app = App::new();
    app.serve(app.routes().layer(app.sso.layer()));
    app.sign_in("/protected?tab=2").await;
    assert_eq!(app.visit("/").await.html(), "alice");
    assert_eq!(app.visit("/auth/session").await.json()["signed_in"], true);
}

#[tokio::test]
async fn protected_routers_may_be_nested_freely() {
    let app = App::new();
    let deep = Router::new().nest("/two", app.routes());
    let all_of_it = Router::new()
        .route("/", get(|| async { "in" }))
        .layer(login());
    let router = Router::new().nest("/one", deep).nest("/closed", all_of_it);
    app.serve(router.layer(app.sso.layer()));

    assert_eq!(app.visit("/closed").no_follow().await.status, 303);
    app.sign_in("/one/two/protected?tab=2").await;
    assert_eq!(app.visit("/closed").await.html(), "in");
}

#[tokio::test]
async fn a_protected_service_may_be_nested() {
    let app = App::new();
    let files = login().layer(service_fn(whoami));
    let router = Router::new().nest_service("/files", files);
    app.serve(router.layer(app.sso.layer()));
    assert_eq!(app.sign_in("/files/a/b?c").await.html(), "alice");
}

#[tokio::test]
async fn routers_may_be_merged() {
    let app = App::new();
    let reports = Router::new().route("/reports", get(|| async { "reports" }));
    let router = Router::new()
        .merge(app.routes())
        .merge(reports.layer(login()));
    app.serve(router.layer(app.sso.layer()));
    app.sign_in("/protected").await;
    assert_eq!(app.visit("/reports").await.html(), "reports");
}

#[tokio::test]
async fn a_fallback_can_be_protected_and_hides_no_endpoint() {
    let app = App::new();
    let router = Router::new()
        .route("/", get(|| async { "public" }))
        .fallback_service(login().layer(service_fn(whoami)));
    app.serve(router.layer(app.sso.layer()));
    assert_eq!(app.visit("/").await.html(), "public");
    assert_eq!(app.visit("/auth/session").await.json()["signed_in"], false);
    assert_eq!(app.visit("/auth/nothing").await.status, 404);
    assert_eq!(app.sign_in("/nowhere/at?all").await.html(), "alice");
}

#[tokio::test]
async fn what_is_not_there_is_a_plain_404() {
    let app = App::new();
    app.serve(app.routes().layer(app.sso.layer()));
    for path in ["/nowhere", "/authentic", "/auth"] {
        let page = app.visit(path).await;
        assert_eq!(page.status, 404, "{path}");
        assert_eq!(page.header("cache-control"), None, "{path}");
    }
    app.sign_in("/protected").await;
    assert_eq!(app.visit("/nowhere").await.header("cache-control"), None);
}

#[tokio::test]
async fn a_head_is_treated_as_the_get_would_be() {
    let app = App::new();
    let head = |path| app.visit(path).method(Method::HEAD).no_follow();
    let page = head("/protected").await;
    assert_eq!(page.status, 303);
    assert!(page.location().unwrap().as_str().starts_with(App::IDP));
    app.sign_in("/protected").await;
    let page = head("/protected").await;
    assert_eq!((page.status.as_u16(), page.body.len()), (200, 0));
}

#[tokio::test]
async fn a_route_that_was_added_after_the_layer_lets_nobody_in() {
    let app = App::new();
    let extracts = get(|user: User| async move { user.subject().to_owned() });
    let router = app.routes().layer(app.sso.layer());
    app.serve(
        router
            .route("/late", get(|| async { "in" }).layer(login()))
            .route("/late-too", extracts),
    );
    app.sign_in("/protected").await;
    for path in ["/late", "/late-too"] {
        let page = app.visit(path).await;
        assert_eq!(page.status, 500, "{path}");
        let rejection = page.extensions.get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::NoLayer);
    }
}

#[tokio::test]
async fn the_endpoints_may_stand_beside_a_router_with_the_layer() {
    let app = App::new();
    let area = app.routes().layer(app.sso.layer());
    let open = Router::new().route("/open", get(|| async { "open" }));
    app.serve(open.merge(app.sso.routes()).merge(area));
    assert_eq!(app.visit("/open").await.html(), "open");
    assert_eq!(app.visit("/auth/session").await.json()["signed_in"], false);
    app.sign_in("/protected?tab=2").await;
}

#[tokio::test]
async fn a_nested_router_with_the_layer_comes_back_to_the_whole_path() {
    let app = App::new();
    let area = app.routes().layer(app.sso.layer());
    let router = Router::new().nest("/area", area).merge(app.sso.routes());
    app.serve(router);
    app.sign_in("/area/protected?tab=2").await;

    let paths = get(|auth: axum::Extension<Auth>| async move {
        auth.original_path().unwrap_or_default().to_owned()
    });
    let area = Router::new().route("/path", paths).layer(app.sso.layer());
    app.serve(Router::new().nest("/area", area));
    assert_eq!(app.visit("/area/path?a=b").await.html(), "/area/path?a=b");
}
