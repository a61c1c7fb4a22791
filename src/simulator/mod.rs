//! A real OpenID Provider for development and tests (feature `simulator`).
//!
//! It is an axum router that signs people in as the specifications say, with a page on which a person
//! picks who to be and with which factors, and with a switch for each [`Fault`] that a provider can have.
//! It runs in-process without a socket (`tower::ServiceExt::oneshot`) or on a port
//! ([`Simulator::serve`]).
//!
//! What it promises:
//! 1. Authorization code flow with PKCE S256 (RFC 6749, RFC 7636, OpenID Connect Core 3.1), answered by
//!    query or `form_post`, with the `iss` parameter (RFC 9207).
//! 2. A session of its own in a cookie, so that a second application is signed in without a page; `prompt`,
//!    `max_age`, `acr_values`, `claims`, `login_hint` and `id_token_hint` are honoured.
//! 3. Refresh tokens that rotate; a used code or refresh token that comes again revokes its whole family.
//! 4. RP-initiated logout, UserInfo, discovery, and a key set that rotates.
//!
//! ```
//! use tower::ServiceExt as _;
//! use tower_sso::simulator::{Endpoint, Simulator};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let simulator = Simulator::quickstart("http://127.0.0.1:3001");
//! let request = http::Request::get("/.well-known/openid-configuration")
//!     .body(axum::body::Body::empty())
//!     .unwrap();
//! let response = simulator.router().oneshot(request).await.unwrap();
//! assert_eq!(response.status(), 200);
//! assert_eq!(simulator.handle().requests(Endpoint::Discovery), 1);
//! # });
//! ```
//!
//! Beside it stand [`MosaicSimulator`], which answers as the API of a vendor with backend sessions does, and
//! [`ScalekitSimulator`], which answers as a vendor does that stands before the IdPs of many customers.
//!
//! # Security
//! Anybody who reaches it can sign in as anybody. Keep it on loopback.

mod answer;
mod authentication;
mod authorize;
mod builder;
mod client;
mod client_auth;
mod cookie;
mod counter;
mod decide;
mod discovery;
mod end_session;
mod fault;
mod grant;
mod handle;
mod html;
mod id_token;
mod jwt;
mod keys;
mod login_page;
mod mosaic;
mod params;
mod request;
mod scalekit;
mod session;
mod shared;
mod token;
mod transport;
mod user;
mod userinfo;

#[cfg(test)]
mod tests;

pub use builder::{SigningAlgorithm, SimulatorBuilder};
pub use client::SimulatedClient;
pub use fault::{Endpoint, Fault, ForgedAlg, SilentAnswer};
pub use handle::{LoginChoice, SimulatorHandle};
pub use mosaic::{
    MosaicEndpoint, MosaicFault, MosaicHandle, MosaicSimulator, MosaicSimulatorBuilder, MosaicUser,
};
pub use scalekit::{
    ScalekitConnection, ScalekitEndpoint, ScalekitFault, ScalekitHandle, ScalekitOrganization,
    ScalekitSimulator, ScalekitSimulatorBuilder, ScalekitUser, ScalekitWebhook,
};
pub use user::SimulatedUser;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use shared::Shared;

/// An OpenID Provider; clones share everything.
#[derive(Clone, Debug)]
pub struct Simulator(SimulatorHandle);

impl Simulator {
    /// A simulator without clients and users yet. The issuer is an `http` or `https` URL; it may have a path.
    pub fn builder(issuer: &str) -> SimulatorBuilder {
        SimulatorBuilder::new(issuer)
    }

    /// A simulator that takes [any client](SimulatorBuilder::any_client) on this machine and knows three
    /// people: Alice (groups `admin`, `staff`), Bob (`staff`) and Carol (`customers`).
    ///
    /// # Panics
    /// As [`SimulatorBuilder::build`].
    #[must_use]
    pub fn quickstart(issuer: &str) -> Self {
        user::prepared()
            .into_iter()
            .fold(Self::builder(issuer).any_client(), SimulatorBuilder::user)
            .build()
    }

    /// The issuer, as it is in tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.0.issuer
    }

    /// The endpoints, relative to the issuer: an issuer with a path is mounted there,
    /// `Router::new().nest("/realms/acme", simulator.router())`.
    pub fn router(&self) -> Router {
        let shared = Arc::clone(&self.0.0);
        let watched = |endpoint, route: MethodRouter<Arc<Shared>>| {
            let state = (Arc::clone(&shared), endpoint);
            route.route_layer(from_fn_with_state(state, transport::pass))
        };
        [
            (Endpoint::Discovery, get(discovery::discovery)),
            (Endpoint::Jwks, get(discovery::jwks)),
            (
                Endpoint::Authorize,
                get(authorize::authorize).post(authorize::authorize),
            ),
            (Endpoint::Login, post(authorize::login)),
            (Endpoint::Token, post(token::token)),
            (
                Endpoint::UserInfo,
                get(userinfo::userinfo).post(userinfo::userinfo),
            ),
            (
                Endpoint::EndSession,
                get(end_session::end_session).post(end_session::end_session),
            ),
        ]
        .into_iter()
        .fold(Router::new(), |router, (endpoint, route)| {
            router.route(endpoint.path(), watched(endpoint, route))
        })
        .route("/", get(discovery::front))
        .with_state(shared)
    }

    /// Serves the endpoints at the issuer's path until the process ends or the future is dropped.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, listener: tokio::net::TcpListener) -> std::io::Result<()> {
        let path = self.0.0.base_path.trim_end_matches('/');
        let router = if path.is_empty() {
            self.router()
        } else {
            Router::new().nest(path, self.router())
        };
        axum::serve(listener, router).await
    }

    /// What a test does to this simulator, and asks it.
    #[must_use]
    pub fn handle(&self) -> &SimulatorHandle {
        &self.0
    }
}
