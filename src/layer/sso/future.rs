//! What becomes of a request: the inner service's answer, or ours in its place.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use pin_project_lite::pin_project;
use tower_cookies::Cookie;

use crate::endpoint::{Endpoints, Refusal, Shared, never_cached};
use crate::layer::SsoBody;
use crate::layer::auth::Auth;

/// What came of a request that had to wait before it could go on.
pub(super) enum Waited<R> {
    /// The inner service answered; with what the app made of the request's session.
    Inner(Response<R>, Auth, Arc<Shared>),
    /// It was not called.
    Answer(Response<Bytes>),
}

pub(super) type Waiting<R, E> = BoxFuture<'static, Result<Waited<R>, E>>;

pin_project! {
    /// The future of [`SsoService`]: `F` is the inner service's.
    pub struct SsoFuture<F, R, E> {
        #[pin]
        pub(super) step: Step<F, R, E>,
    }
}

pin_project! {
    #[project = StepProjection]
    pub(super) enum Step<F, R, E> {
        Inner { #[pin] future: F, auth: Auth, shared: Arc<Shared> },
        Waiting { future: Waiting<R, E> },
        Answering { future: BoxFuture<'static, Response<Bytes>>, kept: HeaderMap },
    }
}

impl<F, R, E> SsoFuture<F, R, E> {
    pub(super) fn answering(future: BoxFuture<'static, Response<Bytes>>, kept: HeaderMap) -> Self {
        Self {
            step: Step::Answering { future, kept },
        }
    }
}

impl<F, R, E> Future for SsoFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<SsoBody<R>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let left = match this.step.as_mut().project() {
                StepProjection::Inner {
                    future,
                    auth,
                    shared,
                } => leave(ready!(future.poll(cx))?, auth, shared),
                StepProjection::Waiting { future } => match ready!(future.as_mut().poll(cx))? {
                    Waited::Inner(response, auth, shared) => leave(response, &auth, &shared),
                    Waited::Answer(response) => {
                        return Poll::Ready(Ok(response.map(SsoBody::own)));
                    }
                },
                StepProjection::Answering { future, kept } => {
                    let response = ready!(future.as_mut().poll(cx));
                    let response = merge(response, std::mem::take(kept));
                    return Poll::Ready(Ok(response.map(SsoBody::own)));
                }
            };
            match left {
                Left::Response(response) => return Poll::Ready(Ok(response)),
                Left::Answer(future, kept) => this.step.set(Step::Answering { future, kept }),
            }
        }
    }
}

impl<F, R, E> fmt::Debug for SsoFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SsoFuture")
    }
}

/// How a request leaves: with the inner service's response, or with an answer still to be made.
enum Left<R> {
    Response(Response<SsoBody<R>>),
    Answer(BoxFuture<'static, Response<Bytes>>, HeaderMap),
}

fn leave<R>(mut response: Response<R>, auth: &Auth, shared: &Arc<Shared>) -> Left<R> {
    let cookies = auth.take_cookies();
    set_cookies(response.headers_mut(), &cookies);
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let kept = std::mem::take(response.headers_mut());
        return Left::Answer(Box::pin(refuse(Arc::clone(shared), refusal)), kept);
    }
    if auth.was_read() || !cookies.is_empty() {
        never_cached(response.headers_mut());
    }
    Left::Response(response.map(SsoBody::inner))
}

fn set_cookies(headers: &mut HeaderMap, cookies: &[Cookie<'static>]) {
    for cookie in cookies {
        if let Ok(mut value) = HeaderValue::try_from(cookie.to_string()) {
            value.set_sensitive(true);
            headers.append(header::SET_COOKIE, value);
        }
    }
}

/// Answers in the place of the handler that was not called.
pub(super) async fn refuse(shared: Arc<Shared>, refusal: Refusal) -> Response<Bytes> {
    let rejection = refusal.rejection();
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = refusal.method().clone();
    *request.headers_mut() = refusal.headers().clone();
    request.extensions_mut().insert(refusal);
    let mut response = Endpoints(shared).answer(request).await;
    response.extensions_mut().insert(rejection);
    response
}

/// Our answer, with the headers that layers between the handler and us had set (CORS, request ids), but
/// for those that spoke of a body that is gone.
fn merge(response: Response<Bytes>, mut kept: HeaderMap) -> Response<Bytes> {
    if kept.is_empty() {
        return response;
    }
    for gone in [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::CONTENT_RANGE,
        header::TRANSFER_ENCODING,
        header::ETAG,
        header::LAST_MODIFIED,
    ] {
        kept.remove(gone);
    }
    let (mut parts, body) = response.into_parts();
    for name in parts.headers.keys() {
        if !matches!(*name, header::SET_COOKIE | header::VARY) {
            kept.remove(name);
        }
    }
    for (name, value) in &parts.headers {
        kept.append(name, value.clone());
    }
    parts.headers = kept;
    Response::from_parts(parts, body)
}
