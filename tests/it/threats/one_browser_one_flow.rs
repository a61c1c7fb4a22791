//! One browser, one flow.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tower_sso::CookieKey;
use tower_sso::provider::InProcessClient;
use tower_sso::simulator::{Endpoint, Fault, SimulatedClient, SimulatedUser, Simulator};
use url::Url;

use super::{attempt, builder, deploy, evil_page, on_hostile_store};
use crate::support::App;

/// Changes one parameter of a URL; `None` takes it away.
fn with_parameter(url: &str, name: &str, value: Option<&str>) -> String {
    let url = Url::parse(url).unwrap();
    let mut other = url.clone();
    other.query_pairs_mut().clear();
    for (own, old) in url.query_pairs().filter(|(own, _)| own != name) {
        other.query_pairs_mut().append_pair(&own, &old);
    }
    if let Some(value) = value {
        other.query_pairs_mut().append_pair(name, value);
    }
    other.into()
}

fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    let (_, value) = url.query_pairs().find(|(own, _)| own == name).unwrap();
    value.into_owned()
}

async fn assert_refused(app: &App, url: &str, why: &str) {
    let tokens = app.idp().requests(Endpoint::Token);
    let page = app.browser.visit(url).no_follow().await;
    assert_eq!(page.status, 400, "{why}: {}", page.html());
    assert!(
        page.html().contains("<h1>"),
        "{why}: a page says what to do"
    );
    assert_eq!(app.idp().requests(Endpoint::Token), tokens, "{why}");
    assert_eq!(app.session_cookie(), None, "{why}");
}

/// Login CSRF: a victim's browser finishes what the attacker's began. Guard: `LoginStates::find` in
/// `callback::answer`.
#[tokio::test]
async fn threat_07_a_callback_counts_in_a_browser_that_did_not_ask() {
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    let mut victim = app.clone();
    victim.browser = app.browser.stranger();
    assert_refused(&victim, &callback, "no cookie at all").await;

    victim.browser = app.browser.stranger();
    victim.until_callback("/protected").await;
    assert_refused(&victim, &callback, "an attempt of its own").await;

    let page = victim
        .browser
        .visit_from("https://evil.example/", &callback)
        .no_follow()
        .await;
    assert_eq!((page.status.as_u16(), victim.session_cookie()), (400, None));
    let page = app.browser.visit(&callback).await;
    assert_eq!(page.status, 200, "whose attempt it is may finish it");
}

/// The state of one attempt with the answer to another. Guard: the comparison of `state` in
/// `LoginStates::find`, `state` and PKCE verifier from one seed.
#[tokio::test]
async fn threat_07_the_answers_of_two_attempts_are_swapped() {
    let app = App::new();
    let first = app.until_callback("/protected").await;
    let second = app.until_callback("/protected?second").await;
    let swapped = with_parameter(&first, "code", Some(&parameter(&second, "code")));
    let page = app.browser.visit(&swapped).no_follow().await;
    assert_eq!(page.status, 502, "the code was made for another verifier");
    assert_eq!(app.idp().code_grants(), 0);
    assert_eq!(app.session_cookie(), None);

    let app = App::new();
    app.until_callback("/protected").await;
    let callback = app.until_callback("/protected").await;
    let half = &parameter(&callback, "state")[..42];
    for state in ["x", half, &format!("{half}_"), ""] {
        let url = with_parameter(&callback, "state", Some(state));
        assert_refused(&app, &url, "a state of no attempt").await;
    }
}

