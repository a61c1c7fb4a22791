//! What a test does to the simulator, and asks it.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::fault::{ScalekitEndpoint, ScalekitFault};
use super::shared::Environment;
use super::tenant::ScalekitUser;
use super::webhook::ScalekitWebhook;
use super::{idp_initiated, switches};
use crate::secret::Secret;

/// A test's hand on a running simulator: faults, keys, connections, tokens, webhooks, counters.
///
/// ```
/// use tower_sso::simulator::{ScalekitEndpoint, ScalekitFault, ScalekitSimulator};
///
/// let simulator = ScalekitSimulator::demo("http://127.0.0.1:3001", "http://127.0.0.1:3000");
/// let handle = simulator.handle();
/// handle.set_fault(ScalekitFault::RateLimited(ScalekitEndpoint::Connections, Some(7)));
/// handle.clear_faults();
/// assert_eq!(handle.requests(ScalekitEndpoint::Connections), 0);
/// ```
#[derive(Clone)]
pub struct ScalekitHandle(pub(super) Arc<Environment>);

impl ScalekitHandle {
    /// Adds a fault to those that are set.
    pub fn set_fault(&self, fault: ScalekitFault) {
        self.0.faults.add(fault);
    }

    /// Ends all faults, those of the front page too.
    pub fn clear_faults(&self) {
        switches::clear(&self.0);
    }

    /// Signs with a new key from now on; the old ones stay published.
    pub fn rotate_keys(&self) {
        self.0.keys().rotate();
    }

    /// Publishes the current key only.
    pub fn drop_old_keys(&self) {
        self.0.keys().drop_old();
    }

    /// Where the page of an IdP would be shown, signs this person in instead, by `sub`, if it is the person's IdP;
    /// `None` shows the page again. With `prompt=none` too, which else answers `user_login_required`.
    pub fn set_default_login<'a>(&self, subject: impl Into<Option<&'a str>>) {
        self.0.state().default_login = subject.into().map(ToOwned::to_owned);
    }

    /// Switches a connection on or off, as the customer does in the admin portal; whether there is one.
    pub fn enable_connection(&self, id: &str, enabled: bool) -> bool {
        let mut state = self.0.state();
        let found = state.connections.iter_mut().find(|known| known.id == id);
        found.map(|known| known.enabled = enabled).is_some()
    }

    /// The token of a sign-in that begins at the IdP, for a person by `sub`, as the faults want it. No two are the
    /// same text.
    ///
    /// # Panics
    /// If there is no such person.
    #[must_use]
    pub fn idp_initiated_token(&self, subject: &str, relay_state: Option<&str>) -> String {
        idp_initiated::token(&self.0, self.person(subject), relay_state)
    }

    /// Where such a sign-in sends the browser: the initiate login URI, with such a token.
    ///
    /// # Panics
    /// If there is no such person, or no URI to send them to.
    #[must_use]
    pub fn idp_initiated_url(&self, subject: &str, relay_state: Option<&str>) -> String {
        idp_initiated::url(&self.0, self.person(subject), relay_state)
            .expect("a redirect URI or an initiate login URI is registered")
    }

    fn person(&self, subject: &str) -> &ScalekitUser {
        let found = self.0.user(subject);
        found.unwrap_or_else(|| panic!("there is no {subject}"))
    }

    /// A webhook of this type about this object: the `data` of the vendor's documents, with `id` and
    /// `organization_id`.
    pub fn webhook(&self, event_type: &str, data: impl Into<Value>) -> ScalekitWebhook {
        let key = self.0.webhook_key.clone();
        ScalekitWebhook::new(event_type, &data.into(), self.0.now(), key)
    }

    /// What webhooks are signed with.
    #[must_use]
    pub fn webhook_secret(&self) -> &Secret {
        self.0.webhook_key.secret()
    }

    /// How many requests reached an endpoint, with those that were refused or that a fault answered.
    #[must_use]
    pub fn requests(&self, endpoint: ScalekitEndpoint) -> u64 {
        self.0.counters.requests(endpoint)
    }

    /// How many codes were exchanged for tokens.
    #[must_use]
    pub fn code_grants(&self) -> u64 {
        self.0.counters.code_grants.get()
    }

    /// How many refresh tokens were exchanged for new ones.
    #[must_use]
    pub fn refresh_grants(&self) -> u64 {
        self.0.counters.refresh_grants.get()
    }

    /// How often a used code or refresh token came again, which ended what came from it.
    #[must_use]
    pub fn reuse_detected(&self) -> u64 {
        self.0.counters.reuses.get()
    }

    /// How many tokens for the management API were issued.
    #[must_use]
    pub fn management_tokens(&self) -> u64 {
        self.0.counters.management_tokens.get()
    }

    /// How many sign-outs were asked for and granted.
    #[must_use]
    pub fn logouts(&self) -> u64 {
        self.0.counters.logouts.get()
    }
}

impl fmt::Debug for ScalekitHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScalekitHandle")
            .field("url", &self.0.url)
            .finish_non_exhaustive()
    }
}
