//! Where people are sent.

use axum::Router;
use http::header;
use proptest::prelude::*;
use tower_sso::{Policy, RequireLayer};
use url::Url;

use super::{builder, evil_page, serve_routes};
use crate::support::{App, Page};

/// What has led a browser astray elsewhere.
const HOSTILE: &[&str] = &[
    "//evil.example/",
    "///evil.example/",
    "////evil.example/",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "//\\evil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\n//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/\0/evil.example",
    "/%2f/evil.example",
    "/%2F%2Fevil.example",
    "/%5cevil.example",
    "/%5C/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/./%2e%2e//evil.example",
    "/a/..//evil.example",
    "/%2e//evil.example",
    "/;//@evil.example/../..//evil.example",
    "//app.example.com@evil.example/",
    "//evil.example:443/",
    "//[::1]/",
    "//evil\u{3002}example/",
    "/\u{ff0f}evil.example",
    "/\u{2215}/evil.example",
    "\u{feff}//evil.example",
    "https://evil.example/",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "HTTPS://EVIL.EXAMPLE/",
    "http://app.example.com/",
    "https://app.example.com.evil.example/",
    "https://app.example.com@evil.example/",
    "https://app.example.com:password@evil.example/",
    "https://app.example.com\\@evil.example/",
    "https://app.example.com%2f@evil.example/",
    "https://app.example.com%00.evil.example/",
    "https://app.example.com:444/",
    "https://appXexample.com/",
    "https://evil-app.example.com/",
    "@evil.example",
    ".evil.example",
    ":443",
    "javascript:alert(1)",
    "JavaScript:alert(1)//https://app.example.com/",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "blob:https://app.example.com/x",
    "file:///etc/passwd",
    "%2f%2fevil.example",
    "?//evil.example",
    "#//evil.example",
    "",
];

/// The same, and each behind our own origin.
fn with_our_origin() -> Vec<String> {
    let bare = HOSTILE.iter().map(|asked| (*asked).to_owned());
    let ours = HOSTILE.iter().map(|path| format!("{}{path}", App::URL));
    bare.chain(ours).collect()
}

pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Fails if a browser, or a proxy that decodes once more, could leave our origin by this `Location`.
pub(super) fn stays_on_our_origin(location: &str, asked: &str) {
    let base = Url::parse(App::URL).unwrap();
    let once_more = percent_encoding::percent_decode_str(location).decode_utf8_lossy();
    for text in [location, &once_more] {
        let target = base.join(text).unwrap_or_else(|_| base.clone());
        assert_eq!(target.origin(), base.origin(), "{asked:?} → {location:?}");
    }
    assert!(
        location.starts_with('/') || location.starts_with(&format!("{}/", App::URL)),
        "{asked:?} → {location:?}"
    );
}

/// Everybody to whom the app itself sends this browser, its provider left out.
pub(super) fn stays(page: &Page, asked: &str) {
    for hop in &page.hops {
        let Some(location) = hop.headers.get(header::LOCATION) else {
            continue;
        };
        let location = location.to_str().unwrap();
        let ours = hop.url.as_str().starts_with(App::URL);
        if ours && !location.starts_with(&format!("{}/", App::IDP)) {
            stays_on_our_origin(location, asked);
        }
    }
    let last = page.url.origin().ascii_serialization();
    assert_eq!(last, App::URL, "{asked:?}");
}

/// express-openid-connect CVE-2022-24794: the path of a protected request was the return URL as it stood,
/// and `//evil.example/` is another host's in a `Location`. Guard: `ReturnTo::parse` in
/// `refusal::return_to` and in `LoginState::return_to`.
#[tokio::test]
async fn threat_01_a_path_of_two_slashes_is_taken_for_a_host() {
    let protected = || {
        Router::new()
            .fallback(|| async { "private" })
            .layer(RequireLayer::new(Policy::login()))
    };
    for path in [
        "//evil.example/",
        "///evil.example/x?y",
        "//evil.example//..",
        "/%2fevil.example",
        "/.//evil.example/",
        "/%5cevil.example/",
    ] {
        let app = App::new();
        serve_routes(&app, protected());
        let page = app.visit(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.html());
        stays(&page, path);
        assert!(app.session_cookie().is_some());
    }
}

