//! Single sign-on for tower, axum and hyper: OpenID Connect login, sessions, policies per route, step-up
//! and logout, as layers.
//!
//! One layer around the app gives it login, callback, sessions and logout. A second one, on a route, says
//! who may pass. A handler asks for its [`User`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use tower_sso::{Policy, RequireLayer, Sso, User};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), tower_sso::BoxError> {
//! let sso = Sso::from_env()?; // SSO_ISSUER, SSO_CLIENT_ID, SSO_CLIENT_SECRET, SSO_BASE_URL, SSO_COOKIE_KEY
//!
//! let app = Router::new()
//!     .route("/payroll", get(hello).layer(RequireLayer::new(Policy::mfa().max_age(Duration::from_secs(900)))))
//!     .route("/profile", get(hello).layer(RequireLayer::new(Policy::login())))
//!     .route("/", get(|| async { "public" }))
//!     .layer(sso.layer());
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! async fn hello(user: User) -> String {
//!     format!("hello {}", user.email().unwrap_or(user.subject()))
//! }
//! ```
//!
//! # What happens to a request
//!
//! 1. [`SsoLayer`] looks at the path. Under `/auth` an endpoint answers, and the request goes no further.
//! 2. Else the session cookie leads to a [`Session`] in memory: no signature check, no JSON, no network.
//! 3. The request goes on with an [`Auth`] in its extensions, signed in or not.
//!    Where backends know the provider's sessions by an id, whoever asks for the user of a browser without a
//!    session here has it signed in by the one that it has there, without a page.
//! 4. [`RequireLayer`] renews a session that is due ([`Revalidation`]), or has its browser do it, and asks its
//!    [`Policy`]. Who may pass reaches the handler. Who may not gets what they can use: a browser a redirect
//!    to sign in or to step up, a script a problem document with 401 or 403.
//! 5. What depends on the session leaves with `Cache-Control: private, no-store` and `Vary: Cookie`.
//!
//! # A provider without a page
//!
//! Transmit Security Mosaic (feature `mosaic`, `vendor::mosaic`) has no page to send a browser to: the app shows one
//! of its own, at `/login`, and hands what came of it to [`SignIn`]. Any other [`Provider`](provider::Provider)
//! goes in the same way. The example `mosaic` is a whole app.
//!
//! ```no_run
//! use axum::{Extension, Form, Router, http::StatusCode, response::Redirect, routing::post};
//! use tower_sso::vendor::mosaic::{Attempt, Factor, Identifier, Mosaic, MosaicConfig};
//! use tower_sso::{CookieKey, Result, SignIn, Sso};
//!
//! # fn main() -> Result<()> {
//! let mosaic = Mosaic::new(MosaicConfig::from_env()?)?; // MOSAIC_REGION, MOSAIC_CLIENT_ID, MOSAIC_CLIENT_SECRET
//! let sso = Sso::with_provider(mosaic.clone())
//!     .base_url("https://app.example.com")
//!     .cookie_key(CookieKey::generate()) // one of your own, with several replicas
//!     .build()?;
//! let app: Router = Router::new()
//!     .route("/login", post(log_in)) // and a page with the form for GET
//!     .layer(Extension(mosaic))
//!     .layer(sso.layer());
//! # let _ = app;
//! # Ok(())
//! # }
//!
//! #[derive(serde::Deserialize)]
//! struct Typed { username: String, password: String }
//!
//! async fn log_in(
//!     Extension(mosaic): Extension<Mosaic>,
//!     sign_in: SignIn,
//!     Form(typed): Form<Typed>,
//! ) -> Result<Redirect, StatusCode> {
//!     let down = |_| StatusCode::SERVICE_UNAVAILABLE;
//!     let factor = Factor::password(Identifier::Username(typed.username), typed.password);
//!     match mosaic.sign_in(factor).await.map_err(down)? {
//!         Attempt::Done(session) => {
//!             sign_in.finish(session).await.map_err(down)?;
//!             Ok(Redirect::to("/"))
//!         }
//!         Attempt::Refused(_) | Attempt::SessionNotFound => Err(StatusCode::UNAUTHORIZED),
//!     }
//! }
//! ```
//!
//! # A provider for many customers
//!
//! Scalekit (feature `scalekit`, `vendor::scalekit`) stands in front of the identity providers of many organizations. A
//! policy, or `/auth/login?organization_id=…`, says where somebody signs in, and the identity must be of there. The
//! example `scalekit` is two whole apps, one of which keeps its own sessions ([`Decision::OwnSession`],
//! [`RequireLayer::pass_through`]).
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use tower_sso::vendor::scalekit::{Scalekit, ScalekitConfig};
//! use tower_sso::{CookieKey, Policy, RequireLayer, Sso};
//!
//! # fn main() -> tower_sso::Result<()> {
//! let scalekit = Scalekit::new(ScalekitConfig::from_env()?)?; // SCALEKIT_ENVIRONMENT_URL, and two more
//! let sso = Sso::with_provider(scalekit)
//!     .base_url("https://app.example.com")
//!     .cookie_key(CookieKey::generate()) // one of your own, with several replicas
//!     .build()?;
//! let of_acme = RequireLayer::new(Policy::login().organization("org_acme"));
//! let app: Router = Router::new().route("/acme", get(|| async { "acme" }).layer(of_acme)).layer(sso.layer());
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! # Many tenants
//!
//! Customers may also bring providers of their own: [`tenant`] says where each one's people sign in, and by which host,
//! subdomain or path a request names it. A session of one tenant opens nothing of another.
//!
//! # Where to put the layer
//!
//! `sso.layer()` goes last, on the outermost router, after all routes, merges and the fallback: axum hides
//! a layer from routes that are added after it. Protected routers may be nested freely. Around the whole
//! router it is `sso.into_axum(app)`, which is cheaper; around any other service it is a tower layer like
//! any other. Where the outermost layer can't see `/auth/…`, [`Sso::routes`] gives those as a router.
//!
//! # The rooms
//!
//! Each knows only those below it.
//!
//! | module | what it is for |
//! |---|---|
//! | `sso` | [`Sso`] and its builder: checks the set-up once, wires everything |
//! | [`axum`] | the extractors and the way around a whole `Router` |
//! | `layer` | [`SsoLayer`], [`RequireLayer`] and [`SilentLayer`] |
//! | `endpoint` | what answers under `/auth`, and in the place of a handler |
//! | `flow` | the steps: sign in, ask silently, step up, renew, sign out |
//! | [`tenant`] | an app's customers, and what a request names them by |
//! | `vendor` | the protocols of vendors where they differ from OpenID Connect (features) |
//! | [`provider`] | talking to a provider: HTTP, discovery, keys, token endpoint |
//! | [`policy`] | what a route asks: [`Policy`] → [`Verdict`], pure |
//! | [`session`] | the session, its cookie, its lifetime, its store |
//! | [`oidc`] | the protocol, pure: requests, answers, tokens, keys |
//! | `forwarded` | who sent a request: the peer, or whom a trusted proxy speaks for |
//! | [`clock`], `crypto`, `secret`, `error`, `vars` | the floor |
//!
//! Beside them stand `simulator` (feature `simulator`), an OpenID Provider and the APIs of two vendors for
//! development, and `test_util` (feature `test-util`), which signs somebody in without one.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `axum` | yes | extractors, [`Sso::into_axum`], [`Sso::routes`] |
//! | `aws-lc-rs` | yes | crypto and TLS by aws-lc-rs |
//! | `rust-crypto` | no | crypto by RustCrypto; the app installs a rustls provider of its choice |
//! | `mosaic` | no | `vendor::mosaic`: sessions of Transmit Security Mosaic that backends share |
//! | `scalekit` | no | `vendor::scalekit`: Scalekit Modular SSO, the connections of many organizations |
//! | `simulator` | no | the simulated providers |
//! | `test-util` | no | a signed-in user for tests, a clock that tests move |
//!
//! One crypto back end must be on; with both, aws-lc-rs serves. Neither touches a process-wide default of
//! jsonwebtoken or rustls.
//!
//! # Security
//!
//! Login state is sealed and bound to the browser, PKCE and nonce are always sent, ID tokens are always
//! verified by signature, cookies are `__Host-`, `HttpOnly`, `Secure`, `SameSite=Lax`, the session id is new
//! at each sign-in and step-up, and unsafe requests from other sites do not reach a protected handler. What
//! switches a protection off is behind [`SsoBuilder::dangerous`]; a cookie name without `__Host-`, frames and
//! origins that are let in are options of their own, and say what they cost.

#[cfg(feature = "axum")]
pub mod axum;
pub mod clock;
mod crypto;
mod endpoint;
mod error;
mod flow;
mod forwarded;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(all(test, not(fuzzing)))]
mod fuzzing;
mod layer;
pub mod oidc;
pub mod policy;
pub mod provider;
mod secret;
pub mod session;
#[cfg(feature = "simulator")]
pub mod simulator;
mod sso;
pub mod tenant;
#[cfg(feature = "test-util")]
pub mod test_util;
mod vars;
#[cfg(any(feature = "mosaic", feature = "scalekit"))]
pub mod vendor;

