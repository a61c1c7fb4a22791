//! How the answer comes back.

use std::str::FromStr;

use crate::{Error, Result};

/// How the answer comes back (`response_mode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ResponseMode {
    /// In the query of a redirect: the default of the code flow, so it is not sent.
    #[default]
    Query,
    /// As a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// The value on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

impl FromStr for ResponseMode {
    type Err = Error;

    /// Reads `query` or `form_post`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for anything else.
    fn from_str(text: &str) -> Result<Self> {
        [Self::Query, Self::FormPost]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| Error::configuration("the response mode is not query or form_post"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_read_as_it_is_written() {
        for mode in [ResponseMode::Query, ResponseMode::FormPost] {
            assert_eq!(mode.as_str().parse::<ResponseMode>().unwrap(), mode);
        }
        for unknown in ["fragment", "Query", "", "jwt"] {
            assert!(unknown.parse::<ResponseMode>().is_err(), "{unknown}");
        }
    }
}
