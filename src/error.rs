//! One error type that says whose fault it is.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Any error as a source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who is to blame, and so who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The app's set-up is wrong: a missing or malformed option. Mended by who deploys it.
    Configuration,
    /// The browser, or who drives it, sent something malformed, forged, used up or too late.
    Request,
    /// The provider, or the person at it, said no (`error=access_denied` and its like).
    Denied,
    /// The provider answered, and the answer breaks the protocol or fails a check.
    Provider,
    /// The provider can't be reached or answers 5xx or 429: try again later.
    Unavailable,
    /// The session store failed: try again later.
    Store,
}

/// What went wrong: one lower-case line, without tokens, codes or URL queries.
///
/// [`kind`](Self::kind) tells whose fault it is, [`source`](std::error::Error::source) keeps the cause.
/// It can be cloned, since one failed call is the answer to everybody who waited for it.
///
/// ```
/// use tower_sso::{ErrorKind, Sso};
///
/// let error = Sso::builder("not a URL").base_url("https://app.example.com").build().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Configuration);
/// assert!(!error.is_temporary());
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    code: Option<Box<str>>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a kind, with one lower-case line that holds no secret.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            code: None,
            retry_after: None,
            source: None,
        }))
    }

    pub(crate) fn configuration(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    pub(crate) fn request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Request, message)
    }

    pub(crate) fn denied(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Denied, message)
    }

    pub(crate) fn provider(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Provider, message)
    }

    pub(crate) fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// A failure of a [`SessionStore`](crate::session::store::SessionStore).
    pub fn store(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Store, message)
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// The same error with the protocol's own error code, as `access_denied` (RFC 6749 section 4.1.2.1).
    #[must_use]
    pub fn with_code(mut self, code: &str) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// The same error with the time after which another try makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The protocol's error code, where the provider gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// How long the other side asks to wait (`Retry-After`), where it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether another try later can succeed without a change: the provider or the store is down.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Unavailable | ErrorKind::Store)
    }

    /// Whether the app's set-up is at fault.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        self.0.kind == ErrorKind::Configuration
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("code", &self.0.code)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_and_keeps_its_cause() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        let error = Error::unavailable("no answer").with_source("refused");
        assert!(error.is_temporary());
        assert_eq!(error.to_string(), "no answer");
        assert!(std::error::Error::source(&error).is_some());
    }
}
