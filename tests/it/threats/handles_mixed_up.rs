//! Handles that are mixed up: of two people, of two providers.

use std::time::Duration;

use tokio::task::JoinSet;
use tower_sso::Secret;
use tower_sso::session::directory::{HandleKey, SessionDirectory as _, SharedSession};

use crate::support::{Browser, LIFE, Sisters, settle};

fn protected() -> String {
    format!("{}/protected", Sisters::TWO)
}

/// Two people come to a sister app at once, and one gets the session of the other. Guard: a flight is one handle's.
#[tokio::test(start_paused = true)]
async fn threat_22_a_handle_gets_what_was_asked_for_with_another() {
    let sisters = Sisters::new();
    let mut people = Vec::new();
    for person in ["ada", "bob"] {
        let browser = Browser::with_clock(&sisters.clock);
        sisters.serve(&browser);
        let log_in = format!("{}/login?subject={person}&method=pwd", Sisters::ONE);
        let form = browser.visit_from(Sisters::ONE, &log_in).post_form(&[]);
        form.await;
        people.push((person, browser));
    }
    sisters.idp.slow(Duration::from_secs(1));
    let visits: JoinSet<_> = (0..10)
        .flat_map(|_| people.clone())
        .map(|(person, browser)| {
            let visit = browser.visit(&protected()).no_follow();
            async move { (person, visit.await.json()["sub"].clone()) }
        })
        .collect();
    for (person, found) in visits.join_all().await {
        assert_eq!(found, person);
    }
    assert_eq!(sisters.idp.asked(), 2);
}

/// Apps of two providers share a directory, and the id of a session at one is sent to the other: it is a credential.
/// Guard: `shared_session` looks at the issuer.
#[tokio::test]
async fn threat_08_the_id_of_a_session_is_told_to_another_provider() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    let handle = sisters.browser.cookie(Sisters::HANDLE).unwrap().value;
    let key = HandleKey::of_cookie(&handle);
    let own = sisters.directory.find(key).await.unwrap().unwrap();
    for (issuer, status, asked) in [
        ("https://another.example.org", 303, 0),
        (&*own.issuer.clone(), 200, 1),
    ] {
        let of_another = SharedSession {
            issuer: issuer.into(),
            session_id: Secret::from(sisters.idp.only_session()),
            ..own.clone()
        };
        sisters.directory.put(key, of_another).await.unwrap();
        let page = sisters.visit(&protected()).no_follow().await;
        assert_eq!((page.status.as_u16(), sisters.idp.asked()), (status, asked));
    }
}

/// Somebody else has signed in at a sister since, and the use of one session makes the handle of the other last.
/// Guard: `slide_handle` compares the ids.
#[tokio::test]
async fn threat_14_a_handle_lasts_by_the_use_of_another_session() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    sisters.visit(&protected()).await;
    sisters.sign_in("bob").await;
    settle().await;
    let handle = || sisters.browser.cookie(Sisters::HANDLE).unwrap().value;
    let key = HandleKey::of_cookie(&handle());
    let before = sisters.directory.find(key).await.unwrap().unwrap();
    sisters.seconds(LIFE.as_secs());
    let page = sisters.visit(&protected()).no_follow().await;
    assert_eq!(page.json()["sub"], "ada");
    assert_eq!(sisters.idp.asked(), 2, "renewed by its id");
    assert!(page.set_cookies().is_empty(), "{:?}", page.set_cookies());
    let after = sisters.directory.find(key).await.unwrap().unwrap();
    assert_eq!(
        (&*after.subject, after.expires_at),
        ("bob", before.expires_at)
    );
}
