//! Counts requests, and lets an endpoint fail as a network or a server does.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::fault::{Endpoint, Fault};
use super::html::message;
use super::shared::Shared;

const HUGE: usize = 16 * 1024 * 1024;

/// Stands before each endpoint.
pub(super) async fn pass(
    State((shared, endpoint)): State<(Arc<Shared>, Endpoint)>,
    request: Request,
    next: Next,
) -> Response {
    shared.counters.count_request(endpoint);
    let location = format!("{}?{REDIRECTED}", shared.url(endpoint));
    let delay = shared.faults.find(|fault| delay(fault, endpoint));
    let outage = shared.faults.find(|fault| outage(fault, endpoint));
    through(request, next, delay, outage, (StatusCode::FOUND, location)).await
}

/// What an endpoint does instead of answering.
pub(super) enum Outage {
    Status(u16, Option<u64>),
    Garbage,
    Huge,
    Redirect,
    Hang,
    Answer(Response),
}

/// The query by which a request is known that has followed a redirect.
pub(super) const REDIRECTED: &str = "redirected=1";

/// Answers late, or not as it should; with `redirect` where it redirects, once.
pub(super) async fn through(
    request: Request,
    next: Next,
    delay: Option<Duration>,
    outage: Option<Outage>,
    redirect: (StatusCode, String),
) -> Response {
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    let query = request.uri().query();
    let redirected = query.is_some_and(|query| query.contains(REDIRECTED));
    match outage {
        None => next.run(request).await,
        Some(Outage::Redirect) if redirected => next.run(request).await,
        Some(Outage::Status(status, retry_after)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, "a fault is switched on").into_response();
            if let Some(seconds) = retry_after {
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
        Some(Outage::Garbage) => {
            message(StatusCode::OK, "Welcome to the hotel", "Accept the terms.")
        }
        Some(Outage::Huge) => {
            let content_type = [(header::CONTENT_TYPE, "application/json")];
            (content_type, Body::from(vec![b' '; HUGE])).into_response()
        }
        Some(Outage::Redirect) => {
            let (status, location) = redirect;
            (status, [(header::LOCATION, location)]).into_response()
        }
        Some(Outage::Hang) => pending().await,
        Some(Outage::Answer(response)) => response,
    }
}

fn delay(fault: &Fault, endpoint: Endpoint) -> Option<Duration> {
    match fault {
        Fault::Slow(at, delay) if *at == endpoint => Some(*delay),
        _ => None,
    }
}

fn outage(fault: &Fault, endpoint: Endpoint) -> Option<Outage> {
    let (at, outage) = match fault {
        Fault::Status(at, status, retry_after) => (at, Outage::Status(*status, *retry_after)),
        Fault::Garbage(at) => (at, Outage::Garbage),
        Fault::HugeBody(at) => (at, Outage::Huge),
        Fault::Redirect(at) => (at, Outage::Redirect),
        Fault::Hang(at) => (at, Outage::Hang),
        _ => return None,
    };
    (*at == endpoint).then_some(outage)
}
