//! Scalekit, a module per topic. The number in a test's name is its row in `docs/systems.md`.

mod beside;
mod fake;
mod management;
mod other_system;
mod own_sessions;
mod portal;
mod webhooks;
