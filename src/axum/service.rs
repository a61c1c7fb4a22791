//! Single sign-on around a whole `Router`, in the shape that `axum::serve` wants.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::serve::IncomingStream;
use bytes::Bytes;
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::forwarded::PeerAddress;
use crate::layer::SsoService;

/// Made by [`Sso::into_axum`](crate::Sso::into_axum). Cheaper than `Router::layer`, which boxes each request
/// and response once more; goes straight into `axum::serve`, and knows each connection's peer then.
/// Handlers that want axum's `ConnectInfo` need `axum::ServiceExt::into_make_service_with_connect_info`
/// as ever; its address counts here, too.
#[derive(Clone, Debug)]
pub struct AxumService {
    inner: SsoService<Router>,
}

impl AxumService {
    pub(crate) fn new(inner: SsoService<Router>) -> Self {
        Self { inner }
    }
}

impl Service<Request> for AxumService {
    type Response = Response;
    type Error = Infallible;
    type Future = AxumFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request) -> AxumFuture {
        AxumFuture {
            inner: self.inner.call(request),
        }
    }
}

impl<L: axum::serve::Listener> Service<IncomingStream<'_, L>> for AxumService
where
    // To be told apart: an address, or a Unix socket.
    L::Addr: 'static,
{
    type Response = Self;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, L>) -> Self::Future {
        let peer = PeerAddress::of_connection(stream.remote_addr());
        let inner = self.inner.for_peer(peer);
        std::future::ready(Ok(Self { inner }))
    }
}

pin_project! {
    /// The future of [`AxumService`].
    #[derive(Debug)]
    pub struct AxumFuture {
        #[pin]
        inner: <SsoService<Router> as Service<Request>>::Future,
    }
}

impl Future for AxumFuture {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().inner.poll(cx))?;
        Poll::Ready(Ok(response.map(|body| match body.into_parts() {
            Ok(body) => body,
            Err(own) => Body::new(Full::<Bytes>::new(own)),
        })))
    }
}
