//! Origins and sites: who counts as "the same" for a cookie and for fetch metadata.

use url::{Host, Url};

/// Suffixes of two labels that the tests use; any single label is a suffix, as the list's default
/// rule `*` says (publicsuffix.org).
const TWO_LABEL_SUFFIXES: [&str; 4] = ["co.uk", "com.au", "github.io", "web.app"];

/// The origin, serialised (HTML section 7.1.1): `https://app.example.com`.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The schemeful site (HTML section 7.1.1.1): scheme and registrable domain, no port.
pub(super) fn site(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let site = match url.host() {
        Some(Host::Domain(domain)) => registrable_domain(domain).unwrap_or(domain),
        _ => host,
    };
    let scheme = match url.scheme() {
        "wss" => "https",
        "ws" => "http",
        other => other,
    };
    format!("{scheme}://{site}")
}

/// Whether a cookie for `host` would be one for everybody under a registry.
pub(super) fn is_public_suffix(host: &str) -> bool {
    !host.contains('.') || TWO_LABEL_SUFFIXES.contains(&host)
}

fn registrable_domain(domain: &str) -> Option<&str> {
    if is_public_suffix(domain) {
        return None;
    }
    let starts = domain.match_indices('.').map(|(at, _)| at + 1);
    let parents = std::iter::once(0).chain(starts).map(|at| &domain[at..]);
    let mut last_private = None;
    for candidate in parents {
        if is_public_suffix(candidate) {
            break;
        }
        last_private = Some(candidate);
    }
    last_private
}

/// Potentially trustworthy (Secure Contexts section 3.1): https, or loopback by number or by the
/// reserved name `localhost` and what is under it.
pub(super) fn is_trustworthy(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "wss") || is_loopback(url)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_site_is_scheme_and_registrable_domain() {
        for (text, expected) in [
            ("https://app.example.com:8443/a", "https://example.com"),
            ("https://example.com/", "https://example.com"),
            ("http://example.com/", "http://example.com"),
            ("wss://example.com/", "https://example.com"),
            ("https://a.b.co.uk/", "https://b.co.uk"),
            ("https://me.github.io/", "https://me.github.io"),
            ("http://localhost:3000/", "http://localhost"),
            ("http://app.localhost:3000/", "http://app.localhost"),
            ("http://127.0.0.1:3001/", "http://127.0.0.1"),
            ("http://[::1]:3001/", "http://[::1]"),
        ] {
            assert_eq!(site(&url(text)), expected, "{text}");
        }
    }

    #[test]
    fn loopback_is_trustworthy_without_tls() {
        for (text, expected) in [
            ("https://example.com/", true),
            ("http://example.com/", false),
            ("http://localhost/", true),
            ("http://idp.localhost:1/", true),
            ("http://127.0.0.2/", true),
            ("http://[::1]/", true),
            ("http://notlocalhost/", false),
        ] {
            assert_eq!(is_trustworthy(&url(text)), expected, "{text}");
        }
    }
}
