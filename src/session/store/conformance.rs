//! What every [`SessionStore`] must do, as checks that each implementation runs (feature `test-util`).
//!
//! ```
//! use std::sync::Arc;
//! use tower_sso::clock::TestClock;
//! use tower_sso::session::store::{MemoryStore, conformance};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let clock = TestClock::started_now();
//! let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
//! conformance::check_store(|| store.clone(), &clock, async |time| clock.advance(time)).await;
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::{Created, Replaced, SessionStore};
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::crypto;
use crate::session::{Record, SessionKey};
use crate::test_util::SignedIn;

const ISSUER: &str = "https://idp.example.com";
const OTHER_ISSUER: &str = "https://other.example.com";

/// Runs all checks.
///
/// `store` answers a handle to the store: the same one, or one more replica over the same data at each
/// call. `clock` is the store's clock and `pass` lets time go by on it: a
/// [`TestClock`](crate::clock::TestClock) is advanced, a real one is slept on, for some seconds in all.
/// All names are random, so a store that is in use can be checked.
///
/// # Panics
/// At the first rule that the store breaks.
pub async fn check_store(
    store: impl Fn() -> Arc<dyn SessionStore>,
    clock: &dyn Clock,
    pass: impl AsyncFn(Duration),
) {
    what_is_created_is_loaded(&store, clock).await;
    a_swap_needs_the_version(&store, clock).await;
    one_of_many_swaps_wins(&store, clock).await;
    a_touch_only_moves_the_idle_end_later(&store, clock).await;
    a_deleted_session_stays_deleted(&store, clock).await;
    a_logout_by_sid_ends_its_sessions_only(&store, clock).await;
    a_logout_by_subject_ends_its_sessions_only(&store, clock).await;
    a_logout_wins_over_a_sign_in_that_is_under_way(&store, clock).await;
    what_is_used_once_is_used_up(&store, clock).await;
    a_lease_has_one_holder(&store, &pass).await;
}

type Stores<'a> = &'a dyn Fn() -> Arc<dyn SessionStore>;

struct Person {
    key: SessionKey,
    subject: String,
    sid: String,
}

impl Person {
    fn new() -> Self {
        Self {
            key: SessionKey(crypto::random()),
            subject: crypto::random_token(),
            sid: crypto::random_token(),
        }
    }

    fn record(&self, issuer: &str, clock: &dyn Clock) -> Record {
        SignedIn::new(&self.subject)
            .issuer(issuer)
            .sid(&self.sid)
            .at(clock.now())
            .into_record()
    }

    async fn sign_in(&self, issuer: &str, store: Stores<'_>, clock: &dyn Clock) -> Arc<Record> {
        let created = store()
            .create(self.key, self.record(issuer, clock), clock.now())
            .await
            .expect("create works");
        match created {
            Created::Done(record) => record,
            Created::SignedOut => panic!("a sign-in that no logout concerns is kept"),
        }
    }

    async fn is_signed_in(&self, store: Stores<'_>) -> bool {
        let store = store();
        let loaded = store.load(self.key).await.expect("load works");
        if let Some(local) = store.load_local(self.key) {
            assert_eq!(
                local.is_some(),
                loaded.is_some(),
                "load_local agrees with load"
            );
        }
        loaded.is_some()
    }
}

async fn what_is_created_is_loaded(store: Stores<'_>, clock: &dyn Clock) {
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

async fn a_swap_needs_the_version(store: Stores<'_>, clock: &dyn Clock) {
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

async fn one_of_many_swaps_wins(store: Stores<'_>, clock: &dyn Clock) {
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

async fn a_touch_only_moves_the_idle_end_later(store: Stores<'_>, clock: &dyn Clock) {
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

async fn a_deleted_session_stays_deleted(store: Stores<'_>, clock: &dyn Clock) {
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

async fn a_logout_by_sid_ends_its_sessions_only(store: Stores<'_>, clock: &dyn Clock) {
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

async fn a_logout_by_subject_ends_its_sessions_only(store: Stores<'_>, clock: &dyn Clock) {
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

async fn a_logout_wins_over_a_sign_in_that_is_under_way(store: Stores<'_>, clock: &dyn Clock) {
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

async fn what_is_used_once_is_used_up(store: Stores<'_>, clock: &dyn Clock) {
    let until = clock.now().plus(Duration::from_secs(600));
    let (this, that) = (crypto::random(), crypto::random());
    assert!(store().use_once(this, until).await.expect("use works"));
    assert!(
        !store().use_once(this, until).await.expect("use works"),
        "used up"
    );
    assert!(store().use_once(that, until).await.expect("use works"));

    let many = crypto::random();
    let uses: Vec<_> = (0..16)
        .map(|_| {
            let store = store();
            tokio::spawn(async move { store.use_once(many, until).await })
        })
        .collect();
    let mut first = 0;
    for used in uses {
        first += u32::from(used.await.expect("no panic").expect("use works"));
    }
    assert_eq!(first, 1, "one of 16 uses at once is the first");
}

async fn a_lease_has_one_holder(store: Stores<'_>, pass: &impl AsyncFn(Duration)) {
    let (what, other) = (crypto::random(), crypto::random());
    let (ada, bob) = (crypto::random(), crypto::random());
    let long = Duration::from_secs(60);
    let lease = async |what, holder, time| {
        let lease = store().lease(what, holder, time).await;
        lease.expect("lease works")
    };
    let release = async |holder| store().release(what, holder).await.expect("release works");

    assert!(lease(what, ada, long).await);
    assert!(!lease(what, bob, long).await, "taken");
    assert!(lease(other, bob, long).await, "another thing is free");
    release(bob).await;
    assert!(
        !lease(what, bob, long).await,
        "only the holder gives it back"
    );
    release(ada).await;
    assert!(lease(what, bob, Duration::from_secs(1)).await, "given back");
    pass(Duration::from_secs(3)).await;
    assert!(lease(what, ada, long).await, "a lease ends by itself");
    release(bob).await;
    assert!(
        !lease(what, bob, long).await,
        "its last holder does not give it back"
    );
}
