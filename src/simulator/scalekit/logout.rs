//! The end of a sign-in, by the browser.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;

use super::shared::Environment;
use crate::simulator::answer::{redirect, with_query};
use crate::simulator::html::message;
use crate::simulator::params::Params;

/// `GET /oidc/logout`. Nobody is sent on without a hint that this environment signed: a link from anywhere could
/// sign people out and send them away (RP-Initiated Logout 1.0 section 4).
pub(super) async fn logout(
    State(environment): State<Arc<Environment>>,
    RawQuery(query): RawQuery,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let refuse = |text| message(StatusCode::BAD_REQUEST, "Sign-out failed", text);
    let hint = params.get("id_token_hint");
    let Some(claims) = hint.and_then(|token| environment.keys().verified_payload(token)) else {
        return refuse("The id_token_hint is missing or not of this environment.");
    };
    let back = params.get("post_logout_redirect_uri");
    let registered = &environment.post_logout_redirect_uris;
    if back.is_some_and(|uri| !registered.iter().any(|known| known == uri)) {
        return refuse("This post_logout_redirect_uri is not registered.");
    }
    if let Some(sid) = claims["sid"].as_str() {
        environment.state().codes.end_session(sid);
    }
    environment.counters.logouts.add();
    match back {
        None => message(StatusCode::OK, "Signed out", "You are signed out."),
        Some(uri) => {
            let state = params.get("state").map(|state| ("state", state.to_owned()));
            redirect(&with_query(uri, state.as_slice()))
        }
    }
}
