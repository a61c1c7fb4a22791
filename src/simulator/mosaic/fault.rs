//! What can be made to go wrong.

use std::time::Duration;

use serde_json::Value;

use crate::simulator::ForgedAlg;

/// An endpoint of the simulated API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MosaicEndpoint {
    /// `POST /oidc/token`: client tokens.
    Token,
    /// `GET /cis/oidc/jwks`
    Jwks,
    /// `POST /cis/v1/auth/session/authenticate`: silent authentication.
    SessionAuthenticate,
    /// `POST /cis/v1/auth/session/logout`
    SessionLogout,
    /// `DELETE /cis/v1/auth/users/{user_id}/sessions`
    UserSessions,
    /// `POST /cis/v1/auth/token/refresh`
    Refresh,
    /// `POST /cis/v1/auth/password/authenticate`
    Password,
    /// `POST /cis/v1/auth/otp/send`
    OtpSend,
    /// `POST /cis/v1/auth/otp/authenticate`
    OtpAuthenticate,
    /// `POST /cis/v1/auth/link/email/send`
    LinkSend,
    /// `POST /cis/v1/auth/link/email/authenticate`
    LinkAuthenticate,
}

impl MosaicEndpoint {
    pub(super) const COUNT: usize = 11;

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Token => "/oidc/token",
            Self::Jwks => "/cis/oidc/jwks",
            Self::SessionAuthenticate => "/cis/v1/auth/session/authenticate",
            Self::SessionLogout => "/cis/v1/auth/session/logout",
            Self::UserSessions => "/cis/v1/auth/users/{user_id}/sessions",
            Self::Refresh => "/cis/v1/auth/token/refresh",
            Self::Password => "/cis/v1/auth/password/authenticate",
            Self::OtpSend => "/cis/v1/auth/otp/send",
            Self::OtpAuthenticate => "/cis/v1/auth/otp/authenticate",
            Self::LinkSend => "/cis/v1/auth/link/email/send",
            Self::LinkAuthenticate => "/cis/v1/auth/link/email/authenticate",
        }
    }
}

/// One thing that goes wrong, until [`clear_faults`](super::MosaicHandle::clear_faults).
///
/// Several can be set at once; where two contradict each other, the one set first wins, but of faults that
/// set the same claim or member the last.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MosaicFault {
    /// The endpoint answers after this time (tokio's clock).
    Slow(MosaicEndpoint, Duration),
    /// The endpoint answers with this status, and `Retry-After` in seconds if given.
    Status(MosaicEndpoint, u16, Option<u64>),
    /// The endpoint answers 200 with an HTML page.
    Garbage(MosaicEndpoint),
    /// The endpoint answers 200 with 16 MiB of spaces.
    HugeBody(MosaicEndpoint),
    /// The endpoint answers 307 to itself with `?redirected=1`, where it works: a client that follows sends
    /// its credentials there, and gets a good answer.
    Redirect(MosaicEndpoint),
    /// The endpoint never answers.
    Hang(MosaicEndpoint),
    /// The endpoint refuses with this status and message, in the shape of the API's errors; 400 with another
    /// message than `Session not found`, for example.
    Error(MosaicEndpoint, u16, String),
    /// All errors of the API come in the shape of validation errors, `Session not found` too:
    /// `{"message":["…"],"error_code":400}`.
    ErrorsAsList,

    /// The next call of the API is refused with 401 and its client token is dead; a new one is good.
    ClientTokenRefusedOnce,
    /// Each call of the API is refused with 401.
    ClientTokenRefused,
    /// Sets or removes `expires_in` of the answer that has a client token.
    ClientTokenExpiresIn(Option<Value>),
    /// Sets or removes a claim of client tokens, `exp` for example. How long they are taken doesn't change.
    ClientTokenClaim(String, Option<Value>),

    /// The answer has no ID token.
    NoIdToken,
    /// The answer has no refresh token; one that was used for it stays good.
    NoRefreshToken,
    /// Sets or removes `expires_in` of the answer.
    ExpiresIn(Option<Value>),
    /// Sets or removes another member of an answer that has tokens: `session_id`, `token_type`.
    Answer(String, Option<Value>),
    /// The ID token and the access token are about this user.
    OtherSub(String),
    /// Sets or removes a claim of the ID token, after everything else.
    IdTokenClaim(String, Option<Value>),
    /// The ID token has another `alg`.
    IdTokenAlg(ForgedAlg),
    /// One bit of the ID token's signature is wrong.
    BadSignature,
    /// The ID token's header has a new random `kid` each time.
    UnknownKid,
}
