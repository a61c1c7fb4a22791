//! What the token endpoint answers.

use std::time::Duration;

use serde_json::{Map, Value};

use super::json;
use super::text::{DESCRIPTION_LENGTH, ERROR_LENGTH, clean};
use crate::secret::Secret;
use crate::{Error, Result};

/// A successful answer of the token endpoint (RFC 6749 section 5.1, OpenID Connect Core 3.1.3.3).
/// Its ID token is not verified yet.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The access token, of type Bearer.
    pub access_token: Secret<String>,
    /// How long the access token lives from now on; absent if the provider does not say.
    pub expires_in: Option<Duration>,
    /// The refresh token; at a refresh, absent means that the old one stays good.
    pub refresh_token: Option<Secret<String>>,
    /// The ID token, in compact form.
    pub id_token: Option<Secret<String>>,
    /// What was granted; absent means what was asked for (RFC 6749 section 5.1).
    pub scope: Option<Vec<String>>,
}

impl TokenResponse {
    /// Reads the body of a 200 answer.
    ///
    /// `expires_in` may be a number or a string of digits; anything else in it counts as left out,
    /// because it is a hint (RFC 6749 section 4.2.2 lets a provider leave it out) and the resource server
    /// decides; a number too large for the type is cut to the largest. `scope` may be a string or, as some providers
    /// have it, a list. `null` and an empty token count as left out.
    ///
    /// # Errors
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): no JSON object, no access token, a token type
    /// other than Bearer, a field of a wrong type, or a token with a character that is not visible ASCII
    /// or a space (RFC 6749 appendices A.12 and A.17).
    pub fn parse(body: &[u8]) -> Result<Self> {
        Self::read(body, true)
    }

    /// As [`parse`](Self::parse), where a `token_type` that is left out stands for Bearer: for vendors whose
    /// answers have none.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with_optional_type(body: &[u8]) -> Result<Self> {
        Self::read(body, false)
    }

    fn read(body: &[u8], must_have_type: bool) -> Result<Self> {
        let refuse = |why: &'static str| Error::provider(why);
        let fields = json::object(body)
            .ok_or_else(|| refuse("the token endpoint's answer is not a JSON object"))?;
        let access_token = token(&fields, "access_token")?
            .ok_or_else(|| refuse("the token endpoint's answer has no access_token"))?;
        let bearer = match fields.get("token_type") {
            None | Some(Value::Null) => !must_have_type,
            Some(kind) => kind
                .as_str()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer")),
        };
        if !bearer {
            return Err(refuse("the token endpoint's token_type is not Bearer"));
        }
        Ok(Self {
            access_token,
            expires_in: fields.get("expires_in").and_then(lifetime),
            refresh_token: token(&fields, "refresh_token")?,
            id_token: token(&fields, "id_token")?,
            scope: scope(fields.get("scope"))?,
        })
    }
}

/// A refusal of the token endpoint (RFC 6749 section 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    /// The error code, as `invalid_grant`; at most 100 characters.
    pub error: String,
    /// Text for whoever reads logs; at most 500 characters, without control characters.
    pub error_description: Option<String>,
}

impl TokenError {
    /// Reads the body of a 4xx answer; `None` if it is not such an error.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let fields = json::object(body)?;
        let error = clean(fields.get("error")?.as_str()?, ERROR_LENGTH);
        let description = fields.get("error_description").and_then(Value::as_str);
        (!error.is_empty()).then(|| Self {
            error,
            error_description: description.map(|text| clean(text, DESCRIPTION_LENGTH)),
        })
    }
}

fn token(fields: &Map<String, Value>, name: &'static str) -> Result<Option<Secret<String>>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        // VSCHAR: a line break would end the `Authorization` field that the token is sent in.
        Some(Value::String(token)) if !token.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) => {
            Err(Error::provider(format!(
                "the token endpoint's {name} has a character that no token has"
            )))
        }
        Some(Value::String(token)) => Ok((!token.is_empty()).then(|| Secret::new(token.clone()))),
        Some(_) => Err(Error::provider(format!(
            "the token endpoint's {name} is not a string"
        ))),
    }
}

fn lifetime(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let seconds = number.as_f64()?;
            // `as` saturates.
            (seconds >= 0.0).then_some(seconds as u64)
        })?,
        Value::String(text) => {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(u64::MAX))?
        }
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

