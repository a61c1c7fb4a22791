//! What a tenant is wired of.

use std::borrow::Cow;
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

    /// The path of the base URL; empty at the root.
    pub(super) fn own_path(&self) -> &str {
        self.base_url().prefix()
    }

    /// A host as tenants are named by it: in lower case, without the port where it is the app's own. `None` for what is
    /// no name, and for a number that is no port.
    pub(super) fn without_own_port<'h>(&self, host: Cow<'h, str>) -> Option<Cow<'h, str>> {
        let host = if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            host
        };
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            _ => (&*host, None),
        };
        let in_name = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'[' | b']' | b':')
        };
        if name.is_empty() || !name.bytes().all(in_name) {
            return None;
        }
        let url = self.base_url().url();
        let own = url.port_or_known_default();
        let asked = match port {
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok(),
            Some(_) => None,
            None if url.scheme() == "https" => Some(443),
            None => Some(80),
        }?;
        let end = name.len();
        if Some(asked) != own {
            return Some(Cow::Owned(format!("{name}:{asked}")));
        }
        Some(match host {
            Cow::Borrowed(host) => Cow::Borrowed(&host[..end]),
            Cow::Owned(mut host) => {
                host.truncate(end);
                Cow::Owned(host)
            }
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
