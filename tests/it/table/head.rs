//! HEAD: the headers of the GET and no content (RFC 9110 section 9.3.2), on the wire of both versions.
//! HTTP/2 forbids content outright: a peer takes it for a malformed response (RFC 9113 section 8.1.1).

use http::{Method, Request};
use http_body_util::Empty;
use tower_sso::simulator::Endpoint;
use tower_sso::test_util::SignedIn;

use super::serve::{Version, send, serve};
use crate::support::App;

/// What a browser that navigates is answered by us, and not by a handler.
const OURS: [(&str, u16); 8] = [
    ("/protected", 303),
    ("/extractor", 303),
    ("/auth/login", 303),
    ("/auth/logout", 200),
    ("/auth/logged-out", 200),
    ("/auth/session", 200),
    ("/auth/callback", 400),
    ("/auth/nothing", 404),
];

#[tokio::test]
async fn no_answer_of_ours_to_a_head_has_content() {
    for version in [Version::Http1, Version::Http2] {
        let app = App::new();
        let routes = app.sso.into_axum(app.routes());
        let layered = app.routes().layer(app.sso.layer());
        for address in [serve(version, routes).await, serve(version, layered).await] {
            for (path, status) in OURS {
                let ask = |method: Method, kind: &str| {
                    let request = Request::builder()
                        .method(method)
                        .uri(format!("http://{address}{path}"))
                        .header("host", address.to_string())
                        .header("sec-fetch-mode", kind);
                    request.body(Empty::new()).unwrap()
                };
                for kind in ["navigate", "cors"] {
                    let case = format!("{version:?} {path} {kind}");
                    let get = send(version, address, ask(Method::GET, kind)).await;
                    let get = get.unwrap_or_else(|error| panic!("GET {case}: {error}"));
                    let head = send(version, address, ask(Method::HEAD, kind)).await;
                    let head = head.unwrap_or_else(|error| panic!("HEAD {case}: {error}"));
                    assert_eq!(head.status(), get.status(), "{case}");
                    assert_eq!(head.body(), "", "{case}");
                    assert_eq!(
                        head.headers().get("content-type"),
                        get.headers().get("content-type"),
                        "{case}"
                    );
                    if kind == "navigate" {
                        assert_eq!(head.status(), status, "{case}");
                    }
                    // Whoever asks by HEAD for the length of a page gets that of the page.
                    if !get.body().is_empty() {
                        let length = head.headers().get("content-length");
                        let length = length.unwrap_or_else(|| panic!("no length: {case}"));
                        assert_eq!(length, &get.body().len().to_string(), "{case}");
                    }
                }
            }
        }
    }
}

/// It is safe (RFC 9110 section 9.2.1): a link checker that has the cookie changes nothing.
#[tokio::test]
async fn a_head_signs_nobody_out_and_starts_what_a_get_would() {
    let app = App::new();
    app.sign_in("/protected").await;
    let before = app.session_cookie();
    for path in ["/auth/logout", "/auth/session", "/auth/logged-out"] {
        let page = app.visit(path).method(Method::HEAD).no_follow().await;
        assert_eq!((page.status.as_u16(), page.body.len()), (200, 0), "{path}");
    }
    assert_eq!(app.session_cookie(), before);
    assert_eq!(app.idp().requests(Endpoint::EndSession), 0);

    let stranger = App::new();
    let page = stranger
        .visit("/auth/login?return_to=/protected")
        .method(Method::HEAD)
        .no_follow()
        .await;
    assert_eq!((page.status.as_u16(), stranger.attempts()), (303, 1));
    let signed_in = page.follow_redirect().await;
    assert_eq!(signed_in.url.path(), "/protected");
    assert_eq!(signed_in.status, 200);
}

/// Somebody who is let in gets the handler's own answer to the HEAD.
#[tokio::test]
async fn a_head_of_who_is_signed_in_reaches_the_handler() {
    for version in [Version::Http1, Version::Http2] {
        let app = App::new();
        let cookie = app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
        let address = serve(version, app.sso.into_axum(app.routes())).await;
        let request = Request::head(format!("http://{address}/protected"))
            .header("host", address.to_string())
            .header("cookie", cookie)
            .body(Empty::new())
            .unwrap();
        let head = send(version, address, request).await.unwrap();
        assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
        assert_eq!(app.handled(), 1);
    }
}
