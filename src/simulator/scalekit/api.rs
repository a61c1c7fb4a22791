//! What all calls have in common: faults, the bearer token of the management API, the shape of its errors.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::fault::{ScalekitEndpoint, ScalekitFault};
use super::shared::Environment;
use crate::simulator::transport::{Outage, REDIRECTED, through};
use crate::simulator::userinfo::bearer;

/// A refusal of the management API: a status of gRPC (google.rpc.Code), told by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    code: u8,
    error_code: &'static str,
    message: String,
}

impl ApiError {
    fn unauthenticated() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: 16,
            error_code: "UNAUTHENTICATED",
            message: "Token empty or not valid".to_owned(),
        }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: 3,
            error_code: "INVALID_ARGUMENT",
            message: message.to_owned(),
        }
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: 5,
            error_code: "NOT_FOUND",
            message: format!("There is no such {what}"),
        }
    }

    pub(super) fn already_exists(what: &str) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            code: 6,
            error_code: "ALREADY_EXISTS",
            message: format!("There is such {what} already"),
        }
    }

    fn rate_limited() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: 8,
            error_code: "RATE_LIMITED",
            message: "Too many calls".to_owned(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "details": [{"error_code": self.error_code}],
        });
        let content_type = [(header::CONTENT_TYPE, "application/json")];
        (self.status, content_type, body.to_string()).into_response()
    }
}

/// What an operation answers.
pub(super) type Answer = Result<Value, ApiError>;

pub(super) fn respond(answer: Answer) -> Response {
    match answer {
        Ok(body) => super::oidc::json_response(&body),
        Err(error) => error.into_response(),
    }
}

/// Lets in who has a token that client credentials were exchanged for; the token of a person is none.
pub(super) fn authorize(environment: &Environment, headers: &HeaderMap) -> Result<(), ApiError> {
    let token = bearer(headers).ok_or_else(ApiError::unauthenticated)?;
    if environment
        .faults
        .has(&ScalekitFault::ManagementTokenRefused)
    {
        return Err(ApiError::unauthenticated());
    }
    let mut state = environment.state();
    let once = &ScalekitFault::ManagementTokenRefusedOnce;
    if environment.faults.take(once) {
        state.drop_management_token(token);
    }
    if state.is_management_token(token, environment.now()) {
        Ok(())
    } else {
        Err(ApiError::unauthenticated())
    }
}

/// Stands before each endpoint: counts, and fails as a network or a server does.
pub(super) async fn pass(
    State((environment, endpoint)): State<(Arc<Environment>, ScalekitEndpoint)>,
    request: Request,
    next: Next,
) -> Response {
    environment.counters.count_request(endpoint);
    let location = match request.uri().query() {
        Some(query) => format!("?{query}&{REDIRECTED}"),
        None => format!("?{REDIRECTED}"),
    };
    let redirect = (StatusCode::TEMPORARY_REDIRECT, location);
    let delay = environment.faults.find(|fault| delay(fault, endpoint));
    let outage = environment.faults.find(|fault| outage(fault, endpoint));
    through(request, next, delay, outage, redirect).await
}

fn delay(fault: &ScalekitFault, endpoint: ScalekitEndpoint) -> Option<Duration> {
    match fault {
        ScalekitFault::Slow(at, delay) if *at == endpoint => Some(*delay),
        _ => None,
    }
}

fn outage(fault: &ScalekitFault, endpoint: ScalekitEndpoint) -> Option<Outage> {
    let (at, outage) = match fault {
        ScalekitFault::Status(at, status, after) => (at, Outage::Status(*status, *after)),
        ScalekitFault::Garbage(at) => (at, Outage::Garbage),
        ScalekitFault::HugeBody(at) => (at, Outage::Huge),
        ScalekitFault::Redirect(at) => (at, Outage::Redirect),
        ScalekitFault::Hang(at) => (at, Outage::Hang),
        ScalekitFault::RateLimited(at, after) => (at, Outage::Answer(rate_limited(*after))),
        _ => return None,
    };
    (*at == endpoint).then_some(outage)
}

fn rate_limited(retry_after: Option<u64>) -> Response {
    let mut response = ApiError::rate_limited().into_response();
    if let Some(seconds) = retry_after {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
