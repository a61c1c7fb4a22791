//! The provider against a scripted one: no socket, a clock that tests move.

mod discovery;
mod entra;
mod fake;
mod in_process;
mod jwks;
// Without it rustls has no provider but the one that an app installs.
#[cfg(feature = "aws-lc-rs")]
mod network;
mod redeem;
mod urls;
mod userinfo;
