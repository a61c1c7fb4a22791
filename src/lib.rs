//! Single sign-on for tower, axum and hyper.

pub mod clock;
mod crypto;
mod error;
pub mod oidc;
pub mod provider;
mod secret;

pub use crypto::{CookieKey, InvalidCookieKey};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use secret::{ClientSecret, Secret};
