//! The options of an [`Sso`](crate::Sso), each with its default.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::endpoint::PageRenderer;
use crate::flow::{IdentityHook, Revalidation};
use crate::forwarded::ForwardedHeaders;
use crate::oidc::{ClientAuthChoice, EntraTenants, ResponseMode};
use crate::provider::{HttpClient, Organizations, Provider};
use crate::session::Lifetime;
use crate::session::directory::SessionDirectory;
use crate::session::store::SessionStore;
use crate::tenant::{TenantFrom, Tenants};
use crate::{ClientSecret, CookieKey};

/// A set-up under way. [`SsoBuilder::build`] checks it all; of the rest only reading the environment can fail.
///
/// ```
/// use std::time::Duration;
/// use tower_sso::session::Lifetime;
/// use tower_sso::{CookieKey, Sso};
///
/// # fn main() -> tower_sso::Result<()> {
/// let sso = Sso::builder("https://idp.example.com")
///     .client("my-app", "from a vault")
///     .base_url("https://app.example.com")
///     .cookie_key(CookieKey::generate())
///     .scopes(["openid", "email", "groups"])
///     .lifetime(Lifetime { idle: Duration::from_secs(900), absolute: Duration::from_secs(8 * 3600) })
///     .build()?;
/// # let _ = sso;
///
/// let error = Sso::builder("https://idp.example.com").build().unwrap_err();
/// assert!(error.to_string().contains("SSO_BASE_URL"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SsoBuilder {
    pub(super) issuer: String,
    pub(super) provider: Option<Arc<dyn Provider>>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<ClientSecret>,
    pub(super) client_auth: ClientAuthChoice,
    pub(super) base_url: Option<String>,
    pub(super) cookie_keys: Vec<CookieKey>,
    pub(super) cookie_name: Option<String>,
    pub(super) embedded: bool,
    pub(super) scopes: Vec<String>,
    pub(super) response_mode: ResponseMode,
    pub(super) userinfo: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) acr_values: Vec<String>,
    pub(super) mfa_acr_values: Vec<String>,
    pub(super) ui_locales: Option<String>,
    pub(super) organizations: Option<Organizations>,
    pub(super) entra_tenants: Option<EntraTenants>,
    pub(super) extra_parameters: Vec<(String, String)>,
    pub(super) lifetime: Lifetime,
    pub(super) auth_path: String,
    pub(super) allowed_origins: Vec<String>,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) forwarded_headers: ForwardedHeaders,
    pub(super) identity_headers: bool,
    pub(super) extra_ca: Option<Vec<u8>>,
    pub(super) plain_http: bool,
    pub(super) store: Option<Arc<dyn SessionStore>>,
    pub(super) directory: Option<Arc<dyn SessionDirectory>>,
    pub(super) shared_domain: Option<String>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) http_client: Option<Arc<dyn HttpClient>>,
    pub(super) revalidation: Revalidation,
    pub(super) silent_interval: Duration,
    pub(super) after_refusal: Duration,
    pub(super) identity_hook: Option<Arc<dyn IdentityHook>>,
    pub(super) pages: Option<Arc<dyn PageRenderer>>,
    pub(super) tenants: Option<Arc<dyn Tenants>>,
    /// Whether the app has no provider besides those of its tenants.
    pub(super) only_tenants: bool,
    pub(super) tenant_from: Vec<TenantFrom>,
    pub(super) tenant_freshness: Duration,
    pub(super) private_tenant_addresses: bool,
}

