//! Text that somebody else wrote, made fit for a log line or a page.

use std::fmt::{self, Write as _};

/// At most `limit` characters of `text`, without control characters, line separators (U+2028, U+2029) and
/// those that turn the direction of what follows (U+202A–202E, U+2066–2069), which would let a message
/// rewrite its surroundings. What goes into HTML is [`Escaped`] besides.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    text.chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .take(limit)
        .collect()
}

/// Text as HTML text or as a quoted attribute value.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Whether a provider's error code is one of the protocol by its form: all that are registered are lowercase
/// words (IANA, OAuth Extensions Error Registry). Any other may be a code, a token or a secret that it
/// repeats, and has no place in a log.
pub(crate) fn is_error_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The limit of an error code.
pub(super) const ERROR_LENGTH: usize = 100;

/// The limit of an error description.
pub(super) const DESCRIPTION_LENGTH: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_code_is_lowercase_words() {
        for code in [
            "invalid_grant",
            "access_denied",
            "unmet_authentication_requirements",
            "invalid_request_object",
        ] {
            assert!(is_error_code(code), "{code}");
        }
        for other in [
            "",
            "SplxlOBeZQQYbYS6WxSbIA",
            "the-secret",
            "invalid grant",
            "d41d8cd98f00b204",
            &"a".repeat(65),
        ] {
            assert!(!is_error_code(other), "{other}");
        }
    }

    #[test]
    fn what_rewrites_its_surroundings_is_removed() {
        assert_eq!(
            clean("a\0b\r\nc\u{202e}d\u{2066}e\u{2028}f\u{7f}g\u{9b}h", 100),
            "abcdefgh"
        );
        assert_eq!(clean("<b>", 100), "<b>", "escaping is another's");
        assert_eq!(clean("äöü", 2), "äö", "cut between characters");
    }
}
