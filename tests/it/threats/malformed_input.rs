//! Where people are sent: what can't be read, and what can be read as something else.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use tower_sso::simulator::{Endpoint, Fault};
use url::Url;

use super::{body_of, send};
use crate::support::App;

/// express-openid-connect CVE-2021-32702: a callback's `error_description` was shown as HTML. Guard: `Escaped`
/// in `page::default_page`, `text::clean` in `AuthorizationResponse::parse`.
#[tokio::test]
async fn threat_05_the_text_of_an_error_becomes_part_of_the_page() {
    let script = "<script>alert(1)</script><img src=x onerror='alert(1)'>\"'&";
    let long = format!("{script}\u{202e}\u{2066}{}", "x".repeat(5_000));
    for (code, description) in [
        ("server_error", &long),
        (script, &long),
        (long.as_str(), &script.to_owned()),
    ] {
        let app = App::new();
        app.idp().set_fault(Fault::AuthorizeError(
            code.into(),
            Some(description.clone()),
        ));
        let page = app.visit("/protected").await;
        assert!(page.status.is_client_error() || page.status.is_server_error());
        let html = page.html();
        for raw in ["<script", "<img", "onerror='", "\u{202e}", "\u{2066}"] {
            assert!(!html.contains(raw), "{raw} in {html}");
        }
        assert!(html.contains("&lt;script&gt;"), "it is shown, escaped");
        assert!(html.matches('x').count() < 700, "and cut: {}", html.len());
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
    }

    let app = App::new();
    let page = app
        .visit("/auth/callback?error=x&error_description=Call+0190+666")
        .await;
    assert_eq!(page.status, 400);
    assert!(
        !page.html().contains("0190"),
        "an error that nobody's attempt asked for is not shown at all"
    );
}

/// Queries and forms that have brought parsers down. Guard: `form::pairs`, `Fields::read` and `Query`.
#[tokio::test]
async fn threat_06_malformed_input_is_guessed_at() {
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    let good = Url::parse(&callback).unwrap().query().unwrap().to_owned();
    let cookies = super::cookie_header(&app);
    let long = "a".repeat(17_000);
    let mut malformed: Vec<String> = [
        "code=%",
        "code=%2",
        "code=%zz&state=a",
        "code=%ff&state=a",
        "code=%c3%28&state=a",
        "%ff=1",
        "code=a&code=b&state=c",
        "code=a&state=c&state=c",
        "code=a&state=c&iss=d&iss=d",
        "error=a&error=b&state=c",
        "code=a&error=b&state=c",
        "code=&state=c",
        "state=c",
        "code=a",
        "error=%00%0a&state=c",
        "",
        "&&&",
        "=",
    ]
    .map(str::to_owned)
    .to_vec();
    malformed.push(format!("code={long}&state=a"));
    malformed.push(format!("code=a&state={long}"));
    malformed.push(format!("{good}&state=again"));
    malformed.push(format!("{good}&code=again"));
    for text in &malformed {
        let get = Request::get(format!("/auth/callback?{text}"));
        let get = get.header("cookie", &cookies).body(Body::empty()).unwrap();
        assert_eq!(send(&app, get).await.status(), 400, "GET {text:.60}");
        let post = Request::post("/auth/callback")
            .header("cookie", &cookies)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(text.clone()))
            .unwrap();
        assert_eq!(send(&app, post).await.status(), 400, "POST {text:.60}");
    }
    for text in [
        "return_to=%",
        "return_to=%ff",
        "return_to=/&return_to=/",
        "prompt=none",
        "prompt=evil",
        "max_age=-1",
        "max_age=99999999999999999999",
        "login_hint=%00",
        "acr_values=a%0ab",
        &format!("login_hint={}", "a".repeat(256)),
        &"a&".repeat(65),
    ] {
        let get = Request::get(format!("/auth/login?{text}"));
        let response = send(&app, get.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 400, "{text:.60}");
    }
    for (content_type, body, expected) in [
        ("application/json", "{}", StatusCode::BAD_REQUEST),
        ("", "code=a&state=b", StatusCode::BAD_REQUEST),
        ("text/plain", &good, StatusCode::BAD_REQUEST),
        (
            "multipart/form-data; boundary=x",
            &good,
            StatusCode::BAD_REQUEST,
        ),
        (
            "application/x-www-form-urlencoded",
            &"a".repeat(64 * 1024 + 1),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let post = Request::post("/auth/callback")
            .header("cookie", &cookies)
            .header("content-type", content_type);
        let response = send(&app, post.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(response.status(), expected, "{content_type}");
        let private = Some("private, no-store");
        let headers = response.headers();
        let cache = headers
            .get("cache-control")
            .map(|value| value.to_str().unwrap());
        assert_eq!(cache, private);
    }
    assert_eq!(app.idp().requests(Endpoint::Token), 0);
    assert_eq!(
        app.browser.visit(&callback).await.status,
        200,
        "the good one works"
    );
}

/// As before, with bytes that no browser sends where headers allow them. Guard: `cookie::ours` and
/// `RequestKind::of`, which take nothing for text that is none.
#[tokio::test]
async fn threat_06_bytes_that_are_no_text_bring_a_request_down() {
    let app = App::new();
    let odd = http::HeaderValue::from_bytes(b"__Host-sso=\xff\xfe; =; ;;; __Host-sso-login-=\x80")
        .unwrap();
    for name in [
        "cookie",
        "accept",
        "referer",
        "origin",
        "sec-fetch-site",
        "sec-fetch-mode",
        "content-type",
        "hx-current-url",
    ] {
        for (method, path) in [
            (Method::GET, "/protected"),
            (Method::POST, "/protected"),
            (Method::GET, "/auth/session"),
            (Method::GET, "/auth/login"),
            (Method::GET, "/auth/callback?code=a&state=b"),
            (Method::POST, "/auth/logout"),
            (Method::GET, "/auth/logged-out?state=x"),
        ] {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method.clone();
            *request.uri_mut() = path.parse().unwrap();
            request
                .headers_mut()
                .insert(http::HeaderName::from_static(name), odd.clone());
            let response = send(&app, request).await;
            let status = response.status();
            assert!(status.as_u16() < 500, "{method} {path} {name}: {status}");
            assert!(!body_of(response).await.contains('\u{fffd}'));
        }
    }
    assert_eq!(app.handled(), 0);
}