/// A cookie jar that was copied in the middle of a sign-in. Guard: `Sessions::use_once` in
/// `sign_in::finish`.
#[tokio::test]
async fn threat_07_a_used_state_sends_its_code_again() {
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    let mut thief = app.clone();
    thief.browser = app.browser.copy();
    let copy = app.browser.copy();
    assert_eq!(app.browser.visit(&callback).await.status, 200);
    assert_eq!(app.idp().requests(Endpoint::Token), 1);

    assert_refused(&thief, &callback, "a copied jar").await;
    thief.browser = copy;
    app.clock.advance(Duration::from_secs(599));
    assert_refused(&thief, &callback, "a copied jar, at the last moment").await;
    let fresh = with_parameter(&callback, "code", Some("another"));
    thief.browser = app.browser.stranger();
    assert_refused(&thief, &fresh, "another code").await;
    assert_eq!(app.idp().reuse_detected(), 0);

    let again = app.browser.visit(&callback).await;
    assert_eq!(again.status, 200, "who is signed in goes on to a page");
    assert_eq!(app.idp().requests(Endpoint::Token), 1);
}

/// As before, all at once. Guard: `Sessions::use_once`, which is atomic.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threat_07_callbacks_of_the_same_state_race() {
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (browser, callback) = (app.browser.copy(), callback.clone());
        racing.spawn(async move { browser.visit(&callback).no_follow().await.status.as_u16() });
    }
    let mut statuses = racing.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 303);
    assert_eq!(statuses[1..], [400; 19]);
    assert_eq!(app.idp().requests(Endpoint::Token), 1);
    assert_eq!(app.idp().reuse_detected(), 0);
}

/// An attempt that lies about. Guard: `LoginState::is_over` in `sign_in::finish`; the browser's own
/// `Max-Age` is no guard.
#[tokio::test]
async fn threat_07_an_attempt_outlives_its_ten_minutes() {
    for (age, expected) in [(599, 303), (600, 400), (601, 400), (86_400, 400)] {
        let app = App::new();
        let page = app.visit("/protected").no_follow().await;
        let (name, value) = attempt(&app);
        app.clock.advance(Duration::from_secs(age));
        let immortal = format!("{name}={value}; Path=/; Secure");
        app.browser.set_cookie(App::URL, &immortal).unwrap();
        // The person sat at the provider's page all the time: the code is fresh.
        let back = page.follow_redirect().stop_before(App::URL).await;
        let page = back.follow_redirect().no_follow().await;
        assert_eq!(page.status, expected, "after {age} s: {}", page.html());
        let calls = u64::from(expected == 303);
        assert_eq!(app.idp().requests(Endpoint::Token), calls, "after {age} s");
        assert_eq!(app.session_cookie().is_some(), expected == 303);
    }
}

/// Mix-up: the answer of one provider at the callback for another (RFC 9700 section 4.4). Guard:
/// `state.issuer` in `sign_in::finish`.
#[tokio::test]
async fn threat_08_a_state_made_for_one_provider_works_at_another() {
    let mut app = App::new();
    let key = CookieKey::generate();
    let sso = builder(&app).cookie_key(key.clone()).build().unwrap();
    deploy(&mut app, sso);
    let callback = app.until_callback("/protected").await;

    let other = "https://other.example.net";
    let simulator = Simulator::builder(other)
        .client(
            SimulatedClient::new(App::CLIENT)
                .with_secret(App::SECRET)
                .add_redirect_uri(&format!("{}/auth/callback", App::URL)),
        )
        .user(SimulatedUser::new("alice"))
        .clock(Arc::new(app.clock.clone()))
        .build();
    let sso = tower_sso::Sso::builder(other)
        .client(App::CLIENT, App::SECRET)
        .base_url(App::URL)
        .cookie_key(key)
        .clock(Arc::new(app.clock.clone()))
        .http_client(Arc::new(InProcessClient::new(simulator.router())))
        .build()
        .unwrap();
    deploy(&mut app, sso);
    for iss in [Some(other), Some(App::IDP), None] {
        let url = with_parameter(&callback, "iss", iss);
        let before = app.browser.copy();
        assert_refused(&app, &url, &format!("iss {iss:?}")).await;
        app.browser = before;
    }
    assert_eq!(simulator.handle().requests(Endpoint::Token), 0);
}

