//! Connections: how an organization's people sign in.

use serde_json::Value;
use url::Host;

use super::answer::{member, text};

const COMPLETED: &str = "COMPLETED";
/// RFC 1035 section 2.3.4.
const LONGEST_DOMAIN: usize = 253;

/// A connection of an organization to its identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// Its id, as a sign-in selects it (`connection_id`).
    pub id: String,
    /// Whose product the identity provider is, as `OKTA`.
    pub provider: Option<String>,
    /// The protocol (`type`): `OIDC`, `SAML` and others.
    pub protocol: Option<String>,
    /// How far its set-up is, as `DRAFT` or `COMPLETED`.
    pub status: Option<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whose it is.
    pub organization_id: Option<String>,
    /// The domains that lead to it, where they are told.
    pub domains: Vec<String>,
}

impl Connection {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let domains = value.get("domains").and_then(Value::as_array);
        let domains = domains.into_iter().flatten();
        Some(Self {
            id: text(value, ["id", "id"])?,
            provider: text(value, ["provider", "provider"]),
            protocol: text(value, ["type", "type"]),
            status: text(value, ["status", "status"]),
            enabled: member(value, ["enabled", "enabled"]).is_some_and(|enabled| enabled == true),
            organization_id: text(value, ["organization_id", "organizationId"]),
            domains: domains
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Whether people can sign in through it: it is switched on, and its set-up is completed.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.enabled && self.status.as_deref() == Some(COMPLETED)
    }

    /// Whether a domain leads to it. One that names no domains does, since it was asked for by one; one that names
    /// only others is somebody else's.
    pub(super) fn is_of(&self, domain: &str) -> bool {
        self.domains.is_empty()
            || self
                .domains
                .iter()
                .any(|own| own.eq_ignore_ascii_case(domain))
    }
}

/// Which connections are wanted.
///
/// ```
/// use tower_sso::vendor::scalekit::ConnectionFilter;
///
/// let filter = ConnectionFilter::domain("acme.com").organization("org_1");
/// # let _ = filter;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "give it to `ScalekitManagement::connections`"]
pub struct ConnectionFilter {
    domain: Option<String>,
    organization_id: Option<String>,
    also_unfinished: bool,
}

impl ConnectionFilter {
    /// Those that a domain leads to.
    pub fn domain(domain: impl Into<String>) -> Self {
        Self {
            domain: Some(domain.into()),
            ..Self::default()
        }
    }

    /// Those of an organization, and of no other.
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.organization_id = Some(id.into());
        self
    }

    /// Also those that nobody can sign in through yet (`include=all`). Default: not.
    pub fn also_unfinished(mut self) -> Self {
        self.also_unfinished = true;
        self
    }

    pub(super) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(domain) = &self.domain {
            query.append_pair("domain", domain);
        }
        if let Some(id) = &self.organization_id {
            query.append_pair("organization_id", id);
        }
        if self.also_unfinished {
            query.append_pair("include", "all");
        }
        query.finish()
    }
}

/// The domain of an address, or the domain itself, as it is looked up: in lower case, in ASCII. `None` for what
/// is no domain of the internet.
pub(super) fn domain_of(domain_or_email: &str) -> Option<String> {
    let text = domain_or_email.trim();
    let domain = text.rsplit_once('@').map_or(text, |(_, domain)| domain);
    // A percent sign is decoded by the parser: `acme%2ecom` is nothing that somebody types.
    if domain.contains('%') {
        return None;
    }
    let Ok(Host::Domain(domain)) = Host::parse(domain) else {
        return None;
    };
    let labels = domain.split('.');
    let is_name = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let fits =
        domain.len() <= LONGEST_DOMAIN && domain.contains('.') && labels.clone().all(is_name);
    fits.then_some(domain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_has_a_domain_and_rubbish_has_none() {
        for (text, domain) in [
            ("acme.com", Some("acme.com")),
            (" Ada@ACME.com ", Some("acme.com")),
            ("\"a@b.c\"@acme.com", Some("acme.com")),
            ("ada@bücher.example", Some("xn--bcher-kva.example")),
            ("ada@sub.acme.co.uk", Some("sub.acme.co.uk")),
            ("", None),
            ("ada@", None),
            ("ada", None),
            ("localhost", None),
            ("acme.com.", None),
            (".com", None),
            ("a..com", None),
            ("127.0.0.1", None),
            ("[::1]", None),
            ("acme.com/x", None),
            ("acme.com?include=all", None),
            ("acme.com&include=all", None),
            ("acme%2ecom", None),
            ("acme .com", None),
            ("acme\n.com", None),
            ("acme_x.com", None),
        ] {
            assert_eq!(domain_of(text).as_deref(), domain, "{text}");
        }
        assert_eq!(domain_of(&format!("{}.com", "a".repeat(64))), None);
    }

    #[test]
    fn a_connection_is_usable_when_it_is_on_and_completed() {
        for (enabled, status, usable) in [
            (json!(true), json!("COMPLETED"), true),
            (json!(false), json!("COMPLETED"), false),
            (json!(true), json!("DRAFT"), false),
            (json!(true), json!("IN_PROGRESS"), false),
            (json!(true), json!(null), false),
            (json!("true"), json!("COMPLETED"), false),
            (json!(null), json!("COMPLETED"), false),
        ] {
            let connection = json!({ "id": "conn_1", "enabled": enabled, "status": status });
            let connection = Connection::read(&connection).unwrap();
            assert_eq!(connection.is_usable(), usable, "{connection:?}");
        }
        assert_eq!(Connection::read(&json!({ "enabled": true })), None);
    }
}
