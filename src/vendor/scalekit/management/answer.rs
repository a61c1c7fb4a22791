//! What an answer of the management API means: pure.

use std::fmt;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::oidc::json;
use crate::oidc::text::clean;
use crate::provider::http::answer;
use crate::{Error, Result};

const LONGEST_MESSAGE: usize = 200;

/// The management API's no. It is the [`source`](std::error::Error::source) of the [`Error`] of a refused call,
/// and its `error_code` is that error's [`code`](Error::code).
///
/// ```
/// use std::error::Error as _;
/// use tower_sso::vendor::scalekit::ManagementRefusal;
///
/// fn is_unknown(error: &tower_sso::Error) -> bool {
///     let refusal = error.source().and_then(|source| source.downcast_ref::<ManagementRefusal>());
///     refusal.is_some_and(|refusal| refusal.status == 404)
/// }
/// # let _ = is_unknown;
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagementRefusal {
    /// The status of the answer: 400 to 499.
    pub status: u16,
    /// Its number (`code`, as gRPC counts: 16 for no valid token), where it gave one.
    pub code: Option<i64>,
    /// Its name (the first `details[].error_code`, as `UNAUTHENTICATED`), where it gave one.
    pub error_code: Option<String>,
    /// What it says of it, at most 200 characters. It may repeat what was sent: escape it on a page, and keep it
    /// out of logs.
    pub message: Option<String>,
}

impl ManagementRefusal {
    fn read(status: u16, body: &Map<String, Value>) -> Self {
        let details = body.get("details").and_then(Value::as_array);
        let mut names = details.into_iter().flatten().filter_map(error_code);
        Self {
            status,
            code: body.get("code").and_then(Value::as_i64),
            error_code: names.next(),
            message: body
                .get("message")
                .and_then(Value::as_str)
                .map(|text| clean(text, LONGEST_MESSAGE)),
        }
    }

    fn into_error(self) -> Error {
        let error = Error::provider(self.to_string());
        let error = match &self.error_code {
            Some(code) => error.with_code(code),
            None => error,
        };
        error.with_source(self)
    }
}

impl fmt::Display for ManagementRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scalekit refuses the call (status {})", self.status)
    }
}

impl fmt::Debug for ManagementRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagementRefusal")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ManagementRefusal {}

/// A name of the vendor's. Anything else may be a value that it repeats, and has no place in a log.
fn error_code(detail: &Value) -> Option<String> {
    let code = detail.get("error_code")?.as_str()?;
    let is_name = (1..=64).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    is_name.then(|| code.to_owned())
}

/// The JSON object of a success.
///
/// # Errors
/// [`ErrorKind::Provider`](crate::ErrorKind::Provider) for a refusal in the API's own shape. Whatever else comes
/// (429, 5xx, a page, a redirect) is [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable).
pub(super) fn object(answer: &Response<Bytes>) -> Result<Map<String, Value>> {
    let status = answer.status();
    let unavailable = || answer::unavailable(status, answer.headers(), "management API");
    let speaks = status.is_success() || (status.is_client_error() && !answer::is_temporary(status));
    if !speaks {
        return Err(unavailable());
    }
    let body = json::object(answer.body()).ok_or_else(unavailable)?;
    if status.is_success() {
        return Ok(body);
    }
    Err(ManagementRefusal::read(status.as_u16(), &body).into_error())
}

/// A member of an object by either spelling: the API's own, and that of the clients that it generates.
pub(super) fn member<'a>(object: &'a Value, names: [&str; 2]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.get(name))
}

pub(super) fn text(object: &Value, names: [&str; 2]) -> Option<String> {
    let text = member(object, names)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;
    use crate::ErrorKind;

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        let answer = Response::builder().status(status);
        answer.body(Bytes::from(body.to_owned())).unwrap()
    }

    #[test]
    fn a_refusal_has_its_names() {
        let body = r#"{"code":16,"message":"no\ntoken","details":[{"x":1},{"error_code":"UNAUTHENTICATED"}]}"#;
        let error = object(&answer(401, body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider);
        assert_eq!(error.code(), Some("UNAUTHENTICATED"));
        let refusal = error.source().unwrap().downcast_ref::<ManagementRefusal>();
        let refusal = refusal.unwrap();
        assert_eq!((refusal.status, refusal.code), (401, Some(16)));
        assert_eq!(refusal.message.as_deref(), Some("notoken"));
        assert!(!format!("{error} {error:?}").contains("token"), "{error:?}");

        for body in [
            "{}",
            r#"{"code":"16","details":{"error_code":"X"},"message":[1]}"#,
            r#"{"details":[{"error_code":"the secret"},{"error_code":""}]}"#,
        ] {
            let error = object(&answer(400, body)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Provider, "{body}");
            assert_eq!(error.code(), None, "{body}");
        }
    }

    #[test]
    fn what_is_not_of_the_api_says_nothing() {
        let refusal = r#"{"code":5,"message":"x"}"#;
        for (status, body) in [
            (200, "<html>"),
            (200, ""),
            (200, "[]"),
            (200, r#"{"a":1,"a":2}"#),
            (302, refusal),
            (401, "<html>"),
            (404, "not here"),
            (408, refusal),
            (429, refusal),
            (500, refusal),
            (503, refusal),
        ] {
            let error = object(&answer(status, body)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{status} {body}");
        }
        assert!(object(&answer(201, "{}")).is_ok());
    }
}
