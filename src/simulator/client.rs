//! The applications that may ask the simulator to sign people in.

use std::fmt;

use url::{Host, Url};

use crate::secret::Secret;

/// A registered application (RFC 6749 section 2).
///
/// Without a secret it is a public client, which must use PKCE (RFC 9700 section 2.1.1).
///
/// ```
/// use tower_sso::simulator::SimulatedClient;
///
/// let client = SimulatedClient::new("my-app")
///     .with_secret("s3cr3t")
///     .add_redirect_uri("https://app.example.com/auth/callback")
///     .add_post_logout_redirect_uri("https://app.example.com/auth/logged-out");
/// assert_eq!(client.id(), "my-app");
/// ```
#[derive(Clone)]
pub struct SimulatedClient {
    id: String,
    secret: Option<Secret>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    asks_consent: bool,
}

impl SimulatedClient {
    /// A public client without redirect URIs.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            asks_consent: false,
        }
    }

    /// Makes it a confidential client that authenticates with this secret, by `client_secret_basic` or
    /// `client_secret_post` (RFC 6749 section 2.3.1).
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Registers a redirect URI. The comparison is exact (RFC 9700 section 4.1.3).
    #[must_use]
    pub fn add_redirect_uri(mut self, uri: &str) -> Self {
        self.redirect_uris.push(uri.to_owned());
        self
    }

    /// Registers where a browser may be sent after sign-out. The comparison is exact
    /// (OpenID Connect RP-Initiated Logout 1.0 section 3).
    #[must_use]
    pub fn add_post_logout_redirect_uri(mut self, uri: &str) -> Self {
        self.post_logout_redirect_uris.push(uri.to_owned());
        self
    }

    /// Asks each person once per session whether this application may sign them in; with `prompt=none`
    /// the answer is `consent_required` until then. Default: nobody is asked.
    #[must_use]
    pub fn with_consent(mut self) -> Self {
        self.asks_consent = true;
        self
    }

    /// The `client_id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    pub(super) fn asks_consent(&self) -> bool {
        self.asks_consent
    }
}

impl fmt::Debug for SimulatedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedClient")
            .field("id", &self.id)
            .field("redirect_uris", &self.redirect_uris)
            .finish_non_exhaustive()
    }
}

/// Who may use this provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    pub(super) registered: Vec<SimulatedClient>,
    /// Development mode: an unregistered `client_id` is taken too, with any secret or none, as long as its
    /// redirect URIs stay on this machine.
    pub(super) any: bool,
}

/// What is known of the client that asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known<'a> {
    Registered(&'a SimulatedClient),
    /// Taken in development mode.
    Any,
}

impl Clients {
    pub(super) fn find(&self, id: &str) -> Option<Known<'_>> {
        if id.is_empty() {
            return None;
        }
        match self.registered.iter().find(|client| client.id == id) {
            Some(client) => Some(Known::Registered(client)),
            None => self.any.then_some(Known::Any),
        }
    }
}

impl Known<'_> {
    pub(super) fn allows_redirect(self, uri: &str) -> bool {
        match self {
            Self::Registered(client) => client.redirect_uris.iter().any(|known| known == uri),
            Self::Any => is_on_this_machine(uri),
        }
    }

    pub(super) fn allows_post_logout(self, uri: &str) -> bool {
        match self {
            Self::Registered(client) => client
                .post_logout_redirect_uris
                .iter()
                .any(|known| known == uri),
            Self::Any => is_on_this_machine(uri),
        }
    }

    pub(super) fn must_use_pkce(self) -> bool {
        matches!(self, Self::Registered(client) if client.secret.is_none())
    }

    pub(super) fn asks_consent(self) -> bool {
        matches!(self, Self::Registered(client) if client.asks_consent())
    }
}

/// Whether a URI can only mean this machine: a loopback address, `localhost` or a name below it
/// (RFC 6761 section 6.3), without user information or fragment (RFC 6749 section 3.1.2).
pub(super) fn is_on_this_machine(uri: &str) -> bool {
    let Ok(uri) = Url::parse(uri) else {
        return false;
    };
    let loopback = match uri.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    loopback
        && matches!(uri.scheme(), "http" | "https")
        && uri.username().is_empty()
        && uri.password().is_none()
        && uri.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_mode_stays_on_this_machine() {
        for (uri, allowed) in [
            ("http://127.0.0.1:3000/auth/callback", true),
            ("http://localhost/cb", true),
            ("http://app.localhost:3000/cb", true),
            ("https://[::1]/cb", true),
            ("http://localhost.example.com/cb", false),
            ("http://evillocalhost/cb", false),
            ("http://example.com/cb", false),
            ("http://localhost@example.com/cb", false),
            ("http://user@localhost/cb", false),
            ("http://localhost/cb#fragment", false),
            ("javascript:alert(1)//localhost", false),
            ("/cb", false),
            ("", false),
        ] {
            assert_eq!(is_on_this_machine(uri), allowed, "{uri}");
        }
    }

    #[test]
    fn a_registered_client_is_compared_exactly() {
        let clients = Clients {
            registered: vec![
                SimulatedClient::new("app").add_redirect_uri("https://app.example/cb"),
            ],
            any: false,
        };
        let app = clients.find("app").unwrap();
        assert!(app.allows_redirect("https://app.example/cb"));
        assert!(!app.allows_redirect("https://app.example/cb/"));
        assert!(!app.allows_redirect("https://app.example/cb?x=1"));
        assert!(!app.allows_redirect("http://localhost/cb"));
        assert!(!app.allows_post_logout("https://app.example/cb"));
        assert!(clients.find("other").is_none());
        assert!(clients.find("").is_none());
    }

    #[test]
    fn debug_shows_no_secret() {
        let client = SimulatedClient::new("app").with_secret("hunter2");
        assert!(!format!("{client:?}").contains("hunter2"));
    }
}