/// Mix-up once more: RFC 9207 names who answers. Guard: `Provider::check_response_issuer` in
/// `sign_in::finish`.
#[tokio::test]
async fn threat_08_nobody_looks_who_answers() {
    for iss in [
        None,
        Some("https://evil.example"),
        Some("https://idp.example.org/"),
        Some("HTTPS://idp.example.org"),
    ] {
        let app = App::new();
        app.idp()
            .set_fault(Fault::IssParameter(iss.map(str::to_owned)));
        let callback = app.until_callback("/protected").await;
        assert_refused(&app, &callback, &format!("{iss:?}")).await;
    }

    let app = App::new();
    app.idp().set_fault(Fault::IssParameter(None));
    app.idp().set_fault(Fault::DiscoveryField(
        "authorization_response_iss_parameter_supported".into(),
        None,
    ));
    app.sign_in("/protected").await;

    let app = App::new();
    app.idp()
        .set_fault(Fault::IssParameter(Some("https://evil.example".into())));
    app.idp().set_fault(Fault::AuthorizeError(
        "access_denied".into(),
        Some("pay here".into()),
    ));
    let page = app.visit("/protected").await;
    assert_eq!(page.status, 400, "an error is not believed either");
    assert!(!page.html().contains("pay here"));
}

/// CVE-2023-48309: a cookie of the sign-in passed for a session. Guard: `SessionKey::of_cookie` leads
/// nowhere for it, and an attempt must hold the very `state` that came back (`LoginStates::find`). That
/// purpose and name are part of each seal stands behind both, and has a test beside `Sealer`.
#[tokio::test]
async fn threat_09_a_cookie_of_one_purpose_passes_for_another() {
    let plant = |app: &App, name: &str, value: &str| {
        let line = format!("{name}={value}; Path=/; Secure; HttpOnly");
        app.browser.set_cookie(App::URL, &line).unwrap();
    };
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    let (name, sealed) = attempt(&app);
    plant(&app, App::COOKIE, &sealed);
    assert_eq!(app.visit("/protected").no_follow().await.status, 303);
    assert_eq!(app.visit("/auth/session").await.json()["signed_in"], false);

    let donor = App::new();
    donor.sign_in("/protected").await;
    let session = donor.session_cookie().unwrap();
    let trips = donor.browser.cookie("__Host-sso-trips").unwrap().value;
    let page = donor.visit("/auth/logout").await;
    page.submit(&page.only_form()).no_follow().await;
    let logout = donor.browser.cookie("__Host-sso-logout").unwrap().value;
    let fresh = || {
        let mut app = app.clone();
        app.browser = donor.browser.stranger();
        app.browser.serve(App::URL, app.sso.into_axum(app.routes()));
        app
    };
    for (what, value) in [
        ("session", &session),
        ("trips", &trips),
        ("logout", &logout),
    ] {
        let app = fresh();
        plant(&app, &name, value);
        assert_refused(&app, &callback, what).await;
    }
    for (what, value) in [("trips", &trips), ("logout", &logout)] {
        plant(&donor, App::COOKIE, value);
        assert_eq!(
            donor.visit("/protected").no_follow().await.status,
            303,
            "{what}"
        );
    }

    // What the count holds is no secret: its first word must not do for the state of a sign-out.
    plant(&donor, "__Host-sso-logout", &trips);
    let page = donor.visit("/auth/logged-out?state=1800000000").await;
    assert_eq!(page.status, 400);

    let app = App::new();
    let first = app.until_callback("/protected").await;
    let (first_name, first_value) = attempt(&app);
    app.browser.clear_cookies();
    let second = app.until_callback("/protected?second").await;
    let (second_name, second_value) = attempt(&app);
    plant(&app, &second_name, &first_value);
    plant(&app, &first_name, &second_value);
    assert_refused(&app, &second, "the name of another attempt").await;
    assert_refused(&app, &first, "the name of another attempt").await;
}

