//! Setting a simulator up.

use std::sync::Arc;
use std::time::Duration;

use super::client::{Clients, SimulatedClient};
use super::shared::Shared;
use super::user::SimulatedUser;
use super::{Simulator, SimulatorHandle};
use crate::clock::{Clock, SystemClock};

/// With what the simulator signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSA of 2048 bits with SHA-256: what each provider must support (OpenID Connect Core 15.1).
    #[default]
    Rs256,
    /// ECDSA over P-256 with SHA-256. Its keys are made at once, which tests like.
    Es256,
    /// Ed25519 (RFC 8037).
    EdDSA,
}

/// Options of a [`Simulator`]; made by [`Simulator::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct SimulatorBuilder {
    pub(super) issuer: String,
    pub(super) clients: Clients,
    pub(super) users: Vec<SimulatedUser>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) always_refresh_tokens: bool,
    pub(super) access_token_lifetime: Duration,
    pub(super) session_lifetime: Duration,
}

impl SimulatorBuilder {
    pub(super) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            clients: Clients::default(),
            users: Vec::new(),
            clock: Arc::new(SystemClock),
            algorithm: SigningAlgorithm::default(),
            always_refresh_tokens: false,
            access_token_lifetime: Duration::from_secs(3600),
            session_lifetime: Duration::from_secs(12 * 3600),
        }
    }

    /// Registers an application.
    pub fn client(mut self, client: SimulatedClient) -> Self {
        self.clients.registered.push(client);
        self
    }

    /// Development mode: also takes any unregistered `client_id`, with any secret or none, whose redirect
    /// URIs are on loopback, `localhost` or a name below it. Default: off.
    pub fn any_client(mut self) -> Self {
        self.clients.any = true;
        self
    }

    /// Adds a person who can sign in.
    pub fn user(mut self, user: SimulatedUser) -> Self {
        self.users.push(user);
        self
    }

    /// The clock for everything that expires. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With what ID tokens are signed. Default: RS256.
    pub fn algorithm(mut self, algorithm: SigningAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Issues a refresh token for each code. Default: only when the scope has `offline_access`
    /// (OpenID Connect Core 11). A refresh token without that scope ends with the session.
    pub fn always_refresh_tokens(mut self) -> Self {
        self.always_refresh_tokens = true;
        self
    }

    /// How long access tokens and ID tokens live; whole seconds. Default: 1 hour.
    pub fn access_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.access_token_lifetime = lifetime;
        self
    }

    /// How long a session at the provider lives after its last authentication; whole seconds.
    /// Default: 12 hours.
    pub fn session_lifetime(mut self, lifetime: Duration) -> Self {
        self.session_lifetime = lifetime;
        self
    }

    /// The simulator, with a new signing key. Does no I/O.
    ///
    /// # Panics
    /// If the issuer is no `http` or `https` URL, or has a query or fragment
    /// (OpenID Connect Discovery 3).
    #[must_use]
    pub fn build(self) -> Simulator {
        Simulator(SimulatorHandle(Arc::new(Shared::new(self))))
    }
}
