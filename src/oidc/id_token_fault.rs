//! Why an ID token is not believed.

use std::fmt;

use crate::Error;

/// The check that a signed token failed. One variant per check, so that each has a test of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdTokenFault {
    /// The algorithm is not among those that the caller allows.
    AlgorithmNotAllowed,
    /// By its `typ` it is a token of another kind (RFC 8725 section 3.11).
    WrongType,
    /// It is a logout token, by its `typ` or by its `events` claim.
    LogoutToken,
    /// No key has its `kid`, or it names none and no key fits: the key set may be out of date.
    UnknownKey,
    /// No key that fits made this signature.
    BadSignature,
    /// The key set says that the key which made it is another issuer's.
    KeyOfAnotherIssuer,
    /// The payload is not a JSON object, or has a claim twice.
    NotJson,
    /// A claim is absent that must be there.
    MissingClaim(&'static str),
    /// A claim has another type than the specification gives it, or a value out of bounds.
    MalformedClaim(&'static str),
    /// `iss` is another.
    WrongIssuer,
    /// `sub` is another.
    WrongSubject,
    /// A claim of the vendor's own names another tenant or organization than the one that is configured.
    WrongTenant,
    /// `aud` does not name this client.
    WrongAudience,
    /// `aud` names others too, and no `azp` says that it was issued to this client.
    UntrustedAudience,
    /// `azp` names another client.
    WrongAuthorizedParty,
    /// `exp` has passed.
    Expired,
    /// `nbf` has not come.
    NotYetValid,
    /// `iat` has not come.
    IssuedInFuture,
    /// `nonce` is another.
    WrongNonce,
    /// `at_hash` is not that of the access token.
    WrongAtHash,
    /// `c_hash` is not that of the code.
    WrongCHash,
    /// `max_age` was asked for, and the token does not say when the person signed in.
    AuthTimeMissing,
    /// The person signed in longer ago than the `max_age` that was asked for.
    AuthTimeTooOld,
    /// `auth_time` has not come: it would pass for fresh for ever.
    AuthTimeInFuture,
}

impl fmt::Display for IdTokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::AlgorithmNotAllowed => "the token's algorithm is not allowed",
            Self::WrongType => "the token is of another type",
            Self::LogoutToken => "the token is a logout token",
            Self::UnknownKey => "the token's key is not in the provider's key set",
            Self::BadSignature => "the token's signature is wrong",
            Self::KeyOfAnotherIssuer => "the token is signed with the key of another issuer",
            Self::NotJson => "the token's payload is not a JSON object with distinct names",
            Self::MissingClaim(name) => return write!(f, "the token has no {name}"),
            Self::MalformedClaim(name) => return write!(f, "the token's {name} is malformed"),
            Self::WrongIssuer => "the token is from another issuer",
            Self::WrongSubject => "the token is about another subject",
            Self::WrongTenant => "the token is of another tenant or organization",
            Self::WrongAudience => "the token is for another audience",
            Self::UntrustedAudience => "the token is for others too and has no azp",
            Self::WrongAuthorizedParty => "the token was issued to another party",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::IssuedInFuture => "the token was issued in the future",
            Self::WrongNonce => "the token's nonce is another",
            Self::WrongAtHash => "the token's at_hash does not fit the access token",
            Self::WrongCHash => "the token's c_hash does not fit the code",
            Self::AuthTimeMissing => "the token has no auth_time though max_age was asked for",
            Self::AuthTimeTooOld => "the sign-in is older than the max_age that was asked for",
            Self::AuthTimeInFuture => "the token's auth_time is in the future",
        };
        f.write_str(text)
    }
}

impl std::error::Error for IdTokenFault {}

impl From<IdTokenFault> for Error {
    /// The provider's fault; [`source`](std::error::Error::source) keeps which.
    fn from(fault: IdTokenFault) -> Self {
        Self::provider(fault.to_string()).with_source(fault)
    }
}
