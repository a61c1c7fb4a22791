//! The endpoints that applications' servers call: metadata, keys, tokens.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::codes::Denied;
use super::fault::{ScalekitEndpoint, ScalekitFault};
use super::shared::Environment;
use super::tokens;
use crate::simulator::client_auth::{TokenError, authenticate, form, refuse, respond};
use crate::simulator::params::Params;

/// `GET /.well-known/openid-configuration`.
pub(super) async fn discovery(State(environment): State<Arc<Environment>>) -> Response {
    let url = |endpoint: ScalekitEndpoint| format!("{}{}", environment.url, endpoint.path());
    json_response(&json!({
        "issuer": environment.url,
        "authorization_endpoint": url(ScalekitEndpoint::Authorize),
        "token_endpoint": url(ScalekitEndpoint::Token),
        "jwks_uri": url(ScalekitEndpoint::Keys),
        "end_session_endpoint": url(ScalekitEndpoint::Logout),
        "scopes_supported": ["openid", "profile", "email"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "iss", "sub", "aud", "azp", "exp", "iat", "nonce", "amr", "oid", "sid", "at_hash", "c_hash", "email",
            "email_verified", "name", "given_name", "family_name", "username"
        ],
    }))
}

/// `GET /keys`.
pub(super) async fn keys(State(environment): State<Arc<Environment>>) -> Response {
    let keys = environment.keys().published();
    json_response(&json!({"keys": keys}))
}

pub(super) fn json_response(document: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, document.to_string()).into_response()
}

/// `POST /oauth/token`.
pub(super) async fn token(
    State(environment): State<Arc<Environment>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    respond(answer(&environment, &headers, &body))
}

fn answer(
    environment: &Environment,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, TokenError> {
    let form = form(headers, body)?;
    let client = authenticate(&environment.clients, headers, &form)?;
    let forced = environment.faults.find(|fault| match fault {
        ScalekitFault::TokenError(code) => Some(code.clone()),
        _ => None,
    });
    if let Some(code) = forced {
        return Err(refuse(code, "a fault is switched on"));
    }
    match form.get("grant_type") {
        Some("authorization_code") => by_code(environment, &form, &client.client_id),
        Some("refresh_token") => by_refresh_token(environment, &form, &client.client_id),
        Some("client_credentials") => Ok(tokens::for_client(environment, &client.client_id)),
        Some(_) => Err(refuse(
            "unsupported_grant_type",
            "this grant is not offered",
        )),
        None => Err(refuse("invalid_request", "grant_type is missing")),
    }
}

fn by_code(environment: &Environment, form: &Params, client_id: &str) -> Result<Value, TokenError> {
    let code = form
        .get("code")
        .ok_or(refuse("invalid_request", "code is missing"))?;
    let now = environment.now();
    let mut state = environment.state();
    let redeemed = state.codes.redeem(
        code,
        client_id,
        form.get("redirect_uri"),
        form.get("code_verifier"),
        now,
    );
    let redeemed = redeemed.map_err(|denied| denial(environment, denied))?;
    let with_refresh_token = environment.shapes.refresh_tokens;
    let refresh_token = with_refresh_token.then(|| state.codes.issue_refresh_token(&redeemed, now));
    drop(state);
    environment.counters.code_grants.add();
    let grant = &redeemed.grant;
    Ok(tokens::for_person(
        environment,
        grant,
        Some(code),
        refresh_token,
    ))
}

fn by_refresh_token(
    environment: &Environment,
    form: &Params,
    client_id: &str,
) -> Result<Value, TokenError> {
    let token = form
        .get("refresh_token")
        .ok_or(refuse("invalid_request", "refresh_token is missing"))?;
    let now = environment.now();
    let mut state = environment.state();
    let redeemed = state.codes.redeem_refresh_token(token, client_id, now);
    let redeemed = redeemed.map_err(|denied| denial(environment, denied))?;
    let next = state.codes.issue_refresh_token(&redeemed, now);
    drop(state);
    environment.counters.refresh_grants.add();
    let grant = &redeemed.grant;
    Ok(tokens::for_person(environment, grant, None, Some(next)))
}

fn denial(environment: &Environment, denied: Denied) -> TokenError {
    match denied {
        Denied::Refused(error) => error,
        Denied::Reused => {
            environment.counters.reuses.add();
            refuse("invalid_grant", "this was used before")
        }
    }
}
