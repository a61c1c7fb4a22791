//! What the answers in the place of a handler say.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::{Cause, Refused, login_path};
use crate::Error;
use crate::endpoint::page::{Page, PageKind};
use crate::endpoint::request_kind::RequestKind;
use crate::endpoint::{Shared, grpc, respond};
use crate::policy::{Reason, Requirement};
use crate::session::ReturnTo;

/// What whoever sees no page reads.
const NOT_KNOWN: &str = "sessions are not available now";

/// 503 for whoever asks: the browser a page, the rest a line, gRPC a status.
pub(super) fn unavailable(
    shared: &Shared,
    kind: RequestKind,
    refused: &Refused,
) -> Response<Bytes> {
    let after = match &refused.cause {
        Cause::Unknown(error) => error.retry_after(),
        _ => None,
    };
    match kind {
        RequestKind::Grpc => grpc::status(14, NOT_KNOWN, &refused.headers),
        RequestKind::Navigation | RequestKind::FramedNavigation | RequestKind::FormPost => {
            let mut error = Error::store("whether you are signed in can't be told now");
            if let Some(after) = after {
                error = error.with_retry_after(after);
            }
            respond::error(shared, &error)
        }
        _ => respond::with_retry_after(
            respond::plain(StatusCode::SERVICE_UNAVAILABLE, NOT_KNOWN),
            after,
        ),
    }
}

pub(super) fn problem(
    shared: &Shared,
    kind: RequestKind,
    return_to: &ReturnTo,
    requirement: &Requirement,
    reason: Option<&Reason>,
) -> Response<Bytes> {
    let login_url = login_path(shared, return_to, requirement);
    let mut body = json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": reason.map_or("sign-in is required", Reason::text),
        "login_url": login_url,
    });
    if reason.is_some() {
        // RFC 9470 section 3, in the body: the header is for routes that take bearer tokens.
        body["error"] = "insufficient_user_authentication".into();
        if !requirement.acr_values.is_empty() {
            body["acr_values"] = requirement.acr_values.join(" ").into();
        }
        body["max_age"] = requirement
            .max_age
            .map_or(Value::Null, |age| age.as_secs().into());
    }
    let mut response = respond::json(StatusCode::UNAUTHORIZED, "application/problem+json", &body);
    if kind == RequestKind::Htmx
        && let Ok(location) = HeaderValue::try_from(login_url)
    {
        response.headers_mut().insert("hx-redirect", location);
    }
    response
}

pub(super) fn forbidden(
    shared: &Shared,
    kind: RequestKind,
    refused: &Refused,
    reason: Option<&Reason>,
) -> Response<Bytes> {
    let text = match (&refused.cause, reason) {
        (Cause::CrossSite, _) => "This request was sent by a page of another site.".to_owned(),
        (_, Some(reason)) => sentence(reason.text()),
        (_, None) => "Your account may not see this.".to_owned(),
    };
    match kind {
        RequestKind::Grpc => grpc::status(7, "permission denied", &refused.headers),
        RequestKind::Navigation | RequestKind::FramedNavigation | RequestKind::FormPost => shared
            .page(
                &Page::new(
                    PageKind::Forbidden,
                    StatusCode::FORBIDDEN,
                    "You may not see this",
                    text,
                )
                .add_link("Go to the start page", shared.home()),
            ),
        _ => respond::json(
            StatusCode::FORBIDDEN,
            "application/problem+json",
            &json!({ "type": "about:blank", "title": "Forbidden", "status": 403, "detail": text }),
        ),
    }
}

pub(super) fn vain_page(
    shared: &Shared,
    return_to: &ReturnTo,
    requirement: &Requirement,
    reason: Option<&Reason>,
) -> Response<Bytes> {
    let mut page = Page::new(
        PageKind::Forbidden,
        StatusCode::FORBIDDEN,
        "A stronger sign-in is needed",
        reason.map_or_else(String::new, |reason| sentence(reason.text())),
    )
    .add_link(
        "Sign in again",
        format!(
            "{}&prompt=login",
            login_path(shared, return_to, requirement)
        ),
    )
    .add_link("Go to the start page", shared.home());
    if requirement.multi_factor {
        page = page.with_detail(Some(respond::MFA_HINT.to_owned()));
    }
    shared.page(&page)
}

/// A reason as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!(
            "{}{}.",
            first.to_uppercase(),
            chars.as_str().trim_end_matches('.')
        )
    })
}
