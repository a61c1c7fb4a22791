//! The provider against a scripted one: no socket, a clock that tests move.

mod discovery;
mod fake;
mod jwks;
mod network;
mod redeem;
mod urls;
mod userinfo;
