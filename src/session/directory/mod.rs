//! Where sister apps find a browser's session at the provider.
//!
//! A provider whose sessions backends know by an id needs no browser to be asked whether somebody is signed
//! in there. What it needs is the id, and that is a credential: no browser gets it. A browser keeps a
//! handle, and the directory, on the servers' side, has the id that the handle stands for.
//!
//! 1. It knows a handle by its SHA-256 only: a leaked directory opens no browser's door, but it holds session
//!    ids, so guard it as a store of passwords.
//! 2. Whoever ends a session at the provider tells the directory, and it tells the apps that listen.

use std::fmt;
use std::sync::Weak;

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::clock::SecondsSinceEpoch;
use crate::secret::Secret;
use crate::{Result, crypto};

mod memory;

pub use memory::MemoryDirectory;

/// The key under which a directory keeps a handle: the SHA-256 of the cookie's value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HandleKey(pub [u8; 32]);

impl HandleKey {
    /// The key of the handle whose cookie has this value.
    #[must_use]
    pub fn of_cookie(value: &str) -> Self {
        Self(crypto::sha256(value.as_bytes()))
    }
}

impl fmt::Debug for HandleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Enough to tell handles apart in a log.
        let [a, b, c, d, ..] = self.0;
        write!(f, "HandleKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// A session at the provider that a handle stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SharedSession {
    /// The provider's issuer.
    pub issuer: Box<str>,
    /// Whose session it is (`sub`).
    pub subject: Box<str>,
    /// Its id at the provider: a credential.
    pub session_id: Secret<String>,
    /// When it is over unless it is used before.
    pub expires_at: SecondsSinceEpoch,
}

impl SharedSession {
    /// What tells the session apart and opens nothing: a hash of its id.
    #[must_use]
    pub fn public_sid(&self) -> String {
        public_sid(&self.session_id)
    }
}

/// The name of a session whose id is a credential, for everything that is not its provider.
#[must_use]
pub fn public_sid(session_id: &Secret<String>) -> String {
    let mut text = b"backend-session\0".to_vec();
    text.extend_from_slice(session_id.expose().as_bytes());
    crypto::base64url(&crypto::sha256(&text)[..16])
}

/// Keeps what handles stand for, for the apps that share it.
///
/// Rules that each implementation must keep:
/// 1. `find` may answer what is past its end: the caller looks at the clock.
/// 2. An error means that nothing is known. It is never read as "no such session".
/// 3. `end` forgets the handles first, and then reaches every app that listens, in this process and in others.
/// 4. What was ended stays ended: a `put` of that session that comes late, for ten minutes at least, keeps nothing.
/// 5. It answers or fails within a few seconds: requests wait for it.
pub trait SessionDirectory: Send + Sync + fmt::Debug {
    /// Keeps what a handle stands for, in the place of what it stood for before; nothing where that session was ended
    /// lately.
    fn put(&self, handle: HandleKey, session: SharedSession) -> BoxFuture<'_, Result<()>>;

    /// What a handle stands for.
    fn find(&self, handle: HandleKey) -> BoxFuture<'_, Result<Option<SharedSession>>>;

    /// Forgets one handle.
    fn remove(&self, handle: HandleKey) -> BoxFuture<'_, Result<()>>;

    /// Forgets each handle of a session that ended at the provider, by its [`public_sid`], and tells the apps.
    /// `at` is when it ended.
    fn end<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<()>>;

    /// From now on tells this app of sessions that end.
    fn listen(&self, listener: Weak<dyn SessionListener>);
}

/// An app that has sessions of its own made of those at the provider.
pub trait SessionListener: Send + Sync {
    /// Ends the app's own sessions of a session that ended at the provider.
    fn session_ended<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> BoxFuture<'a, Result<()>>;
}
