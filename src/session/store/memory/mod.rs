//! Sessions in the memory of this process.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};

use super::{Created, Replaced, SessionStore, TOMBSTONE};
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::session::{Record, SessionKey};
use crate::{Error, Result};

mod index;

use crate::session::remembered::Remembered;
use index::{Group, Index};

/// What a session takes besides its record: the key three times, counters, and its places in the map
/// and in the indexes. It only has to keep the bound honest, not to be exact.
const OVERHEAD: u64 = 320;

/// How many sessions each sign-in looks at for ones that are over. A store has to see as many sign-ins
/// as it holds sessions to fill up, so each session is looked at many times before room gets scarce.
const SWEEP_STEP: usize = 64;

/// At least so long between two warnings that live sessions were thrown out.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// How many used-up login states, tombstones and leases are remembered, of each. Where more come, the
/// one closest to its end is forgotten: no stranger can stop sign-ins by starting many.
const REMEMBERED: usize = 1 << 18;

/// Keeps sessions in this process, up to a number of bytes: the default store.
///
/// They are gone after a restart, and other processes do not see them. Reads take no lock that a write
/// or a sweep holds for long. Sessions that are over are swept a few at each sign-in; when live ones
/// don't fit any more, those that are used least are thrown out, counted
/// ([`evicted`](Self::evicted)) and warned of at most once a minute.
///
/// ```
/// use std::sync::Arc;
/// use tower_sso::clock::SystemClock;
/// use tower_sso::session::store::MemoryStore;
///
/// let store = MemoryStore::with_capacity(256 << 20, Arc::new(SystemClock));
/// assert_eq!(store.evicted(), 0);
/// ```
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    sessions: Cache<SessionKey, Arc<Record>, Bytes, DefaultHashBuilder, Evictions>,
    /// Every write goes through here, so a compare-and-swap is atomic and the indexes always tell what
    /// the map holds. Never held over an await; `load` does without.
    book: Mutex<Book>,
    evicted: AtomicU64,
}

struct Book {
    index: Index,
    tombstones: Remembered<SecondsSinceEpoch>,
    used: Remembered<()>,
    leases: Remembered<[u8; 16]>,
    warned_at: Option<SecondsSinceEpoch>,
}

impl MemoryStore {
    /// The default capacity: 64 MiB, some 40,000 sessions with their tokens.
    pub const DEFAULT_CAPACITY: u64 = 64 << 20;

    /// A store of the default capacity.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY, clock)
    }

    /// A store of about so many bytes, counted by [`Record::size`]. The clock has to be the one that
    /// the sessions are made with.
    #[must_use]
    pub fn with_capacity(bytes: u64, clock: Arc<dyn Clock>) -> Self {
        // Only a hint for quick_cache: it decides into how many shards the map is split.
        let sessions = usize::try_from(bytes / 2048).unwrap_or(usize::MAX).max(1);
        Self {
            clock,
            sessions: Cache::with(
                sessions,
                bytes,
                Bytes,
                DefaultHashBuilder::default(),
                Evictions,
            ),
            book: Mutex::new(Book {
                index: Index::default(),
                tombstones: Remembered::up_to(REMEMBERED),
                used: Remembered::up_to(REMEMBERED),
                leases: Remembered::up_to(REMEMBERED),
                warned_at: None,
            }),
            evicted: AtomicU64::new(0),
        }
    }

    /// How many live sessions were thrown out for want of room since the start.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic under the lock can at worst leave an index entry without its session, which every
        // reader of the index copes with.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a record is small enough to be kept beside others. The map is split into shards, and a
    /// session has to fit into one.
    fn fits(&self, record: &Record) -> bool {
        weight(record) <= self.sessions.shard_capacity() / 2
    }

    /// Writes a record and settles what that pushed out.
    fn put(&self, book: &mut Book, key: SessionKey, record: &Arc<Record>, now: SecondsSinceEpoch) {
        if let Some(old) = self.sessions.peek(&key) {
            book.index.remove(key, &old);
        }
        book.index.add(key, record);
        let mut out = Vec::new();
        self.sessions
            .insert_with_lifecycle(key, Arc::clone(record), &mut out);
        // quick_cache reports the value that an insert replaces as well.
        out.retain(|(other, old)| *other != key || Arc::ptr_eq(old, record));
        for (other, old) in &out {
            book.index.remove(*other, old);
        }
        let lost = out.iter().filter(|(_, old)| old.is_live(now)).count() as u64;
        if lost > 0 {
            let total = self.evicted.fetch_add(lost, Ordering::Relaxed) + lost;
            if book.warned_at.is_none_or(|at| now.since(at) >= WARN_EVERY) {
                book.warned_at = Some(now);
                tracing::warn!(
                    evicted = total,
                    capacity = self.sessions.capacity(),
                    "the memory store is full: live sessions were thrown out"
                );
            }
        }
    }

    fn take(&self, book: &mut Book, key: SessionKey) -> Option<Arc<Record>> {
        let (_, record) = self.sessions.remove(&key)?;
        book.index.remove(key, &record);
        Some(record)
    }

    fn sweep(&self, book: &mut Book, now: SecondsSinceEpoch) {
        for key in book.index.next_to_look_at(SWEEP_STEP) {
            if self
                .sessions
                .peek(&key)
                .is_some_and(|record| !record.is_live(now))
            {
                self.take(book, key);
            }
        }
    }

    fn end_group(&self, group: Group, at: SecondsSinceEpoch) -> Vec<Arc<Record>> {
        let now = self.clock.now();
        let mut book = self.book();
        let last = book
            .tombstones
            .get(&group.0, now)
            .map_or(at, |before| before.max(at));
        book.tombstones.put(group.0, last, now.plus(TOMBSTONE), now);
        let keys = book.index.keys_of(group);
        keys.into_iter()
            .filter_map(|key| self.take(&mut book, key))
            .collect()
    }
}

