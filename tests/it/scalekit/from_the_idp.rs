//! Rows 16 and 17: a sign-in that began at the customer's IdP, at the login route and at the callback.

use http::{Method, StatusCode};
use tower_sso::simulator::{ScalekitEndpoint as At, ScalekitUser};

use crate::support::{Page, ScalekitApp, Setting, parameters};

const ENVIRONMENT: &str = ScalekitApp::ENVIRONMENT;

fn app() -> ScalekitApp {
    let app = ScalekitApp::new();
    app.idp().set_default_login(ScalekitApp::ALICE);
    app
}

fn token(app: &ScalekitApp, relay_state: &str) -> String {
    app.idp()
        .idp_initiated_token(ScalekitApp::ALICE, Some(relay_state))
}

fn goes_to_sign_in(page: &Page) -> bool {
    let to = page.location();
    to.is_some_and(|to| {
        to.as_str()
            .starts_with(&format!("{ENVIRONMENT}/oauth/authorize?"))
    })
}

/// It signs nobody in by itself: an ordinary sign-in follows, with a state of our own.
async fn starts_a_sign_in(route: &str) {
    let app = app();
    let token = token(&app, "/profile");
    let page = app.begun_at_idp(route, &token).no_follow().await;
    assert!(goes_to_sign_in(&page), "{}", page.html());
    assert_eq!(app.signed_in().await, None);
    let sent = parameters(&page.location().unwrap());
    assert_eq!(sent["connection_id"], "conn_example_okta");
    assert_eq!(sent["login_hint"], "alice@example.com");
    assert!(!sent.contains_key("organization_id"), "the connection wins");
    for name in ["state", "nonce", "code_challenge"] {
        assert!(sent[name].len() >= 43, "{name}");
    }
    assert!(sent.values().all(|value| *value != token));
    let page = page.follow_redirect().await;
    assert_eq!(page.url.as_str(), "https://app.example.com/profile");
    assert_eq!(page.json()["id"], "alice");
    assert_eq!(app.idp().code_grants(), 1);
}

#[tokio::test]
async fn row_16_a_sign_in_from_the_idp_becomes_an_ordinary_one() {
    starts_a_sign_in("login").await;
}

#[tokio::test]
async fn row_17_a_sign_in_from_the_idp_becomes_an_ordinary_one() {
    starts_a_sign_in("callback").await;
}

/// The environment itself sends people there, whichever route is registered.
#[tokio::test]
async fn row_16_the_environment_sends_to_the_route_that_is_registered() {
    for route in ["login", "callback"] {
        let uri = format!("{}/auth/{route}", ScalekitApp::URL);
        let app = ScalekitApp::with(&Setting {
            environment: &|builder| builder.initiate_login_uri(&uri),
            ..Setting::default()
        });
        app.idp().set_default_login(ScalekitApp::ALICE);
        let url = app.idp().idp_initiated_url(ScalekitApp::ALICE, None);
        assert!(url.starts_with(&uri), "{url}");
        let page = app.browser.visit_from(ENVIRONMENT, &url).await;
        assert_eq!(page.url.as_str(), "https://app.example.com/", "{route}");
        assert_eq!(page.text(), ScalekitApp::ALICE, "{route}");
    }
}

async fn leads_on_who_is_meant(route: &str) {
    let app = app();
    app.sign_in(ScalekitApp::ALICE).await;
    let (cookie, asked) = (app.session_cookie(), app.requests(At::Authorize));
    let page = app.begun_at_idp(route, &token(&app, "/profile")).await;
    assert_eq!(page.url.as_str(), "https://app.example.com/profile");
    assert_eq!(page.status, 200);
    assert_eq!(app.session_cookie(), cookie);
    assert_eq!(app.requests(At::Authorize), asked);
}

#[tokio::test]
async fn row_16_who_is_meant_and_signed_in_goes_straight_on() {
    leads_on_who_is_meant("login").await;
}

#[tokio::test]
async fn row_17_who_is_meant_and_signed_in_goes_straight_on() {
    leads_on_who_is_meant("callback").await;
}

/// The same address at another customer's: another person.
fn with_a_namesake() -> ScalekitApp {
    ScalekitApp::with(&Setting {
        environment: &|builder| {
            let namesake =
                ScalekitUser::new("conn_society_entra", "alice").email("alice@example.com");
            builder.user(namesake)
        },
        ..Setting::default()
    })
}

async fn asks_somebody_else_first(route: &str) {
    for (who, name) in [
        (ScalekitApp::BOB, "bob@example.com"),
        (ScalekitApp::CAROL, "carol@example.org"),
        ("conn_society_entra;alice", "alice@example.com"),
    ] {
        for goes_on in [true, false] {
            let app = with_a_namesake();
            app.sign_in(who).await;
            let cookie = app.session_cookie();
            app.idp().set_default_login(ScalekitApp::ALICE);
            let page = app.begun_at_idp(route, &token(&app, "/profile")).await;
            assert_eq!(page.status, 200, "{who}");
            assert!(
                page.text().contains(&format!("Continue as {name}?")),
                "{}",
                page.text()
            );
            assert_eq!(app.session_cookie(), cookie, "{who}: nobody was asked");
            assert_eq!(app.signed_in().await.as_deref(), Some(who));
            if goes_on {
                let page = page.click(&format!("Continue as {name}")).await;
                assert_eq!(page.text(), who);
                assert_eq!(app.session_cookie(), cookie, "{who}");
            } else {
                let page = page.click("Sign in as alice@example.com").await;
                assert_eq!(page.url.path(), "/profile", "{who}: {}", page.html());
                assert_eq!(app.signed_in().await.as_deref(), Some(ScalekitApp::ALICE));
                assert_ne!(app.session_cookie(), cookie, "{who}");
            }
        }
    }
}

