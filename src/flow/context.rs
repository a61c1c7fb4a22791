//! What every step needs.

use std::sync::Arc;

use super::BaseUrl;
use super::backend_session::SharedSessions;
use super::identity_hook::IdentityHook;
use super::renewal::Refreshes;
use super::revalidation::Revalidation;
use super::round_trips::RoundTrips;
use super::silent::Silent;
use crate::clock::Clock;
use crate::crypto::Sealer;
use crate::provider::Provider;
use crate::session::login_state::LoginStates;
use crate::session::sessions::Sessions;

/// The wired parts that the steps work with. Made once, by the builder.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) sessions: Sessions,
    pub(crate) login_states: LoginStates,
    pub(crate) round_trips: RoundTrips,
    pub(crate) silent: Silent,
    pub(crate) sealer: Sealer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) base_url: BaseUrl,
    /// The path of the endpoints under the base URL, as `/auth`.
    pub(crate) auth_path: String,
    /// Origins besides our own whose pages may send unsafe requests with the session cookie.
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) identity_hook: Option<Arc<dyn IdentityHook>>,
    /// When sessions are renewed.
    pub(crate) revalidation: Revalidation,
    pub(crate) refreshes: Refreshes,
    /// Where browsers' sessions at the provider are found, if it has such as backends know.
    pub(crate) shared: Option<SharedSessions>,
}

impl Context {
    /// Where the provider sends the browser back to (`redirect_uri`).
    pub(crate) fn callback_url(&self) -> String {
        self.base_url.join(&format!("{}/callback", self.auth_path))
    }

    /// Where the provider sends the browser after a logout (`post_logout_redirect_uri`).
    pub(crate) fn logged_out_url(&self) -> String {
        self.base_url
            .join(&format!("{}/logged-out", self.auth_path))
    }

    /// The path of an endpoint as browsers ask for it.
    pub(crate) fn endpoint_path(&self, endpoint: &str) -> String {
        format!("{}{}/{endpoint}", self.base_url.prefix(), self.auth_path)
    }
}
