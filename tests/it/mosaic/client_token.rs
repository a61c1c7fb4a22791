//! Row 42: one client token for all calls.

use tokio::task::JoinSet;
use tower_sso::simulator::{MosaicEndpoint, MosaicFault};

use crate::support::{MosaicApps, settle};

const TOKEN: &str = "/oidc/token";

#[tokio::test]
async fn row_42_one_client_token_serves_every_call_of_both_apps() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.status(MosaicApps::TWO, "/protected").await;
    apps.add_code(MosaicApps::TWO, "email", "/mfa").await;
    apps.sign_out(MosaicApps::TWO).await;
    assert_eq!(apps.idp().client_tokens(), 1);
    let asked = apps.wire.only_call(TOKEN);
    assert_eq!(
        asked.body(),
        "grant_type=client_credentials&client_id=two-apps&client_secret=the-secret-of-two-apps"
    );
    let calls = apps.wire.sent();
    let bearers: Vec<_> = calls
        .iter()
        .filter(|call| call.uri().path().starts_with("/cis/v1/"))
        .map(|call| &call.headers()["authorization"])
        .collect();
    assert_eq!(bearers.len(), 5, "password, silent, code, factor, logout");
    assert!(bearers.iter().all(|bearer| *bearer == bearers[0]));
    assert!(bearers.iter().all(|bearer| bearer.is_sensitive()));
}

/// It lives an hour, and is renewed in its last minute while it still serves.
#[tokio::test]
async fn row_42_the_client_token_is_kept_an_hour_and_renewed_ahead() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.seconds(3_539);
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    assert_eq!(apps.idp().client_tokens(), 1);
    apps.seconds(1);
    let login = format!("{}/login", MosaicApps::ONE);
    let fields = [("username", "bob"), ("password", MosaicApps::PASSWORD)];
    let page = apps
        .stranger()
        .visit_from(&login, &login)
        .post_form(&fields)
        .no_follow()
        .await;
    assert_eq!(page.status, 303);
    settle().await;
    assert_eq!(apps.idp().client_tokens(), 2);
}

#[tokio::test]
async fn row_42_fifty_browsers_at_once_fetch_one_client_token() {
    let apps = MosaicApps::new();
    let login = format!("{}/login", MosaicApps::ONE);
    let sign_ins: JoinSet<_> = (0..50)
        .map(|_| {
            let browser = apps.stranger();
            let fields = [("username", "alice"), ("password", MosaicApps::PASSWORD)];
            let fetch = browser.visit_from(&login, &login).post_form(&fields);
            async move { fetch.no_follow().await.status }
        })
        .collect();
    let all = sign_ins.join_all().await;
    assert!(all.iter().all(|status| *status == 303), "{all:?}");
    assert_eq!(apps.idp().client_tokens(), 1);
}

#[tokio::test]
async fn row_42_a_401_fetches_a_new_client_token_once() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.idp().set_fault(MosaicFault::ClientTokenRefusedOnce);
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    assert_eq!((apps.idp().client_tokens(), apps.asked()), (2, 2));
}

#[tokio::test]
async fn row_42_a_client_token_that_is_refused_again_signs_nobody_out() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.idp().set_fault(MosaicFault::ClientTokenRefused);
    for _ in 0..6 {
        assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 503);
    }
    assert_eq!((apps.idp().client_tokens(), apps.asked()), (2, 2));
    assert_eq!(apps.known_as(MosaicApps::ONE).await, "alice");
    apps.idp().clear_faults();
    apps.seconds(2);
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
}

/// Credentials that are refused are the set-up's fault: nobody is signed out, and nobody asks each time.
#[tokio::test]
async fn row_42_a_token_endpoint_that_fails_is_left_alone() {
    for (fault, pause) in [
        (MosaicFault::Status(MosaicEndpoint::Token, 503, None), 2),
        (
            MosaicFault::Error(MosaicEndpoint::Token, 401, "no".into()),
            46,
        ),
        (MosaicFault::Garbage(MosaicEndpoint::Token), 2),
        (MosaicFault::Redirect(MosaicEndpoint::Token), 2),
    ] {
        let apps = MosaicApps::new();
        apps.sign_in(MosaicApps::ONE, "alice").await;
        apps.idp().set_fault(MosaicFault::ClientTokenRefusedOnce);
        apps.idp().set_fault(fault.clone());
        for _ in 0..6 {
            let status = apps.status(MosaicApps::TWO, "/protected").await;
            assert_eq!(status, 503, "{fault:?}");
        }
        let asked = apps.idp().requests(MosaicEndpoint::Token);
        assert_eq!(asked, 2, "{fault:?}: the first one, and one that failed");
        assert_eq!(apps.known_as(MosaicApps::ONE).await, "alice");
        apps.idp().clear_faults();
        apps.seconds(pause);
        let status = apps.status(MosaicApps::TWO, "/protected").await;
        assert_eq!(status, 200, "{fault:?}");
    }
}
