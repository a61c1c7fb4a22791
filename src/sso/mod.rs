//! [`Sso`]: everything wired together, once.

mod build;
mod builder;
mod dangerous;
mod from_env;
mod tenants;

use std::sync::Arc;

pub use builder::SsoBuilder;
pub use dangerous::Dangerous;

use crate::Result;
use crate::endpoint::Shared;
use crate::endpoint::tenancy::Tenancy;
use crate::layer::SsoLayer;
use crate::provider::Provider;
use crate::tenant::Tenants;

/// Single sign-on for one app: made once, cloned freely, turned into layers.
///
/// ```
/// use tower_sso::{ClientSecret, CookieKey, Sso};
///
/// # fn main() -> tower_sso::Result<()> {
/// let sso = Sso::builder("https://idp.example.com/realms/acme")
///     .client("my-app", ClientSecret::from("from a vault"))
///     .base_url("https://app.example.com")
///     .cookie_key(CookieKey::generate())
///     .build()?;
/// let layer = sso.layer();
/// # let _ = layer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sso {
    /// What serves where no tenant is named.
    shared: Arc<Shared>,
    tenancy: Option<Arc<Tenancy>>,
}

impl Sso {
    /// Starts a set-up with the issuer, exactly as the provider spells it in its own metadata.
    pub fn builder(issuer: impl Into<String>) -> SsoBuilder {
        SsoBuilder::new(issuer.into())
    }

    /// Starts a set-up with a provider that is made already, as one of a vendor's own kind. The options that
    /// speak of an OpenID Provider (client, scopes, HTTP client and the like) have no effect on it.
    pub fn with_provider(provider: impl Provider + 'static) -> SsoBuilder {
        SsoBuilder::with_provider(provider)
    }

    /// Starts a set-up in which each tenant has a provider of its own, and the app has none besides: who signs in where
    /// no tenant is named is asked for their address first. An app that has one gives it first, and its tenants by
    /// [`SsoBuilder::tenants`].
    ///
    /// ```
    /// use tower_sso::Sso;
    /// use tower_sso::oidc::Issuer;
    /// use tower_sso::provider::OidcConfig;
    /// use tower_sso::tenant::{Tenant, TenantFrom, TenantList};
    ///
    /// # fn main() -> tower_sso::Result<()> {
    /// let issuer = Issuer::parse("https://acme.okta.example")?;
    /// let acme = Tenant::new("acme").host("acme.localhost").openid(OidcConfig::new(issuer, "app"));
    /// let sso = Sso::for_tenants(TenantList::new([acme])?)
    ///     .tenant_from(TenantFrom::host())
    ///     .base_url("http://localhost:3000")
    ///     .build()?;
    /// # let _ = sso;
    /// # Ok(())
    /// # }
    /// ```
    pub fn for_tenants(tenants: impl Tenants + 'static) -> SsoBuilder {
        SsoBuilder::only_tenants(Arc::new(tenants))
    }

    /// The set-up that the `SSO_…` environment variables describe; the README has their table.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration), naming the variable that is missing or
    /// malformed.
    pub fn from_env() -> Result<Self> {
        SsoBuilder::from_env()?.build()
    }

    /// The layer to put around the app, last: axum hides a layer from routes that are added after it.
    pub fn layer(&self) -> SsoLayer {
        SsoLayer::new(Arc::clone(&self.shared), self.tenancy.clone())
    }

