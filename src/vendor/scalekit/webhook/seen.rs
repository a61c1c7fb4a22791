//! Which webhooks came before.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;

use crate::clock::{Clock, SecondsSinceEpoch};
use crate::crypto::sha256;
use crate::{Error, Result};

/// How many ids the memory keeps: those of five minutes, at over a hundred a second.
const MOST_IDS: usize = 50_000;

/// Remembers the ids of webhooks, so that each counts once.
///
/// The default is this process's memory. With several replicas a webhook that was copied counts once in each of
/// them; where that matters, keep the ids in the store that the replicas share, as by `SET … NX EX` of Redis or
/// a unique key in SQL.
///
/// ```
/// use futures_core::future::BoxFuture;
/// use tower_sso::Result;
/// use tower_sso::clock::SecondsSinceEpoch;
/// use tower_sso::vendor::scalekit::SeenWebhooks;
///
/// /// For a receiver whose work can be done twice.
/// #[derive(Debug)]
/// struct Forgetful;
///
/// impl SeenWebhooks for Forgetful {
///     fn claim<'a>(&'a self, _id: &'a str, _until: SecondsSinceEpoch) -> BoxFuture<'a, Result<bool>> {
///         Box::pin(async { Ok(true) })
///     }
///     fn release<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async { Ok(()) })
///     }
/// }
/// ```
pub trait SeenWebhooks: Send + Sync + fmt::Debug {
    /// Takes note of an id, at least until then, and tells whether it is new: `true` to exactly one of those
    /// who ask at once. One that is known is kept until then too.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store): it can't be known.
    fn claim<'a>(&'a self, id: &'a str, until: SecondsSinceEpoch) -> BoxFuture<'a, Result<bool>>;

    /// Forgets an id whose work failed.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store): it is still kept.
    fn release<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>>;
}

/// Ids in this process, by their hash: a long one takes no more room.
#[derive(Debug)]
pub(super) struct SeenInMemory {
    clock: Arc<dyn Clock>,
    ids: Mutex<HashMap<[u8; 32], SecondsSinceEpoch>>,
    most: usize,
}

impl SeenInMemory {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ids: Mutex::default(),
            most: MOST_IDS,
        }
    }

    fn ids(&self) -> MutexGuard<'_, HashMap<[u8; 32], SecondsSinceEpoch>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claim_now(&self, id: &str, until: SecondsSinceEpoch) -> Result<bool> {
        let now = self.clock.now();
        let mut ids = self.ids();
        let key = sha256(id.as_bytes());
        if let Some(known) = ids.get_mut(&key).filter(|until| now <= **until) {
            // Scalekit sent it again with a new time: a copy of that one is taken for longer.
            *known = until.max(*known);
            return Ok(false);
        }
        if ids.len() >= self.most {
            ids.retain(|_, until| now <= *until);
        }
        // To forget one that still counts would let a copy of it in; Scalekit sends again later.
        if ids.len() >= self.most {
            return Err(Error::store("there are too many webhooks to remember"));
        }
        ids.insert(key, until);
        Ok(true)
    }
}

impl SeenWebhooks for SeenInMemory {
    fn claim<'a>(&'a self, id: &'a str, until: SecondsSinceEpoch) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.claim_now(id, until) })
    }

    fn release<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.ids().remove(&sha256(id.as_bytes()));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::TestClock;

    #[test]
    fn an_id_counts_once_and_a_full_memory_lets_nothing_in() {
        let clock = TestClock::at(1_000);
        let seen = SeenInMemory {
            most: 2,
            ..SeenInMemory::new(Arc::new(clock.clone()))
        };
        let claim = |id| seen.claim_now(id, SecondsSinceEpoch(1_300));
        assert!(claim("a").unwrap());
        assert!(!claim("a").unwrap());
        assert!(claim("b").unwrap());
        assert!(claim("c").unwrap_err().is_temporary());
        clock.advance(Duration::from_secs(300));
        assert!(!claim("a").unwrap(), "its last second");
        clock.advance(Duration::from_secs(1));
        assert!(claim("c").unwrap(), "those that ended make room");
        assert_eq!(seen.ids().len(), 1);
    }
}
