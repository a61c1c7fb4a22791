//! Single sign-on for tower, axum and hyper.

pub mod clock;
mod crypto;
mod error;
pub mod oidc;
pub mod policy;
mod secret;
pub mod session;
#[cfg(any(test, feature = "test-util"))]
pub mod test_util;

pub use crypto::{CookieKey, InvalidCookieKey};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use policy::{Policy, Verdict};
pub use secret::{ClientSecret, Secret};
