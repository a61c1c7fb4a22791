//! How a browser carries a session: the attributes of our cookies, and one scan that finds them.

use std::time::Duration;

use tower_cookies::Cookie;
use tower_cookies::cookie::time::{self, OffsetDateTime};
use tower_cookies::cookie::{Expiration, SameSite};
use url::{Host, Url};

use crate::{Error, Result};

/// The longest name that an app may choose; the names of login states are longer by a suffix.
const MAX_NAME: usize = 64;
/// The longest value that is read. Browsers keep at most 4096 bytes of name and value (RFC 6265bis
/// section 5.6).
const MAX_VALUE: usize = 4096;
/// How many cookies with our prefix are looked at in one request. Browsers keep about 180 a host.
const MAX_WITH_PREFIX: usize = 200;

/// The name of the session cookie, and the attributes that it shares with the login states.
///
/// `Path` is always `/` and there is never a `Domain`: `__Host-` wants both so, and without prefix a
/// cookie of ours is no business of the hosts beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookieSettings {
    pub(crate) name: String,
    pub(crate) secure: bool,
    pub(crate) same_site: SameSite,
    pub(crate) partitioned: bool,
}

impl CookieSettings {
    /// The settings for an app at `base`.
    ///
    /// - https: `__Host-sso`, `Secure`, `SameSite=Lax`.
    /// - http: `sso-<port>` without `Secure`, for every browser keeps that, and two apps on two loopback
    ///   ports share one jar. Whether http is allowed at this host is the caller's to decide.
    /// - `embedded`, for iframes of other sites: `SameSite=None; Secure; Partitioned`, on http
    ///   without prefix.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the custom name is not a token
    /// (RFC 6265 section 4.1.1), is longer than 64 bytes or has a prefix whose rules can't be kept (RFC
    /// 6265bis section 4.1.3); or `embedded` with http elsewhere than on loopback, where browsers drop
    /// `Secure` cookies.
    pub(crate) fn for_base_url(
        base: &Url,
        custom_name: Option<&str>,
        embedded: bool,
    ) -> Result<Self> {
        let https = base.scheme() == "https";
        if embedded && !https && !is_loopback(base) {
            return Err(Error::configuration(
                "cookies for iframes need https: browsers keep them nowhere else",
            ));
        }
        let name = match custom_name {
            Some(name) => {
                check_name(name, https)?;
                name.to_owned()
            }
            None if https => "__Host-sso".to_owned(),
            None => format!("sso-{}", base.port_or_known_default().unwrap_or(80)),
        };
        Ok(Self {
            name,
            secure: https || embedded,
            same_site: if embedded {
                SameSite::None
            } else {
                SameSite::Lax
            },
            partitioned: embedded,
        })
    }

    /// The same for a cookie that has to come back with a cross-site POST: the login state of a
    /// `form_post` answer (OAuth 2.0 Form Post Response Mode). Browsers want `Secure` with it, on
    /// loopback as elsewhere.
    pub(crate) fn cross_site(&self) -> Self {
        Self {
            secure: true,
            same_site: SameSite::None,
            ..self.clone()
        }
    }

    /// A cookie with these attributes; without `max_age` it ends with the browser. `value` is base64url.
    pub(crate) fn set(
        &self,
        name: &str,
        value: &str,
        max_age: Option<Duration>,
    ) -> Cookie<'static> {
        let mut cookie = Cookie::build((name.to_owned(), value.to_owned()))
            .path("/")
            .secure(self.secure)
            .http_only(true)
            .same_site(self.same_site)
            .partitioned(self.partitioned);
        if let Some(age) = max_age {
            let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            cookie = cookie.max_age(time::Duration::seconds(seconds));
        }
        cookie.build()
    }

    /// The cookie that removes the one of this name. It repeats every attribute: without `Partitioned`
    /// it would miss a partitioned one, and without `Secure` a `__Host-` name is refused. Answer it like
    /// any other cookie; a jar's `remove` would send nothing for a cookie that it has not seen.
    pub(crate) fn removal(&self, name: &str) -> Cookie<'static> {
        let mut cookie = self.set(name, "", Some(Duration::ZERO));
        cookie.set_expires(Expiration::DateTime(OffsetDateTime::UNIX_EPOCH));
        cookie
    }
}

/// Whether a URL's host is this machine by its name alone: `localhost` and what is under it (RFC 6761
/// section 6.3), `127.0.0.0/8`, `[::1]`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn check_name(name: &str, https: bool) -> Result<()> {
    let is_token = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if name.is_empty() || name.len() > MAX_NAME || !is_token {
        return Err(Error::configuration(
            "the cookie name must be a token of 1 to 64 characters (SSO_COOKIE_NAME)",
        ));
    }
    // Browsers compare prefixes without regard to case.
    let has_prefix = ["__host-", "__secure-"].iter().any(|prefix| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    });
    if has_prefix && !https {
        return Err(Error::configuration(
            "a cookie name with the prefix __Host- or __Secure- needs an https base URL (SSO_COOKIE_NAME)",
        ));
    }
    Ok(())
}

/// What a scan for one cookie found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// No such cookie, or one whose value can't be ours.
    None,
    One(&'a str),
    /// Somebody planted a second one, for a path or a parent domain. Which is ours can't be told, so it
    /// counts as none.
    Twice,
}

/// Looks for one cookie in all `Cookie` fields (HTTP/2 may split it into several, RFC 9113 section
/// 8.2.3): one borrowed scan, no allocation. Other cookies may hold any bytes.
pub(crate) fn find<'a>(fields: impl Iterator<Item = &'a [u8]>, name: &str) -> Found<'a> {
    let mut values =
        pairs(fields).filter_map(|(other, value)| (other == name.as_bytes()).then_some(value));
    match (values.next(), values.next()) {
        (_, Some(_)) => Found::Twice,
        (Some(value), None) => ours(value).map_or(Found::None, Found::One),
        (None, None) => Found::None,
    }
}

/// The cookies whose name starts with `prefix`, name and value, in the order they came: the first 200
/// whose names and values can be ours. We write no name beyond ASCII, and no `Set-Cookie` field of
/// ours could remove one.
pub(crate) fn names_with_prefix<'a>(
    fields: impl Iterator<Item = &'a [u8]>,
    prefix: &str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    pairs(fields)
        .filter(|(name, _)| name.starts_with(prefix.as_bytes()))
        .filter(|(name, _)| name.is_ascii())
        .filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, ours(value)?)))
        .take(MAX_WITH_PREFIX)
}

/// The pairs of `cookie-string` (RFC 6265 section 4.2.1).
fn pairs<'a>(fields: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    fields
        .flat_map(|field| field.split(|byte| *byte == b';'))
        .filter_map(|pair| {
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            Some((pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii()))
        })
}

/// A value as we write them: base64url, not empty, not endless.
fn ours(value: &[u8]) -> Option<&str> {
    let fits = !value.is_empty()
        && value.len() <= MAX_VALUE
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    fits.then(|| std::str::from_utf8(value).ok()).flatten()
}

#[cfg(test)]
mod tests;
