//! The session as the app and the policies see it.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::access_token::{self, AccessToken};
use super::record::{Record, SessionKey};
use crate::clock::SecondsSinceEpoch;

/// A live session. Cheap to clone: all clones are the same session.
///
/// It says who is signed in and how; [`User`](super::User) is the same with the person in front.
///
/// ```
/// use tower_sso::test_util::SignedIn;
///
/// let session = SignedIn::new("ada").amr(["pwd", "otp"]).claim("department", "finance").build();
/// assert_eq!(session.subject(), "ada");
/// assert!(session.is_multi_factor());
/// assert_eq!(session.claim("department"), Some("finance".into()));
/// ```
#[derive(Clone)]
pub struct Session {
    key: SessionKey,
    record: Arc<Record>,
}

impl Session {
    pub(crate) fn new(key: SessionKey, record: Arc<Record>) -> Self {
        Self { key, record }
    }

    pub(crate) fn key(&self) -> SessionKey {
        self.key
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// An identifier for logs and the app's own data: it opens nothing, and stays the same when the
    /// cookie changes (at a step-up).
    #[must_use]
    pub fn public_id(&self) -> &str {
        &self.record.public_id
    }

    /// The provider that vouched for the subject (`iss`).
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.record.issuer
    }

    /// Who is signed in, as the issuer names them (`sub`). Unique together with the issuer only.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.record.subject
    }

    /// The provider's own session id (`sid`), where it gave one.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.record.sid()
    }

    /// The connection (a customer's identity provider behind a broker) that was used, if there are such.
    #[must_use]
    pub fn connection(&self) -> Option<&str> {
        self.record.connection.as_deref()
    }

    /// The organization that the person signed in for, if there are such.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.record.organization.as_deref()
    }

    /// The tenant at which the person signed in, if the app has such ([`tenant`](crate::tenant)).
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.record.tenant.as_deref()
    }

    /// The methods that the person was authenticated with (`amr`, RFC 8176), of one ID token. Empty if the
    /// provider names none.
    pub fn amr(&self) -> impl Iterator<Item = &str> {
        self.record.amr.iter().map(AsRef::as_ref)
    }

    /// The context class that the authentication reached (`acr`).
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.record.acr.as_deref()
    }

    /// Whether the authentication counted as multi-factor when the session was made; see
    /// [`Policy::mfa`](crate::Policy::mfa).
    #[must_use]
    pub fn is_multi_factor(&self) -> bool {
        self.record.multi_factor
    }

    /// When the person last authenticated actively (`auth_time`). Not when this session began. `None` if the
    /// provider does not say so.
    #[must_use]
    pub fn auth_time(&self) -> Option<SecondsSinceEpoch> {
        self.record.auth_time
    }

    /// The scopes that were granted (RFC 6749 section 5.1).
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.record.scopes.iter().map(AsRef::as_ref)
    }

    /// The roles that the app's identity hook gave.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.record.roles.iter().map(AsRef::as_ref)
    }

    /// All verified claims of the ID token (and of UserInfo, where it is on).
    ///
    /// Parsed at each call: keep the result if you need several.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        parse(&self.record.claims)
    }

    /// One verified claim. See [`Session::claims`] for its cost.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<Value> {
        self.claims().remove(name)
    }

    /// The attributes that the app's identity hook gave. Never mixed with claims.
    #[must_use]
    pub fn attributes(&self) -> Map<String, Value> {
        self.record
            .attributes
            .as_deref()
            .map(parse)
            .unwrap_or_default()
    }

    /// The access token, if it lives a minute more at least, or a fifth of its life where that is shorter;
    /// `now` is by the app's own [`Clock`](crate::clock::Clock). Nobody is asked for a new one: that does
    /// [`Sso::access_token`](crate::Sso::access_token).
    ///
    /// ```
    /// use tower_sso::clock::{Clock, SystemClock};
    /// use tower_sso::test_util::SignedIn;
    ///
    /// let session = SignedIn::new("ada").access_token("opaque").build();
    /// let token = session.access_token(SystemClock.now()).unwrap();
    /// assert_eq!(token.expose(), "opaque");
    /// ```
    #[must_use]
    pub fn access_token(&self, now: SecondsSinceEpoch) -> Option<AccessToken> {
        let tokens = self.record.tokens.as_ref()?;
        (!access_token::is_ending(tokens, now)).then_some(())?;
        AccessToken::of(self, now)
    }

    /// When this session began.
    #[must_use]
    pub fn created_at(&self) -> SecondsSinceEpoch {
        self.record.created_at
    }

    /// When it ends whatever happens.
    #[must_use]
    pub fn absolute_expires_at(&self) -> SecondsSinceEpoch {
        self.record.absolute_expires_at
    }

    /// When it ends if no further request comes.
    #[must_use]
    pub fn idle_expires_at(&self) -> SecondsSinceEpoch {
        self.record.idle_expires_at()
    }
}

fn parse(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap_or_default()
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("public_id", &self.public_id())
            .field("issuer", &self.issuer())
            .field("subject", &self.subject())
            .field("amr", &self.record.amr)
            .field("acr", &self.acr())
            .field("auth_time", &self.auth_time())
            .finish_non_exhaustive()
    }
}
