//! OPTIONS, and a `CorsLayer` on either side of ours: a script of an allowed origin can read why it was
//! refused, and its preflight, which never has a cookie, is not taken for a stranger's request.

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt;
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt};
use tower_http::cors::CorsLayer;
use tower_sso::test_util::SignedIn;
use tower_sso::{Policy, Rejection, RejectionKind, RequireLayer};

use crate::support::App;

const PARTNER: &str = "https://partner.example";

type Service = BoxCloneSyncService<Request<Body>, Response<Body>, std::convert::Infallible>;

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin([HeaderValue::from_static(PARTNER)])
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
}

fn login() -> RequireLayer {
    RequireLayer::new(Policy::login())
}

fn routes() -> Router {
    Router::new().route("/api", any(|| async { "data" }).layer(login()))
}

/// Around ours, which is how tower-http is told to be used.
fn outside(app: &App) -> Service {
    BoxCloneSyncService::new(cors().layer(app.sso.into_axum(routes())))
}

/// Between ours and the routes.
fn between(app: &App) -> Service {
    BoxCloneSyncService::new(app.sso.into_axum(routes().layer(cors())))
}

/// Behind the policy, where it can't do its work.
fn inside(app: &App) -> Service {
    let api = Router::new().route("/api", any(|| async { "data" }));
    BoxCloneSyncService::new(app.sso.into_axum(api.layer(cors()).layer(login())))
}

fn without(app: &App) -> Service {
    BoxCloneSyncService::new(app.sso.into_axum(routes()))
}

/// What a page at `origin` makes a browser send.
fn asks(method: Method, path: &str, origin: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("origin", origin)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "cors")
}