pub use crypto::{CookieKey, InvalidCookieKey};
pub use endpoint::{
    Action, Page, PageKind, PageRenderer, Question, Rejection, RejectionKind, Unauthenticated,
};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use flow::{BaseUrl, Decision, Enrichment, IdentityHook, Revalidation};
pub use forwarded::{ForwardedHeaders, PeerAddress};
pub use layer::{
    Auth, RequireLayer, RequireService, SignIn, SilentLayer, SsoBody, SsoLayer, SsoService,
};
pub use policy::policy::Policy;
pub use policy::verdict::Verdict;
pub use provider::capability::Identity;
pub use secret::{ClientSecret, Secret};
pub use session::access_token::AccessToken;
pub use session::session::Session;
pub use session::user::User;
pub use sso::{Dangerous, Sso, SsoBuilder};

/// Runs the README's examples as doctests.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "mosaic",
    feature = "scalekit",
    feature = "test-util"
))]
#[doc = include_str!("../README.md")]
struct Readme;

/// Runs the examples of the pages beside it.
#[cfg(all(doctest, feature = "axum", feature = "scalekit"))]
mod pages {
    #[doc = include_str!("../docs/scalekit.md")]
    struct Scalekit;
    #[doc = include_str!("../docs/tenants.md")]
    struct Tenants;
    #[doc = include_str!("../docs/beside.md")]
    struct Beside;
}
