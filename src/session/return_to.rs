//! Where a browser goes back to after a sign-in.

use std::fmt;

/// The longest return URL that is kept, in bytes.
const MAX_LENGTH: usize = 2048;

/// A path (and query) on our own origin.
///
/// The only way to one is a parser that accepts what no browser and no URL library can take for
/// another origin, and normalises it as they would:
///
/// 1. At most 2048 bytes, all of them characters of a URI (RFC 3986 section 2) with well-formed
///    percent-encodings: no backslash, no control character, no space, nothing beyond ASCII. The path has
///    no percent-encoded control character either: readers differ in what they strip. The
///    query may have `[ ] { } | ^` and a backtick besides, as browsers send them; they and `'` come out
///    percent-encoded.
/// 2. Dot segments, percent-encoded ones too, are resolved (RFC 3986 section 5.2.4, WHATWG URL
///    "double-dot URL path segment").
/// 3. What is left starts with one `/`, and not with `//`, nor with a percent-encoded slash, backslash,
///    space or control character behind the `/`: a proxy that decodes once more would make `//` of it.
///    The same holds for what such a proxy gets that resolves dot segments after it: `/a/..%2f/`.
/// 4. A fragment is cut off. It never reaches a server by itself, so only a hand-made link has one.
///
/// ```
/// use tower_sso::session::ReturnTo;
///
/// assert_eq!(ReturnTo::parse("/a/../b?page=2").map(|to| to.to_string()).as_deref(), Some("/b?page=2"));
/// assert_eq!(ReturnTo::parse("//evil.example/"), None);
/// assert_eq!(ReturnTo::parse("/\\evil.example"), None);
/// assert_eq!(ReturnTo::parse("https://evil.example/"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReturnTo(Box<str>);

impl ReturnTo {
    /// Reads a return URL; `None` for anything that is not plainly a path on our own origin.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH || !has_whole_escapes(text) {
            return None;
        }
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        let fits = path.bytes().all(is_path)
            && escapes(path).all(|code| !code.is_ascii_control())
            && query.is_none_or(|query| query.bytes().all(|byte| is_query(byte) || is_odd(byte)))
            && fragment.bytes().all(is_query);
        if !fits {
            return None;
        }
        // `//..` names a host as it stands, and is a plain path once its dots are resolved.
        if !starts_plainly(path) {
            return None;
        }
        let mut url = resolve_dots(path.strip_prefix('/')?);
        if !starts_plainly(&url) || !starts_plainly(&resolve_dots(&decoded(&url)[1..])) {
            return None;
        }
        if let Some(query) = query {
            url.push('?');
            push_query(&mut url, query);
        }
        (url.len() <= MAX_LENGTH).then(|| Self(url.into()))
    }

    /// The root of the origin, `/`: where everything goes that the parser refuses.
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// The path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same without its query, for where space is short.
    #[must_use]
    pub fn path_only(&self) -> Self {
        match self.0.split_once('?') {
            Some((path, _)) => Self(path.into()),
            None => self.clone(),
        }
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether each `%` begins a percent-encoding (RFC 3986 section 2.1).
fn has_whole_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let bytes = rest.as_bytes();
        bytes.len() >= 2 && bytes[0].is_ascii_hexdigit() && bytes[1].is_ascii_hexdigit()
    })
}

/// `pchar` and `/` (RFC 3986 section 3.3).
fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/".contains(&byte)
}

/// The characters of a query or fragment (RFC 3986 sections 3.4 and 3.5).
fn is_query(byte: u8) -> bool {
    is_path(byte) || byte == b'?'
}

/// Characters that RFC 3986 does not allow in a query and browsers send (WHATWG URL "query
/// percent-encode set" leaves them): `?tags[]=a|b`.
fn is_odd(byte: u8) -> bool {
    b"[]{}|^`".contains(&byte)
}

fn push_query(url: &mut String, query: &str) {
    for character in query.chars() {
        match character {
            // `'` is in the "special-query percent-encode set" of WHATWG URL.
            '\'' => url.push_str("%27"),
            '[' => url.push_str("%5B"),
            ']' => url.push_str("%5D"),
            '{' => url.push_str("%7B"),
            '}' => url.push_str("%7D"),
            '|' => url.push_str("%7C"),
            '^' => url.push_str("%5E"),
            '`' => url.push_str("%60"),
            plain => url.push(plain),
        }
    }
}

/// The path with its dot segments resolved as browsers do; `path` is without its leading `/`.
fn resolve_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_dots = false;
    for segment in path.split('/') {
        let dots = dots(segment);
        match dots {
            2 => {
                kept.pop();
            }
            1 => {}
            _ => kept.push(segment),
        }
        ends_in_dots = dots > 0;
    }
    let mut resolved = format!("/{}", kept.join("/"));
    if ends_in_dots && !kept.is_empty() {
        resolved.push('/');
    }
    resolved
}

/// What the percent-encodings of a text stand for; it has whole ones only.
fn escapes(text: &str) -> impl Iterator<Item = u8> {
    text.split('%')
        .skip(1)
        .filter_map(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok())
}

/// A path as a proxy has it that decodes it, with backslashes that count as slashes.
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, code) in parts.zip(escapes(path)) {
        text.push(if code == b'\\' { '/' } else { char::from(code) });
        text.push_str(&part[2..]);
    }
    text
}

/// 1 for `.`, 2 for `..`, also percent-encoded; 0 for any other segment.
fn dots(segment: &str) -> u8 {
    let mut rest = segment;
    let mut count = 0;
    while !rest.is_empty() {
        rest = match rest.as_bytes() {
            [b'.', ..] => &rest[1..],
            [b'%', b'2', b'e' | b'E', ..] => &rest[3..],
            _ => return 0,
        };
        count += 1;
        if count > 2 {
            return 0;
        }
    }
    count
}

/// Whether what follows the leading `/` can't be taken for the `//` of an authority, also not after one
/// more decoding.
fn starts_plainly(path: &str) -> bool {
    match path.as_bytes() {
        [b'/', b'/', ..] => false,
        [b'/', b'%', high, low, ..] => {
            let code = std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            !code.is_none_or(|code| code <= b' ' || code == 0x7f || b"/\\%".contains(&code))
        }
        // The end of a path that was decoded once.
        [b'/', b'%', ..] => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
