//! Where sessions are kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::record::{Record, SessionKey};
use crate::Result;
use crate::clock::SecondsSinceEpoch;

#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
mod memory;

pub use memory::MemoryStore;

/// What became of a [`SessionStore::replace`].
#[derive(Clone, Debug)]
pub enum Replaced {
    /// The new record is in place.
    Done(Arc<Record>),
    /// Somebody else wrote first: this is what stands there now.
    Conflict(Arc<Record>),
    /// The session is over. Nothing was written, and nothing may bring it back.
    Gone,
}

/// What became of a [`SessionStore::create`].
#[derive(Clone, Debug)]
pub enum Created {
    /// The session is kept.
    Done(Arc<Record>),
    /// The provider ended this sign-in's session while the sign-in was under way: nothing is kept.
    SignedOut,
}

/// Keeps sessions, for one process or for many.
///
/// Rules that each implementation must keep:
/// 1. A session that was deleted stays deleted: `replace` and `touch` never create.
/// 2. `delete_by_sid` and `delete_by_subject` leave a tombstone with their time for at least
///    [`TOMBSTONE`], and `create` answers [`Created::SignedOut`] to a sign-in that began at or before it.
/// 3. `load` may answer records that are past their end: the caller looks at the clocks in the record.
/// 4. An error means that nothing is known. It is never read as "no such session".
/// 5. A record comes back with a higher version after each `replace`.
pub trait SessionStore: Send + Sync + fmt::Debug {
    /// Keeps a new session. `began_at` is when the sign-in began.
    fn create(
        &self,
        key: SessionKey,
        record: Record,
        began_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<Created>>;

    /// The session with this key.
    fn load(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>>;

    /// The answer of `load` if this process has it at hand: no await on the way of a request.
    ///
    /// `None` sends the caller to `load`. The default is always `None`.
    fn load_local(&self, key: SessionKey) -> Option<Option<Arc<Record>>> {
        let _ = key;
        None
    }

    /// Puts `record` in the place of the one with version `expected` (compare and swap).
    fn replace(
        &self,
        key: SessionKey,
        expected: u64,
        record: Record,
    ) -> BoxFuture<'_, Result<Replaced>>;

    /// Moves the idle end of a session later; nothing happens to one that is gone.
    fn touch(
        &self,
        key: SessionKey,
        idle_expires_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<()>>;

    /// Ends a session; answers what it was.
    fn delete(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>>;

    /// Ends all sessions that belong to a session at the provider (`sid` of a logout token); answers
    /// them. `at` is the time of the logout.
    fn delete_by_sid<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>>;

    /// Ends all sessions of a person; answers them. `at` is the time of the logout.
    fn delete_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>>;

    /// All sessions of a person.
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what comes back"
    )]
    fn find_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(SessionKey, Arc<Record>)>>>;

    /// Notes that something was used, until `until`; `false` if it was noted already. What it is for:
    /// a login state sends its code once only.
    fn use_once(&self, what: [u8; 32], until: SecondsSinceEpoch) -> BoxFuture<'_, Result<bool>>;

    /// Takes a lease for `holder`, so that one of many replicas does a piece of work; `false` while
    /// somebody else has it. It ends by itself after `for_at_most`.
    fn lease(
        &self,
        what: [u8; 32],
        holder: [u8; 16],
        for_at_most: Duration,
    ) -> BoxFuture<'_, Result<bool>>;

    /// Gives a lease back before its end; nothing happens if `holder` does not have it.
    fn release(&self, what: [u8; 32], holder: [u8; 16]) -> BoxFuture<'_, Result<()>>;
}

/// How long a logout is remembered against sign-ins that are under way: the life of a login state.
pub const TOMBSTONE: Duration = Duration::from_secs(10 * 60);
