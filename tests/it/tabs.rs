//! Many tabs, restored tabs, the back button and "reload".

use std::time::Duration;

use tower_sso::simulator::{Endpoint, Fault};

use crate::support::{App, Page, drop_after, settle};

/// Callbacks of so many tabs that were opened at once, each on its way to a page of its own.
async fn tabs(app: &App, count: usize) -> Vec<String> {
    let mut callbacks = Vec::new();
    for tab in 0..count {
        callbacks.push(app.until_callback(&format!("/protected?tab={tab}")).await);
    }
    callbacks
}

async fn finish(app: &App, callback: &str) -> Page {
    app.browser.visit_from(App::IDP, callback).await
}

/// Ten tabs of a restored window come back in whatever order, some at once.
#[tokio::test]
async fn ten_tabs_all_end_signed_in() {
    for order in [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
        [4, 7, 0, 9, 2, 5, 1, 8, 6, 3],
    ] {
        let app = App::new();
        let callbacks = tabs(&app, 10).await;
        assert_eq!(app.attempts(), 10);
        let mut pages = Vec::new();
        for tab in order {
            let page = finish(&app, &callbacks[tab]).await;
            assert_eq!(page.url.query(), Some(&*format!("tab={tab}")));
            assert_eq!(page.status, 200, "{}", page.html());
            pages.push(page);
        }
        assert_eq!((app.attempts(), app.idp().code_grants()), (0, 10));
        app.clock.advance(Duration::from_secs(30));
        for page in pages {
            assert_eq!(page.reload().no_follow().await.status, 200);
        }
    }
}

#[tokio::test]
async fn ten_tabs_that_come_back_at_the_same_moment_all_end_signed_in() {
    let (app, store) = App::with_remote_store();
    let callbacks = tabs(&app, 10).await;
    let mut racing = tokio::task::JoinSet::new();
    for callback in callbacks {
        let app = app.clone();
        racing.spawn(async move { finish(&app, &callback).await.status.as_u16() });
    }
    assert_eq!(racing.join_all().await, [200; 10]);
    assert_eq!(app.idp().code_grants(), 10);
    app.sign_in("/protected").await;
    let asked = app.visit("/auth/logout").await;
    asked.submit(&asked.only_form()).await;
    assert_eq!(store.sessions_of("alice").await, 0, "none is left behind");
}

/// What began together is no circle: who opened a window full of tabs may go on to a stronger sign-in.
#[tokio::test]
async fn many_tabs_are_not_taken_for_a_loop() {
    let app = App::new();
    for callback in tabs(&app, 10).await {
        finish(&app, &callback).await;
    }
    app.person("alice", &["pwd", "otp", "mfa"]);
    app.sign_in("/mfa").await;
    app.visit("/auth/login?return_to=/protected").await;

    // One after the other they are.
    let app = App::new();
    for _ in 0..5 {
        let callback = app.until_callback("/auth/login?prompt=login").await;
        finish(&app, &callback).await;
    }
    let page = app.visit("/auth/login?prompt=login").no_follow().await;
    assert_eq!(page.status, 403);
    assert!(page.html().contains("round in circles"), "{}", page.html());

    // What began in a minute that is over does not count in this one.
    let app = App::new();
    for _ in 0..4 {
        let callback = app.until_callback("/auth/login?prompt=login").await;
        finish(&app, &callback).await;
    }
    let fifth = app.visit("/auth/login?prompt=login").no_follow().await;
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(fifth.follow_redirect().await.status, 200);
    let page = app.visit("/auth/login?prompt=login").no_follow().await;
    assert_eq!(page.status, 303, "{}", page.html());
}

#[tokio::test]
async fn the_eleventh_tab_takes_the_place_of_the_oldest() {
    let app = App::new();
    let first = app.until_callback("/protected?tab=first").await;
    let mut others = Vec::new();
    for tab in 0..10 {
        app.clock.advance(Duration::from_secs(1));
        others.push(app.until_callback(&format!("/protected?tab={tab}")).await);
    }
    assert_eq!(app.attempts(), 10);
    let page = finish(&app, &first).await;
    assert_eq!(page.status, 400, "{}", page.html());
    assert_eq!(app.idp().requests(Endpoint::Token), 0);
    let signs_in = page.click("Sign in").await;
    assert_eq!(signs_in.status, 200, "{}", signs_in.html());
    for callback in &others[1..] {
        assert_eq!(finish(&app, callback).await.status, 200);
    }
    let page = finish(&app, &others[0]).await;
    assert_eq!(page.url.path(), "/", "it made room for the one of the link");
}

/// A clock that is set back makes the attempts from before look newer than all that follow.
#[tokio::test]
async fn attempts_of_a_clock_that_was_wrong_do_not_push_out_new_ones() {
    let app = App::new();
    let now = 1_800_000_000;
    app.clock.set(now + 3_600);
    tabs(&app, 10).await;
    app.clock.set(now);
    app.idp().end_sessions();
    let first = app.until_callback("/protected?tab=1").await;
    let second = app.until_callback("/protected?tab=2").await;
    assert!(app.attempts() <= 10);
    for callback in [first, second] {
        assert_eq!(finish(&app, &callback).await.status, 200);
    }
}

