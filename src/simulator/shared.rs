//! What all requests share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use url::Url;

use super::builder::{SigningAlgorithm, SimulatorBuilder};
use super::client::Clients;
use super::cookie::CookieStyle;
use super::decide::Progress;
use super::fault::{Endpoint, Fault};
use super::grant::Grants;
use super::handle::LoginChoice;
use super::keys::{KeyRing, NamedKey};
use super::request::AuthorizationRequest;
use super::session::Sessions;
use super::user::SimulatedUser;
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::crypto::random_token;

pub(super) struct Shared {
    pub(super) issuer: String,
    /// The issuer's path, without a slash at its end; empty for none.
    pub(super) base_path: String,
    pub(super) cookie: CookieStyle,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) clients: Clients,
    pub(super) users: Vec<SimulatedUser>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) always_refresh_tokens: bool,
    pub(super) access_token_lifetime: Duration,
    pub(super) session_lifetime: Duration,
    pub(super) faults: Faults,
    pub(super) counters: Counters,
    default_login: Mutex<Option<LoginChoice>>,
    keys: Mutex<KeyRing>,
    sessions: Mutex<Sessions>,
    grants: Mutex<Grants>,
    interactions: Mutex<HashMap<String, Interaction>>,
}

/// A page that somebody looks at.
#[derive(Clone, Debug)]
pub(super) struct Interaction {
    pub(super) request: AuthorizationRequest,
    pub(super) progress: Progress,
    expires_at: SecondsSinceEpoch,
}

const INTERACTION_LIFETIME: Duration = Duration::from_secs(30 * 60);

impl Shared {
    pub(super) fn new(builder: SimulatorBuilder) -> Self {
        let url = Url::parse(&builder.issuer).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.query().is_none()
                && url.fragment().is_none()
        });
        let url = url.expect("the issuer is an http or https URL without query and fragment");
        let base_path = url.path().trim_end_matches('/').to_owned();
        Self {
            cookie: CookieStyle::new(&url, &base_path),
            base_path,
            issuer: builder.issuer,
            algorithm: builder.algorithm,
            clients: builder.clients,
            users: builder.users,
            clock: builder.clock,
            always_refresh_tokens: builder.always_refresh_tokens,
            access_token_lifetime: builder.access_token_lifetime,
            session_lifetime: builder.session_lifetime,
            faults: Faults::default(),
            counters: Counters::default(),
            default_login: Mutex::default(),
            keys: Mutex::new(KeyRing::new(builder.algorithm)),
            sessions: Mutex::default(),
            grants: Mutex::default(),
            interactions: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> SecondsSinceEpoch {
        self.clock.now()
    }

    /// The absolute URL of an endpoint.
    pub(super) fn url(&self, endpoint: Endpoint) -> String {
        format!("{}{}", self.issuer.trim_end_matches('/'), endpoint.path())
    }

    /// The path of an endpoint as a browser sees it.
    pub(super) fn path(&self, endpoint: Endpoint) -> String {
        format!("{}{}", self.base_path, endpoint.path())
    }

    pub(super) fn user(&self, subject: &str) -> Option<&SimulatedUser> {
        self.users.iter().find(|user| user.subject() == subject)
    }

    pub(super) fn keys(&self) -> MutexGuard<'_, KeyRing> {
        lock(&self.keys)
    }

    pub(super) fn signing_key(&self) -> Arc<NamedKey> {
        let mut keys = self.keys();
        if self.faults.has(&Fault::RotateJustBeforeSigning) {
            keys.rotate();
        }
        keys.current()
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.sessions)
    }

    pub(super) fn grants(&self) -> MutexGuard<'_, Grants> {
        lock(&self.grants)
    }

    pub(super) fn default_login(&self) -> Option<LoginChoice> {
        lock(&self.default_login).clone()
    }

    pub(super) fn set_default_login(&self, choice: Option<LoginChoice>) {
        *lock(&self.default_login) = choice;
    }

    /// Ends a session, with the refresh tokens that live in it.
    pub(super) fn end_session(&self, sid: &str) {
        self.sessions().end(sid);
        self.grants().end_session(sid);
    }

    pub(super) fn end_all_sessions(&self) {
        self.sessions().end_all();
        self.grants().end_all_sessions();
    }

    /// Keeps what a page is about, and gives its id.
    pub(super) fn begin_interaction(
        &self,
        request: AuthorizationRequest,
        progress: Progress,
    ) -> String {
        let now = self.now();
        let id = random_token();
        let interaction = Interaction {
            request,
            progress,
            expires_at: now.plus(INTERACTION_LIFETIME),
        };
        let mut interactions = lock(&self.interactions);
        interactions.retain(|_, interaction| now < interaction.expires_at);
        interactions.insert(id.clone(), interaction);
        id
    }

    pub(super) fn find_interaction(&self, id: &str) -> Option<Interaction> {
        let now = self.now();
        let interactions = lock(&self.interactions);
        interactions.get(id).filter(|i| now < i.expires_at).cloned()
    }
}

/// A lock that a panicking test can't poison for the others.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The faults that are set, in the order in which they were.
#[derive(Debug)]
pub(super) struct Faults<F = Fault>(Mutex<Vec<F>>);

impl<F> Default for Faults<F> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<F: PartialEq> Faults<F> {
    pub(super) fn add(&self, fault: F) {
        lock(&self.0).push(fault);
    }

    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// The first thing that `pick` finds in the faults that are set.
    pub(super) fn find<T>(&self, pick: impl FnMut(&F) -> Option<T>) -> Option<T> {
        lock(&self.0).iter().find_map(pick)
    }

    /// Everything that `pick` finds in the faults that are set.
    pub(super) fn all<T>(&self, pick: impl FnMut(&F) -> Option<T>) -> Vec<T> {
        lock(&self.0).iter().filter_map(pick).collect()
    }

    pub(super) fn has(&self, fault: &F) -> bool {
        lock(&self.0).contains(fault)
    }

    /// Whether a fault is set, which it then no longer is.
    pub(super) fn take(&self, fault: &F) -> bool {
        let mut faults = lock(&self.0);
        let found = faults.iter().position(|set| set == fault);
        found.map(|at| faults.remove(at)).is_some()
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: [AtomicU64; Endpoint::COUNT],
    code_grants: AtomicU64,
    refresh_grants: AtomicU64,
    reuse_detected: AtomicU64,
}

impl Counters {
    pub(super) fn count_request(&self, endpoint: Endpoint) {
        self.requests[endpoint as usize].fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn count_code_grant(&self) {
        self.code_grants.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn count_refresh_grant(&self) {
        self.refresh_grants.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn count_reuse(&self) {
        self.reuse_detected.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn requests(&self, endpoint: Endpoint) -> u64 {
        self.requests[endpoint as usize].load(Ordering::SeqCst)
    }

    pub(super) fn code_grants(&self) -> u64 {
        self.code_grants.load(Ordering::SeqCst)
    }

    pub(super) fn refresh_grants(&self) -> u64 {
        self.refresh_grants.load(Ordering::SeqCst)
    }

    pub(super) fn reuse_detected(&self) -> u64 {
        self.reuse_detected.load(Ordering::SeqCst)
    }
}
