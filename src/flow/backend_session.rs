//! The second rung of silent re-authentication: a session at the provider that backends know by its id.
//!
//! 1. A browser has a handle, the directory has the id that it stands for. Who comes without a session of this
//!    app is signed in by it, and who has one whose tokens end is renewed by it.
//! 2. The provider is asked once for a handle, however many requests and replicas want to know; what came of
//!    it is the answer to whoever comes in the next 10 s without the new cookie.
//! 3. Only the provider's word that there is no such session ends anything: then every app that listens ends
//!    what it made of it.
//! 4. It signs in nobody who has a session here, and another subject than the handle's never.

mod by_handle;
mod own_page;

use std::sync::Arc;
use std::time::Duration;

use tower_cookies::Cookie;
use tracing::Instrument as _;

use super::Context;
use super::attempt::is_of;
use super::carried::Carried;
use super::context::Common;
use super::renewal::outcome::{Renewed, end, go_on};
use crate::clock::SecondsSinceEpoch;
use crate::provider::{
    BackendAnswer, BackendAuthentication, BackendSession, BackendSessions, ClientAttributes,
};
use crate::secret::Secret;
use crate::session::Session;
use crate::session::directory::{
    HandleKey, SessionDirectory, SessionListener, SharedSession, public_sid,
};
use crate::session::handle_cookie::{Handle, HandleCookie};
use crate::{Error, Result};

pub(crate) use by_handle::sign_in_by_handle;
pub(crate) use own_page::{AtOwnPage, sign_in_at_own_page};

/// What leads from a browser to its session at the provider.
#[derive(Debug)]
pub(crate) struct SharedSessions {
    pub(crate) directory: Arc<dyn SessionDirectory>,
    pub(crate) cookie: HandleCookie,
}

async fn shared_session(context: &Context, handle: HandleKey) -> Result<Option<SharedSession>> {
    let (Some(shared), Some(_)) = (&context.shared, context.provider.backend_sessions()) else {
        return Ok(None);
    };
    let found = shared.directory.find(handle).await?;
    let now = context.clock.now();
    Ok(found.filter(|found| {
        now < found.expires_at && *found.issuer == *context.provider.issuer().as_str()
    }))
}

/// Keeps a handle for as long as the session lives that it stands for, and gives its cookie. Without it
/// somebody signs in once more than needed.
async fn keep_handle(
    context: &Context,
    handle: &Handle,
    mut session: SharedSession,
) -> Option<Cookie<'static>> {
    let shared = context.shared.as_ref()?;
    let lifetime = context.provider.backend_sessions()?.lifetime();
    session.expires_at = context.clock.now().plus(lifetime);
    match shared.directory.put(handle.key(), session).await {
        Ok(()) => Some(shared.cookie.set(handle, lifetime)),
        Err(error) => {
            tracing::warn!(%error, "the handle of a session could not be kept");
            None
        }
    }
}

/// Lets a browser's handle last as long as the session that it stands for, which was used by the renewal that made
/// `session` of `before`. A refresh token does not use it.
pub(crate) async fn slide_handle(
    context: &Context,
    before: &Session,
    session: &Session,
    handle: &Handle,
) -> Option<Carried> {
    let (old, new) = (before.record(), session.record());
    let by_id = old.refresh_token().is_none() && new.version() != old.version();
    let session_id = new.backend_session_id().filter(|_| by_id)?;
    let found = shared_session(context, handle.key()).await.ok()??;
    if found.session_id != *session_id {
        return None;
    }
    let cookie = keep_handle(context, handle, found).await?;
    Some(Carried::only(vec![cookie]))
}

/// Renews a session in its place by the one at the provider that it was made of.
pub(super) async fn renew(
    context: &Context,
    session: &Session,
    client: &ClientAttributes,
) -> Result<Renewed> {
    let Some(session_id) = session.record().backend_session_id() else {
        return Ok(Renewed::Live(session.clone()));
    };
    // What can't be believed says nothing of the session: only a plain word that it is over ends it.
    let signed_in = match ask(context, session_id, client).await? {
        BackendAnswer::SignedIn(signed_in) => *signed_in,
        BackendAnswer::NotFound => {
            spread(context, session_id).await;
            return end(context, session, "the provider's session is over").await;
        }
    };
    if !is_of(&signed_in.identity, session.issuer(), session.subject()) {
        return end(context, session, "another account came back").await;
    }
    let BackendSession {
        identity,
        session_id,
    } = signed_in;
    let tokens = identity.tokens.clone();
    go_on(context, session, tokens, Some(identity), Some(session_id)).await
}

