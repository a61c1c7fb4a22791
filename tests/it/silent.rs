//! `prompt=none`: signed in where the provider knows the person, without a page.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tower_sso::oidc::ResponseMode;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::{Policy, RequireLayer, SilentLayer, Unauthenticated, User};

use crate::support::{App, Page};

/// An app with a public page that asks silently, and a protected one with a page of its own before it.
fn app() -> App {
    served(App::new())
}

/// The same where answers come by a form, which brings no `Lax` cookie.
fn app_by_form() -> App {
    served(App::with(|builder| {
        builder.response_mode(ResponseMode::FormPost)
    }))
}

fn served(app: App) -> App {
    let greet = |user: Option<User>| async move {
        user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
    };
    let own = |page: fn(String) -> Unauthenticated| {
        RequireLayer::new(Policy::login()).unauthenticated(page("/welcome?from=here".to_owned()))
    };
    let routes = Router::new()
        .route("/optional", get(greet).layer(SilentLayer::new()))
        .route("/page", get(greet).layer(own(Unauthenticated::Page)))
        .route(
            "/silent",
            get(greet).layer(own(Unauthenticated::SilentThenPage)),
        )
        .route("/welcome", get(greet))
        .route(
            "/protected",
            get(greet).layer(RequireLayer::new(Policy::login())),
        );
    app.serve(app.sso.into_axum(routes));
    app
}

/// The person is signed in at the provider, and not here.
async fn signed_in_elsewhere() -> App {
    let app = app();
    app.visit("/protected").await;
    forget(&app);
    app
}

/// The browser loses its session.
fn forget(app: &App) {
    app.browser
        .set_cookie(App::URL, "__Host-sso=; Path=/; Secure; Max-Age=0")
        .unwrap();
}

/// Nobody signs in at the provider by themselves.
fn nobody_anywhere() -> App {
    let app = app();
    app.idp().set_default_login(None);
    app
}

fn asked(app: &App) -> u64 {
    app.idp().requests(Endpoint::Authorize)
}

fn assert_shows(page: &Page, url: &str, text: &str) {
    assert_eq!(
        page.url.as_str(),
        format!("{}{url}", App::URL),
        "{}",
        page.html()
    );
    assert_eq!((page.status.as_u16(), page.html().as_str()), (200, text));
}

#[tokio::test]
async fn a_public_page_greets_who_is_signed_in_elsewhere() {
    let app = signed_in_elsewhere().await;
    let page = app.visit("/optional?a=b").await;
    assert_shows(&page, "/optional?a=b", "alice");
    assert!(
        page.hop(App::IDP)
            .unwrap()
            .url
            .as_str()
            .contains("prompt=none")
    );
    assert_shows(
        &app.visit("/protected").no_follow().await,
        "/protected",
        "alice",
    );
}

#[tokio::test]
async fn a_public_page_shows_to_nobody_and_asks_once_in_five_minutes() {
    let app = nobody_anywhere();
    for expected in [1, 1, 1] {
        assert_shows(&app.visit("/optional").await, "/optional", "nobody");
        assert_eq!(asked(&app), expected);
    }
    app.clock.advance(Duration::from_secs(299));
    app.visit("/optional").await;
    assert_eq!(asked(&app), 1);
    app.clock.advance(Duration::from_secs(1));
    assert_shows(&app.visit("/optional").await, "/optional", "nobody");
    assert_eq!(asked(&app), 2);
    assert_eq!(app.attempts(), 0);
}

#[tokio::test]
async fn how_often_a_browser_is_asked_is_an_option() {
    let minute = Duration::from_secs(60);
    let app = served(App::with(|builder| builder.silent_interval(minute)));
    app.idp().set_default_login(None);
    for (later, expected) in [(0, 1), (59, 1), (1, 2)] {
        app.clock.advance(Duration::from_secs(later));
        app.visit("/optional").await;
        assert_eq!(asked(&app), expected, "{later}");
    }
}

#[tokio::test]
async fn only_a_navigation_asks() {
    let app = nobody_anywhere();
    let home = app.visit("/welcome").await;
    for page in [
        home.fetch("/optional").await,
        home.frame("/optional").await,
        home.prefetch("/optional").await,
        home.load("/optional").await,
        home.follow("/optional").header("hx-request", "true").await,
    ] {
        assert_shows(&page, "/optional", "nobody");
        assert!(page.set_cookies().is_empty());
    }
    assert_eq!(asked(&app), 0);
}