#[tokio::test]
async fn row_16_somebody_else_who_is_signed_in_is_asked_first() {
    asks_somebody_else_first("login").await;
}

#[tokio::test]
async fn row_17_somebody_else_who_is_signed_in_is_asked_first() {
    asks_somebody_else_first("callback").await;
}

/// Whoever shows it below a page of their own has somebody click themselves into another account.
#[tokio::test]
async fn row_16_the_page_that_asks_is_shown_in_no_frame() {
    let app = app();
    app.sign_in(ScalekitApp::BOB).await;
    let page = app.begun_at_idp("login", &token(&app, "/profile")).await;
    assert!(page.text().contains("Continue as"), "{}", page.text());
    for ancestor in [ScalekitApp::URL, "https://evil.example.com"] {
        assert!(!page.can_be_framed_by(ancestor), "{ancestor}");
    }
}

async fn counts_once(route: &str) {
    let app = app();
    let token = token(&app, "/profile");
    let thief = app.copied();
    let page = app.begun_at_idp(route, &token).no_follow().await;
    assert!(goes_to_sign_in(&page));
    let (head, signature) = token.rsplit_once('.').unwrap();
    // RFC 4648 section 3.5: the last character has bits that say nothing.
    let last = if signature.ends_with('A') { 'B' } else { 'A' };
    let respelled = [
        token.clone(),
        format!("{token}="),
        format!("{head}.{}{last}", &signature[..signature.len() - 1]),
        format!("{token}%0a"),
    ];
    for (who, browser) in [
        ("this", &app),
        ("a copy", &thief),
        ("another", &app.stranger()),
    ] {
        for text in &respelled {
            for route in ["login", "callback"] {
                let page = browser.begun_at_idp(route, text).no_follow().await;
                assert_eq!(page.status, StatusCode::BAD_REQUEST, "{who} {route} {text}");
            }
        }
        assert_eq!(browser.signed_in().await, None, "{who}");
    }
    // The attempt that it began is as good as any.
    let page = page.follow_redirect().await;
    assert_eq!(page.json()["id"], "alice");
    // Until it is over by itself, and then still not.
    app.browser.clear_cookies();
    for _ in 0..8 {
        let page = app.begun_at_idp(route, &token).no_follow().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        app.seconds(60);
    }
}

#[tokio::test]
async fn row_16_a_token_counts_once_in_whichever_browser_and_spelling() {
    counts_once("login").await;
}

#[tokio::test]
async fn row_17_a_token_counts_once_in_whichever_browser_and_spelling() {
    counts_once("callback").await;
}

/// A page that says so, with a way to sign in from here.
#[tokio::test]
async fn row_16_a_used_token_leaves_a_way_to_sign_in() {
    let app = app();
    let token = token(&app, "/profile");
    app.stranger()
        .begun_at_idp("login", &token)
        .no_follow()
        .await;
    let page = app.begun_at_idp("login", &token).await;
    assert!(page.text().contains("was used already"), "{}", page.text());
    let page = page.click("Sign in").await;
    assert_eq!(page.url.path(), "/profile", "{}", page.html());
    assert_eq!(page.json()["id"], "alice");
}

/// Browsers, mail filters and link previews look ahead: the person comes later.
async fn survives_who_looks_ahead(route: &str) {
    let app = app();
    let token = token(&app, "/profile");
    let url = format!(
        "{}/auth/{route}?idp_initiated_login={token}",
        ScalekitApp::URL
    );
    let ahead = app.visit("/").await.prefetch(&url).await;
    assert_eq!(ahead.status, StatusCode::UNAUTHORIZED);
    let head = app
        .begun_at_idp(route, &token)
        .method(Method::HEAD)
        .no_follow()
        .await;
    assert!(
        !head.status.is_success() && !goes_to_sign_in(&head),
        "{}",
        head.status
    );
    assert!(ahead.set_cookies().is_empty() && head.set_cookies().is_empty());
    let page = app.begun_at_idp(route, &token).await;
    assert_eq!(page.url.path(), "/profile", "{}", page.html());
}

#[tokio::test]
async fn row_16_who_looks_ahead_uses_no_token_up() {
    survives_who_looks_ahead("login").await;
}

#[tokio::test]
async fn row_17_who_looks_ahead_uses_no_token_up() {
    survives_who_looks_ahead("callback").await;
}

/// A form on another site comes without the session's cookie: without care it would replace who is signed in.
async fn takes_a_form(route: &str) {
    let app = app();
    let send = |app: &ScalekitApp, token: &str| {
        let url = format!("{}/auth/{route}", ScalekitApp::URL);
        let form = app.browser.visit_from("https://elsewhere.example/", &url);
        form.post_form(&[("idp_initiated_login", token)])
    };
    let page = send(&app, &token(&app, "/profile")).await;
    assert_eq!(page.url.path(), "/profile", "{}", page.html());
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::BOB).await;
    let cookie = app.session_cookie();
    app.idp().set_default_login(ScalekitApp::ALICE);
    let page = send(&app, &token(&app, "/profile")).await;
    assert!(
        page.text().contains("Continue as bob@example.com?"),
        "{} {}",
        page.url,
        page.text()
    );
    assert_eq!(app.session_cookie(), cookie);
}

#[tokio::test]
async fn row_16_a_form_of_another_site_replaces_nobody() {
    takes_a_form("login").await;
}

#[tokio::test]
async fn row_17_a_form_of_another_site_replaces_nobody() {
    takes_a_form("callback").await;
}
