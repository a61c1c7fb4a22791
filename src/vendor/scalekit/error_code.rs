//! The errors that Scalekit sends a browser back with.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use http::StatusCode;

use crate::oidc::text::clean;
use crate::provider::Explanation;

/// Why nobody signed in: an `error` of the callback. Anybody can make a browser bring one: it is something to show, and
/// no more.
///
/// ```
/// use tower_sso::vendor::scalekit::ScalekitErrorCode;
///
/// let code = ScalekitErrorCode::from("connection_not_active");
/// assert_eq!(code, ScalekitErrorCode::ConnectionNotActive);
/// assert_eq!(code.as_str(), "connection_not_active");
/// assert_eq!(code.explanation().unwrap().status, 403);
/// assert!(ScalekitErrorCode::from("new_code").explanation().is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScalekitErrorCode {
    /// `invalid_redirect_uri`: the redirect URI is not registered.
    InvalidRedirectUri,
    /// `invalid_connection_selector`: the sign-in named no connection, organization, domain or identity provider.
    InvalidConnectionSelector,
    /// `no_active_connections`: no connection that fits is active.
    NoActiveConnections,
    /// `connection_not_active`: the connection is switched off.
    ConnectionNotActive,
    /// `no_configured_connections`: no connection is set up.
    NoConfiguredConnections,
    /// `invalid_organization_id`: there is no such organization.
    InvalidOrganizationId,
    /// `invalid_connection_id`: there is no such connection.
    InvalidConnectionId,
    /// `domain_not_found`: no connection has this domain.
    DomainNotFound,
    /// `invalid_user_domain`: the person's domain is not allowed at this connection.
    InvalidUserDomain,
    /// `invalid_client`: the client is not known.
    InvalidClient,
    /// `application_not_active`: the application is switched off.
    ApplicationNotActive,
    /// `invalid_request`: the request is malformed.
    InvalidRequest,
    /// `invalid_scope`: a scope is refused, as `offline_access`.
    InvalidScope,
    /// `unauthorized`: the sign-in is not authorized.
    Unauthorized,
    /// `user_not_active`: the person is switched off.
    UserNotActive,
    /// `server_error`: Scalekit failed.
    ServerError,
    /// `access_denied`: the person, or the identity provider, said no.
    AccessDenied,
    /// `mandatory_attribute_missing`: the identity provider left a mandatory attribute out.
    MandatoryAttributeMissing,
    /// `invalid_id_token`: the identity provider's ID token is invalid.
    InvalidIdToken,
    /// `failed_to_exchange_token`: the identity provider did not redeem its code, for a wrong secret perhaps.
    FailedToExchangeToken,
    /// `user_info_retrieve_failed`: the identity provider did not tell who it is.
    UserInfoRetrieveFailed,
    /// `invalid_saml_metadata`: the SAML metadata is wrong.
    InvalidSamlMetadata,
    /// `invalid_saml_response`: the SAML response is invalid.
    InvalidSamlResponse,
    /// `signature_validation_failed`: the identity provider's signature is wrong.
    SignatureValidationFailed,
    /// `invalid_acs_url`: the identity provider answers to a wrong URL.
    InvalidAcsUrl,
    /// `invalid_status`: the SAML response has a wrong status.
    InvalidStatus,
    /// `malformed_saml_response`: the SAML response is malformed.
    MalformedSamlResponse,
    /// `assertion_expired`: the SAML assertion is over: too late, or a clock is wrong.
    AssertionExpired,
    /// `response_expired`: the SAML response is over: too late, or a clock is wrong.
    ResponseExpired,
    /// `authentication_not_completed`: the person left before the end.
    AuthenticationNotCompleted,
    /// `user_login_required`: the person has to sign in at the identity provider.
    UserLoginRequired,
    /// A code that this version does not know: at most 100 characters, without control characters.
    Other(String),
}

/// A known code, and what it means to the person.
struct Row(ScalekitErrorCode, &'static str, &'static Meaning);

struct Meaning {
    status: StatusCode,
    text: &'static str,
    try_again: bool,
}

impl Meaning {
    /// Somebody has to change something first.
    const fn lasting(status: StatusCode, text: &'static str) -> Self {
        Self {
            status,
            text,
            try_again: false,
        }
    }

