//! From options to a wired [`Sso`]: every check of the set-up, and the wiring.

use std::sync::{Arc, Weak};

use super::SsoBuilder;
use crate::clock::{Clock, SystemClock};
use crate::crypto::Sealer;
use crate::endpoint::Shared;
use crate::endpoint::tenancy::{Tenancy, Wiring};
use crate::flow::backend_session::SharedSessions;
use crate::flow::context::Common;
use crate::flow::place::Place;
use crate::flow::renewal::Refreshes;
use crate::flow::round_trips::RoundTrips;
use crate::flow::sign_out::LogoutCookie;
use crate::flow::silent::Silent;
use crate::flow::{BaseUrl, Context};
use crate::forwarded::{Proxies, TrustedProxies};
use crate::oidc::{
    AuthorizationRequest, ClientAuthChoice, EntraIssuers, Issuer, ResponseMode, code_challenge,
};
use crate::provider::http::PublicUrls;
use crate::provider::{
    Addresses, HttpClient, HttpOptions, JwksCache, NoProvider, OidcConfig, OidcProvider, Provider,
    ReqwestClient,
};
use crate::session::cookie::CookieSettings;
use crate::session::directory::{MemoryDirectory, SessionListener};
use crate::session::handle_cookie::HandleCookie;
use crate::session::login_state::LoginStates;
use crate::session::sessions::Sessions;
use crate::session::store::MemoryStore;
use crate::session::{Lifetime, ReturnTo};
use crate::{CookieKey, Error, Result, Sso};

impl SsoBuilder {
    /// Checks everything and wires it together. No I/O: the provider may be down.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for whatever is missing, malformed or does
    /// not go together.
    pub fn build(mut self) -> Result<Sso> {
        let base_url = self.checked_base_url()?;
        let auth_path = checked_auth_path(&self.auth_path)?;
        self.check_lifetime()?;
        self.check_allowed_origins()?;
        self.check_tenants()?;
        let clock = self.clock.take().unwrap_or_else(|| Arc::new(SystemClock));
        let tenants = self.tenants.take();
        let http = self.http_client.clone();
        let extra_ca = self.extra_ca.clone();
        let provider: Arc<dyn Provider> = match self.provider.take() {
            Some(provider) => provider,
            None if self.only_tenants => Arc::new(NoProvider::new()),
            None => self.openid_provider(&base_url, &clock)?,
        };
        check_login_page(&*provider, &auth_path)?;
        let sealer = sealer(std::mem::take(&mut self.cookie_keys), &base_url)?;
        let cookie = CookieSettings::for_base_url(
            base_url.url(),
            self.cookie_name.as_deref(),
            self.embedded,
        )?;
        let attempt = match self.response_mode {
            ResponseMode::Query => cookie.clone(),
            // The provider's form comes from another site: a Lax cookie would stay at home.
            ResponseMode::FormPost => cookie.cross_site(),
        };
        let shared = self.shared_sessions(&*provider, &base_url, &cookie, &clock)?;
        let store = self
            .store
            .unwrap_or_else(|| Arc::new(MemoryStore::new(Arc::clone(&clock))));
        let common = Arc::new(Common {
            round_trips: RoundTrips::new(&cookie.name, attempt.clone()),
            silent: Silent::new(&cookie.name, attempt.clone(), self.silent_interval),
            login_states: LoginStates::new(&cookie.name, attempt),
            sessions: Sessions::new(store, Arc::clone(&clock), self.lifetime, cookie.clone()),
            sealer,
            clock: Arc::clone(&clock),
            auth_path,
            allowed_origins: self.allowed_origins,
            identity_hook: self.identity_hook,
            revalidation: self.revalidation,
            shared,
        });
        if let Some(shared) = &common.shared {
            let listener: Arc<dyn SessionListener> = Arc::clone(&common) as _;
            shared.directory.listen(Arc::downgrade(&listener));
        }
        let place = match &tenants {
            None => Place::Undivided,
            Some(_) => Place::Unnamed {
                decided: !self.only_tenants,
            },
        };
        let context = Arc::new(Context {
            provider,
            base_url,
            refreshes: Refreshes::new(self.after_refusal),
            place,
            common,
        });
        let trusted = TrustedProxies::parse(&self.trusted_proxies)?;
        let logout_cookie = Arc::new(LogoutCookie::new(&cookie.name, cookie.clone()));
        let proxies = Arc::new(Proxies::new(trusted, self.forwarded_headers));
        let (pages, identity_headers) = (self.pages, self.identity_headers);
        let shared = move |tenancy| {
            Arc::new(Shared {
                context,
                pages,
                logout_cookie,
                proxies,
                identity_headers,
                tenancy,
            })
        };
        let Some(tenants) = tenants else {
            return Ok(Sso {
                shared: shared(Weak::new()),
                tenancy: None,
            });
        };
        let http: Arc<dyn HttpClient> = match http {
            Some(client) if self.private_tenant_addresses => client,
            // Else whoever hands in a client for the app's own provider lifts the guard without a word of it.
            Some(client) => Arc::new(PublicUrls(client)),
            None => Arc::new(ReqwestClient::new(&HttpOptions {
                extra_ca,
                addresses: if self.private_tenant_addresses {
                    Addresses::Any
                } else {
                    Addresses::PublicOnly
                },
                ..HttpOptions::default()
            })?),
        };
        let keys = JwksCache::new(Arc::clone(&http), clock);
        let tenancy = Tenancy::new(
            tenants,
            self.tenant_from,
            self.tenant_freshness,
            |tenancy| Wiring {
                unnamed: shared(tenancy),
                after_refusal: self.after_refusal,
                response_mode: self.response_mode,
                plain_http: self.plain_http,
                http,
                keys,
            },
        );
        Ok(Sso {
            shared: Arc::clone(tenancy.unnamed()),
            tenancy: Some(tenancy),
        })
    }

