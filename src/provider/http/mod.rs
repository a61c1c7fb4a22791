//! The one way out of the process: a small trait, a client over reqwest, and one for tests that needs
//! no socket.
//!
//! A client makes a call exactly once, follows no redirect and reads no more than it was told to. What
//! an answer means is decided elsewhere, in pure functions.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::HeaderValue;

use crate::error::BoxError;
use crate::secret::Secret;
use crate::{Error, ErrorKind, Result};

mod addresses;
pub(crate) mod answer;
#[cfg(any(test, feature = "test-util"))]
mod in_process;
mod public_urls;
mod reqwest;
mod resolver;
// As for the tests of the network: without it rustls has no provider.
#[cfg(feature = "aws-lc-rs")]
#[cfg(test)]
mod tests;

pub use addresses::{Addresses, is_public};
#[cfg(any(test, feature = "test-util"))]
pub use in_process::InProcessClient;
pub(crate) use public_urls::PublicUrls;
pub use reqwest::{HttpOptions, ReqwestClient};

/// The most of a body that is read, after decompression: 1 MiB.
pub const DEFAULT_MAX_BODY: usize = 1 << 20;

/// The time that a whole call may take: 5 s.
pub const DEFAULT_TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes HTTP calls to a provider.
///
/// Rules that each implementation must keep:
/// 1. A call is sent once: an authorization code or a refresh token that is sent twice counts as stolen
///    (RFC 6749 section 4.1.2, RFC 9700 section 4.14.2).
/// 2. Redirects are answers, not instructions: a redirect that is followed carries credentials to
///    a place that nobody configured.
/// 3. The body is bounded, after decompression.
pub trait HttpClient: Send + Sync + fmt::Debug {
    /// Makes one call.
    ///
    /// # Errors
    /// [`HttpError`] when there is no whole answer. An answer of any status is not an error here.
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>>;

    /// The time after which a call is given up, whatever the client does. Default: 5 s.
    fn total_timeout(&self) -> Duration {
        DEFAULT_TOTAL_TIMEOUT
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// No connection: a name that does not resolve, a refused port, a failed TLS handshake.
    Connect,
    /// It took too long.
    Timeout,
    /// The URL is one that the client must not call ([`Addresses::PublicOnly`]). Nothing was sent, and
    /// another try ends the same.
    Forbidden,
    /// The body is larger than the limit.
    TooLarge,
    /// Anything else: a broken connection, an answer that is no HTTP.
    Other,
}

/// A call without an answer.
#[derive(Debug)]
pub struct HttpError {
    kind: HttpErrorKind,
    source: Option<BoxError>,
}

impl HttpError {
    /// An error of a kind.
    #[must_use]
    pub fn new(kind: HttpErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// The same error with its cause, which must not show the URL's query.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Why there is no answer.
    #[must_use]
    pub fn kind(&self) -> HttpErrorKind {
        self.kind
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            HttpErrorKind::Connect => "no connection to the provider",
            HttpErrorKind::Timeout => "the provider did not answer in time",
            HttpErrorKind::Forbidden => "the provider has a URL that is not called from here",
            HttpErrorKind::TooLarge => "the provider's answer is too large",
            HttpErrorKind::Other => "the call to the provider broke off",
        })
    }
}

impl std::error::Error for HttpError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

impl From<HttpError> for Error {
    /// Without an answer nothing is known about the person or the token: the provider is unavailable. But one
    /// whose URL is forbidden will never be: whoever set it up has to mend that, and this app is not down.
    fn from(error: HttpError) -> Self {
        let kind = match error.kind {
            HttpErrorKind::Forbidden => ErrorKind::Provider,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

/// A header value that is not shown by `Debug` and not kept in HTTP/2's compression table.
pub(crate) fn sensitive(value: &Secret<String>) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| Error::provider("a token has characters that no header takes"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Makes a call within the client's own deadline.
///
/// The deadline is kept here too, so that a client that hangs holds nobody up for ever.
pub(crate) async fn send(
    http: &dyn HttpClient,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, HttpError> {
    tokio::time::timeout(http.total_timeout(), http.call(request))
        .await
        .unwrap_or_else(|_| Err(HttpError::new(HttpErrorKind::Timeout)))
}
