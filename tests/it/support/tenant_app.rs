//! One app with several tenants, each with a provider of its own, in one process.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;
use tower_sso::axum::AxumService;
use tower_sso::clock::TestClock;
use tower_sso::oidc::Issuer;
use tower_sso::provider::{InProcessClient, OidcConfig};
use tower_sso::simulator::{
    Fault, LoginChoice, SigningAlgorithm, SimulatedClient, SimulatedUser, Simulator,
};
use tower_sso::tenant::{Tenant, TenantList};
use tower_sso::{
    AccessToken, Auth, CookieKey, Policy, RequireLayer, Session, SilentLayer, Sso, SsoBuilder, User,
};

use super::browser::{Browser, Fetch, Page};

/// An app at [`TenantApp::URL`], and a provider for each tenant.
#[derive(Clone)]
pub(crate) struct TenantApp {
    pub(crate) browser: Browser,
    pub(crate) clock: TestClock,
    pub(crate) acme: Simulator,
    pub(crate) globex: Simulator,
    pub(crate) sso: Sso,
}

impl TenantApp {
    pub(crate) const URL: &str = "https://app.example.com";
    pub(crate) const ACME: &str = "https://idp.acme.example";
    pub(crate) const GLOBEX: &str = "https://idp.globex.example";

    /// With two tenants that know their domains; `configure` says how a request names them.
    pub(crate) fn new(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> Self {
        Self::of([Self::tenant("acme"), Self::tenant("globex")], configure)
    }

    /// A tenant as [`TenantApp::new`] has it.
    pub(crate) fn tenant(id: &str) -> Tenant {
        let mut config = OidcConfig::new(
            Issuer::parse(&format!("https://idp.{id}.example")).unwrap(),
            "app",
        );
        config.client_secret = Some("secret".into());
        Tenant::new(id)
            .openid(config)
            .domain(format!("{id}.example"))
    }

    /// Another customer at the very issuer of `acme`, by a client of its own.
    pub(crate) fn sister() -> Tenant {
        let mut config = OidcConfig::new(Issuer::parse(Self::ACME).unwrap(), "sister");
        config.client_secret = Some("secret".into());
        Tenant::new("sister").openid(config)
    }

    pub(crate) fn of(
        tenants: impl IntoIterator<Item = Tenant>,
        configure: impl FnOnce(SsoBuilder) -> SsoBuilder,
    ) -> Self {
        let list = TenantList::new(tenants).unwrap();
        Self::from(Sso::for_tenants(list), configure)
    }

    /// With whatever knows the tenants.
    pub(crate) fn from(
        builder: SsoBuilder,
        configure: impl FnOnce(SsoBuilder) -> SsoBuilder,
    ) -> Self {
        let clock = TestClock::at(1_800_000_000);
        let (acme, globex) = (simulator("acme", &clock), simulator("globex", &clock));
        let http = {
            let (acme, globex) = (acme.router(), globex.router());
            let net = tower::service_fn(move |request: Request<_>| {
                let router = match request.uri().host() {
                    Some("idp.acme.example") => Some(acme.clone()),
                    Some("idp.globex.example") => Some(globex.clone()),
                    _ => None,
                };
                async move {
                    match router {
                        Some(router) => router.oneshot(request).await,
                        None => Ok(Response::builder().status(502).body(Body::empty()).unwrap()),
                    }
                }
            });
            InProcessClient::new(BoxCloneSyncService::new(net))
        };
        let builder = builder
            .base_url(Self::URL)
            .cookie_key(CookieKey::generate())
            .identity_headers(true)
            .clock(Arc::new(clock.clone()))
            .http_client(Arc::new(http));
        let sso = configure(builder).build().unwrap();
        let app = Self {
            browser: Browser::with_clock(&clock),
            clock,
            acme,
            globex,
            sso,
        };
        app.browser.serve(Self::ACME, app.acme.router());
        app.browser.serve(Self::GLOBEX, app.globex.router());
        for origin in [
            Self::URL,
            "https://acme.app.example.com",
            "https://globex.app.example.com",
            "https://sister.app.example.com",
            "https://evil.app.example.com",
            "https://acme.example.net",
            "https://globex.example.net",
            "https://sister.example.net",
            "https://evil.example.net",
        ] {
            app.browser.serve(origin, app.service());
        }
        app
    }

    /// What the app serves under each host.
    pub(crate) fn service(&self) -> AxumService {
        self.sso.into_axum(routes())
    }

    /// Neither provider names itself in its answers (RFC 9207): then the redirect URI alone tells them apart.
    pub(crate) fn no_provider_names_itself(&self) {
        for idp in [&self.acme, &self.globex] {
            idp.handle().set_fault(Fault::IssParameter(None));
            let promise = "authorization_response_iss_parameter_supported";
            idp.handle()
                .set_fault(Fault::DiscoveryField(promise.into(), None));
        }
    }

    pub(crate) fn visit(&self, url: &str) -> Fetch {
        let url = if url.starts_with('/') {
            format!("{}{url}", Self::URL)
        } else {
            url.to_owned()
        };
        self.browser.visit(&url)
    }

    /// Goes to a page and through the sign-in that it leads to.
    ///
    /// # Panics
    /// If the browser does not end there, let in.
    pub(crate) async fn sign_in(&self, url: &str) -> Page {
        let page = self.visit(url).await;
        assert_eq!(page.status, 200, "{} {}", page.url, page.html());
        assert!(
            page.url.as_str().ends_with(url),
            "{} {}",
            page.url,
            page.html()
        );
        page
    }
}

fn simulator(id: &str, clock: &TestClock) -> Simulator {
    let client = |name: &str, tenant: &str| {
        let mut client = SimulatedClient::new(name).with_secret("secret");
        for base in [
            TenantApp::URL.to_owned(),
            format!("https://{tenant}.app.example.com"),
            format!("https://{tenant}.example.net"),
        ] {
            client = client
                .add_redirect_uri(&format!("{base}/auth/callback/{tenant}"))
                .add_post_logout_redirect_uri(&format!("{base}/auth/logged-out"));
        }
        client
    };
    let simulator = Simulator::builder(&format!("https://idp.{id}.example"))
        .client(client("app", id))
        .client(client("sister", "sister"))
        .client(
            // Of an app that has this provider besides its tenants.
            SimulatedClient::new("own")
                .with_secret("secret")
                .add_redirect_uri(&format!("{}/auth/callback", TenantApp::URL)),
        )
        .always_refresh_tokens()
        // The same name and address at both: neither says who somebody is.
        .user(SimulatedUser::new("ada").with_email("ada@acme.example"))
        .user(SimulatedUser::new("bob").with_email("bob@globex.example"))
        .user(SimulatedUser::new("cleo").with_claim("org_id", "org_acme"))
        .algorithm(SigningAlgorithm::Es256)
        .clock(Arc::new(clock.clone()))
        .build();
    let ada = LoginChoice::new("ada").with_amr(["pwd"]);
    simulator.handle().set_default_login(ada);
    simulator
}

fn routes() -> Router {
    let guarded = |policy| get(identity).layer::<_, Infallible>(RequireLayer::new(policy));
    Router::new()
        .route("/", get(home))
        .route("/protected", guarded(Policy::login()))
        .route("/mfa", guarded(Policy::mfa()))
        .route("/t/{tenant}", guarded(Policy::login()))
        .route("/t/{tenant}/public", get(public))
        .route("/t/{tenant}/protected", guarded(Policy::login()))
        .route("/t/{tenant}/mfa", guarded(Policy::mfa()))
        .route("/t/{tenant}/user", get(identity))
        .route("/t/{tenant}/session", get(session))
        .route("/t/{tenant}/token", get(token))
        .route("/t/{tenant}/headers", get(told))
        .route("/t/{tenant}/silent", get(public).layer(SilentLayer::new()))
}

async fn home(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
}

async fn public(Path(tenant): Path<String>, user: Option<User>) -> Json<Value> {
    Json(json!({ "path": tenant, "tenant": user.as_ref().and_then(User::tenant) }))
}

async fn session(session: Session) -> String {
    session.subject().to_owned()
}

async fn token(token: AccessToken) -> String {
    token.expose().to_owned()
}

/// What a service that reads headers would know.
async fn told(headers: HeaderMap) -> String {
    let who = headers.get("x-forwarded-user");
    who.map_or_else(String::new, |who| who.to_str().unwrap().to_owned())
}

async fn identity(user: User, auth: axum::Extension<Auth>) -> Json<Value> {
    Json(json!({
        "iss": user.issuer(),
        "sub": user.subject(),
        "tenant": user.tenant(),
        "asked": auth.tenant(),
        "organization": user.organization(),
        "connection": user.connection(),
    }))
}