    /// The provider that the options describe.
    fn openid_provider(
        &mut self,
        base_url: &BaseUrl,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn Provider>> {
        let issuer = self.checked_issuer()?;
        let client_id = self
            .client_id
            .take()
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Error::configuration("the client id is missing (SSO_CLIENT_ID)"))?;
        let wants_secret = matches!(
            self.client_auth,
            ClientAuthChoice::Basic | ClientAuthChoice::Post
        );
        if wants_secret && self.client_secret.is_none() {
            return Err(Error::configuration(
                "this client authentication needs a client secret (SSO_CLIENT_SECRET, SSO_CLIENT_AUTH)",
            ));
        }
        if self.response_mode == ResponseMode::FormPost
            && !base_url.is_https()
            && !base_url.is_loopback()
        {
            return Err(Error::configuration(
                "form_post needs https: its cookies are Secure (SSO_RESPONSE_MODE, SSO_BASE_URL)",
            ));
        }
        let http = match self.http_client.take() {
            Some(client) => client,
            None => Arc::new(ReqwestClient::new(&HttpOptions {
                extra_ca: self.extra_ca.take(),
                ..HttpOptions::default()
            })?),
        };
        let config = OidcConfig {
            issuer,
            entra_tenants: self.entra_tenants.take(),
            organizations: self.organizations.take(),
            client_id,
            client_secret: self.client_secret.take(),
            client_auth: self.client_auth,
            scopes: std::mem::take(&mut self.scopes),
            response_mode: self.response_mode,
            userinfo: self.userinfo,
            mfa_acr_values: std::mem::take(&mut self.mfa_acr_values),
            acr_values: std::mem::take(&mut self.acr_values),
            max_age: self.max_age,
            ui_locales: self.ui_locales.take(),
            extra: std::mem::take(&mut self.extra_parameters),
        };
        check_parameters(&config, base_url)?;
        if let Some(tenants) = config.entra_tenants.clone() {
            EntraIssuers::new(&config.issuer, tenants)
                .map_err(|error| Error::configuration(format!("{error} (SSO_ENTRA_TENANTS)")))?;
        }
        Ok(Arc::new(OidcProvider::new(config, http, Arc::clone(clock))))
    }

    /// What leads browsers to their sessions at the provider, if it has such as backends know.
    fn shared_sessions(
        &mut self,
        provider: &dyn Provider,
        base_url: &BaseUrl,
        cookie: &CookieSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<SharedSessions>> {
        if provider.backend_sessions().is_none() {
            let option = match (&self.directory, &self.shared_domain) {
                (None, None) => return Ok(None),
                (Some(_), _) => "a session directory",
                (None, Some(_)) => "a shared domain (SSO_SHARED_DOMAIN)",
            };
            return Err(Error::configuration(format!(
                "{option} is for a provider whose sessions backends know by an id, and this one has none"
            )));
        }
        let domain = self.shared_domain.as_deref();
        let directory = self.directory.take();
        Ok(Some(SharedSessions {
            cookie: HandleCookie::new(base_url.url(), domain, cookie.clone())?,
            directory: directory
                .unwrap_or_else(|| Arc::new(MemoryDirectory::new(Arc::clone(clock)))),
        }))
    }

    fn checked_base_url(&self) -> Result<BaseUrl> {
        let text = self
            .base_url
            .as_deref()
            .ok_or_else(|| Error::configuration("the base URL is missing (SSO_BASE_URL)"))?;
        let parsed = if self.plain_http {
            BaseUrl::parse_insecure(text)
        } else {
            BaseUrl::parse(text)
        };
        parsed.map_err(|error| Error::configuration(format!("{error} (SSO_BASE_URL)")))
    }

    fn checked_issuer(&self) -> Result<Issuer> {
        let issuer = Issuer::parse(&self.issuer)
            .map_err(|error| Error::configuration(format!("{error} (SSO_ISSUER)")))?;
        if issuer.is_https() || issuer.is_loopback_http() || self.plain_http {
            return Ok(issuer);
        }
        Err(Error::configuration(
            "the issuer must be https: plain http is for loopback only (SSO_ISSUER)",
        ))
    }

    fn check_allowed_origins(&self) -> Result<()> {
        let is_origin = |text: &String| {
            url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == *text)
        };
        if self.allowed_origins.iter().all(is_origin) {
            return Ok(());
        }
        Err(Error::configuration(
            "an allowed origin must be scheme, host and port only (SSO_ALLOWED_ORIGINS)",
        ))
    }

