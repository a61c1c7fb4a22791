//! The client over reqwest and rustls.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::future::BoxFuture;

use super::resolver::Resolver;
use super::{
    Addresses, DEFAULT_MAX_BODY, DEFAULT_TOTAL_TIMEOUT, HttpClient, HttpError, HttpErrorKind,
};
use crate::{Error, Result};

/// How a [`ReqwestClient`] calls. The defaults suit a provider on the internet.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The time to a connection, TLS included. Default: 2 s.
    pub connect_timeout: Duration,
    /// The time for the whole call, the body included. Default: 5 s.
    pub total_timeout: Duration,
    /// The most bytes of a body that are taken, after decompression. Default: 1 MiB.
    pub max_body: usize,
    /// Certificates (PEM, one or more) that are trusted beside those of the system. Default: none.
    pub extra_ca: Option<Vec<u8>>,
    /// Whether `HTTPS_PROXY` and its like are obeyed. Default: no, since a proxy resolves names itself
    /// and so goes around every check of addresses: with [`Addresses::PublicOnly`] it can't be.
    pub proxy_from_environment: bool,
    /// Which addresses may be called. Default: any, for URLs that the operator wrote.
    pub addresses: Addresses,
    /// The `User-Agent`. Default: `tower-sso/<version>`.
    pub user_agent: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            total_timeout: DEFAULT_TOTAL_TIMEOUT,
            max_body: DEFAULT_MAX_BODY,
            extra_ca: None,
            proxy_from_environment: false,
            addresses: Addresses::Any,
            user_agent: concat!("tower-sso/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Calls over the network: rustls, no redirects, no retries, bounded bodies.
///
/// Names that end in `.localhost` are the loopback address (RFC 6761 section 6.3), whatever the
/// system's resolver makes of them; with [`Addresses::PublicOnly`] they are refused.
///
/// ```no_run
/// use tower_sso::provider::{HttpOptions, ReqwestClient};
///
/// # fn main() -> tower_sso::Result<()> {
/// let client = ReqwestClient::new(&HttpOptions::default())?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    client: reqwest::Client,
    addresses: Addresses,
    total_timeout: Duration,
    max_body: usize,
}

impl ReqwestClient {
    /// A client with these options. Makes no call.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the extra CA is not PEM, the
    /// system has no CA certificates and none is given, a proxy is to be obeyed and public addresses alone
    /// to be called, or the crate was built without the feature `aws-lc-rs` and the app has not installed a
    /// rustls provider.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        Self::with_resolver(options, Resolver::of_the_system(options.addresses))
    }

    pub(super) fn with_resolver(options: &HttpOptions, resolver: Resolver) -> Result<Self> {
        if options.proxy_from_environment && options.addresses == Addresses::PublicOnly {
            return Err(Error::configuration(
                "a proxy resolves names itself: public addresses alone can't be had through one",
            ));
        }
        // reqwest panics where rustls has no provider.
        #[cfg(not(feature = "aws-lc-rs"))]
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::configuration(
                "no rustls crypto provider is installed: with the feature `rust-crypto` alone, call \
                 `rustls::crypto::CryptoProvider::install_default` first",
            ));
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .timeout(options.total_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .dns_resolver(resolver);
        if !options.proxy_from_environment {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &options.extra_ca {
            builder = builder.tls_certs_merge(certificates(pem)?);
        }
        let client = builder.build().map_err(|error| {
            Error::configuration("the HTTP client can't be set up").with_source(error)
        })?;
        Ok(Self {
            client,
            addresses: options.addresses,
            total_timeout: options.total_timeout,
            max_body: options.max_body,
        })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<reqwest::Certificate>> {
    let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| {
        Error::configuration("the extra CA is not PEM (SSO_CA_FILE)").with_source(error)
    })?;
    if certificates.is_empty() {
        return Err(Error::configuration(
            "the extra CA has no certificate (SSO_CA_FILE)",
        ));
    }
    Ok(certificates)
}

impl HttpClient for ReqwestClient {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(classify)?;
            // A literal address never comes to the resolver.
            if !self.addresses.allow(request.url()) {
                return Err(HttpError::new(HttpErrorKind::Forbidden));
            }
            let mut answer = self.client.execute(request).await.map_err(classify)?;
            let mut body = BytesMut::new();
            while let Some(chunk) = answer.chunk().await.map_err(classify)? {
                // Counted as it comes: a small compressed body can be a huge one, and
                // `Content-Length` need not be true.
                if body.len() + chunk.len() > self.max_body {
                    return Err(HttpError::new(HttpErrorKind::TooLarge));
                }
                body.extend_from_slice(&chunk);
            }
            let mut response = http::Response::new(body.freeze());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            Ok(response)
        })
    }

    fn total_timeout(&self) -> Duration {
        self.total_timeout
    }
}

fn classify(error: reqwest::Error) -> HttpError {
    let kind = if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_timeout() {
        HttpErrorKind::Timeout
    } else {
        HttpErrorKind::Other
    };
    // The URL may have credentials in its query.
    HttpError::new(kind).with_source(error.without_url())
}

#[cfg(all(test, not(feature = "aws-lc-rs")))]
mod tests {
    #[test]
    fn without_a_rustls_provider_the_set_up_is_at_fault() {
        let client = super::ReqwestClient::new(&super::HttpOptions::default());
        assert!(client.unwrap_err().is_configuration());
    }
}
