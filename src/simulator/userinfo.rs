//! UserInfo (OpenID Connect Core 5.3).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::grant::Grant;
use super::id_token;
use super::jwt::with_bad_signature;
use super::shared::Shared;

/// `GET` and `POST /userinfo`, with the access token in the `Authorization` header (RFC 6750 section 2.1).
pub(super) async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Some(token) = bearer(&headers) else {
        // RFC 6750 section 3.1: no error code where no token was sent.
        return unauthorized("Bearer realm=\"simulator\"");
    };
    let Some(grant) = shared.grants().find_access_token(token, shared.now()) else {
        return unauthorized("Bearer realm=\"simulator\", error=\"invalid_token\"");
    };
    let broken = shared.faults.has(&Fault::UserInfoBadSignature);
    let signed = broken || shared.faults.has(&Fault::UserInfoSigned);
    let claims = claims(&shared, &grant, signed);
    let (content_type, body) = if signed {
        let mut token = id_token::sign(&shared, "JWT", &claims, None, &grant.client_id);
        if broken {
            token = with_bad_signature(&token);
        }
        ("application/jwt", token)
    } else {
        ("application/json", Value::Object(claims).to_string())
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

fn claims(shared: &Shared, grant: &Grant, signed: bool) -> Map<String, Value> {
    let mut claims = shared.user(&grant.user).map_or_else(Map::new, |user| {
        user.claims_for(&grant.scope, &grant.claims.userinfo)
    });
    claims.insert("sub".to_owned(), json!(grant.user));
    if signed {
        // Core 5.3.2: a signed answer has iss and aud.
        claims.insert("iss".to_owned(), json!(shared.issuer));
        claims.insert("aud".to_owned(), json!(grant.client_id));
    }
    for more in shared.faults.all(|fault| match fault {
        Fault::UserInfoSub(sub) => Some(Map::from_iter([("sub".to_owned(), json!(sub))])),
        Fault::UserInfoClaims(Value::Object(more)) => Some(more.clone()),
        _ => None,
    }) {
        claims.extend(more);
    }
    claims
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn unauthorized(challenge: &'static str) -> Response {
    let challenge = HeaderValue::from_static(challenge);
    let headers = [(header::WWW_AUTHENTICATE, challenge)];
    (StatusCode::UNAUTHORIZED, headers).into_response()
}
