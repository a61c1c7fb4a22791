//! Who asks at a token endpoint, and how it answers (RFC 6749 sections 2.3, 3.2, 5.1 and 5.2).

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::client::{Clients, Known};
use super::params::Params;
use crate::secret::Secret;

/// An error response of RFC 6749 section 5.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenError {
    code: Cow<'static, str>,
    /// Left out where it is empty.
    description: &'static str,
    /// The client tried the `Authorization` header, so the answer must name a scheme.
    by_header: bool,
}

pub(super) fn refuse(code: impl Into<Cow<'static, str>>, description: &'static str) -> TokenError {
    TokenError {
        code: code.into(),
        description,
        by_header: false,
    }
}

/// The client that a request proved to come from.
#[derive(Debug)]
pub(super) struct Authenticated {
    pub(super) client_id: String,
    /// What it proved it with; kept only to forge tokens with, where a fault wants that.
    pub(super) secret: Option<Secret>,
}

/// The parameters of a request to a token endpoint (RFC 6749 section 3.2).
pub(super) fn form(headers: &HeaderMap, body: &[u8]) -> Result<Params, TokenError> {
    let form = Params::parse(body);
    let urlencoded = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    if !urlencoded {
        return Err(refuse("invalid_request", "the body is no urlencoded form"));
    }
    if form.repeats_any() {
        return Err(refuse("invalid_request", "a parameter comes twice"));
    }
    Ok(form)
}

/// `client_secret_basic`, `client_secret_post` or `none` (RFC 6749 section 2.3).
pub(super) fn authenticate(
    clients: &Clients,
    headers: &HeaderMap,
    form: &Params,
) -> Result<Authenticated, TokenError> {
    let by_header = headers.contains_key(header::AUTHORIZATION);
    let invalid = |description| TokenError {
        code: "invalid_client".into(),
        description,
        by_header,
    };
    let (client_id, secret) = if by_header {
        if form.get("client_secret").is_some() {
            let twice = "the client authenticates in two ways";
            return Err(refuse("invalid_request", twice));
        }
        let (id, secret) =
            basic(headers).ok_or(invalid("the Authorization header is malformed"))?;
        if form.get("client_id").is_some_and(|other| other != id) {
            return Err(refuse(
                "invalid_request",
                "client_id differs from the header",
            ));
        }
        (id, Some(secret))
    } else {
        let id = form.get("client_id").unwrap_or_default().to_owned();
        (id, form.get("client_secret").map(Secret::from))
    };
    let known = clients
        .find(&client_id)
        .ok_or(invalid("this client is not registered"))?;
    if let Known::Registered(client) = known
        && client.secret() != secret.as_ref()
    {
        return Err(invalid("the client's secret is wrong"));
    }
    Ok(Authenticated { client_id, secret })
}

/// Id and secret, each form-encoded before they were joined (RFC 6749 section 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, Secret)> {
    let field = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = field.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = credentials.split_once(':')?;
    Some((form_decoded(id)?, Secret::new(form_decoded(secret)?)))
}

fn form_decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// The response of a token endpoint (RFC 6749 sections 5.1 and 5.2).
pub(super) fn respond(answer: Result<Value, TokenError>) -> Response {
    let (status, body, by_header) = match answer {
        Ok(body) => (StatusCode::OK, body, false),
        Err(error) => {
            let status = match &*error.code {
                "invalid_client" => StatusCode::UNAUTHORIZED,
                _ => StatusCode::BAD_REQUEST,
            };
            let mut body = json!({"error": error.code});
            if !error.description.is_empty() {
                body["error_description"] = error.description.into();
            }
            (status, body, error.by_header)
        }
    };
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if by_header {
        let scheme = HeaderValue::from_static("Basic realm=\"simulator\"");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::client::SimulatedClient;

    /// The client and the error of a request with this header (id and secret before base64) and form.
    fn authenticated(header: Option<&str>, form: &str) -> Result<String, (String, bool)> {
        let clients = Clients {
            registered: vec![
                SimulatedClient::new("app").with_secret("s3 c:r+t%"),
                SimulatedClient::new("public"),
            ],
            any: false,
        };
        let mut headers = HeaderMap::new();
        if let Some(credentials) = header {
            let value = format!("Basic {}", STANDARD.encode(credentials));
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        authenticate(&clients, &headers, &Params::parse(form.as_bytes()))
            .map(|client| client.client_id)
            .map_err(|error| (error.code.into_owned(), error.by_header))
    }

    #[test]
    fn clients_prove_who_they_are() {
        let right = "app:s3+c%3Ar%2Bt%25";
        let post = "client_id=app&client_secret=s3+c%3Ar%2Bt%25";
        for (header, form, expected) in [
            (Some(right), "", Ok("app")),
            (Some(right), "client_id=app", Ok("app")),
            (None, post, Ok("app")),
            (None, "client_id=public", Ok("public")),
            (Some("app:wrong"), "", Err(("invalid_client", true))),
            (Some("app:s3 c:r+t%"), "", Err(("invalid_client", true))),
            (Some("other:x"), "", Err(("invalid_client", true))),
            (Some("app"), "", Err(("invalid_client", true))),
            (Some(right), post, Err(("invalid_request", false))),
            (
                Some(right),
                "client_id=public",
                Err(("invalid_request", false)),
            ),
            (None, "client_id=app", Err(("invalid_client", false))),
            (
                None,
                "client_id=app&client_secret=x",
                Err(("invalid_client", false)),
            ),
            (
                None,
                "client_id=public&client_secret=x",
                Err(("invalid_client", false)),
            ),
            (None, "", Err(("invalid_client", false))),
        ] {
            let expected = expected
                .map(ToOwned::to_owned)
                .map_err(|(code, by_header): (&str, bool)| (code.to_owned(), by_header));
            assert_eq!(authenticated(header, form), expected, "{header:?} {form}");
        }
    }
}
