//! Where people are sent: a long list of return URLs, by each way that one comes in.

use axum::Router;
use http::HeaderValue;
use tower_sso::session::ReturnTo;
use tower_sso::{Policy, RequireLayer, SilentLayer, Unauthenticated};
use url::Url;

use super::serve_routes;
use super::where_people_are_sent::{query, stays, stays_on_our_origin};
use crate::support::{App, Page, payloads};

/// Every so many-eth of the payloads: the steps have no common divisor with the list's blocks.
fn sample(step: usize) -> Vec<String> {
    let sample: Vec<_> = payloads().into_iter().step_by(step).collect();
    assert!(sample.len() >= 50, "{} are left", sample.len());
    sample
}

/// Where the strict parser sends people.
fn expected(payload: &str) -> String {
    let to = ReturnTo::parse(payload).unwrap_or_else(ReturnTo::root);
    to.to_string()
}

/// The same for an absolute URL.
fn expected_of_url(url: &str) -> String {
    expected(url.strip_prefix(App::URL).unwrap_or_default())
}

/// Who is signed in and comes from another site is sent straight on to the return URL.
async fn sent_to(app: &App, pairs: &[(&str, &str)]) -> String {
    let url = format!("{}/auth/login?{}", App::URL, query(pairs));
    let fetch = app.browser.visit_from("https://portal.example.net/", &url);
    let page = fetch.no_follow().await;
    assert_eq!(page.status, 303, "{pairs:?}");
    page.header("location").unwrap()
}

/// Guard: `ReturnTo::parse` in `login::Asked::read`, and `BaseUrl::same_origin_path`, by which
/// `app.example.com.evil.example` and `app.example.com@evil.example` begin as ours do.
#[tokio::test]
async fn threat_02_a_link_with_a_payload_leaves_our_origin() {
    let app = App::new();
    app.sign_in("/protected").await;
    let mut arrived = 0;
    for payload in sample(31) {
        let absolute = format!("{}{payload}", App::URL);
        let third_party = |target| vec![("iss", App::IDP), ("target_link_uri", target)];
        for (pairs, expected) in [
            (vec![("return_to", payload.as_str())], expected(&payload)),
            (vec![("return_to", &absolute)], expected("")),
            (third_party(&absolute), expected_of_url(&absolute)),
            (third_party(&payload), expected_of_url(&payload)),
        ] {
            let location = sent_to(&app, &pairs).await;
            stays_on_our_origin(&location, &payload);
            assert_eq!(location, expected, "{pairs:?}");
            arrived += usize::from(location != "/");
        }
    }
    assert!(arrived >= 50, "{arrived} were no other page than `/`");
}

fn return_to_of(page: &Page) -> String {
    let login = page.json()["login_url"].as_str().unwrap().to_owned();
    let login = Url::parse(App::URL).unwrap().join(&login).unwrap();
    assert_eq!(login.path(), "/auth/login");
    let mut pairs = login.query_pairs();
    let (_, to) = pairs.find(|(name, _)| name == "return_to").unwrap();
    to.into_owned()
}

/// Guard: `named` in `refusal::return_to`.
#[tokio::test]
async fn threat_02_a_header_with_a_payload_leaves_our_origin() {
    let app = App::new();
    let home = app.visit("/").await;
    let fits = |text: &String| HeaderValue::from_str(text).is_ok();
    for payload in sample(61).into_iter().filter(fits) {
        let absolute = format!("{}{payload}", App::URL);
        for (name, value) in [
            ("hx-current-url", &absolute),
            ("referer", &absolute),
            ("hx-current-url", &payload),
            ("referer", &payload),
        ] {
            let fetch = home.fetch("/protected").header("hx-request", "true");
            let to = return_to_of(&fetch.header(name, value).await);
            stays_on_our_origin(&to, &payload);
            // A browser's `Referer` has no white space at its ends, and no server sees one.
            if value.trim() == value {
                assert_eq!(to, expected_of_url(value), "{name}: {value:?}");
            }
        }
    }
}

