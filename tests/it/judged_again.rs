//! Tokens are no permission: whatever rung answered, the route's policy is judged on what it brought. What falls
//! short leads to a step-up, on the same session at the provider. (The second rung: `backend_sessions`.)

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::{Policy, RequireLayer, Unauthenticated, User};

use crate::support::{App, Page};

const TWO_FACTORS: &[&str] = &["pwd", "otp", "mfa"];

/// An app whose `/vault` wants two factors, asks silently, and has a page of its own for who is nobody.
fn app() -> App {
    let app = App::with(|builder| builder.scopes(["openid", "offline_access"]));
    let greet = |user: Option<User>| async move {
        user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
    };
    let page = Unauthenticated::SilentThenPage("/welcome".to_owned());
    let vault = get(greet).layer(RequireLayer::new(Policy::mfa()).unauthenticated(page));
    let routes = app.routes().merge(
        Router::new()
            .route("/vault", vault)
            .route("/welcome", get(greet)),
    );
    app.serve(app.sso.into_axum(routes));
    app
}

/// Signed in at the provider with a password, and not here.
async fn signed_in_elsewhere() -> App {
    let app = app();
    app.visit("/auth/login").stop_before(App::URL).await;
    assert_eq!((app.session_cookie(), app.idp().sessions()), (None, 1));
    app
}

fn asked(app: &App) -> u64 {
    app.idp().requests(Endpoint::Authorize)
}

fn assert_at(page: &Page, path: &str) {
    let text = page.html();
    assert_eq!((page.status.as_u16(), page.url.path()), (200, path));
    assert!(text.contains("alice"), "{text}");
}

#[tokio::test]
async fn a_refresh_that_says_less_leads_to_a_step_up() {
    let app = app();
    app.person("alice", TWO_FACTORS);
    app.sign_in("/mfa").await;
    let handled = app.handled();
    let weaker = Fault::IdTokenClaim("amr".into(), Some(json!(["pwd"])));
    app.idp().set_fault(weaker);
    app.clock.advance(Duration::from_secs(3540));
    let page = app.visit("/mfa").no_follow().await;
    let location = page.location().unwrap();
    assert!(location.as_str().starts_with(App::IDP), "{location}");
    let asks = |name: &str| location.query_pairs().any(|(key, _)| key == name);
    assert!(asks("id_token_hint") && asks("claims"), "{location}");
    assert_eq!((app.handled(), app.idp().refresh_grants()), (handled, 1));
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);

    app.idp().clear_faults();
    assert_at(&app.visit("/mfa").await, "/mfa");
    assert_eq!(app.idp().sessions(), 1, "the same session at the provider");
}

#[tokio::test]
async fn a_silent_sign_in_that_is_strong_enough_shows_the_page() {
    let app = app();
    app.person("alice", TWO_FACTORS);
    app.visit("/auth/login").stop_before(App::URL).await;
    assert_at(&app.visit("/vault").await, "/vault");
    assert_eq!(asked(&app), 2);
}

#[tokio::test]
async fn a_silent_sign_in_that_is_too_weak_leads_to_a_step_up() {
    let app = signed_in_elsewhere().await;
    app.person("alice", TWO_FACTORS);
    let page = app.visit("/vault?a=b").await;
    assert_at(&page, "/vault");
    assert_eq!(page.url.query(), Some("a=b"));
    assert_eq!(asked(&app), 3, "once silently, once for a second factor");
    assert_eq!(app.idp().sessions(), 1, "the same session at the provider");
}

#[tokio::test]
async fn a_silent_sign_in_and_a_step_up_that_are_too_weak_end_in_a_page() {
    let app = signed_in_elsewhere().await;
    app.idp().set_fault(Fault::WeakStepUp);
    let page = app.visit("/vault").await;
    assert_eq!((page.status.as_u16(), page.url.path()), (403, "/vault"));
    assert_eq!(asked(&app), 3);
    assert_eq!(app.visit("/vault").no_follow().await.status, 403);
}
