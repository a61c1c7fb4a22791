//! The client against a scripted Scalekit: no socket, a clock that tests move.

mod access_token;
mod direct;
mod fake;
mod initiated;
mod redeem;
mod refresh;
mod urls;
