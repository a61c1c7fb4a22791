//! What happens when two things happen at once, or one of them stops half-way.

use std::time::Duration;

use tower_sso::oidc::ResponseMode;
use tower_sso::simulator::{Endpoint, Fault};

use crate::support::{App, Browser, Page};

const PROTECTED: &str = "https://app.example.com/protected";

async fn sign_out(browser: &Browser) -> Page {
    let page = browser.visit("https://app.example.com/auth/logout").await;
    page.submit(&page.only_form()).stop_before(App::IDP).await
}

async fn is_let_in(browser: &Browser) -> bool {
    browser.visit(PROTECTED).no_follow().await.status == 200
}

/// A step-up on its way back, with the provider slow to redeem its code.
async fn slow_step_up(app: &App) -> String {
    app.sign_in("/protected").await;
    app.person("alice", &["pwd", "otp", "mfa"]);
    let callback = app.until_callback("/mfa").await;
    let slow = Fault::Slow(Endpoint::Token, Duration::from_secs(2));
    app.idp().set_fault(slow);
    callback
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_wins_over_a_step_up_that_is_under_way() {
    let app = App::new();
    let callback = slow_step_up(&app).await;
    let finish = async { app.browser.visit_from(App::IDP, &callback).await };
    let leave = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        sign_out(&app.browser).await
    };
    let (page, _) = tokio::join!(finish, leave);
    assert_eq!(page.status, 403, "{}", page.html());
    assert!(
        page.html().contains("You were signed out"),
        "{}",
        page.html()
    );
    assert_eq!(app.session_cookie(), None);
    assert!(!is_let_in(&app.browser).await);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_during_a_step_up_keeps_the_session_that_was() {
    let app = App::new();
    let callback = slow_step_up(&app).await;
    let finish = async { app.browser.visit_from(App::IDP, &callback).await };
    assert!(
        tokio::time::timeout(Duration::from_secs(1), finish)
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        app.idp().code_grants(),
        2,
        "the code was redeemed all the same"
    );
    app.clock.advance(Duration::from_secs(11));
    assert!(is_let_in(&app.browser).await);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_while_signing_in_as_somebody_else_keeps_the_session_that_was() {
    let app = App::new();
    app.sign_in("/protected").await;
    app.idp().end_sessions();
    app.person("bob", &["pwd"]);
    let callback = app.until_callback("/auth/login?prompt=login").await;
    let slow = Fault::Slow(Endpoint::Token, Duration::from_secs(2));
    app.idp().set_fault(slow);
    let finish = async { app.browser.visit_from(App::IDP, &callback).await };
    let given_up = tokio::time::timeout(Duration::from_secs(1), finish).await;
    assert!(given_up.is_err());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(app.idp().code_grants(), 2, "the code was redeemed");
    assert!(is_let_in(&app.browser).await);
}

#[tokio::test]
async fn a_sign_out_ends_what_parallel_tabs_made_of_one_session_at_the_provider() {
    let app = App::new();
    let (first, second) = (
        app.until_callback("/protected").await,
        app.until_callback("/protected").await,
    );
    let other = app.browser.copy();
    app.browser.visit_from(App::IDP, &first).await;
    other.visit_from(App::IDP, &second).await;
    assert!(is_let_in(&app.browser).await && is_let_in(&other).await);
    sign_out(&app.browser).await;
    assert!(!is_let_in(&other).await);
}

#[tokio::test]
async fn a_sign_out_ends_the_ids_of_before_a_step_up_too() {
    let app = App::new();
    app.sign_in("/protected").await;
    let first = app.browser.copy();
    app.visit("/auth/login?return_to=/protected").await;
    let second = app.browser.copy();
    app.visit("/auth/login?return_to=/protected").await;
    assert!(
        is_let_in(&first).await && is_let_in(&second).await,
        "in flight"
    );
    sign_out(&app.browser).await;
    assert!(!is_let_in(&first).await && !is_let_in(&second).await);
}

#[tokio::test]
async fn a_loop_is_broken_where_answers_come_by_form_too() {
    let app = App::with(|builder| builder.response_mode(ResponseMode::FormPost));
    for _ in 0..5 {
        let page = app.visit("/protected").await.auto_submit().await;
        assert_eq!(page.status, 200, "{}", page.html());
        let gone = format!("{}=; Path=/; Secure; Max-Age=0", App::COOKIE);
        app.browser.set_cookie(App::URL, &gone).unwrap();
    }
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 403, "{}", page.html());
    assert!(page.html().contains("round in circles"), "{}", page.html());
}

#[tokio::test]
async fn a_second_click_on_sign_out_is_no_error() {
    let app = App::new();
    app.sign_in("/protected").await;
    sign_out(&app.browser).await;
    let page = sign_out(&app.browser).await;
    assert_eq!(
        (page.status.as_u16(), page.url.path()),
        (200, "/auth/logged-out"),
        "{}",
        page.html()
    );
}

#[tokio::test]
async fn a_long_id_token_does_not_make_the_way_out_too_long() {
    let app = App::new();
    let filler = Fault::IdTokenClaim("groups".into(), Some("g".repeat(4000).into()));
    app.idp().set_fault(filler);
    app.sign_in("/protected").await;
    let page = sign_out(&app.browser).await;
    let location = page.location().unwrap();
    assert!(
        location.as_str().len() < 2048,
        "{}",
        location.as_str().len()
    );
    let names: Vec<_> = location
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    assert_eq!(names, ["client_id", "post_logout_redirect_uri", "state"]);
}
