//! Row 45: only 400 `Session not found` says that somebody has to sign in again.

use serde_json::json;
use tower_sso::simulator::{ForgedAlg, MosaicEndpoint, MosaicFault};

use crate::support::MosaicApps;

const AT: MosaicEndpoint = MosaicEndpoint::SessionAuthenticate;

/// An answer that says nothing about a session, how many calls go out for six requests, and after how many
/// seconds the next one may.
struct Answer {
    faults: Vec<MosaicFault>,
    calls: u64,
    pause: u64,
}

fn answer(fault: MosaicFault, calls: u64, pause: u64) -> Answer {
    let faults = vec![fault];
    Answer {
        faults,
        calls,
        pause,
    }
}

/// What comes in the place of an answer, and refusals that do not speak of the session.
fn refusals() -> Vec<Answer> {
    let status = |code, retry_after| MosaicFault::Status(AT, code, retry_after);
    let error = |code, text: &str| MosaicFault::Error(AT, code, text.to_owned());
    let listed = |fault| Answer {
        faults: vec![MosaicFault::ErrorsAsList, fault],
        calls: 1,
        pause: 45,
    };
    vec![
        // A refusal of the call is remembered for 30 s and up to a half more.
        answer(error(400, "Invalid client attributes"), 1, 45),
        answer(error(400, "Session not found for this application"), 1, 45),
        answer(error(400, "session_not_found"), 1, 45),
        answer(error(400, ""), 1, 45),
        listed(error(400, "session_id must be a string")),
        listed(error(400, "The session was not found")),
        answer(error(403, "Session not found"), 1, 45),
        answer(error(404, "Session not found"), 1, 45),
        answer(error(409, "Session not found"), 1, 45),
        // A 401 is tried once more, with a new client token.
        answer(error(401, "Session not found"), 2, 2),
        answer(MosaicFault::ClientTokenRefused, 2, 2),
        answer(status(429, Some(17)), 1, 17),
        answer(status(429, None), 1, 10),
        answer(error(429, "Session not found"), 1, 10),
        answer(status(400, None), 1, 2),
        answer(status(500, None), 1, 2),
        answer(status(502, None), 1, 2),
        answer(status(503, Some(17)), 1, 17),
        answer(error(503, "Session not found"), 1, 2),
        answer(MosaicFault::Garbage(AT), 1, 2),
        answer(MosaicFault::HugeBody(AT), 1, 2),
        answer(MosaicFault::Redirect(AT), 1, 2),
        answer(MosaicFault::Hang(AT), 1, 2),
    ]
}

/// 200 with something that can't be believed.
fn forgeries() -> Vec<Answer> {
    let claim = |name: &str, value| MosaicFault::IdTokenClaim(name.to_owned(), value);
    let member = |name: &str, value| MosaicFault::Answer(name.to_owned(), value);
    [
        MosaicFault::NoIdToken,
        member("id_token", Some(json!(""))),
        member("id_token", Some(json!("a.b.c"))),
        member("access_token", None),
        member("access_token", Some(json!(7))),
        member("session_id", Some(json!(7))),
        member("token_type", Some(json!("DPoP"))),
        MosaicFault::BadSignature,
        MosaicFault::UnknownKid,
        MosaicFault::IdTokenAlg(ForgedAlg::None("none".to_owned())),
        MosaicFault::IdTokenAlg(ForgedAlg::Hs256WithClientSecret),
        MosaicFault::IdTokenAlg(ForgedAlg::Hs256WithPublicKeyPem),
        claim("iss", Some(json!("https://userid.security"))),
        claim("iss", None),
        claim("aud", Some(json!("another-app"))),
        claim("aud", None),
        claim("tid", Some(json!("another-tenant"))),
        claim("tid", None),
        claim("exp", Some(json!(1_700_000_000))),
        claim("exp", None),
        claim("at_hash", Some(json!("AAAAAAAAAAAAAAAAAAAAAA"))),
        claim("sub", None),
    ]
    .map(|fault| answer(fault, 1, 2))
    .into()
}

fn all() -> impl Iterator<Item = Answer> {
    refusals().into_iter().chain(forgeries())
}

fn set(apps: &MosaicApps, answer: &Answer) {
    for fault in &answer.faults {
        apps.idp().set_fault(fault.clone());
    }
}

#[tokio::test(start_paused = true)]
async fn row_45_any_other_answer_to_a_silent_sign_in_signs_nobody_in_and_nobody_out() {
    for row in all() {
        let apps = MosaicApps::new();
        apps.sign_in(MosaicApps::ONE, "alice").await;
        let before = apps.handle();
        set(&apps, &row);
        let what = &row.faults;
        for _ in 0..6 {
            let page = apps.ask(MosaicApps::TWO, "/protected").await;
            assert_eq!(page.status, 503, "{what:?}");
            assert!(page.header("retry-after").is_some(), "{what:?}");
            assert_eq!(page.set_cookies(), Vec::<String>::new(), "{what:?}");
        }
        assert_eq!(apps.asked(), row.calls, "{what:?}");
        assert_eq!(apps.known_as(MosaicApps::TWO).await, "nobody", "{what:?}");
        assert_eq!(apps.known_as(MosaicApps::ONE).await, "alice", "{what:?}");
        assert_eq!(apps.handle(), before, "{what:?}");
        apps.idp().clear_faults();
        apps.seconds(row.pause);
        let status = apps.status(MosaicApps::TWO, "/protected").await;
        assert_eq!(
            (status.as_u16(), apps.asked()),
            (200, row.calls + 1),
            "{what:?}"
        );
    }
}

