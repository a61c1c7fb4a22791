use bytes::Bytes;
use http::{Method, Request, Uri, header};

use super::assert_showable;
use crate::endpoint::callback::parameters;
use crate::oidc::AuthorizationResponse;

/// The parameters of the protocol; each may come once (RFC 6749 section 3.1).
const ONCE: [&str; 7] = [
    "code",
    "state",
    "error",
    "error_description",
    "error_uri",
    "iss",
    "session_state",
];

/// An answer by query is read as a plain reader of forms reads it, or refused.
pub fn callback_query(data: &[u8]) {
    let target = [b"/auth/callback?", data].concat();
    // What is no URI is refused before it comes to us.
    let Ok(uri) = Uri::try_from(target) else {
        return;
    };
    let query = uri.query().unwrap_or_default().to_owned();
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri;
    let read = parameters(&request).expect("a query has no content type to be wrong");
    assert_eq!(read, query.as_bytes());
    assert_read_plainly(read);
}

/// An answer by POST is read from a form and from nothing else; the first line is the content type. Query
/// and form with the same text say the same.
pub fn callback_form(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == b'\n');
    let (content_type, body) = data.split_at(at.unwrap_or(0));
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let Ok(content_type) = http::HeaderValue::from_bytes(content_type) else {
        return;
    };
    let is_form = is_form(content_type.as_bytes());
    let mut request = Request::new(Bytes::copy_from_slice(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("/auth/callback?code=of-the-query&state=of-the-query");
    request
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    let Ok(read) = parameters(&request) else {
        assert!(!is_form);
        return;
    };
    assert!(is_form);
    assert_eq!(read, body, "the query of a POST is not looked at");
    assert_read_plainly(read);
}

/// RFC 9110 section 8.3.1: the type in any case, then perhaps parameters.
fn is_form(content_type: &[u8]) -> bool {
    let end = content_type.iter().position(|byte| *byte == b';');
    let essence = content_type[..end.unwrap_or(content_type.len())].trim_ascii();
    let visible = |byte: &u8| (0x20..0x7f).contains(byte) || *byte == b'\t';
    content_type.iter().all(visible)
        && essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

fn assert_read_plainly(text: &[u8]) {
    let Ok(response) = AuthorizationResponse::parse(text) else {
        return;
    };
    assert!(text.len() <= 64 * 1024);
    let pairs: Vec<_> = url::form_urlencoded::parse(text).collect();
    let one = |name: &str| {
        let mut values = pairs.iter().filter(|(own, _)| own == name);
        let value = values.next().map(|(_, value)| value.as_ref());
        assert!(values.next().is_none(), "{name} comes twice");
        value.filter(|value| !value.is_empty())
    };
    for name in ONCE {
        one(name);
    }
    assert_eq!(response.state(), one("state"));
    assert_eq!(response.iss(), one("iss"));
    assert!(response.state().is_none_or(|state| state.len() <= 1024));
    assert!(response.iss().is_none_or(|iss| iss.len() <= 2048));
    match &response {
        AuthorizationResponse::Code { code, state, .. } => {
            assert_eq!(Some(code.expose().as_str()), one("code"));
            assert!(!state.is_empty() && code.expose().len() <= 16 * 1024);
            assert_eq!(one("error"), None, "never a code and an error");
        }
        AuthorizationResponse::Error {
            error, description, ..
        } => {
            assert_eq!(one("code"), None, "never a code and an error");
            assert!(!error.is_empty());
            assert_showable(error, 100);
            assert!(one("error").is_some_and(|came| came.len() >= error.len()));
            if let Some(description) = description {
                assert_showable(description, 500);
                assert!(one("error_description").is_some());
            }
        }
    }
}
