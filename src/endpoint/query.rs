//! Parameters of a query or a form, read strictly.

use crate::oidc::form;
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
        let pairs: Vec<_> = form::pairs(text)
            .take(MOST + 1)
            .collect::<Result<_, _>>()
            .map_err(|form::Malformed| Error::request("the request is not well-formed"))?;
        if pairs.len() > MOST {
            return Err(Error::request("the request has too many parameters"));
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

    /// All parameters but these.
    pub(crate) fn others(&self, names: &[&str]) -> Vec<(String, String)> {
        let is_other = |(name, _): &&(String, String)| !names.contains(&name.as_str());
        self.0.iter().filter(is_other).cloned().collect()
    }

    /// The same parameters as a query.
    pub(crate) fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
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
