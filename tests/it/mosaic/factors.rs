//! Rows 47 and 48: what a route asks of the sign-in, and the step-up on the same session at Mosaic.

use serde_json::{Value, json};
use tower_sso::simulator::MosaicFault;

use crate::support::MosaicApps;

const SILENT: &str = "/cis/v1/auth/session/authenticate";
const OTP: &str = "/cis/v1/auth/otp/authenticate";

fn amr(methods: &[&str]) -> MosaicFault {
    MosaicFault::IdTokenClaim("amr".to_owned(), Some(json!(methods)))
}

/// That the last factor went to the session that the silent sign-in was by.
fn assert_same_session(apps: &MosaicApps) {
    let silent = apps.sent_to(SILENT).pop().unwrap();
    let added = apps.sent_to(OTP).pop().unwrap();
    assert_ne!(added["session_id"], Value::Null);
    assert_eq!(added["session_id"], silent["session_id"]);
    assert_eq!(apps.idp().sessions(), 1);
}

#[tokio::test]
async fn row_47_a_session_without_the_method_is_stepped_up_at_the_own_page() {
    for (path, page) in [
        ("/otp", "/login?return_to=%2Fotp&amr=eotp+sms"),
        ("/both", "/login?return_to=%2Fboth&amr=pwd+eotp"),
    ] {
        let apps = MosaicApps::new();
        apps.sign_in(MosaicApps::ONE, "alice").await;
        let answer = apps.ask(MosaicApps::TWO, path).await;
        assert_eq!(answer.status, 303, "{path}");
        let location = answer.location().unwrap().to_string();
        assert_eq!(location, format!("{}{page}", MosaicApps::TWO));
        // It is signed in there all the same, by the method that it has.
        assert_eq!(apps.known_as(MosaicApps::TWO).await, "alice");
        let page = apps.add_code(MosaicApps::TWO, "email", path).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, path));
        assert_eq!(page.json()["amr"], json!(["pwd", "eotp", "mfa"]));
        assert_same_session(&apps);
    }
}

#[tokio::test]
async fn row_47_silent_only_if_the_session_was_made_with_the_method() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.add_code(MosaicApps::ONE, "sms", "/otp").await;
    assert_eq!(apps.status(MosaicApps::TWO, "/otp").await, 200);
    assert_eq!(apps.status(MosaicApps::TWO, "/both").await, 303);
    apps.add_code(MosaicApps::TWO, "email", "/both").await;
    assert_eq!(apps.status(MosaicApps::TWO, "/both").await, 200);
    assert_same_session(&apps);
}

/// Methods are compared as they are: what only looks like one is none.
#[tokio::test]
async fn row_47_what_only_looks_like_the_method_does_not_count() {
    for methods in [
        &["otp"][..],
        &["eotp2"],
        &["EOTP"],
        &["pwd", "mfa", "webauthn"],
        &[],
    ] {
        let apps = MosaicApps::new();
        apps.sign_in(MosaicApps::ONE, "alice").await;
        apps.idp().set_fault(amr(methods));
        let status = apps.status(MosaicApps::TWO, "/otp").await;
        assert_eq!(status, 303, "{methods:?}");
    }
}

#[tokio::test]
async fn row_48_mfa_is_added_to_the_same_session_at_mosaic() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let before = apps.ask(MosaicApps::TWO, "/protected").await.json();
    let own = apps.session_cookie(MosaicApps::TWO);
    assert!(own.is_some());
    let answer = apps.ask(MosaicApps::TWO, "/mfa").await;
    assert_eq!(answer.status, 303);
    let location = answer.location().unwrap().to_string();
    let page = "/login?return_to=%2Fmfa&multi_factor=true";
    assert_eq!(location, format!("{}{page}", MosaicApps::TWO));
    let after = apps.add_code(MosaicApps::TWO, "sms", "/mfa").await.json();
    assert_eq!(after["amr"], json!(["pwd", "sms", "mfa"]));
    assert_same_session(&apps);
    assert_eq!(after["sid"], before["sid"]);
    // Who had the old cookie may not be who showed the factor.
    assert_ne!(apps.session_cookie(MosaicApps::TWO), own);
}

/// What the first app made of the session is as strong as it was, until it asks again.
#[tokio::test]
async fn row_48_the_other_app_hears_of_the_factor_with_its_next_token() {
    let apps = MosaicApps::new();
    apps.idp().set_fault(MosaicFault::NoRefreshToken);
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.status(MosaicApps::TWO, "/protected").await;
    apps.add_code(MosaicApps::TWO, "sms", "/mfa").await;
    assert_eq!(apps.status(MosaicApps::ONE, "/mfa").await, 303);
    apps.until_renewal();
    assert_eq!(apps.status(MosaicApps::ONE, "/mfa").await, 200);
}

/// The API enforces nothing: 200 with tokens is not permission.
#[tokio::test]
async fn row_48_mfa_alone_counts() {
    for (methods, status) in [
        (&["mfa"][..], 200),
        (&["pwd", "sms", "mfa"], 200),
        (&["pwd", "social"], 303),
        (&["pwd", "sms"], 303),
        (&["eotp", "webauthn", "pwd"], 303),
        (&["pwd", "MFA"], 303),
        (&[], 303),
    ] {
        let apps = MosaicApps::new();
        apps.sign_in(MosaicApps::ONE, "alice").await;
        apps.idp().set_fault(amr(methods));
        let answered = apps.status(MosaicApps::TWO, "/mfa").await;
        assert_eq!(answered, status, "{methods:?}");
    }
}

/// At a sign-in, at a renewal, and by a refresh.
#[tokio::test]
async fn row_48_no_way_to_a_token_leads_past_mfa() {
    for refresh_tokens in [false, true] {
        let apps = MosaicApps::new();
        if !refresh_tokens {
            apps.idp().set_fault(MosaicFault::NoRefreshToken);
        }
        apps.sign_in(MosaicApps::ONE, "alice").await;
        assert_eq!(apps.status(MosaicApps::ONE, "/mfa").await, 303);
        apps.until_renewal();
        assert_eq!(apps.status(MosaicApps::ONE, "/mfa").await, 303);
        let (asked, refreshed) = (apps.asked(), apps.refreshed());
        let expected = if refresh_tokens { (0, 1) } else { (1, 0) };
        assert_eq!((asked, refreshed), expected, "it was renewed");
    }
}

#[tokio::test]
async fn row_48_a_wrong_code_adds_nothing() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let fields = [("channel", "sms"), ("passcode", "no-code")];
    let page = apps.post(MosaicApps::ONE, "/login/otp", &fields).await;
    assert_eq!(page.status, 401);
    assert_eq!(apps.known_as(MosaicApps::ONE).await, "alice");
    assert_eq!(apps.status(MosaicApps::ONE, "/mfa").await, 303);
}

/// The session that the factor was for is over meanwhile: a sign-in from the start, and no new session by
/// half of what the route wants.
#[tokio::test]
async fn row_48_a_factor_for_a_session_that_is_over_makes_none() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.idp().end_sessions();
    let page = apps.add_code(MosaicApps::ONE, "sms", "/mfa").await;
    assert_eq!(page.url.path(), "/login");
    assert_eq!(apps.idp().sessions(), 0);
}
