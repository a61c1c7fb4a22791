//! A stand-in for the API of Transmit Security Mosaic that backends sign people in with.

mod api;
mod builder;
mod codes;
mod error;
mod factors;
mod fault;
mod front;
mod handle;
mod oidc;
mod refresh;
mod request;
mod session;
mod sessions_api;
mod shared;
mod tokens;
mod user;

#[cfg(test)]
mod tests;

pub use builder::MosaicSimulatorBuilder;
pub use fault::{MosaicEndpoint, MosaicFault};
pub use handle::MosaicHandle;
pub use user::MosaicUser;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

use api::operation;

/// A stand-in for the API of Transmit Security Mosaic that backends sign people in with; clones share
/// everything.
///
/// It is written from the vendor's public documents. What it promises:
/// 1. Client tokens by client credentials, by form or `Basic`, for an hour; every call but those for client
///    tokens and keys wants one, else 401.
/// 2. Silent authentication by the id of a session, and sign-in by password, passcode (SMS, e-mail) and e-mail
///    link; with `session_id` the factor is added to that session: the id stays, `amr` grows, and has `mfa` when
///    two kinds of factor are in it. Tokens are issued whatever was shown: the API enforces no policy.
/// 3. A session lives two weeks after the last authentication in it, silent ones too. A refresh prolongs nothing.
/// 4. Refresh tokens rotate and end with their session; a used one that comes again revokes its family.
/// 5. Errors in the two shapes of the vendor: `{"error_code":"400","message":"Session not found"}`, and
///    `{"message":["session_id must be a string"],"error_code":400}` for a request that is malformed.
/// 6. `GET /` is a page for people, with passwords and with the codes and links that were "sent".
///
/// Where the documents are silent: the logout of an unknown session is 400 `Session not found`; a wrong
/// password is the same error as a wrong passcode; a session of somebody else is
/// `Session does not belong to the user` and a bad refresh token `Invalid refresh token`, both 400; a passcode is
/// good for five minutes and five tries, a link for fifteen minutes. [`MosaicFault::Error`] gives any of them
/// another status and message. `org_id`, `approval_data`, `generate_request_id` and the texts of messages are
/// accepted and have no effect.
///
/// ```
/// use tower::ServiceExt as _;
/// use tower_sso::simulator::{MosaicEndpoint, MosaicSimulator, MosaicUser};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let simulator = MosaicSimulator::builder("https://userid.security")
///     .client("payroll", "s3cr3t")
///     .tenant("acme")
///     .user(MosaicUser::new("alice").with_password("wonderland").with_phone("+15550100"))
///     .build();
/// let form = "grant_type=client_credentials&client_id=payroll&client_secret=s3cr3t";
/// let request = http::Request::post("/oidc/token")
///     .header("content-type", "application/x-www-form-urlencoded")
///     .body(axum::body::Body::from(form))
///     .unwrap();
/// let response = simulator.router().oneshot(request).await.unwrap();
/// assert_eq!(response.status(), 200);
/// assert_eq!(simulator.handle().client_tokens(), 1);
/// assert_eq!(simulator.handle().requests(MosaicEndpoint::Token), 1);
/// # });
/// ```
///
/// # Security
/// It shows passwords and codes to anybody. Keep it on loopback.
#[derive(Clone, Debug)]
pub struct MosaicSimulator(MosaicHandle);

impl MosaicSimulator {
    /// A tenant without clients and users yet. The issuer goes into `iss` and nowhere else: the vendor's is
    /// `https://userid.security`, `https://eu.userid.security` and so on, by region.
    pub fn builder(issuer: &str) -> MosaicSimulatorBuilder {
        MosaicSimulatorBuilder::new(issuer)
    }

    /// The issuer, as it is in tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.0.issuer
    }

    /// The endpoints, at the paths that they have under `https://api.transmitsecurity.io`.
    pub fn router(&self) -> Router {
        use MosaicEndpoint as At;

        let mosaic = Arc::clone(&self.0.0);
        [
            (At::Token, post(oidc::token)),
            (At::Jwks, get(oidc::jwks)),
            (
                At::SessionAuthenticate,
                operation(sessions_api::authenticate),
            ),
            (At::SessionLogout, operation(sessions_api::logout)),
            (At::UserSessions, delete(sessions_api::revoke_all)),
            (At::Refresh, operation(sessions_api::refresh)),
            (At::Password, operation(factors::password)),
            (At::OtpSend, operation(factors::send_otp)),
            (At::OtpAuthenticate, operation(factors::otp)),
            (At::LinkSend, operation(factors::send_link)),
            (At::LinkAuthenticate, operation(factors::link)),
        ]
        .into_iter()
        .fold(Router::new(), |router, (endpoint, route)| {
            let state = (Arc::clone(&mosaic), endpoint);
            let route = route.route_layer(from_fn_with_state(state, api::pass));
            router.route(endpoint.path(), route)
        })
        .route("/", get(front::front))
        .with_state(mosaic)
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
    pub fn handle(&self) -> &MosaicHandle {
        &self.0
    }
}