/// The window comes back with the provider's page in it; the person signs in there.
#[tokio::test]
async fn a_restored_tab_at_the_provider_goes_on() {
    for (minutes, status) in [(1, 200), (9, 200), (11, 400)] {
        let app = App::new();
        app.idp().set_default_login(None);
        let page = app.visit("/protected?tab=1").await;
        assert_eq!(page.url.path(), "/authorize");
        app.browser.restart();
        app.clock.advance(Duration::from_secs(60 * minutes));
        let restored = page.reload().await;
        let form = restored.only_form().fill("user", "alice");
        let back = restored.submit(&form).await;
        assert_eq!(back.status, status, "{minutes} min: {}", back.html());
        if status == 200 {
            assert_eq!(back.url.query(), Some("tab=1"));
        } else {
            assert_eq!(app.idp().requests(Endpoint::Token), 0);
            let again = back.click("Sign in").await;
            assert_eq!(again.status, 200, "{}", again.html());
        }
    }
}

/// A restored window asks for each of its URLs once more, be it a callback's.
#[tokio::test]
async fn a_restored_tab_at_a_callback_sends_no_code_again() {
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    finish(&app, &callback).await;
    let kept = app.browser.visit(&callback).await;
    assert_eq!((kept.status.as_u16(), kept.url.path()), (200, "/"));
    assert_eq!(kept.html(), "alice", "the session was kept, too");

    app.browser.restart();
    let gone = app.browser.visit(&callback).await;
    assert_eq!(gone.status, 400, "{}", gone.html());
    assert_eq!(app.session_cookie(), None);
    assert_eq!(app.idp().requests(Endpoint::Token), 1);
    assert_eq!(gone.click("Sign in").await.html(), "alice");
}

/// The back button leads to the callback; so does "reload" where the app shows a page there.
#[tokio::test]
async fn back_to_a_callback_leads_to_a_safe_page() {
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    finish(&app, &callback).await;
    let session = app.session_cookie();
    for _ in 0..3 {
        let page = finish(&app, &callback).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/"));
    }
    assert_eq!(app.session_cookie(), session, "nothing was changed");
    assert_eq!(app.idp().requests(Endpoint::Token), 1);
}

#[tokio::test]
async fn a_failed_callback_is_not_tried_again_by_a_reload() {
    for fault in [
        Fault::Status(Endpoint::Token, 503, None),
        Fault::BadSignature,
        Fault::AuthorizeError("access_denied".into(), None),
    ] {
        let app = App::new();
        app.idp().set_fault(fault.clone());
        let failed = app.visit("/protected").await;
        assert!(failed.status.as_u16() >= 400, "{fault:?}");
        app.idp().clear_faults();
        let calls = app.idp().requests(Endpoint::Token);
        let page = failed.reload().await;
        assert_eq!(page.status, 400, "{fault:?}: {}", page.html());
        assert_eq!(app.idp().requests(Endpoint::Token), calls, "{fault:?}");
        assert_eq!(page.click("Sign in").await.html(), "alice", "{fault:?}");
    }
}

/// "Reload" while the code is being redeemed: the same callback twice, and the browser gave the first up.
#[tokio::test]
async fn a_reload_in_the_middle_redeems_once() {
    let (app, _, wire) = App::far_from_everything(|builder| builder);
    let callback = app.until_callback("/protected").await;
    let (first, second) = tokio::join!(finish(&app, &callback), finish(&app, &callback));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    wire.only_call("/token");
    app.sign_in("/protected").await;

    for polls in 1..30 {
        let (app, store, wire) = App::far_from_everything(|builder| builder);
        let callback = app.until_callback("/protected").await;
        let given_up = async { app.browser.visit(&callback).no_follow().await };
        drop_after(polls, given_up).await;
        let page = finish(&app, &callback).await;
        settle().await;
        wire.only_call("/token");
        let signed_in = usize::from(page.status == 200);
        assert_eq!(store.sessions_of("alice").await, signed_in, "{polls}");
        if signed_in == 0 {
            assert_eq!(page.click("Sign in again").await.status, 200);
        }
    }
}

/// A jar that was copied in the middle, used before or after its owner does.
#[tokio::test]
async fn a_copied_jar_sends_no_code_again() {
    for thief_first in [false, true] {
        let (app, _, wire) = App::far_from_everything(|builder| builder);
        let callback = app.until_callback("/protected").await;
        let mut thief = app.clone();
        thief.browser = app.browser.copy();
        let (first, second) = match thief_first {
            true => (&thief, &app),
            false => (&app, &thief),
        };
        assert_eq!(finish(first, &callback).await.status, 200);
        let late = finish(second, &callback).await;
        assert_eq!(late.status, 400, "{}", late.html());
        assert_eq!(second.session_cookie(), None);
        wire.only_call("/token");
        assert_eq!(app.idp().reuse_detected(), 0);
    }
}

/// The clock jumps an hour ahead, others sign in meanwhile, and it is set right: what was used stays used.
#[tokio::test]
async fn a_clock_that_jumps_makes_no_used_answer_new() {
    let app = App::new();
    let callback = app.until_callback("/protected").await;
    let thief = app.browser.copy();
    finish(&app, &callback).await;
    app.clock.set(1_800_003_600);
    app.browser
        .stranger()
        .visit(&format!("{}/protected", App::URL))
        .await;
    app.clock.set(1_800_000_010);
    let calls = app.idp().requests(Endpoint::Token);
    assert_eq!(thief.visit(&callback).await.status, 400);
    assert_eq!(app.idp().requests(Endpoint::Token), calls);
}