impl SsoBuilder {
    pub(super) fn new(issuer: String) -> Self {
        Self {
            issuer,
            provider: None,
            client_id: None,
            client_secret: None,
            client_auth: ClientAuthChoice::Auto,
            base_url: None,
            cookie_keys: Vec::new(),
            cookie_name: None,
            embedded: false,
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            response_mode: ResponseMode::Query,
            userinfo: false,
            max_age: None,
            acr_values: Vec::new(),
            mfa_acr_values: Vec::new(),
            ui_locales: None,
            organizations: None,
            entra_tenants: None,
            extra_parameters: Vec::new(),
            lifetime: Lifetime::default(),
            auth_path: "/auth".to_owned(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            forwarded_headers: ForwardedHeaders::default(),
            identity_headers: false,
            extra_ca: None,
            plain_http: false,
            store: None,
            directory: None,
            shared_domain: None,
            clock: None,
            http_client: None,
            revalidation: Revalidation::default(),
            silent_interval: Duration::from_secs(5 * 60),
            after_refusal: Duration::from_secs(30),
            identity_hook: None,
            pages: None,
            tenants: None,
            only_tenants: false,
            tenant_from: Vec::new(),
            tenant_freshness: Duration::from_secs(60),
            private_tenant_addresses: false,
        }
    }

    pub(super) fn only_tenants(tenants: Arc<dyn Tenants>) -> Self {
        Self {
            tenants: Some(tenants),
            only_tenants: true,
            ..Self::new(String::new())
        }
    }

    pub(super) fn with_provider(provider: impl Provider + 'static) -> Self {
        Self {
            issuer: provider.issuer().as_str().to_owned(),
            provider: Some(Arc::new(provider)),
            ..Self::new(String::new())
        }
    }

    /// The client id and secret that the provider gave this app (RFC 6749 section 2.3.1).
    pub fn client(mut self, client_id: impl Into<String>, secret: impl Into<ClientSecret>) -> Self {
        self.client_id = Some(client_id.into());
        self.client_secret = Some(secret.into());
        self
    }

    /// A client without a secret: PKCE alone binds the code to this app (RFC 7636).
    pub fn public_client(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self.client_secret = None;
        self
    }

    /// How the client authenticates at the token endpoint (OpenID Connect Core section 9). Default: with a
    /// secret what the metadata offers, `client_secret_basic` before `client_secret_post`; without one
    /// `none`.
    pub fn client_auth(mut self, choice: ClientAuthChoice) -> Self {
        self.client_auth = choice;
        self
    }

    /// The URL under which browsers reach the app; a path prefix is allowed. https, or http on loopback.
    ///
    /// The redirect URI to register is this plus `/auth/callback`, the post-logout redirect URI this plus
    /// `/auth/logged-out`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The key that seals sign-ins and sign-outs under way, in the place of any set before. Required, but
    /// for a base URL on loopback, where a random one is made with a warning. All replicas must have the
    /// same. Sessions do not depend on it.
    pub fn cookie_key(mut self, key: CookieKey) -> Self {
        self.cookie_keys = vec![key];
        self
    }

    /// One more key that opens what was sealed with it, and does not seal: for rotation. What is sealed
    /// lives ten minutes at most; after that the old key can go. Call it after
    /// [`SsoBuilder::cookie_key`].
    pub fn add_old_cookie_key(mut self, key: CookieKey) -> Self {
        self.cookie_keys.push(key);
        self
    }

    /// Another name for the session cookie: a token (RFC 6265 section 4.1.1) of 1 to 64 characters. Default
    /// `__Host-sso`, on plain http `sso-<port>`. A name without the prefix `__Host-` gives up what browsers
    /// promise by it: that no other host under the same domain can plant the cookie. Apps under different
    /// paths of one origin need different names.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = Some(name.into());
        self
    }

    /// For an app that is shown in frames of other sites: cookies become
    /// `SameSite=None; Secure; Partitioned`. Default off. Wants https, or loopback.
    pub fn embedded(mut self, embedded: bool) -> Self {
        self.embedded = embedded;
        self
    }

    /// The scopes to ask for. Default `openid profile email`; `openid` is always asked for.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// How the provider hands its answer over. Default [`ResponseMode::Query`], which a silent sign-in always
    /// uses: a form from another site does not bring the session's cookie.
    pub fn response_mode(mut self, mode: ResponseMode) -> Self {
        self.response_mode = mode;
        self
    }

