//! Responses that several endpoints give.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::Shared;
use super::page::{self, Page, PageKind};
use super::wanted::selection;
use crate::provider::Selectors;
use crate::session::ReturnTo;
use crate::{Error, ErrorKind};

/// After how long another try makes sense when the other side did not say.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What helps the people who run the site when a step-up did not reach a second factor.
pub(crate) const MFA_HINT: &str = "For who runs this site: the provider did not report a second factor. \
     If it reports one by an acr value, name that value in SSO_MFA_ACR_VALUES.";

/// What depends on a session or sets a cookie is nobody else's: no cache keeps it.
pub(crate) fn never_cached(headers: &mut HeaderMap) {
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    let named = headers
        .get_all(header::VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|field| field.trim().eq_ignore_ascii_case("cookie") || field.trim() == "*");
    if !named {
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    }
}

/// What a layer outside prints of these headers shows no secret: a cookie is the session, and the way to
/// the provider has `state`, `nonce` and perhaps an ID token. HTTP/2 keeps them out of its compression
/// table, too (RFC 7541 section 7.1.3).
pub(crate) fn hide_secrets(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if matches!(*name, header::SET_COOKIE | header::LOCATION) {
            value.set_sensitive(true);
        }
    }
}

/// 303: a GET follows, whatever this was (RFC 9110 section 15.4.4).
pub(crate) fn see_other(location: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    match HeaderValue::try_from(location) {
        Ok(location) => {
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, location);
            response.headers_mut().insert(
                header::REFERRER_POLICY,
                HeaderValue::from_static("no-referrer"),
            );
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

pub(crate) fn json(
    status: StatusCode,
    content_type: &'static str,
    value: &serde_json::Value,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

pub(crate) fn method_not_allowed(allowed: &'static str) -> Response<Bytes> {
    let mut response = plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "this endpoint does not take this method",
    );
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// The answer to a HEAD: what a GET would get, without its content (RFC 9110 section 9.3.2). A server of
/// HTTP/1.1 leaves it out by itself, one of HTTP/2 need not, and its peer breaks off then.
pub(crate) fn without_content(response: Response<Bytes>) -> Response<Bytes> {
    let (mut parts, body) = response.into_parts();
    if !body.is_empty() {
        let length = HeaderValue::from(body.len());
        parts.headers.insert(header::CONTENT_LENGTH, length);
    }
    Response::from_parts(parts, Bytes::new())
}

pub(crate) fn with_retry_after(
    mut response: Response<Bytes>,
    after: Option<Duration>,
) -> Response<Bytes> {
    let seconds = after.unwrap_or(RETRY_AFTER).as_secs().max(1);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

impl Shared {
    pub(super) fn page(&self, page: &Page) -> Response<Bytes> {
        page::respond(self.pages.as_ref(), page)
    }

    /// The path that starts a sign-in and comes back to `return_to`.
    pub(super) fn login_path(&self, return_to: &ReturnTo) -> String {
        self.login_path_at(return_to, &Selectors::default())
    }

    /// The same, for a sign-in at a place that is known. Where a provider has several, it asks nobody which.
    pub(super) fn login_path_at(&self, return_to: &ReturnTo, selectors: &Selectors) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", return_to.as_str());
        query.extend_pairs(selection(selectors));
        if let Some(tenant) = self.context.place.tenant() {
            query.append_pair("tenant", tenant.id());
        }
        format!("{}?{}", self.context.endpoint_path("login"), query.finish())
    }

    pub(super) fn home(&self) -> String {
        format!("{}/", self.context.base_url.prefix())
    }
}

/// The page that ends a loop of sign-ins.
pub(crate) fn round_in_circles(shared: &Shared) -> Response<Bytes> {
    shared.page(
        &Page::new(
            PageKind::SignInFailed,
            StatusCode::FORBIDDEN,
            "Sign-in goes round in circles",
            "You were sent to sign in several times within a minute and still can’t be let in. \
             Wait a minute, then try again.",
        )
        .add_link("Go to the start page", shared.home()),
    )
}

/// The page for an error that a person ran into at an endpoint.
pub(crate) fn error(shared: &Shared, error: &Error) -> Response<Bytes> {
    error_with(shared, error, &shared.context.endpoint_path("login"))
}

/// The same, where `login` is the path of another try.
pub(super) fn error_with(shared: &Shared, error: &Error, login: &str) -> Response<Bytes> {
    let (kind, status, title, text) = match error.kind() {
        ErrorKind::Request => (
            PageKind::SignInFailed,
            StatusCode::BAD_REQUEST,
            "This request can’t be used",
            "It is malformed, or does not belong to this browser. Nothing was changed.",
        ),
        ErrorKind::Denied => (
            PageKind::Forbidden,
            StatusCode::FORBIDDEN,
            "Sign-in refused",
            "You were not signed in.",
        ),
        ErrorKind::Provider => (
            PageKind::SignInFailed,
            StatusCode::BAD_GATEWAY,
            "Sign-in failed",
            "The sign-in service gave an answer that could not be verified, so you were not signed in.",
        ),
        ErrorKind::Unavailable => (
            PageKind::Unavailable,
            StatusCode::SERVICE_UNAVAILABLE,
            "The sign-in service can’t be reached",
            "This is not your fault. Please try again in a moment.",
        ),
        ErrorKind::Store => (
            PageKind::Unavailable,
            StatusCode::SERVICE_UNAVAILABLE,
            "Sign-in is not available now",
            "This is not your fault. Please try again in a moment.",
        ),
        ErrorKind::Configuration => (
            PageKind::Broken,
            StatusCode::INTERNAL_SERVER_ERROR,
            "Sign-in is set up wrongly",
            "Please tell the people who run this site.",
        ),
    };
    match error.kind() {
        ErrorKind::Request | ErrorKind::Denied => tracing::info!(%error, "request refused"),
        _ => {
            tracing::warn!(%error, source = std::error::Error::source(error).map(tracing::field::display), "sign-in is not possible");
        }
    }
    let mut page = Page::new(kind, status, title, text).with_detail(Some(error.to_string()));
    if kind == PageKind::SignInFailed {
        page = page.add_link("Sign in again", login);
    }
    let page = page.add_link("Go to the start page", shared.home());
    let response = shared.page(&page);
    if error.is_temporary() {
        with_retry_after(response, error.retry_after())
    } else {
        response
    }
}
