//! Row 52: nobody polls, and the limits of the rate are kept.

use std::time::Duration;

use http::StatusCode;
use tokio::task::JoinSet;
use tower_sso::simulator::{MosaicEndpoint, MosaicFault};

use crate::support::MosaicApps;

const AT: MosaicEndpoint = MosaicEndpoint::SessionAuthenticate;

/// So many requests at once, and what they were answered with.
async fn at_once(apps: &MosaicApps, count: usize, origin: &str) -> Vec<StatusCode> {
    let visits: JoinSet<_> = (0..count)
        .map(|_| {
            let visit = apps.ask(origin, "/protected");
            async move { visit.await.status }
        })
        .collect();
    visits.join_all().await
}

#[tokio::test(start_paused = true)]
async fn row_52_nothing_goes_out_while_nobody_comes() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.status(MosaicApps::TWO, "/protected").await;
    let calls = apps.calls();
    for _ in 0..24 {
        apps.seconds(3_600);
        tokio::time::sleep(Duration::from_secs(3_600)).await;
    }
    assert_eq!(apps.calls(), calls);
}

/// Each second a request to each app, for an hour, and tokens that live ten minutes.
#[tokio::test]
async fn row_52_an_hour_of_requests_costs_a_call_for_each_token() {
    let apps = MosaicApps::new();
    let life = Some(600.into());
    apps.idp().set_fault(MosaicFault::NoRefreshToken);
    apps.idp().set_fault(MosaicFault::ExpiresIn(life));
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.status(MosaicApps::TWO, "/protected").await;
    let keys = || apps.idp().requests(MosaicEndpoint::Jwks);
    let before = (apps.asked(), apps.calls() as u64, keys());
    for _ in 0..3_600 {
        apps.seconds(1);
        for origin in [MosaicApps::ONE, MosaicApps::TWO] {
            assert_eq!(apps.status(origin, "/protected").await, 200);
        }
    }
    // A minute ahead: after 540 s each, six times an hour, for two apps. Keys are looked at again after ten
    // minutes at the earliest.
    assert_eq!(apps.asked() - before.0, 12);
    assert!(keys() - before.2 <= 6, "{}", keys());
    assert_eq!(apps.calls() as u64 - before.1, 12 + keys() - before.2);
}

#[tokio::test]
async fn row_52_a_thousand_requests_on_one_ended_token_are_one_call() {
    for refresh_tokens in [false, true] {
        let apps = MosaicApps::new();
        if !refresh_tokens {
            apps.idp().set_fault(MosaicFault::NoRefreshToken);
        }
        apps.sign_in(MosaicApps::ONE, "alice").await;
        apps.seconds(MosaicApps::LIFE);
        let answers = at_once(&apps, 1_000, MosaicApps::ONE).await;
        assert!(answers.iter().all(|status| *status == 200));
        assert_eq!(apps.asked() + apps.refreshed(), 1);
    }
}

#[tokio::test]
async fn row_52_a_thousand_requests_without_a_local_session_are_one_call() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let answers = at_once(&apps, 1_000, MosaicApps::TWO).await;
    assert!(answers.iter().all(|status| *status == 200));
    assert_eq!(apps.asked(), 1);
}

#[tokio::test]
async fn row_52_a_no_is_remembered_for_half_a_minute() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.idp()
        .set_fault(MosaicFault::Error(AT, 403, "not for you".to_owned()));
    for _ in 0..30 {
        assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 503);
        assert_eq!(apps.asked(), 1);
        apps.seconds(1);
    }
    apps.seconds(15);
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 503);
    assert_eq!(apps.asked(), 2);
}

/// `Session not found` is a no for every tab of the browser, and for a copy of its cookies.
#[tokio::test]
async fn row_52_a_session_that_is_not_there_is_asked_for_once() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let copy = apps.browser.copy();
    apps.idp().end_sessions();
    let answers = at_once(&apps, 100, MosaicApps::TWO).await;
    assert!(answers.iter().all(|status| *status == 303));
    for origin in [MosaicApps::ONE, MosaicApps::TWO] {
        let url = format!("{origin}/protected");
        assert_eq!(copy.visit(&url).no_follow().await.status, 303);
    }
    assert_eq!(apps.asked(), 1);
}

/// A 429 is for the client, not for a session: until it is over no call goes out, whoever wants one.
#[tokio::test]
async fn row_52_a_429_stops_the_whole_client() {
    for (retry_after, pause) in [(Some(40), 40), (None, 10)] {
        let apps = MosaicApps::new();
        apps.sign_in(MosaicApps::ONE, "alice").await;
        apps.idp()
            .set_fault(MosaicFault::Status(AT, 429, retry_after));
        let page = apps.ask(MosaicApps::TWO, "/protected").await;
        assert_eq!(page.status, 503);
        assert_eq!(page.header("retry-after").unwrap(), pause.to_string());
        apps.idp().clear_faults();
        let calls = apps.calls();
        let (login, stranger) = (format!("{}/login", MosaicApps::ONE), apps.stranger());
        let fields = [("username", "bob"), ("password", MosaicApps::PASSWORD)];
        let try_in = || {
            stranger
                .visit_from(&login, &login)
                .post_form(&fields)
                .no_follow()
        };
        assert_eq!(try_in().await.status, 503);
        apps.seconds(pause - 1);
        assert_eq!(try_in().await.status, 503);
        assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 503);
        assert_eq!(apps.calls(), calls, "{retry_after:?}");
        assert_eq!(apps.known_as(MosaicApps::ONE).await, "alice");
        apps.seconds(1);
        assert_eq!(try_in().await.status, 303);
        assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    }
}

/// Whoever asks while it is down is told so at once; how often Mosaic is asked grows slowly.
#[tokio::test]
async fn row_52_an_outage_of_ten_minutes_costs_few_calls() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.idp().set_fault(MosaicFault::Status(AT, 500, None));
    for _ in 0..600 {
        assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 503);
        apps.seconds(1);
    }
    // 1 s, 2 s, 4 s, 8 s, 16 s, then each 30 s: 24 at most.
    assert!(apps.asked() <= 25, "{}", apps.asked());
}