    /// Whether people can sign in now: the provider's metadata and keys are known, fetched if they are not.
    /// For readiness probes. The app serves whoever is signed in without it. It waits for the provider, 5 s
    /// a call at most; after a failure it answers from memory for a while (2 s at first).
    ///
    /// ```
    /// # async fn probe(sso: tower_sso::Sso) -> http::StatusCode {
    /// match sso.ready().await {
    ///     Ok(()) => http::StatusCode::OK,
    ///     Err(error) if error.is_temporary() => http::StatusCode::SERVICE_UNAVAILABLE,
    ///     Err(_) => http::StatusCode::INTERNAL_SERVER_ERROR,
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) while the provider can't be reached,
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider) when what it says of itself is wrong.
    pub async fn ready(&self) -> Result<()> {
        self.shared.context.provider.ready().await
    }

    /// The access token of a session, for code that has the session and no request: a task, an event stream. It
    /// lives a minute more at least, or a fifth of its life where that is shorter: one that does not is renewed
    /// first by the refresh token, whatever [`Revalidation`](crate::Revalidation) says. While the provider can't
    /// be reached the old one is handed out as long as it lives.
    ///
    /// ```
    /// use tower_sso::{Result, Session, Sso};
    ///
    /// async fn authorization(sso: &Sso, session: &Session) -> Result<String> {
    ///     let token = sso.access_token(session).await?;
    ///     Ok(format!("Bearer {}", token.expose()))
    /// }
    /// # let _ = authorization;
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied) where the session is over, or has no token that lives and
    /// no way to renew it: the person has to sign in again. A session that was stepped up since is over, too; the
    /// next request has its successor. [`ErrorKind::Store`](crate::ErrorKind::Store) and
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) where it can't be told now.
    pub async fn access_token(&self, session: &crate::Session) -> Result<crate::AccessToken> {
        let shared = self.shared.of_session(session).await?;
        if !shared.context.counts(session) {
            return Err(crate::Error::denied(
                "the session is of a tenant that is another by now",
            ));
        }
        crate::flow::access_token::access_token(&shared.context, session).await
    }

    /// Waits until a session is over: signed out here or by the provider, expired, replaced by a stronger one, or its
    /// tenant is gone or another by now. For open WebSockets and event streams, which no policy looks at again.
    ///
    /// Looks once a second. A store that fails says nothing of the session, and it is asked again.
    pub async fn ended(&self, session: &crate::Session) {
        let sessions = &self.shared.context.sessions;
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            match sessions.load(session.key()).await {
                Ok(Some(session)) if !self.is_elsewhere(&session).await => {}
                Ok(_) => return,
                Err(_) => {}
            }
        }
    }

    /// Whether the tenant that a session was made at is gone, or another by now. Where that can't be told it is not.
    async fn is_elsewhere(&self, session: &crate::Session) -> bool {
        let shared = self.shared.of_session(session).await;
        shared.is_ok_and(|shared| !shared.context.counts(session))
    }

    /// The endpoints (`/auth/login` and so on) as a router, for apps whose outermost layer does not see
    /// these paths. An app with [`Sso::layer`] on its outermost router does not need it.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tower_sso::{Sso, User};
    ///
    /// fn app(sso: &Sso) -> Router {
    ///     let inner = Router::new().route("/profile", get(profile)).layer(sso.layer());
    ///     Router::new().nest("/app", inner).merge(sso.routes())
    /// }
    ///
    /// async fn profile(user: User) -> String {
    ///     user.subject().to_owned()
    /// }
    /// # let _ = app;
    /// ```
    #[cfg(feature = "axum")]
    pub fn routes(&self) -> axum::Router {
        let not_found = axum::routing::any(|| async { http::StatusCode::NOT_FOUND });
        let endpoints = tower_layer::Layer::layer(&self.layer(), not_found);
        let context = &self.shared.context;
        let mut router = axum::Router::new().route_service(
            &format!("{}/{{*endpoint}}", context.auth_path),
            endpoints.clone(),
        );
        if !context.base_url.prefix().is_empty() {
            let path = format!(
                "{}{}/{{*endpoint}}",
                context.base_url.prefix(),
                context.auth_path
            );
            router = router.route_service(&path, endpoints);
        }
        router
    }

    /// This layer around a whole router, for `axum::serve`: `axum::serve(listener, sso.into_axum(app))`.
    /// Cheaper than `app.layer(sso.layer())`, which boxes each request once more.
    ///
    /// ```no_run
    /// # async fn serve(sso: tower_sso::Sso, app: axum::Router) -> std::io::Result<()> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// axum::serve(listener, sso.into_axum(app)).await
    /// # }
    /// ```
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn into_axum(&self, router: axum::Router) -> crate::axum::AxumService {
        crate::axum::AxumService::new(tower_layer::Layer::layer(&self.layer(), router))
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}
