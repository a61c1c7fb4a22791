//! The customers: organizations, their connections, and the people behind them.

use serde_json::{Map, Value};

/// A customer of the simulated environment.
///
/// ```
/// use tower_sso::simulator::ScalekitOrganization;
///
/// let acme = ScalekitOrganization::new("org_acme").name("Acme").domain("acme.example");
/// assert_eq!(acme.id(), "org_acme");
/// ```
#[derive(Clone, Debug)]
pub struct ScalekitOrganization {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) domains: Vec<String>,
    pub(super) own_domains_only: bool,
}

impl ScalekitOrganization {
    /// A customer with this id, which is its name too, and no domains yet. The vendor's ids begin with `org_`.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            domains: Vec::new(),
            own_domains_only: false,
        }
    }

    /// The name that pages show.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds a domain by which the organization is found; compared without case.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.domains.push(domain.to_ascii_lowercase());
        self
    }

    /// Refuses people whose address is in another domain, with `invalid_user_domain`. Default: a customer's
    /// IdP says any address.
    #[must_use]
    pub fn own_domains_only(mut self) -> Self {
        self.own_domains_only = true;
        self
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The link to a customer's IdP.
///
/// ```
/// use tower_sso::simulator::ScalekitConnection;
///
/// let okta = ScalekitConnection::new("conn_okta", "org_acme").provider("OKTA").type_("OIDC");
/// assert_eq!(okta.id(), "conn_okta");
/// assert_eq!(okta.organization(), "org_acme");
/// ```
#[derive(Clone, Debug)]
pub struct ScalekitConnection {
    pub(super) id: String,
    pub(super) organization: String,
    pub(super) provider: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) enabled: bool,
}

impl ScalekitConnection {
    /// A connection of an organization: `OKTA`, `OIDC`, `COMPLETED` and enabled. The vendor's ids begin with
    /// `conn_`.
    #[must_use]
    pub fn new(id: &str, organization: &str) -> Self {
        Self {
            id: id.to_owned(),
            organization: organization.to_owned(),
            provider: "OKTA".to_owned(),
            kind: "OIDC".to_owned(),
            status: COMPLETED.to_owned(),
            enabled: true,
        }
    }

    /// The kind of IdP: `OKTA`, `GOOGLE`, `MICROSOFT_AD`, `JUMPCLOUD`, `CUSTOM` and so on.
    #[must_use]
    pub fn provider(mut self, provider: &str) -> Self {
        provider.clone_into(&mut self.provider);
        self
    }

    /// The protocol: `OIDC`, `SAML` or `OAUTH`.
    #[must_use]
    pub fn type_(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// How far the set-up is: `DRAFT`, `IN_PROGRESS` or `COMPLETED`. Only the last can be used.
    #[must_use]
    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.status);
        self
    }

    /// Whether the customer has switched it on.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of its organization.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// Whether anybody can sign in through it.
    pub(super) fn is_active(&self) -> bool {
        self.enabled && self.status == COMPLETED
    }
}

pub(super) const COMPLETED: &str = "COMPLETED";

/// A person whom a customer's IdP knows.
///
/// ```
/// use tower_sso::simulator::ScalekitUser;
///
/// let alice = ScalekitUser::new("conn_okta", "00u1")
///     .email("alice@acme.example")
///     .name("Alice", "Example")
///     .attribute("department", "payroll");
/// assert_eq!(alice.subject(), "conn_okta;00u1");
/// ```
#[derive(Clone, Debug)]
pub struct ScalekitUser {
    pub(super) connection: String,
    pub(super) idp_user_id: String,
    pub(super) email: Option<String>,
    pub(super) active: bool,
    claims: Map<String, Value>,
}

impl ScalekitUser {
    /// A person behind a connection, by the id that the IdP has for them; without an address yet, and so
    /// refused with `mandatory_attribute_missing`.
    #[must_use]
    pub fn new(connection: &str, idp_user_id: &str) -> Self {
        Self {
            connection: connection.to_owned(),
            idp_user_id: idp_user_id.to_owned(),
            email: None,
            active: true,
            claims: Map::new(),
        }
    }

    /// The address that the IdP says.
    #[must_use]
    pub fn email(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    /// Given name and family name; `name` is made of both.
    #[must_use]
    pub fn name(self, given: &str, family: &str) -> Self {
        self.attribute("given_name", given)
            .attribute("family_name", family)
            .attribute("name", format!("{given} {family}"))
    }

    /// The user name, as `username` and as `preferred_username`.
    #[must_use]
    pub fn username(self, name: &str) -> Self {
        self.attribute("username", name)
            .attribute("preferred_username", name)
    }

    /// Any other attribute that the IdP says and the customer has mapped, as a claim of the ID token.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Locks the person out, with `user_not_active`.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }

    /// The `sub` claim: connection, semicolon, the id at the IdP.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{};{}", self.connection, self.idp_user_id)
    }

    pub(super) fn display_name(&self) -> &str {
        let name = self.claims.get("name").and_then(Value::as_str);
        name.unwrap_or(&self.idp_user_id)
    }

    /// The claims that an ID token has about the person.
    pub(super) fn claims(&self) -> Map<String, Value> {
        let mut claims = self.claims.clone();
        if let Some(email) = &self.email {
            claims.insert("email".to_owned(), email.clone().into());
            claims
                .entry("email_verified".to_owned())
                .or_insert(true.into());
        }
        claims
    }
}

/// The part of an address after its last `@`, in lower case.
pub(super) fn domain_of(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@')?;
    (!local.is_empty() && !domain.is_empty()).then(|| domain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_complete_and_enabled_can_be_used() {
        let connection = ScalekitConnection::new("conn_1", "org_1");
        assert!(connection.is_active());
        assert!(!connection.clone().enabled(false).is_active());
        assert!(!connection.clone().status("DRAFT").is_active());
        assert!(!connection.status("IN_PROGRESS").is_active());
    }

    #[test]
    fn the_last_at_sign_begins_the_domain() {
        for (email, domain) in [
            ("a@Example.COM", Some("example.com")),
            ("\"a@b\"@example.org", Some("example.org")),
            ("a@", None),
            ("@example.com", None),
            ("example.com", None),
        ] {
            assert_eq!(domain_of(email).as_deref(), domain, "{email}");
        }
    }
}
