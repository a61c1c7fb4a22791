//! Single sign-on for tower, axum and hyper.

pub mod clock;
mod crypto;
mod error;
mod secret;
#[cfg(feature = "simulator")]
pub mod simulator;

pub use crypto::{CookieKey, InvalidCookieKey};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use secret::{ClientSecret, Secret};
