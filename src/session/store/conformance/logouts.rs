//! Sessions that the provider ends.

use std::time::Duration;

use super::{ISSUER, OTHER_ISSUER, Person, Stores};
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::crypto;
use crate::session::SessionKey;
use crate::session::store::Created;

pub(super) async fn a_logout_by_sid_ends_its_sessions_only(store: Stores<'_>, clock: &dyn Clock) {
    let ada = Person::new();
    let second_app = Person {
        key: SessionKey(crypto::random()),
        subject: ada.subject.clone(),
        sid: ada.sid.clone(),
    };
    let second_device = Person {
        key: SessionKey(crypto::random()),
        subject: ada.subject.clone(),
        sid: crypto::random_token(),
    };
    let namesake = Person {
        key: SessionKey(crypto::random()),
        subject: ada.subject.clone(),
        sid: ada.sid.clone(),
    };
    for person in [&ada, &second_app, &second_device] {
        person.sign_in(ISSUER, store, clock).await;
    }
    namesake.sign_in(OTHER_ISSUER, store, clock).await;

    let ended = store()
        .delete_by_sid(ISSUER, &ada.sid, clock.now())
        .await
        .expect("delete works");
    assert_eq!(ended.len(), 2, "all sessions with this sid are answered");
    assert!(!ada.is_signed_in(store).await);
    assert!(!second_app.is_signed_in(store).await);
    assert!(second_device.is_signed_in(store).await, "another sid stays");
    assert!(namesake.is_signed_in(store).await, "another issuer stays");
}

pub(super) async fn a_logout_by_subject_ends_its_sessions_only(
    store: Stores<'_>,
    clock: &dyn Clock,
) {
    let ada = Person::new();
    let second_device = Person {
        key: SessionKey(crypto::random()),
        subject: ada.subject.clone(),
        sid: crypto::random_token(),
    };
    let somebody_else = Person::new();
    let namesake = Person {
        key: SessionKey(crypto::random()),
        subject: ada.subject.clone(),
        sid: crypto::random_token(),
    };
    for person in [&ada, &second_device, &somebody_else] {
        person.sign_in(ISSUER, store, clock).await;
    }
    namesake.sign_in(OTHER_ISSUER, store, clock).await;

    let found = store().find_by_subject(ISSUER, &ada.subject).await;
    let mut found: Vec<_> = found
        .expect("find works")
        .iter()
        .map(|(key, _)| *key)
        .collect();
    let mut expected = vec![ada.key, second_device.key];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);

    let ended = store()
        .delete_by_subject(ISSUER, &ada.subject, clock.now())
        .await
        .expect("delete works");
    assert_eq!(ended.len(), 2, "all sessions of the person are answered");
    assert!(!ada.is_signed_in(store).await);
    assert!(!second_device.is_signed_in(store).await);
    assert!(
        somebody_else.is_signed_in(store).await,
        "another person stays"
    );
    assert!(namesake.is_signed_in(store).await, "another issuer stays");
}

pub(super) async fn a_logout_wins_over_a_sign_in_that_is_under_way(
    store: Stores<'_>,
    clock: &dyn Clock,
) {
    let at = clock.now();
    let second = Duration::from_secs(1);
    for by_sid in [true, false] {
        for (began_at, kept) in [
            (at.minus(second), false),
            (at, false),
            (at.plus(second), true),
        ] {
            let ada = Person::new();
            let ended = if by_sid {
                store().delete_by_sid(ISSUER, &ada.sid, at).await
            } else {
                store().delete_by_subject(ISSUER, &ada.subject, at).await
            };
            assert!(ended.expect("delete works").is_empty());
            let created = store()
                .create(ada.key, ada.record(ISSUER, clock), began_at)
                .await
                .expect("create works");
            assert_eq!(
                matches!(created, Created::Done(_)),
                kept,
                "logout at {at:?}, sign-in began at {began_at:?}, by sid: {by_sid} (rule 2)"
            );
            assert_eq!(ada.is_signed_in(store).await, kept);
        }
    }
    an_earlier_logout_does_not_hide_a_later_one(store, clock, at).await;
}

async fn an_earlier_logout_does_not_hide_a_later_one(
    store: Stores<'_>,
    clock: &dyn Clock,
    at: SecondsSinceEpoch,
) {
    let ada = Person::new();
    for at in [at, at.minus(Duration::from_secs(60))] {
        store()
            .delete_by_subject(ISSUER, &ada.subject, at)
            .await
            .expect("delete works");
    }
    let created = store()
        .create(ada.key, ada.record(ISSUER, clock), at)
        .await
        .expect("create works");
    assert!(
        matches!(created, Created::SignedOut),
        "the later of two logouts counts, whichever arrived last (rule 2)"
    );
    let elsewhere = store()
        .create(ada.key, ada.record(OTHER_ISSUER, clock), at)
        .await
        .expect("create works");
    assert!(
        matches!(elsewhere, Created::Done(_)),
        "a logout concerns its issuer only"
    );
}
