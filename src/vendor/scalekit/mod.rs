//! Scalekit, Modular SSO: one OpenID Provider for each environment, which stands in front of the identity providers
//! of many customers.
//!
//! [`Scalekit`] is a [`Provider`]. Somebody signs in by a connection to a customer's
//! identity provider, for that customer's organization; selectors say which.
//!
//! 1. Of several selectors one is sent: connection, else organization, else domain, else identity provider, else the
//!    login hint ([`WinningSelector`]). The login hint goes with each of them, to be filled in; but not with a
//!    domain that it is not of.
//! 2. The ID token decides who signed in where: `amr[0]` is the connection, `oid` the organization. If one was asked
//!    for it must be that one, and a token without a connection is refused. What else the callback brings
//!    (`connection_id`, `relay_state`) is not looked at.
//! 3. A connection is no factor. `amr` counts for no method here, and nobody has signed in with several:
//!    [`Policy::mfa`](crate::Policy::mfa) and [`Policy::amr_any`](crate::Policy::amr_any) hold for nobody, while
//!    [`Policy::connection`](crate::Policy::connection) and
//!    [`Policy::organization`](crate::Policy::organization) read it.
//! 4. A sign-in that began at the customer's identity provider signs nobody in by itself: its token
//!    ([`InitiatedSignIns`]) starts an ordinary sign-in.
//! 5. `at_hash`, `c_hash`, `azp` and `nonce` are checked where they are there. The vendor's sample token has no
//!    `nonce` ([`ScalekitConfig::require_nonce`]), and no `auth_time`: a `max_age` may then never be met.
//!
//! ```no_run
//! use tower_sso::vendor::scalekit::{Scalekit, ScalekitConfig};
//! use tower_sso::{CookieKey, Sso};
//!
//! # fn main() -> tower_sso::Result<()> {
//! // SCALEKIT_ENVIRONMENT_URL, SCALEKIT_CLIENT_ID, SCALEKIT_CLIENT_SECRET
//! let scalekit = Scalekit::new(ScalekitConfig::from_env()?)?;
//! let sso = Sso::with_provider(scalekit)
//!     .base_url("https://app.example.com")
//!     .cookie_key(CookieKey::generate()) // one of your own, with several replicas
//!     .build()?;
//! # let _ = sso;
//! # Ok(())
//! # }
//! ```
//!
//! An app with sessions of its own needs no layer: [`Scalekit::authorization_url_for`] and
//! [`Scalekit::authenticate_with_code`].
//!
//! # Security
//!
//! An address proves nothing about an organization: any customer's identity provider can name any. Keep people by
//! issuer and subject, and let in by organization or connection.

mod access_token;
mod config;
mod direct;
mod error_code;
mod from_env;
mod identity;
mod initiated;
mod management;
mod portal;
mod profile;
mod provider;
mod selectors;
#[cfg(test)]
mod tests;
mod timestamp;
mod webhook;

use std::fmt;
use std::sync::Arc;

pub use access_token::AccessTokenClaims;
pub use config::ScalekitConfig;
pub use direct::{CallbackError, DirectSignIn, PendingSignIn, SignInResult, StartedSignIn};
pub use error_code::ScalekitErrorCode;
pub use management::{
    Connection, ConnectionFilter, ManagementRefusal, OrganizationDomain, PortalFeature, PortalLink,
    ScalekitManagement,
};
pub use portal::{PortalEvent, PortalEventType, PortalEvents, PortalPage};
pub use profile::Profile;
pub use selectors::WinningSelector;
pub use webhook::{
    Received, SeenWebhooks, Verified, WebhookEvent, WebhookSecret, Webhooks, verify_webhook,
};

use crate::clock::{Clock, SystemClock};
use crate::oidc::{ClientAuthChoice, Issuer};
use crate::provider::{
    HttpClient, HttpOptions, JwksCache, OidcConfig, OidcProvider, ReqwestClient, Selectors,
    VendorRules,
};
use crate::{Error, Result};

#[cfg(doc)]
use crate::provider::{InitiatedSignIns, Provider};

/// A Scalekit environment. Cheap to clone, and the clones share metadata and keys.
///
/// ```no_run
/// use tower_sso::provider::Provider;
/// use tower_sso::vendor::scalekit::{Scalekit, ScalekitConfig};
///
/// # fn main() -> tower_sso::Result<()> {
/// let config = ScalekitConfig::new("https://acme.scalekit.com", "skc_1234", "s3cr3t");
/// let scalekit = Scalekit::new(config)?;
/// assert_eq!(scalekit.issuer().as_str(), "https://acme.scalekit.com");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Scalekit(Arc<Inner>);

struct Inner {
    config: ScalekitConfig,
    issuer: Issuer,
    oidc: OidcProvider,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
}

impl Scalekit {
    /// An environment over the network. Makes no call.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): an option that can't be used, or as
    /// [`ReqwestClient::new`].
    pub fn new(config: ScalekitConfig) -> Result<Self> {
        let http = ReqwestClient::new(&HttpOptions::default())?;
        Self::with_http_client(config, Arc::new(http))
    }

    /// An environment that is called through `http`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): an option that can't be used.
    pub fn with_http_client(config: ScalekitConfig, http: Arc<dyn HttpClient>) -> Result<Self> {
        Self::wired(config, http, Arc::new(SystemClock))
    }

    /// The same environment with another clock, and nothing kept of what the first one knew.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        let Inner { config, http, .. } = &*self.0;
        Self::wired(config.clone(), Arc::clone(http), clock)
            .expect("what was usable once is usable again")
    }

    fn wired(
        config: ScalekitConfig,
        http: Arc<dyn HttpClient>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let issuer = config.check()?;
        let logout = format!("{}/oidc/logout", config.base());
        let logout = logout.parse().map_err(|error| {
            Error::configuration("the environment's URL can't be used").with_source(error)
        })?;
        let mut oidc = OidcConfig::new(issuer.clone(), &config.client_id);
        oidc.client_secret = Some(config.client_secret.clone());
        oidc.client_auth = ClientAuthChoice::Post;
        oidc.scopes.clone_from(&config.scopes);
        let oidc = OidcProvider::new(oidc, Arc::clone(&http), Arc::clone(&clock));
        Ok(Self(Arc::new(Inner {
            oidc: oidc.with_vendor_rules(VendorRules {
                nonce_is_optional: !config.require_nonce,
                end_session_endpoint: Some(logout),
            }),
            config,
            issuer,
            http,
            clock,
        })))
    }

    /// The key cache.
    #[must_use]
    pub fn jwks_cache(&self) -> &JwksCache {
        self.0.oidc.jwks_cache()
    }

    /// Where a sign-in goes: what it asks for, or else what is configured. The same at its start and at its end, or
    /// an answer would be compared with something that was not asked.
    fn effective(&self, asked: &Selectors) -> Selectors {
        let asked = selectors::cleaned(asked.clone());
        if asked.is_empty() {
            return selectors::cleaned(self.0.config.selectors.clone());
        }
        asked
    }
}

impl fmt::Debug for Scalekit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scalekit")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
