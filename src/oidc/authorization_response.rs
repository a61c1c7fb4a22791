//! What the browser brings back from the provider.

use std::fmt;

use super::form;
use super::text::{DESCRIPTION_LENGTH, ERROR_LENGTH, clean};
use crate::secret::Secret;
use crate::{Error, Result};

/// What an essential `acr` that can't be met is answered with (OpenID Connect Core Unmet Authentication
/// Requirements 1.0).
pub const UNMET_AUTHENTICATION_REQUIREMENTS: &str = "unmet_authentication_requirements";

/// Why a provider does not answer `prompt=none` without a page (OpenID Connect Core 3.1.2.6): an outcome, and
/// no failure.
///
/// ```
/// use tower_sso::oidc::SilentRefusal;
///
/// assert_eq!(SilentRefusal::of_code("login_required"), Some(SilentRefusal::LoginRequired));
/// assert_eq!(SilentRefusal::of_code("server_error"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SilentRefusal {
    /// Nobody fitting is signed in there.
    LoginRequired,
    /// Something would have to be asked, as a further factor.
    InteractionRequired,
    /// The person would have to agree.
    ConsentRequired,
    /// The person would have to choose an account.
    AccountSelectionRequired,
}

impl SilentRefusal {
    /// The refusal that an `error` of the authorization response stands for; `None` for any other error.
    #[must_use]
    pub fn of_code(error: &str) -> Option<Self> {
        Some(match error {
            "login_required" => Self::LoginRequired,
            "interaction_required" => Self::InteractionRequired,
            "consent_required" => Self::ConsentRequired,
            "account_selection_required" => Self::AccountSelectionRequired,
            _ => return None,
        })
    }
}

/// The answer to an authorization request: a code or an error (OpenID Connect Core 3.1.2.5, 3.1.2.6),
/// from a query or a posted form.
///
/// ```
/// use tower_sso::oidc::AuthorizationResponse;
///
/// let response = AuthorizationResponse::parse(b"error=access_denied&state=abc")?;
/// assert_eq!(response.state(), Some("abc"));
/// assert!(AuthorizationResponse::parse(b"code=a&code=b&state=abc").is_err());
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone)]
pub enum AuthorizationResponse {
    /// Signed in; the code is redeemed at the token endpoint.
    Code {
        /// The code.
        code: Secret<String>,
        /// The state that we sent, if it is one of ours.
        state: String,
        /// Who answers (RFC 9207).
        iss: Option<String>,
    },
    /// Not signed in. Anybody can make a browser bring this: it is text to show, escaped, and no more.
    Error {
        /// The error code, at most 100 characters without control characters.
        error: String,
        /// The description, at most 500 characters without control characters.
        description: Option<String>,
        /// The state that we sent, if it is one of ours.
        state: Option<String>,
        /// Who answers (RFC 9207).
        iss: Option<String>,
    },
}

const MAX_LENGTH: usize = 64 * 1024;
/// Codes are opaque and some providers seal their whole state in them.
const MAX_CODE: usize = 16 * 1024;
/// Far more than our own states need: a longer one is not ours.
const MAX_STATE: usize = 1024;
const MAX_ISS: usize = 2048;

impl AuthorizationResponse {
    /// Reads a query (without `?`) or a form body.
    ///
    /// Parameters without a value count as left out, unknown ones are ignored (RFC 6749 section 3.1,
    /// section 4.1.2).
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): more than 64 KiB, or a value beyond its bound;
    /// malformed percent-encoding or UTF-8; a parameter of the protocol that comes twice; both a code
    /// and an error, or neither; a code without state.
    pub fn parse(query_or_form: &[u8]) -> Result<Self> {
        let refuse = |why: &'static str| Err(Error::request(why));
        let Fields {
            code,
            state,
            error,
            error_description,
            iss,
            ..
        } = Fields::read(query_or_form)?;
        for (value, bound) in [(&code, MAX_CODE), (&state, MAX_STATE), (&iss, MAX_ISS)] {
            if value.as_ref().is_some_and(|value| value.len() > bound) {
                return refuse("a parameter of the authorization response is too long");
            }
        }
        match (code, error) {
            (Some(code), None) => match state {
                Some(state) => Ok(Self::Code {
                    code: Secret::new(code),
                    state,
                    iss,
                }),
                None => refuse("the authorization response has no state"),
            },
            (None, Some(error)) => {
                let error = clean(&error, ERROR_LENGTH);
                if error.is_empty() {
                    return refuse("the authorization response has an unreadable error");
                }
                Ok(Self::Error {
                    error,
                    description: error_description.map(|text| clean(&text, DESCRIPTION_LENGTH)),
                    state,
                    iss,
                })
            }
            (Some(_), Some(_)) => refuse("the authorization response has both a code and an error"),
            (None, None) => refuse("the authorization response has neither a code nor an error"),
        }
    }

    /// The state that came back.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        match self {
            Self::Code { state, .. } => Some(state),
            Self::Error { state, .. } => state.as_deref(),
        }
    }

    /// Who answers, by its own word (RFC 9207 section 2).
    #[must_use]
    pub fn iss(&self) -> Option<&str> {
        match self {
            Self::Code { iss, .. } | Self::Error { iss, .. } => iss.as_deref(),
        }
    }
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { iss, .. } => f
                .debug_struct("Code")
                .field("iss", iss)
                .finish_non_exhaustive(),
            Self::Error { error, iss, .. } => f
                .debug_struct("Error")
                .field("error", error)
                .field("iss", iss)
                .finish_non_exhaustive(),
        }
    }
}

