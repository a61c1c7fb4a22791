//! What the person sees where the provider answered with an error.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::page::{Page, PageKind};
use super::{Shared, respond};
use crate::oidc::{AuthorizationResponse, UNMET_AUTHENTICATION_REQUIREMENTS};
use crate::provider::Explanation;
use crate::{Error, Result};

/// What the provider says of the error in an answer.
pub(super) fn explained(shared: &Shared, response: &AuthorizationResponse) -> Option<Explanation> {
    match response {
        AuthorizationResponse::Error { error, .. } => shared.context.provider.explain(error),
        AuthorizationResponse::Code { .. } => None,
    }
}

/// An error that belongs to no attempt: a provider that began by itself sends it. Anybody can make it up, so it changes
/// nothing.
pub(super) fn without_attempt(shared: &Shared, text: &[u8]) -> Result<Response<Bytes>> {
    match AuthorizationResponse::parse(text)? {
        AuthorizationResponse::Error {
            error, description, ..
        } => {
            let login = shared.login_path(&shared.context.base_url.home());
            Ok(said(shared, &error, description, &login))
        }
        AuthorizationResponse::Code { .. } => Err(Error::request("a code belongs to a callback")),
    }
}

/// The page for an error code of the provider.
pub(super) fn said(
    shared: &Shared,
    code: &str,
    description: Option<String>,
    login: &str,
) -> Response<Bytes> {
    let explained = shared.context.provider.explain(code);
    let try_again = explained.as_ref().is_none_or(|it| it.try_again);
    let (status, text) = match &explained {
        Some(explained) => (explained.status, explained.text.as_str()),
        None => usual_meaning(code),
    };
    let detail = match description {
        Some(description) => format!("{code}: {description}"),
        None => code.to_owned(),
    };
    let mut page = Page::new(
        PageKind::SignInFailed,
        status,
        "You were not signed in",
        text,
    )
    .with_detail(Some(detail));
    if try_again {
        page = page.add_link("Try again", login);
    }
    let response = shared.page(&page.add_link("Go to the start page", shared.home()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        respond::with_retry_after(response, None)
    } else {
        response
    }
}

/// RFC 6749 section 4.1.2.1.
fn usual_meaning(code: &str) -> (StatusCode, &'static str) {
    match code {
        "access_denied" => (
            StatusCode::FORBIDDEN,
            "You, or the sign-in service, declined.",
        ),
        UNMET_AUTHENTICATION_REQUIREMENTS => (
            StatusCode::FORBIDDEN,
            "The sign-in service could not confirm who you are as strongly as this page needs it.",
        ),
        "temporarily_unavailable" | "server_error" => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The sign-in service has a problem. Please try again in a moment.",
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            "The sign-in service could not sign you in.",
        ),
    }
}
