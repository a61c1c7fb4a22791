//! What can be made to go wrong.

use std::time::Duration;

use serde_json::Value;

use crate::simulator::ForgedAlg;

/// An endpoint of the simulated environment.
///
/// ```
/// use tower_sso::simulator::{ScalekitEndpoint, ScalekitFault};
///
/// let fault = ScalekitFault::Status(ScalekitEndpoint::Token, 503, Some(7));
/// assert_ne!(fault, ScalekitFault::Status(ScalekitEndpoint::Keys, 503, Some(7)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScalekitEndpoint {
    /// `GET /.well-known/openid-configuration`
    Discovery,
    /// `GET /keys`
    Keys,
    /// `GET /oauth/authorize`
    Authorize,
    /// `POST /idp/login`: the form of the page that stands for a customer's IdP.
    IdpLogin,
    /// `POST /oauth/token`
    Token,
    /// `GET /oidc/logout`
    Logout,
    /// `GET /api/v1/connections`
    Connections,
    /// `PUT /api/v1/organizations/{organization_id}/portal_links`
    PortalLinks,
    /// `GET` and `POST /api/v1/organizations/{organization_id}/domains`
    Domains,
    /// `GET /magicLink/{link}`: the admin portal.
    Portal,
}

impl ScalekitEndpoint {
    pub(super) const COUNT: usize = 10;

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Discovery => "/.well-known/openid-configuration",
            Self::Keys => "/keys",
            Self::Authorize => "/oauth/authorize",
            Self::IdpLogin => "/idp/login",
            Self::Token => "/oauth/token",
            Self::Logout => "/oidc/logout",
            Self::Connections => "/api/v1/connections",
            Self::PortalLinks => "/api/v1/organizations/{organization_id}/portal_links",
            Self::Domains => "/api/v1/organizations/{organization_id}/domains",
            Self::Portal => "/magicLink/{link}",
        }
    }
}

/// One thing that goes wrong, until [`clear_faults`](super::ScalekitHandle::clear_faults).
///
/// Several can be set at once; where two contradict each other, the one set first wins, but of faults that
/// set the same claim the last. Another connection, organization, nonce, audience or issuer is an
/// [`IdTokenClaim`](Self::IdTokenClaim).
///
/// ```
/// use tower_sso::simulator::ScalekitFault;
///
/// let other_tenant = ScalekitFault::IdTokenClaim("oid".to_owned(), Some("org_other".into()));
/// let no_nonce = ScalekitFault::IdTokenClaim("nonce".to_owned(), None);
/// assert_ne!(other_tenant, no_nonce);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ScalekitFault {
    /// The endpoint answers after this time (tokio's clock).
    Slow(ScalekitEndpoint, Duration),
    /// The endpoint answers with this status, and `Retry-After` in seconds if given.
    Status(ScalekitEndpoint, u16, Option<u64>),
    /// The endpoint answers 200 with an HTML page.
    Garbage(ScalekitEndpoint),
    /// The endpoint answers 200 with 16 MiB of spaces.
    HugeBody(ScalekitEndpoint),
    /// The endpoint answers 307 to itself with `?redirected=1`, where it works: a client that follows sends
    /// its credentials there, and gets a good answer.
    Redirect(ScalekitEndpoint),
    /// The endpoint never answers.
    Hang(ScalekitEndpoint),
    /// The endpoint answers 429 as the management API does, with `Retry-After` in seconds if given.
    RateLimited(ScalekitEndpoint, Option<u64>),

    /// The authorization endpoint answers with this error, and its description or the catalogue's.
    AuthorizeError(String, Option<String>),
    /// The authorization response has no `state`.
    OmitState,
    /// The authorization response has another `state`.
    WrongState,

    /// The token endpoint refuses each grant with this error (RFC 6749 section 5.2), and uses nothing up.
    TokenError(String),
    /// The token response has no ID token.
    NoIdToken,
    /// Sets or removes `expires_in` of the token response to a code or a refresh token.
    ExpiresIn(Option<Value>),

    /// Sets or removes a claim of the ID token, after everything else.
    IdTokenClaim(String, Option<Value>),
    /// Sets or removes a claim of the access token, after everything else.
    AccessTokenClaim(String, Option<Value>),
    /// The ID token's `amr` names this connection, and `sub` and `oid` stay.
    OtherConnection(String),
    /// `at_hash` belongs to another access token (OpenID Connect Core 3.1.3.6).
    AtHashWrong,
    /// `c_hash` belongs to another code (OpenID Connect Core 3.3.2.11).
    CHashWrong,
    /// The ID token ended an hour ago.
    Expired,
    /// The ID token has another `alg`.
    IdTokenAlg(ForgedAlg),
    /// One bit of the ID token's signature is wrong.
    BadSignature,
    /// The ID token's header has a new random `kid` each time.
    UnknownKid,

    /// The token of a sign-in that begins at the IdP ended an hour ago.
    IdpInitiatedExpired,
    /// The token of a sign-in that begins at the IdP is good in an hour.
    IdpInitiatedNotYetValid,
    /// Sets or removes a claim of the token of a sign-in that begins at the IdP, `iss` for example.
    IdpInitiatedClaim(String, Option<Value>),
    /// The token of a sign-in that begins at the IdP has another `alg`.
    IdpInitiatedAlg(ForgedAlg),
    /// One bit of the signature of that token is wrong.
    IdpInitiatedBadSignature,
    /// The header of that token has a new random `kid` each time.
    IdpInitiatedUnknownKid,

    /// The next call of the management API is refused with 401 and its token is dead; a new one is good.
    ManagementTokenRefusedOnce,
    /// Each call of the management API is refused with 401.
    ManagementTokenRefused,
    /// The link to the admin portal ends as `expireTime` instead of `expire_time`.
    CamelCaseExpireTime,
}
