//! The token endpoint (RFC 6749 section 3.2).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::client_auth::{Authenticated, TokenError, authenticate, form, refuse, respond};
use super::fault::Fault;
use super::grant::{Family, Grant, GrantRefused};
use super::id_token;
use super::jwt::set;
use super::params::Params;
use super::shared::Shared;

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
    respond(match refused {
        Some(error) => Err(refuse(error, "")),
        None => form(&headers, &body).and_then(|form| answer(&shared, &headers, &form)),
    })
}

fn answer(shared: &Shared, headers: &HeaderMap, form: &Params) -> Result<Value, TokenError> {
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
        set(&mut body, name.to_owned(), value);
    }
    Value::Object(body)
}
