//! For axum: the extractors [`User`] and [`Session`], and [`AxumService`] around a whole `Router`.

mod extract;
mod service;

pub use extract::Refused;
pub use service::AxumService;
