//! The tower layers: [`SsoLayer`] around the app, [`RequireLayer`] on a route.

mod auth;
mod body;
mod demand;
mod identity_headers;
pub(crate) mod require;
mod sign_in;
pub(crate) mod sso;

pub use auth::Auth;
#[cfg(feature = "axum")]
pub(crate) use auth::Whoever;
pub use body::SsoBody;
pub use require::{RequireLayer, RequireService, SilentLayer};
pub use sign_in::SignIn;
pub use sso::{SsoLayer, SsoService};
