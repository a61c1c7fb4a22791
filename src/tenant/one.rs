//! [`Tenant`].

use std::fmt;
use std::sync::Arc;

use crate::provider::{OidcConfig, Provider};
use crate::{Error, Result};

/// The longest id, in characters.
const LONGEST_ID: usize = 64;

/// One customer: where its people sign in.
///
/// Without a provider of its own it uses the app's ([`Sso::builder`](crate::Sso::builder),
/// [`Sso::with_provider`](crate::Sso::with_provider)), by the organization or the connection that it has there; it needs
/// one of the two, or everybody at that provider could sign in at it.
///
/// ```
/// use tower_sso::oidc::Issuer;
/// use tower_sso::provider::OidcConfig;
/// use tower_sso::tenant::Tenant;
///
/// # fn main() -> tower_sso::Result<()> {
/// let through_a_broker = Tenant::new("acme").organization("org_acme").domain("acme.example");
/// let issuer = Issuer::parse("https://login.globex.example")?;
/// let at_its_own = Tenant::new("globex").openid(OidcConfig::new(issuer, "our-app"));
/// assert_eq!((through_a_broker.id(), at_its_own.id()), ("acme", "globex"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tenant {
    pub(super) id: Arc<str>,
    pub(super) host: Option<String>,
    pub(super) domains: Vec<String>,
    pub(super) organization: Option<String>,
    pub(super) connection: Option<String>,
    at: At,
}

/// Where a tenant's people sign in.
#[derive(Clone, Default)]
pub(crate) enum At {
    /// At the app's own provider.
    #[default]
    Ours,
    OpenId(Box<OidcConfig>),
    Made(Arc<dyn Provider>),
}

impl Tenant {
    /// A tenant. The id is part of its redirect URI, stays the same for as long as the tenant is one, and is what a
    /// subdomain or a path names it by: 1 to 64 of `a-z`, `A-Z`, `0-9`, `-`, `_` and `.`, and not of dots alone.
    /// Anything else is refused where the tenant is listed or found.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            host: None,
            domains: Vec::new(),
            organization: None,
            connection: None,
            at: At::Ours,
        }
    }

    /// An OpenID Provider of its own. How it answers is the app's choice
    /// ([`SsoBuilder::response_mode`](crate::SsoBuilder::response_mode)), whatever the configuration says.
    ///
    /// Who writes the issuer chooses whom this app calls: an address that is not public is refused, but by
    /// [`Dangerous::allow_private_tenant_addresses`](crate::Dangerous::allow_private_tenant_addresses).
    #[must_use]
    pub fn openid(self, config: OidcConfig) -> Self {
        let at = At::OpenId(Box::new(config));
        Self { at, ..self }
    }

    /// A provider of its own that is made already, as another environment of a vendor.
    #[must_use]
    pub fn provider(self, provider: impl Provider + 'static) -> Self {
        let at = At::Made(Arc::new(provider));
        Self { at, ..self }
    }

    /// The host under which it is served, with a port if browsers name one: `acme.example.com`. Scheme and path are
    /// those of the app's base URL. Default: the app's own host; or what
    /// [`TenantFrom::subdomain_of`](super::TenantFrom::subdomain_of) makes of the id.
    #[must_use]
    pub fn host(mut self, host: impl AsRef<str>) -> Self {
        self.host = Some(host.as_ref().to_ascii_lowercase());
        self
    }

    /// A domain of its people's addresses, as `acme.example`; may be said several times. Who signs in by an address
    /// of it (`login_hint`, `domain_hint`) signs in here.
    #[must_use]
    pub fn domain(mut self, domain: impl AsRef<str>) -> Self {
        self.domains.push(domain.as_ref().to_ascii_lowercase());
        self
    }

    /// Its organization, by the provider's name for it.
    ///
    /// Where the provider is the app's own or made by a vendor, each sign-in asks for this one, and only an identity
    /// that the provider itself puts there is let in. A tenant's own OpenID Provider names none: whoever it signs in
    /// belongs to this one, and [`User::organization`](crate::User::organization) says so.
    #[must_use]
    pub fn organization(mut self, id: impl Into<String>) -> Self {
        self.organization = Some(id.into());
        self
    }

    /// Its connection, as [`organization`](Self::organization).
    #[must_use]
    pub fn connection(mut self, id: impl Into<String>) -> Self {
        self.connection = Some(id.into());
        self
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    pub(crate) fn at(&self) -> &At {
        &self.at
    }

    pub(crate) fn own_host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    pub(crate) fn own_organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    pub(crate) fn own_connection(&self) -> Option<&str> {
        self.connection.as_deref()
    }

    /// Whether nothing has changed, so that what was fetched for it still serves.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        let same_provider = match (&self.at, &other.at) {
            (At::Ours, At::Ours) => true,
            (At::OpenId(one), At::OpenId(other)) => one == other,
            (At::Made(one), At::Made(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        same_provider
            && self.id == other.id
            && self.host == other.host
            && self.organization == other.organization
            && self.connection == other.connection
    }

    /// What can be told without a call.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration).
    pub(crate) fn check(&self) -> Result<()> {
        if !is_id(&self.id) {
            return Err(Error::configuration(
                "the id of a tenant must be 1 to 64 letters, digits, `-`, `_` or `.`",
            ));
        }
        if self.host.as_deref().is_some_and(|host| !is_host(host)) {
            return Err(Error::configuration(format!(
                "the host of the tenant {} must be a name as `acme.example.com`, with a port at most",
                self.id
            )));
        }
        if matches!(self.at, At::Ours) && self.organization.is_none() && self.connection.is_none() {
            return Err(Error::configuration(format!(
                "the tenant {} has no provider of its own, and neither an organization nor a connection at the app's: \
                 everybody there could sign in at it",
                self.id
            )));
        }
        let is_named = |name: &Option<String>| name.as_deref().is_none_or(|name| !name.is_empty());
        if !is_named(&self.organization) || !is_named(&self.connection) {
            return Err(Error::configuration(format!(
                "the organization or the connection of the tenant {} is empty",
                self.id
            )));
        }
        Ok(())
    }
}

/// Whether this can be the id of a tenant.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && id.bytes().any(|byte| byte != b'.')
}