/// Ten thousand hits by nobody. Guard: `LoginStates::surplus`, and that an attempt is kept by the browser
/// alone.
#[tokio::test]
async fn threat_11_anonymous_hits_pile_up() {
    let (app, store) = on_hostile_store();
    let long = "x".repeat(1_500);
    let paths = [
        "/protected".to_owned(),
        format!("/protected?{long}"),
        format!("/auth/login?return_to=/{long}"),
    ];
    for hit in 0..10_000 {
        let page = app.visit(&paths[hit % paths.len()]).no_follow().await;
        assert_eq!(page.status, 303);
        if hit % 1_000 == 0 {
            app.clock.advance(Duration::from_secs(1));
        }
        assert!(app.attempts() <= 10, "{} after {hit}", app.attempts());
        for line in page.set_cookies() {
            let pair = line.split(';').next().unwrap_or_default();
            assert!(pair.len() <= 701, "{} bytes", pair.len());
        }
    }
    assert_eq!(store.calls(), 0, "the server keeps nothing");
    let cookies = app.browser.cookies();
    let bytes: usize = cookies
        .iter()
        .map(|cookie| cookie.name.len() + cookie.value.len())
        .sum();
    assert!(bytes <= 7_000, "{bytes} bytes of cookies");
    for path in ["/mfa", "/auth/login?return_to=/x", "/extractor"] {
        app.visit(path).no_follow().await;
        assert!(app.attempts() <= 10, "{path}");
    }
    app.sign_in("/protected").await;
}

/// CVE-2021-41246: a session id that was planted before the sign-in was that of the session after it.
/// Guard: `Sessions::make` takes a new id always.
#[tokio::test]
async fn threat_12_a_planted_session_id_survives_the_sign_in() {
    let app = App::new();
    let planted = "A".repeat(43);
    let line = format!("{}={planted}; Path=/; Secure; HttpOnly", App::COOKIE);
    app.browser.set_cookie(App::URL, &line).unwrap();
    let attacker = app.browser.copy();
    app.sign_in("/protected").await;
    assert_ne!(app.session_cookie().unwrap(), planted);
    let url = format!("{}/protected", App::URL);
    assert_eq!(attacker.visit(&url).no_follow().await.status, 303);

    // The attacker's own live session, planted in the victim's browser.
    let app = App::new();
    let mut attacker = app.clone();
    attacker.browser = app.browser.stranger();
    attacker.person("bob", &["pwd"]);
    attacker.sign_in("/protected").await;
    let planted = attacker.session_cookie().unwrap();
    let line = format!("{}={planted}; Path=/; Secure; HttpOnly", App::COOKIE);
    app.browser.set_cookie(App::URL, &line).unwrap();
    app.person("alice", &["pwd"]);
    app.visit("/auth/login?return_to=/protected&prompt=login")
        .await;
    assert_eq!(app.visit("/protected").await.json()["sub"], "alice");
    let page = attacker.visit("/protected").no_follow().await;
    assert_eq!(page.status, 303, "it is over, and was never the victim's");
}

/// A planted second cookie of the same name. Guard: `Found::Twice` in `cookie::find`.
#[tokio::test]
async fn threat_12_a_second_cookie_of_the_name_decides() {
    let app = App::new();
    app.sign_in("/protected").await;
    let own = app.session_cookie().unwrap();
    for cookie in [
        format!("{0}={own}; {0}={own}", App::COOKIE),
        format!("{0}=evil; {0}={own}", App::COOKIE),
        format!("{0}={own}; {0}=", App::COOKIE),
    ] {
        let request = http::Request::get("/auth/session").header("cookie", &cookie);
        let response = super::send(&app, request.body(axum::body::Body::empty()).unwrap()).await;
        let body = super::body_of(response).await;
        assert!(body.contains("\"signed_in\":false"), "{cookie}: {body}");
    }
}

