//! What the headers of an answer tell the browser to do or not to do.

use http::header::{self, HeaderMap};
use url::Url;

use super::Hop;
use super::site::origin;

/// Where a browser goes from here (Fetch section 4.4), with the fragment kept.
pub(super) fn redirect_target(hop: &Hop) -> Option<Url> {
    if !matches!(hop.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = hop.headers.get(header::LOCATION)?.to_str().ok()?;
    let mut to = hop.url.join(location).ok()?;
    if to.fragment().is_none() {
        to.set_fragment(hop.url.fragment());
    }
    Some(to)
}

/// The last policy that is understood counts (Referrer Policy section 8.1).
pub(super) fn referrer_policy(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::REFERRER_POLICY).iter();
    let last = lines.filter_map(|line| line.to_str().ok()).next_back()?;
    last.rsplit(',')
        .next()
        .map(|policy| policy.trim().to_ascii_lowercase())
}

pub(super) fn directive(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::CONTENT_SECURITY_POLICY).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split([';', ',']))
        .filter_map(|directive| {
            directive
                .trim()
                .split_once(' ')
                .or(Some((directive.trim(), "")))
        })
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, sources)| sources.trim().to_owned())
}

/// Whether a directive of the document at `own` lets it deal with `url` (CSP section 6.7.2), for the sources that pages of sign-in use.
pub(super) fn sources_allow(sources: &str, own: &Url, url: &Url) -> bool {
    sources.split_whitespace().any(|source| match source {
        "*" => true,
        "'self'" => origin(url) == origin(own),
        scheme if scheme.ends_with(':') => scheme.strip_suffix(':') == Some(url.scheme()),
        host => match Url::parse(host) {
            Ok(source) if source.path() == "/" => origin(&source) == origin(url),
            Ok(source) => origin(&source) == origin(url) && source.path() == url.path(),
            Err(_) => url.host_str() == Some(host),
        },
    })
}
