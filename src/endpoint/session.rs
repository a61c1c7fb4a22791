//! `GET /auth/session`: what a page may know of its own session, without keeping it alive.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;

use super::{Shared, cookie_fields, respond};
use crate::Result;

pub(super) async fn answer(
    shared: &Arc<Shared>,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>> {
    let context = &shared.context;
    let session = context
        .sessions
        .find(cookie_fields(request.headers()))
        .await?;
    let shared = shared.for_session(session.as_ref()).await?;
    let session = session.filter(|session| shared.context.counts(session));
    let now = context.clock.now();
    let body = match &session {
        None => json!({
            "signed_in": false,
            "public_id": null,
            "idle_seconds": null,
            "absolute_seconds": null,
        }),
        Some(session) => json!({
            "signed_in": true,
            "public_id": session.public_id(),
            "idle_seconds": session.idle_expires_at().since(now).as_secs(),
            "absolute_seconds": session.absolute_expires_at().since(now).as_secs(),
        }),
    };
    Ok(respond::json(StatusCode::OK, "application/json", &body))
}