#[tokio::test]
async fn each_refusal_and_each_failure_shows_the_page() {
    let error = |code: &str| Fault::AuthorizeError(code.to_owned(), None);
    for fault in [
        error("login_required"),
        error("interaction_required"),
        error("consent_required"),
        error("account_selection_required"),
        error("server_error"),
        error("temporarily_unavailable"),
        error("access_denied"),
        error("invalid_request"),
        error("whatever"),
        Fault::Status(Endpoint::Token, 500, None),
        Fault::Garbage(Endpoint::Token),
        Fault::IdTokenClaim("nonce".into(), None),
        Fault::Status(Endpoint::Jwks, 500, None),
        Fault::Status(Endpoint::Discovery, 503, None),
        Fault::DiscoveryIssuer("https://evil.example".into()),
    ] {
        let app = app();
        app.idp().set_fault(fault.clone());
        let page = app.visit("/optional").await;
        assert_eq!(page.url.path(), "/optional", "{fault:?}: {}", page.html());
        assert_eq!(page.html(), "nobody", "{fault:?}");
        assert_eq!(app.session_cookie(), None, "{fault:?}");
        let again = app.visit("/optional").no_follow().await;
        assert_eq!(again.status, 200, "{fault:?}");
    }
}

#[tokio::test]
async fn a_browser_without_cookies_sees_the_page_after_one_round() {
    let app = nobody_anywhere();
    let asks = app
        .visit("/optional?a=b")
        .stop_before(&format!("{}/auth/callback", App::URL))
        .await;
    app.browser.clear_cookies();
    let back = app
        .browser
        .visit_from(App::IDP, asks.location().unwrap().as_str())
        .no_follow()
        .await;
    let location = back.location().unwrap();
    assert_eq!(
        location.as_str(),
        format!("{}/optional?a=b&sso_silent=no", App::URL)
    );
    app.browser.clear_cookies();
    let page = app.browser.visit(location.as_str()).no_follow().await;
    assert_shows(&page, "/optional?a=b&sso_silent=no", "nobody");
}

#[tokio::test]
async fn threat_43_after_a_sign_out_nobody_is_signed_in_silently() {
    let app = app();
    app.visit("/protected").await;
    // The provider's own session lives on: the person stops there.
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).stop_before(App::IDP).await;
    app.clock.advance(Duration::from_secs(3600));
    for path in ["/optional", "/optional"] {
        assert_shows(&app.visit(path).no_follow().await, path, "nobody");
    }
    let page = app.visit("/silent").no_follow().await;
    assert_eq!(page.location().unwrap().path(), "/welcome");
    // Somebody signs in on purpose, and is let in silently from then on.
    app.visit("/protected").await;
    forget(&app);
    assert_shows(&app.visit("/optional").await, "/optional", "alice");
}

/// A sign-out in another tab, while the provider was being asked.
#[tokio::test]
async fn threat_43_a_silent_answer_that_comes_after_a_sign_out_signs_nobody_in() {
    let app = signed_in_elsewhere().await;
    let callback = app.until_callback("/optional").await;
    app.visit("/protected").await;
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).stop_before(App::IDP).await;
    let page = app.browser.visit_from(App::IDP, &callback).await;
    assert_shows(&page, "/optional", "nobody");
    assert_eq!(app.session_cookie(), None);
    assert_eq!(
        app.idp().code_grants(),
        2,
        "the silent code is not redeemed"
    );
}

/// Whose session is over here and who signs out all the same does not want to be signed in again.
#[tokio::test]
async fn threat_43_a_sign_out_after_the_session_is_over_counts() {
    let app = signed_in_elsewhere().await;
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).await;
    let page = app.visit("/optional").no_follow().await;
    assert_shows(&page, "/optional", "nobody");
    assert_eq!(asked(&app), 1, "at the sign-in only");
}

#[tokio::test]
async fn a_protected_page_asks_silently_and_then_shows_the_apps_own_page() {
    let app = signed_in_elsewhere().await;
    assert_shows(&app.visit("/silent").await, "/silent", "alice");

    let app = nobody_anywhere();
    let page = app.visit("/silent?a=b").await;
    let expected = "/welcome?from=here&return_to=%2Fsilent%3Fa%3Db";
    assert_shows(&page, expected, "nobody");
    assert_eq!(asked(&app), 1);
    assert_shows(&app.visit("/silent?a=b").await, expected, "nobody");
    assert_eq!(asked(&app), 1);
}

#[tokio::test]
async fn a_protected_page_shows_the_apps_own_page_to_navigations_only() {
    let app = app();
    let page = app.visit("/page").await;
    assert_shows(&page, "/welcome?from=here&return_to=%2Fpage", "nobody");
    assert_eq!(asked(&app), 0);
    assert_eq!(page.fetch("/page").await.status, 401);
    assert_eq!(page.frame("/page").await.status, 401);
    let back = app.visit("/auth/login?return_to=/page").await;
    assert_shows(&back, "/page", "alice");
}

