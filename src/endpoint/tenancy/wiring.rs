//! What a tenant is wired of.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Tenancy;
use crate::clock::SecondsSinceEpoch;
use crate::endpoint::Shared;
use crate::flow::place::Place;
use crate::flow::renewal::Refreshes;
use crate::flow::{BaseUrl, Context};
use crate::oidc::ResponseMode;
use crate::provider::{HttpClient, JwksCache, OidcConfig, OidcProvider, Provider};
use crate::tenant::{At, Tenant};
use crate::{Error, Result};

/// All that tenants have in common.
#[derive(Debug)]
pub(crate) struct Wiring {
    /// What serves where no tenant is named.
    pub(crate) unnamed: Arc<Shared>,
    pub(crate) after_refusal: Duration,
    pub(crate) response_mode: ResponseMode,
    /// Whether plain http is allowed everywhere.
    pub(crate) plain_http: bool,
    /// Calls what tenants name.
    pub(crate) http: Arc<dyn HttpClient>,
    pub(crate) keys: JwksCache,
}

impl Wiring {
    pub(super) fn now(&self) -> SecondsSinceEpoch {
        self.unnamed.context.clock.now()
    }

    fn base_url(&self) -> &BaseUrl {
        &self.unnamed.context.base_url
    }

    /// The app's own host, without its port.
    pub(super) fn own_host(&self) -> &str {
        self.base_url().url().host_str().unwrap_or_default()
    }

    /// A host as tenants are named by it: in lower case, without the port where it is the app's own.
    pub(super) fn without_own_port(&self, host: &str) -> Option<String> {
        let own = self.base_url().url();
        let asked = url::Url::parse(&format!("{}://{host}/", own.scheme())).ok()?;
        // What a parser changes is no host that a browser sends.
        let written = host.to_ascii_lowercase();
        let name = asked.host_str()?;
        let with_port = written.strip_prefix(name)?;
        let port = match with_port.strip_prefix(':') {
            Some(port) => Some(port.parse::<u16>().ok()?),
            None if with_port.is_empty() => asked.port_or_known_default(),
            None => return None,
        };
        Some(if port == own.port_or_known_default() {
            name.to_owned()
        } else {
            format!("{name}:{}", port?)
        })
    }

    /// A tenant's own.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration).
    pub(super) fn of(
        &self,
        tenant: Arc<Tenant>,
        subdomain_of: Option<&str>,
        tenancy: Weak<Tenancy>,
    ) -> Result<Arc<Shared>> {
        tenant.check()?;
        let in_its_name = |error: Error| {
            let id = tenant.id();
            Error::configuration(format!("the tenant {id} is not set up rightly"))
                .with_source(error)
        };
        let provider = self.provider(&tenant).map_err(in_its_name)?;
        let host = match (tenant.own_host(), subdomain_of) {
            (Some(host), _) => Some(host.to_owned()),
            (None, Some(domain)) => Some(format!("{}.{domain}", tenant.id())),
            (None, None) => None,
        };
        let base_url = match host {
            Some(host) => self
                .base_url()
                .at_host(&host, self.plain_http)
                .map_err(in_its_name)?,
            None => self.base_url().clone(),
        };
        let unnamed = &self.unnamed;
        let context = Context {
            provider,
            base_url,
            refreshes: Refreshes::new(self.after_refusal),
            place: Place::Tenant(tenant),
            common: Arc::clone(&unnamed.context.common),
        };
        Ok(Arc::new(Shared {
            context: Arc::new(context),
            pages: unnamed.pages.clone(),
            logout_cookie: Arc::clone(&unnamed.logout_cookie),
            proxies: Arc::clone(&unnamed.proxies),
            identity_headers: unnamed.identity_headers,
            tenancy,
        }))
    }

    fn provider(&self, tenant: &Tenant) -> Result<Arc<dyn Provider>> {
        let unnamed = &self.unnamed.context;
        match tenant.at() {
            At::Ours if unnamed.place.is_undecided() => Err(Error::configuration(
                "it has no provider, and the app has none either",
            )),
            At::Ours => Ok(Arc::clone(&unnamed.provider)),
            At::Made(provider) => Ok(Arc::clone(provider)),
            At::OpenId(config) => Ok(Arc::new(self.openid(config)?)),
        }
    }

    fn openid(&self, config: &OidcConfig) -> Result<OidcProvider> {
        let issuer = &config.issuer;
        if !(issuer.is_https() || issuer.is_loopback_http() || self.plain_http) {
            return Err(Error::configuration("its issuer must be https"));
        }
        let config = OidcConfig {
            response_mode: self.response_mode,
            ..config.clone()
        };
        let clock = Arc::clone(&self.unnamed.context.clock);
        let provider = OidcProvider::new(config, Arc::clone(&self.http), clock);
        Ok(provider.with_jwks_cache(self.keys.clone()))
    }
}
