//! The app's word on who may sign in.

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use serde_json::{Map, Value};

use crate::BoxError;
use crate::provider::Identity;

/// What the app adds to a session. Claims stay as the provider signed them; this stands beside them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enrichment {
    pub(crate) roles: Vec<String>,
    pub(crate) attributes: Map<String, Value>,
}

impl Enrichment {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a role, for [`Policy::role`](crate::Policy::role) and [`User::has_role`](crate::User::has_role).
    #[must_use]
    pub fn add_role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets an attribute, for [`Session::attributes`](crate::Session::attributes).
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }
}

/// What the app says of a verified identity.
#[non_exhaustive]
pub enum Decision {
    /// Sign in.
    Accept,
    /// Sign in, with roles and attributes of the app's own.
    Enrich(Enrichment),
    /// Don't sign in; the person sees the reason, escaped.
    Refuse(String),
    /// Don't make a session here: answer with this, as an app does that mints its own session.
    Answer(http::Response<Bytes>),
    /// Don't make a session here: the app has made one of its own. The browser goes on to where the person wanted,
    /// with these headers, as its `Set-Cookie`; those that would lead elsewhere (`Location`, `Refresh`) or speak of a
    /// body or a connection are left out. A session of this crate that the browser had is ended.
    OwnSession(http::HeaderMap),
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "Accept",
            Self::Enrich(_) => "Enrich",
            Self::Refuse(_) => "Refuse",
            Self::Answer(_) => "Answer",
            Self::OwnSession(_) => "OwnSession",
        })
    }
}

/// Called with each verified identity, at each sign-in and step-up, before a session is made, and where a session
/// is renewed, before it changes. Then [`Decision::Refuse`], [`Decision::Answer`] and [`Decision::OwnSession`] end it.
///
/// Any `async` closure that takes an [`Identity`] will do. An `Err` means that the app can't tell now (its
/// database is down): the person gets 503 and is not signed in.
///
/// ```
/// use tower_sso::{BoxError, Decision, Enrichment, Identity};
///
/// async fn hook(identity: Identity) -> Result<Decision, BoxError> {
///     match identity.claims.all.get("department").and_then(|value| value.as_str()) {
///         Some("finance") => Ok(Decision::Enrich(Enrichment::new().add_role("payroll"))),
///         Some(_) => Ok(Decision::Accept),
///         None => Ok(Decision::Refuse("this account belongs to no department".into())),
///     }
/// }
/// # fn assert_hook(_: impl tower_sso::IdentityHook) {}
/// # assert_hook(hook);
/// ```
pub trait IdentityHook: Send + Sync + 'static {
    /// Decides about one identity.
    fn on_identity(&self, identity: Identity) -> BoxFuture<'_, Result<Decision, BoxError>>;
}

impl<F, Fut> IdentityHook for F
where
    F: Fn(Identity) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Decision, BoxError>> + Send + 'static,
{
    fn on_identity(&self, identity: Identity) -> BoxFuture<'_, Result<Decision, BoxError>> {
        Box::pin(self(identity))
    }
}

impl fmt::Debug for dyn IdentityHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityHook")
    }
}
