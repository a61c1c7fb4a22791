//! One session: made, replaced, touched, deleted.

use std::time::Duration;

use super::{ISSUER, Person, Stores};
use crate::clock::Clock;
use crate::session::Record;
use crate::session::store::Replaced;

pub(super) async fn what_is_created_is_loaded(store: Stores<'_>, clock: &dyn Clock) {
    let ada = Person::new();
    assert!(
        !ada.is_signed_in(store).await,
        "nobody is signed in unasked"
    );
    let made = ada.sign_in(ISSUER, store, clock).await;
    let loaded = store().load(ada.key).await.expect("load works");
    let loaded = loaded.expect("what was created is there");
    assert_eq!(loaded.subject(), ada.subject);
    assert_eq!(loaded.issuer(), ISSUER);
    assert_eq!(loaded.sid(), Some(&*ada.sid));
    assert_eq!(loaded.version(), made.version());
    assert_eq!(loaded.idle_expires_at(), made.idle_expires_at());
    assert_eq!(loaded.absolute_expires_at(), made.absolute_expires_at());
}

pub(super) async fn a_swap_needs_the_version(store: Stores<'_>, clock: &dyn Clock) {
    let ada = Person::new();
    let first = ada.sign_in(ISSUER, store, clock).await;
    let swap = store()
        .replace(ada.key, first.version(), Record::clone(&first))
        .await
        .expect("replace works");
    let Replaced::Done(second) = swap else {
        panic!("a swap with the right version is done: {swap:?}");
    };
    assert!(second.version() > first.version(), "versions rise (rule 5)");
    let loaded = store().load(ada.key).await.expect("load works");
    assert_eq!(
        loaded.map(|record| record.version()),
        Some(second.version())
    );

    let late = store()
        .replace(ada.key, first.version(), Record::clone(&first))
        .await
        .expect("replace works");
    let Replaced::Conflict(current) = late else {
        panic!("a swap with an old version is a conflict: {late:?}");
    };
    assert_eq!(current.version(), second.version());
}

pub(super) async fn one_of_many_swaps_wins(store: Stores<'_>, clock: &dyn Clock) {
    let ada = Person::new();
    let first = ada.sign_in(ISSUER, store, clock).await;
    let swaps: Vec<_> = (0..16)
        .map(|_| {
            let (store, key, record) = (store(), ada.key, Record::clone(&first));
            tokio::spawn(async move { store.replace(key, record.version(), record).await })
        })
        .collect();
    let mut done = 0;
    for swap in swaps {
        match swap.await.expect("no panic").expect("replace works") {
            Replaced::Done(_) => done += 1,
            Replaced::Conflict(_) => {}
            Replaced::Gone => panic!("the session is there"),
        }
    }
    assert_eq!(done, 1, "one of 16 swaps of the same version wins");
}

pub(super) async fn a_touch_only_moves_the_idle_end_later(store: Stores<'_>, clock: &dyn Clock) {
    let ada = Person::new();
    let record = ada.sign_in(ISSUER, store, clock).await;
    let (idle, absolute) = (record.idle_expires_at(), record.absolute_expires_at());
    let later = idle.plus(Duration::from_secs(60));
    let rows = [
        (idle.minus(Duration::from_secs(60)), idle, "never earlier"),
        (later, later, "later"),
        (
            absolute.plus(Duration::from_secs(60)),
            absolute,
            "never past the absolute end",
        ),
    ];
    for (asked, expected, rule) in rows {
        store().touch(ada.key, asked).await.expect("touch works");
        let loaded = store().load(ada.key).await.expect("load works");
        let loaded = loaded.expect("the session is there");
        assert_eq!(loaded.idle_expires_at(), expected, "{rule}");
        assert_eq!(loaded.absolute_expires_at(), absolute, "{rule}");
    }
}

pub(super) async fn a_deleted_session_stays_deleted(store: Stores<'_>, clock: &dyn Clock) {
    let ada = Person::new();
    let record = ada.sign_in(ISSUER, store, clock).await;
    let was = store().delete(ada.key).await.expect("delete works");
    assert_eq!(
        was.map(|was| was.subject().to_owned()),
        Some(ada.subject.clone())
    );
    assert!(!ada.is_signed_in(store).await, "deleted is gone");

    let swap = store()
        .replace(ada.key, record.version(), Record::clone(&record))
        .await
        .expect("replace works");
    assert!(
        matches!(swap, Replaced::Gone),
        "replace never creates (rule 1)"
    );
    store()
        .touch(ada.key, record.absolute_expires_at())
        .await
        .expect("touch works");
    assert!(
        !ada.is_signed_in(store).await,
        "touch never creates (rule 1)"
    );

    let again = store().delete(ada.key).await.expect("delete works");
    assert!(again.is_none(), "there is nothing to delete twice");
    let found = store().find_by_subject(ISSUER, &ada.subject).await;
    assert!(
        found.expect("find works").is_empty(),
        "the index forgets it"
    );
    let ended = store()
        .delete_by_sid(ISSUER, &ada.sid, clock.now())
        .await
        .expect("delete works");
    assert!(ended.is_empty(), "the index forgets it");
}