/// Fetch Standard, CORS preflight: no cookies ever.
fn preflight(origin: &str) -> http::request::Builder {
    asks(Method::OPTIONS, "/api", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
}

async fn send(service: &Service, request: http::request::Builder) -> Response<Bytes> {
    let request = request.body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

/// Fetch Standard, CORS check: what a script may read of a request with credentials.
fn may_read(response: &Response<Bytes>, origin: &str) -> bool {
    let headers = response.headers();
    headers
        .get_all("access-control-allow-origin")
        .iter()
        .eq([origin])
        && headers
            .get_all("access-control-allow-credentials")
            .iter()
            .eq(["true"])
}

fn kind(response: &Response<Bytes>) -> Option<RejectionKind> {
    let rejection = response.extensions().get::<Rejection>();
    rejection.map(Rejection::kind)
}

#[tokio::test]
async fn a_preflight_without_a_session_is_answered_by_the_cors_layer() {
    let app = App::new();
    for service in [outside(&app), between(&app)] {
        let allowed = send(&service, preflight(PARTNER)).await;
        assert_eq!((allowed.status().as_u16(), kind(&allowed)), (200, None));
        assert!(may_read(&allowed, PARTNER));
        assert_eq!(
            allowed.headers()["access-control-allow-methods"],
            "GET,POST"
        );
        let other = send(&service, preflight("https://evil.example")).await;
        assert!(!may_read(&other, "https://evil.example"));
        assert_eq!(other.body(), "", "nothing of the route is told");
    }
}

/// So the layer belongs outside: a preflight is an anonymous request to whatever stands before it.
#[tokio::test]
async fn a_cors_layer_behind_the_policy_is_never_asked() {
    let app = App::new();
    let refused = send(&inside(&app), preflight(PARTNER)).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(kind(&refused), Some(RejectionKind::SignIn));
    assert!(!may_read(&refused, PARTNER));
}

#[tokio::test]
async fn a_script_of_an_allowed_origin_can_read_why_it_was_refused() {
    let app = App::new();
    let cookie = app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
    for service in [outside(&app), between(&app)] {
        let nobody = send(&service, asks(Method::GET, "/api", PARTNER)).await;
        assert_eq!(nobody.status(), 401);
        assert!(may_read(&nobody, PARTNER));
        assert_eq!(nobody.headers()["content-type"], "application/problem+json");
        let problem: serde_json::Value = serde_json::from_slice(nobody.body()).unwrap();
        assert_eq!(problem["login_url"], "/auth/login?return_to=%2F");

        // The layer allows the origin to ask, which is not to use the session for a change.
        let post = asks(Method::POST, "/api", PARTNER).header("cookie", &cookie);
        let forged = send(&service, post).await;
        assert_eq!(forged.status(), 403);
        assert_eq!(kind(&forged), Some(RejectionKind::CrossSite));
        assert!(may_read(&forged, PARTNER));

        for answer in [&nobody, &forged] {
            let vary = answer.headers().get_all("vary").iter();
            let vary: Vec<_> = vary.map(|line| line.to_str().unwrap()).collect();
            let vary = vary.join(",").to_ascii_lowercase();
            assert!(vary.contains("origin"), "{vary}");
            assert!(vary.contains("cookie"), "{vary}");
            assert_eq!(answer.headers()["cache-control"], "private, no-store");
        }
        let evil = send(&service, asks(Method::GET, "/api", "https://evil.example")).await;
        assert_eq!(evil.status(), 401);
        assert!(!may_read(&evil, "https://evil.example"));
    }
}

#[tokio::test]
async fn a_listed_origin_that_cors_allows_may_change_things() {
    let app = App::with(|builder| builder.add_allowed_origin(PARTNER));
    let cookie = app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
    for service in [outside(&app), between(&app)] {
        let post = asks(Method::POST, "/api", PARTNER).header("cookie", &cookie);
        let reached = send(&service, post).await;
        assert_eq!(
            (reached.status().as_u16(), &reached.body()[..]),
            (200, &b"data"[..])
        );
        assert!(may_read(&reached, PARTNER));
    }
}

/// The endpoints are ours: a layer for the app's routes opens them to nobody, one around all does.
#[tokio::test]
async fn the_endpoints_are_opened_only_by_a_layer_around_them() {
    let app = App::new();
    let cookie = app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
    let session = || asks(Method::GET, "/auth/session", PARTNER).header("cookie", &cookie);
    let opened = send(&outside(&app), session()).await;
    assert!(may_read(&opened, PARTNER));
    let closed = send(&between(&app), session()).await;
    assert_eq!(closed.status(), 200);
    assert_eq!(closed.headers().get("access-control-allow-origin"), None);
}

/// RFC 9110 section 9.3.7: a request for what a resource can do, which a policy guards like the resource.
#[tokio::test]
async fn a_plain_options_is_a_request_like_any_other() {
    let app = App::new();
    let service = without(&app);
    let options = |path| Request::builder().method(Method::OPTIONS).uri(path);
    let nobody = send(&service, options("/api")).await;
    assert_eq!(
        (nobody.status().as_u16(), kind(&nobody)),
        (401, Some(RejectionKind::SignIn))
    );
    assert_eq!(nobody.headers().get("set-cookie"), None);
    let cookie = app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
    let ada = send(&service, options("/api").header("cookie", cookie)).await;
    assert_eq!(
        (ada.status().as_u16(), &ada.body()[..]),
        (200, &b"data"[..])
    );
    for (path, allow) in [
        ("/auth/login", "GET, HEAD, POST"),
        ("/auth/callback", "GET, HEAD, POST"),
        ("/auth/logout", "GET, HEAD, POST"),
        ("/auth/session", "GET, HEAD"),
        ("/auth/logged-out", "GET, HEAD"),
    ] {
        let answer = send(&service, options(path)).await;
        assert_eq!(answer.status(), 405, "{path}");
        assert_eq!(answer.headers()["allow"], allow, "{path}");
    }
    // An extractor guards the handler's own methods only, so the router answers by itself.
    let extracts = get(|_: tower_sso::User| async { "data" });
    let router = Router::new().route("/own", extracts);
    let service = BoxCloneSyncService::new(app.sso.into_axum(router));
    assert_eq!(send(&service, options("/own")).await.status(), 405);
}
