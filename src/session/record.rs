//! What a store keeps of one session.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::SecondsSinceEpoch;
use crate::crypto;
use crate::secret::Secret;

/// The key under which a store keeps a session: the SHA-256 of the cookie's value, so a leaked store
/// opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionKey(pub [u8; 32]);

impl SessionKey {
    /// The key of the session whose cookie has this value.
    #[must_use]
    pub fn of_cookie(value: &str) -> Self {
        Self(crypto::sha256(value.as_bytes()))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Eight hex digits tell sessions apart in a log and help nobody to find the cookie.
        write!(
            f,
            "SessionKey({:02x}{:02x}{:02x}{:02x}…)",
            self.0[0], self.0[1], self.0[2], self.0[3]
        )
    }
}

/// The tokens of a session. They stay on the server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// The ID token as it came: the `id_token_hint` of a logout.
    pub id_token: Option<Secret<String>>,
    /// The access token.
    pub access_token: Option<Secret<String>>,
    /// The refresh token.
    pub refresh_token: Option<Secret<String>>,
    /// When the access token ends, if the provider said so (`expires_in`, RFC 6749 section 5.1).
    pub access_token_expires_at: Option<SecondsSinceEpoch>,
    /// When these tokens came.
    #[serde(default)]
    pub obtained_at: SecondsSinceEpoch,
    /// The id of the provider's own session, where backends know it by one: a credential.
    #[serde(default)]
    pub backend_session_id: Option<Secret<String>>,
}

/// A trace of the last step-up, so that one that came back too weak is not asked for again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUpMark {
    /// Which requirement was asked for.
    pub requirement: u64,
    /// When the browser came back from it.
    pub at: SecondsSinceEpoch,
}

/// Everything about one session that a store keeps.
///
/// What a request looks at (expiries, subject, `amr`, `acr`, `auth_time`) is inline; the claims are JSON
/// text that is parsed only when somebody asks. Stores outside this process keep [`Record::to_bytes`].
#[derive(Serialize, Deserialize)]
pub struct Record {
    pub(crate) version: u64,
    pub(crate) public_id: Box<str>,
    pub(crate) issuer: Arc<str>,
    pub(crate) subject: Box<str>,
    pub(crate) email: Option<Box<str>>,
    pub(crate) name: Option<Box<str>>,
    pub(crate) sid: Option<Box<str>>,
    pub(crate) connection: Option<Box<str>>,
    pub(crate) organization: Option<Box<str>>,
    #[serde(default)]
    pub(crate) tenant: Option<Box<str>>,
    pub(crate) amr: Box<[Box<str>]>,
    pub(crate) acr: Option<Box<str>>,
    pub(crate) multi_factor: bool,
    pub(crate) auth_time: Option<SecondsSinceEpoch>,
    pub(crate) scopes: Box<[Box<str>]>,
    pub(crate) roles: Box<[Box<str>]>,
    pub(crate) created_at: SecondsSinceEpoch,
    pub(crate) absolute_expires_at: SecondsSinceEpoch,
    pub(crate) idle_timeout: Duration,
    idle_expires_at: AtomicU64,
    pub(crate) step_up: Option<StepUpMark>,
    pub(crate) claims: Box<str>,
    pub(crate) attributes: Option<Box<str>>,
    pub(crate) tokens: Option<Box<Tokens>>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Claims and attributes are a person's own, and a store may log the record that it failed to keep.
        f.debug_struct("Record")
            .field("version", &self.version)
            .field("public_id", &self.public_id)
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("idle_expires_at", &self.idle_expires_at())
            .field("absolute_expires_at", &self.absolute_expires_at)
            .finish_non_exhaustive()
    }
}

impl Clone for Record {
    fn clone(&self) -> Self {
        Self {
            version: self.version,
            public_id: self.public_id.clone(),
            issuer: Arc::clone(&self.issuer),
            subject: self.subject.clone(),
            email: self.email.clone(),
            name: self.name.clone(),
            sid: self.sid.clone(),
            connection: self.connection.clone(),
            organization: self.organization.clone(),
            tenant: self.tenant.clone(),
            amr: self.amr.clone(),
            acr: self.acr.clone(),
            multi_factor: self.multi_factor,
            auth_time: self.auth_time,
            scopes: self.scopes.clone(),
            roles: self.roles.clone(),
            created_at: self.created_at,
            absolute_expires_at: self.absolute_expires_at,
            idle_timeout: self.idle_timeout,
            idle_expires_at: AtomicU64::new(self.idle_expires_at().0),
            step_up: self.step_up,
            claims: self.claims.clone(),
            attributes: self.attributes.clone(),
            tokens: self.tokens.clone(),
        }
    }
}

