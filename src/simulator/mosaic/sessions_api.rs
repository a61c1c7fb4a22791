//! The operations on sessions and refresh tokens.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;

use super::api::{Answer, Call, client, respond};
use super::error::ApiError;
use super::fault::MosaicFault;
use super::refresh::{NotRefreshed, RefreshGrant};
use super::shared::Mosaic;
use super::tokens::{self, Wanted};

/// `POST …/session/authenticate`: tokens by the id of a session.
pub(super) fn authenticate(mosaic: &Mosaic, call: &Call) -> Answer {
    call.body.check().text("session_id").for_tokens().done()?;
    let id = call.body.text("session_id").unwrap_or_default();
    let authentication = mosaic
        .state()
        .sessions
        .authenticate(id, mosaic.now())
        .ok_or(ApiError::session_not_found())?;
    mosaic.counters.authentications.add();
    let grant = RefreshGrant {
        client_id: call.client_id.clone(),
        authentication,
        wanted: Wanted::of(call),
    };
    Ok(Some(tokens::for_user(mosaic, grant, None)))
}

/// `POST …/session/logout`.
pub(super) fn logout(mosaic: &Mosaic, call: &Call) -> Answer {
    call.body.check().text("session_id").done()?;
    let id = call.body.text("session_id").unwrap_or_default();
    if mosaic.state().sessions.end(id, mosaic.now()) {
        Ok(None)
    } else {
        Err(ApiError::session_not_found())
    }
}

/// `DELETE …/users/{user_id}/sessions`.
pub(super) async fn revoke_all(
    State(mosaic): State<Arc<Mosaic>>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Response {
    respond(&mosaic, revoke_all_of(&mosaic, &user, &headers))
}

fn revoke_all_of(mosaic: &Mosaic, user: &str, headers: &HeaderMap) -> Answer {
    client(mosaic, headers)?;
    mosaic.user(user).ok_or(ApiError::user_not_found())?;
    mosaic.state().sessions.end_those_of(user);
    Ok(None)
}

/// `POST …/token/refresh`. It leaves the end of the session where it is.
pub(super) fn refresh(mosaic: &Mosaic, call: &Call) -> Answer {
    const REFUSED: &str = "Invalid refresh token";
    call.body.check().text("refresh_token").done()?;
    let token = call.body.text("refresh_token").unwrap_or_default();
    let rotated = !mosaic.faults.has(&MosaicFault::NoRefreshToken);
    let redeemed = {
        let mut state = mosaic.state();
        state.drop_orphans(mosaic.now());
        state.refresh.redeem(token, &call.client_id, rotated)
    };
    let (family, grant) = redeemed.map_err(|refused| {
        if refused == NotRefreshed::Reused {
            mosaic.counters.reuses.add();
        }
        ApiError::bad_request(REFUSED)
    })?;
    mosaic.counters.refreshes.add();
    Ok(Some(tokens::for_user(mosaic, grant, Some(family))))
}
