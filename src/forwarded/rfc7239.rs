//! `Forwarded` (RFC 7239): elements of `name=value` pairs, the nearest proxy's last.

use http::HeaderMap;

use super::{Chain, FORWARDED, LONGEST_CHAIN};

/// The longest field that is parsed, in bytes.
const LONGEST_FIELD: usize = 4096;

/// What one proxy says.
#[derive(Debug, Default)]
struct Element {
    /// `for`: whom the proxy speaks for (section 5.2).
    node: Option<String>,
    host: Option<String>,
    proto: Option<String>,
}

pub(super) fn read(headers: &HeaderMap) -> Chain {
    let mut chain = Chain::default();
    let fields = headers.get_all(FORWARDED);
    for field in fields.iter().rev() {
        let Some(elements) = elements(field.as_bytes()) else {
            // Where its elements begin and end can't be told: that, and all before it, is lost.
            chain.addresses.push(None);
            break;
        };
        for element in elements.into_iter().rev() {
            if chain.addresses.len() == LONGEST_CHAIN {
                return chain;
            }
            if chain.addresses.is_empty() {
                chain.scheme = element.proto.as_deref().and_then(super::scheme);
                let host = element.host.as_deref();
                chain.host = host.and_then(|host| super::host(host, chain.scheme, None));
            }
            let node = element.node.as_deref();
            chain.addresses.push(node.and_then(super::address));
        }
    }
    chain
}

/// `1#forwarded-element` of section 4; `None` if it is malformed.
fn elements(field: &[u8]) -> Option<Vec<Element>> {
    if field.len() > LONGEST_FIELD {
        return None;
    }
    let mut input = Input(field);
    let mut found = vec![input.element()?];
    while input.next_is(b',') {
        if found.len() == LONGEST_CHAIN {
            return None;
        }
        found.push(input.element()?);
    }
    input.0.is_empty().then_some(found)
}

/// What is left of a field.
struct Input<'f>(&'f [u8]);

impl Input<'_> {
    /// `[ forwarded-pair ] *( ";" [ forwarded-pair ] )`
    fn element(&mut self) -> Option<Element> {
        let mut element = Element::default();
        loop {
            self.skip_space();
            let name = self.token();
            if !name.is_empty() {
                let value = self.value()?;
                let place = match name.to_ascii_lowercase().as_str() {
                    "for" => Some(&mut element.node),
                    "host" => Some(&mut element.host),
                    "proto" => Some(&mut element.proto),
                    _ => None,
                };
                // Section 4: a parameter occurs once at most; of two, nobody knows which is the proxy's.
                if place.is_some_and(|place| place.replace(value).is_some()) {
                    return None;
                }
            }
            self.skip_space();
            if !self.next_is(b';') {
                return Some(element);
            }
        }
    }

    /// `"=" value`, where a value is a token or a quoted string (RFC 9110 section 5.6).
    fn value(&mut self) -> Option<String> {
        if !self.next_is(b'=') {
            return None;
        }
        if self.next_is(b'"') {
            return self.quoted();
        }
        Some(self.token()).filter(|token| !token.is_empty())
    }

    /// The rest of a quoted string, its opening quote taken.
    fn quoted(&mut self) -> Option<String> {
        let mut text = Vec::new();
        loop {
            match self.take()? {
                b'"' => return String::from_utf8(text).ok(),
                b'\\' => text.push(self.take()?),
                byte => text.push(byte),
            }
        }
    }

    fn token(&mut self) -> String {
        let is_tchar = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
        let end = self.0.iter().position(|byte| !is_tchar(byte));
        let (token, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        token.iter().copied().map(char::from).collect()
    }

    fn skip_space(&mut self) {
        while self.next_is(b' ') || self.next_is(b'\t') {}
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
}
