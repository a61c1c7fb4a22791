//! Policy: loops of sign-ins.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::{Policy, RequireLayer};

use super::{Mood, on_hostile_store, serve_routes};
use crate::support::{App, Page};

/// Follows a browser that gives up much later than Chromium does, which is at 20 redirects.
async fn goes_round(app: &App, path: &str) -> Page {
    let mut page = app.visit(path).no_follow().await;
    for _ in 0..60 {
        if page.location().is_none() {
            return page;
        }
        page = page.follow_redirect().no_follow().await;
    }
    panic!("it goes round and round: {}", page.url);
}

/// Every system of the field has had a redirect loop. Guard: `sign_in::was_in_vain` in `refusal::decide`.
#[tokio::test]
async fn threat_32_a_step_up_that_comes_back_too_weak_goes_round() {
    let app = App::new();
    let never = Policy::login()
        .acr(["urn:example:never"])
        .max_age(Duration::from_secs(3_600));
    let both = Policy::mfa().amr_all(["iris", "vbm"]);
    let routes = Router::new()
        .route(
            "/login",
            get(|| async { "in" }).layer(RequireLayer::new(Policy::login())),
        )
        .route(
            "/never",
            get(|| async { "in" }).layer(RequireLayer::new(never)),
        )
        .route(
            "/both",
            get(|| async { "in" }).layer(RequireLayer::new(both)),
        );
    serve_routes(&app, routes);
    for path in ["/never", "/both"] {
        app.visit("/login").await;
        app.idp().set_fault(Fault::WeakStepUp);
        let before = app.idp().requests(Endpoint::Authorize);
        let page = goes_round(&app, path).await;
        assert_eq!(page.status, 403, "{path}");
        assert_eq!(page.url.path(), path);
        let asked = app.idp().requests(Endpoint::Authorize) - before;
        assert_eq!(asked, 1, "{path}");
        app.idp().clear_faults();
        app.browser.clear_cookies();
    }

    // Nobody is signed in yet, and the provider says that it can't be reached.
    let app = App::new();
    let unmet = "unmet_authentication_requirements";
    app.idp()
        .set_fault(Fault::AuthorizeError(unmet.into(), None));
    let page = goes_round(&app, "/mfa").await;
    assert_eq!(page.status, 403, "{}", page.html());
    assert_eq!(app.idp().requests(Endpoint::Authorize), 1);
}

/// As before: the session is lost each time. Guard: `RoundTrips::is_loop` in `refusal::answer`.
#[tokio::test]
async fn threat_32_a_session_that_is_lost_goes_round() {
    let (app, store) = on_hostile_store();
    store.set(Mood::Forgets);
    let page = goes_round(&app, "/protected").await;
    assert_eq!(page.status, 403);
    assert!(page.html().contains("round in circles"), "{}", page.html());
    assert!(app.idp().code_grants() <= 6, "{}", app.idp().code_grants());
    assert_eq!(app.handled(), 0);
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 403, "and stays there");

    store.set(Mood::Works);
    let count = app.browser.cookie("__Host-sso-trips").unwrap().value;
    app.clock.advance(Duration::from_secs(60));
    let gone = "__Host-sso=; Path=/; Secure; Max-Age=0";
    app.browser.set_cookie(App::URL, gone).unwrap();
    // A browser whose clock is slow keeps the count longer.
    let kept = format!("__Host-sso-trips={count}; Path=/; Secure");
    app.browser.set_cookie(App::URL, &kept).unwrap();
    app.sign_in("/protected").await;
}

/// As before: a handler that is never content sends people to sign in by itself. Guard:
/// `RoundTrips::is_loop` in `login::answer`.
#[tokio::test]
async fn threat_32_a_handler_that_asks_for_a_sign_in_always_goes_round() {
    let app = App::new();
    let again =
        || async { axum::response::Redirect::to("/auth/login?return_to=/again&prompt=login") };
    serve_routes(&app, Router::new().route("/again", get(again)));
    let page = goes_round(&app, "/again").await;
    assert_eq!(page.status, 403, "{}", page.html());
    assert!(page.html().contains("round in circles"), "{}", page.html());
    assert!(app.idp().code_grants() <= 6, "{}", app.idp().code_grants());
}

/// As before: a browser that keeps no cookie at all has no count either, and must stop by itself. Guard:
/// `unknown_attempt` in `callback` starts nothing.
#[tokio::test]
async fn threat_32_a_browser_without_cookies_goes_round() {
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    app.browser.clear_cookies();
    let page = app.browser.visit(&callback).no_follow().await;
    assert_eq!(page.status, 400);
    assert!(page.html().contains("allow cookies"), "{}", page.html());
}
