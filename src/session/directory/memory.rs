//! A directory in this process.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::{HandleKey, SessionDirectory, SessionListener, SharedSession};
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::session::remembered::Remembered;
use crate::{Result, crypto};

/// So many handles are kept; then those go that end first. About 500 bytes each.
const LARGEST: usize = 100_000;

/// How long it is known that a session was ended.
const STAYS_ENDED: Duration = Duration::from_secs(10 * 60);

/// A directory in this process, for one app or for several in it. It ends with the process.
///
/// ```
/// use std::sync::Arc;
/// use tower_sso::clock::SystemClock;
/// use tower_sso::session::directory::MemoryDirectory;
///
/// let directory = Arc::new(MemoryDirectory::new(Arc::new(SystemClock)));
/// // builder.session_directory(directory.clone()), once for each app
/// # let _ = directory;
/// ```
pub struct MemoryDirectory {
    known: Mutex<Known>,
    listeners: Mutex<Vec<Weak<dyn SessionListener>>>,
    clock: Arc<dyn Clock>,
}

struct Known {
    handles: Remembered<Kept>,
    /// Sessions that were ended, for as long as an answer about one may be under way.
    ended: Remembered<()>,
}

/// With its public name, so that an end need not hash what it looks through.
#[derive(Clone)]
struct Kept {
    sid: Box<str>,
    session: SharedSession,
}

impl MemoryDirectory {
    /// An empty directory of up to 100,000 handles.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            known: Mutex::new(Known {
                handles: Remembered::up_to(LARGEST),
                ended: Remembered::up_to(LARGEST),
            }),
            listeners: Mutex::default(),
            clock,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, issuer: &str, sid: &str) {
        let (now, mut known) = (self.clock.now(), self.known());
        known
            .ended
            .put(of_session(issuer, sid), (), now.plus(STAYS_ENDED), now);
        known
            .handles
            .forget_all(|kept| *kept.sid == *sid && *kept.session.issuer == *issuer);
    }

    fn listeners(&self) -> Vec<Arc<dyn SessionListener>> {
        let mut all = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|listener| listener.strong_count() > 0);
        all.iter().filter_map(Weak::upgrade).collect()
    }
}

fn of_session(issuer: &str, sid: &str) -> [u8; 32] {
    crypto::sha256(&[issuer.as_bytes(), b"\0", sid.as_bytes()].concat())
}

impl SessionDirectory for MemoryDirectory {
    fn put(&self, handle: HandleKey, session: SharedSession) -> BoxFuture<'_, Result<()>> {
        let (until, now) = (session.expires_at, self.clock.now());
        let sid: Box<str> = session.public_sid().into();
        let mut known = self.known();
        let ended = known.ended.get(&of_session(&session.issuer, &sid), now);
        if ended.is_none() {
            known
                .handles
                .put(handle.0, Kept { sid, session }, until, now);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn find(&self, handle: HandleKey) -> BoxFuture<'_, Result<Option<SharedSession>>> {
        let found = self.known().handles.get(&handle.0, self.clock.now());
        Box::pin(std::future::ready(Ok(found.map(|kept| kept.session))))
    }

    fn remove(&self, handle: HandleKey) -> BoxFuture<'_, Result<()>> {
        self.known().handles.forget(&handle.0);
        Box::pin(std::future::ready(Ok(())))
    }

    fn end<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.forget(issuer, sid);
            let mut told = Ok(());
            // Each is told, whatever becomes of the others.
            for listener in self.listeners() {
                told = told.and(listener.session_ended(issuer, sid, at).await);
            }
            told
        })
    }

    fn listen(&self, listener: Weak<dyn SessionListener>) {
        let mut all = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|listener| listener.strong_count() > 0);
        all.push(listener);
    }
}

impl fmt::Debug for MemoryDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDirectory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, TestClock};
    use crate::secret::Secret;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl SessionListener for Told {
        fn session_ended<'a>(
            &'a self,
            _: &'a str,
            sid: &'a str,
            _: SecondsSinceEpoch,
        ) -> BoxFuture<'a, Result<()>> {
            self.0.lock().unwrap().push(sid.to_owned());
            Box::pin(std::future::ready(Ok(())))
        }
    }

    fn session(id: &str) -> SharedSession {
        SharedSession {
            issuer: "https://idp.example".into(),
            subject: "ada".into(),
            session_id: Secret::from(id),
            expires_at: SystemClock.now().plus(Duration::from_secs(60)),
        }
    }

    #[tokio::test]
    async fn an_end_forgets_each_handle_and_tells_everybody() {
        let directory = MemoryDirectory::new(Arc::new(SystemClock));
        let (one, two, gone) = (
            Arc::<Told>::default(),
            Arc::<Told>::default(),
            Told::default(),
        );
        let gone = Arc::new(gone);
        for listener in [&one, &two, &gone] {
            let listener: Arc<dyn SessionListener> = Arc::clone(listener) as _;
            directory.listen(Arc::downgrade(&listener));
        }
        drop(gone);
        let handles = ["a", "b", "c"].map(HandleKey::of_cookie);
        for (handle, id) in handles.iter().zip(["s1", "s1", "s2"]) {
            directory.put(*handle, session(id)).await.unwrap();
        }
        let sid = session("s1").public_sid();
        let now = SystemClock.now();
        directory.end("https://other", &sid, now).await.unwrap();
        assert!(directory.find(handles[0]).await.unwrap().is_some());
        directory
            .end("https://idp.example", &sid, now)
            .await
            .unwrap();
        let left = [
            directory.find(handles[0]).await.unwrap().is_some(),
            directory.find(handles[1]).await.unwrap().is_some(),
            directory.find(handles[2]).await.unwrap().is_some(),
        ];
        assert_eq!(left, [false, false, true]);
        for listener in [one, two] {
            assert_eq!(*listener.0.lock().unwrap(), [sid.clone(), sid.clone()]);
        }
    }

    #[tokio::test]
    async fn what_was_ended_stays_ended() {
        let clock = TestClock::at(SystemClock.now().0);
        let directory = MemoryDirectory::new(Arc::new(clock.clone()));
        let handle = HandleKey::of_cookie("a");
        let sid = session("s1").public_sid();
        let end = directory.end("https://idp.example", &sid, clock.now());
        end.await.unwrap();
        for (id, seconds, kept) in [("s1", 0, false), ("s2", 0, true), ("s1", 600, true)] {
            clock.advance(Duration::from_secs(seconds) + Duration::from_secs(seconds.min(1)));
            directory.remove(handle).await.unwrap();
            let mut late = session(id);
            late.expires_at = clock.now().plus(Duration::from_secs(60));
            directory.put(handle, late).await.unwrap();
            let found = directory.find(handle).await.unwrap();
            assert_eq!(found.is_some(), kept, "{id} after {seconds} s");
        }
    }

    #[tokio::test]
    async fn neither_a_directory_nor_what_is_in_it_shows_a_session_id() {
        let directory = MemoryDirectory::new(Arc::new(SystemClock));
        let handle = HandleKey::of_cookie("hunter-handle");
        directory.put(handle, session("hunter-id")).await.unwrap();
        let found = directory.find(handle).await.unwrap().unwrap();
        let shown = format!("{directory:?} {found:?} {handle:?} {}", found.public_sid());
        assert!(!shown.contains("hunter"), "{shown}");
        directory.remove(handle).await.unwrap();
        assert!(directory.find(handle).await.unwrap().is_none());
    }
}
