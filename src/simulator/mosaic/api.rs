//! What all calls of the API have in common: faults, the client token, the shape of answers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::error::ApiError;
use super::fault::{MosaicEndpoint, MosaicFault};
use super::request::Body;
use super::shared::Mosaic;
use crate::simulator::transport::{Outage, REDIRECTED, through};
use crate::simulator::userinfo::bearer;

/// A call of the API by a client.
pub(super) struct Call {
    pub(super) client_id: String,
    pub(super) body: Body,
}

/// What an operation answers: a body, or nothing (204).
pub(super) type Answer = Result<Option<Value>, ApiError>;

/// An operation under `POST`.
pub(super) fn operation(perform: fn(&Mosaic, &Call) -> Answer) -> MethodRouter<Arc<Mosaic>> {
    post(
        move |State(mosaic): State<Arc<Mosaic>>, headers: HeaderMap, body: Bytes| async move {
            let answer = call(&mosaic, &headers, &body).and_then(|call| perform(&mosaic, &call));
            respond(&mosaic, answer)
        },
    )
}

fn call(mosaic: &Mosaic, headers: &HeaderMap, body: &[u8]) -> Result<Call, ApiError> {
    let client_id = client(mosaic, headers)?;
    let body = Body::parse(headers, body)?;
    let attributes = body.get("client_attributes").cloned();
    mosaic.state().record_client(attributes.unwrap_or_default());
    Ok(Call { client_id, body })
}

/// The client whose token authorizes a call.
pub(super) fn client(mosaic: &Mosaic, headers: &HeaderMap) -> Result<String, ApiError> {
    let token = bearer(headers).ok_or(ApiError::unauthorized())?;
    if mosaic.faults.has(&MosaicFault::ClientTokenRefused) {
        return Err(ApiError::unauthorized());
    }
    let mut state = mosaic.state();
    if mosaic.faults.take(&MosaicFault::ClientTokenRefusedOnce) {
        state.drop_client_token(token);
    }
    let client = state.client_of(token, mosaic.now());
    client
        .map(ToOwned::to_owned)
        .ok_or(ApiError::unauthorized())
}

pub(super) fn respond(mosaic: &Mosaic, answer: Answer) -> Response {
    match answer {
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Ok(Some(body)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, body.to_string()).into_response()
        }
        Err(error) => error.respond(mosaic.faults.has(&MosaicFault::ErrorsAsList)),
    }
}

/// Stands before each endpoint.
pub(super) async fn pass(
    State((mosaic, endpoint)): State<(Arc<Mosaic>, MosaicEndpoint)>,
    request: Request,
    next: Next,
) -> Response {
    mosaic.counters.count_request(endpoint);
    // Relative to the request: the issuer of tokens is not the address of the API.
    let redirect = (StatusCode::TEMPORARY_REDIRECT, format!("?{REDIRECTED}"));
    let delay = mosaic.faults.find(|fault| delay(fault, endpoint));
    let as_list = mosaic.faults.has(&MosaicFault::ErrorsAsList);
    let outage = mosaic.faults.find(|fault| outage(fault, endpoint, as_list));
    through(request, next, delay, outage, redirect).await
}

fn delay(fault: &MosaicFault, endpoint: MosaicEndpoint) -> Option<Duration> {
    match fault {
        MosaicFault::Slow(at, delay) if *at == endpoint => Some(*delay),
        _ => None,
    }
}

fn outage(fault: &MosaicFault, endpoint: MosaicEndpoint, as_list: bool) -> Option<Outage> {
    let (at, outage) = match fault {
        MosaicFault::Status(at, status, retry_after) => (at, Outage::Status(*status, *retry_after)),
        MosaicFault::Garbage(at) => (at, Outage::Garbage),
        MosaicFault::HugeBody(at) => (at, Outage::Huge),
        MosaicFault::Redirect(at) => (at, Outage::Redirect),
        MosaicFault::Hang(at) => (at, Outage::Hang),
        MosaicFault::Error(at, status, message) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST);
            let error = ApiError::new(status, message.clone());
            (at, Outage::Answer(error.respond(as_list)))
        }
        _ => return None,
    };
    (*at == endpoint).then_some(outage)
}
