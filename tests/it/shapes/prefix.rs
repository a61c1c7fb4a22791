//! A base URL with a path prefix: whoever strips it, and whether anybody does.

use axum::Router;
use axum::body::Body;
use http::{Request, Uri};
use tower::{Layer, ServiceExt};

use crate::support::{App, SameSite};

fn prefixed() -> App {
    App::with(|builder| builder.base_url(App::PREFIXED))
}

/// Signs in and out; every URL on the way is under the prefix.
async fn the_way_in_and_out(app: &App) {
    let page = app.sign_in("/app/protected?tab=2").await;
    assert!(
        page.hop("https://app.example.com/app/auth/callback?")
            .is_some()
    );
    let cookie = app.browser.cookie(App::COOKIE).unwrap();
    assert_eq!(
        (cookie.path.as_str(), cookie.same_site),
        ("/", SameSite::Lax)
    );

    let problem = page.fetch("/app/mfa").await.json();
    assert_eq!(
        problem["login_url"],
        "/app/auth/login?return_to=%2Fapp%2Fprotected%3Ftab%3D2&multi_factor=true"
    );
    assert_eq!(app.visit("/app/auth/login").await.url.path(), "/app/");

    let asked = app.visit("/app/auth/logout").await;
    assert_eq!(asked.only_form().action, "/app/auth/logout");
    let left = asked.submit(&asked.only_form()).await;
    assert_eq!(left.url.path(), "/app/auth/logged-out");
    let targets: Vec<_> = left.links().into_iter().map(|link| link.href).collect();
    assert_eq!(targets, ["/app/", "/app/auth/login"]);
    assert!(app.session_cookie().is_none());
}

#[tokio::test]
async fn the_layer_inside_of_a_nested_service() {
    let app = prefixed();
    let service = app.sso.layer().layer(app.routes());
    app.serve(Router::new().nest_service("/app", service));
    the_way_in_and_out(&app).await;
}

#[tokio::test]
async fn a_proxy_that_strips_the_prefix() {
    let app = prefixed();
    let strip = |mut request: Request<Body>| {
        let path = request.uri().path_and_query().unwrap().as_str();
        let rest = path.strip_prefix("/app").unwrap_or("/not-ours");
        *request.uri_mut() = rest.parse::<Uri>().unwrap();
        request
    };
    app.serve(app.sso.into_axum(app.routes()).map_request(strip));
    the_way_in_and_out(&app).await;
}

#[tokio::test]
async fn a_proxy_that_leaves_the_prefix() {
    let app = prefixed();
    let router = Router::new().nest("/app", app.routes());
    app.serve(app.sso.into_axum(router));
    the_way_in_and_out(&app).await;
    assert_eq!(app.visit("/application").await.status, 404);
}

#[tokio::test]
async fn the_endpoints_as_a_router_answer_under_the_prefix_and_without_it() {
    let app = prefixed();
    let area = app.routes().layer(app.sso.layer());
    let router = Router::new().nest("/app", area).merge(app.sso.routes());
    app.serve(router);
    the_way_in_and_out(&app).await;
    assert_eq!(app.visit("/auth/session").await.json()["signed_in"], false);
}
