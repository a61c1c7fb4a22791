//! A clock that jumps by an hour, ahead or back, between any two steps, and is set right again.

use std::time::Duration;

use tower_sso::clock::SecondsSinceEpoch;
use tower_sso::session::Lifetime;
use tower_sso::session::store::SessionStore as _;
use tower_sso::simulator::{Endpoint, Fault};

use crate::support::{App, Page};

const NOW: u64 = 1_800_000_000;
const HOUR: u64 = 3_600;
const JUMPS: [u64; 4] = [NOW - HOUR, NOW - HOUR - 1, NOW + HOUR, NOW + HOUR + 1];

async fn finish(app: &App, callback: &str) -> Page {
    app.browser.visit_from(App::IDP, callback).no_follow().await
}

/// Somebody else signs in, which sweeps what the store takes for over.
async fn somebody_signs_in(app: &App) {
    let mut other = app.clone();
    other.browser = app.browser.stranger();
    other.sign_in("/protected").await;
}

/// Ahead the attempt is over. Back the token comes from a time that has not come yet.
#[tokio::test]
async fn between_the_start_of_a_sign_in_and_its_end() {
    for jump in JUMPS {
        let app = App::new();
        let callback = app.until_callback("/protected").await;
        app.clock.set(jump);
        let page = finish(&app, &callback).await;
        if jump > NOW {
            assert_eq!(page.status, 400, "{}", page.html());
            assert_eq!(app.idp().requests(Endpoint::Token), 0);
        } else {
            assert_eq!(page.status, 502, "{}", page.html());
            assert!(page.html().contains("in the future"), "{}", page.html());
        }
        app.clock.set(NOW + 5);
        app.sign_in("/protected").await;
    }
}

/// Who has the wrong time, the app or the provider, does not show in a token. It is refused until both agree.
#[tokio::test]
async fn between_the_provider_and_the_app() {
    // A token lives an hour.
    for skew in [3_600, -3_700] {
        let app = App::new();
        app.idp().set_fault(Fault::ClockSkew(skew));
        let page = app.visit("/protected").await;
        assert_eq!(page.status, 502, "{skew}: {}", page.html());
        assert_eq!(app.session_cookie(), None);
        app.idp().clear_faults();
        app.sign_in("/protected").await;
    }
    for skew in [30, -30] {
        let app = App::new();
        app.idp().set_fault(Fault::ClockSkew(skew));
        app.sign_in("/protected").await;
    }
}

#[tokio::test]
async fn in_the_life_of_a_session() {
    for (jump, meanwhile) in [
        (NOW - HOUR, 200),
        (NOW + HOUR - 1, 200),
        (NOW + HOUR, 303),
        (NOW + HOUR + 1, 303),
    ] {
        let app = App::new();
        app.sign_in("/protected").await;
        app.clock.set(jump);
        let page = app.visit("/protected").no_follow().await;
        assert_eq!(page.status, meanwhile, "at {jump}");
        app.clock.set(NOW + 5);
        let page = app.visit("/protected").no_follow().await;
        assert_eq!(page.status, 200, "set right after {jump}");
    }
}

/// Slides at a wrong time move the idle end, never the absolute one.
#[tokio::test]
async fn no_jump_makes_a_session_last_longer_than_it_may() {
    let lifetime = Lifetime {
        idle: Duration::from_secs(4 * HOUR),
        absolute: Duration::from_secs(5 * HOUR),
    };
    for jump in JUMPS {
        let app = App::with(|builder| builder.lifetime(lifetime));
        app.sign_in("/protected").await;
        app.clock.set(jump);
        assert_eq!(app.visit("/protected").no_follow().await.status, 200);
        app.clock.set(NOW + 10);
        for hours in [1, 2, 3, 4] {
            app.clock.set(NOW + hours * HOUR);
            let page = app.visit("/protected").no_follow().await;
            assert_eq!(page.status, 200, "{hours} h after a jump to {jump}");
        }
        app.clock.set(NOW + 5 * HOUR);
        let page = app.visit("/protected").no_follow().await;
        assert_eq!(page.status, 303, "after a jump to {jump}");
    }
}

/// A session from an hour that has not come yet is good, and ends.
#[tokio::test]
async fn a_sign_in_at_a_wrong_time_heals() {
    for jump in JUMPS {
        let app = App::new();
        app.clock.set(jump);
        app.sign_in("/protected").await;
        app.sign_in("/recent").await;
        app.clock.set(NOW);
        let page = app.visit("/protected").no_follow().await;
        let expected = if jump < NOW { 303 } else { 200 };
        assert_eq!(page.status, expected, "made at {jump}");
        app.clock.set(NOW + 14 * HOUR);
        let page = app.visit("/protected").no_follow().await;
        assert_eq!(page.status, 303, "made at {jump}");
        app.sign_in("/protected").await;
    }
}

