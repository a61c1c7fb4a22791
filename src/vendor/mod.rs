//! The protocols of vendors, where they differ from OpenID Connect. Each is behind a feature of its own, and
//! implements the capabilities of [`provider`](crate::provider): nothing above knows which one serves.

mod api_client;
mod client_token;
#[cfg(feature = "mosaic")]
pub mod mosaic;
mod path_segment;
mod rate_limit;
#[cfg(feature = "scalekit")]
pub mod scalekit;
