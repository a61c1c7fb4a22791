//! What all requests share.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use super::builder::MosaicSimulatorBuilder;
use super::codes::Codes;
use super::fault::{MosaicEndpoint, MosaicFault};
use super::refresh::RefreshTokens;
use super::session::Sessions;
use super::user::{Identifier, MosaicUser};
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::simulator::SigningAlgorithm;
use crate::simulator::client::{Clients, Known};
use crate::simulator::counter::Counter;
use crate::simulator::keys::KeyRing;
use crate::simulator::shared::{Faults, lock};

/// The vendor signs with nothing else.
pub(super) const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Rs256;
/// How many client attributes are kept for tests to look at.
const KEPT: usize = 1_000;

/// The tenant.
pub(super) struct Mosaic {
    pub(super) issuer: String,
    pub(super) tenant: String,
    pub(super) clients: Clients,
    pub(super) redirect_uris: Vec<String>,
    pub(super) users: Vec<MosaicUser>,
    pub(super) token_lifetime: Duration,
    pub(super) faults: Faults<MosaicFault>,
    pub(super) counters: MosaicCounters,
    clock: Arc<dyn Clock>,
    keys: Mutex<KeyRing>,
    state: Mutex<State>,
}

impl Mosaic {
    pub(super) fn new(builder: MosaicSimulatorBuilder) -> Self {
        Self {
            issuer: builder.issuer,
            tenant: builder.tenant,
            clients: builder.clients,
            redirect_uris: builder.redirect_uris,
            users: builder.users,
            token_lifetime: builder.token_lifetime,
            faults: Faults::default(),
            counters: MosaicCounters::default(),
            clock: builder.clock,
            keys: Mutex::new(KeyRing::new(ALGORITHM)),
            state: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> SecondsSinceEpoch {
        self.clock.now()
    }

    pub(super) fn keys(&self) -> MutexGuard<'_, KeyRing> {
        lock(&self.keys)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn user(&self, id: &str) -> Option<&MosaicUser> {
        self.users.iter().find(|user| user.id() == id)
    }

    pub(super) fn find_user(&self, identifier: &Identifier<'_>) -> Option<&MosaicUser> {
        self.users.iter().find(|user| user.is(identifier))
    }

    /// A client's secret, to forge tokens with where a fault wants that.
    pub(super) fn secret_of(&self, client_id: &str) -> Option<&str> {
        match self.clients.find(client_id)? {
            Known::Registered(client) => client.secret().map(|secret| secret.expose().as_str()),
            Known::Any => None,
        }
    }
}

/// All that changes, under one lock: a factor is added to a session that lives, or not at all.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sessions: Sessions,
    pub(super) refresh: RefreshTokens,
    pub(super) codes: Codes,
    client_tokens: HashMap<String, ClientToken>,
    client_attributes: VecDeque<Value>,
}

#[derive(Debug)]
struct ClientToken {
    client_id: String,
    expires_at: SecondsSinceEpoch,
}

impl State {
    pub(super) fn add_client_token(
        &mut self,
        token: &str,
        client_id: &str,
        now: SecondsSinceEpoch,
        lifetime: Duration,
    ) {
        self.client_tokens.retain(|_, known| now < known.expires_at);
        let known = ClientToken {
            client_id: client_id.to_owned(),
            expires_at: now.plus(lifetime),
        };
        self.client_tokens.insert(token.to_owned(), known);
    }

    /// Whose a client token is, while it lives.
    pub(super) fn client_of(&self, token: &str, now: SecondsSinceEpoch) -> Option<&str> {
        let known = self.client_tokens.get(token)?;
        (now < known.expires_at).then_some(&*known.client_id)
    }

    pub(super) fn drop_client_token(&mut self, token: &str) {
        self.client_tokens.remove(token);
    }

    /// Forgets the refresh tokens of sessions that are over.
    pub(super) fn drop_orphans(&mut self, now: SecondsSinceEpoch) {
        let sessions = &self.sessions;
        self.refresh.keep_those_of(|id| sessions.has(id, now));
    }

    pub(super) fn record_client(&mut self, attributes: Value) {
        if self.client_attributes.len() == KEPT {
            self.client_attributes.pop_front();
        }
        self.client_attributes.push_back(attributes);
    }

    pub(super) fn client_attributes(&self) -> impl Iterator<Item = &Value> {
        self.client_attributes.iter()
    }
}

#[derive(Debug, Default)]
pub(super) struct MosaicCounters {
    requests: [AtomicU64; MosaicEndpoint::COUNT],
    pub(super) client_tokens: Counter,
    pub(super) authentications: Counter,
    pub(super) refreshes: Counter,
    pub(super) reuses: Counter,
}

impl MosaicCounters {
    pub(super) fn count_request(&self, endpoint: MosaicEndpoint) {
        self.requests[endpoint as usize].fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn requests(&self, endpoint: MosaicEndpoint) -> u64 {
        self.requests[endpoint as usize].load(Ordering::SeqCst)
    }
}
