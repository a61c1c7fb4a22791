//! Sessions in the memory of this process.

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::{Created, Replaced, SessionStore};
use crate::Result;
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::session::{Record, SessionKey};

/// Keeps sessions in this process.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// A store of 64 MiB.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(64 << 20, clock)
    }

    /// A store of about so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: u64, clock: Arc<dyn Clock>) -> Self {
        let _ = bytes;
        Self { clock }
    }

    /// How many live sessions were thrown out for want of room.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.clock.now().0
    }
}

impl SessionStore for MemoryStore {
    fn create(
        &self,
        _: SessionKey,
        _: Record,
        _: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<Created>> {
        unimplemented!()
    }
    fn load(&self, _: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>> {
        unimplemented!()
    }
    fn replace(&self, _: SessionKey, _: u64, _: Record) -> BoxFuture<'_, Result<Replaced>> {
        unimplemented!()
    }
    fn touch(&self, _: SessionKey, _: SecondsSinceEpoch) -> BoxFuture<'_, Result<()>> {
        unimplemented!()
    }
    fn delete(&self, _: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>> {
        unimplemented!()
    }
    fn delete_by_sid<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>> {
        unimplemented!()
    }
    fn delete_by_subject<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>> {
        unimplemented!()
    }
    fn find_by_subject<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(SessionKey, Arc<Record>)>>> {
        unimplemented!()
    }
    fn use_once(&self, _: [u8; 32], _: SecondsSinceEpoch) -> BoxFuture<'_, Result<bool>> {
        unimplemented!()
    }
    fn lease(&self, _: [u8; 32], _: [u8; 16], _: Duration) -> BoxFuture<'_, Result<bool>> {
        unimplemented!()
    }
    fn release(&self, _: [u8; 32], _: [u8; 16]) -> BoxFuture<'_, Result<()>> {
        unimplemented!()
    }
}
