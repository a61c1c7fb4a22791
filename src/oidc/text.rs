//! Text that somebody else wrote, made fit for a log line or a page.

/// At most `limit` characters of `text`, without control characters and without those that turn the
/// direction of what follows (U+202A–202E, U+2066–2069), which would let a message rewrite its
/// surroundings. Escaping for HTML is left to who writes HTML.
pub(super) fn clean(text: &str, limit: usize) -> String {
    text.chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .take(limit)
        .collect()
}

/// The limit of an error code.
pub(super) const ERROR_LENGTH: usize = 100;

/// The limit of an error description.
pub(super) const DESCRIPTION_LENGTH: usize = 500;