#[derive(Default)]
struct Fields {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    error_uri: Option<String>,
    iss: Option<String>,
    session_state: Option<String>,
}

impl Fields {
    fn read(form: &[u8]) -> Result<Self> {
        if form.len() > MAX_LENGTH {
            return Err(Error::request("the authorization response is too long"));
        }
        let mut fields = Self::default();
        for pair in form::pairs(form) {
            let (name, value) = pair.map_err(|_| {
                Error::request("the authorization response is not a well-formed form")
            })?;
            let field = match name.as_str() {
                "code" => &mut fields.code,
                "state" => &mut fields.state,
                "error" => &mut fields.error,
                "error_description" => &mut fields.error_description,
                "error_uri" => &mut fields.error_uri,
                "iss" => &mut fields.iss,
                "session_state" => &mut fields.session_state,
                _ => continue,
            };
            if field.replace(value).is_some() {
                return Err(Error::request(
                    "a parameter of the authorization response comes twice",
                ));
            }
        }
        for field in [
            &mut fields.code,
            &mut fields.state,
            &mut fields.error,
            &mut fields.error_description,
            &mut fields.iss,
        ] {
            field.take_if(|value| value.is_empty());
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn parse(form: &str) -> Result<AuthorizationResponse> {
        AuthorizationResponse::parse(form.as_bytes())
    }

    #[test]
    fn a_code_comes_with_state_and_issuer() {
        let response =
            parse("code=a%2Fb&state=s&iss=https%3A%2F%2Fidp&session_state=x&scope=a&scope=b")
                .unwrap();
        assert_eq!(
            (response.state(), response.iss()),
            (Some("s"), Some("https://idp"))
        );
        let AuthorizationResponse::Code { code, .. } = &response else {
            panic!("not a code");
        };
        assert_eq!(code.expose(), "a/b");
        assert!(!format!("{response:?}").contains("a/b"));
    }

    #[test]
    fn an_error_is_text_to_show() {
        let long = "ä".repeat(600);
        let form = format!("error=access%00_denied&error_description={long}%0d%0ax&error_uri=u");
        let Ok(AuthorizationResponse::Error {
            error,
            description,
            state,
            iss,
        }) = parse(&form)
        else {
            panic!("not an error");
        };
        assert_eq!((error.as_str(), state, iss), ("access_denied", None, None));
        assert_eq!(description.unwrap().chars().count(), DESCRIPTION_LENGTH);
        let response = parse(&format!("error={}&state=s", "e".repeat(200))).unwrap();
        assert_eq!(response.state(), Some("s"));
        let AuthorizationResponse::Error { error, .. } = response else {
            panic!("not an error");
        };
        assert_eq!(error.len(), ERROR_LENGTH);
    }

    #[test]
    fn refuses_what_is_malformed_or_ambiguous() {
        for bad in [
            "",
            "state=s",
            "code=a",
            "code=a&state=",
            "code=&state=s",
            "code=a&error=b&state=s",
            "error=%00",
            "code=a&state=%",
            "code=a&state=%ff",
            "code=a&state=s&x=%zz",
            "code=a&code=a&state=s",
            "code=a&code=&state=s",
            "code=a&state=s&state=s",
            "code=a&%73tate=s&state=s",
            "code=a&state=s&iss=a&iss=b",
            "code=a&state=s&session_state=a&session_state=b",
            "error=a&error=a",
            "error=a&error_description=a&error_description=b",
            "error=a&error_uri=a&error_uri=b",
        ] {
            assert_eq!(
                parse(bad).expect_err(bad).kind(),
                ErrorKind::Request,
                "{bad}"
            );
        }
        assert!(
            parse("code=a&error=&state=s").is_ok(),
            "RFC 6749 section 3.1"
        );
    }

    #[test]
    fn everything_is_bounded() {
        let fits = |name: &str, length: usize| {
            let value = "a".repeat(length);
            match name {
                "code" => parse(&format!("code={value}&state=s")).is_ok(),
                "state" => parse(&format!("code=c&state={value}")).is_ok(),
                _ => parse(&format!("code=c&state=s&{name}={value}")).is_ok(),
            }
        };
        for (name, bound) in [("code", MAX_CODE), ("state", MAX_STATE), ("iss", MAX_ISS)] {
            assert!(fits(name, bound), "{name}");
            assert!(!fits(name, bound + 1), "{name}");
        }
        let rest = MAX_LENGTH - "code=c&state=s&x=".len();
        assert!(fits("x", rest));
        assert!(!fits("x", rest + 1));
    }

    #[test]
    fn answers_to_a_silent_request_are_told_apart() {
        for code in [
            "login_required",
            "interaction_required",
            "consent_required",
            "account_selection_required",
        ] {
            assert!(SilentRefusal::of_code(code).is_some(), "{code}");
        }
        for code in ["access_denied", UNMET_AUTHENTICATION_REQUIREMENTS, ""] {
            assert!(SilentRefusal::of_code(code).is_none(), "{code}");
        }
    }
}
