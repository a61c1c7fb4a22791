//! Scalekit, a module per topic. The number in a test's name is its row in `docs/systems.md`.

mod beside;
mod callback;
mod direct;
mod ends;
mod environment;
mod errors;
mod fake;
mod from_the_idp;
mod from_the_idp_badly;
mod management;
mod other_system;
mod own_sessions;
mod places;
mod portal;
mod start;
mod tokens;
mod webhooks;
