//! The app's address as browsers know it.

use std::fmt;

use url::{Host, Url};

use crate::session::ReturnTo;
use crate::{Error, Result};

/// The URL under which browsers reach the app: an origin and, behind some proxies, a path prefix.
///
/// All absolute URLs of the app are made of it, never of a request's `Host`.
///
/// ```
/// use tower_sso::BaseUrl;
///
/// let base = BaseUrl::parse("https://example.com/app")?;
/// assert_eq!((base.origin(), base.prefix()), ("https://example.com", "/app"));
/// assert_eq!(base.join("/auth/callback"), "https://example.com/app/auth/callback");
/// assert!(BaseUrl::parse("http://example.com").is_err());
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    origin: String,
    prefix: String,
}

impl BaseUrl {
    /// Reads `https://app.example.com` or `https://example.com/app`. Plain http is for loopback only.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when it is not absolute, has a query,
    /// a fragment or user information, or is plain http on a host that is not loopback.
    pub fn parse(text: &str) -> Result<Self> {
        let base = Self::parse_insecure(text)?;
        if base.is_https() || base.is_loopback() {
            return Ok(base);
        }
        Err(Error::configuration(
            "the base URL must be https: plain http is for loopback only",
        ))
    }

    /// As [`BaseUrl::parse`], with plain http on any host.
    pub(crate) fn parse_insecure(text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|error| {
            Error::configuration("the base URL is not an absolute URL").with_source(error)
        })?;
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            return Err(Error::configuration(
                "the base URL must be an http or https URL",
            ));
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(Error::configuration(
                "the base URL must not have a query, a fragment or user information",
            ));
        }
        let origin = url.origin().ascii_serialization();
        let prefix = url.path().trim_end_matches('/').to_owned();
        if ReturnTo::parse(&format!("{prefix}/")).is_none() {
            return Err(Error::configuration(
                "the path of the base URL is not a plain path",
            ));
        }
        Ok(Self {
            url,
            origin,
            prefix,
        })
    }

    /// The same at another host, which may name a port of its own.
    pub(crate) fn at_host(&self, host: &str, plain_http: bool) -> Result<Self> {
        let names_port = Url::parse(&format!("{}://{host}", self.url.scheme()))
            .is_ok_and(|url| url.port().is_some());
        let port = match self.url.port() {
            Some(port) if !names_port => format!(":{port}"),
            _ => String::new(),
        };
        let text = format!("{}://{host}{port}{}", self.url.scheme(), self.prefix);
        if plain_http {
            Self::parse_insecure(&text)
        } else {
            Self::parse(&text)
        }
    }

    /// The origin: scheme, host and port where it is not the scheme's own.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path prefix without a slash at its end; empty at the root.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether browsers come by TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the host is this machine: `localhost`, a name under it, 127.0.0.0/8 or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// An absolute URL of the app; `path` begins with a slash and is under the prefix.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.prefix)
    }

    /// The path that a browser would have to ask for to reach `path` of a request: where a proxy strips
    /// the prefix, it is put back.
    #[must_use]
    pub(crate) fn public_path(&self, path: &str) -> String {
        if self.prefix.is_empty() || self.strip_prefix(path).is_some() {
            path.to_owned()
        } else {
            format!("{}{path}", self.prefix)
        }
    }

    /// `path` without the prefix, if it is under it.
    #[must_use]
    pub(crate) fn strip_prefix<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.prefix.as_str())?;
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
    }

    /// The start page of the app.
    #[must_use]
    pub(crate) fn home(&self) -> ReturnTo {
        ReturnTo::parse(&self.public_path("/")).unwrap_or_else(ReturnTo::root)
    }

    /// The same-origin path of an absolute URL of this origin, by the strict parser.
    #[must_use]
    pub(crate) fn same_origin_path(&self, url: &str) -> Option<ReturnTo> {
        let rest = url.strip_prefix(self.origin.as_str())?;
        if rest.is_empty() {
            return Some(ReturnTo::root());
        }
        ReturnTo::parse(rest)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_https_and_loopback_only() {
        for good in [
            "https://a.example",
            "https://a.example/app/",
            "http://127.0.0.1:3000",
            "http://[::1]:1",
            "http://app.localhost:3000",
        ] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/app",
            "a.example",
            "http://a.example",
            "http://localhost.evil.example",
            "ftp://a.example",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
            "http://10.0.0.1",
            "https://a.example/%2f%2fevil\\",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_prefix_is_put_back_where_a_proxy_stripped_it() {
        let base = BaseUrl::parse("https://a.example/app").unwrap();
        assert_eq!(
            base.join("/auth/callback"),
            "https://a.example/app/auth/callback"
        );
        assert_eq!(base.public_path("/x?y"), "/app/x?y");
        assert_eq!(base.public_path("/app/x?y"), "/app/x?y");
        assert_eq!(base.public_path("/application"), "/app/application");
        assert_eq!(base.strip_prefix("/app/auth"), Some("/auth"));
        assert_eq!(base.strip_prefix("/application"), None);
    }

    #[test]
    fn only_this_origin_gives_a_path() {
        let base = BaseUrl::parse("https://a.example").unwrap();
        assert_eq!(
            base.same_origin_path("https://a.example/x?y")
                .unwrap()
                .as_str(),
            "/x?y"
        );
        assert_eq!(
            base.same_origin_path("https://a.example").unwrap().as_str(),
            "/"
        );
        for other in [
            "https://a.example.evil/x",
            "https://a.example@evil/x",
            "http://a.example/x",
            "https://a.example:444/x",
            "/x",
            "//a.example/x",
        ] {
            assert_eq!(base.same_origin_path(other), None, "{other}");
        }
    }
}
