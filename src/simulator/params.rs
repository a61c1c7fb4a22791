//! Parameters of a query or a form.

/// Decoded parameters in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded`, as queries and forms are (RFC 6749 appendix B).
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// A parameter; one without a value counts as left out (RFC 6749 section 3.1).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = |(key, value): &&(String, String)| key == name && !value.is_empty();
        self.0.iter().find(found).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether a parameter comes twice, which no request may have (RFC 6749 section 3.1).
    pub(super) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(key, _)| key == name).count() > 1
    }

    /// Whether any parameter comes twice.
    pub(super) fn repeats_any(&self) -> bool {
        self.0.iter().any(|(key, _)| self.repeats(key))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_rfc_6749_says() {
        let params = Params::parse(b"a=1&b=&c=x+y%21&a=2");
        assert_eq!(params.get("a"), Some("1"));
        assert_eq!(params.get("b"), None, "no value is left out");
        assert_eq!(params.get("c"), Some("x y!"));
        assert!(params.repeats("a") && params.repeats_any());
        assert!(!params.repeats("c"));
        assert!(!Params::parse(b"a=1&b=1").repeats_any());
    }
}
