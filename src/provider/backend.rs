//! Sessions of a provider that backends know by an id, as a capability: the second rung of silent
//! re-authentication.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use futures_core::future::BoxFuture;

use super::Identity;
use crate::Result;
use crate::secret::Secret;

/// A provider whose sessions backends share by their id: no browser has to go there.
pub trait BackendSessions: Send + Sync + fmt::Debug {
    /// Authenticates by the id of a session, without the person.
    ///
    /// Tokens are no permission: whatever comes is judged by the policy of the route.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): whether the session lives is not known now,
    /// for how long if [`retry_after`](crate::Error::retry_after) says so. Any other error: the answer is a
    /// refusal that does not speak of the session, or can't be believed. Neither signs anybody out.
    fn authenticate(&self, request: BackendAuthentication) -> BoxFuture<'_, Result<BackendAnswer>>;

    /// Ends a session at the provider. One that is not known there is ended.
    ///
    /// # Errors
    /// The session may still live.
    fn logout(&self, session_id: Secret<String>) -> BoxFuture<'_, Result<()>>;

    /// How long a session lives after it was last used.
    fn lifetime(&self) -> Duration;
}

/// What asks for an authentication by session id.
#[derive(Clone, Debug)]
pub struct BackendAuthentication {
    /// The session's id at the provider: a credential.
    pub session_id: Secret<String>,
    /// Whose request it is for.
    pub client: ClientAttributes,
}

/// What a provider wants to know of the browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientAttributes {
    /// Its `User-Agent`.
    pub user_agent: Option<String>,
    /// Its address.
    pub ip_address: Option<IpAddr>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum BackendAnswer {
    /// The session lives, and this is whose it is.
    SignedIn(Box<BackendSession>),
    /// There is no such session: somebody has to sign in.
    NotFound,
}

/// A verified identity with the session at the provider that stands for it.
#[derive(Clone, Debug)]
pub struct BackendSession {
    /// Who it is; signature and every claim checked.
    pub identity: Identity,
    /// The session's id at the provider: a credential. It stays on the server.
    pub session_id: Secret<String>,
}