/// mod_auth_openidc and oauth2-proxy, a dozen CVEs: a return URL that looks like a path to the server and like
/// a host to a browser. Guard: `ReturnTo::parse` in `login::Asked::read`.
#[tokio::test]
async fn threat_02_a_return_url_leaves_our_origin_after_a_sign_in() {
    for asked in HOSTILE {
        let app = App::new();
        let path = format!("/auth/login?{}", query(&[("return_to", asked)]));
        let page = app.visit(&path).await;
        assert!(app.session_cookie().is_some(), "{asked:?}");
        stays(&page, asked);
    }
}

/// As before, by the start of a sign-in that a third party makes (OpenID Connect Core section 4), where the
/// URL is absolute. Guard: the strict parser in `BaseUrl::same_origin_path`.
#[tokio::test]
async fn threat_02_a_third_partys_target_leaves_our_origin() {
    for asked in &with_our_origin() {
        let app = App::new();
        let start = query(&[("iss", App::IDP), ("target_link_uri", asked)]);
        let url = format!("{}/auth/login?{start}", App::URL);
        let page = app
            .browser
            .visit_from("https://portal.example.net/", &url)
            .await;
        stays(&page, asked);
    }
    let app = App::new();
    let target = format!("{}/protected", App::URL);
    let start = query(&[("target_link_uri", &target)]);
    let page = app.visit(&format!("/auth/login?{start}")).await;
    assert_eq!(
        page.url.path(),
        "/",
        "who names no issuer is no third party"
    );
}

/// As before, by a sign-out. Guard: `ReturnTo::parse` in `logout::answer` and `LogoutCookie::check`.
#[tokio::test]
async fn threat_02_a_return_url_leaves_our_origin_after_a_sign_out() {
    let app = App::new();
    for asked in HOSTILE {
        // A minute later nobody is taken for going round in circles.
        app.clock.advance(std::time::Duration::from_secs(61));
        app.sign_in("/protected").await;
        let page = app.visit("/auth/logout").await;
        let page = page
            .follow("/auth/logout")
            .post_form(&[("return_to", asked)])
            .await;
        assert_eq!(app.session_cookie(), None, "{asked:?}");
        stays(&page, asked);
    }
}

/// As before, by the headers with which a page's script says where it is. Guard: `named` in
/// `refusal::return_to`.
#[tokio::test]
async fn threat_02_a_header_of_a_script_leaves_our_origin() {
    let app = App::new();
    let home = app.visit("/").await;
    let as_headers = with_our_origin().into_iter().filter(|text| {
        text.bytes()
            .all(|byte| (b' '..0x7f).contains(&byte) || byte == b'\t')
    });
    for asked in &as_headers.collect::<Vec<_>>() {
        for name in ["hx-current-url", "referer"] {
            let page = home
                .fetch("/protected")
                .header("hx-request", "true")
                .header(name, asked)
                .await;
            let login = page.json()["login_url"].as_str().unwrap().to_owned();
            let login = Url::parse(App::URL).unwrap().join(&login).unwrap();
            assert_eq!(login.path(), "/auth/login");
            let (_, return_to) = login
                .query_pairs()
                .find(|(name, _)| name == "return_to")
                .unwrap();
            stays_on_our_origin(&return_to, asked);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// As before, with what no list has. Who is signed in and comes from another site is sent straight to
    /// the return URL, so one request shows it. Guard: `ReturnTo::parse` in `login::Asked::read`.
    #[test]
    fn threat_02_any_return_url_stays(
        pieces in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(HOSTILE).prop_map(str::to_owned),
                proptest::sample::select(&["/", "\\", "//", "..", "%2f", "%5c", "%2e", "@", ":", "?", "#", "\t", "evil.example"][..])
                    .prop_map(str::to_owned),
                "\\PC{0,6}",
            ],
            0..6,
        ),
    ) {
        thread_local! {
            static SIGNED_IN: (tokio::runtime::Runtime, App) = {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let app = App::new();
                runtime.block_on(app.sign_in("/protected"));
                (runtime, app)
            };
        }
        let asked = pieces.concat();
        SIGNED_IN.with(|(runtime, app)| {
            let url = format!("{}/auth/login?{}", App::URL, query(&[("return_to", &asked)]));
            let fetch = app.browser.visit_from("https://portal.example.net/", &url).no_follow();
            let page = runtime.block_on(async move { fetch.await });
            assert_eq!(page.status, 303, "{asked:?}");
            let location = page.header("location").unwrap();
            stays_on_our_origin(&location, &asked);
        });
    }
}

