//! What a test does to the simulator, and asks it.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::fault::{MosaicEndpoint, MosaicFault};
use super::shared::Mosaic;

/// A test's hand on a running simulator: faults, keys, sessions, counters.
///
/// ```
/// use tower_sso::simulator::{MosaicEndpoint, MosaicFault, MosaicSimulator};
///
/// let simulator = MosaicSimulator::builder("https://userid.security").build();
/// let handle = simulator.handle();
/// handle.set_fault(MosaicFault::Status(MosaicEndpoint::SessionAuthenticate, 429, Some(7)));
/// handle.clear_faults();
/// assert_eq!(handle.requests(MosaicEndpoint::SessionAuthenticate), 0);
/// ```
#[derive(Clone)]
pub struct MosaicHandle(pub(super) Arc<Mosaic>);

impl MosaicHandle {
    /// Adds a fault to those that are set.
    pub fn set_fault(&self, fault: MosaicFault) {
        self.0.faults.add(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    /// Signs with a new key from now on; the old ones stay published.
    pub fn rotate_keys(&self) {
        self.0.keys().rotate();
    }

    /// Publishes the current key only.
    pub fn drop_old_keys(&self) {
        self.0.keys().drop_old();
    }

    /// How many requests reached an endpoint, with those that were refused or that a fault answered.
    #[must_use]
    pub fn requests(&self, endpoint: MosaicEndpoint) -> u64 {
        self.0.counters.requests(endpoint)
    }

    /// How many client tokens were issued.
    #[must_use]
    pub fn client_tokens(&self) -> u64 {
        self.0.counters.client_tokens.get()
    }

    /// How many silent authentications were answered with tokens.
    #[must_use]
    pub fn authentications(&self) -> u64 {
        self.0.counters.authentications.get()
    }

    /// How many refresh tokens were exchanged for new tokens.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.0.counters.refreshes.get()
    }

    /// How often a used refresh token came again, which revoked everything that came from it.
    #[must_use]
    pub fn reuse_detected(&self) -> u64 {
        self.0.counters.reuses.get()
    }

    /// How many sessions live.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.0.state().sessions.count(self.0.now())
    }

    /// Ends all sessions, with their refresh tokens.
    pub fn end_sessions(&self) {
        self.0.state().sessions.end_all();
    }

    /// What was sent to this user last: a passcode, or the code of a link.
    #[must_use]
    pub fn last_code(&self, user: &str) -> Option<String> {
        let state = self.0.state();
        let mut sent = state.codes.sent();
        sent.find(|sent| sent.user == user)
            .map(|sent| sent.code.clone())
    }

    /// What came as `client_attributes`, one for each call of the API that a client token authorized and that
    /// has a body, the newest last; `null` where a call had none. The last 1,000 are kept.
    #[must_use]
    pub fn client_attributes(&self) -> Vec<Value> {
        self.0.state().client_attributes().cloned().collect()
    }
}

impl fmt::Debug for MosaicHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MosaicHandle")
            .field("issuer", &self.0.issuer)
            .finish_non_exhaustive()
    }
}
