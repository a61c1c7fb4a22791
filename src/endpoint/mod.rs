//! What answers under `/auth`, and what answers in the place of a handler that was not called.
//!
//! [`Endpoints`] is one tower service. A request that carries a [`Refusal`] is answered by what the table
//! in [`refusal`] says; any other by its path. It never passes a request on.

mod attempt;
pub(crate) mod callback;
pub(crate) mod cross_site;
mod elsewhere;
mod grpc;
mod initiated;
mod login;
mod logout;
mod page;
mod provider_error;
mod query;
mod refusal;
mod rejection;
pub(crate) mod request_kind;
mod respond;
mod session;
pub(crate) mod tenancy;
#[cfg(test)]
mod tests;
mod unauthenticated;
mod wanted;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use tower_cookies::{CookieManager, Cookies};
use tracing::Instrument as _;

use self::tenancy::Tenancy;
use crate::Error;
use crate::flow::Context;
use crate::flow::sign_out::LogoutCookie;
use crate::forwarded::{PeerAddress, Proxies};
use crate::provider::ClientAttributes;

pub use page::{Action, Page, PageKind, PageRenderer, Question};
pub(crate) use refusal::{Cause, Refusal};
pub use rejection::{Rejection, RejectionKind};
pub(crate) use respond::never_cached;
pub use unauthenticated::Unauthenticated;

/// The largest request body that an endpoint reads: a `form_post` answer is a few kilobytes.
pub(crate) const LARGEST_BODY: usize = 64 * 1024;

/// All endpoints, with what they stand on.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) context: Arc<Context>,
    pub(crate) pages: Option<Arc<dyn PageRenderer>>,
    pub(crate) logout_cookie: Arc<LogoutCookie>,
    pub(crate) proxies: Arc<Proxies>,
    /// Whether requests tell the inner service by headers who is signed in.
    pub(crate) identity_headers: bool,
    /// The app's tenants, for as long as its layer lives; leads nowhere if it has none.
    pub(crate) tenancy: Weak<Tenancy>,
}

/// The service over [`Shared`], to be wrapped in a cookie jar of its own.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints(pub(crate) Arc<Shared>);

impl Endpoints {
    /// Answers one request. The cookies that handlers add are in the response.
    pub(crate) async fn answer(self, request: Request<Bytes>) -> Response<Bytes> {
        let heads = request.method() == Method::HEAD;
        let jar = CookieManager::new(self);
        let Ok(mut response) = tower::ServiceExt::oneshot(jar, request).await;
        respond::hide_secrets(response.headers_mut());
        if heads {
            respond::without_content(response)
        } else {
            response
        }
    }
}

impl tower_service::Service<Request<Bytes>> for Endpoints {
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        let cookies = request
            .extensions()
            .get::<Cookies>()
            .cloned()
            .unwrap_or_default();
        let refusal = request.extensions_mut().remove::<Refusal>();
        // No query: it may hold a code.
        let span = tracing::debug_span!(
            "sso",
            method = %request.method(),
            path = refusal.as_ref().map_or(request.uri().path(), Refusal::path),
        );
        let answer = async move {
            let mut response = match refusal {
                Some(refusal) => refusal::answer(&shared, &cookies, &refusal).await,
                None => shared.route(&cookies, &request).await,
            };
            respond::never_cached(response.headers_mut());
            Ok(response)
        };
        Box::pin(answer.instrument(span))
    }
}

impl Shared {
    /// The answer where it can't be told whose a request is.
    pub(crate) fn failed(&self, error: &Error) -> Response<Bytes> {
        let mut response = respond::error(self, error);
        respond::never_cached(response.headers_mut());
        response
    }

    /// The endpoint that a path names, if it is one of ours: what follows `/auth/`, with or without the
    /// base URL's prefix before it.
    pub(crate) fn endpoint<'p>(&self, path: &'p str) -> Option<&'p str> {
        let auth = self.context.auth_path.as_str();
        let under = |path: &'p str| path.strip_prefix(auth)?.strip_prefix('/');
        under(path).or_else(|| under(self.context.base_url.strip_prefix(path)?))
    }

    /// Who sent a request to an endpoint: the client's address, for the audit.
    fn client_address(&self, request: &Request<Bytes>) -> Option<IpAddr> {
        let peer = PeerAddress::of(request.extensions());
        self.proxies.warn_of_stranger(peer, request.headers());
        self.proxies.read(peer, request.headers()).address
    }

    async fn route(
        self: &Arc<Self>,
        cookies: &Cookies,
        request: &Request<Bytes>,
    ) -> Response<Bytes> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let posts = request.method() == Method::POST;
        let answer = match self.endpoint(request.uri().path()) {
            Some("login") if reads || posts => login::answer(self, cookies, request).await,
            Some("callback") if reads || posts => {
                callback::answer(self, cookies, request, None).await
            }
            Some(path) if (reads || posts) && path.starts_with("callback/") => {
                callback::answer(self, cookies, request, path.strip_prefix("callback/")).await
            }
            Some("logout") if reads => logout::ask(self, request).await,
            Some("logout") if posts => logout::answer(self, cookies, request).await,
            Some("logged-out") if reads => logout::came_back(self, cookies, request),
            Some("session") if reads => session::answer(self, request).await,
            Some("login" | "callback" | "logout") => {
                Ok(respond::method_not_allowed("GET, HEAD, POST"))
            }
            Some("logged-out" | "session") => Ok(respond::method_not_allowed("GET, HEAD")),
            _ => Ok(respond::plain(
                StatusCode::NOT_FOUND,
                "there is no such endpoint",
            )),
        };
        answer.unwrap_or_else(|error| respond::error(self, &error))
    }
}

/// The raw `Cookie` fields of a request.
pub(crate) fn cookie_fields(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .map(http::HeaderValue::as_bytes)
}

/// As much of a `User-Agent` as a provider is told, in characters.
const LONGEST_USER_AGENT: usize = 512;

/// What a provider may want to know of a browser.
pub(crate) fn client_attributes(
    headers: &HeaderMap,
    ip_address: Option<IpAddr>,
) -> ClientAttributes {
    let agent = headers.get(header::USER_AGENT);
    ClientAttributes {
        user_agent: agent
            .and_then(|value| value.to_str().ok())
            .map(|agent| agent.chars().take(LONGEST_USER_AGENT).collect()),
        ip_address,
    }
}
