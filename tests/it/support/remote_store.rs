//! A session store as if it were on another machine: each call is awaited there and back, may fail, and a
//! load may take its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::watch;
use tower_sso::clock::{SecondsSinceEpoch, TestClock};
use tower_sso::session::store::{Created, MemoryStore, Replaced, SessionStore};
use tower_sso::session::{Record, SessionKey};
use tower_sso::{Error, Result};

use super::App;

/// Clones are the same store.
#[derive(Clone, Debug)]
pub(crate) struct RemoteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: MemoryStore,
    held: watch::Sender<bool>,
    lists_held: watch::Sender<bool>,
    failing: AtomicBool,
    loads: AtomicUsize,
}

impl RemoteStore {
    pub(crate) fn new(clock: &TestClock) -> Self {
        Self(Arc::new(Inner {
            records: MemoryStore::new(Arc::new(clock.clone())),
            held: watch::Sender::new(false),
            lists_held: watch::Sender::new(false),
            failing: AtomicBool::new(false),
            loads: AtomicUsize::new(0),
        }))
    }

    /// From now on loads wait, until [`RemoteStore::let_go`].
    pub(crate) fn hold(&self) {
        self.0.held.send_replace(true);
    }

    /// From now on lists of sessions are late: what they tell is as old as the question, until
    /// [`RemoteStore::let_go`].
    pub(crate) fn hold_lists(&self) {
        self.0.lists_held.send_replace(true);
    }

    pub(crate) fn let_go(&self) {
        self.0.held.send_replace(false);
        self.0.lists_held.send_replace(false);
    }

    /// Whether each call fails.
    pub(crate) fn set_failing(&self, failing: bool) {
        self.0.failing.store(failing, Ordering::SeqCst);
    }

    /// How many loads began.
    pub(crate) fn loads(&self) -> usize {
        self.0.loads.load(Ordering::SeqCst)
    }

    /// How many sessions of a person are kept.
    pub(crate) async fn sessions_of(&self, subject: &str) -> usize {
        let found = self.0.records.find_by_subject(App::IDP, subject).await;
        found.unwrap().len()
    }

    /// On the way there nothing has happened yet; on the way back everything has.
    fn ask<'a, T: Send + 'a>(&'a self, work: BoxFuture<'a, Result<T>>) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.0.failing.load(Ordering::SeqCst) {
                return Err(Error::store("nobody answers at the store's address"));
            }
            let answer = work.await;
            tokio::task::yield_now().await;
            answer
        })
    }
}

impl SessionStore for RemoteStore {
    fn create(
        &self,
        key: SessionKey,
        record: Record,
        began_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<Created>> {
        self.ask(self.0.records.create(key, record, began_at))
    }

    fn load(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>> {
        Box::pin(async move {
            self.0.loads.fetch_add(1, Ordering::SeqCst);
            let mut held = self.0.held.subscribe();
            let _ = held.wait_for(|held| !held).await;
            self.ask(self.0.records.load(key)).await
        })
    }

    fn replace(
        &self,
        key: SessionKey,
        expected: u64,
        record: Record,
    ) -> BoxFuture<'_, Result<Replaced>> {
        self.ask(self.0.records.replace(key, expected, record))
    }

    fn touch(
        &self,
        key: SessionKey,
        idle_expires_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<()>> {
        self.ask(self.0.records.touch(key, idle_expires_at))
    }

    fn delete(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>> {
        self.ask(self.0.records.delete(key))
    }

    fn delete_by_sid<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>> {
        self.ask(self.0.records.delete_by_sid(issuer, sid, at))
    }

    fn delete_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>> {
        self.ask(self.0.records.delete_by_subject(issuer, subject, at))
    }

    fn find_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(SessionKey, Arc<Record>)>>> {
        Box::pin(async move {
            let list = self
                .ask(self.0.records.find_by_subject(issuer, subject))
                .await;
            let mut held = self.0.lists_held.subscribe();
            let _ = held.wait_for(|held| !held).await;
            list
        })
    }

    fn use_once(&self, what: [u8; 32], until: SecondsSinceEpoch) -> BoxFuture<'_, Result<bool>> {
        self.ask(self.0.records.use_once(what, until))
    }

    fn lease(
        &self,
        what: [u8; 32],
        holder: [u8; 16],
        for_at_most: Duration,
    ) -> BoxFuture<'_, Result<bool>> {
        self.ask(self.0.records.lease(what, holder, for_at_most))
    }

    fn release(&self, what: [u8; 32], holder: [u8; 16]) -> BoxFuture<'_, Result<()>> {
        self.ask(self.0.records.release(what, holder))
    }
}
