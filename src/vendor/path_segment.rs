//! What somebody else named, as one segment of a path.

use std::fmt::Write as _;

use crate::{Error, Result};

/// The longest id that is sent.
const LONGEST: usize = 255;

/// An id as one segment of a path (RFC 3986 section 3.3). What servers and proxies may take for more than one,
/// or for none, is refused rather than encoded: some decode before they split.
pub(super) fn path_segment(id: &str, name: &str) -> Result<String> {
    let refused = id.is_empty()
        || id.len() > LONGEST
        || matches!(id, "." | "..")
        || id.contains(|c: char| matches!(c, '/' | '\\') || c.is_control());
    if refused {
        return Err(Error::request(format!("the {name} is none")));
    }
    let mut segment = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            segment.push(char::from(byte));
        } else {
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    Ok(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment() {
        for (id, segment) in [
            ("ada", "ada"),
            ("bb8dc75.8AEM5~-_", "bb8dc75.8AEM5~-_"),
            ("a b+c", "a%20b%2Bc"),
            ("%2e%2e", "%252e%252e"),
            ("a?b#c;d", "a%3Fb%23c%3Bd"),
            ("é", "%C3%A9"),
            ("...", "..."),
        ] {
            assert_eq!(path_segment(id, "id").unwrap(), segment);
        }
        let long = "a".repeat(256);
        for id in [
            "", ".", "..", "a/b", "/", "a\\b", "a\nb", "\t..", "\u{85}", &long,
        ] {
            let error = path_segment(id, "id").expect_err(id);
            assert_eq!(error.kind(), crate::ErrorKind::Request);
        }
    }
}
