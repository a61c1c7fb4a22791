//! A client without sockets.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use tower::ServiceExt as _;
use tower_service::Service;

use super::{DEFAULT_MAX_BODY, HttpClient, HttpError, HttpErrorKind};
use crate::error::BoxError;

type Answer = BoxFuture<'static, Result<http::Response<Bytes>, HttpError>>;

/// Hands each call to a service in this process, as an `axum::Router` is one (feature `test-util`).
#[derive(Clone)]
pub struct InProcessClient(Arc<dyn Fn(http::Request<Bytes>) -> Answer + Send + Sync>);

impl InProcessClient {
    /// A client of `service`, whatever host a call names.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<http::Request<Full<Bytes>>, Response = http::Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BoxError>,
    {
        Self(Arc::new(move |request| {
            let service = service.clone();
            Box::pin(async move {
                let answer = match service.oneshot(request.map(Full::new)).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                };
                let (parts, body) = answer.into_parts();
                let body = Limited::new(body, DEFAULT_MAX_BODY);
                let body = body.collect().await.map_err(|error| {
                    let kind = if error.is::<LengthLimitError>() {
                        HttpErrorKind::TooLarge
                    } else {
                        HttpErrorKind::Other
                    };
                    HttpError::new(kind).with_source(error)
                })?;
                Ok(http::Response::from_parts(parts, body.to_bytes()))
            })
        }))
    }
}

impl HttpClient for InProcessClient {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        (self.0)(request)
    }
}

impl fmt::Debug for InProcessClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessClient").finish_non_exhaustive()
    }
}
