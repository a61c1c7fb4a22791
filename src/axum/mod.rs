//! For axum: the extractors [`User`](crate::User) and [`Session`](crate::Session), and [`AxumService`] around a whole `Router`.

mod extract;
mod service;

pub use extract::Refused;
pub use service::AxumService;
