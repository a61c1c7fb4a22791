//! The handle cookie: what leads a browser's request to its session at the provider.
//!
//! 1. It is 256 random bits and new at each sign-in. What it stands for is in the
//!    [directory](super::directory).
//! 2. Without a parent domain it is the app's own (`__Host-`). With one, which has to be named, every host
//!    under that domain gets it, and can plant one: all of them must be trusted.
//! 3. On loopback it is the host's, for apps on all its ports.
//! 4. Two of them mean none.

use std::time::Duration;

use tower_cookies::Cookie;
use url::{Host, Url};

use super::cookie::{self, CookieSettings, Found, is_loopback};
use super::directory::HandleKey;
use crate::secret::Secret;
use crate::{Error, Result, crypto};

/// What a browser keeps: whoever has it is taken for that browser.
#[derive(Clone, Debug)]
pub(crate) struct Handle(Secret<String>);

impl Handle {
    pub(crate) fn random() -> Self {
        Self(Secret::new(crypto::random_token()))
    }

    pub(crate) fn key(&self) -> HandleKey {
        HandleKey::of_cookie(self.0.expose())
    }
}

/// Name, domain and attributes of the handle cookie.
#[derive(Clone, Debug)]
pub(crate) struct HandleCookie {
    name: &'static str,
    domain: Option<String>,
    settings: CookieSettings,
}

impl HandleCookie {
    /// For an app at `base`, whose session cookie has `settings`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the domain is not one that the app's
    /// host is under, is a public suffix, or is named on loopback.
    pub(crate) fn new(base: &Url, domain: Option<&str>, settings: CookieSettings) -> Result<Self> {
        let domain = domain.map(|domain| checked(base, domain)).transpose()?;
        let name = match (base.scheme() == "https", &domain) {
            (true, None) => "__Host-sso-handle",
            (true, Some(_)) => "__Secure-sso-handle",
            (false, _) => "sso-handle",
        };
        Ok(Self {
            name,
            domain,
            settings,
        })
    }

    /// The handle that a browser sent.
    pub(crate) fn find<'a>(&self, fields: impl Iterator<Item = &'a [u8]>) -> Option<Handle> {
        match cookie::find(fields, self.name) {
            Found::One(value) => Some(Handle(Secret::from(value))),
            Found::None | Found::Twice => None,
        }
    }

    /// The cookie with this handle; it lasts as long as the session that it stands for.
    pub(crate) fn set(&self, handle: &Handle, lifetime: Duration) -> Cookie<'static> {
        let value = handle.0.expose();
        self.within_domain(self.settings.set(self.name, value, Some(lifetime)))
    }

    pub(crate) fn removal(&self) -> Cookie<'static> {
        self.within_domain(self.settings.removal(self.name))
    }

    fn within_domain(&self, mut cookie: Cookie<'static>) -> Cookie<'static> {
        if let Some(domain) = &self.domain {
            cookie.set_domain(domain.clone());
        }
        cookie
    }
}

fn checked(base: &Url, domain: &str) -> Result<String> {
    let refuse = |why: &str| Error::configuration(format!("{why} (SSO_SHARED_DOMAIN)"));
    if is_loopback(base) {
        return Err(refuse(
            "on loopback apps share the handle without a parent domain: name none",
        ));
    }
    let domain = match Host::parse(domain.strip_prefix('.').unwrap_or(domain)) {
        Ok(Host::Domain(domain)) => domain,
        _ => return Err(refuse("the parent domain of the apps is no domain")),
    };
    // RFC 6265 section 5.1.3.
    let covers = base.host_str().is_some_and(|host| {
        let above = host.strip_suffix(&domain);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    });
    if !covers {
        return Err(refuse(
            "the base URL's host is not under the parent domain of the apps",
        ));
    }
    // Browsers refuse such a cookie (RFC 6265 section 5.3, step 5), and everybody could plant one.
    if psl::domain(domain.as_bytes()).is_none() {
        return Err(refuse(
            "the parent domain of the apps is a public suffix, under which anybody can be",
        ));
    }
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(base: &str, domain: Option<&str>) -> Result<HandleCookie> {
        let base: Url = base.parse().unwrap();
        let settings = CookieSettings::for_base_url(&base, None, false)?;
        HandleCookie::new(&base, domain, settings)
    }

    #[test]
    fn who_gets_the_cookie() {
        for (base, domain, expected) in [
            (
                "https://app.example.com",
                None,
                "__Host-sso-handle=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60",
            ),
            (
                "https://app.example.com",
                Some("example.com"),
                "__Secure-sso-handle=v; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=example.com; Max-Age=60",
            ),
            (
                "https://example.com",
                Some(".EXAMPLE.com"),
                "__Secure-sso-handle=v; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=example.com; Max-Age=60",
            ),
            (
                "http://127.0.0.1:3000",
                None,
                "sso-handle=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=60",
            ),
        ] {
            let handle = handle(base, domain).unwrap();
            let cookie = handle.set(&Handle(Secret::from("v")), Duration::from_secs(60));
            assert_eq!(cookie.to_string(), expected, "{base} {domain:?}");
            let removal = handle.removal().to_string();
            let place = expected
                .replace("=v;", "=;")
                .replace("Max-Age=60", "Max-Age=0");
            assert!(removal.starts_with(&place), "{removal}");
        }
    }

    #[test]
    fn a_domain_that_strangers_are_under_is_refused() {
        for (base, domain, taken) in [
            ("https://a.example.com", "example.com", true),
            ("https://a.b.example.com", "b.example.com", true),
            ("https://a.example.co.uk", "example.co.uk", true),
            ("https://a.corp.internal", "corp.internal", true),
            ("https://a.example.com", "com", false),
            ("https://a.example.co.uk", "co.uk", false),
            ("https://a.github.io", "github.io", false),
            ("https://a.internal", "internal", false),
            ("https://a.example.com", "ample.com", false),
            ("https://a.example.com", "other.com", false),
            ("https://a.example.com", "b.a.example.com", false),
            ("https://a.example.com", "", false),
            ("https://a.example.com", "..", false),
            ("https://10.0.0.1", "0.0.1", false),
            ("https://10.0.0.1", "10.0.0.1", false),
            ("http://app.localhost:3000", "localhost", false),
            ("http://127.0.0.1:3000", "127.0.0.1", false),
        ] {
            assert_eq!(handle(base, Some(domain)).is_ok(), taken, "{base} {domain}");
        }
    }

    #[test]
    fn two_handles_mean_none() {
        let handle = handle("https://app.example.com", None).unwrap();
        let found = |text: &'static str| handle.find(std::iter::once(text.as_bytes()));
        assert_eq!(
            found("__Host-sso-handle=a"),
            Some(HandleKey::of_cookie("a"))
        );
        assert_eq!(found("__Host-sso-handle=a; __Host-sso-handle=a"), None);
        assert_eq!(found("sso-handle=a"), None);
    }
}
