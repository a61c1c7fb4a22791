//! What can be made to go wrong.

use std::time::Duration;

use serde_json::Value;

/// An endpoint of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `/.well-known/openid-configuration`
    Discovery,
    /// `/jwks`
    Jwks,
    /// `/authorize`
    Authorize,
    /// `/login`: the form that a person sends.
    Login,
    /// `/token`
    Token,
    /// `/userinfo`
    UserInfo,
    /// `/end_session`
    EndSession,
}

impl Endpoint {
    pub(super) const COUNT: usize = 7;

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Discovery => "/.well-known/openid-configuration",
            Self::Jwks => "/jwks",
            Self::Authorize => "/authorize",
            Self::Login => "/login",
            Self::Token => "/token",
            Self::UserInfo => "/userinfo",
            Self::EndSession => "/end_session",
        }
    }
}

/// An `alg` that no ID token may have, and how the token is then signed (RFC 8725 section 2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForgedAlg {
    /// `alg` as spelled here (`none`, `None`, `nOnE`), and an empty signature.
    None(String),
    /// HS256 keyed with the public key as PEM.
    Hs256WithPublicKeyPem,
    /// HS256 keyed with the public key as DER (SubjectPublicKeyInfo).
    Hs256WithPublicKeyDer,
    /// HS256 keyed with the bytes of the public key: the RSA modulus, or the coordinate `x`.
    Hs256WithPublicKeyBytes,
    /// HS256 keyed with the client secret; with the empty string if the client has none.
    Hs256WithClientSecret,
    /// HS256 keyed with the client id.
    Hs256WithClientId,
    /// The right signature under a header that names this other algorithm.
    Named(String),
}

/// An answer to `prompt=none` that is not the one to be expected (OpenID Connect Core 3.1.2.1, 3.1.2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SilentAnswer {
    /// This error, as `login_required`, `interaction_required`, `consent_required` or
    /// `account_selection_required`.
    Error(String),
    /// A code for the user with this `sub`, with a password just now, whoever is signed in and whatever is asked
    /// for; the user's session takes the place of what was there.
    CodeFor(String),
    /// A page, with status 200.
    Page,
    /// None: the request hangs.
    Never,
}

/// One thing that goes wrong, until [`clear_faults`](super::SimulatorHandle::clear_faults).
///
/// Several can be set at once; where two contradict each other, the one set first wins.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The endpoint answers after this time (tokio's clock).
    Slow(Endpoint, Duration),
    /// The endpoint answers with this status, and `Retry-After` in seconds if given.
    Status(Endpoint, u16, Option<u64>),
    /// The endpoint answers 200 with an HTML page.
    Garbage(Endpoint),
    /// The endpoint answers 200 with 16 MiB of spaces.
    HugeBody(Endpoint),
    /// The endpoint answers 302 to itself with `?redirected=1`, where it works: a client that follows
    /// gets a good answer.
    Redirect(Endpoint),
    /// The endpoint never answers.
    Hang(Endpoint),

    /// Sets or removes a claim of the ID token, after everything else.
    IdTokenClaim(String, Option<Value>),
    /// The ID token has another `alg`.
    IdTokenAlg(ForgedAlg),
    /// One bit of the ID token's signature is wrong.
    BadSignature,
    /// The ID token's header has no `kid`.
    NoKid,
    /// The ID token's header has a new random `kid` each time.
    UnknownKid,
    /// One more member of the ID token's header, as `crit`, `jwk` or `jku`.
    ExtraHeader(String, Value),
    /// `at_hash` belongs to another access token (OpenID Connect Core 3.1.3.6).
    AtHashWrong,
    /// The ID token has this `c_hash`; without this fault it has none.
    CHash(String),
    /// A new key is made right before each ID token is signed; the old keys stay published.
    RotateJustBeforeSigning,
    /// `iat`, `exp` and `auth_time` are off by these seconds.
    ClockSkew(i64),

    /// The key set has odd members too: without `kid`, of unknown `kty`, for encryption, symmetric, broken.
    JwksExtraKeys,
    /// The key set has several fitting keys and no `kid` anywhere, in tokens neither.
    JwksSeveralKeysNoKid,
    /// The key set is empty.
    JwksEmpty,

    /// The metadata names this issuer.
    DiscoveryIssuer(String),
    /// Sets or removes a field of the metadata.
    DiscoveryField(String, Option<Value>),

    /// UserInfo is about this `sub`.
    UserInfoSub(String),
    /// UserInfo is a signed JWT (OpenID Connect Core 5.3.2).
    UserInfoSigned,
    /// UserInfo is a signed JWT, and one bit of its signature is wrong.
    UserInfoBadSignature,
    /// These members are added to UserInfo; an object.
    UserInfoClaims(Value),

    /// The authorization endpoint answers with this error and description.
    AuthorizeError(String, Option<String>),
    /// A request with `prompt=none` is answered like this; others are answered as ever.
    SilentAnswer(SilentAnswer),
    /// Drops (`None`) or replaces the `iss` parameter of the authorization response (RFC 9207).
    IssParameter(Option<String>),
    /// The authorization response, and the way back from a logout, have no `state`.
    OmitState,
    /// The authorization response, and the way back from a logout, have another `state`.
    WrongState,
    /// The authorization response has `code` twice.
    DuplicateCode,
    /// A session is answered with as it is, whatever `acr_values`, `claims`, `max_age` and `prompt=login` ask for.
    WeakStepUp,
    /// Somebody else may answer a request with an `id_token_hint`.
    IgnoreIdTokenHint,

    /// Sets or removes `expires_in` of the token response.
    ExpiresIn(Option<Value>),
    /// Sets `token_type` of the token response.
    TokenType(String),
    /// The token response has no ID token.
    NoIdToken,
    /// The token response has no refresh token; the one that was used stays good (RFC 6749 section 6).
    NoRefreshToken,
    /// The token response grants this scope.
    Scope(String),
    /// The token endpoint refuses each grant with this error (RFC 6749 section 5.2), and uses nothing up.
    TokenError(String),
}