    /// The next try may work.
    const fn passing(status: StatusCode, text: &'static str) -> Self {
        Self {
            status,
            text,
            try_again: true,
        }
    }
}

static APP: Meaning = Meaning::lasting(
    StatusCode::BAD_REQUEST,
    "This app and its sign-in service are not set up to fit each other. Please tell who runs this app.",
);
static NOT_SET_UP: Meaning = Meaning::lasting(
    StatusCode::NOT_FOUND,
    "Single sign-on is not set up for your organization. Please sign in another way, or ask your administrator.",
);
static UNKNOWN_ORGANIZATION: Meaning = Meaning::lasting(
    StatusCode::NOT_FOUND,
    "The link that brought you here names an organization that is not known. Please start from the app's own page.",
);
static SWITCHED_OFF: Meaning = Meaning::lasting(
    StatusCode::FORBIDDEN,
    "Single sign-on is switched off for your organization. Please ask your administrator.",
);
static OTHER_DOMAIN: Meaning = Meaning::lasting(
    StatusCode::FORBIDDEN,
    "Your address is not of a domain that may sign in here. Please use your work account.",
);
static NOT_ALLOWED: Meaning = Meaning::lasting(
    StatusCode::FORBIDDEN,
    "You are not allowed to sign in here. Please ask your administrator.",
);
static USER_OFF: Meaning = Meaning::lasting(
    StatusCode::FORBIDDEN,
    "Your account is not active. Please ask your administrator.",
);
static ATTRIBUTES: Meaning = Meaning::lasting(
    StatusCode::FORBIDDEN,
    "Your organization's sign-in system left out something that is needed, as your address. Please ask your administrator.",
);
static BROKEN: Meaning = Meaning::lasting(
    StatusCode::SERVICE_UNAVAILABLE,
    "Your organization's sign-in system gave an answer that can't be used. Please tell your administrator.",
);
static DENIED: Meaning = Meaning::passing(
    StatusCode::FORBIDDEN,
    "The sign-in was cancelled or refused.",
);
static DOWN: Meaning = Meaning::passing(
    StatusCode::SERVICE_UNAVAILABLE,
    "The sign-in service has a problem. Please try again in a moment.",
);
static TOO_LATE: Meaning = Meaning::passing(
    StatusCode::FORBIDDEN,
    "The answer of your organization's sign-in system came too late. Please try again.",
);
static NOT_DONE: Meaning = Meaning::passing(
    StatusCode::FORBIDDEN,
    "You did not finish signing in at your organization. Please try again.",
);

static ROWS: [Row; 31] = {
    use ScalekitErrorCode::*;
    [
        Row(InvalidRedirectUri, "invalid_redirect_uri", &APP),
        Row(
            InvalidConnectionSelector,
            "invalid_connection_selector",
            &APP,
        ),
        Row(NoActiveConnections, "no_active_connections", &NOT_SET_UP),
        Row(ConnectionNotActive, "connection_not_active", &SWITCHED_OFF),
        Row(
            NoConfiguredConnections,
            "no_configured_connections",
            &NOT_SET_UP,
        ),
        Row(
            InvalidOrganizationId,
            "invalid_organization_id",
            &UNKNOWN_ORGANIZATION,
        ),
        Row(
            InvalidConnectionId,
            "invalid_connection_id",
            &UNKNOWN_ORGANIZATION,
        ),
        Row(DomainNotFound, "domain_not_found", &NOT_SET_UP),
        Row(InvalidUserDomain, "invalid_user_domain", &OTHER_DOMAIN),
        Row(InvalidClient, "invalid_client", &APP),
        Row(ApplicationNotActive, "application_not_active", &APP),
        Row(InvalidRequest, "invalid_request", &APP),
        Row(InvalidScope, "invalid_scope", &APP),
        Row(Unauthorized, "unauthorized", &NOT_ALLOWED),
        Row(UserNotActive, "user_not_active", &USER_OFF),
        Row(ServerError, "server_error", &DOWN),
        Row(AccessDenied, "access_denied", &DENIED),
        Row(
            MandatoryAttributeMissing,
            "mandatory_attribute_missing",
            &ATTRIBUTES,
        ),
        Row(InvalidIdToken, "invalid_id_token", &BROKEN),
        Row(FailedToExchangeToken, "failed_to_exchange_token", &BROKEN),
        Row(UserInfoRetrieveFailed, "user_info_retrieve_failed", &BROKEN),
        Row(InvalidSamlMetadata, "invalid_saml_metadata", &BROKEN),
        Row(InvalidSamlResponse, "invalid_saml_response", &BROKEN),
        Row(
            SignatureValidationFailed,
            "signature_validation_failed",
            &BROKEN,
        ),
        Row(InvalidAcsUrl, "invalid_acs_url", &BROKEN),
        Row(InvalidStatus, "invalid_status", &BROKEN),
        Row(MalformedSamlResponse, "malformed_saml_response", &BROKEN),
        Row(AssertionExpired, "assertion_expired", &TOO_LATE),
        Row(ResponseExpired, "response_expired", &TOO_LATE),
        Row(
            AuthenticationNotCompleted,
            "authentication_not_completed",
            &NOT_DONE,
        ),
        Row(UserLoginRequired, "user_login_required", &NOT_DONE),
    ]
};