fn is_host(host: &str) -> bool {
    url::Url::parse(&format!("http://{host}/")).is_ok_and(|url| {
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        url.host_str()
            .is_some_and(|name| format!("{name}{port}") == host)
    })
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("id", &self.id)
            .field("host", &self.host)
            .field("organization", &self.organization)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::Issuer;

    #[test]
    fn what_can_be_no_tenant_is_told_by_its_name() {
        let openid = || OidcConfig::new(Issuer::parse("https://idp.example").unwrap(), "app");
        let acme = || Tenant::new("acme").organization("org_acme");
        for (tenant, is_sound) in [
            (acme(), true),
            (Tenant::new("acme").connection("conn_acme"), true),
            (Tenant::new("acme").openid(openid()), true),
            // Everybody at the app's provider could sign in at it.
            (Tenant::new("acme"), false),
            (Tenant::new("acme").domain("acme.example"), false),
            (Tenant::new("").organization("o"), false),
            (Tenant::new("..").organization("o"), false),
            (Tenant::new("a/b").organization("o"), false),
            (Tenant::new("a b").organization("o"), false),
            (Tenant::new("é").organization("o"), false),
            (Tenant::new("a".repeat(64)).organization("o"), true),
            (Tenant::new("a".repeat(65)).organization("o"), false),
            (Tenant::new("acme").organization(""), false),
            (acme().connection(""), false),
            (acme().host("Acme.Example.com:8443"), true),
            (acme().host("acme.example.com/"), false),
            (acme().host("https://acme.example.com"), false),
            (acme().host("user@acme.example.com"), false),
            (acme().host("acme.example.com:99999"), false),
            (acme().host(""), false),
        ] {
            let checked = tenant.check();
            assert_eq!(checked.is_ok(), is_sound, "{tenant:?} {checked:?}");
        }
    }
}
