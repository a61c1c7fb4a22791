//! The cross-site rule, whole: each method with each `Sec-Fetch-Site` and each `Origin`, through the app.

use axum::body::Body;
use axum::routing::any;
use http::{Method, Request, Response};
use tower::ServiceExt;
use tower_sso::axum::AxumService;
use tower_sso::test_util::SignedIn;
use tower_sso::{Policy, Rejection, RejectionKind, RequireLayer, User};

use crate::support::App;

const OURS: &str = "https://app.example.com";
const LISTED: &str = "https://friend.example";

/// The columns: what `Origin` says.
const ORIGINS: [Option<&str>; 8] = [
    None,
    Some(OURS),
    Some(LISTED),
    Some("https://evil.example"),
    Some("null"),
    // Near misses of ours and of the listed one: origins are compared whole.
    Some("http://app.example.com"),
    Some("https://app.example.com.evil.example"),
    Some("https://friend.example:8443"),
];

/// What an unsafe request may do that says so in `Sec-Fetch-Site`. `o`: it reaches the handler.
#[rustfmt::skip]
const TABLE: [(Option<&str>, &str); 6] = [
    //                        none ours listed evil null scheme suffix port
    (None,                   "o    o    o      -    -    -      -      -"),
    (Some("none"),           "o    o    o      o    o    o      o      o"),
    (Some("same-origin"),    "o    o    o      o    o    o      o      o"),
    (Some("same-site"),      "-    -    o      -    -    -      -      -"),
    (Some("cross-site"),     "-    -    o      -    -    -      -      -"),
    (Some("Same-Origin"),    "-    -    o      -    -    -      -      -"),
];

async fn app() -> (App, AxumService, String) {
    let app = App::with(|builder| builder.add_allowed_origin(LISTED));
    // In a header, as axum gives the answer to a CONNECT no body.
    let required = any(|| async { [("who", "reached")] }).layer(RequireLayer::new(Policy::login()));
    let extracted = any(|_: User| async { [("who", "reached")] });
    let optional = any(|user: Option<User>| async move {
        let who = user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned());
        [("who", who)]
    });
    let routes = axum::Router::new()
        .route("/required", required)
        .route("/extracted", extracted)
        .route("/optional", optional);
    let cookie = app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
    let service = app.sso.into_axum(routes);
    (app, service, cookie)
}

fn request(method: Method, path: &str, cookie: &str) -> http::request::Builder {
    let mut request = Request::builder().method(method).uri(path);
    if !cookie.is_empty() {
        request = request.header("cookie", cookie);
    }
    request
}

fn from(
    mut request: http::request::Builder,
    site: Option<&str>,
    origin: Option<&str>,
) -> Request<Body> {
    if let Some(site) = site {
        request = request.header("sec-fetch-site", site);
    }
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    request.body(Body::empty()).unwrap()
}

/// The answer, and whom the handler took it for if it ran.
async fn send(service: &AxumService, request: Request<Body>) -> (Response<Body>, Option<String>) {
    let response = service.clone().oneshot(request).await.unwrap();
    let who = response.headers().get("who");
    let who = who.map(|who| who.to_str().unwrap().to_owned());
    (response, who)
}

/// Each cell of the table: site, origin, and whether it passes.
fn cells() -> impl Iterator<Item = (Option<&'static str>, Option<&'static str>, bool)> {
    TABLE.iter().flat_map(|(site, cells)| {
        let passes = cells.split_whitespace().map(|cell| cell == "o");
        let row: Vec<_> = ORIGINS.iter().zip(passes).collect();
        assert_eq!(row.len(), ORIGINS.len());
        row.into_iter()
            .map(|(origin, passes)| (*site, *origin, passes))
    })
}

fn assert_refused(response: &Response<Body>, who: Option<&str>, case: &str) {
    assert_eq!(response.status(), 403, "{case}");
    let rejection = response.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::CrossSite, "{case}");
    assert_eq!(who, None, "{case}");
}

