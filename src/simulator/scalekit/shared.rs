//! What all requests share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::builder::{ScalekitSimulatorBuilder, Shapes, origin_of};
use super::catalogue::SignInError;
use super::codes::Codes;
use super::fault::{ScalekitEndpoint, ScalekitFault};
use super::portal::Portals;
use super::request::SignIn;
use super::select::{Choice, Selectors, select};
use super::tenant::{ScalekitConnection, ScalekitOrganization, ScalekitUser};
use super::webhook::WebhookKey;
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::crypto::random_token;
use crate::simulator::SigningAlgorithm;
use crate::simulator::client::{Clients, Known};
use crate::simulator::counter::Counter;
use crate::simulator::keys::KeyRing;
use crate::simulator::shared::{Faults, lock};

/// The vendor signs with nothing else.
pub(super) const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Rs256;
/// How long the page of an IdP waits.
const INTERACTION_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// The environment.
pub(super) struct Environment {
    pub(super) url: String,
    pub(super) clients: Clients,
    pub(super) redirect_uris: Vec<String>,
    pub(super) initiate_login_uri: Option<String>,
    pub(super) post_logout_redirect_uris: Vec<String>,
    /// Who may frame the admin portal.
    pub(super) portal_origins: Vec<String>,
    pub(super) organizations: Vec<ScalekitOrganization>,
    pub(super) users: Vec<ScalekitUser>,
    pub(super) webhook_key: WebhookKey,
    pub(super) shapes: Shapes,
    pub(super) token_lifetime: Duration,
    pub(super) faults: Faults<ScalekitFault>,
    pub(super) counters: ScalekitCounters,
    organization_ids: Vec<String>,
    clock: Arc<dyn Clock>,
    keys: Mutex<KeyRing>,
    state: Mutex<State>,
}

impl Environment {
    pub(super) fn new(builder: ScalekitSimulatorBuilder) -> Self {
        let mut portal_origins = builder.portal_origins;
        portal_origins.extend(
            builder
                .redirect_uris
                .iter()
                .filter_map(|uri| origin_of(uri)),
        );
        portal_origins.sort();
        portal_origins.dedup();
        let initiate_login_uri = builder
            .initiate_login_uri
            .or_else(|| builder.redirect_uris.first().map(|uri| login_beside(uri)));
        let domains = builder.organizations.iter().flat_map(|organization| {
            let id = &organization.id;
            let pair = move |domain: &String| (domain.clone(), id.clone());
            organization.domains.iter().map(pair)
        });
        let state = State {
            domains: domains.collect(),
            connections: builder.connections,
            ..State::default()
        };
        let ids = builder.organizations.iter().map(|known| known.id.clone());
        Self {
            organization_ids: ids.collect(),
            url: builder.url,
            clients: builder.clients,
            redirect_uris: builder.redirect_uris,
            initiate_login_uri,
            post_logout_redirect_uris: builder.post_logout_redirect_uris,
            portal_origins,
            organizations: builder.organizations,
            users: builder.users,
            webhook_key: WebhookKey::parse(&builder.webhook_secret)
                .expect("the secret for webhooks is whsec_ and base64"),
            shapes: builder.shapes,
            token_lifetime: builder.token_lifetime,
            faults: Faults::default(),
            counters: ScalekitCounters::default(),
            clock: builder.clock,
            keys: Mutex::new(KeyRing::new(ALGORITHM)),
            state: Mutex::new(state),
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

    pub(super) fn organization(&self, id: &str) -> Option<&ScalekitOrganization> {
        self.organizations.iter().find(|known| known.id == id)
    }

    pub(super) fn connection(&self, id: &str) -> Option<ScalekitConnection> {
        let state = self.state();
        state
            .connections
            .iter()
            .find(|known| known.id == id)
            .cloned()
    }

    /// The connection that somebody selects, as things stand now.
    pub(super) fn select(&self, selectors: &Selectors) -> Result<ScalekitConnection, SignInError> {
        let state = self.state();
        let choice = Choice {
            organizations: &self.organization_ids,
            domains: &state.domains,
            connections: &state.connections,
        };
        select(selectors, choice).cloned()
    }

    pub(super) fn users_of(&self, connection: &str) -> impl Iterator<Item = &ScalekitUser> {
        self.users
            .iter()
            .filter(move |user| user.connection == connection)
    }

    pub(super) fn user(&self, subject: &str) -> Option<&ScalekitUser> {
        self.users.iter().find(|user| user.subject() == subject)
    }

    /// A client's secret, to forge tokens with where a fault wants that.
    pub(super) fn secret_of(&self, client_id: &str) -> Option<&str> {
        match self.clients.find(client_id)? {
            Known::Registered(client) => client.secret().map(|secret| secret.expose().as_str()),
            Known::Any => None,
        }
    }
}

/// The login route that stands beside a callback.
fn login_beside(redirect_uri: &str) -> String {
    match redirect_uri.strip_suffix("/callback") {
        Some(base) => format!("{base}/login"),
        None => redirect_uri.to_owned(),
    }
}

/// All that changes, under one lock.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) connections: Vec<ScalekitConnection>,
    /// Each with the id of its organization.
    pub(super) domains: Vec<(String, String)>,
    pub(super) codes: Codes,
    pub(super) portals: Portals,
    /// The `sub` of the person who signs in where a page would be shown.
    pub(super) default_login: Option<String>,
    /// The names of the switches that the front page shows as on.
    pub(super) switches: Vec<&'static str>,
    interactions: HashMap<String, (SignIn, SecondsSinceEpoch)>,
    management_tokens: HashMap<String, SecondsSinceEpoch>,
    last_idp_initiated_end: SecondsSinceEpoch,
}

impl State {
    /// Keeps what a page is about, and gives its id.
    pub(super) fn begin(&mut self, sign_in: SignIn, now: SecondsSinceEpoch) -> String {
        self.interactions.retain(|_, (_, end)| now < *end);
        let id = random_token();
        let end = now.plus(INTERACTION_LIFETIME);
        self.interactions.insert(id.clone(), (sign_in, end));
        id
    }

