//! What must hold for any bytes at all: one function per fuzz target, each with the properties that it
//! looks for. A property that does not hold panics.
//!
//! 1. A property is read off the specification or off what the parser's own docs promise, and is checked
//!    by a second reader that shares no code with the first.
//! 2. The same functions run in `fuzz/` on made-up bytes and in a unit test on the committed corpus, so
//!    what a fuzzer once found is looked for in every ordinary test run.

#![cfg_attr(
    not(fuzzing),
    expect(
        unreachable_pub,
        reason = "they are public for the fuzz targets, which are another crate"
    )
)]

mod callback;
mod cookies;
mod id_token;
mod json;
mod return_url;

#[cfg(test)]
mod replay;

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

pub use callback::{callback_form, callback_query};
pub use cookies::{cookie_header, login_state_cookie};
pub use id_token::{id_token, id_token_claims};
pub use json::{jwks, metadata, token_response};
pub use return_url::return_url;

/// Percent-decoding as lenient readers do it: what is no percent-encoding stays as it is.
fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes
            .get(at + 1..at + 3)
            .filter(|digits| bytes[at] == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    out
}

/// A JSON object as a plain reader sees it, which takes the last of two members with one name: there must
/// not be two (RFC 7515 section 4, RFC 7519 section 4).
fn plain_object(bytes: &[u8]) -> Value {
    let plain: Value = serde_json::from_slice(bytes).expect("it was read before");
    let Count(members) = serde_json::from_slice(bytes).expect("it was read before");
    let distinct = plain.as_object().expect("it was read as an object").len();
    assert_eq!(members, distinct, "a name comes twice");
    plain
}

struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Count, A::Error> {
        let mut count = 0;
        while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Count(count))
    }
}

/// The text of a stranger that is shown or logged: bounded, and unable to rewrite what is around it.
fn assert_showable(text: &str, limit: usize) {
    assert!(text.chars().count() <= limit);
    assert!(!text.chars().any(|c| {
        let code = u32::from(c);
        code < 0x20
            || (0x7f..0xa0).contains(&code)
            || (0x2028..=0x202e).contains(&code)
            || (0x2066..=0x2069).contains(&code)
    }));
}
