//! A session store as if it were on another machine: each load is awaited, may take its time, may fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::watch;
use tower_sso::clock::{SecondsSinceEpoch, TestClock};
use tower_sso::session::store::{Created, MemoryStore, Replaced, SessionStore};
use tower_sso::session::{Record, SessionKey};
use tower_sso::{Error, Result};

/// Clones are the same store.
#[derive(Clone, Debug)]
pub(crate) struct RemoteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    records: MemoryStore,
    held: watch::Sender<bool>,
    failing: AtomicBool,
    loads: AtomicUsize,
}

impl RemoteStore {
    pub(crate) fn new(clock: &TestClock) -> Self {
        Self(Arc::new(Inner {
            records: MemoryStore::new(Arc::new(clock.clone())),
            held: watch::Sender::new(false),
            failing: AtomicBool::new(false),
            loads: AtomicUsize::new(0),
        }))
    }

    /// From now on loads wait, until [`RemoteStore::let_go`].
    pub(crate) fn hold(&self) {
        self.0.held.send_replace(true);
    }

    pub(crate) fn let_go(&self) {
        self.0.held.send_replace(false);
    }

    /// Whether each call fails.
    pub(crate) fn set_failing(&self, failing: bool) {
        self.0.failing.store(failing, Ordering::SeqCst);
    }

    /// How many loads began.
    pub(crate) fn loads(&self) -> usize {
        self.0.loads.load(Ordering::SeqCst)
    }

    async fn reach(&self) -> Result<&MemoryStore> {
        tokio::task::yield_now().await;
        if self.0.failing.load(Ordering::SeqCst) {
            return Err(Error::store("nobody answers at the store's address"));
        }
        Ok(&self.0.records)
    }
}

impl SessionStore for RemoteStore {
    fn create(
        &self,
        key: SessionKey,
        record: Record,
        began_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<Created>> {
        Box::pin(async move { self.reach().await?.create(key, record, began_at).await })
    }

    fn load(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>> {
        Box::pin(async move {
            self.0.loads.fetch_add(1, Ordering::SeqCst);
            let mut held = self.0.held.subscribe();
            let _ = held.wait_for(|held| !held).await;
            self.reach().await?.load(key).await
        })
    }

    fn replace(
        &self,
        key: SessionKey,
        expected: u64,
        record: Record,
    ) -> BoxFuture<'_, Result<Replaced>> {
        Box::pin(async move { self.reach().await?.replace(key, expected, record).await })
    }

    fn touch(
        &self,
        key: SessionKey,
        idle_expires_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.reach().await?.touch(key, idle_expires_at).await })
    }

    fn delete(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>> {
        Box::pin(async move { self.reach().await?.delete(key).await })
    }

    fn delete_by_sid<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>> {
        Box::pin(async move { self.reach().await?.delete_by_sid(issuer, sid, at).await })
    }

    fn delete_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>> {
        Box::pin(async move {
            let records = self.reach().await?;
            records.delete_by_subject(issuer, subject, at).await
        })
    }

    fn find_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(SessionKey, Arc<Record>)>>> {
        Box::pin(async move { self.reach().await?.find_by_subject(issuer, subject).await })
    }

    fn use_once(&self, what: [u8; 32], until: SecondsSinceEpoch) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move { self.reach().await?.use_once(what, until).await })
    }

    fn lease(
        &self,
        what: [u8; 32],
        holder: [u8; 16],
        for_at_most: Duration,
    ) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move { self.reach().await?.lease(what, holder, for_at_most).await })
    }

    fn release(&self, what: [u8; 32], holder: [u8; 16]) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.reach().await?.release(what, holder).await })
    }
}
