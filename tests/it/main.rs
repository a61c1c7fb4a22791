//! The integration tests: one binary, a module per topic, over the crate's public face only.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and so do the tools it is written with"
)]

mod access_token;
mod asked_for;
mod backend_sessions;
mod bad_input;
mod behind_a_proxy;
mod cancellation;
mod conformance;
mod error_answers;
mod extractors;
mod interruptions;
mod jsonwebtoken_default;
mod judged_again;
mod layout;
mod mosaic;
mod observability;
mod one_layer;
mod options;
mod public_items;
mod real;
mod reauthentication;
mod refresh_answers;
mod renewal;
mod scalekit;
mod shapes;
mod sign_in;
mod sign_out;
mod silent;
mod support;
mod systems;
mod table;
mod tabs;
mod tenants;
mod threats;
#[cfg(feature = "aws-lc-rs")]
mod tls;
mod who_gets_what;
mod who_gets_what_else;