/// oauth2-proxy and others matched allowed hosts by their end, or as a regular expression. Guard: the `==` in
/// `cross_site::may_use_session`, and the check of each origin in `SsoBuilder::build`.
#[tokio::test]
async fn threat_03_a_host_that_looks_like_an_allowed_one_passes() {
    let app = App::with(|builder| {
        builder
            .embedded(true)
            .add_allowed_origin("https://friend.example")
    });
    app.sign_in("/protected").await;
    for (origin, passes) in [
        ("https://friend.example", true),
        ("https://evil-friend.example", false),
        ("https://friend.example.evil.example", false),
        ("https://friendXexample.example", false),
        ("https://a.friend.example", false),
        ("https://friend.example:444", false),
        ("http://friend.example", false),
    ] {
        let page = evil_page(&app, origin).await;
        let url = format!("{}/transfer", App::URL);
        let answer = page.follow(&url).post_form(&[]).no_follow().await;
        let passed = answer.status == 200 && answer.html() == "sent";
        assert_eq!(passed, passes, "{origin}: {}", answer.status);
    }
    for origin in [
        "friend.example",
        "https://*.friend.example/",
        "https://friend.example/",
        "*",
    ] {
        let refused = builder(&app).add_allowed_origin(origin).build();
        assert!(refused.unwrap_err().is_configuration(), "{origin}");
    }
}

/// nextjs-auth0 CVE-2025-67716: what followed `return_to` went into the authorization request. Guard:
/// `login::Asked::read` names each parameter that it takes, and `AuthorizationRequest::url` encodes them.
#[tokio::test]
async fn threat_04_a_link_adds_parameters_to_the_authorization_request() {
    let app = App::new();
    let usual = app.visit("/auth/login").no_follow().await;
    let usual = usual.location().unwrap();
    let evil = [
        (
            "return_to",
            "/x&redirect_uri=https://evil.example/&scope=evil",
        ),
        (
            "login_hint",
            "alice&redirect_uri=https://evil.example/&client_id=evil",
        ),
        ("acr_values", "a&response_type=token"),
        ("ui_locales", "en&prompt=none"),
        ("redirect_uri", "https://evil.example/"),
        ("client_id", "evil"),
        ("response_type", "token"),
        ("response_mode", "fragment"),
        ("scope", "openid evil"),
        ("state", "evil"),
        ("nonce", "evil"),
        ("code_challenge", "evil"),
        ("code_challenge_method", "plain"),
        ("request", "evil"),
        ("request_uri", "https://evil.example/"),
        ("claims", "{}"),
        ("id_token_hint", "evil"),
    ];
    let page = app
        .visit(&format!("/auth/login?{}", query(&evil)))
        .no_follow()
        .await;
    let url = page.location().unwrap();
    let mut names: Vec<_> = url.query_pairs().map(|(name, _)| name).collect();
    let before = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), before, "no parameter comes twice: {url}");
    for same in [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "code_challenge_method",
        "response_mode",
        "request",
        "request_uri",
        "claims",
        "id_token_hint",
    ] {
        let value = |url: &Url| {
            let found = url.query_pairs().find(|(name, _)| name == same);
            found.map(|(_, value)| value.into_owned())
        };
        assert_eq!(value(&url), value(&usual), "{same}");
    }
    for random in ["state", "nonce", "code_challenge"] {
        let (_, value) = url.query_pairs().find(|(name, _)| name == random).unwrap();
        assert_ne!(value, "evil");
    }
    for protocol in [
        "redirect_uri",
        "state",
        "nonce",
        "scope",
        "request",
        "code_challenge",
    ] {
        let refused = builder(&app).add_parameter(protocol, "evil").build();
        assert!(refused.unwrap_err().is_configuration(), "{protocol}");
    }
}
