//! Row 51: a session at Mosaic lives two weeks, and slides with each authentication in it.

use tower_sso::simulator::MosaicFault;

use crate::support::MosaicApps;

const DAY: u64 = 24 * 3_600;

#[tokio::test]
async fn row_51_silent_use_alone_keeps_somebody_signed_in() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    for round in 0..6 {
        apps.seconds(14 * DAY - 1);
        let origin = [MosaicApps::ONE, MosaicApps::TWO][round % 2];
        let page = apps.ask(origin, "/protected").await;
        assert_eq!(page.status, 200, "round {round}");
        assert_eq!(page.json()["auth_time"], 1_800_000_000_u64);
        let handle = apps.browser.cookie(MosaicApps::HANDLE).unwrap();
        let end = 1_800_000_000 + (round as u64 + 1) * (14 * DAY - 1) + 14 * DAY;
        assert!(handle.expires.unwrap() >= end, "round {round}");
    }
    assert_eq!(apps.idp().sessions(), 1);
}

#[tokio::test]
async fn row_51_after_two_weeks_there_is_a_page() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.seconds(5 * DAY);
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    apps.seconds(14 * DAY);
    assert_eq!(apps.idp().sessions(), 0);
    for origin in [MosaicApps::ONE, MosaicApps::TWO] {
        let page = apps.ask(origin, "/protected").await;
        assert_eq!(page.location().unwrap().path(), "/login", "{origin}");
    }
    assert!(apps.asked() <= 2, "one may ask, to hear that it is over");
}

/// A refresh gives tokens and no time.
#[tokio::test]
async fn row_51_a_refresh_prolongs_nothing() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    for _ in 0..11 {
        apps.until_renewal();
        assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 200);
    }
    assert_eq!((apps.refreshed(), apps.asked()), (11, 0));
    apps.seconds(14 * DAY - 11 * (MosaicApps::LIFE - MosaicApps::AHEAD));
    assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 303);
    assert_eq!(apps.idp().sessions(), 0);
}

/// Where sessions are renewed by the id, the session at Mosaic slides with each renewal. The browser's handle
/// does with each sign-in by it, so it is never the one that lasts longer.
#[tokio::test]
async fn row_51_a_renewal_by_the_id_gives_two_weeks_more() {
    let apps = MosaicApps::new();
    apps.idp().set_fault(MosaicFault::NoRefreshToken);
    apps.sign_in(MosaicApps::ONE, "alice").await;
    for _ in 0..11 {
        apps.until_renewal();
        assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 200);
    }
    assert_eq!(apps.asked(), 11);
    apps.seconds(13 * DAY + 12 * MosaicApps::LIFE);
    for origin in [MosaicApps::TWO, MosaicApps::ONE] {
        assert_eq!(apps.status(origin, "/protected").await, 200, "{origin}");
    }
    apps.seconds(14 * DAY - 1);
    assert_eq!(apps.idp().sessions(), 1);
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
}
