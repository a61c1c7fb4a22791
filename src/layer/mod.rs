//! The tower layers: [`SsoLayer`] around the app, [`RequireLayer`] on a route.

mod auth;
mod body;
mod demand;
mod identity_headers;
pub(crate) mod require;
mod sign_in;
pub(crate) mod sso;

pub use auth::Auth;
pub use body::SsoBody;
#[cfg(feature = "axum")]
pub(crate) use demand::Whoever;
pub use require::{RequireLayer, RequireService, SilentLayer};
pub use sign_in::SignIn;
pub use sso::{SsoLayer, SsoService};
