//! The endpoints of OpenID: client tokens (RFC 6749 section 4.4), and keys (RFC 7517).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::shared::Mosaic;
use super::tokens;
use crate::simulator::client_auth::{TokenError, authenticate, form, refuse, respond};

/// `POST /oidc/token`.
pub(super) async fn token(
    State(mosaic): State<Arc<Mosaic>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    respond(answer(&mosaic, &headers, &body))
}

fn answer(mosaic: &Mosaic, headers: &HeaderMap, body: &[u8]) -> Result<Value, TokenError> {
    let form = form(headers, body)?;
    let client = authenticate(&mosaic.clients, headers, &form)?;
    match form.get("grant_type") {
        Some("client_credentials") => Ok(tokens::for_client(
            mosaic,
            &client.client_id,
            form.get("resource"),
        )),
        Some(_) => Err(refuse(
            "unsupported_grant_type",
            "this grant is not offered",
        )),
        None => Err(refuse("invalid_request", "grant_type is missing")),
    }
}

/// `GET /cis/oidc/jwks`.
pub(super) async fn jwks(State(mosaic): State<Arc<Mosaic>>) -> Response {
    let keys = mosaic.keys().published();
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, json!({"keys": keys}).to_string()).into_response()
}
