//! For axum: the extractors [`User`](crate::User), [`Session`](crate::Session) and
//! [`AccessToken`](crate::AccessToken), and [`AxumService`] around a whole `Router`.

mod access_token;
mod extract;
mod service;

pub use extract::Refused;
pub use service::AxumService;
