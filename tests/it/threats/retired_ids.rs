//! The id that a browser had before a step-up: for requests in flight it answers a few seconds more.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tower_sso::AccessToken;
use tower_sso::session::store::SessionStore as _;
use tower_sso::simulator::{Endpoint, Fault};

use super::{Mood, on_hostile_store, serve_routes};
use crate::support::{App, Browser, Page};

/// An app with a page that gives the access token away, and somebody who is signed in at it.
async fn signed_in() -> App {
    let app = App::with(|builder| builder.scopes(["openid", "offline_access"]));
    let give = |token: AccessToken| async move { token.expose().to_owned() };
    let token = Router::new().route("/token", get(give));
    serve_routes(&app, token.merge(app.routes()));
    app.sign_in("/protected").await;
    app.person("alice", &["pwd", "otp", "mfa"]);
    app
}

async fn visit(browser: &Browser, path: &str) -> Page {
    let url = format!("{}{path}", App::URL);
    browser.visit(&url).no_follow().await
}

/// Who has copied the cookie gets tokens of it though the person signed in anew. Guard: no tokens in the
/// record that `Sessions::retire` leaves.
#[tokio::test]
async fn threat_12_the_id_of_before_a_step_up_gives_a_token_away() {
    let app = signed_in().await;
    let before = app.browser.copy();
    assert_eq!(visit(&before, "/token").await.status, 200);
    app.sign_in("/mfa").await;
    assert_eq!(visit(&before, "/protected").await.status, 200, "in flight");
    assert_eq!(visit(&before, "/token").await.status, 303);
    assert_eq!(visit(&app.browser, "/token").await.status, 200);
}

/// A refresh that was under way at the step-up brings the tokens back. Guard: `keep` looks whose refresh
/// token stands.
#[tokio::test(start_paused = true)]
async fn threat_18_a_refresh_brings_tokens_back_to_the_id_of_before_a_step_up() {
    let app = signed_in().await;
    app.clock.advance(Duration::from_secs(3_540));
    let callback = app.until_callback("/auth/login?multi_factor=true").await;
    let before = app.browser.copy();
    let slow = Fault::Slow(Endpoint::Token, Duration::from_secs(2));
    app.idp().set_fault(slow);
    let step_up = async { app.browser.visit_from(App::IDP, &callback).await };
    let refresh = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        visit(&before, "/protected").await
    };
    let (stepped_up, refreshed) = tokio::join!(step_up, refresh);
    assert_eq!(
        (stepped_up.status, refreshed.status),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    assert_eq!(app.idp().refresh_grants(), 1);
    app.idp().clear_faults();
    assert_eq!(visit(&before, "/token").await.status, 303);
    assert_eq!(visit(&app.browser, "/token").await.status, 200);
}

/// A store that fails in the middle leaves one session too many, which nobody can end. Guard: `Sessions::make`
/// deletes what it made when what was there can't be ended.
#[tokio::test]
async fn threat_12_a_store_that_fails_in_the_middle_leaves_two_sessions() {
    let (app, store) = on_hostile_store();
    app.sign_in("/protected").await;
    let before = app.session_cookie();
    store.set(Mood::ReplacesNothing);
    let page = app.visit("/auth/login?return_to=/protected").await;
    assert_eq!(page.status, 503, "{}", page.html());
    let store: Arc<_> = store;
    let sessions = store.find_by_subject(App::IDP, "alice").await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(app.session_cookie(), before);
    assert_eq!(visit(&app.browser, "/protected").await.status, 200);
}
