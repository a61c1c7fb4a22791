//! What every step needs.

use std::ops::Deref;
use std::sync::Arc;

use super::BaseUrl;
use super::backend_session::SharedSessions;
use super::identity_hook::IdentityHook;
use super::place::Place;
use super::renewal::Refreshes;
use super::revalidation::Revalidation;
use super::round_trips::RoundTrips;
use super::silent::Silent;
use crate::clock::Clock;
use crate::crypto::Sealer;
use crate::provider::Provider;
use crate::session::login_state::LoginStates;
use crate::session::sessions::Sessions;

/// The wired parts that the steps work with, for one tenant; or for the app, where nobody speaks of tenants.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) base_url: BaseUrl,
    /// Renewals of this provider: what it says of pauses concerns nobody else.
    pub(crate) refreshes: Refreshes,
    /// Whose requests these are.
    pub(crate) place: Place,
    pub(crate) common: Arc<Common>,
}

/// What all tenants of an app share. Made once, by the builder.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) sessions: Sessions,
    pub(crate) login_states: LoginStates,
    pub(crate) round_trips: RoundTrips,
    pub(crate) silent: Silent,
    pub(crate) sealer: Sealer,
    pub(crate) clock: Arc<dyn Clock>,
    /// The path of the endpoints under the base URL, as `/auth`.
    pub(crate) auth_path: String,
    /// Origins besides our own whose pages may send unsafe requests with the session cookie.
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) identity_hook: Option<Arc<dyn IdentityHook>>,
    /// When sessions are renewed.
    pub(crate) revalidation: Revalidation,
    /// Where browsers' sessions at the provider are found, if it has such as backends know.
    pub(crate) shared: Option<SharedSessions>,
}

impl Deref for Context {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

impl Context {
    /// Whether a session may be of another tenant than this one.
    pub(crate) fn has_tenants(&self) -> bool {
        !matches!(self.place, Place::Undivided)
    }

    /// Where the provider sends the browser back to (`redirect_uri`).
    pub(crate) fn callback_url(&self) -> String {
        let own = self
            .place
            .callback()
            .map_or_else(String::new, |id| format!("/{id}"));
        self.endpoint_url(&format!("callback{own}"))
    }

    /// Where the provider sends the browser after a logout (`post_logout_redirect_uri`).
    pub(crate) fn logged_out_url(&self) -> String {
        self.endpoint_url("logged-out")
    }

    /// The absolute URL of an endpoint.
    pub(crate) fn endpoint_url(&self, endpoint: &str) -> String {
        self.base_url
            .join(&format!("{}/{endpoint}", self.auth_path))
    }

    /// Whether a third party means this provider by an issuer (OpenID Connect Core section 4).
    pub(crate) fn is_provider(&self, issuer: &str) -> bool {
        self.provider.issuer().as_str() == issuer || self.provider.vouches_for(issuer)
    }

    /// Whether this browser may be sent to ask the provider without a page.
    pub(crate) fn may_ask_silently<'a, I: Iterator<Item = &'a [u8]>>(
        &self,
        fields: impl Fn() -> I,
        target: &str,
    ) -> bool {
        self.provider.login_page().is_none()
            && !self.place.is_undecided()
            && self.silent.may_ask(fields, target)
    }

    /// The path of an endpoint as browsers ask for it.
    pub(crate) fn endpoint_path(&self, endpoint: &str) -> String {
        format!("{}{}/{endpoint}", self.base_url.prefix(), self.auth_path)
    }
}
