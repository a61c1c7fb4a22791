//! Sessions and cookies.

use std::time::Duration;

use http::Method;
use tower_sso::oidc::ResponseMode;
use tower_sso::session::Lifetime;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::{CookieKey, InvalidCookieKey, Sso};

use super::{Mood, on_hostile_store, tapped};
use crate::support::{App, Browser, Hop};

const PROTECTED: &str = "https://app.example.com/protected";

/// What a replayed cookie gets: 303 for a person, 401 for a script.
async fn replayed(browser: &Browser) -> (u16, u16) {
    let page = browser.visit(PROTECTED).no_follow().await;
    let home = browser.visit("https://app.example.com/").await;
    let script = home.fetch(PROTECTED).await;
    (page.status.as_u16(), script.status.as_u16())
}

/// CVE-2025-46344: the cookie's `Max-Age` was all that ended a session. Guard: `Record::is_live` in
/// `sessions::live`.
#[tokio::test]
async fn threat_14_a_replayed_cookie_outlives_its_session() {
    let lifetime = Lifetime {
        idle: Duration::from_secs(600),
        absolute: Duration::from_secs(1_000),
    };
    for (waits, expected) in [
        (&[599][..], (200, 200)),
        (&[600], (303, 401)),
        (&[601], (303, 401)),
        (&[500, 499], (200, 200)),
        (&[500, 500], (303, 401)),
        (&[500, 501], (303, 401)),
    ] {
        let app = App::with(|builder| builder.lifetime(lifetime));
        app.sign_in("/protected").await;
        let thief = app.browser.copy();
        let mut last = (0, 0);
        for wait in waits {
            app.clock.advance(Duration::from_secs(*wait));
            last = replayed(&thief).await;
        }
        assert_eq!(last, expected, "after {waits:?}");
    }
}

/// As before, with a store that keeps what is over, and is not in this process. Guard: `sessions::live` in
/// `Sessions::load`.
#[tokio::test]
async fn threat_14_a_store_that_keeps_too_long_prolongs_sessions() {
    let (app, _store) = on_hostile_store();
    app.sign_in("/protected").await;
    let thief = app.browser.copy();
    app.clock.advance(Duration::from_secs(3_599));
    assert_eq!(replayed(&thief).await, (200, 200));
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(replayed(&thief).await, (303, 401));
    assert_eq!(
        thief
            .visit("https://app.example.com/auth/session")
            .await
            .json()["signed_in"],
        false
    );
}

/// A cookie that was copied before the sign-out. Guard: `Sessions::end` in `sign_out::sign_out`, with the
/// session that a step-up left behind.
#[tokio::test]
async fn threat_14_a_replayed_cookie_outlives_the_sign_out() {
    let app = App::new();
    app.sign_in("/protected").await;
    let before_step_up = app.browser.copy();
    app.person("alice", &["pwd", "otp", "mfa"]);
    app.visit("/mfa").await;
    let thief = app.browser.copy();
    assert_eq!(replayed(&thief).await, (200, 200));
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).await;
    assert_eq!(replayed(&thief).await, (303, 401));
    assert_eq!(
        replayed(&before_step_up).await,
        (303, 401),
        "the id of before the step-up"
    );

    // Two tabs came back at once, and the browser keeps the cookie of one.
    let app = App::new();
    let first = app.until_callback("/protected?tab=1").await;
    let second = app.until_callback("/protected?tab=2").await;
    let other_tab = app.browser.copy();
    app.browser.visit(&first).await;
    other_tab.visit(&second).await;
    assert_eq!(replayed(&other_tab).await, (200, 200));
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).await;
    assert_eq!(replayed(&other_tab).await, (303, 401), "the other tab's");
}

fn is_private(hop: &Hop) -> bool {
    let all = |name: &str| -> Vec<String> {
        let values = hop.headers.get_all(name).iter();
        values
            .map(|value| value.to_str().unwrap().to_ascii_lowercase())
            .collect()
    };
    all("cache-control") == ["private, no-store"]
        && all("vary")
            .iter()
            .any(|vary| vary.split(',').any(|name| name.trim() == "cookie"))
}