fn scope(value: Option<&Value>) -> Result<Option<Vec<String>>> {
    let wrong = || Error::provider("the token endpoint's scope is not a string");
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(scopes)) => {
            Ok(Some(scopes.split_whitespace().map(str::to_owned).collect()))
        }
        Some(Value::Array(scopes)) => scopes
            .iter()
            .map(|scope| scope.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect::<Result<_>>()
            .map(Some),
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(fields: &str) -> Result<TokenResponse> {
        let body = format!(r#"{{"access_token":"at","token_type":"bearer"{fields}}}"#);
        TokenResponse::parse(body.as_bytes())
    }

    #[test]
    fn only_who_asks_for_it_gets_a_token_without_a_type() {
        for (kind, believed) in [
            ("", true),
            (r#","token_type":null"#, true),
            (r#","token_type":"bearer""#, true),
            (r#","token_type":"DPoP""#, false),
            (r#","token_type":"""#, false),
            (r#","token_type":7"#, false),
        ] {
            let body = format!(r#"{{"access_token":"a"{kind}}}"#);
            let read = TokenResponse::parse_with_optional_type(body.as_bytes());
            assert_eq!(read.is_ok(), believed, "{kind}");
            let strict = TokenResponse::parse(body.as_bytes());
            assert_eq!(strict.is_ok(), kind.contains("bearer"), "{kind}");
        }
    }

    #[test]
    fn reads_tokens_and_shows_none() {
        let response = with(
            r#","expires_in":60,"refresh_token":"hunter1","id_token":"hunter2","scope":"openid email""#,
        )
        .unwrap();
        assert_eq!(response.access_token.expose(), "at");
        assert_eq!(response.expires_in, Some(Duration::from_secs(60)));
        assert_eq!(response.refresh_token.as_ref().unwrap().expose(), "hunter1");
        assert_eq!(response.id_token.as_ref().unwrap().expose(), "hunter2");
        assert_eq!(response.scope.as_deref().unwrap(), ["openid", "email"]);
        assert!(!format!("{response:?}").contains("hunter"));

        let least = with(r#","id_token":"","refresh_token":null"#).unwrap();
        assert!(least.id_token.is_none() && least.refresh_token.is_none());
        assert!(least.expires_in.is_none() && least.scope.is_none());
        assert_eq!(
            with(r#","scope":["a","b"]"#).unwrap().scope.unwrap(),
            ["a", "b"]
        );
    }

    #[test]
    fn expires_in_is_a_hint() {
        for (value, seconds) in [
            ("0", Some(0)),
            ("3600", Some(3600)),
            ("3600.9", Some(3600)),
            ("\"3600\"", Some(3600)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("\"99999999999999999999999999\"", Some(u64::MAX)),
            ("-1", None),
            ("-0.5", None),
            ("\"-1\"", None),
            ("\"NaN\"", None),
            ("\"\"", None),
            ("\"soon\"", None),
            ("true", None),
            ("null", None),
            ("[]", None),
        ] {
            let response = with(&format!(",\"expires_in\":{value}")).expect(value);
            assert_eq!(
                response.expires_in,
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_token_response() {
        for body in [
            "",
            "<html>",
            "[]",
            r#"{"token_type":"Bearer"}"#,
            r#"{"access_token":"","token_type":"Bearer"}"#,
            r#"{"access_token":1,"token_type":"Bearer"}"#,
            r#"{"access_token":"at"}"#,
            r#"{"access_token":"at","token_type":"DPoP"}"#,
            r#"{"access_token":"at","token_type":"mac"}"#,
            r#"{"access_token":"at","token_type":7}"#,
            r#"{"access_token":"at","access_token":"at","token_type":"Bearer"}"#,
            r#"{"access_token":"at","token_type":"Bearer","id_token":{}}"#,
            r#"{"access_token":"at","token_type":"Bearer","refresh_token":1}"#,
            r#"{"access_token":"a\r\nb","token_type":"Bearer"}"#,
            r#"{"access_token":"ä","token_type":"Bearer"}"#,
            r#"{"access_token":"at","token_type":"Bearer","refresh_token":"a\u0000"}"#,
            r#"{"access_token":"at","token_type":"Bearer","id_token":"a.b.c\n"}"#,
            r#"{"access_token":"at","token_type":"Bearer","scope":1}"#,
            r#"{"access_token":"at","token_type":"Bearer","scope":[1]}"#,
        ] {
            let error = TokenResponse::parse(body.as_bytes()).expect_err(body);
            assert_eq!(error.kind(), crate::ErrorKind::Provider, "{body}");
        }
    }

    #[test]
    fn errors_are_bounded_text() {
        let long = format!(
            r#"{{"error":"{}","error_description":"a\n{}"}}"#,
            "e".repeat(200),
            "d".repeat(600)
        );
        let error = TokenError::parse(long.as_bytes()).unwrap();
        assert_eq!(error.error.len(), ERROR_LENGTH);
        let description = error.error_description.unwrap();
        assert!(description.starts_with("ad") && description.len() == DESCRIPTION_LENGTH);
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"error":""}"#,
            r#"{"error":{"code":1}}"#,
        ] {
            assert_eq!(TokenError::parse(body.as_bytes()), None, "{body}");
        }
    }
}
