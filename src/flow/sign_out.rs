//! Signing out: here first, then at the provider.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tower_cookies::Cookie;
use tracing::Instrument as _;

use super::sign_in::LONGEST_HINT;
use super::{Context, audit, backend_session};
use crate::crypto::{self, Purpose};
use crate::provider::LogoutRequest;
use crate::secret::constant_time_eq;
use crate::session::cookie::{self, CookieSettings, Found};
use crate::session::directory::HandleKey;
use crate::session::{ReturnTo, Session};
use crate::{Error, Result};

/// What the browser does after the local sign-out.
#[derive(Debug)]
pub(crate) enum SignedOut {
    /// On to the provider, which ends its own session; the cookie keeps what comes back.
    AtProvider {
        location: String,
        cookie: Box<Cookie<'static>>,
    },
    /// The provider has no logout, or can't be reached: signed out here only.
    HereOnly,
    /// Nobody was signed in.
    Nobody,
}

/// A browser that signs out.
#[derive(Debug)]
pub(crate) struct Leaving {
    pub(crate) session: Option<Session>,
    /// What leads to its session at the provider.
    pub(crate) handle: Option<HandleKey>,
    pub(crate) client: Option<IpAddr>,
}

/// Ends the local session, whatever the provider does, and says where to go on.
///
/// # Errors
/// When the store fails: then nobody is signed out and nothing may claim so. When the directory fails: then
/// somebody is signed out here, and maybe not in the sister apps.
pub(crate) async fn sign_out(
    context: &Arc<Context>,
    cookies: &LogoutCookie,
    browser: Leaving,
    return_to: &ReturnTo,
) -> Result<SignedOut> {
    let session = browser.session.clone();
    end(context, browser).await?;
    let Some(session) = session else {
        return Ok(SignedOut::Nobody);
    };
    if !context.counts(&session) {
        // Its ID token is none of this provider's.
        return Ok(SignedOut::HereOnly);
    }
    let state = crypto::random_token();
    let request = LogoutRequest {
        id_token_hint: session
            .record()
            .tokens
            .as_ref()
            .and_then(|tokens| tokens.id_token.clone())
            .filter(|token| token.expose().len() <= LONGEST_HINT),
        post_logout_redirect_uri: context.logged_out_url(),
        state: state.clone(),
    };
    match context.provider.logout_url(&request).await {
        Ok(Some(location)) => Ok(SignedOut::AtProvider {
            location: location.into(),
            cookie: Box::new(cookies.set(context, &state, return_to)),
        }),
        Ok(None) => Ok(SignedOut::HereOnly),
        Err(error) => {
            tracing::warn!(%error, "signed out here; the provider could not be told");
            Ok(SignedOut::HereOnly)
        }
    }
}

/// Ends the session in a task of its own: who clicks and closes the tab is signed out all the same.
async fn end(context: &Arc<Context>, browser: Leaving) -> Result<()> {
    let context = Arc::clone(context);
    let work = async move {
        let session = browser.session.as_ref();
        let at_provider = match session {
            // Its id is a credential at the provider that it was made by, and this is another one.
            Some(session) if !context.counts(session) => None,
            _ => backend_session::to_be_ended(&context, session, browser.handle).await?,
        };
        if let Some(session) = session {
            context.sessions.end(session).await?;
            audit::signed_out(session, browser.client);
        }
        match at_provider {
            Some(session_id) => backend_session::sign_out(&context, session_id).await,
            None => Ok(()),
        }
    };
    tokio::spawn(work.in_current_span())
        .await
        .unwrap_or_else(
            |error| Err(Error::store("the sign-out was interrupted").with_source(error)),
        )
}

/// The sealed cookie that a logout leaves until the browser is back from the provider.
#[derive(Debug)]
pub(crate) struct LogoutCookie {
    name: String,
    settings: CookieSettings,
}

const LOGOUT_LIFETIME: Duration = Duration::from_secs(10 * 60);

impl LogoutCookie {
    pub(crate) fn new(session: &str, settings: CookieSettings) -> Self {
        Self {
            name: format!("{session}-logout"),
            settings,
        }
    }

    fn set(&self, context: &Context, state: &str, return_to: &ReturnTo) -> Cookie<'static> {
        let text = format!("{state} {}", return_to.as_str());
        let value = context
            .sealer
            .seal(Purpose::LogoutState, &self.name, text.as_bytes());
        self.settings.set(&self.name, &value, Some(LOGOUT_LIFETIME))
    }

    pub(crate) fn removal(&self) -> Cookie<'static> {
        self.settings.removal(&self.name)
    }

    /// Checks what came back from the provider (RP-Initiated Logout 1.0 section 3); answers where to go.
    ///
    /// # Errors
    /// When there is a logout under way and `state` is missing or another one, or when there is a `state`
    /// and no logout.
    pub(crate) fn check<'a>(
        &self,
        context: &Context,
        fields: impl Iterator<Item = &'a [u8]>,
        state: Option<&str>,
    ) -> Result<Option<ReturnTo>> {
        let expected = match cookie::find(fields, &self.name) {
            Found::One(value) => context.sealer.open(Purpose::LogoutState, &self.name, value),
            _ => None,
        };
        match (expected, state) {
            (None, None) => Ok(None),
            (Some(expected), Some(state)) => {
                let text = String::from_utf8(expected).map_err(|_| mismatch())?;
                let (wanted, return_to) = text.split_once(' ').ok_or_else(mismatch)?;
                if !constant_time_eq(wanted.as_bytes(), state.as_bytes()) {
                    return Err(mismatch());
                }
                Ok(ReturnTo::parse(return_to))
            }
            _ => Err(mismatch()),
        }
    }
}

fn mismatch() -> Error {
    Error::request("this is not the answer to a sign-out of this browser")
}
