//! Which selector of a sign-in is sent: pure.

use crate::provider::Selectors;

/// The selector that decides where somebody signs in. Scalekit takes the first of these that it is given, so no
/// other is sent beside it.
///
/// ```
/// use tower_sso::provider::Selectors;
/// use tower_sso::vendor::scalekit::WinningSelector;
///
/// let mut asked = Selectors { domain: Some("acme.example".to_owned()), ..Selectors::default() };
/// assert_eq!(WinningSelector::of(&asked, None), Some(WinningSelector::Domain("acme.example")));
/// asked.organization = Some("org_acme".to_owned());
/// assert_eq!(WinningSelector::of(&asked, None), Some(WinningSelector::Organization("org_acme")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WinningSelector<'a> {
    /// `connection_id`: an unknown one is an error.
    Connection(&'a str),
    /// `organization_id`.
    Organization(&'a str),
    /// `domain_hint`, and the same as `domain`: an unknown one falls through.
    Domain(&'a str),
    /// `provider`: a social sign-in, as `google`.
    IdentityProvider(&'a str),
    /// The domain of `login_hint`.
    LoginHint(&'a str),
}

impl<'a> WinningSelector<'a> {
    /// The winner: connection before organization before domain before identity provider before login hint. Empty
    /// ones don't count.
    #[must_use]
    pub fn of(selectors: &'a Selectors, login_hint: Option<&'a str>) -> Option<Self> {
        let given = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
        given(&selectors.connection)
            .map(Self::Connection)
            .or_else(|| given(&selectors.organization).map(Self::Organization))
            .or_else(|| given(&selectors.domain).map(Self::Domain))
            .or_else(|| given(&selectors.identity_provider).map(Self::IdentityProvider))
            .or_else(|| {
                login_hint
                    .filter(|hint| !hint.is_empty())
                    .map(Self::LoginHint)
            })
    }

    /// The parameters that say it. `login_hint` has a place of its own in the request.
    pub(super) fn parameters(self) -> Vec<(String, String)> {
        let pairs: &[(&str, &str)] = match self {
            Self::Connection(id) => &[("connection_id", id)],
            Self::Organization(id) => &[("organization_id", id)],
            // The documents have both names.
            Self::Domain(domain) => &[("domain_hint", domain), ("domain", domain)],
            Self::IdentityProvider(name) => &[("provider", name)],
            Self::LoginHint(_) => &[],
        };
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    /// Whether an address may be filled in at the page that this leads to. One of another domain than the one that
    /// was asked for may not: it would tell one customer's identity provider of somebody at another's.
    pub(super) fn takes_hint(self, login_hint: &str) -> bool {
        match (self, login_hint.rsplit_once('@')) {
            (Self::Domain(asked), Some((_, domain))) => domain.eq_ignore_ascii_case(asked),
            _ => true,
        }
    }
}

/// Without what is empty: an empty selector selects nothing, and would be compared with what comes back.
pub(super) fn cleaned(mut selectors: Selectors) -> Selectors {
    for selector in [
        &mut selectors.connection,
        &mut selectors.organization,
        &mut selectors.domain,
        &mut selectors.identity_provider,
    ] {
        selector.take_if(|text| text.is_empty());
    }
    selectors
}

#[cfg(test)]
mod tests {
    use super::*;

    const HINT: &str = "ada@acme.example";

    fn selectors(given: &str) -> Selectors {
        let text = |name: &str, value: &str| {
            given
                .split(' ')
                .any(|one| one == name)
                .then(|| value.to_owned())
        };
        Selectors {
            connection: text("connection", "conn_1"),
            organization: text("organization", "org_1"),
            domain: text("domain", "acme.example"),
            identity_provider: text("provider", "google"),
        }
    }

    #[test]
    fn the_first_of_the_order_wins_and_goes_alone() {
        for (given, hint, query) in [
            (
                "connection organization domain provider",
                Some(HINT),
                "connection_id=conn_1",
            ),
            ("connection", None, "connection_id=conn_1"),
            ("connection provider", None, "connection_id=conn_1"),
            ("connection domain", None, "connection_id=conn_1"),
            (
                "organization domain provider",
                Some(HINT),
                "organization_id=org_1",
            ),
            ("organization provider", None, "organization_id=org_1"),
            (
                "domain provider",
                Some(HINT),
                "domain_hint=acme.example domain=acme.example",
            ),
            (
                "domain",
                None,
                "domain_hint=acme.example domain=acme.example",
            ),
            ("provider", Some(HINT), "provider=google"),
            ("", Some(HINT), ""),
        ] {
            let selectors = selectors(given);
            let winner = WinningSelector::of(&selectors, hint).unwrap();
            let sent: Vec<_> = (winner.parameters().into_iter())
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            assert_eq!(sent.join(" "), query, "{given}");
        }
        assert_eq!(
            WinningSelector::of(&selectors(""), Some(HINT)),
            Some(WinningSelector::LoginHint(HINT))
        );
        assert_eq!(WinningSelector::of(&selectors(""), None), None);
    }

    #[test]
    fn what_is_empty_selects_nothing() {
        let empty = || Some(String::new());
        let selectors = Selectors {
            connection: empty(),
            organization: empty(),
            domain: empty(),
            identity_provider: empty(),
        };
        assert_eq!(WinningSelector::of(&selectors, Some("")), None);
        assert!(cleaned(selectors).is_empty());
    }

    #[test]
    fn an_address_of_another_domain_is_not_filled_in() {
        for (winner, hint, fits) in [
            (WinningSelector::Domain("acme.example"), HINT, true),
            (WinningSelector::Domain("ACME.example"), HINT, true),
            (WinningSelector::Domain("acme.example"), "ada", true),
            (
                WinningSelector::Domain("acme.example"),
                "ada@other.example",
                false,
            ),
            (
                WinningSelector::Domain("acme.example"),
                "ada@x.acme.example",
                false,
            ),
            (
                WinningSelector::Domain("acme.example"),
                "ada@acme.example@other.example",
                false,
            ),
            (
                WinningSelector::Organization("org_1"),
                "ada@other.example",
                true,
            ),
        ] {
            assert_eq!(winner.takes_hint(hint), fits, "{winner:?} {hint}");
        }
    }
}
