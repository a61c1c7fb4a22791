//! What weakens the protection.

use super::SsoBuilder;

/// Options that weaken the protection, by name.
///
/// ```
/// use tower_sso::{CookieKey, Sso};
///
/// let builder = Sso::builder("http://idp.test").public_client("my-app").base_url("http://app.test");
/// let builder = builder.cookie_key(CookieKey::generate());
/// assert!(builder.dangerous().allow_plain_http().build().is_ok());
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct Dangerous(pub(super) SsoBuilder);

impl Dangerous {
    /// Plain http for the base URL and the issuer on any host. Whoever is on the wire can read and forge
    /// sessions.
    pub fn allow_plain_http(mut self) -> SsoBuilder {
        self.0.plain_http = true;
        self.0
    }

    /// Lets the providers of tenants be at any address, this machine and the app's own network included. Whoever sets
    /// a tenant up can then have this app call what only it can reach. For tenants that the app's own people set up,
    /// and for development.
    pub fn allow_private_tenant_addresses(mut self) -> SsoBuilder {
        self.0.private_tenant_addresses = true;
        self.0
    }
}
