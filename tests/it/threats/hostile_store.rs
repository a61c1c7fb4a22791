//! A session store that lets everybody down.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tower_sso::clock::{Clock, SecondsSinceEpoch};
use tower_sso::session::store::SessionStore;
use tower_sso::session::store::{Created, MemoryStore, Replaced};
use tower_sso::session::{Record, SessionKey};
use tower_sso::{Error, Result};

type Shared = std::sync::Arc<Record>;

/// What the store is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Works,
    /// Every verb fails.
    Fails,
    /// Keeps what it is given and never finds it.
    Forgets,
    /// Fails where a record is to take the place of another.
    ReplacesNothing,
    /// Fails where a record is to go.
    DeletesNothing,
}

/// Out of this process, as far as anybody can tell: nothing is at hand without an await.
#[derive(Debug)]
pub(super) struct HostileStore {
    inner: MemoryStore,
    mood: Mutex<Mood>,
    calls: AtomicUsize,
}

impl HostileStore {
    pub(super) fn new(clock: std::sync::Arc<dyn Clock>) -> Self {
        Self {
            inner: MemoryStore::new(clock),
            mood: Mutex::new(Mood::Works),
            calls: AtomicUsize::new(0),
        }
    }

    pub(super) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How often any verb was called.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    fn call<'a, T: Send + 'a>(&self, work: BoxFuture<'a, Result<T>>) -> BoxFuture<'a, Result<T>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.mood() {
            Mood::Fails => Box::pin(async { Err(Error::store("the store is on fire")) }),
            _ => work,
        }
    }
}

impl SessionStore for HostileStore {
    fn create(
        &self,
        key: SessionKey,
        record: Record,
        began_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<Created>> {
        self.call(self.inner.create(key, record, began_at))
    }

    fn load(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Shared>>> {
        match self.mood() {
            Mood::Forgets => self.call(Box::pin(async { Ok(None) })),
            _ => self.call(self.inner.load(key)),
        }
    }

    fn replace(
        &self,
        key: SessionKey,
        expected: u64,
        record: Record,
    ) -> BoxFuture<'_, Result<Replaced>> {
        if self.mood() == Mood::ReplacesNothing {
            return Box::pin(async { Err(Error::store("the store is full")) });
        }
        self.call(self.inner.replace(key, expected, record))
    }

    fn touch(&self, key: SessionKey, end: SecondsSinceEpoch) -> BoxFuture<'_, Result<()>> {
        self.call(self.inner.touch(key, end))
    }

    fn delete(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Shared>>> {
        if self.mood() == Mood::DeletesNothing {
            return Box::pin(async { Err(Error::store("the store is read-only")) });
        }
        self.call(self.inner.delete(key))
    }

    fn delete_by_sid<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Shared>>> {
        self.call(self.inner.delete_by_sid(issuer, sid, at))
    }

    fn delete_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Shared>>> {
        self.call(self.inner.delete_by_subject(issuer, subject, at))
    }

    fn find_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(SessionKey, Shared)>>> {
        self.call(self.inner.find_by_subject(issuer, subject))
    }

    fn use_once(&self, what: [u8; 32], until: SecondsSinceEpoch) -> BoxFuture<'_, Result<bool>> {
        self.call(self.inner.use_once(what, until))
    }

    fn lease(
        &self,
        what: [u8; 32],
        holder: [u8; 16],
        for_at_most: Duration,
    ) -> BoxFuture<'_, Result<bool>> {
        self.call(self.inner.lease(what, holder, for_at_most))
    }

    fn release(&self, what: [u8; 32], holder: [u8; 16]) -> BoxFuture<'_, Result<()>> {
        self.call(self.inner.release(what, holder))
    }
}
