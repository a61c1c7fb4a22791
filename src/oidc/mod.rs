//! OpenID Connect, pure: what is sent, what comes back, and whether it may be believed.
//!
//! Nothing here does I/O or reads a clock; every rule is a function on plain values.
//!
//! 1. What the browser brings ([`AuthorizationResponse`]) is decoded strictly: malformed encoding and
//!    parameters that come twice are refused, never repaired.
//! 2. What the provider says is read once, bounded, and refused where a member name comes twice
//!    (RFC 7519 section 4).
//! 3. A JWT's own header never chooses a key or an algorithm: algorithms come from a list of
//!    asymmetric ones, keys from the provider's [`KeySet`].
//! 4. The signature is verified before any claim is looked at, TLS or not ([`IdTokenCheck`]).
//!
//! ```
//! use tower_sso::oidc::{AuthorizationRequest, code_challenge};
//!
//! let request = AuthorizationRequest {
//!     client_id: "my-app".to_owned(),
//!     redirect_uri: "https://app.example.com/auth/callback".to_owned(),
//!     state: "af0ifjsldkj".to_owned(),
//!     nonce: "n-0S6_WzA2Mj".to_owned(),
//!     code_challenge: code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
//!     ..AuthorizationRequest::default()
//! };
//! let url = request.url(&"https://idp.example.com/authorize?tenant=acme".parse()?)?;
//! assert!(url.as_str().starts_with(
//!     "https://idp.example.com/authorize?tenant=acme&response_type=code&client_id=my-app&"
//! ));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod authorization_request;
mod authorization_response;
mod claims;
mod claims_request;
mod client_auth;
mod entra;
pub(crate) mod form;
mod id_token;
mod id_token_fault;
mod issuer;
pub(crate) mod json;
mod jwt;
mod key_set;
mod metadata;
mod multi_factor;
mod pkce;
mod prompt;
mod refreshed;
mod response_mode;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod token_response;
pub mod userinfo;
mod userinfo_jwt;

pub use authorization_request::AuthorizationRequest;
pub use authorization_response::{
    AuthorizationResponse, SilentRefusal, UNMET_AUTHENTICATION_REQUIREMENTS,
};
#[cfg(feature = "scalekit")]
pub(crate) use claims::{Claims, verified as verified_claims};
pub use claims_request::claims_request;
pub use client_auth::{ClientAuth, ClientAuthChoice, basic_header};
pub use entra::{EntraIssuers, EntraTenantId, EntraTenants};
pub use id_token::{IdTokenCheck, IdTokenClaims, LEEWAY};
pub use id_token_fault::IdTokenFault;
pub use issuer::Issuer;
pub use jsonwebtoken::Algorithm;
pub use jwt::{CompactJwt, MAX_JWT_LENGTH};
pub use key_set::{Key, KeySet};
pub use metadata::ProviderMetadata;
pub use multi_factor::is_multi_factor;
pub use pkce::code_challenge;
pub use prompt::Prompt;
pub use refreshed::OriginalClaims;
pub use response_mode::ResponseMode;
pub(crate) use text::is_error_code;
pub use token_response::{TokenError, TokenResponse};
pub use userinfo_jwt::UserInfoCheck;
