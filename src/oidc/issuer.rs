//! Who vouches for people: the issuer identifier.

use std::fmt;
use std::sync::Arc;

use url::{Host, Url};

use crate::{Error, Result};

/// An issuer identifier (OpenID Connect Discovery 1.0 section 3): compared as an exact string, cheap to
/// clone.
///
/// ```
/// use tower_sso::oidc::Issuer;
///
/// let issuer = Issuer::parse("https://idp.example.com/realms/acme/")?;
/// assert_eq!(
///     issuer.configuration_url().as_str(),
///     "https://idp.example.com/realms/acme/.well-known/openid-configuration"
/// );
/// assert_ne!(issuer, Issuer::parse("https://idp.example.com/realms/acme")?);
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Issuer(Arc<str>);

impl Issuer {
    /// Reads an absolute `https` or `http` URL without query, fragment and user information.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for anything else. What a URL
    /// parser would silently repair (white space, backslashes, a missing slash) is refused too, because
    /// the provider compares the text.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &'static str| Err(Error::configuration(why));
        let Ok(url) = Url::parse(text) else {
            return refuse("the issuer is not an absolute URL");
        };
        if !matches!(url.scheme(), "https" | "http") {
            return refuse("the issuer is neither an https nor an http URL");
        }
        let after_scheme = &text[url.scheme().len()..];
        if !after_scheme.starts_with("://")
            || after_scheme.starts_with(":///")
            || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return refuse("the issuer is not a well-formed URL");
        }
        if text.contains(['?', '#']) {
            return refuse("the issuer has a query or a fragment");
        }
        if text.contains('@') && (!url.username().is_empty() || url.password().is_some()) {
            return refuse("the issuer has user information");
        }
        Ok(Self(text.into()))
    }

    /// The identifier, exactly as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier, shared.
    #[must_use]
    pub fn arc(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url().scheme() == "https"
    }

    /// Whether it is a plain `http` URL on this machine: `localhost` and names under it (RFC 6761
    /// section 6.3), `127.0.0.0/8`, `[::1]`.
    #[must_use]
    pub fn is_loopback_http(&self) -> bool {
        let url = self.url();
        url.scheme() == "http"
            && match url.host() {
                Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    }

    /// Where its metadata is: a terminating `/` is removed, then `/.well-known/openid-configuration`
    /// appended (OpenID Connect Discovery 1.0 section 4.1).
    #[must_use]
    pub fn configuration_url(&self) -> Url {
        let mut url = self.url();
        let path = url.path();
        let path = path.strip_suffix('/').unwrap_or(path);
        let path = format!("{path}/.well-known/openid-configuration");
        url.set_path(&path);
        url
    }

    fn url(&self) -> Url {
        Url::parse(&self.0).expect("an issuer was parsed as a URL when it was made")
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
