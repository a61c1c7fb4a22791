//! `application/x-www-form-urlencoded`, read strictly.

use std::borrow::Cow;

/// One `name=value` after the other; `Err` for malformed percent-encoding and for what is not UTF-8.
/// The usual decoders repair both, and then two readers of one URL see different values.
pub(crate) fn pairs(form: &[u8]) -> impl Iterator<Item = Result<(String, String), Malformed>> {
    form.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let split = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = match split {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            Ok((decode(name)?, decode(value)?))
        })
}

/// Not `application/x-www-form-urlencoded`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

fn decode(text: &[u8]) -> Result<String, Malformed> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match byte {
            b'+' => {
                out.push(b' ');
                tail
            }
            b'%' => {
                let [high, low, tail @ ..] = tail else {
                    return Err(Malformed);
                };
                out.push(hex(*high)? << 4 | hex(*low)?);
                tail
            }
            other => {
                out.push(other);
                tail
            }
        };
    }
    String::from_utf8(out).map_err(|_| Malformed)
}

fn hex(digit: u8) -> Result<u8, Malformed> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
        .ok_or(Malformed)
}

/// One name or value as such a form writes it.
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<Vec<(String, String)>, Malformed> {
        pairs(form.as_bytes()).collect()
    }

    #[test]
    fn reads_what_is_well_formed() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read("&a=1&&b=%41+%2b%C3%a4=&c").unwrap(),
            [pair("a", "1"), pair("b", "A +ä="), pair("c", "")]
        );
        assert_eq!(encode("a b:ä"), "a+b%3A%C3%A4");
    }

    #[test]
    fn malformed_percent_encoding_and_utf_8_are_refused() {
        for bad in [
            "a=%",
            "a=%4",
            "a=%4g",
            "a=%g4",
            "a=%+4",
            "a=%%",
            "%=a",
            "a=%ff",
            "a=%C3",
            "a=%ed%a0%80",
        ] {
            assert_eq!(read(bad), Err(Malformed), "{bad}");
        }
        assert!(pairs(b"a=\xff").any(|pair| pair.is_err()), "raw bytes");
    }
}