/// Keys, metadata and their buckets: a rotation is seen whatever the clock did since the last fetch.
#[tokio::test]
async fn between_two_fetches_of_keys() {
    let app = App::new();
    somebody_signs_in(&app).await;
    for jump in [NOW + HOUR, NOW, NOW - HOUR, NOW, NOW + 2 * HOUR, NOW] {
        app.clock.set(jump);
        app.idp().rotate_keys();
        app.idp().drop_old_keys();
        somebody_signs_in(&app).await;
        // Each fetch for an unknown key took one of four tokens, and half a minute gives one back.
        app.clock.set(jump + 31);
        somebody_signs_in(&app).await;
    }
}

/// A pause after a failure is counted in seconds, not in the time until the clock has caught up.
#[tokio::test]
async fn while_the_provider_is_down() {
    for jump in JUMPS {
        let app = App::new();
        let down = Fault::Status(Endpoint::Discovery, 503, None);
        app.idp().set_fault(down);
        let page = app.visit("/protected").await;
        assert_eq!(page.status, 503);
        app.clock.set(jump);
        let page = app.visit("/protected").await;
        assert_eq!(page.status, 503);
        let after = page.header("retry-after").unwrap().parse::<u64>().unwrap();
        assert!((1..=300).contains(&after), "{after} s");
        app.clock.set(NOW);
        app.idp().clear_faults();
        app.clock.advance(Duration::from_secs(5));
        app.sign_in("/protected").await;
    }
}

/// Logouts that are remembered against sign-ins under way: not forgotten by a jump ahead, and one from a
/// time that has not come yet keeps nobody out for longer than that and ten minutes.
#[tokio::test]
async fn between_a_logout_and_the_sign_in_that_it_ends() {
    let (app, store) = App::with_remote_store();
    let at = |seconds| SecondsSinceEpoch(seconds);
    let callback = app.until_callback("/protected").await;
    let logout = store.delete_by_subject(App::IDP, "alice", at(NOW));
    logout.await.unwrap();
    app.clock.set(NOW + HOUR);
    let logout = store.delete_by_subject(App::IDP, "bob", at(NOW + HOUR));
    logout.await.unwrap();
    app.clock.set(NOW + 10);
    let page = finish(&app, &callback).await;
    assert_eq!(page.status, 403, "{}", page.html());
    assert!(
        page.html().contains("You were signed out"),
        "{}",
        page.html()
    );
    app.sign_in("/protected").await;

    app.idp().end_sessions();
    app.browser.clear_cookies();
    app.person("bob", &["pwd"]);
    let page = app.visit("/protected").await;
    assert_eq!(page.status, 403, "{}", page.html());
    assert!(
        page.html().contains("You were signed out"),
        "{}",
        page.html()
    );
    app.clock.set(NOW + HOUR + 1);
    app.sign_in("/protected").await;
}

#[tokio::test]
async fn a_loop_is_told_by_the_time_that_is_now() {
    for jump in JUMPS {
        let app = App::new();
        for _ in 0..5 {
            app.visit("/auth/login?prompt=login").await;
        }
        let page = app.visit("/auth/login?prompt=login").no_follow().await;
        assert_eq!(page.status, 403);
        app.clock.set(jump);
        let page = app.visit("/auth/login?prompt=login").no_follow().await;
        assert_eq!(page.status, 303, "at {jump}");
    }
}

/// The ends of all time.
#[tokio::test]
async fn at_the_ends_of_time() {
    for end in [0, 1, u64::from(u32::MAX), i64::MAX.unsigned_abs(), u64::MAX] {
        let app = App::new();
        app.sign_in("/protected").await;
        let callback = app.until_callback("/auth/login?prompt=login").await;
        app.clock.set(end);
        for path in [
            "/protected",
            "/recent",
            "/auth/session",
            "/auth/login",
            "/auth/logout",
        ] {
            let page = app.visit(path).no_follow().await;
            assert!(!page.status.is_server_error(), "{path} at {end}");
        }
        let page = finish(&app, &callback).await;
        assert!(matches!(page.status.as_u16(), 303 | 400 | 502), "{end}");
        app.clock.set(NOW + 61);
        app.sign_in("/protected").await;
    }
}
