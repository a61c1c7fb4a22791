//! The tower layers: [`SsoLayer`] around the app, [`RequireLayer`] on a route.

mod auth;
mod body;
mod identity_headers;
pub(crate) mod require;
pub(crate) mod sso;

pub use auth::Auth;
pub use body::SsoBody;
pub use require::{RequireLayer, RequireService, SilentLayer};
pub use sso::{SsoLayer, SsoService};
