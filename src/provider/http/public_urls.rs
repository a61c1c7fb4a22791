//! An app's own client, where tenants write the URLs.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use url::Url;

use super::{Addresses, HttpClient, HttpError, HttpErrorKind};

/// Hands to a client what [`Addresses::PublicOnly`] lets pass by its URL. What a name resolves to is for that client to
/// look at: nobody else knows it.
#[derive(Debug)]
pub(crate) struct PublicUrls(pub(crate) Arc<dyn HttpClient>);

impl HttpClient for PublicUrls {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        let url = Url::parse(&request.uri().to_string());
        if url.is_ok_and(|url| Addresses::PublicOnly.allow(&url)) {
            return self.0.call(request);
        }
        Box::pin(ready(Err(HttpError::new(HttpErrorKind::Forbidden))))
    }

    fn total_timeout(&self) -> Duration {
        self.0.total_timeout()
    }
}
