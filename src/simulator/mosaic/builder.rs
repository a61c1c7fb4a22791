//! Setting a simulated tenant up.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Mosaic;
use super::user::MosaicUser;
use super::{MosaicHandle, MosaicSimulator};
use crate::clock::{Clock, SystemClock};
use crate::secret::Secret;
use crate::simulator::SimulatedClient;
use crate::simulator::client::Clients;

/// Options of a [`MosaicSimulator`]; made by [`MosaicSimulator::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct MosaicSimulatorBuilder {
    pub(super) issuer: String,
    pub(super) tenant: String,
    pub(super) clients: Clients,
    pub(super) redirect_uris: Vec<String>,
    pub(super) users: Vec<MosaicUser>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) token_lifetime: Duration,
}

impl MosaicSimulatorBuilder {
    pub(super) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            tenant: "simulated-tenant".to_owned(),
            clients: Clients::default(),
            redirect_uris: Vec::new(),
            users: Vec::new(),
            clock: Arc::new(SystemClock),
            token_lifetime: Duration::from_secs(3600),
        }
    }

    /// Registers an application. Sister applications share one, or have one each: sessions are the tenant's.
    pub fn client(mut self, id: &str, secret: impl Into<Secret>) -> Self {
        let client = SimulatedClient::new(id).with_secret(secret);
        self.clients.registered.push(client);
        self
    }

    /// Allows links to lead to this address, by exact comparison. Addresses on loopback are always allowed.
    pub fn redirect_uri(mut self, uri: &str) -> Self {
        self.redirect_uris.push(uri.to_owned());
        self
    }

    /// The tenant's id, as it is in `tid`. Default: `simulated-tenant`.
    pub fn tenant(mut self, id: &str) -> Self {
        id.clone_into(&mut self.tenant);
        self
    }

    /// Adds a person who can sign in.
    pub fn user(mut self, user: MosaicUser) -> Self {
        self.users.push(user);
        self
    }

    /// The clock for everything that expires. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long access tokens and ID tokens live; whole seconds. Default: 1 hour.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// The simulator, with a new signing key. Does no I/O.
    #[must_use]
    pub fn build(self) -> MosaicSimulator {
        MosaicSimulator(MosaicHandle(Arc::new(Mosaic::new(self))))
    }
}
