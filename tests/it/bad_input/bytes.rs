//! Bytes that are no text, and text that is no URL, wherever a request has room for them.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::BodyExt as _;
use tower_sso::simulator::Endpoint;

use super::{send, session};
use crate::support::App;

const ODD: [&[u8]; 14] = [
    b"",
    b"\xff\xfe",
    b"\x80",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    "\u{e9}\u{202e}\u{feff}".as_bytes(),
    b"%",
    b"%zz",
    b"%00%0a%0d",
    b"%ff%fe",
    b"https://app.example.com/%ff",
    b"https://app.example.com/\xff",
    b"a\tb",
    b"=;,\"\\",
];

const HEADERS: [&str; 16] = [
    "accept",
    "authorization",
    "connection",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "hx-current-url",
    "hx-request",
    "origin",
    "referer",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-purpose",
    "upgrade",
];

fn requests() -> Vec<(Method, &'static str)> {
    vec![
        (Method::GET, "/"),
        (Method::GET, "/protected"),
        (Method::POST, "/protected"),
        (Method::GET, "/extractor"),
        (Method::GET, "/auth/session"),
        (Method::GET, "/auth/login"),
        (Method::POST, "/auth/login"),
        (Method::GET, "/auth/callback?code=a&state=b"),
        (Method::POST, "/auth/callback"),
        (Method::GET, "/auth/logout"),
        (Method::GET, "/auth/logged-out?state=x"),
    ]
}

/// Nothing of ours fails, nothing of it is repeated as text that it is not, and the answer stays here.
async fn is_answered(app: &App, request: Request<Body>, what: &str) {
    let response = send(app, request).await;
    let status = response.status();
    assert!(!status.is_server_error(), "{what}: {status}");
    if let Some(location) = response.headers().get("location") {
        let location = location.to_str().expect("a URL is ASCII");
        let is_ours = location.starts_with('/') && !location.starts_with("//");
        assert!(
            is_ours || location.starts_with(App::IDP),
            "{what}: {location}"
        );
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&body).expect("pages are UTF-8");
    assert!(!text.contains('\u{fffd}') && !text.contains('\0'), "{what}");
}

#[tokio::test]
async fn in_any_header() {
    let app = App::new();
    app.sign_in("/protected").await;
    for name in HEADERS {
        for odd in ODD {
            for signed_in in [false, true] {
                for (method, path) in requests() {
                    let mut request = Request::new(Body::empty());
                    *request.method_mut() = method.clone();
                    *request.uri_mut() = path.parse().unwrap();
                    let headers = request.headers_mut();
                    if signed_in {
                        headers.insert("cookie", session(&app).parse().unwrap());
                    }
                    let value = HeaderValue::from_bytes(odd).unwrap();
                    headers.append(HeaderName::from_static(name), value);
                    let what = format!("{name}: {odd:?} for {method} {path}, {signed_in}");
                    is_answered(&app, request, &what).await;
                }
            }
        }
    }
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 200, "nobody was signed out by it");
}

/// Beside a good session, other cookies may hold what they like.
#[tokio::test]
async fn in_the_cookies_of_others() {
    let app = App::new();
    app.sign_in("/protected").await;
    for odd in ODD.into_iter().filter(|odd| !odd.contains(&b';')) {
        for around in [
            [b"a=", odd, b"; ", session(&app).as_bytes()].concat(),
            [odd, b"=b;", session(&app).as_bytes()].concat(),
            [session(&app).as_bytes(), b";", odd].concat(),
        ] {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = "/protected".parse().unwrap();
            let value = HeaderValue::from_bytes(&around).unwrap();
            request.headers_mut().insert("cookie", value);
            assert_eq!(send(&app, request).await.status(), 200, "{around:?}");
        }
    }
}

#[tokio::test]
async fn in_the_path_and_the_query() {
    let app = App::new();
    app.sign_in("/protected").await;
    let mut seen = 0;
    for odd in ODD {
        for before in [
            "/",
            "/protected/",
            "/protected?",
            "/auth/",
            "/auth/login",
            "/auth/login?return_to=",
            "/auth/login?",
            "/auth/callback?code=a&state=",
            "/auth/callback?error=x&error_description=",
            "/auth/logged-out?state=",
            "/auth/session?",
        ] {
            // What the server's parser refuses never comes here.
            let Ok(uri) = Uri::try_from([before.as_bytes(), odd].concat()) else {
                continue;
            };
            seen += 1;
            for signed_in in [false, true] {
                let mut request = Request::new(Body::empty());
                *request.uri_mut() = uri.clone();
                if signed_in {
                    let cookie = session(&app).parse().unwrap();
                    request.headers_mut().insert("cookie", cookie);
                }
                is_answered(&app, request, &format!("{before}{odd:?}")).await;
            }
        }
    }
    assert!(seen > 80, "{seen}");
}

#[tokio::test]
async fn in_a_form() {
    let app = App::new();
    app.sign_in("/protected").await;
    let tokens = app.idp().requests(Endpoint::Token);
    for odd in ODD.into_iter().chain([b"\0".as_slice(), b"a\0b=\x01"]) {
        for path in ["/auth/login", "/auth/callback"] {
            for before in ["", "a=", "code=", "code=a&state=", "return_to=", "iss="] {
                for content_type in ["application/x-www-form-urlencoded", "text/plain"] {
                    let body = [before.as_bytes(), odd].concat();
                    let request = Request::post(path)
                        .header("content-type", content_type)
                        .body(Body::from(body))
                        .unwrap();
                    is_answered(&app, request, &format!("{path} {before}{odd:?}")).await;
                }
            }
        }
    }
    assert_eq!(app.idp().requests(Endpoint::Token), tokens);
    for odd in [b"\xff=1".as_slice(), b"return_to=%ff", b"return_to=%"] {
        let request = Request::post("/auth/logout").header("cookie", session(&app));
        let response = send(&app, request.body(Body::from(odd)).unwrap()).await;
        assert_eq!(response.status(), 400, "{odd:?}");
    }
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 200, "a malformed sign-out signs nobody out");
}
