//! Against parts that know nothing of this crate: npm `oidc-provider`, Chromium and nginx, and the examples
//! as a newcomer runs them. Each test is skipped with a printed line where its part is not installed.

mod chromium;
mod hostile_pages;
mod mosaic;
mod nginx;
mod oidc_provider;
mod portal;
mod quickstart;
mod renewal;
mod scalekit;
mod single_sign_on;
#[cfg(feature = "scalekit")]
mod tenants;
mod web;