/// Served while the token lives, then 503; and all as before when Mosaic is itself again.
#[tokio::test(start_paused = true)]
async fn row_45_any_other_answer_to_a_renewal_leaves_the_session() {
    for row in all() {
        let apps = MosaicApps::new();
        apps.idp().set_fault(MosaicFault::NoRefreshToken);
        let before = apps.sign_in(MosaicApps::ONE, "alice").await.json();
        apps.until_renewal();
        set(&apps, &row);
        let what = &row.faults;
        let page = apps.ask(MosaicApps::ONE, "/protected").await;
        assert_eq!(page.status, 200, "{what:?}: the token lives");
        assert_eq!(page.json(), before, "{what:?}");
        apps.seconds(MosaicApps::AHEAD);
        let so_far = apps.asked();
        for _ in 0..6 {
            let status = apps.status(MosaicApps::ONE, "/protected").await;
            assert_eq!(status, 503, "{what:?}");
        }
        let more = apps.asked() - so_far;
        assert!(more <= row.calls, "{what:?}: {more} calls");
        apps.idp().clear_faults();
        apps.seconds(60);
        let page = apps.ask(MosaicApps::ONE, "/protected").await;
        assert_eq!(page.status, 200, "{what:?}");
        assert_eq!(page.json()["public_id"], before["public_id"], "{what:?}");
    }
}

#[tokio::test]
async fn row_45_session_not_found_sends_to_the_sign_in_page_in_both_shapes() {
    for as_list in [false, true] {
        let apps = MosaicApps::new();
        if as_list {
            apps.idp().set_fault(MosaicFault::ErrorsAsList);
        }
        apps.sign_in(MosaicApps::ONE, "alice").await;
        apps.idp().end_sessions();
        let page = apps.ask(MosaicApps::TWO, "/protected?a=b").await;
        assert_eq!(page.status, 303);
        let location = page.location().unwrap();
        let expected = format!("{}/login?return_to=%2Fprotected%3Fa%3Db", MosaicApps::TWO);
        assert_eq!(location.as_str(), expected);
        assert_eq!(apps.handle(), None, "what it stood for is over");
        // Who was signed in by that session at the other app is not any more.
        assert_eq!(apps.known_as(MosaicApps::ONE).await, "nobody");
        assert_eq!(apps.asked(), 1);
        for origin in [MosaicApps::ONE, MosaicApps::TWO] {
            assert_eq!(apps.status(origin, "/protected").await, 303);
        }
        assert_eq!(apps.asked(), 1, "and nobody asks again");
        apps.sign_in(MosaicApps::TWO, "alice").await;
        assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 200);
    }
}

#[tokio::test]
async fn row_45_session_not_found_ends_a_session_that_was_to_be_renewed() {
    for refresh_tokens in [false, true] {
        let apps = MosaicApps::new();
        if !refresh_tokens {
            apps.idp().set_fault(MosaicFault::NoRefreshToken);
        }
        apps.sign_in(MosaicApps::ONE, "alice").await;
        apps.status(MosaicApps::TWO, "/protected").await;
        apps.idp().end_sessions();
        apps.until_renewal();
        assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 303);
        assert_eq!(apps.known_as(MosaicApps::TWO).await, "nobody");
    }
}

/// Another person in the place of the one that the handle, or the session, is of.
#[tokio::test]
async fn row_45_the_session_of_another_person_signs_nobody_in() {
    let apps = MosaicApps::new();
    apps.idp().set_fault(MosaicFault::NoRefreshToken);
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.idp()
        .set_fault(MosaicFault::OtherSub("bob".to_owned()));
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 303);
    assert_eq!(apps.known_as(MosaicApps::TWO).await, "nobody");
    assert_eq!(apps.known_as(MosaicApps::ONE).await, "alice");
    apps.until_renewal();
    assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 303);
    assert_eq!(apps.known_as(MosaicApps::ONE).await, "nobody");
}

/// An id that the answer changes is the one that counts from then on: for the other app, and at the sign-out.
#[tokio::test]
async fn row_45_a_new_id_for_the_same_session_is_followed() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let new = json!("a-new-id-of-the-session");
    apps.idp().set_fault(MosaicFault::Answer(
        "session_id".to_owned(),
        Some(new.clone()),
    ));
    let page = apps.ask(MosaicApps::TWO, "/protected").await;
    assert_eq!(page.json()["sub"], "alice");
    apps.sign_out(MosaicApps::TWO).await;
    let told = apps.sent_to("/cis/v1/auth/session/logout");
    assert_eq!(told[0]["session_id"], new);
}
