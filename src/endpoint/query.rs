//! Parameters of a query or a form, read strictly.

use std::borrow::Cow;

use crate::{Error, Result};

/// The most parameters that are looked at.
const MOST: usize = 64;

/// Decoded parameters in their order.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    /// Broken percent-encoding, what is not UTF-8, and more than 64 parameters.
    pub(crate) fn parse(text: &[u8]) -> Result<Self> {
        let mut pairs = Vec::new();
        for pair in text
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            if pairs.len() == MOST {
                return Err(Error::request("the request has too many parameters"));
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter that may be there once.
    ///
    /// # Errors
    /// When it is there twice: then who reads the first and who reads the last see two different requests.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.0.iter().filter(|(own, _)| own == name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => Ok(Some(value)),
            (Some(_), Some(_)) => Err(Error::request("a parameter is there twice")),
        }
    }
}

fn decode(text: &[u8]) -> Result<String> {
    let malformed = || Error::request("the request is not well-formed");
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at + 1..at + 3).ok_or_else(malformed)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(malformed());
        }
        rest = &rest[at + 3..];
    }
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let decoded: Cow<'_, [u8]> = percent_encoding::percent_decode(&spaced).into();
    String::from_utf8(decoded.into_owned()).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_well_formed_only() {
        let query = Query::parse(b"a=1&b=x+y%2f&c&&d=%E2%82%AC").unwrap();
        assert_eq!(query.one("a").unwrap(), Some("1"));
        assert_eq!(query.one("b").unwrap(), Some("x y/"));
        assert_eq!(query.one("c").unwrap(), Some(""));
        assert_eq!(query.one("d").unwrap(), Some("€"));
        assert_eq!(query.one("e").unwrap(), None);
        assert!(Query::parse(b"a=1&a=2").unwrap().one("a").is_err());
        for bad in ["a=%", "a=%2", "a=%zz", "%ff=1", "a=%c3%28"] {
            assert!(Query::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Query::parse("a&".repeat(65).as_bytes()).is_err());
        assert!(Query::parse(b"\xff").is_err());
    }
}