impl ScalekitErrorCode {
    fn row(&self) -> Option<&'static Row> {
        ROWS.iter().find(|Row(code, ..)| code == self)
    }

    /// The code on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match (self, self.row()) {
            (Self::Other(code), _) => code,
            (_, row) => row.map_or("", |Row(_, code, _)| code),
        }
    }

    /// What it means to the person who sees it; `None` for a code that is not known.
    #[must_use]
    pub fn explanation(&self) -> Option<Explanation> {
        let Row(_, _, meaning) = self.row()?;
        Some(Explanation {
            status: meaning.status,
            text: meaning.text.to_owned(),
            try_again: meaning.try_again,
        })
    }
}

impl From<&str> for ScalekitErrorCode {
    fn from(text: &str) -> Self {
        match ROWS.iter().find(|Row(_, code, _)| *code == text) {
            Some(Row(code, ..)) => code.clone(),
            None => Self::Other(clean(text, 100)),
        }
    }
}

impl FromStr for ScalekitErrorCode {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Display for ScalekitErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The catalogue of the documents.
    const CATALOGUE: &str = "invalid_redirect_uri 400 invalid_connection_selector 400 no_active_connections 404
        connection_not_active 403 no_configured_connections 404 invalid_organization_id 404 invalid_connection_id 404
        domain_not_found 404 invalid_user_domain 403 invalid_client 400 application_not_active 400
        invalid_request 400 invalid_scope 400 unauthorized 403 user_not_active 403 server_error 503 again
        access_denied 403 again mandatory_attribute_missing 403 invalid_id_token 503 failed_to_exchange_token 503
        user_info_retrieve_failed 503 invalid_saml_metadata 503 invalid_saml_response 503
        signature_validation_failed 503 invalid_acs_url 503 invalid_status 503 malformed_saml_response 503
        assertion_expired 403 again response_expired 403 again authentication_not_completed 403 again
        user_login_required 403 again";

    #[test]
    fn each_code_of_the_catalogue_has_a_meaning() {
        let mut words = CATALOGUE.split_whitespace().peekable();
        let mut known = 0;
        while let (Some(code), Some(status)) = (words.next(), words.next()) {
            let again = words.next_if_eq(&"again").is_some();
            let read: ScalekitErrorCode = code.parse().unwrap();
            assert_eq!(read.as_str(), code);
            let explanation = read.explanation().expect(code);
            assert_eq!(explanation.status.as_str(), status, "{code}");
            assert_eq!(explanation.try_again, again, "{code}");
            assert!(explanation.text.ends_with('.'), "{code}");
            assert!(!explanation.text.contains('_'), "{code}: for people");
            known += 1;
        }
        assert_eq!(known, ROWS.len());
    }

    #[test]
    fn an_unknown_code_is_kept_bounded() {
        for (text, kept) in [("new_code", "new_code"), ("", ""), ("a\n\u{202e}b", "ab")] {
            let code = ScalekitErrorCode::from(text);
            assert_eq!(
                (code.to_string().as_str(), code.explanation()),
                (kept, None)
            );
        }
        let long = ScalekitErrorCode::from("a".repeat(1_000).as_str());
        assert_eq!(long.as_str().len(), 100);
    }
}
