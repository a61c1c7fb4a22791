//! The steps of single sign-on: start a sign-in, finish it, renew a session, sign out. Each takes plain values and returns
//! an outcome; what a browser sees is made of it by `endpoint`.

pub(crate) mod access_token;
pub(crate) mod attempt;
pub(crate) mod audit;
pub(crate) mod backend_session;
mod base_url;
pub(crate) mod carried;
pub(crate) mod context;
mod hand_over;
mod identity_hook;
pub(crate) mod place;
mod reauthentication;
mod record;
mod refresh;
pub(crate) mod renewal;
pub(crate) mod revalidation;
pub(crate) mod round_trips;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod silent;

pub use base_url::BaseUrl;
pub(crate) use context::Context;
pub use identity_hook::{Decision, Enrichment, IdentityHook};
pub use revalidation::Revalidation;