    fn check_tenants(&self) -> Result<()> {
        if self.tenants.is_none() && !self.tenant_from.is_empty() {
            return Err(Error::configuration(
                "it is said what names a tenant, and there are none",
            ));
        }
        if self.tenant_freshness.as_secs() == 0 {
            return Err(Error::configuration(
                "what is known of a tenant must last a second at least (SSO_TENANT_SECONDS)",
            ));
        }
        Ok(())
    }

    fn check_lifetime(&self) -> Result<()> {
        let Lifetime { idle, absolute } = self.lifetime;
        if idle.as_secs() == 0 || absolute.as_secs() == 0 {
            return Err(Error::configuration(
                "a session must live a second at least (SSO_IDLE_SECONDS, SSO_ABSOLUTE_SECONDS)",
            ));
        }
        if self.silent_interval.as_secs() == 0 || self.after_refusal.as_secs() == 0 {
            return Err(Error::configuration(
                "a provider must be left alone for a second at least (SSO_SILENT_SECONDS, SSO_REFUSAL_SECONDS)",
            ));
        }
        Ok(())
    }
}

/// Finds out now, and not at the first sign-in, whether the authorization request can be made.
fn check_parameters(config: &OidcConfig, base_url: &BaseUrl) -> Result<()> {
    let request = AuthorizationRequest {
        client_id: config.client_id.clone(),
        redirect_uri: base_url.join("/"),
        scopes: config.scopes.clone(),
        state: "state".to_owned(),
        nonce: "nonce".to_owned(),
        code_challenge: code_challenge("verifier"),
        acr_values: [config.acr_values.as_slice(), &config.mfa_acr_values].concat(),
        ui_locales: config.ui_locales.clone(),
        extra: config.extra.clone(),
        ..AuthorizationRequest::default()
    };
    request.url(base_url.url()).map(drop).map_err(|error| {
        Error::configuration("the authorization request can't be made").with_source(error)
    })
}

/// The page of the app where people sign in must not be one of the endpoints, which lead to it.
fn check_login_page(provider: &dyn Provider, auth_path: &str) -> Result<()> {
    let is_sound = provider.login_page().is_none_or(|page| {
        ReturnTo::parse(page).is_some_and(|parsed| {
            let under = parsed.as_str().strip_prefix(auth_path);
            !under.is_some_and(|rest| rest.starts_with('/'))
        })
    });
    if is_sound {
        return Ok(());
    }
    Err(Error::configuration(
        "the page where people sign in must be a path of this app, as `/login`, and no endpoint",
    ))
}

fn checked_auth_path(path: &str) -> Result<String> {
    let plain = path.len() > 1
        && path.starts_with('/')
        && !path.ends_with('/')
        && !path.contains(['{', '}', '?', '%', ':', '*'])
        && ReturnTo::parse(path).is_some_and(|parsed| parsed.as_str() == path);
    if plain {
        Ok(path.to_owned())
    } else {
        Err(Error::configuration(
            "the auth path must be a plain path as `/auth` (SSO_AUTH_PATH)",
        ))
    }
}

fn sealer(keys: Vec<CookieKey>, base_url: &BaseUrl) -> Result<Sealer> {
    if let Some(sealer) = Sealer::new(keys) {
        return Ok(sealer);
    }
    if base_url.is_loopback() {
        tracing::warn!(
            "no cookie key: a random one is used, and sign-ins under way end with this process"
        );
        if let Some(sealer) = Sealer::new(vec![CookieKey::generate()]) {
            return Ok(sealer);
        }
    }
    Err(Error::configuration(
        "the cookie key is missing (SSO_COOKIE_KEY): make one with `openssl rand -base64 32`",
    ))
}