/// Guard: `ReturnTo::parse` in `refusal::return_to` and `LoginState::return_to`.
#[tokio::test]
async fn threat_01_a_protected_path_with_a_payload_leaves_our_origin() {
    let paths = sample(211).into_iter().filter(|text| text.starts_with('/'));
    let app = App::new();
    let protected = Router::new()
        .fallback(|| async { "private" })
        .layer(RequireLayer::new(Policy::login()));
    serve_routes(&app, protected);
    for payload in paths {
        // The session before is over, and nobody is taken for going round in circles.
        app.clock.advance(std::time::Duration::from_secs(13 * 3600));
        let page = app.visit(&payload).await;
        assert_eq!(page.status, 200, "{payload:?}: {}", page.html());
        stays(&page, &payload);
        let signed_in = page.hop(App::IDP).is_some() && app.session_cookie().is_some();
        assert!(signed_in, "{payload:?}");
    }
}

/// Guard: `ReturnTo::parse` in `logout::answer` and `LogoutCookie::check`.
#[tokio::test]
async fn threat_02_a_sign_out_with_a_payload_leaves_our_origin() {
    let app = App::new();
    for payload in sample(311) {
        // A minute later nobody is taken for going round in circles.
        app.clock.advance(std::time::Duration::from_secs(61));
        app.sign_in("/protected").await;
        let page = app.visit("/auth/logout").await;
        let form = page.follow("/auth/logout");
        let page = form.post_form(&[("return_to", &payload)]).await;
        assert_eq!(app.session_cookie(), None, "{payload:?}");
        stays(&page, &payload);
    }
}

/// By an attempt without a page: the way back is in the attempt's cookie, and in `state` for a browser that
/// keeps none. Guard: `ReturnTo::parse` in `refusal::return_to` and in `silent::path_in_state`.
#[tokio::test]
async fn threat_02_a_silent_attempt_with_a_payload_leaves_our_origin() {
    let app = App::new();
    app.idp().set_default_login(None);
    let public = Router::new()
        .fallback(|| async { "public" })
        .layer(SilentLayer::new());
    serve_routes(&app, public);
    for payload in sample(211).into_iter().filter(|text| text.starts_with('/')) {
        app.browser.clear_cookies();
        let page = app.visit(&payload).await;
        assert_eq!(page.html(), "public", "{payload:?}");
        assert!(page.hop(App::IDP).is_some(), "{payload:?}");
        stays(&page, &payload);

        app.browser.clear_cookies();
        let callback = app.until_callback(&payload).await;
        app.browser.clear_cookies();
        let back = app
            .browser
            .visit_from(App::IDP, &callback)
            .no_follow()
            .await;
        let location = back.header("location").unwrap();
        stays_on_our_origin(&location, &payload);
        assert!(
            location.ends_with("sso_silent=no"),
            "{payload:?} → {location}"
        );
    }
}

/// By the app's own page, which hands it on to the login endpoint. Guard: `ReturnTo::parse` in
/// `refusal::return_to`, and the encoding in `refusal::own_page`.
#[tokio::test]
async fn threat_02_an_own_page_with_a_payload_leaves_our_origin() {
    let app = App::new();
    let own = Unauthenticated::Page("/welcome?lang=en".to_owned());
    let protected = Router::new()
        .fallback(|| async { "private" })
        .layer(RequireLayer::new(Policy::login()).unauthenticated(own));
    serve_routes(&app, protected);
    for payload in sample(61).into_iter().filter(|text| text.starts_with('/')) {
        let page = app.visit(&payload).no_follow().await;
        let location = page.location().unwrap();
        assert_eq!(location.origin().ascii_serialization(), App::URL);
        assert_eq!(location.path(), "/welcome", "{payload:?}");
        let pairs: Vec<_> = location.query_pairs().collect();
        assert_eq!(pairs.len(), 2, "{payload:?} adds a parameter: {location}");
        assert_eq!((&*pairs[0].0, &*pairs[0].1), ("lang", "en"));
        assert_eq!(pairs[1].0, "return_to");
        stays_on_our_origin(&pairs[1].1, &payload);
    }
}
