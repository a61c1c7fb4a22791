//! Transmit Security Mosaic, whose sessions backends share by an id: no browser is sent there.
//!
//! [`Mosaic`] is a [`Provider`](crate::provider::Provider) with
//! [`BackendSessions`](crate::provider::BackendSessions). People sign in at a page of the app's own, which hands
//! what they typed to [`Mosaic::sign_in`].
//!
//! 1. One client token serves all calls. It is renewed ahead of its end, by one call for all who wait; a 401
//!    fetches a new one once.
//! 2. The only word that signs somebody out is 400 with `Session not found`. Whatever else comes says nothing
//!    about a session.
//! 3. A call that may have used something up is never sent twice, but for a 401.
//! 4. After a 429 no call goes out for as long as `Retry-After` says; 10 s where it is absent, doubling to
//!    60 s while that repeats.
//! 5. Nobody is signed in without an ID token that was checked in full: signature (RS256), issuer, audience,
//!    times, `at_hash`, and the tenant where one is configured.
//! 6. Multi-factor is `mfa` in `amr`, nothing else: Mosaic never enforces it, and two methods in one session
//!    are no proof of two factors.
//!
//! ```no_run
//! use tower_sso::vendor::mosaic::{Attempt, Factor, Identifier, Mosaic, MosaicConfig};
//!
//! # async fn login(form: (String, String)) -> tower_sso::Result<()> {
//! let mosaic = Mosaic::new(MosaicConfig::from_env()?)?; // MOSAIC_REGION, MOSAIC_CLIENT_ID, MOSAIC_CLIENT_SECRET
//!
//! let factor = Factor::password(Identifier::Username(form.0), form.1);
//! match mosaic.sign_in(factor).await? {
//!     Attempt::Done(session) => println!("hello {}", session.identity.claims.subject),
//!     Attempt::Refused(_) | Attempt::SessionNotFound => println!("try again"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Security
//!
//! A session id is a credential: it stays on the server, in no page and no log. What people type goes to Mosaic
//! and nowhere else; nothing of it is in an error, in `Debug` or in a log line.

mod answer;
mod api;
mod config;
mod factor;
mod from_env;
mod provider;
mod region;
mod sign_in;
#[cfg(test)]
mod tests;
mod verify;

use std::fmt;
use std::sync::Arc;

pub use answer::Refusal;
pub use config::MosaicConfig;
pub use factor::{Channel, EmailLink, Factor, Identifier};
pub use region::{CustomRegion, Region};
pub use sign_in::Attempt;

use crate::clock::{Clock, SystemClock};
use crate::oidc::Issuer;
use crate::provider::{HttpClient, HttpOptions, JwksCache, JwksSource, ReqwestClient};
use crate::vendor::api_client::ApiClient;
use crate::vendor::client_token::ClientCredentials;
use crate::vendor::rate_limit::LimitedClient;
use crate::{Error, Result};
use api::Api;

/// A client of Mosaic. Cheap to clone, and the clones share client token, keys and rate limit.
///
/// ```no_run
/// use tower_sso::provider::Provider;
/// use tower_sso::vendor::mosaic::{Mosaic, MosaicConfig, Region};
///
/// # fn main() -> tower_sso::Result<()> {
/// let mosaic = Mosaic::new(MosaicConfig::new(Region::Eu, "my-app", "s3cr3t"))?;
/// assert_eq!(mosaic.issuer().as_str(), "https://eu.userid.security");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Mosaic(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    api: Arc<Api>,
    jwks: JwksCache,
    keys: JwksSource,
}

impl Mosaic {
    /// A client over the network. Makes no call.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): an option that can't be used, or as
    /// [`ReqwestClient::new`].
    pub fn new(config: MosaicConfig) -> Result<Self> {
        let http = ReqwestClient::new(&HttpOptions::default())?;
        Self::with_http_client(config, Arc::new(http))
    }

    /// A client whose calls go out through `http`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): an option that can't be used.
    pub fn with_http_client(config: MosaicConfig, http: Arc<dyn HttpClient>) -> Result<Self> {
        config.check()?;
        let region = &config.region;
        let issuer = Issuer::parse(region.issuer())?;
        let own = format!("{}/cis/oidc/jwks", region.api());
        let uri = config.jwks_uri.as_ref().unwrap_or(&own).parse();
        let uri = uri.map_err(|error| {
            Error::configuration("the URL of Mosaic's keys is unusable").with_source(error)
        })?;
        let keys = JwksSource::new(&issuer, uri);
        Ok(Self::wired(
            config,
            issuer,
            keys,
            http,
            Arc::new(SystemClock),
        ))
    }

    /// The same client with another clock, and nothing kept of what the first one knew.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        let Inner {
            issuer, keys, api, ..
        } = &*self.0;
        Self::wired(
            api.config.clone(),
            issuer.clone(),
            keys.clone(),
            Arc::clone(&api.client.http.http),
            clock,
        )
    }

    fn wired(
        config: MosaicConfig,
        issuer: Issuer,
        keys: JwksSource,
        http: Arc<dyn HttpClient>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let http = LimitedClient::new("Mosaic", http, Arc::clone(&clock));
        let credentials = ClientCredentials {
            url: format!("{}{}", config.region.api(), config.token_path),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            resource: config.resource.clone(),
        };
        Self(Arc::new(Inner {
            issuer,
            keys,
            jwks: JwksCache::new(Arc::new(http.clone()), clock),
            api: Arc::new(Api {
                config,
                client: ApiClient::new(http, credentials),
            }),
        }))
    }

    /// The key cache.
    #[must_use]
    pub fn jwks_cache(&self) -> &JwksCache {
        &self.0.jwks
    }
}

impl fmt::Debug for Mosaic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mosaic")
            .field("config", &self.0.api.config)
            .finish_non_exhaustive()
    }
}
