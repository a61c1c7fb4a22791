//! A directory of sessions that lets everybody down.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use futures_core::future::BoxFuture;
use tower_sso::clock::{Clock, SecondsSinceEpoch};
use tower_sso::session::directory::{
    HandleKey, MemoryDirectory, SessionDirectory, SessionListener, SharedSession,
};
use tower_sso::{Error, Result};

/// What the directory is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whim {
    Works,
    PutFails,
    FindFails,
    RemoveFails,
    EndFails,
    /// Somebody signs out just before a handle is put.
    EndsBeforePut,
}

/// Clones are the same directory.
#[derive(Clone)]
pub(super) struct HostileDirectory(Arc<Inner>);

struct Inner {
    directory: MemoryDirectory,
    clock: Arc<dyn Clock>,
    whim: Mutex<Whim>,
}

impl HostileDirectory {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            directory: MemoryDirectory::new(Arc::clone(&clock)),
            clock,
            whim: Mutex::new(Whim::Works),
        }))
    }

    pub(super) fn set(&self, whim: Whim) {
        *self.0.whim.lock().unwrap() = whim;
    }

    fn unless<'a, T: Send + 'a>(
        &'a self,
        whim: Whim,
        work: BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        if *self.0.whim.lock().unwrap() == whim {
            return Box::pin(async { Err(Error::store("the directory is on fire")) });
        }
        work
    }
}

impl SessionDirectory for HostileDirectory {
    fn put(&self, handle: HandleKey, session: SharedSession) -> BoxFuture<'_, Result<()>> {
        let work = Box::pin(async move {
            let directory = &self.0.directory;
            let whim = *self.0.whim.lock().unwrap();
            if whim == Whim::EndsBeforePut {
                let (sid, now) = (session.public_sid(), self.0.clock.now());
                directory.end(&session.issuer, &sid, now).await?;
            }
            directory.put(handle, session).await
        });
        self.unless(Whim::PutFails, work)
    }

    fn find(&self, handle: HandleKey) -> BoxFuture<'_, Result<Option<SharedSession>>> {
        self.unless(Whim::FindFails, self.0.directory.find(handle))
    }

    fn remove(&self, handle: HandleKey) -> BoxFuture<'_, Result<()>> {
        self.unless(Whim::RemoveFails, self.0.directory.remove(handle))
    }

    fn end<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<()>> {
        self.unless(Whim::EndFails, self.0.directory.end(issuer, sid, at))
    }

    fn listen(&self, listener: Weak<dyn SessionListener>) {
        self.0.directory.listen(listener);
    }
}

impl fmt::Debug for HostileDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostileDirectory")
    }
}