/// CVE-2025-48947: a cache kept a response with somebody's cookie. Guard: `never_cached` in
/// `Endpoints::call`, in `layer::sso::leave` and in `bare`.
#[tokio::test]
async fn threat_15_a_cache_keeps_what_is_somebodys_own() {
    let app = App::with(|builder| builder.response_mode(ResponseMode::FormPost));
    let mut pages = vec![app.visit("/protected").await];
    pages.push(pages[0].auto_submit().await);
    let home = app.visit("/").await;
    for path in [
        "/protected",
        "/mfa",
        "/acr",
        "/admin",
        "/extractor",
        "/auth/session",
        "/auth/login",
        "/auth/logout",
        "/auth/logged-out",
        "/auth/logged-out?state=x",
        "/auth/callback",
        "/auth/callback?code=a&state=b",
        "/auth/nothing",
        "/auth/",
    ] {
        pages.push(app.visit(path).no_follow().await);
        pages.push(app.visit(path).method(Method::DELETE).no_follow().await);
        pages.push(app.visit(path).method(Method::HEAD).no_follow().await);
        pages.push(
            app.visit(path)
                .header("sec-purpose", "prefetch")
                .no_follow()
                .await,
        );
        pages.push(app.visit(path).post_form(&[]).no_follow().await);
        pages.push(
            app.visit(path)
                .body("text/plain", vec![b'x'; 70_000])
                .method(Method::POST)
                .no_follow()
                .await,
        );
        pages.push(home.fetch(path).await);
        pages.push(home.fetch(path).header("hx-request", "true").await);
        pages.push(
            home.fetch(path)
                .header("content-type", "application/grpc")
                .await,
        );
        pages.push(home.frame(path).no_follow().await);
        pages.push(home.websocket(path).await);
    }
    let stranger = app.browser.stranger();
    for path in ["/", "/protected", "/extractor", "/auth/session"] {
        pages.push(
            stranger
                .visit(&format!("{}{path}", App::URL))
                .no_follow()
                .await,
        );
    }
    pages.push(home);
    app.person("alice", &["pwd", "otp", "mfa"]);
    let logout = app.visit("/auth/logout").await;
    pages.push(logout.submit(&logout.only_form()).await);
    let mut looked_at = 0;
    for hop in pages.iter().flat_map(|page| &page.hops) {
        let ours = hop.url.as_str().starts_with(App::URL);
        // A method that the app's router does not know reaches nothing that asks who is signed in.
        let by_router = hop.status == 405 && !hop.url.path().starts_with("/auth/");
        if ours && !by_router {
            assert!(
                is_private(hop),
                "{} {}: {:?}",
                hop.method,
                hop.url,
                hop.headers
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 100, "{looked_at}");
}

/// As before, where the app itself, or a layer of its own, wants it cached. Guard: `insert` in
/// `never_cached`, `merge` in `layer::sso`.
#[tokio::test]
async fn threat_15_the_apps_own_cache_control_wins() {
    let app = App::new();
    let public = [
        ("cache-control", "public, max-age=3600"),
        ("vary", "accept-encoding"),
    ];
    let layer =
        axum::middleware::map_response(move |response: axum::response::Response| async move {
            (public, response)
        });
    let routes = app.routes().layer(layer);
    super::serve_routes(&app, routes);
    for path in ["/protected", "/admin", "/", "/protected", "/extractor"] {
        let page = app.visit(path).no_follow().await;
        assert!(is_private(&page.hops[0]), "{path}: {:?}", page.headers);
        assert!(page.header("vary").unwrap().contains("accept-encoding"));
        app.visit("/protected").await;
    }
    let page = app.visit("/static").await;
    assert_eq!(
        page.header("cache-control").as_deref(),
        Some("public, max-age=3600")
    );
}

/// The attributes of a `Set-Cookie` line by name, without value and lifetime.
fn attributes(line: &str) -> (String, Vec<String>) {
    let (pair, rest) = line.split_once(';').unwrap();
    let mut attributes: Vec<String> = rest
        .split(';')
        .map(|attribute| attribute.trim().to_ascii_lowercase())
        .filter(|attribute| !attribute.starts_with("max-age") && !attribute.starts_with("expires"))
        .collect();
    attributes.sort();
    (pair.split_once('=').unwrap().0.to_owned(), attributes)
}

/// CVE-2025-55162: the removal had other attributes, and the browser kept the cookie. Guard:
/// `CookieSettings::removal` is made by `CookieSettings::set`.
#[tokio::test]
async fn threat_16_a_removal_misses_its_cookie() {
    let settings: [fn(tower_sso::SsoBuilder) -> tower_sso::SsoBuilder; 4] = [
        |builder| builder,
        |builder| builder.embedded(true),
        |builder| builder.response_mode(ResponseMode::FormPost),
        |builder| builder.cookie_name("plain"),
    ];
    for (index, configure) in settings.into_iter().enumerate() {
        let app = App::with(configure);
        let mut pages = vec![app.visit("/protected").await];
        if index == 2 {
            pages.push(pages[0].auto_submit().await);
        }
        let logout = app.visit("/auth/logout").await;
        pages.push(logout.submit(&logout.only_form()).await);
        pages.push(app.visit("/protected").await);
        if index == 2 {
            pages.push(pages.last().unwrap().auto_submit().await);
        }
        let lines: Vec<_> = pages
            .iter()
            .flat_map(|page| &page.hops)
            .filter(|hop| hop.url.as_str().starts_with(App::URL))
            .flat_map(|hop| hop.set_cookies.iter())
            .collect();
        let (removals, settings): (Vec<_>, Vec<_>) = lines
            .into_iter()
            .partition(|(line, _)| line.contains("Max-Age=0"));
        let ends = ["logout", "sso", "signed-out", "plain"];
        let count = |end: &str| {
            let names = removals.iter().map(|(line, _)| line.split('=').next());
            names.filter(|name| name.unwrap().ends_with(end)).count()
        };
        let attempts = removals.len() - ends.map(count).iter().sum::<usize>();
        assert_eq!(attempts, 2, "{removals:?}");
        assert_eq!((count("logout"), count("signed-out")), (1, 1));
        assert_eq!(count("sso") + count("plain"), 1, "{removals:?}");
        for (removal, kept) in &removals {
            assert!(kept.is_ok(), "the browser takes it: {removal}: {kept:?}");
            assert!(removal.contains("Expires=Thu, 01 Jan 1970"), "{removal}");
            let (name, ours) = attributes(removal);
            let set = settings.iter().map(|(line, _)| attributes(line));
            let mut set = set.filter(|(other, _)| *other == name);
            assert_eq!(set.next().unwrap().1, ours, "{name}");
            assert!(ours.contains(&"path=/".to_owned()) && ours.contains(&"secure".to_owned()));
            assert_eq!(ours.contains(&"partitioned".to_owned()), index == 1);
        }
        let left = app.browser.cookies().into_iter();
        let mut left =
            left.filter(|cookie| cookie.name.contains("sso") || cookie.name.contains("plain"));
        let stays = ["-trips", "sso", "plain"];
        assert!(left.all(|cookie| stays.iter().any(|end| cookie.name.ends_with(end))));
    }
}

/// A default key is everybody's key. Guard: `sealer` in `SsoBuilder::build`, `CookieKey::new`.
#[tokio::test]
async fn threat_19_it_starts_with_a_default_or_a_weak_key() {
    let set_up = |base: &str| {
        Sso::builder("https://idp.example.org")
            .client("app", "secret")
            .base_url(base)
    };
    for base in [
        "https://app.example.com",
        "https://localhost.example.com",
        "https://127.0.0.1.example.com",
    ] {
        let error = set_up(base).build().unwrap_err();
        assert!(error.is_configuration());
        assert!(error.to_string().contains("SSO_COOKIE_KEY"), "{error}");
    }
    let error = set_up("http://app.example.com")
        .dangerous()
        .allow_plain_http()
        .build();
    assert!(error.unwrap_err().to_string().contains("SSO_COOKIE_KEY"));

    for (weak, why) in [
        (Vec::new(), InvalidCookieKey::TooShort),
        ((0..31).collect(), InvalidCookieKey::TooShort),
        (vec![0; 32], InvalidCookieKey::Guessable),
        (vec![0xff; 64], InvalidCookieKey::Guessable),
        (b"changeme".repeat(8), InvalidCookieKey::Guessable),
        (b"0123456789".repeat(4), InvalidCookieKey::Guessable),
        (b"password".repeat(100), InvalidCookieKey::Guessable),
    ] {
        assert_eq!(CookieKey::new(weak).unwrap_err(), why);
    }
    for text in [
        "",
        "secret",
        "not base64!",
        "c2hvcnQ=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ] {
        assert!(CookieKey::from_base64(text).is_err(), "{text}");
    }
}

/// As before: on loopback a random key is made, and each start makes another. Guard:
/// `CookieKey::generate` in `sealer`.
#[tokio::test]
async fn threat_19_two_starts_without_a_key_share_one() {
    let app = App::new();
    let start = || {
        let http = tower_sso::provider::InProcessClient::new(app.simulator.router());
        let sso = Sso::builder(App::IDP)
            .client(App::CLIENT, App::SECRET)
            .base_url("http://localhost:3000")
            .clock(std::sync::Arc::new(app.clock.clone()))
            .http_client(std::sync::Arc::new(http))
            .build()
            .unwrap();
        app.browser
            .serve("http://localhost:3000", sso.into_axum(app.routes()));
    };
    start();
    let page = app
        .browser
        .visit("http://localhost:3000/protected")
        .no_follow()
        .await;
    let location = page.location().unwrap();
    let (_, state) = location
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap();
    let callback = format!(
        "http://localhost:3000/auth/callback?code=x&state={state}&iss={}",
        App::IDP
    );
    start();
    let page = app.browser.visit(&callback).no_follow().await;
    assert_eq!(page.status, 400);
    assert!(
        page.html().contains("not known in this browser"),
        "{}",
        page.html()
    );
    assert_eq!(app.idp().requests(Endpoint::Token), 0);
}

/// A failed sign-in leaves what was there. Guard: `redeem` makes the session last of all, and
/// `callback::answer` sets its cookie only then.
#[tokio::test]
async fn threat_10_a_failed_sign_in_touches_the_session_that_is_there() {
    let (app, tap) = tapped(|builder| builder.userinfo(true));
    let before = app.sign_in("/protected").await.json();
    let cookie = app.session_cookie();
    tap.forge(|token| format!("{token}x"));
    for fault in [
        None,
        Some(Fault::Status(Endpoint::Token, 500, None)),
        Some(Fault::NoIdToken),
    ] {
        app.idp().clear_faults();
        if let Some(fault) = fault {
            app.idp().set_fault(fault);
        }
        let page = app.visit("/auth/login?prompt=login").await;
        assert!(page.status.is_server_error(), "{}", page.status);
        assert_eq!(app.session_cookie(), cookie);
        assert_eq!(app.visit("/protected").await.json(), before);
    }
}

/// A sign-out that could not be done is not claimed. Guard: the `?` after `Sessions::end` in
/// `sign_out::sign_out`, before any cookie goes.
#[tokio::test]
async fn threat_30_a_sign_out_that_failed_says_that_it_worked() {
    let (app, store) = on_hostile_store();
    app.sign_in("/protected").await;
    let cookie = app.session_cookie();
    let logout = app.visit("/auth/logout").await;
    for mood in [Mood::Fails, Mood::DeletesNothing] {
        store.set(mood);
        let page = logout.submit(&logout.only_form()).await;
        assert_eq!(page.status, 503, "{mood:?}");
        assert!(page.header("retry-after").is_some());
        assert_eq!(app.session_cookie(), cookie);
        assert!(!page.text().contains("signed out"), "{}", page.text());
    }
    store.set(Mood::Works);
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    logout.submit(&logout.only_form()).await;
    assert_eq!(app.visit("/protected").no_follow().await.status, 303);
}
