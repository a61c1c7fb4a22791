//! What a test does to the simulator, and asks it.

use std::fmt;
use std::sync::Arc;

use super::fault::{Endpoint, Fault};
use super::shared::Shared;

/// The sign-in that happens by itself where a page would be shown.
///
/// ```
/// use tower_sso::simulator::LoginChoice;
///
/// let choice = LoginChoice::new("alice").with_amr(["pwd", "otp", "mfa"]);
/// assert_eq!(choice.acr, None, "follows from the methods");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginChoice {
    /// The `sub` of a user.
    pub user: String,
    /// The methods (RFC 8176), as they go into `amr`.
    pub amr: Vec<String>,
    /// The `acr`; `None` for the one that follows from the methods.
    pub acr: Option<String>,
}

impl LoginChoice {
    /// This user, with a password.
    #[must_use]
    pub fn new(user: &str) -> Self {
        Self {
            user: user.to_owned(),
            amr: vec!["pwd".to_owned()],
            acr: None,
        }
    }

    /// With these methods instead.
    #[must_use]
    pub fn with_amr<M: Into<String>>(mut self, amr: impl IntoIterator<Item = M>) -> Self {
        self.amr = amr.into_iter().map(Into::into).collect();
        self
    }

    /// With this `acr`, whatever the methods.
    #[must_use]
    pub fn with_acr(mut self, acr: &str) -> Self {
        self.acr = Some(acr.to_owned());
        self
    }
}

/// A test's hand on a running simulator: faults, keys, sessions, counters.
///
/// ```
/// use tower_sso::simulator::{Endpoint, Fault, Simulator};
///
/// let simulator = Simulator::quickstart("http://127.0.0.1:3001");
/// let handle = simulator.handle();
/// handle.set_fault(Fault::Status(Endpoint::Token, 503, Some(7)));
/// handle.clear_faults();
/// assert_eq!(handle.requests(Endpoint::Token), 0);
/// ```
#[derive(Clone)]
pub struct SimulatorHandle(pub(super) Arc<Shared>);

impl SimulatorHandle {
    /// Adds a fault to those that are set.
    pub fn set_fault(&self, fault: Fault) {
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

    /// Where a page would be shown, signs this user in instead; `None` shows the page again.
    ///
    /// `prompt=none` still answers `login_required`, and requirements that the choice doesn't meet answer
    /// `unmet_authentication_requirements`.
    pub fn set_default_login(&self, choice: impl Into<Option<LoginChoice>>) {
        self.0.set_default_login(choice.into());
    }

    /// How many requests reached an endpoint, with those that a fault answered.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> u64 {
        self.0.counters.requests(endpoint)
    }

    /// How many codes were exchanged for tokens.
    #[must_use]
    pub fn code_grants(&self) -> u64 {
        self.0.counters.code_grants()
    }

    /// How many refresh tokens were exchanged for new ones.
    #[must_use]
    pub fn refresh_grants(&self) -> u64 {
        self.0.counters.refresh_grants()
    }

    /// How often a used code or refresh token came again, which revoked everything that came from it.
    #[must_use]
    pub fn reuse_detected(&self) -> u64 {
        self.0.counters.reuse_detected()
    }

    /// How many sessions live.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.0.sessions().count(self.0.now())
    }

    /// Ends all sessions; refresh tokens go with them unless their scope has `offline_access`.
    pub fn end_sessions(&self) {
        self.0.end_all_sessions();
    }

    /// Revokes all refresh tokens: the next refresh is an `invalid_grant`.
    pub fn revoke_refresh_tokens(&self) {
        self.0.grants().revoke_refresh_tokens();
    }
}

impl fmt::Debug for SimulatorHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorHandle")
            .field("issuer", &self.0.issuer)
            .finish_non_exhaustive()
    }
}
