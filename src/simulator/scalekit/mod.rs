//! A stand-in for an environment of Scalekit, as applications with single sign-on alone use it (Modular SSO).

mod api;
mod authorize;
mod builder;
mod catalogue;
mod codes;
mod demo;
mod fault;
mod front;
mod handle;
mod idp_initiated;
mod idp_page;
mod logout;
mod management;
mod oidc;
mod portal;
mod portal_events;
mod portal_page;
mod request;
mod select;
mod shared;
mod switches;
mod tenant;
mod time;
mod tokens;
mod webhook;

#[cfg(test)]
mod tests;

pub use builder::ScalekitSimulatorBuilder;
pub use fault::{ScalekitEndpoint, ScalekitFault};
pub use handle::ScalekitHandle;
pub use tenant::{ScalekitConnection, ScalekitOrganization, ScalekitUser};
pub use webhook::ScalekitWebhook;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};

/// A stand-in for an environment of Scalekit, as applications with single sign-on alone use it (Modular SSO);
/// clones share everything.
///
/// It is written from the vendor's public documents. What it promises:
/// 1. One OpenID Provider for many customers: a request selects whose IdP is asked, by `connection_id`,
///    `organization_id`, `domain_hint` or `domain`, `provider`, or `login_hint`, the first of these that is there. An
///    id that there is not is an error; an unknown domain lets the next one count.
/// 2. Authorization code flow with PKCE S256 (RFC 6749, RFC 7636). A code is good once, for five minutes.
///    `offline_access` is refused. A redirect URI that is not registered is shown as `invalid_redirect_uri`, never
///    used. Each error of the vendor's catalogue can be reached.
/// 3. ID tokens with `amr` = connection, `oid` = organization, `sub` = `conn_…;<id at the IdP>`, `at_hash`,
///    `c_hash`, `sid`.
/// 4. Sign-ins that begin at the IdP: a signed token for the application's login route.
/// 5. The management API for connections, links to the admin portal and domains; the portal itself, to be
///    framed, with its eight events; webhooks.
/// 6. `GET /` is a page for people, with the customers, three ways to sign in, and a switch for each fault.
///
/// Where the documents are silent: a client that is not registered is told so at the redirect URI, since these are
/// the environment's; `prompt=none` answers `user_login_required`, since only the IdP has a session; without a
/// `nonce` in the request there is none in the token; a portal link that was used or is over is
/// `PORTAL_LOAD_FAILURE` with `SESSION_EXPIRED`, an unknown one `LINK_NOT_FOUND`; refusals of the management API
/// other than 401 and 429 have the names of gRPC's codes. Other values of `prompt` have no effect.
///
/// ```
/// use tower::ServiceExt as _;
/// use tower_sso::simulator::{ScalekitEndpoint, ScalekitSimulator};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let simulator = ScalekitSimulator::demo("http://127.0.0.1:3001", "http://127.0.0.1:3000");
/// let form = "grant_type=client_credentials&client_id=skc_demo&client_secret=demo-secret";
/// let request = http::Request::post("/oauth/token")
///     .header("content-type", "application/x-www-form-urlencoded")
///     .body(axum::body::Body::from(form))
///     .unwrap();
/// let response = simulator.router().oneshot(request).await.unwrap();
/// assert_eq!(response.status(), 200);
/// assert_eq!(simulator.handle().management_tokens(), 1);
/// assert_eq!(simulator.handle().requests(ScalekitEndpoint::Token), 1);
/// # });
/// ```
///
/// # Security
/// Anybody who reaches it can sign in as anybody. Keep it on loopback.
#[derive(Clone, Debug)]
pub struct ScalekitSimulator(ScalekitHandle);

impl ScalekitSimulator {
    /// An environment without applications and customers yet. The URL is that of a host alone, and the issuer:
    /// `https://acme.scalekit.dev`, or `http://127.0.0.1:3001`.
    pub fn builder(url: &str) -> ScalekitSimulatorBuilder {
        ScalekitSimulatorBuilder::new(url)
    }

    /// An environment for one application, with the routes that this crate gives it below `app`.
    ///
    /// Its credentials are `skc_demo` and `demo-secret`. Its customers:
    ///
    /// | organization | domain | connection | people |
    /// |---|---|---|---|
    /// | `org_example` | `example.com` | `conn_example_okta` | alice, bob |
    /// | | | `conn_example_old`, disabled | |
    /// | `org_society` | `example.org` | `conn_society_entra` | carol, dave |
    /// | `org_newcomer` | `example.net` | `conn_newcomer_google`, a draft | |
    ///
    /// # Panics
    /// As [`ScalekitSimulatorBuilder::build`].
    #[must_use]
    pub fn demo(url: &str, app: &str) -> Self {
        Self::demo_builder(url, app).build()
    }

    /// What [`demo`](Self::demo) is built from, to add to.
    pub fn demo_builder(url: &str, app: &str) -> ScalekitSimulatorBuilder {
        demo::demo(url, app)
    }

    /// The environment's URL, which is the issuer too.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.0.url
    }

    /// The endpoints.
    pub fn router(&self) -> Router {
        use ScalekitEndpoint as At;

        let environment = Arc::clone(&self.0.0);
        [
            (At::Discovery, get(oidc::discovery)),
            (At::Keys, get(oidc::keys)),
            (At::Authorize, get(authorize::authorize)),
            (At::IdpLogin, post(authorize::login)),
            (At::Token, post(oidc::token)),
            (At::Logout, get(logout::logout)),
            (At::Connections, get(management::connections)),
            (At::PortalLinks, put(management::portal_link)),
            (
                At::Domains,
                get(management::domains).post(management::add_domain),
            ),
            (At::Portal, get(portal_page::open)),
        ]
        .into_iter()
        .fold(Router::new(), |router, (endpoint, route)| {
            let state = (Arc::clone(&environment), endpoint);
            let route = route.route_layer(from_fn_with_state(state, api::pass));
            router.route(endpoint.path(), route)
        })
        .route("/", get(front::front))
        .route("/switch", post(front::switch))
        .route("/idp/start", post(front::start))
        .route("/idp/error", post(front::error))
        .route("/portal", post(portal_page::act))
        .with_state(environment)
    }

    /// Serves the endpoints until the process ends or the future is dropped.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, listener: tokio::net::TcpListener) -> std::io::Result<()> {
        axum::serve(listener, self.router()).await
    }

    /// What a test does to this simulator, and asks it.
    #[must_use]
    pub fn handle(&self) -> &ScalekitHandle {
        &self.0
    }
}
