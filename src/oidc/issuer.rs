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
        let authority = text
            .get(url.scheme().len()..)
            .and_then(|rest| rest.strip_prefix("://"))
            .and_then(|rest| rest.split('/').next())
            .unwrap_or_default();
        if authority.is_empty()
            || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return refuse("the issuer is not a well-formed URL");
        }
        if text.contains(['?', '#']) {
            return refuse("the issuer has a query or a fragment");
        }
        if authority.contains('@') {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_issuer() {
        for text in [
            "",
            "idp.example.com",
            "/realms/acme",
            "ftp://idp.example.com",
            "https:idp.example.com",
            "https:/idp.example.com",
            "https:///idp.example.com",
            "https:\\\\idp.example.com",
            "https://idp.example.com\\realms",
            " https://idp.example.com",
            "https://idp.example.com ",
            "https://idp.exa\nmple.com",
            "https://idp.example.com/a b",
            "https://idp.example.com?",
            "https://idp.example.com/?tenant=a",
            "https://idp.example.com/#",
            "https://user@idp.example.com",
            "https://user:password@idp.example.com",
            "https://@idp.example.com",
        ] {
            let error = Issuer::parse(text).expect_err(text);
            assert!(error.is_configuration(), "{text}");
        }
        assert!(
            Issuer::parse("https://idp.example.com/@acme").is_ok(),
            "an @ in the path is none of user information"
        );
    }

    #[test]
    fn is_compared_and_shown_as_it_was_written() {
        let issuer = Issuer::parse("https://IDP.example.com:443/").unwrap();
        assert_eq!(issuer.to_string(), "https://IDP.example.com:443/");
        assert_eq!(&*issuer.arc(), issuer.as_str());
        assert_ne!(issuer, Issuer::parse("https://idp.example.com/").unwrap());
    }

    #[test]
    fn metadata_is_under_the_issuers_path() {
        for (issuer, url) in [
            (
                "https://a.example",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example/x%2Fy",
                "https://a.example/x%2Fy/.well-known/openid-configuration",
            ),
            (
                "https://a.example/x//",
                "https://a.example/x//.well-known/openid-configuration",
            ),
            (
                "http://[::1]:8/x",
                "http://[::1]:8/x/.well-known/openid-configuration",
            ),
        ] {
            let parsed = Issuer::parse(issuer).unwrap();
            assert_eq!(parsed.configuration_url().as_str(), url);
        }
    }

    #[test]
    fn plain_http_is_told_apart_by_host() {
        for (text, loopback) in [
            ("http://localhost:3001", true),
            ("http://idp.localhost:3001", true),
            ("http://127.0.0.2", true),
            ("http://[::1]:3001/x", true),
            ("https://localhost", false),
            ("http://idp.example.com", false),
            ("http://localhost.example.com", false),
            ("http://notlocalhost", false),
            ("http://10.0.0.1", false),
        ] {
            let issuer = Issuer::parse(text).unwrap();
            assert_eq!(issuer.is_loopback_http(), loopback, "{text}");
            assert_eq!(issuer.is_https(), text.starts_with("https"), "{text}");
        }
    }
}
