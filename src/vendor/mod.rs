//! The protocols of vendors, where they differ from OpenID Connect. Each is behind a feature of its own, and
//! implements the capabilities of [`provider`](crate::provider): nothing above knows which one serves.

#[cfg(feature = "mosaic")]
pub mod mosaic;
#[cfg(feature = "scalekit")]
pub mod scalekit;