impl Record {
    /// A record for somebody who has just signed in: everything that is not named here is empty.
    pub(crate) fn new(
        issuer: Arc<str>,
        subject: &str,
        now: SecondsSinceEpoch,
        lifetime: super::Lifetime,
    ) -> Self {
        let absolute_expires_at = now.plus(lifetime.absolute);
        Self {
            version: 0,
            public_id: crypto::base64url(&crypto::random::<16>()).into(),
            issuer,
            subject: subject.into(),
            email: None,
            name: None,
            sid: None,
            connection: None,
            organization: None,
            tenant: None,
            amr: Box::default(),
            acr: None,
            multi_factor: false,
            auth_time: None,
            scopes: Box::default(),
            roles: Box::default(),
            created_at: now,
            absolute_expires_at,
            idle_timeout: lifetime.idle,
            idle_expires_at: AtomicU64::new(now.plus(lifetime.idle).min(absolute_expires_at).0),
            step_up: None,
            claims: "{}".into(),
            attributes: None,
            tokens: None,
        }
    }

    /// The version that [`SessionStore::replace`](super::store::SessionStore::replace) compares.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The provider that vouched for the subject.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who is signed in, as the issuer names them. Identity is the pair `(issuer, subject)`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The provider's own session id (`sid`), where it gave one.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// The end that no activity moves.
    #[must_use]
    pub fn absolute_expires_at(&self) -> SecondsSinceEpoch {
        self.absolute_expires_at
    }

    /// The end if nothing more is asked.
    #[must_use]
    pub fn idle_expires_at(&self) -> SecondsSinceEpoch {
        SecondsSinceEpoch(self.idle_expires_at.load(Ordering::Relaxed))
    }

    /// Whether the session still holds at `now`. The second in which an expiry falls is already over.
    #[must_use]
    pub fn is_live(&self, now: SecondsSinceEpoch) -> bool {
        now < self.idle_expires_at() && now < self.absolute_expires_at
    }

    /// Moves the idle end later, never past the absolute one and never earlier.
    pub fn slide(&self, idle_expires_at: SecondsSinceEpoch) {
        self.idle_expires_at.fetch_max(
            idle_expires_at.min(self.absolute_expires_at).0,
            Ordering::Relaxed,
        );
    }

    /// Whether the provider can be asked again without the person: there is a refresh token, or the id of
    /// a session at the provider.
    pub(crate) fn is_renewable(&self) -> bool {
        self.tokens.as_ref().is_some_and(|tokens| {
            tokens.refresh_token.is_some() || tokens.backend_session_id.is_some()
        })
    }

    /// The refresh token, if there is one.
    pub(crate) fn refresh_token(&self) -> Option<&Secret<String>> {
        self.tokens.as_ref()?.refresh_token.as_ref()
    }

    /// The id of the session at the provider, where backends know it by one.
    pub(crate) fn backend_session_id(&self) -> Option<&Secret<String>> {
        self.tokens.as_ref()?.backend_session_id.as_ref()
    }

    /// About how many bytes of memory the record takes, for bounds by weight.
    #[must_use]
    pub fn size(&self) -> usize {
        let strings = |list: &[Box<str>]| list.iter().map(|s| s.len() + 16).sum::<usize>();
        let optional = |s: &Option<Box<str>>| s.as_ref().map_or(0, |s| s.len());
        size_of::<Self>()
            + self.public_id.len()
            + self.subject.len()
            + optional(&self.email)
            + optional(&self.name)
            + optional(&self.sid)
            + optional(&self.connection)
            + optional(&self.organization)
            + optional(&self.tenant)
            + optional(&self.acr)
            + optional(&self.attributes)
            + strings(&self.amr)
            + strings(&self.scopes)
            + strings(&self.roles)
            + self.claims.len()
            + self.tokens.as_ref().map_or(0, |tokens| {
                let secret =
                    |s: &Option<Secret<String>>| s.as_ref().map_or(0, |s| s.expose().len());
                size_of::<Tokens>()
                    + secret(&tokens.id_token)
                    + secret(&tokens.access_token)
                    + secret(&tokens.refresh_token)
                    + secret(&tokens.backend_session_id)
            })
    }

    /// The record as bytes, for a store outside this process. They hold tokens: treat them as secret.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record has string keys only")
    }

    /// Reads what [`Record::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ErrorKind::Store`](crate::ErrorKind::Store) when the bytes are not a record.
    pub fn from_bytes(bytes: &[u8]) -> crate::Result<Self> {
        serde_json::from_slice(bytes).map_err(|error| {
            crate::Error::store("the stored session can't be read").with_source(error)
        })
    }
}
