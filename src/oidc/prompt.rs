//! Which pages the provider may or must show.

use std::str::FromStr;

use crate::{Error, Result};

/// `prompt` (OpenID Connect Core 3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// No page may be shown; the answer is an error where one would be needed.
    None,
    /// Sign in again, whatever session there is.
    Login,
    /// Ask for consent.
    Consent,
    /// Let the person choose an account.
    SelectAccount,
}

impl Prompt {
    /// The value on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

impl FromStr for Prompt {
    type Err = Error;

    /// Reads one value; case-sensitive.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) for a value that the specification does not have.
    fn from_str(text: &str) -> Result<Self> {
        [Self::None, Self::Login, Self::Consent, Self::SelectAccount]
            .into_iter()
            .find(|prompt| prompt.as_str() == text)
            .ok_or_else(|| Error::request("unknown prompt"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_read_as_it_is_written() {
        for prompt in [
            Prompt::None,
            Prompt::Login,
            Prompt::Consent,
            Prompt::SelectAccount,
        ] {
            assert_eq!(prompt.as_str().parse::<Prompt>().unwrap(), prompt);
        }
        for unknown in ["create", "None", "", "none login"] {
            assert!(unknown.parse::<Prompt>().is_err(), "{unknown}");
        }
    }
}
