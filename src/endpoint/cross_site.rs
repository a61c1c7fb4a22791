//! Who may send an unsafe request with the session cookie: pages of our own origin.
//!
//! 1. Safe methods (GET, HEAD, OPTIONS, TRACE; RFC 9110 section 9.2.1) pass, a WebSocket upgrade does not
//!    count as safe: it opens a channel that can do anything.
//! 2. `Sec-Fetch-Site` decides where it is there: `same-origin` and `none` (the address bar) pass.
//! 3. Else `Origin` decides: ours and listed ones pass, and so does none at all, as no browser sends an
//!    unsafe cross-site request without it.
//!
//! Browsers send either field once. One that comes twice says nothing that may be believed.

use http::{HeaderMap, Method, header};

use super::request_kind::is_web_socket;
use crate::flow::BaseUrl;

/// Whether a request may rely on the session cookie. `origin` is our own, `allowed` the listed others.
pub(crate) fn may_use_session(
    method: &Method,
    headers: &HeaderMap,
    origin: &str,
    allowed: &[String],
) -> bool {
    let safe = method.is_safe();
    if safe && !is_web_socket(headers) {
        return true;
    }
    let sent_by = only(headers, header::ORIGIN.as_str());
    let listed = sent_by.is_some_and(|by| allowed.iter().any(|one| one.as_bytes() == by));
    match by_own_site(headers) {
        Some(own) => own || listed,
        None => sent_by.is_none_or(|by| by == origin.as_bytes()) || listed,
    }
}

/// Whether another site's page had a safe request sent: by a link, a redirect, a form with GET. It may be answered
/// with the session, as [`may_use_session`] says, but nobody may come out of it as somebody else.
pub(crate) fn is_link_from_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    method.is_safe() && by_own_site(headers) == Some(false)
}

/// Whether Fetch Metadata says that a page of our own origin, or the person, asks; `None` without it.
pub(super) fn by_own_site(headers: &HeaderMap) -> Option<bool> {
    only(headers, "sec-fetch-site").map(|site| site == b"same-origin" || site == b"none")
}

/// The value of a field. Where it comes twice that is the empty one, which is nobody's: whether this server
/// and a proxy before it read the same of two is not known.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(values.next().map_or(first.as_bytes(), |_| b""))
}

/// Whether a page of this origin, or the person by the address bar, started this. Browsers without Fetch
/// Metadata are told by `Origin` and `Referer`; what sends none of the three is no page's doing.
pub(super) fn asked_by_this_site(headers: &HeaderMap, base: &BaseUrl) -> bool {
    if let Some(own_site) = by_own_site(headers) {
        return own_site;
    }
    [header::ORIGIN, header::REFERER]
        .iter()
        .filter_map(|name| only(headers, name.as_str()))
        .all(|by| {
            let by = std::str::from_utf8(by).ok();
            by.is_some_and(|by| base.same_origin_path(by).is_some())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_from_elsewhere_is_known_by_fetch_metadata() {
        for (method, site, elsewhere) in [
            ("GET", Some("cross-site"), true),
            ("GET", Some("same-site"), true),
            ("HEAD", Some("cross-site"), true),
            ("GET", Some("made-up"), true),
            ("GET", Some("same-origin"), false),
            ("GET", Some("none"), false),
            ("GET", None, false),
            ("POST", Some("cross-site"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(site.map(|site| {
                let name = header::HeaderName::from_static("sec-fetch-site");
                (name, site.parse().unwrap())
            }));
            let verdict = is_link_from_elsewhere(&method.parse().unwrap(), &headers);
            assert_eq!(verdict, elsewhere, "{method} {site:?}");
        }
    }

    type Headers = &'static [(&'static str, &'static str)];

    #[test]
    fn each_rule() {
        let ours = "https://app.example";
        let rows: &[(&str, Headers, bool)] = &[
            ("GET", &[("sec-fetch-site", "cross-site")], true),
            ("POST", &[("sec-fetch-site", "same-origin")], true),
            ("POST", &[("sec-fetch-site", "none")], true),
            ("POST", &[("sec-fetch-site", "same-site")], false),
            ("POST", &[("sec-fetch-site", "cross-site")], false),
            (
                "POST",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://app.example"),
                ],
                false,
            ),
            (
                "POST",
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://friend.example"),
                ],
                true,
            ),
            ("POST", &[("origin", "https://app.example")], true),
            ("POST", &[("origin", "https://friend.example")], true),
            ("POST", &[("origin", "https://evil.example")], false),
            ("POST", &[("origin", "null")], false),
            ("POST", &[], true),
            ("DELETE", &[("sec-fetch-site", "cross-site")], false),
            (
                "GET",
                &[("upgrade", "websocket"), ("sec-fetch-site", "cross-site")],
                false,
            ),
            (
                "GET",
                &[("upgrade", "websocket"), ("origin", "https://evil.example")],
                false,
            ),
            (
                "GET",
                &[("upgrade", "websocket"), ("origin", "https://app.example")],
                true,
            ),
        ];
        for (method, headers, passes) in rows {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.insert(
                    header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    value.parse().unwrap(),
                );
            }
            let allowed = ["https://friend.example".to_owned()];
            assert_eq!(
                may_use_session(&method.parse().unwrap(), &map, ours, &allowed),
                *passes,
                "{method} {headers:?}"
            );
        }
    }
}
