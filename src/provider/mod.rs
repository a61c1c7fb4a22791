//! Talking to an identity provider.
//!
//! [`Provider`] is what the flows know; [`OidcProvider`] is any OpenID Provider. Calls go out through
//! an [`HttpClient`], metadata and keys ([`JwksCache`]) are kept, so that an app starts and serves while
//! its provider is down.
//!
//! An error says whose fault it is: no answer, 5xx, 429 or a page of a proxy is
//! [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) and passes; an answer that breaks the
//! protocol or fails a check is [`ErrorKind::Provider`](crate::ErrorKind::Provider).

mod backend;
pub(crate) mod capability;
mod config;
mod discovery;
pub(crate) mod flight;
pub(crate) mod http;
mod jwks;
mod none;
mod oidc;
#[cfg(test)]
mod tests;
mod token_endpoint;
mod urls;
mod userinfo;

#[cfg(any(test, feature = "test-util"))]
pub use self::http::InProcessClient;
pub use self::http::{
    Addresses, DEFAULT_MAX_BODY, DEFAULT_TOTAL_TIMEOUT, HttpClient, HttpError, HttpErrorKind,
    HttpOptions, ReqwestClient, is_public,
};
pub use backend::{
    BackendAnswer, BackendAuthentication, BackendSession, BackendSessions, ClientAttributes,
};
// The front door exports it.
pub(crate) use capability::Identity;
pub use capability::{
    CodeGrant, Explanation, InitiatedSignIns, Initiation, LogoutRequest, Provider, RefreshGrant,
    Refreshed, Selectors, SignInRequest,
};
pub use config::{OidcConfig, Organizations};
pub use jwks::{JwksCache, JwksSource, Origin};
pub(crate) use none::NoProvider;
pub use oidc::OidcProvider;
#[cfg(feature = "scalekit")]
pub(crate) use oidc::VendorRules;
