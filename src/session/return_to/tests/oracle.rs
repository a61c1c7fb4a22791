//! The rules of a return URL, said a second time in other words: by what the `url` crate makes of a text.

use proptest::prelude::*;
use url::Url;

use super::payloads::payloads;
use crate::session::ReturnTo;

const ORIGIN: &str = "https://app.example.com";

fn base() -> Url {
    Url::parse(ORIGIN).unwrap()
}

/// What the parser must answer.
fn expected(text: &str) -> Option<String> {
    let characters = |part: &str, more: &str| {
        let plain = "-._~!$&'()*+,;=:@/%";
        part.chars()
            .all(|c| c.is_ascii_alphanumeric() || plain.contains(c) || more.contains(c))
    };
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_uri = characters(path, "") && characters(query, "?[]{}|^`") && characters(fragment, "?");
    let escapes = |text: &str| {
        text.match_indices('%').all(|(at, _)| {
            let digits = text.get(at + 1..at + 3).unwrap_or_default();
            digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    if text.len() > 2048 || !is_uri || !escapes(text) || !text.starts_with('/') {
        return None;
    }
    let seen = base().join(text).ok()?;
    if decoded(path).chars().any(|c| c.is_ascii_control()) {
        return None;
    }
    if names_a_host(path) || names_a_host(seen.path()) || names_a_host(&once_more(seen.path())) {
        return None;
    }
    let mut url = seen.path().to_owned();
    if let Some((_, query)) = rest.split_once('?') {
        url.push('?');
        url.extend(query.chars().map(|c| match c {
            '\'' | '[' | ']' | '{' | '}' | '|' | '^' | '`' => format!("%{:02X}", u32::from(c)),
            plain => plain.to_string(),
        }));
    }
    (url.len() <= 2048).then_some(url)
}

fn decoded(path: &str) -> String {
    let bytes = percent_encoding::percent_decode_str(path);
    bytes.map(char::from).collect()
}

/// Whether a path can be taken for `//host`, by who decodes it too.
fn names_a_host(path: &str) -> bool {
    let second = decoded(path).chars().nth(1);
    second.is_some_and(|c| c <= ' ' || c == '\u{7f}' || "/\\%".contains(c))
}

/// What a server makes of a path that decodes it before it resolves the dots. An encoded `?` stays a
/// character of the path.
fn once_more(path: &str) -> String {
    let decoded = decoded(path);
    let url = base().join(&decoded.replace(['?', '#'], "_"));
    url.map_or_else(|_| "//".to_owned(), |url| url.path().to_owned())
}

fn agrees(text: &str) -> Option<String> {
    let parsed = ReturnTo::parse(text).map(|to| to.to_string());
    assert_eq!(parsed, expected(text), "{text:?}");
    if let Some(parsed) = &parsed {
        let url = base().join(parsed).unwrap();
        assert_eq!(url.as_str(), format!("{ORIGIN}{parsed}"), "{text:?}");
        let theirs = base().join(text).unwrap();
        assert_eq!(theirs.origin(), base().origin(), "{text:?}");
    }
    parsed
}

#[test]
fn each_of_the_payloads_gets_what_the_rules_say() {
    let payloads = payloads();
    let accepted = payloads
        .iter()
        .filter(|text| agrees(text).is_some())
        .count();
    let refused = payloads.len() - accepted;
    // A list of which all is refused, or all accepted, would prove nothing.
    assert!(
        accepted >= 500 && refused >= 10_000,
        "{accepted} accepted, {refused} refused"
    );
}

/// Whatever is refused in one piece is not let through in two, by the prefix of a base URL.
#[test]
fn a_prefix_does_not_help_a_payload_out() {
    for text in payloads() {
        agrees(&format!("/app{text}"));
        agrees(&format!("/app/..{text}"));
    }
}

proptest! {
    #[test]
    fn any_text_gets_what_the_rules_say(text in "(/?[ -~\\t\\n\\x00é／。]{0,30})|(/[a-z./%25fFcCeE0-9?#]{0,30})") {
        agrees(&text);
    }

    #[test]
    fn any_path_of_escapes_and_dots_gets_what_the_rules_say(
        pieces in prop::collection::vec(
            prop::sample::select(&["/", ".", "..", "%2e", "%2F", "%5c", "%09", "%25", "%0d", "2e", "2f", "a", "?", "%3f", "%23", ":"][..]),
            0..12,
        ),
    ) {
        agrees(&format!("/{}", pieces.concat()));
    }
}
