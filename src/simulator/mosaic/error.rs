//! The API's errors, in the two shapes that they come in.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

/// A refusal of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// `{"error_code":"400","message":"…"}`: the status as text, or a code that says more.
    Named(Option<&'static str>, Cow<'static, str>),
    /// `{"message":["…"],"error_code":400}`: what is wrong with the request, and a number.
    Invalid(Vec<String>),
}

impl ApiError {
    pub(super) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let reason = Reason::Named(None, message.into());
        Self { status, reason }
    }

    pub(super) fn coded(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        let reason = Reason::Named(Some(code), message.into());
        Self { status, reason }
    }

    pub(super) fn bad_request(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn invalid(messages: Vec<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            reason: Reason::Invalid(messages),
        }
    }

    pub(super) fn session_not_found() -> Self {
        Self::bad_request("Session not found")
    }

    pub(super) fn user_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "User not found")
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    fn body(&self, as_list: bool) -> Value {
        let status = self.status.as_u16();
        match &self.reason {
            Reason::Invalid(messages) => json!({"message": messages, "error_code": status}),
            Reason::Named(_, message) if as_list => {
                json!({"message": [message], "error_code": status})
            }
            Reason::Named(code, message) => {
                let code = code.map_or_else(|| status.to_string(), ToOwned::to_owned);
                json!({"error_code": code, "message": message})
            }
        }
    }

    /// The response; `as_list` gives every error the shape of a validation error.
    pub(super) fn respond(&self, as_list: bool) -> Response {
        let content_type = [(header::CONTENT_TYPE, "application/json")];
        let body = self.body(as_list).to_string();
        (self.status, content_type, body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_is_as_documented() {
        let named = ApiError::session_not_found();
        let text = json!({"error_code": "400", "message": "Session not found"});
        assert_eq!(named.body(false), text);
        let list = json!({"message": ["Session not found"], "error_code": 400});
        assert_eq!(named.body(true), list);
        let coded = ApiError::coded(StatusCode::FORBIDDEN, "auth_locked", "Locked");
        let text = json!({"error_code": "auth_locked", "message": "Locked"});
        assert_eq!(coded.body(false), text);
        let list = json!({"message": ["Locked"], "error_code": 403});
        assert_eq!(coded.body(true), list);
        let invalid = ApiError::invalid(vec!["x must be a string".to_owned()]);
        let list = json!({"message": ["x must be a string"], "error_code": 400});
        assert_eq!(
            (invalid.body(false), invalid.body(true)),
            (list.clone(), list)
        );
    }
}