impl SessionStore for MemoryStore {
    fn create(
        &self,
        key: SessionKey,
        record: Record,
        began_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<Created>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut book = self.book();
            let ended = Group::all_of(&record)
                .filter_map(|group| book.tombstones.get(&group.0, now))
                .any(|at| began_at <= at);
            if ended {
                return Ok(Created::SignedOut);
            }
            self.sweep(&mut book, now);
            if self.sessions.contains_key(&key) {
                return Err(Error::store("a session with this id exists already"));
            }
            if !self.fits(&record) {
                return Err(too_large());
            }
            let record = Arc::new(record);
            self.put(&mut book, key, &record, now);
            Ok(Created::Done(record))
        })
    }

    fn load(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>> {
        Box::pin(async move { Ok(self.sessions.get(&key)) })
    }

    /// Always `Some`: there is nothing else to ask.
    fn load_local(&self, key: SessionKey) -> Option<Option<Arc<Record>>> {
        Some(self.sessions.get(&key))
    }

    fn replace(
        &self,
        key: SessionKey,
        expected: u64,
        mut record: Record,
    ) -> BoxFuture<'_, Result<Replaced>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut book = self.book();
            // A session that ran out is over as much as one that was deleted: no late refresh revives it.
            let Some(current) = self.sessions.peek(&key).filter(|old| old.is_live(now)) else {
                return Ok(Replaced::Gone);
            };
            if current.version != expected {
                return Ok(Replaced::Conflict(current));
            }
            if !self.fits(&record) {
                return Err(too_large());
            }
            record.version = expected.saturating_add(1);
            let record = Arc::new(record);
            self.put(&mut book, key, &record, now);
            // A touch of the old record may have come after the caller copied it. See `touch`.
            record.slide(current.idle_expires_at());
            Ok(Replaced::Done(record))
        })
    }

    /// Takes no lock. A touch that meets a `replace` either slides the old record before that is read
    /// for the last time, or sees the new one on its second look.
    fn touch(
        &self,
        key: SessionKey,
        idle_expires_at: SecondsSinceEpoch,
    ) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut seen: Option<Arc<Record>> = None;
            while let Some(record) = self.sessions.peek(&key) {
                if seen.is_some_and(|last| Arc::ptr_eq(&last, &record)) || !record.is_live(now) {
                    break;
                }
                record.slide(idle_expires_at);
                seen = Some(record);
            }
            Ok(())
        })
    }

    fn delete(&self, key: SessionKey) -> BoxFuture<'_, Result<Option<Arc<Record>>>> {
        Box::pin(async move { Ok(self.take(&mut self.book(), key)) })
    }

    fn delete_by_sid<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>> {
        Box::pin(async move { Ok(self.end_group(Group::of_sid(issuer, sid), at)) })
    }

    fn delete_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<Vec<Arc<Record>>>> {
        Box::pin(async move { Ok(self.end_group(Group::of_subject(issuer, subject), at)) })
    }

    fn find_by_subject<'a>(
        &'a self,
        issuer: &'a str,
        subject: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(SessionKey, Arc<Record>)>>> {
        Box::pin(async move {
            let book = self.book();
            let keys = book.index.keys_of(Group::of_subject(issuer, subject));
            Ok(keys
                .into_iter()
                .filter_map(|key| Some((key, self.sessions.peek(&key)?)))
                .collect())
        })
    }

    fn use_once(&self, what: [u8; 32], until: SecondsSinceEpoch) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut book = self.book();
            let first = book.used.get(&what, now).is_none();
            if first {
                book.used.put(what, (), until, now);
            }
            Ok(first)
        })
    }

    fn lease(
        &self,
        what: [u8; 32],
        holder: [u8; 16],
        for_at_most: Duration,
    ) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut book = self.book();
            let free = book
                .leases
                .get(&what, now)
                .is_none_or(|owner| owner == holder);
            if free {
                book.leases.put(what, holder, now.plus(for_at_most), now);
            }
            Ok(free)
        })
    }

    fn release(&self, what: [u8; 32], holder: [u8; 16]) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut book = self.book();
            if book.leases.get(&what, now) == Some(holder) {
                book.leases.forget(&what);
            }
            Ok(())
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("sessions", &self.sessions.len())
            .field("capacity", &self.sessions.capacity())
            .field("evicted", &self.evicted())
            .finish_non_exhaustive()
    }
}

fn too_large() -> Error {
    Error::store("the session is too large for the memory store")
}

fn weight(record: &Record) -> u64 {
    record.size() as u64 + OVERHEAD
}

#[derive(Clone)]
struct Bytes;

impl Weighter<SessionKey, Arc<Record>> for Bytes {
    fn weight(&self, _: &SessionKey, record: &Arc<Record>) -> u64 {
        weight(record)
    }
}

/// Hands what the map throws out to the write that caused it, which has the indexes at hand.
#[derive(Clone)]
struct Evictions;

impl Lifecycle<SessionKey, Arc<Record>> for Evictions {
    type RequestState = Vec<(SessionKey, Arc<Record>)>;

    fn on_evict(&self, out: &mut Self::RequestState, key: SessionKey, record: Arc<Record>) {
        out.push((key, record));
    }
}

#[cfg(test)]
mod tests;
