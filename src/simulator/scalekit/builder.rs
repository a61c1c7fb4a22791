//! Setting a simulated environment up.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::shared::Environment;
use super::tenant::{ScalekitConnection, ScalekitOrganization, ScalekitUser};
use super::webhook::random_secret;
use super::{ScalekitHandle, ScalekitSimulator};
use crate::clock::{Clock, SystemClock};
use crate::secret::Secret;
use crate::simulator::SimulatedClient;
use crate::simulator::client::Clients;

/// Options of a [`ScalekitSimulator`]; made by [`ScalekitSimulator::builder`].
///
/// ```
/// use tower_sso::simulator::{ScalekitConnection, ScalekitOrganization, ScalekitSimulator, ScalekitUser};
///
/// let simulator = ScalekitSimulator::builder("https://acme.scalekit.example")
///     .client("skc_1", "s3cr3t")
///     .redirect_uri("https://app.example/auth/callback")
///     .organization(ScalekitOrganization::new("org_1").domain("example.com"))
///     .connection(ScalekitConnection::new("conn_1", "org_1"))
///     .user(ScalekitUser::new("conn_1", "alice").email("alice@example.com"))
///     .build();
/// assert_eq!(simulator.url(), "https://acme.scalekit.example");
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ScalekitSimulatorBuilder {
    pub(super) url: String,
    pub(super) clients: Clients,
    pub(super) redirect_uris: Vec<String>,
    pub(super) initiate_login_uri: Option<String>,
    pub(super) post_logout_redirect_uris: Vec<String>,
    pub(super) portal_origins: Vec<String>,
    pub(super) organizations: Vec<ScalekitOrganization>,
    pub(super) connections: Vec<ScalekitConnection>,
    pub(super) users: Vec<ScalekitUser>,
    pub(super) webhook_secret: Secret,
    pub(super) shapes: Shapes,
    pub(super) token_lifetime: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// What the documents show in several shapes.
#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    pub(super) audience_as_string: bool,
    pub(super) scopes_as_array: bool,
    pub(super) without_nonce: bool,
    pub(super) refresh_tokens: bool,
    pub(super) callback_hints: Option<Hints>,
}

/// What the callback gets beside `code` and `state`.
#[derive(Clone, Debug)]
pub(super) struct Hints {
    pub(super) relay_state: Option<String>,
}

impl ScalekitSimulatorBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            clients: Clients::default(),
            redirect_uris: Vec::new(),
            initiate_login_uri: None,
            post_logout_redirect_uris: Vec::new(),
            portal_origins: Vec::new(),
            organizations: Vec::new(),
            connections: Vec::new(),
            users: Vec::new(),
            webhook_secret: random_secret(),
            shapes: Shapes::default(),
            token_lifetime: Duration::from_secs(3600),
            clock: Arc::new(SystemClock),
        }
    }

    /// Registers an application by its API credentials.
    pub fn client(mut self, id: &str, secret: impl Into<Secret>) -> Self {
        let client = SimulatedClient::new(id).with_secret(secret);
        self.clients.registered.push(client);
        self
    }

    /// Adds a URI that sign-ins may lead to, by exact comparison. Any other is shown as
    /// `invalid_redirect_uri`, and nobody is sent there. Its origin may frame the admin portal.
    pub fn redirect_uri(mut self, uri: &str) -> Self {
        self.redirect_uris.push(uri.to_owned());
        self
    }

    /// Where sign-ins that begin at the IdP are sent; it may be the callback. Default: the first redirect
    /// URI, with `/callback` at its end replaced by `/login`.
    pub fn initiate_login_uri(mut self, uri: &str) -> Self {
        self.initiate_login_uri = Some(uri.to_owned());
        self
    }

    /// Adds a URI that a sign-out may lead to, by exact comparison.
    pub fn post_logout_redirect_uri(mut self, uri: &str) -> Self {
        self.post_logout_redirect_uris.push(uri.to_owned());
        self
    }

    /// Adds an origin, as `https://app.example`, that may frame the admin portal and gets its events. Those of
    /// the redirect URIs always may.
    pub fn portal_origin(mut self, origin: &str) -> Self {
        self.portal_origins.push(origin.to_owned());
        self
    }

    /// Adds a customer.
    pub fn organization(mut self, organization: ScalekitOrganization) -> Self {
        self.organizations.push(organization);
        self
    }

    /// Adds a customer's connection. Of several, an organization's first active one is used.
    pub fn connection(mut self, connection: ScalekitConnection) -> Self {
        self.connections.push(connection);
        self
    }

    /// Adds a person who can sign in.
    pub fn user(mut self, user: ScalekitUser) -> Self {
        self.users.push(user);
        self
    }

    /// What webhooks are signed with: `whsec_` and base64. Default: random.
    pub fn webhook_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.webhook_secret = secret.into();
        self
    }

    /// `aud` of ID tokens is a string. Default: an array with one member, as in the vendor's sample.
    pub fn audience_as_string(mut self) -> Self {
        self.shapes.audience_as_string = true;
        self
    }

    /// Access tokens have the array `scopes`. Default: the string `scope`.
    pub fn scopes_as_array(mut self) -> Self {
        self.shapes.scopes_as_array = true;
        self
    }

    /// ID tokens have no `nonce`, as in the vendor's sample. Default: the request's.
    pub fn without_nonce(mut self) -> Self {
        self.shapes.without_nonce = true;
        self
    }

    /// The callback also gets `connection_id` and, if given, `relay_state`. Default: neither.
    pub fn callback_hints(mut self, relay_state: Option<&str>) -> Self {
        let relay_state = relay_state.map(ToOwned::to_owned);
        self.shapes.callback_hints = Some(Hints { relay_state });
        self
    }

    /// Issues a refresh token for each code, which rotates. Default: none, since `offline_access` is refused.
    pub fn refresh_tokens(mut self) -> Self {
        self.shapes.refresh_tokens = true;
        self
    }

    /// How long ID tokens and access tokens of people live; whole seconds. Default: 1 hour.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// The clock for everything that expires. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The simulator, with a new signing key. Does no I/O.
    ///
    /// # Panics
    /// If the URL is no `http` or `https` URL of a host alone, if a connection's organization or a user's
    /// connection is not there, or if the secret for webhooks has no base64 after its `_`.
    #[must_use]
    pub fn build(self) -> ScalekitSimulator {
        let origin = origin_of(&self.url);
        assert!(
            origin.as_deref() == Some(&*self.url),
            "the environment is an http or https URL of a host alone: {}",
            self.url
        );
        for connection in &self.connections {
            let id = &connection.organization;
            let known = self.organizations.iter().any(|known| known.id == *id);
            assert!(known, "there is no organization {id}");
        }
        for user in &self.users {
            let id = &user.connection;
            let known = self.connections.iter().any(|known| known.id == *id);
            assert!(known, "there is no connection {id}");
        }
        ScalekitSimulator(ScalekitHandle(Arc::new(Environment::new(self))))
    }
}

/// The origin of an `http` or `https` URL, as browsers write it.
pub(super) fn origin_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}
