//! What a sign-in shall reach, as parameters of `/auth/login` and of the app's own sign-in page.

use std::time::Duration;

use super::query::Query;
use crate::policy::Requirement;
use crate::provider::Selectors;
use crate::{Error, Result};

/// The longest hint that is passed on, in bytes.
const LONGEST_HINT: usize = 255;
/// The longest name of a connection or an organization, in bytes.
const LONGEST_SELECTOR: usize = 64;
/// As much of selectors as fits into the cookie of an attempt, in bytes.
const LONGEST_SELECTORS: usize = 192;
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

/// Where somebody signs in, as parameters of this endpoint.
pub(super) fn selection(selectors: &Selectors) -> impl Iterator<Item = (&'static str, &str)> {
    [
        ("connection_id", &selectors.connection),
        ("organization_id", &selectors.organization),
        ("domain_hint", &selectors.domain),
        ("provider", &selectors.identity_provider),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value.as_deref()?)))
}

/// A text that is handed to the provider.
pub(super) fn hint(value: Option<&str>) -> Result<Option<String>> {
    match value.filter(|value| !value.is_empty()) {
        Some(value) if value.len() > LONGEST_HINT || value.chars().any(char::is_control) => Err(
            Error::request("a hint is too long or has control characters"),
        ),
        value => Ok(value.map(str::to_owned)),
    }
}

/// What an attempt's cookie has room for.
fn check_length(selectors: &Selectors) -> Result<()> {
    let Selectors {
        connection,
        organization,
        domain,
        identity_provider,
    } = selectors;
    let length: usize = [connection, organization, domain, identity_provider]
        .into_iter()
        .flatten()
        .map(String::len)
        .sum();
    if length > LONGEST_SELECTORS {
        return Err(Error::request("too much is selected at once"));
    }
    Ok(())
}

/// Whether selectors are fit to be asked for: those of a link, and those that a provider's token names.
pub(super) fn check_selectors(selectors: &Selectors) -> Result<()> {
    let Selectors {
        connection,
        organization,
        domain,
        identity_provider,
    } = selectors;
    for name in [connection, organization, identity_provider] {
        selector(name.as_deref())?;
    }
    hint(domain.as_deref())?;
    check_length(selectors)
}

/// A name that is kept in the attempt's cookie, too.
pub(super) fn selector(value: Option<&str>) -> Result<Option<String>> {
    match value.filter(|value| !value.is_empty()) {
        Some(value)
            if value.len() > LONGEST_SELECTOR
                || !value.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Err(Error::request(
                "the name of a connection, an organization or a tenant is too long or has odd characters",
            ))
        }
        value => Ok(value.map(str::to_owned)),
    }
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
