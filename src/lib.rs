//! Single sign-on for tower, axum and hyper.

#[cfg(feature = "axum")]
pub mod axum;
pub mod clock;
mod crypto;
mod endpoint;
mod error;
mod flow;
mod layer;
pub mod oidc;
pub mod policy;
pub mod provider;
mod secret;
pub mod session;
#[cfg(feature = "simulator")]
pub mod simulator;
mod sso;
#[cfg(feature = "test-util")]
pub mod test_util;

pub use crypto::{CookieKey, InvalidCookieKey};
pub use endpoint::{Action, Page, PageKind, PageRenderer, Rejection, RejectionKind};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use flow::{BaseUrl, Decision, Enrichment, IdentityHook};
pub use layer::{Auth, RequireLayer, RequireService, SsoBody, SsoLayer, SsoService};
pub use policy::{Policy, Verdict};
pub use provider::Identity;
pub use secret::{ClientSecret, Secret};
pub use session::{Session, User};
pub use sso::{Dangerous, Sso, SsoBuilder};
