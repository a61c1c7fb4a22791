//! What the UserInfo endpoint answers.

use serde_json::{Map, Value};

use super::json;
use crate::{Error, Result};

/// The claims of a plain UserInfo answer about `subject`.
///
/// # Errors
/// [`ErrorKind::Provider`](crate::ErrorKind::Provider): no JSON object, or a `sub` that is absent or
/// another than that of the ID token: then it may be about somebody else and must not be used
/// (OpenID Connect Core 5.3.2, 5.3.4).
///
/// ```
/// use tower_sso::oidc::userinfo;
///
/// let claims = userinfo::check(br#"{"sub":"alice","email":"alice@example.com"}"#, "alice")?;
/// assert_eq!(claims["email"], "alice@example.com");
/// assert!(userinfo::check(br#"{"sub":"mallory"}"#, "alice").is_err());
/// # Ok::<(), tower_sso::Error>(())
/// ```
pub fn check(body: &[u8], subject: &str) -> Result<Map<String, Value>> {
    let claims =
        json::object(body).ok_or_else(|| Error::provider("userinfo is not a JSON object"))?;
    match claims.get("sub").and_then(Value::as_str) {
        Some(sub) if sub == subject => Ok(claims),
        Some(_) => Err(Error::provider("userinfo is about another subject")),
        None => Err(Error::provider("userinfo has no sub")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_claims_about_the_same_subject_are_used() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"sub":null}"#,
            r#"{"sub":["alice"]}"#,
            r#"{"sub":"Alice"}"#,
            r#"{"sub":"mallory","sub":"alice"}"#,
        ] {
            let error = check(body.as_bytes(), "alice").expect_err(body);
            assert_eq!(error.kind(), crate::ErrorKind::Provider, "{body}");
        }
        assert!(check(br#"{"sub":"alice"}"#, "alice").is_ok());
    }
}
