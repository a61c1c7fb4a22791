//! What a sign-in shall reach, as parameters of `/auth/login` and of the app's own sign-in page.

use std::time::Duration;

use super::query::Query;
use crate::policy::Requirement;
use crate::{Error, Result};

/// The longest list of values, in bytes.
const LONGEST_LIST: usize = 2048;

/// Reads the parameters.
///
/// # Errors
/// One that is malformed, too long, or there twice.
pub(super) fn requirement(query: &Query) -> Result<Requirement> {
    let words = |name| -> Result<Vec<String>> {
        let text = query.one(name)?.unwrap_or_default();
        if text.len() > LONGEST_LIST
            || text
                .chars()
                .any(|c| c.is_control() || (c.is_whitespace() && c != ' '))
        {
            return Err(Error::request(
                "a list is too long or has other characters than words and spaces",
            ));
        }
        Ok(text
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect())
    };
    let max_age = match query.one("max_age")? {
        None => None,
        Some(seconds) => Some(
            seconds
                .parse()
                .map(Duration::from_secs)
                .map_err(|_| Error::request("`max_age` must be a number of seconds"))?,
        ),
    };
    Ok(Requirement {
        multi_factor: query.one("multi_factor")? == Some("true"),
        acr_values: words("acr_values")?,
        amr: words("amr")?,
        max_age,
        // The endpoint reads these as what they are: where to sign in.
        at: None,
    })
}

/// A requirement as parameters of this endpoint.
pub(super) fn requirement_query(requirement: &Requirement) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if requirement.multi_factor {
        query.append_pair("multi_factor", "true");
    }
    if !requirement.acr_values.is_empty() {
        query.append_pair("acr_values", &requirement.acr_values.join(" "));
    }
    if !requirement.amr.is_empty() {
        query.append_pair("amr", &requirement.amr.join(" "));
    }
    if let Some(age) = requirement.max_age {
        query.append_pair("max_age", &age.as_secs().to_string());
    }
    if let Some(at) = &requirement.at {
        for (name, id) in [
            ("organization_id", &at.organization),
            ("connection_id", &at.connection),
        ] {
            if let Some(id) = id {
                query.append_pair(name, id);
            }
        }
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_survives_the_way_through_a_url() {
        let wanted = Requirement {
            multi_factor: true,
            acr_values: vec!["urn:a b".replace(' ', "+"), "c".into()],
            amr: vec!["otp".into()],
            max_age: Some(Duration::from_secs(60)),
            ..Requirement::default()
        };
        let query = Query::parse(requirement_query(&wanted).as_bytes()).unwrap();
        assert_eq!(requirement(&query).unwrap(), wanted);
        assert_eq!(requirement_query(&Requirement::default()), "");
    }
}
