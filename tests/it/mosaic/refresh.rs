//! Refresh tokens of Mosaic: used once, and where one is refused the session's id has the last word.

use std::collections::HashSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower_sso::simulator::{MosaicEndpoint, MosaicFault};

use crate::support::MosaicApps;

const AT: MosaicEndpoint = MosaicEndpoint::Refresh;
const REFRESH: &str = "/cis/v1/auth/token/refresh";

async fn signed_in() -> (MosaicApps, Value) {
    let apps = MosaicApps::new();
    let session = apps.sign_in(MosaicApps::ONE, "alice").await.json();
    apps.until_renewal();
    (apps, session)
}

/// What the renewed session says, and that it is the one that it was.
async fn renewed(apps: &MosaicApps, before: &Value) -> Value {
    let page = apps.ask(MosaicApps::ONE, "/protected").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let is_session = |cookie: &String| cookie.starts_with("__Host-sso=");
    assert!(
        !page.set_cookies().iter().any(is_session),
        "it keeps its id"
    );
    let session = page.json();
    assert_eq!(session, *before);
    session
}

#[tokio::test]
async fn row_43_each_refresh_token_is_used_once() {
    let (apps, session) = signed_in().await;
    for _ in 0..5 {
        renewed(&apps, &session).await;
        apps.until_renewal();
    }
    let sent = apps.sent_to(REFRESH);
    let different: HashSet<_> = sent.iter().map(|body| body.to_string()).collect();
    assert_eq!((sent.len(), different.len()), (5, 5));
    assert_eq!(
        (apps.idp().refreshes(), apps.idp().reuse_detected()),
        (5, 0)
    );
    assert_eq!(apps.asked(), 0);
}

#[tokio::test]
async fn row_52_fifty_requests_at_once_use_no_refresh_token_twice() {
    let (apps, session) = signed_in().await;
    for round in 1..=3 {
        let visits: JoinSet<_> = (0..50)
            .map(|number| {
                let path = ["/protected", "/token"][number % 2];
                let visit = apps.ask(MosaicApps::ONE, path);
                async move { visit.await.status }
            })
            .collect();
        let answers = visits.join_all().await;
        assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
        assert_eq!(apps.idp().refreshes(), round);
        apps.until_renewal();
    }
    renewed(&apps, &session).await;
    assert_eq!(apps.idp().reuse_detected(), 0);
}

/// The session at Mosaic lives though this one token of it does not: it was used by somebody else, or lost.
#[tokio::test]
async fn row_43_a_refused_refresh_token_is_no_sign_out() {
    for message in ["Invalid refresh token", "Refresh token expired", ""] {
        let (apps, session) = signed_in().await;
        apps.idp()
            .set_fault(MosaicFault::Error(AT, 400, message.to_owned()));
        renewed(&apps, &session).await;
        assert_eq!((apps.refreshed(), apps.asked()), (1, 1), "{message}");
        apps.idp().clear_faults();
        apps.until_renewal();
        renewed(&apps, &session).await;
        assert_eq!((apps.refreshed(), apps.asked()), (2, 1), "by the new one");
        assert_eq!(apps.idp().reuse_detected(), 0);
    }
}

/// The person's name and factors stay what the sign-in said.
#[tokio::test]
async fn row_43_a_refresh_without_id_token_keeps_what_is_known() {
    let (apps, session) = signed_in().await;
    apps.idp().set_fault(MosaicFault::NoIdToken);
    renewed(&apps, &session).await;
    assert_eq!(apps.status(MosaicApps::ONE, "/mfa").await, 303);
    assert_eq!((apps.refreshed(), apps.asked()), (1, 0));
}

#[tokio::test]
async fn row_43_a_refresh_without_a_new_token_keeps_the_old_one() {
    let (apps, session) = signed_in().await;
    apps.idp().set_fault(MosaicFault::NoRefreshToken);
    for round in 1..=3 {
        renewed(&apps, &session).await;
        assert_eq!((apps.refreshed(), apps.asked()), (round, 0));
        apps.until_renewal();
    }
}

