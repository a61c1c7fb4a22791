//! The store in memory: a call that nobody awaits does nothing, one that is awaited is done at once.

use std::sync::Arc;
use std::time::Duration;

use tower_sso::clock::{Clock as _, SecondsSinceEpoch, TestClock};
use tower_sso::session::store::{Created, MemoryStore, Replaced, SessionStore};
use tower_sso::session::{Record, SessionKey};
use tower_sso::test_util::SignedIn;

use crate::support::{App, drop_after};

const KEY: SessionKey = SessionKey([7; 32]);
const ISSUER: &str = "https://idp.example.com";

/// A store with a session of ada's, whose key is the one that comes with it.
async fn store() -> (MemoryStore, Record, SecondsSinceEpoch) {
    let source = Arc::new(MemoryStore::new(Arc::new(TestClock::at(1_800_000_000))));
    let app = App::with(|builder| builder.session_store(Arc::clone(&source) as _));
    let ada = SignedIn::new("ada").sid("s1");
    app.sso.sign_in(ada).await.unwrap();
    let mut found = source.find_by_subject(ISSUER, "ada").await.unwrap();
    let (_, record) = found.remove(0);
    let store = MemoryStore::new(Arc::new(app.clock.clone()));
    let now = app.clock.now();
    let record = Record::clone(&record);
    let made = store.create(KEY, record.clone(), now).await.unwrap();
    assert!(matches!(made, Created::Done(_)));
    (store, record, now)
}

#[tokio::test]
async fn a_write_that_nobody_awaits_writes_nothing() {
    let (store, record, now) = store().await;
    let later = now.plus(Duration::from_secs(9_000));
    let other = SessionKey([8; 32]);
    let (what, holder) = ([1; 32], [2; 16]);
    let minute = Duration::from_secs(60);
    drop(store.create(other, record.clone(), now));
    drop(store.replace(KEY, 0, record.clone()));
    drop(store.touch(KEY, later));
    drop(store.delete(KEY));
    drop(store.delete_by_sid(ISSUER, "s1", now));
    drop(store.delete_by_subject(ISSUER, "ada", now));
    drop(store.use_once(what, later));
    drop(store.lease(what, holder, minute));

    assert!(store.load(other).await.unwrap().is_none());
    let standing = store.load(KEY).await.unwrap().unwrap();
    assert_eq!(standing.version(), 0);
    assert!(standing.idle_expires_at() < later);
    assert!(store.use_once(what, later).await.unwrap());
    assert!(store.lease(what, holder, minute).await.unwrap());
    drop(store.release(what, holder));
    assert!(!store.lease(what, [3; 16], minute).await.unwrap());
    // No tombstone was left.
    let made = store.create(other, record, now).await.unwrap();
    assert!(matches!(made, Created::Done(_)));
}

/// There is no point at which a call could be dropped by half.
#[tokio::test]
async fn a_write_is_done_at_its_first_poll() {
    let (store, record, now) = store().await;
    let other = SessionKey([8; 32]);
    let later = now.plus(Duration::from_secs(9_000));
    let (what, holder) = ([1; 32], [2; 16]);
    let minute = Duration::from_secs(60);
    let made = drop_after(1, store.create(other, record.clone(), now)).await;
    assert!(matches!(made, Some(Ok(Created::Done(_)))));
    let replaced = drop_after(1, store.replace(KEY, 0, record)).await;
    assert!(matches!(replaced, Some(Ok(Replaced::Done(_)))));
    let touched = drop_after(1, store.touch(KEY, later)).await;
    assert!(matches!(touched, Some(Ok(()))));
    let found = drop_after(1, store.find_by_subject(ISSUER, "ada")).await;
    assert_eq!(found.unwrap().unwrap().len(), 2);
    let used = drop_after(1, store.use_once(what, later)).await;
    assert!(matches!(used, Some(Ok(true))));
    let leased = drop_after(1, store.lease(what, holder, minute)).await;
    assert!(matches!(leased, Some(Ok(true))));
    let released = drop_after(1, store.release(what, holder)).await;
    assert!(matches!(released, Some(Ok(()))));
    let loaded = drop_after(1, store.load(KEY)).await;
    assert!(matches!(loaded, Some(Ok(Some(_)))));
    let deleted = drop_after(1, store.delete(KEY)).await;
    assert!(matches!(deleted, Some(Ok(Some(_)))));
    let by_sid = drop_after(1, store.delete_by_sid(ISSUER, "s1", now)).await;
    assert_eq!(by_sid.unwrap().unwrap().len(), 1);
    let by_subject = drop_after(1, store.delete_by_subject(ISSUER, "ada", now)).await;
    assert!(by_subject.unwrap().unwrap().is_empty());
}
