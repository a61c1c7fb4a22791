//! Who may use the session cookie, as a truth table that is gone through as a whole.

use http::{HeaderMap, Method};

use super::super::cross_site::{asked_by_this_site, may_use_session};
use super::header_map;
use crate::flow::BaseUrl;

const OURS: &str = "https://app.example";
const FRIEND: &str = "https://friend.example";

const METHODS: [(&str, bool); 9] = [
    ("GET", true),
    ("HEAD", true),
    ("OPTIONS", true),
    ("TRACE", true),
    ("POST", false),
    ("PUT", false),
    ("DELETE", false),
    ("CONNECT", false),
    ("get", false),
];

type Fields = &'static [(&'static str, &'static str)];

/// Fields, and whether they ask for a WebSocket.
const UPGRADES: [(Fields, bool); 8] = [
    (&[], false),
    (&[("upgrade", "h2c")], false),
    (&[("sec-fetch-mode", "navigate")], false),
    (&[("upgrade", "websocket")], true),
    (&[("upgrade", "h2c, WebSocket")], true),
    (&[("upgrade", "h2c"), ("upgrade", "websocket")], true),
    (&[("sec-websocket-key", "x")], true),
    (
        &[("sec-fetch-mode", "cors"), ("sec-fetch-mode", "websocket")],
        true,
    ),
];

/// Values of `Sec-Fetch-Site`, and whether the browser says that our own page asks, or the person.
const SITES: [(&[&str], Option<bool>); 11] = [
    (&[], None),
    (&["same-origin"], Some(true)),
    (&["none"], Some(true)),
    (&["same-site"], Some(false)),
    (&["cross-site"], Some(false)),
    (&[""], Some(false)),
    (&["Same-Origin"], Some(false)),
    (&["same-origin, cross-site"], Some(false)),
    (&["\u{e9}"], Some(false)),
    (&["same-origin", "cross-site"], Some(false)),
    (&["cross-site", "none"], Some(false)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Nobody,
    Us,
    Friend,
    Stranger,
}

/// Values of `Origin`, and whose they are. They are compared as they stand (RFC 6454 section 6.2).
const ORIGINS: [(&[&str], By); 13] = [
    (&[], By::Nobody),
    (&[OURS], By::Us),
    (&[FRIEND], By::Friend),
    (&["https://evil.example"], By::Stranger),
    (&["null"], By::Stranger),
    (&[""], By::Stranger),
    (&["https://app.example/"], By::Stranger),
    (&["https://app.example:444"], By::Stranger),
    (&["HTTPS://APP.EXAMPLE"], By::Stranger),
    (&["https://friend.example.evil.example"], By::Stranger),
    (&["https://app.example https://evil.example"], By::Stranger),
    (&[OURS, "https://evil.example"], By::Stranger),
    (&[FRIEND, "https://evil.example"], By::Stranger),
];

/// The table: a row is what the browser says of the site, a column whose `Origin` it is.
fn passes(own_site: Option<bool>, by: By) -> bool {
    let [nobody, us, friend, stranger] = match own_site {
        Some(true) => [true, true, true, true],
        Some(false) => [false, false, true, false],
        None => [true, true, true, false],
    };
    match by {
        By::Nobody => nobody,
        By::Us => us,
        By::Friend => friend,
        By::Stranger => stranger,
    }
}

#[test]
fn the_whole_truth_table() {
    let mut count = 0;
    for (method, safe) in METHODS {
        for (upgrade, opens_a_channel) in UPGRADES {
            for (site, own_site) in SITES {
                for (origin, by) in ORIGINS {
                    let text = upgrade.iter().map(|(name, value)| (*name, *value));
                    let text = text.chain(site.iter().map(|value| ("sec-fetch-site", *value)));
                    let text = text.chain(origin.iter().map(|value| ("origin", *value)));
                    let fields: Vec<_> = text
                        .map(|(name, value)| (name, value.as_bytes().to_vec()))
                        .collect();
                    let method: Method = method.parse().unwrap();
                    let verdict =
                        may_use_session(&method, &header_map(&fields), OURS, &[FRIEND.to_owned()]);
                    let expected = (safe && !opens_a_channel) || passes(own_site, by);
                    assert_eq!(verdict, expected, "{method} {fields:?}");
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, 9 * 8 * 11 * 13);
}

/// Nobody is a friend where none is listed.
#[test]
fn without_a_list_nobody_else_passes() {
    for (origin, by) in ORIGINS {
        let fields = origin
            .iter()
            .map(|value| ("origin", value.as_bytes().to_vec()));
        let headers = header_map(&fields.collect::<Vec<_>>());
        let verdict = may_use_session(&Method::POST, &headers, OURS, &[]);
        assert_eq!(verdict, matches!(by, By::Nobody | By::Us), "{origin:?}");
    }
}

#[test]
fn who_asked_is_told_by_the_best_header_that_is_there() {
    let base = BaseUrl::parse("https://app.example").unwrap();
    let rows: &[(&[(&str, &str)], bool)] = &[
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("referer", "https://app.example/"),
            ],
            false,
        ),
        (&[("referer", "https://app.example/page")], true),
        (&[("referer", "https://evil.example/page")], false),
        (&[("referer", "https://app.example.evil/")], false),
        (&[("origin", "https://app.example")], true),
        (&[("origin", "null")], false),
        (&[("origin", "https://evil.example")], false),
        (&[], true),
    ];
    for (headers, expected) in rows {
        let mut map = HeaderMap::new();
        for (name, value) in *headers {
            map.insert(*name, value.parse().unwrap());
        }
        assert_eq!(asked_by_this_site(&map, &base), *expected, "{headers:?}");
    }
}