/// What it says of the time is a hint: nobody is signed out by it, and nobody polls.
#[tokio::test]
async fn row_52_an_odd_expires_in_neither_signs_out_nor_polls() {
    for odd in [
        None,
        Some(json!(-1)),
        Some(json!(0)),
        Some(json!("soon")),
        Some(json!("3600")),
        Some(json!(u64::MAX)),
        Some(json!(1e300)),
        Some(json!({})),
    ] {
        let (apps, session) = signed_in().await;
        apps.idp().set_fault(MosaicFault::ExpiresIn(odd.clone()));
        for _ in 0..60 {
            renewed(&apps, &session).await;
            apps.seconds(1);
        }
        let calls = apps.refreshed() + apps.asked();
        assert!(calls <= 6, "{odd:?}: {calls}");
        assert_eq!(apps.idp().reuse_detected(), 0, "{odd:?}");
    }
}

/// Served while the token lives, then 503, and never signed out.
#[tokio::test(start_paused = true)]
async fn row_45_a_refresh_that_says_nothing_leaves_the_session() {
    for fault in [
        MosaicFault::Status(AT, 500, None),
        MosaicFault::Status(AT, 429, Some(50)),
        MosaicFault::Garbage(AT),
        MosaicFault::Redirect(AT),
        MosaicFault::HugeBody(AT),
        MosaicFault::Hang(AT),
        MosaicFault::Error(AT, 401, "Session not found".to_owned()),
        MosaicFault::Error(AT, 503, "Session not found".to_owned()),
    ] {
        let (apps, session) = signed_in().await;
        apps.idp().set_fault(fault.clone());
        renewed(&apps, &session).await;
        apps.seconds(MosaicApps::AHEAD);
        let status = apps.status(MosaicApps::ONE, "/protected").await;
        assert_eq!(status, 503, "{fault:?}");
        assert_eq!(apps.asked(), 0, "{fault:?}");
        apps.idp().clear_faults();
        apps.seconds(60);
        renewed(&apps, &session).await;
        assert_eq!(apps.idp().reuse_detected(), 0, "{fault:?}");
    }
}

/// A refresh that brings an ID token which can't be believed: the session at Mosaic may be asked itself.
#[tokio::test]
async fn row_45_a_refresh_with_a_forged_id_token_signs_nobody_out() {
    for fault in [
        MosaicFault::BadSignature,
        MosaicFault::UnknownKid,
        MosaicFault::IdTokenClaim("iss".to_owned(), Some("https://userid.security".into())),
        MosaicFault::IdTokenClaim("tid".to_owned(), Some("another-tenant".into())),
        MosaicFault::IdTokenClaim("aud".to_owned(), Some("another-app".into())),
    ] {
        let (apps, session) = signed_in().await;
        apps.idp().set_fault(fault.clone());
        renewed(&apps, &session).await;
        apps.idp().clear_faults();
        apps.seconds(MosaicApps::AHEAD);
        renewed(&apps, &session).await;
        assert_eq!(apps.idp().reuse_detected(), 0, "{fault:?}");
    }
}

/// What comes beside an ID token of somebody else is theirs. It is used for nothing, and not kept either: the next
/// refresh need not bring an ID token that gives it away.
#[tokio::test]
async fn row_45_a_refresh_token_of_somebody_else_is_thrown_away() {
    let (apps, session) = signed_in().await;
    let somebody = MosaicFault::IdTokenClaim("sub".to_owned(), Some("mallory".into()));
    apps.idp().set_fault(somebody);
    apps.idp().set_fault(MosaicFault::Status(
        MosaicEndpoint::SessionAuthenticate,
        503,
        None,
    ));
    renewed(&apps, &session).await;
    assert_eq!((apps.refreshed(), apps.asked()), (1, 1));
    apps.idp().clear_faults();
    apps.seconds(MosaicApps::AHEAD);
    renewed(&apps, &session).await;
    assert_eq!((apps.refreshed(), apps.asked()), (1, 2), "by its id");
}
