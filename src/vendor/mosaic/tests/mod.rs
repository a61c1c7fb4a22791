//! The client against a scripted Mosaic: no socket, a clock that tests move.

mod client_token;
mod fake;
mod id_token;
mod rate_limit;
mod secrets;
mod sign_in;
mod silent;