async fn ask(
    context: &Context,
    session_id: &Secret<String>,
    client: &ClientAttributes,
) -> Result<BackendAnswer> {
    let answer = backend(context)?
        .authenticate(BackendAuthentication {
            session_id: session_id.clone(),
            client: client.clone(),
        })
        .await?;
    Ok(match answer {
        BackendAnswer::SignedIn(signed_in) => {
            BackendAnswer::SignedIn(Box::new(without_id(*signed_in)))
        }
        answer => answer,
    })
}

/// Takes the id out of the claims, if the provider names it there, as `sid`: apps show claims on pages.
fn without_id(mut signed_in: BackendSession) -> BackendSession {
    let id = signed_in.session_id.expose();
    let claims = &mut signed_in.identity.claims;
    claims.all.retain(|_, value| value.as_str() != Some(id));
    claims.sid.take_if(|sid| sid == id);
    signed_in
}

fn backend(context: &Context) -> Result<&dyn BackendSessions> {
    context
        .provider
        .backend_sessions()
        .ok_or_else(|| Error::configuration("the provider has no sessions for backends"))
}

/// Tells every app that a session at the provider is over, this one too.
async fn over(context: &Context, session_id: &Secret<String>) -> Result<()> {
    let (issuer, sid) = (context.provider.issuer().as_str(), public_sid(session_id));
    let now = context.clock.now();
    match &context.shared {
        Some(shared) => shared.directory.end(issuer, &sid, now).await,
        None => context.sessions.end_by_sid(issuer, &sid, now).await,
    }
}

/// Tells every app of what the provider said. That is true also where they can't be told: whoever is not reached
/// hears it from the provider.
async fn spread(context: &Context, session_id: &Secret<String>) {
    if let Err(error) = over(context, session_id).await {
        tracing::warn!(%error, "not every app heard that a session at the provider is over");
    }
}

/// The session at the provider that a browser is to be signed out of: the one that its own was made of, or without
/// one the one that its handle stands for. To be asked before its own is ended.
///
/// # Errors
/// Store or directory failed.
pub(super) async fn to_be_ended(
    context: &Context,
    session: Option<&Session>,
    handle: Option<HandleKey>,
) -> Result<Option<Secret<String>>> {
    match (session, handle) {
        // Somebody else may have signed in at a sister app since: their handle is none of this session's.
        (Some(session), _) => id_of(context, session).await,
        (None, Some(handle)) => Ok(shared_session(context, handle)
            .await?
            .map(|found| found.session_id)),
        (None, None) => Ok(None),
    }
}

/// The id of what a session was made of. The id that a browser had before a step-up has it no more, the session that
/// follows has.
async fn id_of(context: &Context, session: &Session) -> Result<Option<Secret<String>>> {
    let own = session.record().backend_session_id().cloned();
    if own.is_some() || context.shared.is_none() {
        return Ok(own);
    }
    let all = context
        .sessions
        .of_person(session.issuer(), session.subject())
        .await?;
    let same = |other: &Session| session.sid().is_some() && other.sid() == session.sid();
    Ok(all
        .iter()
        .filter(|other| same(other))
        .find_map(|other| other.record().backend_session_id().cloned()))
}

/// Ends a session at the provider, and tells every app.
///
/// # Errors
/// The directory failed: then sister apps may still let this person in.
pub(super) async fn sign_out(context: &Arc<Context>, session_id: Secret<String>) -> Result<()> {
    let told = over(context, &session_id).await;
    tell_provider(context, session_id).await;
    told
}

/// Tells the provider until it hears, within reason. Who signs out sees the end of it if it comes soon.
async fn tell_provider(context: &Arc<Context>, session_id: Secret<String>) {
    let context = Arc::clone(context);
    let work = async move {
        let Ok(backend) = backend(&context) else {
            return;
        };
        for pause in PAUSES {
            match backend.logout(session_id.clone()).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, "the session at the provider could not be ended");
                }
            }
            tokio::time::sleep(pause).await;
        }
    };
    let task = tokio::spawn(work.in_current_span());
    tokio::time::timeout(Duration::from_secs(2), task)
        .await
        .ok();
}

/// After each failed try to end a session at the provider.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::ZERO,
];

impl SessionListener for Common {
    fn session_ended<'a>(
        &'a self,
        issuer: &'a str,
        sid: &'a str,
        at: SecondsSinceEpoch,
    ) -> futures_core::future::BoxFuture<'a, Result<()>> {
        Box::pin(self.sessions.end_by_sid(issuer, sid, at))
    }
}