    pub(super) fn find(&self, id: &str, now: SecondsSinceEpoch) -> Option<SignIn> {
        let (sign_in, end) = self.interactions.get(id)?;
        (now < *end).then(|| sign_in.clone())
    }

    pub(super) fn add_management_token(
        &mut self,
        token: &str,
        now: SecondsSinceEpoch,
        end: SecondsSinceEpoch,
    ) {
        self.management_tokens.retain(|_, end| now < *end);
        self.management_tokens.insert(token.to_owned(), end);
    }

    pub(super) fn drop_management_token(&mut self, token: &str) {
        self.management_tokens.remove(token);
    }

    pub(super) fn is_management_token(&self, token: &str, now: SecondsSinceEpoch) -> bool {
        self.management_tokens
            .get(token)
            .is_some_and(|end| now < *end)
    }

    /// A time not before `wanted` that was never given before: with no `jti`, two tokens of one second for one
    /// person would be the same text, and who takes each once would refuse the second.
    pub(super) fn unused_end(&mut self, wanted: SecondsSinceEpoch) -> SecondsSinceEpoch {
        let next = self.last_idp_initiated_end.plus(Duration::from_secs(1));
        self.last_idp_initiated_end = wanted.max(next);
        self.last_idp_initiated_end
    }
}

#[derive(Debug, Default)]
pub(super) struct ScalekitCounters {
    requests: [AtomicU64; ScalekitEndpoint::COUNT],
    pub(super) code_grants: Counter,
    pub(super) refresh_grants: Counter,
    pub(super) reuses: Counter,
    pub(super) management_tokens: Counter,
    pub(super) logouts: Counter,
}

impl ScalekitCounters {
    pub(super) fn count_request(&self, endpoint: ScalekitEndpoint) {
        self.requests[endpoint as usize].fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn requests(&self, endpoint: ScalekitEndpoint) -> u64 {
        self.requests[endpoint as usize].load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_route_stands_beside_the_callback() {
        let login = login_beside("https://app.example/auth/callback");
        assert_eq!(login, "https://app.example/auth/login");
        let other = login_beside("https://app.example/cb");
        assert_eq!(other, "https://app.example/cb");
    }

    #[test]
    fn an_end_is_given_once() {
        let mut state = State::default();
        let ends = [100, 100, 50, 200].map(|at| state.unused_end(SecondsSinceEpoch(at)).0);
        assert_eq!(ends, [100, 101, 102, 200]);
    }
}
