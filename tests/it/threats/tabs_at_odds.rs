//! What one tab does to another: two step-ups at once, a sign-out in the middle of one.

use crate::support::{App, settle};

fn stepped_up(app: &App) {
    app.person("alice", &["pwd", "otp", "mfa"]);
}

/// Two tabs begin a step-up from one session, and come back one after the other. Guard: `redeem` ends what
/// the attempt knew only if the browser's session does not follow it.
#[tokio::test]
async fn threat_13_the_second_of_two_step_ups_signs_out() {
    for seconds in [0, 5, 30] {
        let app = App::new();
        app.sign_in("/protected").await;
        stepped_up(&app);
        let first = app.until_callback("/mfa").await;
        let second = app.until_callback("/mfa").await;
        for callback in [first, second] {
            let page = app.browser.visit_from(App::IDP, &callback).await;
            assert_eq!(
                (page.status.as_u16(), page.url.path()),
                (200, "/mfa"),
                "{}",
                page.html()
            );
            app.clock.advance(std::time::Duration::from_secs(seconds));
        }
        app.sign_in("/mfa").await;
    }
}

/// The sign-out has listed what it will end when a step-up makes one more. Guard: `Sessions::end` looks again.
#[tokio::test]
async fn threat_18_a_step_up_outlives_the_sign_out_in_another_tab() {
    let (app, store) = App::with_remote_store();
    app.sign_in("/protected").await;
    stepped_up(&app);
    let callback = app.until_callback("/mfa").await;
    let page = app.visit("/auth/logout").await;
    store.hold_lists();
    let leaving = tokio::spawn(async move {
        let form = page.only_form();
        page.submit(&form).stop_before(App::IDP).await
    });
    settle().await;
    app.browser
        .visit_from(App::IDP, &callback)
        .no_follow()
        .await;
    store.let_go();
    leaving.await.unwrap();
    assert_eq!(store.sessions_of("alice").await, 0);
}

/// A step-up is under way when its session is signed out: it continues nothing. Guard: `redeem` looks for the
/// mark of a sign-out.
#[tokio::test]
async fn threat_18_a_step_up_that_comes_back_after_the_sign_out_signs_in() {
    let (app, store) = App::with_remote_store();
    app.sign_in("/protected").await;
    stepped_up(&app);
    let callback = app.until_callback("/mfa").await;
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).stop_before(App::IDP).await;
    let page = app.browser.visit_from(App::IDP, &callback).await;
    assert_eq!(page.status, 403, "{}", page.html());
    assert_eq!(store.sessions_of("alice").await, 0);
    // On purpose it works again.
    app.sign_in("/mfa").await;
}