#[tokio::test]
async fn an_unsafe_request_relies_on_the_session_only_from_our_pages() {
    let (_app, service, cookie) = app().await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "PURGE", "post"] {
        let method: Method = method.parse().unwrap();
        for (site, origin, passes) in cells() {
            for path in ["/required", "/extracted", "/optional"] {
                let case = format!("{method} {path} {site:?} {origin:?}");
                let asked = from(request(method.clone(), path, &cookie), site, origin);
                let (response, who) = send(&service, asked).await;
                match (path, passes) {
                    // An optional user is nobody then, and the handler runs all the same.
                    ("/optional", true) => assert_eq!(who.as_deref(), Some("ada"), "{case}"),
                    ("/optional", false) => assert_eq!(who.as_deref(), Some("nobody"), "{case}"),
                    (_, true) => assert_eq!(who.as_deref(), Some("reached"), "{case}"),
                    (_, false) => assert_refused(&response, who.as_deref(), &case),
                }
            }
        }
    }
}

/// RFC 9110 section 9.2.1: links of other sites work.
#[tokio::test]
async fn a_safe_request_may_come_from_anywhere() {
    let (_app, service, cookie) = app().await;
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
        for (site, origin, _) in cells() {
            let asked = from(request(method.clone(), "/required", &cookie), site, origin);
            let (_, who) = send(&service, asked).await;
            let case = format!("{method} {site:?} {origin:?}");
            assert_eq!(who.as_deref(), Some("reached"), "{case}");
        }
    }
}

/// No browser asks whether it may: a WebSocket is opened by any page, with the cookies.
#[tokio::test]
async fn a_web_socket_upgrade_is_not_safe() {
    let (_app, service, cookie) = app().await;
    let upgrades: [(Method, &[(&str, &str)]); 4] = [
        (
            Method::GET,
            &[
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "WebSocket"),
            ],
        ),
        (Method::GET, &[("upgrade", "h2c, websocket")]),
        // RFC 8441: over HTTP/2 there is no `Upgrade`.
        (Method::CONNECT, &[("sec-websocket-version", "13")]),
        (
            Method::GET,
            &[
                ("sec-fetch-mode", "websocket"),
                ("sec-websocket-version", "13"),
            ],
        ),
    ];
    for (method, headers) in upgrades {
        for (site, origin, passes) in cells() {
            let case = format!("{headers:?} {site:?} {origin:?}");
            let mut asked = request(method.clone(), "/required", &cookie);
            for (name, value) in headers {
                asked = asked.header(*name, *value);
            }
            let (response, who) = send(&service, from(asked, site, origin)).await;
            if passes {
                assert_eq!(who.as_deref(), Some("reached"), "{case}");
            } else {
                assert_refused(&response, who.as_deref(), &case);
            }
        }
    }
}

/// Where there is no session there is nothing to forge: they are told to sign in, not that they are
/// forbidden, so that nobody learns from the answer whether somebody is signed in elsewhere.
#[tokio::test]
async fn without_a_session_the_rule_has_nothing_to_say() {
    let (_app, service, _) = app().await;
    for (site, origin, _) in cells() {
        let asked = from(request(Method::POST, "/required", ""), site, origin);
        let (response, _) = send(&service, asked).await;
        assert_eq!(response.status(), 401, "{site:?} {origin:?}");
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::SignIn);
    }
}

/// The sign-out asks the same function.
#[tokio::test]
async fn a_sign_out_obeys_the_same_table() {
    for (site, origin, passes) in cells() {
        let (_app, service, cookie) = app().await;
        let asked = from(request(Method::POST, "/auth/logout", &cookie), site, origin);
        let (response, _) = send(&service, asked).await;
        let expected = if passes { 303 } else { 403 };
        assert_eq!(response.status(), expected, "{site:?} {origin:?}");
        let after = request(Method::GET, "/required", &cookie);
        let (after, _) = send(&service, after.body(Body::empty()).unwrap()).await;
        let expected = if passes { 401 } else { 200 };
        assert_eq!(after.status(), expected, "{site:?} {origin:?}");
    }
}
