//! Transmit Security Mosaic, end to end: two apps of one backend and the simulated API, a module per topic.
//! The number in a test's name is its row in `docs/systems.md`.

mod active;
mod answers;
mod client_token;
mod factors;
mod logout;
mod rates;
mod refresh;
mod regions;
mod silent;
mod two_weeks;
