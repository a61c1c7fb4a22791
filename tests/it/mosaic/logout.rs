//! Row 50: a sign-out ends the session at Mosaic, and what every app made of it.

use std::time::Duration;

use tower_sso::simulator::{MosaicEndpoint, MosaicFault};

use crate::support::{MosaicApps, settle};

const LOGOUT: MosaicEndpoint = MosaicEndpoint::SessionLogout;

async fn signed_in_at_both() -> MosaicApps {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    apps
}

/// Nobody is signed in anywhere, and no call is made to find that out.
async fn assert_signed_out(apps: &MosaicApps) {
    let calls = apps.calls();
    assert!(apps.browser.cookie(MosaicApps::HANDLE).is_none());
    for origin in [MosaicApps::ONE, MosaicApps::TWO] {
        assert_eq!(apps.known_as(origin).await, "nobody", "{origin}");
        assert_eq!(apps.status(origin, "/protected").await, 303, "{origin}");
        let token = apps.browser.visit_from(origin, &format!("{origin}/token"));
        assert_eq!(token.no_follow().await.status, 303, "{origin}");
    }
    assert_eq!(apps.calls(), calls);
}

#[tokio::test]
async fn row_50_a_sign_out_ends_the_session_at_mosaic_and_in_both_apps() {
    for origin in [MosaicApps::ONE, MosaicApps::TWO] {
        let apps = signed_in_at_both().await;
        apps.sign_out(origin).await;
        assert_eq!(apps.idp().requests(LOGOUT), 1);
        assert_eq!(apps.idp().sessions(), 0);
        let told = apps.sent_to("/cis/v1/auth/session/logout").remove(0);
        let asked = apps.sent_to("/cis/v1/auth/session/authenticate").remove(0);
        assert_eq!(told["session_id"], asked["session_id"]);
        assert_signed_out(&apps).await;
    }
}

/// Somebody signs in at the second app: the first, where somebody signed out, stays as it is left.
#[tokio::test]
async fn row_50_the_mark_of_the_sign_out_holds_until_somebody_signs_in_there() {
    let apps = signed_in_at_both().await;
    apps.sign_out(MosaicApps::ONE).await;
    apps.sign_in(MosaicApps::TWO, "alice").await;
    assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 303);
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.seconds(13 * MosaicApps::LIFE);
    assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 200);
}

/// Row 50 says of it "inferred": Mosaic may say 400 `Session not found`, in either shape, or 204.
#[tokio::test(start_paused = true)]
async fn row_50_the_logout_of_an_unknown_session_counts_as_done() {
    for as_list in [false, true] {
        let apps = signed_in_at_both().await;
        if as_list {
            apps.idp().set_fault(MosaicFault::ErrorsAsList);
        }
        apps.idp().end_sessions();
        apps.sign_out(MosaicApps::ONE).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(apps.idp().requests(LOGOUT), 1, "told once");
        assert_signed_out(&apps).await;
    }
}

/// Signed out here at once; Mosaic hears of it when it is there again.
#[tokio::test(start_paused = true)]
async fn row_50_mosaic_is_told_again_where_it_was_down() {
    for fault in [
        MosaicFault::Status(LOGOUT, 503, None),
        MosaicFault::Hang(LOGOUT),
        MosaicFault::Garbage(LOGOUT),
        MosaicFault::Redirect(LOGOUT),
    ] {
        let apps = signed_in_at_both().await;
        apps.idp().set_fault(fault.clone());
        let began = tokio::time::Instant::now();
        apps.sign_out(MosaicApps::ONE).await;
        let waited = began.elapsed();
        assert!(waited <= Duration::from_secs(3), "{fault:?}: {waited:?}");
        assert_eq!(apps.idp().sessions(), 1, "{fault:?}");
        assert_signed_out(&apps).await;
        apps.idp().clear_faults();
        tokio::time::sleep(Duration::from_secs(20)).await;
        settle().await;
        assert_eq!(apps.idp().sessions(), 0, "{fault:?}");
        assert!(apps.idp().requests(LOGOUT) <= 3, "{fault:?}");
    }
}

/// An answer that is no word on the session: nobody claims that it is over at Mosaic, and nobody goes on
/// asking for ever.
#[tokio::test(start_paused = true)]
async fn row_50_a_logout_that_never_gets_through_is_given_up() {
    let apps = signed_in_at_both().await;
    apps.idp()
        .set_fault(MosaicFault::Error(LOGOUT, 403, "Session not found".into()));
    apps.sign_out(MosaicApps::ONE).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(apps.idp().requests(LOGOUT), 3);
    assert_signed_out(&apps).await;
}

/// A browser that lost its session here has only its handle to sign out by.
#[tokio::test]
async fn row_50_a_handle_alone_signs_out_too() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    assert_eq!(apps.known_as(MosaicApps::TWO).await, "nobody");
    apps.sign_out(MosaicApps::TWO).await;
    assert_eq!(apps.idp().sessions(), 0);
    assert_signed_out(&apps).await;
}

/// What an administrator does: each app hears of it with the end of its token.
#[tokio::test]
async fn row_50_all_sessions_of_a_person_are_revoked() {
    let apps = signed_in_at_both().await;
    let other = apps.stranger();
    let (login, protected) = (
        format!("{}/login", MosaicApps::ONE),
        format!("{}/protected", MosaicApps::ONE),
    );
    let fields = [("username", "bob"), ("password", MosaicApps::PASSWORD)];
    other.visit_from(&login, &login).post_form(&fields).await;
    apps.mosaic.revoke_all("alice").await.unwrap();
    assert_eq!(apps.idp().sessions(), 1, "bob's");
    apps.until_renewal();
    assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 303);
    assert_eq!(apps.known_as(MosaicApps::TWO).await, "nobody");
    assert_eq!(other.visit(&protected).no_follow().await.status, 200);
}