/// A link or a form elsewhere starts a sign-in, and the session is another one afterwards. Guard:
/// `asked_by_this_site` in `login::answer`; a form's POST comes without the session's cookie and is sent
/// round as a GET, which has it.
#[tokio::test]
async fn threat_12_a_start_from_another_site_replaces_the_session() {
    for origin in ["https://evil.example", "https://evil.example.com"] {
        let app = App::new();
        app.sign_in("/protected").await;
        let before = app.session_cookie();
        app.person("bob", &["pwd"]);
        let evil = evil_page(&app, origin).await;
        let login = format!("{}/auth/login?prompt=login&return_to=/protected", App::URL);
        evil.follow(&login).await;
        assert_eq!(app.session_cookie(), before, "a link at {origin}");
        let form = [
            ("prompt", "login"),
            ("return_to", "/protected"),
            ("login_hint", "bob"),
        ];
        evil.follow(&login).post_form(&form).await;
        assert_eq!(app.session_cookie(), before, "a form at {origin}");
        evil.follow(&login).post_form(&form).by_sandbox().await;
        assert_eq!(app.session_cookie(), before, "a sandbox at {origin}");
        evil.frame(&login).await;
        evil.load(&login).await;
        evil.fetch(&login).with_credentials().await;
        assert_eq!(
            app.session_cookie(),
            before,
            "what is in a page at {origin}"
        );
        assert_eq!(app.visit("/protected").await.json()["sub"], "alice");
    }

    // OpenID Connect Core section 4: a third party may start by POST, too.
    let app = App::new();
    let portal = evil_page(&app, "https://portal.example.net").await;
    let target = format!("{}/protected?x=1", App::URL);
    let form = [("iss", App::IDP), ("target_link_uri", target.as_str())];
    let page = portal
        .follow(&format!("{}/auth/login", App::URL))
        .post_form(&form)
        .await;
    assert_eq!(page.url.as_str(), target);
    assert_eq!(page.json()["sub"], "alice");
}

/// Logout CSRF. Guard: `cross_site::may_use_session` in `logout::answer`, and GET only asks.
#[tokio::test]
async fn threat_12_another_site_signs_somebody_out() {
    for origin in ["https://evil.example", "https://evil.example.com"] {
        let app = App::with(|builder| builder.embedded(true));
        app.sign_in("/protected").await;
        let before = app.session_cookie();
        let evil = evil_page(&app, origin).await;
        let logout = format!("{}/auth/logout", App::URL);
        let page = evil.follow(&logout).post_form(&[]).await;
        assert_eq!(page.status, 403, "{origin}");
        let page = evil.follow(&logout).post_form(&[]).by_sandbox().await;
        assert_eq!(page.status, 403, "{origin}");
        evil.follow(&logout).await;
        evil.load(&logout).await;
        evil.fetch(&logout)
            .method(Method::POST)
            .with_credentials()
            .await;
        app.visit("/auth/logout")
            .header("sec-purpose", "prefetch")
            .await;
        assert_eq!(app.session_cookie(), before, "{origin}");
        assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    }
}

/// Two tabs, one cookie for both, and the first to come back finds the other's. Guard: a cookie per attempt
/// in `LoginStates::cookie`.
#[tokio::test]
async fn threat_13_two_tabs_sign_in_and_one_fails() {
    let app = App::new();
    let first = app.until_callback("/protected?tab=1").await;
    let second = app.until_callback("/protected?tab=2").await;
    assert_eq!(app.attempts(), 2);
    let second = app.browser.visit(&second).await;
    assert_eq!(second.url.query(), Some("tab=2"));
    assert_eq!(second.status, 200);
    let first = app.browser.visit(&first).await;
    assert_eq!(first.url.query(), Some("tab=1"));
    assert_eq!(first.status, 200);
    assert_eq!(app.attempts(), 0);
    assert_eq!(second.reload().await.status, 200, "the other tab goes on");

    let app = App::new();
    let first = app.until_callback("/protected?tab=1").await;
    let second = app.until_callback("/protected?tab=2").await;
    let (first, second) = tokio::join!(app.browser.visit(&first), app.browser.visit(&second));
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
}
