//! The token endpoint (RFC 6749 section 3.2).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::client::{Clients, Known};
use super::fault::Fault;
use super::grant::{Family, Grant, GrantRefused};
use super::id_token;
use super::params::Params;
use super::shared::Shared;
use crate::secret::Secret;

/// An error response of RFC 6749 section 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TokenError {
    code: &'static str,
    description: &'static str,
    /// The client tried the `Authorization` header, so the answer must name a scheme.
    by_header: bool,
}

fn refuse(code: &'static str, description: &'static str) -> TokenError {
    TokenError {
        code,
        description,
        by_header: false,
    }
}

/// The client that a request proved to come from.
#[derive(Debug)]
struct Authenticated {
    client_id: String,
    /// What it proved it with; kept only to forge tokens with, where a fault wants that.
    secret: Option<Secret>,
}

/// `POST /token`.
pub(super) async fn token(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let refused = shared.faults.find(|fault| match fault {
        Fault::TokenError(error) => Some(error.clone()),
        _ => None,
    });
    let answer = match refused {
        Some(error) => Ok(Err(error)),
        None => answer(&shared, &headers, &Params::parse(&body)).map(Ok),
    };
    let (status, body, by_header) = match answer {
        Ok(Err(error)) => (StatusCode::BAD_REQUEST, json!({"error": error}), false),
        Ok(Ok(body)) => (StatusCode::OK, body, false),
        Err(error) => {
            let status = match error.code {
                "invalid_client" => StatusCode::UNAUTHORIZED,
                _ => StatusCode::BAD_REQUEST,
            };
            let body = json!({"error": error.code, "error_description": error.description});
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

fn answer(shared: &Shared, headers: &HeaderMap, form: &Params) -> Result<Value, TokenError> {
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
    let client = authenticate(&shared.clients, headers, form)?;
    match form.get("grant_type") {
        Some("authorization_code") => by_code(shared, &client, form),
        Some("refresh_token") => by_refresh_token(shared, &client, form),
        Some(_) => Err(refuse(
            "unsupported_grant_type",
            "this grant is not offered",
        )),
        None => Err(refuse("invalid_request", "grant_type is missing")),
    }
}

/// `client_secret_basic`, `client_secret_post` or `none` (RFC 6749 section 2.3).
fn authenticate(
    clients: &Clients,
    headers: &HeaderMap,
    form: &Params,
) -> Result<Authenticated, TokenError> {
    let by_header = headers.contains_key(header::AUTHORIZATION);
    let invalid = |description| TokenError {
        code: "invalid_client",
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

fn by_code(shared: &Shared, client: &Authenticated, form: &Params) -> Result<Value, TokenError> {
    let Some(code) = form.get("code") else {
        return Err(refuse("invalid_request", "code is missing"));
    };
    let redeemed = shared.grants().redeem_code(
        code,
        &client.client_id,
        form.get("redirect_uri"),
        form.get("code_verifier"),
        shared.now(),
    );
    let (family, grant) = redeemed.map_err(|refused| invalid_grant(shared, refused))?;
    shared.counters.count_code_grant();
    Ok(tokens(shared, client, family, &grant, false))
}

fn by_refresh_token(
    shared: &Shared,
    client: &Authenticated,
    form: &Params,
) -> Result<Value, TokenError> {
    let Some(token) = form.get("refresh_token") else {
        return Err(refuse("invalid_request", "refresh_token is missing"));
    };
    let redeemed = {
        let now = shared.now();
        let mut grants = shared.grants();
        // RFC 6749 section 6: checked first, so that a scope that can't be had does not use the token up.
        if let (Some(asked), Some(granted)) = (form.get("scope"), grants.refreshable_scope(token))
            && !asked
                .split_ascii_whitespace()
                .all(|one| granted.split_ascii_whitespace().any(|has| has == one))
        {
            return Err(refuse("invalid_scope", "more than was granted"));
        }
        let rotated = !shared.faults.has(&Fault::NoRefreshToken);
        grants.redeem_refresh_token(token, &client.client_id, rotated, now)
    };
    let (family, grant) = redeemed.map_err(|refused| invalid_grant(shared, refused))?;
    // OpenID Connect Core 11: only offline_access outlives the session.
    if !grant.offline && !shared.sessions().has_sid(&grant.sid, shared.now()) {
        return Err(refuse("invalid_grant", "the session has ended"));
    }
    shared.counters.count_refresh_grant();
    Ok(tokens(shared, client, family, &grant, true))
}

fn invalid_grant(shared: &Shared, refused: GrantRefused) -> TokenError {
    if refused == GrantRefused::Reused {
        shared.counters.count_reuse();
    }
    let description = match refused {
        GrantRefused::Unknown => "it is unknown or revoked",
        GrantRefused::Expired => "it has expired",
        GrantRefused::Reused => "it was used before: all that came from it is revoked",
        GrantRefused::OtherClient => "it belongs to another client",
        GrantRefused::OtherRedirectUri => "redirect_uri differs from the authorization request",
        GrantRefused::WrongVerifier => "code_verifier does not belong to code_challenge",
    };
    refuse("invalid_grant", description)
}

/// The successful response (RFC 6749 section 5.1, OpenID Connect Core 3.1.3.3).
fn tokens(
    shared: &Shared,
    client: &Authenticated,
    family: Family,
    grant: &Arc<Grant>,
    refreshed: bool,
) -> Value {
    let now = shared.now();
    let lifetime = shared.access_token_lifetime;
    let (access_token, refresh_token) = {
        let mut grants = shared.grants();
        let access = grants.issue_access_token(family, Arc::clone(grant), now.plus(lifetime));
        let wanted = refreshed || grant.offline || shared.always_refresh_tokens;
        let refresh = wanted.then(|| grants.issue_refresh_token(family, Arc::clone(grant), now));
        (access, refresh)
    };
    let secret = client
        .secret
        .as_ref()
        .map(|secret| secret.expose().as_str());
    let id_token = id_token::issue(shared, grant, &access_token, secret, refreshed);
    let mut body = Map::from_iter([
        ("access_token".to_owned(), json!(access_token)),
        ("token_type".to_owned(), json!("Bearer")),
        ("expires_in".to_owned(), json!(lifetime.as_secs())),
        ("scope".to_owned(), json!(grant.scope)),
        ("id_token".to_owned(), json!(id_token)),
    ]);
    if let Some(refresh_token) = refresh_token {
        body.insert("refresh_token".to_owned(), json!(refresh_token));
    }
    for (name, value) in shared.faults.all(|fault| match fault {
        Fault::ExpiresIn(value) => Some(("expires_in", value.clone())),
        Fault::TokenType(value) => Some(("token_type", Some(json!(value)))),
        Fault::NoIdToken => Some(("id_token", None)),
        Fault::NoRefreshToken => Some(("refresh_token", None)),
        Fault::Scope(scope) => Some(("scope", Some(json!(scope)))),
        _ => None,
    }) {
        id_token::set(&mut body, name.to_owned(), value);
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::super::client::SimulatedClient;
    use super::*;

    /// The client and the error of a request with this header (id and secret before base64) and form.
    fn authenticated(header: Option<&str>, form: &str) -> Result<String, (&'static str, bool)> {
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
            .map_err(|error| (error.code, error.by_header))
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
            let expected = expected.map(ToOwned::to_owned);
            assert_eq!(authenticated(header, form), expected, "{header:?} {form}");
        }
    }
}
