//! Which connection an authorization request means: pure.

use super::catalogue::{self, SignInError};
use super::tenant::{ScalekitConnection, domain_of};
use crate::simulator::params::Params;

/// What a request selects by. The vendor takes the first that is there, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selectors {
    pub(super) connection_id: Option<String>,
    pub(super) organization_id: Option<String>,
    /// `domain_hint`, or else `domain`.
    pub(super) domain: Option<String>,
    pub(super) login_hint: Option<String>,
    pub(super) provider: Option<String>,
}

impl Selectors {
    pub(super) fn read(params: &Params) -> Self {
        let text = |name| params.get(name).map(ToOwned::to_owned);
        Self {
            connection_id: text("connection_id"),
            organization_id: text("organization_id"),
            domain: text("domain_hint").or_else(|| text("domain")),
            login_hint: text("login_hint"),
            provider: text("provider"),
        }
    }
}

/// What there is to select from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a> {
    /// The ids of all organizations.
    pub(super) organizations: &'a [String],
    /// Domains, each with the id of its organization.
    pub(super) domains: &'a [(String, String)],
    pub(super) connections: &'a [ScalekitConnection],
}

/// The connection that a request means, or the documented error.
///
/// A selector that names what does not exist is an error, except for a domain: then the next one counts.
pub(super) fn select<'a>(
    selectors: &Selectors,
    choice: Choice<'a>,
) -> Result<&'a ScalekitConnection, SignInError> {
    if let Some(id) = &selectors.connection_id {
        let found = choice.connections.iter().find(|known| known.id == *id);
        let connection = found.ok_or(catalogue::INVALID_CONNECTION_ID)?;
        return if connection.is_active() {
            Ok(connection)
        } else {
            Err(catalogue::CONNECTION_NOT_ACTIVE)
        };
    }
    if let Some(id) = &selectors.organization_id {
        return if choice.organizations.contains(id) {
            of_organization(id, choice)
        } else {
            Err(catalogue::INVALID_ORGANIZATION_ID)
        };
    }
    let hinted = selectors.login_hint.as_deref().and_then(domain_of);
    let of_domain = |domain: &str| organization_of(domain, choice);
    if let Some(id) = selectors.domain.as_deref().and_then(of_domain) {
        return of_organization(id, choice);
    }
    // The documents count a provider among the selectors, and a hint among what is filled in.
    if let Some(provider) = &selectors.provider {
        return first_active(choice, |known| {
            known.provider.eq_ignore_ascii_case(provider)
        });
    }
    if let Some(id) = hinted.as_deref().and_then(of_domain) {
        return of_organization(id, choice);
    }
    Err(if selectors.domain.is_some() || hinted.is_some() {
        catalogue::DOMAIN_NOT_FOUND
    } else {
        catalogue::INVALID_CONNECTION_SELECTOR
    })
}

/// The organization that has a domain, as a whole and without case: `evil-example.com` is not `example.com`.
pub(super) fn organization_of<'a>(domain: &str, choice: Choice<'a>) -> Option<&'a str> {
    choice
        .domains
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(domain))
        .map(|(_, organization)| organization.as_str())
}

fn of_organization<'a>(
    id: &str,
    choice: Choice<'a>,
) -> Result<&'a ScalekitConnection, SignInError> {
    first_active(choice, |known| known.organization == id)
}