/// The page is for who has to sign in and can look at it: a form leads there and back to the form's page, what
/// is no person's click gets what it always gets, and who has to prove more is sent to the provider.
#[tokio::test]
async fn an_own_page_is_for_who_has_to_sign_in() {
    let app = app();
    let own = Unauthenticated::SilentThenPage("/welcome".to_owned());
    let greet = |user: User| async move { user.subject().to_owned() };
    let strong = RequireLayer::new(Policy::mfa()).unauthenticated(own);
    let routes = Router::new()
        .route("/strong", get(greet).post(greet).layer(strong))
        .route("/list", get(|| async { "a list" }))
        .route("/welcome", get(|| async { "welcome" }));
    app.serve(app.sso.into_axum(routes));
    let list = app.visit("/list").await;
    let form = list.follow("/strong").post_form(&[]).await;
    assert_shows(&form, "/welcome?return_to=%2Flist", "welcome");
    let hop = &form.hops[0];
    assert_eq!(hop.headers["cache-control"], "private, no-store");
    assert_eq!(hop.headers["vary"], "Cookie");
    for (page, status) in [
        (list.prefetch("/strong").await, 401),
        (list.websocket("/strong").await, 401),
        (
            list.fetch("/strong").header("hx-request", "true").await,
            401,
        ),
        (
            list.fetch("/strong")
                .header("content-type", "application/grpc")
                .await,
            200,
        ),
    ] {
        assert_eq!(page.status, status, "{}", page.html());
        assert_eq!(page.location(), None);
        assert!(page.set_cookies().is_empty());
    }
    assert_eq!(asked(&app), 0, "a form is not sent silently");
    app.visit("/auth/login").await;
    let weak = app.visit("/strong").no_follow().await;
    let to = weak.location().unwrap();
    assert!(to.as_str().starts_with(App::IDP), "{to}");
    assert!(!to.as_str().contains("prompt=none"), "{to}");
}

#[tokio::test]
async fn an_own_page_that_is_protected_too_does_not_lead_to_itself() {
    let app = App::new();
    let own = Unauthenticated::Page("/protected".to_owned());
    let layer = RequireLayer::new(Policy::login()).unauthenticated(own);
    let routes = Router::new().route("/protected", get(|| async { "in" }).layer(layer));
    app.serve(app.sso.into_axum(routes));
    assert_shows(&app.visit("/protected").await, "/protected", "in");
}

#[tokio::test]
async fn an_own_page_under_a_prefix_does_not_lead_to_itself_either() {
    let app = App::with(|builder| builder.base_url(App::PREFIXED));
    let own = Unauthenticated::Page("/protected".to_owned());
    let layer = RequireLayer::new(Policy::login()).unauthenticated(own);
    let routes = Router::new().route("/app/protected", get(|| async { "in" }).layer(layer));
    app.serve(app.sso.into_axum(routes));
    assert_shows(&app.visit("/app/protected").await, "/app/protected", "in");
}

#[tokio::test]
async fn threat_42_a_silent_answer_replaces_nobody() {
    let app = signed_in_elsewhere().await;
    let callback = app.until_callback("/optional").await;
    app.person("bob", &["pwd"]);
    app.idp().end_sessions();
    app.visit("/protected").await;
    let page = app.browser.visit_from(App::IDP, &callback).await;
    assert_shows(&page, "/optional", "bob");
    assert_eq!(
        app.idp().code_grants(),
        2,
        "the silent code is not redeemed"
    );
}

#[tokio::test]
async fn threat_42_a_silent_answer_replaces_nobody_where_others_come_by_form() {
    let app = app_by_form();
    app.visit("/protected").await.auto_submit().await;
    forget(&app);
    let callback = app.until_callback("/optional").await;
    app.person("bob", &["pwd"]);
    app.idp().end_sessions();
    app.visit("/protected").await.auto_submit().await;
    let page = app.browser.visit_from(App::IDP, &callback).await;
    assert_shows(&page, "/optional", "bob");
    assert_eq!(app.idp().code_grants(), 2);
}

/// Two silent attempts at once, and another account at the provider in between.
#[tokio::test]
async fn threat_42_of_two_silent_answers_the_first_counts() {
    for app in [app(), app_by_form()] {
        app.visit("/auth/login").stop_before(App::URL).await;
        let first = app.until_callback("/optional").await;
        app.person("bob", &["pwd"]);
        app.idp().end_sessions();
        app.visit("/auth/login").stop_before(App::URL).await;
        app.browser
            .set_cookie(App::URL, "__Host-sso-asked=; Path=/; Secure; Max-Age=0")
            .unwrap();
        let second = app.until_callback("/optional").await;
        for (answer, grants) in [(first, 1), (second, 1)] {
            let page = app.browser.visit_from(App::IDP, &answer).await;
            assert_shows(&page, "/optional", "alice");
            assert_eq!(app.idp().code_grants(), grants, "the first is redeemed");
        }
    }
}

#[tokio::test]
async fn an_answer_by_form_takes_the_mark_of_a_sign_out_away() {
    let app = app_by_form();
    app.visit("/protected").await.auto_submit().await;
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).stop_before(App::IDP).await;
    assert_shows(&app.visit("/optional").await, "/optional", "nobody");
    app.visit("/protected").await.auto_submit().await;
    forget(&app);
    assert_shows(&app.visit("/optional").await, "/optional", "alice");
}

#[test]
#[should_panic = "must be a path of this app"]
fn an_own_page_is_a_path_of_this_app() {
    let page = Unauthenticated::Page("https://evil.example/".to_owned());
    drop(RequireLayer::new(Policy::login()).unauthenticated(page));
}