    /// Whether UserInfo is asked after each sign-in, and its claims join those of the ID token.
    /// Default off. Claims of the ID token stay: it is signed, and UserInfo need not be. A provider without
    /// a UserInfo endpoint then fails each sign-in.
    pub fn userinfo(mut self, userinfo: bool) -> Self {
        self.userinfo = userinfo;
        self
    }

    /// `max_age` of every sign-in, whole seconds (OpenID Connect Core 3.1.2.1). Default none. A shorter one
    /// that a policy asks for comes before it. A provider that sends no `auth_time` then fails each sign-in.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// `acr_values` of every sign-in that does not ask for others, best first. Default none. They are
    /// a wish: what a route insists on is said by [`Policy::acr`](crate::Policy::acr).
    pub fn acr_values<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.acr_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// The `acr` values that count as multi-factor, and are asked for at a step-up to it. Default none:
    /// then `amr` decides alone; see [`Policy::mfa`](crate::Policy::mfa).
    pub fn mfa_acr_values<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.mfa_acr_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// `ui_locales` of every sign-in: languages (BCP 47), best first, separated by spaces. Default none.
    pub fn ui_locales(mut self, locales: impl Into<String>) -> Self {
        self.ui_locales = Some(locales.into());
        self
    }

    /// A parameter of the provider's own for every sign-in, as Google's `hd`. Names of the protocol's own
    /// parameters are refused by [`SsoBuilder::build`].
    pub fn add_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra_parameters.push((name.into(), value.into()));
        self
    }

    /// How long sessions live. Default 1 hour without a request, 12 hours at most. At least a second each;
    /// the provider's `session_expiry` claim, where it sends one, is a limit too.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The path of the endpoints, under the base URL, without a slash at its end. Default `/auth`. The
    /// redirect URIs to register change with it.
    pub fn auth_path(mut self, path: impl Into<String>) -> Self {
        self.auth_path = path.into();
        self
    }

    /// An origin besides our own whose pages may send unsafe requests with the session cookie, as
    /// `https://admin.example.com`: scheme, host and port only. Default none.
    pub fn add_allowed_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// The proxies in front of the app, in the place of any set before: networks (`10.0.0.0/8`,
    /// `fd00::/8`), single addresses, and `unix` for the peer of a Unix socket. Default none. What they say in
    /// `X-Forwarded-*` is what [`Auth::client_address`](crate::Auth::client_address) and the audit go by; from
    /// anybody else it is ignored. URLs don't depend on it: they are made of the base URL.
    ///
    /// [`SsoBuilder::build`] refuses what is malformed, has bits set after its prefix, or trusts everybody.
    pub fn trusted_proxies<S: Into<String>>(mut self, list: impl IntoIterator<Item = S>) -> Self {
        self.trusted_proxies = list.into_iter().map(Into::into).collect();
        self
    }

    /// Which headers the trusted proxies write. Default [`ForwardedHeaders::XForwarded`]; the others are
    /// never read.
    pub fn forwarded_headers(mut self, headers: ForwardedHeaders) -> Self {
        self.forwarded_headers = headers;
        self
    }

    /// Tells an inner service that does not know this crate, as a reverse proxy to another program, who is
    /// signed in. Default off.
    ///
    /// | header | value |
    /// |---|---|
    /// | `x-forwarded-user` | the subject (`sub`) |
    /// | `x-forwarded-issuer` | the issuer (`iss`); only with it is the subject an identity |
    /// | `x-forwarded-email` | `email`, if `email_verified` is true |
    /// | `x-forwarded-preferred-username` | `preferred_username` |
    ///
    /// What is not visible ASCII, and `%`, is percent-encoded (RFC 3986 section 2.1). The same headers of the
    /// request, in any spelling (`X_Forwarded_User`), are removed first, whoever sent it, and so are
    /// `x-forwarded-groups`, `x-forwarded-access-token`, `x-auth-request-…` and `remote-user`.
    ///
    /// An unsafe request of another site is nobody's. While the session store fails the headers are absent
    /// as well: put a [`RequireLayer`](crate::RequireLayer) before what needs somebody. Each response counts as
    /// one that depends on the session. The inner service must not be reachable but through this layer.
    pub fn identity_headers(mut self, on: bool) -> Self {
        self.identity_headers = on;
        self
    }

    /// Certificates (PEM, one or more) that are trusted for the provider besides the system's. Default none.
    pub fn extra_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_ca = Some(pem.into());
        self
    }

    /// Where sessions are kept. Default: in this process, up to 64 MiB; they end with it. The replicas of an app
    /// share one; two apps must not, for a session of one would be one of the other.
    pub fn session_store(mut self, store: Arc<dyn SessionStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Where browsers' sessions at the provider are found, for a provider whose sessions backends know by an
    /// id ([`BackendSessions`](crate::provider::BackendSessions)). Sister apps share one: who is signed in
    /// at one is signed in at the others without a page, and signed out of all. Default: in this process, for
    /// this app alone.
    pub fn session_directory(mut self, directory: Arc<dyn SessionDirectory>) -> Self {
        self.directory = Some(directory);
        self
    }

    /// The domain under which the sister apps are that share a
    /// [`session_directory`](SsoBuilder::session_directory), as `example.com`. Default none: the handle is
    /// the app's own, on loopback that of all ports.
    ///
    /// Every host under this domain gets the handle of whoever goes there, can use it at these apps, and can
    /// plant one of its own: all of them must be trusted. A public suffix (`com`, `github.io`) is refused by
    /// [`SsoBuilder::build`].
    pub fn shared_domain(mut self, domain: impl Into<String>) -> Self {
        self.shared_domain = Some(domain.into());
        self
    }

    /// Where the time comes from. Default the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Another HTTP client for the provider; see the rules of [`HttpClient`]. Default
    /// [`ReqwestClient`](crate::provider::ReqwestClient):
    /// 2 s to connect, 5 s a call, 1 MiB a body, no redirects, no retries, no proxy of the environment.
    /// With another one [`SsoBuilder::extra_ca`] has no effect.
    ///
    /// With [`tenants`](SsoBuilder::tenants) it calls theirs, too. URLs that are not https or that name a private
    /// address don't reach it, but what a name resolves to is for it to look at:
    /// [`Addresses::PublicOnly`](crate::provider::Addresses::PublicOnly).
    pub fn http_client(mut self, client: Arc<dyn HttpClient>) -> Self {
        self.http_client = Some(client);
        self
    }

    /// When the provider is asked again whether a session still holds, before a protected request goes on.
    /// Default [`Revalidation::Auto`].
    pub fn revalidation(mut self, when: Revalidation) -> Self {
        self.revalidation = when;
        self
    }

    /// How long a browser is not sent again to ask the provider without a page (`prompt=none`), whatever the
    /// answer was. Whole seconds, one at least. Default 5 minutes.
    pub fn silent_interval(mut self, interval: Duration) -> Self {
        self.silent_interval = interval;
        self
    }

    /// How long the provider's refusal to renew a session is remembered, where it does not end it, and that of the
    /// app's hook to let somebody in by the provider's session. One second at least. Default 30 s; `Retry-After`
    /// comes before it.
    pub fn remember_refusals(mut self, time: Duration) -> Self {
        self.after_refusal = time;
        self
    }

    /// Called with each verified identity before a session is made; see [`IdentityHook`]. Default: everybody
    /// whom the provider signs in is let in.
    pub fn on_identity(mut self, hook: impl IdentityHook) -> Self {
        self.identity_hook = Some(Arc::new(hook));
        self
    }

    /// Renders pages in the app's own style; see [`PageRenderer`]. Default: small pages without script.
    pub fn pages(mut self, renderer: impl PageRenderer) -> Self {
        self.pages = Some(Arc::new(renderer));
        self
    }

    /// What weakens the protection. Each call says what it gives up.
    pub fn dangerous(self) -> super::Dangerous {
        super::Dangerous(self)
    }
}
