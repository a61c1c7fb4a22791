//! Reading a set-up from environment variables, or from whatever a test puts in their place.

use std::ffi::OsString;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use crate::{Error, Result};

/// Variables by name.
pub(crate) struct Vars<'a>(pub(crate) &'a dyn Fn(&str) -> Option<OsString>);

impl Vars<'_> {
    /// The value of a variable; an empty one counts as not set.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = (self.0)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        value
            .into_string()
            .map(Some)
            .map_err(|_| malformed(name, "it is not UTF-8"))
    }

    pub(crate) fn required(&self, name: &str) -> Result<String> {
        self.text(name)?
            .ok_or_else(|| Error::configuration(format!("{name} is missing")))
    }

    pub(crate) fn parsed<T: FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>> {
        let text = self.text(name)?;
        text.map(|text| text.parse().map_err(|error| malformed(name, error)))
            .transpose()
    }

    pub(crate) fn switch(&self, name: &str) -> Result<bool> {
        match self.text(name)?.as_deref() {
            None | Some("off") => Ok(false),
            Some("on") => Ok(true),
            Some(_) => Err(malformed(name, "use on or off")),
        }
    }

    pub(crate) fn words(&self, name: &str) -> Result<Option<Vec<String>>> {
        let text = self.text(name)?;
        Ok(text.map(|text| text.split_whitespace().map(str::to_owned).collect()))
    }

    pub(crate) fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        self.text(name)?
            .map(|text| text.parse().map(Duration::from_secs))
            .transpose()
            .map_err(|_| malformed(name, "it must be a whole number of seconds"))
    }

    /// A secret by the variable itself or by the file that `<name>_FILE` names.
    pub(crate) fn secret(&self, name: &str) -> Result<Option<String>> {
        let by_file = format!("{name}_FILE");
        match (self.text(name)?, self.text(&by_file)?) {
            (Some(_), Some(_)) => Err(Error::configuration(format!(
                "{name} and {by_file} are both set: use one"
            ))),
            (Some(value), None) => Ok(Some(value)),
            (None, Some(path)) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| malformed(&by_file, error))?;
                let text = text.trim_end_matches(['\r', '\n']);
                if text.is_empty() {
                    return Err(malformed(&by_file, "the file is empty"));
                }
                Ok(Some(text.to_owned()))
            }
            (None, None) => Ok(None),
        }
    }
}

/// The value is never part of the message: it may be a secret in the wrong place.
pub(crate) fn malformed(name: &str, why: impl Display) -> Error {
    Error::configuration(format!("{name} can't be used: {why}"))
}