fn first_active<'a>(
    choice: Choice<'a>,
    meant: impl Fn(&ScalekitConnection) -> bool,
) -> Result<&'a ScalekitConnection, SignInError> {
    let mut some = false;
    for connection in choice.connections.iter().filter(|known| meant(known)) {
        if connection.is_active() {
            return Ok(connection);
        }
        some = true;
    }
    Err(if some {
        catalogue::NO_ACTIVE_CONNECTIONS
    } else {
        catalogue::NO_CONFIGURED_CONNECTIONS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id of the connection that a query selects, or the code of the error.
    fn selected(query: &str) -> String {
        let connection = ScalekitConnection::new;
        let connections = [
            connection("conn_off", "org_acme").enabled(false),
            connection("conn_acme", "org_acme"),
            connection("conn_spare", "org_acme"),
            connection("conn_beta", "org_beta").provider("GOOGLE"),
            connection("conn_draft", "org_draft").status("DRAFT"),
            connection("conn_half", "org_draft")
                .status("IN_PROGRESS")
                .provider("JUMPCLOUD"),
        ];
        let text = |text: &str| text.to_owned();
        let choice = Choice {
            organizations: &["org_acme", "org_beta", "org_draft", "org_new"].map(text),
            domains: &[
                ("example.com", "org_acme"),
                ("example.org", "org_beta"),
                ("draft.example", "org_draft"),
            ]
            .map(|(domain, organization)| (text(domain), text(organization))),
            connections: &connections,
        };
        let selectors = Selectors::read(&Params::parse(query.as_bytes()));
        match select(&selectors, choice) {
            Ok(connection) => connection.id.clone(),
            Err((code, _)) => code.to_owned(),
        }
    }

    #[test]
    fn each_selector_finds_its_connection() {
        for (query, expected) in [
            ("connection_id=conn_spare", "conn_spare"),
            ("organization_id=org_acme", "conn_acme"),
            ("domain=example.org", "conn_beta"),
            ("domain_hint=EXAMPLE.org", "conn_beta"),
            ("domain_hint=example.com&domain=example.org", "conn_acme"),
            ("login_hint=ada@Example.com", "conn_acme"),
            ("provider=google", "conn_beta"),
        ] {
            assert_eq!(selected(query), expected, "{query}");
        }
    }

    #[test]
    fn the_narrower_selector_wins() {
        let order = [
            ("connection_id=conn_beta", "conn_beta"),
            ("organization_id=org_acme", "conn_acme"),
            ("domain_hint=example.org", "conn_beta"),
            ("provider=GOOGLE", "conn_beta"),
            ("login_hint=ada@example.com", "conn_acme"),
        ];
        for (at, (winner, expected)) in order.iter().enumerate() {
            for (loser, _) in &order[at + 1..] {
                let query = format!("{loser}&{winner}");
                assert_eq!(selected(&query), *expected, "{query}");
            }
        }
    }

    #[test]
    fn a_wrong_id_is_an_error_whatever_else_is_there() {
        let rest = "&domain=example.com&login_hint=ada@example.com&provider=google";
        for (query, expected) in [
            ("connection_id=conn_x", "invalid_connection_id"),
            (
                "connection_id=conn_x&organization_id=org_acme",
                "invalid_connection_id",
            ),
            ("connection_id=conn_off", "connection_not_active"),
            ("connection_id=conn_draft", "connection_not_active"),
            ("organization_id=org_x", "invalid_organization_id"),
            ("organization_id=org_draft", "no_active_connections"),
            ("organization_id=org_new", "no_configured_connections"),
        ] {
            assert_eq!(selected(query), expected, "{query}");
            assert_eq!(selected(&format!("{query}{rest}")), expected, "{query}");
        }
    }

    #[test]
    fn an_unknown_domain_falls_through() {
        for (query, expected) in [
            ("domain=x.example&login_hint=ada@example.com", "conn_acme"),
            (
                "domain=x.example&login_hint=ada@y.example",
                "domain_not_found",
            ),
            ("domain=x.example&provider=google", "conn_beta"),
            ("domain=x.example", "domain_not_found"),
            ("domain=evil-example.com", "domain_not_found"),
            ("domain=example.com.evil", "domain_not_found"),
            ("domain=draft.example", "no_active_connections"),
            ("provider=salesforce", "no_configured_connections"),
            ("provider=jumpcloud", "no_active_connections"),
            ("login_hint=ada", "invalid_connection_selector"),
            ("", "invalid_connection_selector"),
            ("connection_id=&domain=", "invalid_connection_selector"),
        ] {
            assert_eq!(selected(query), expected, "{query}");
        }
    }
}
