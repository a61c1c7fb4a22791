//! What a request to the API says, and what is wrong with it.

use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::error::ApiError;

/// The members of a JSON body.
#[derive(Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// A body that is no JSON by its content type has no members; no JSON under that type is refused.
    pub(super) fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, ApiError> {
        let is_json = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"));
        if !is_json || bytes.is_empty() {
            return Ok(Self::default());
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(ApiError::invalid(vec![
                "body must be a JSON object".to_owned(),
            ])),
        }
    }

    /// A member that has text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A member; `null` counts as left out.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Starts to look for what is wrong.
    pub(super) fn check(&self) -> Check<'_> {
        Check {
            body: self,
            wrong: Vec::new(),
        }
    }
}

/// Collects all that is wrong with a body, as the API says it.
#[must_use = "nothing is refused until `done`"]
pub(super) struct Check<'a> {
    body: &'a Body,
    wrong: Vec<String>,
}

/// As long as the API lets a device id be.
const DEVICE_ID: usize = 80;

impl Check<'_> {
    /// Text that must be there.
    pub(super) fn text(mut self, name: &str) -> Self {
        match self.body.get(name).map(Value::as_str) {
            Some(Some("")) => self.wrong.push(format!("{name} should not be empty")),
            Some(Some(_)) => {}
            Some(None) | None => self.wrong.push(format!("{name} must be a string")),
        }
        self
    }

    /// Text that may be there.
    pub(super) fn optional_text(self, name: &str) -> Self {
        match self.body.get(name) {
            Some(_) => self.text(name),
            None => self,
        }
    }

    /// One of these words, which must be there.
    pub(super) fn one_of(mut self, name: &str, words: &[&str]) -> Self {
        if !self
            .body
            .text(name)
            .is_some_and(|word| words.contains(&word))
        {
            let words = words.join(", ");
            let wrong = format!("{name} must be one of the following values: {words}");
            self.wrong.push(wrong);
        }
        self
    }

    /// An object that may be there.
    pub(super) fn optional_object(mut self, name: &str) -> Self {
        if self.body.get(name).is_some_and(|value| !value.is_object()) {
            self.wrong.push(format!("{name} must be an object"));
        }
        self
    }

    /// A number that may be there.
    pub(super) fn optional_number(mut self, name: &str) -> Self {
        if self.body.get(name).is_some_and(|value| !value.is_number()) {
            self.wrong.push(format!("{name} must be a number"));
        }
        self
    }

    /// What each request may have that is answered with tokens.
    pub(super) fn for_tokens(self) -> Self {
        self.optional_text("resource")
            .optional_object("claims")
            .optional_text("org_id")
            .for_client()
    }

    /// What each request may have about the browser.
    pub(super) fn for_client(self) -> Self {
        let mut check = self
            .optional_object("client_attributes")
            .optional_text("device_id");
        let device_id = check.body.text("device_id").unwrap_or_default();
        if device_id.chars().count() > DEVICE_ID {
            let wrong =
                format!("device_id must be shorter than or equal to {DEVICE_ID} characters");
            check.wrong.push(wrong);
        }
        check
    }

    /// # Errors
    /// With all that was found.
    pub(super) fn done(self) -> Result<(), ApiError> {
        if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(ApiError::invalid(self.wrong))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn body(value: &Value) -> Body {
        Body(value.as_object().unwrap().clone())
    }

    fn invalid(messages: &[&str]) -> Result<(), ApiError> {
        let messages = messages.iter().map(|&message| message.to_owned());
        Err(ApiError::invalid(messages.collect()))
    }

    #[test]
    fn each_rule_has_its_message() {
        let right = body(&json!({"session_id": "x", "channel": "sms", "claims": {}, "n": 1}));
        let wrong = body(&json!({"session_id": 1, "channel": "fax", "claims": [], "n": "1"}));
        let check = |body: &Body| {
            let check = body
                .check()
                .text("session_id")
                .one_of("channel", &["sms", "email"]);
            check.optional_number("n").for_tokens().done()
        };
        assert_eq!(check(&right), Ok(()));
        let expected = invalid(&[
            "session_id must be a string",
            "channel must be one of the following values: sms, email",
            "n must be a number",
            "claims must be an object",
        ]);
        assert_eq!(check(&wrong), expected);
        let empty = body(&json!({"session_id": "", "device_id": null}));
        let expected = invalid(&["session_id should not be empty"]);
        assert_eq!(
            empty.check().text("session_id").for_tokens().done(),
            expected
        );
        let expected = invalid(&["session_id must be a string"]);
        assert_eq!(Body::default().check().text("session_id").done(), expected);
        assert_eq!(Body::default().check().for_tokens().done(), Ok(()));
        for (length, fits) in [(80, true), (81, false)] {
            let device = body(&json!({"device_id": "d".repeat(length)}));
            assert_eq!(device.check().for_client().done().is_ok(), fits, "{length}");
        }
    }

    #[test]
    fn a_body_is_json_by_its_content_type() {
        let parse = |content_type: &'static str, bytes: &[u8]| {
            let content_type = HeaderValue::from_static(content_type);
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
            Body::parse(&headers, bytes).map(|body| body.text("a").map(ToOwned::to_owned))
        };
        let found = Ok(Some("1".to_owned()));
        assert_eq!(parse("application/json", br#"{"a":"1"}"#), found);
        assert_eq!(
            parse("application/json; charset=utf-8", br#"{"a":"1"}"#),
            found
        );
        assert_eq!(parse("text/plain", br#"{"a":"1"}"#), Ok(None));
        assert_eq!(parse("application/json", b""), Ok(None));
        assert!(parse("application/json", b"{").is_err());
        assert!(parse("application/json", b"[]").is_err());
    }
}
