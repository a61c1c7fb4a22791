//! Renewing a session by its refresh token: the first rung of silent re-authentication.
//!
//! 1. One call for one session, however many requests and replicas want it: in this process by a single
//!    flight, among replicas by a lease of the store. It runs in a task of its own, so whoever waits may
//!    go away.
//! 2. Only the provider's word ends a session: `invalid_grant`, or an ID token that is for somebody else.
//!    Whatever may pass leaves it as it is: served while its access token lives, then 503.
//! 3. After a failure nobody asks again for a while: as long as `Retry-After` says, else 1 s, 2 s, 4 s, up
//!    to 30 s, each a little stretched at random; 30 s after a refusal. `Retry-After` speaks for all
//!    sessions, the rest for one.
//! 4. A new refresh token is kept whatever else fails: the old one may be used up.

pub(super) mod one_flight;
mod slots;

use std::error::Error as _;
use std::sync::Arc;

use super::carried::Carried;
use super::identity_hook::{Decision, Enrichment};
use super::revalidation::Need;
use super::{Context, audit, backend_session, record, sign_in};
use crate::oidc::{IdTokenFault, TokenResponse};
use crate::provider::{ClientAttributes, Identity, RefreshGrant};
use crate::session::access_token::is_good;
use crate::session::store::Replaced;
use crate::session::{Record, Session, SessionKey};
use crate::{Error, Result, crypto};
use one_flight::{LOOK_AGAIN, Work, under_lease};

pub(crate) use slots::Refreshes;

/// What became of a session.
#[derive(Debug)]
pub(crate) enum Renewed {
    /// It lives.
    Live(Session),
    /// The provider ended it.
    Ended,
    /// It was made just now, of the provider's own; or there is none to be had. With the cookies of either.
    Made(Option<Session>, Carried),
}

/// Whether there is still something to do: another replica may have done it, or a sign-out.
pub(super) enum Standing<D> {
    Due(D),
    Settled(Renewed),
}

/// The session as it is after it was renewed, or as it was where it still holds; `None` if the provider
/// ended it. `client` is whose request asks.
///
/// # Errors
/// It can't be told now whether the session still holds.
pub(crate) async fn renew(
    context: &Arc<Context>,
    session: &Session,
    need: Need,
    client: ClientAttributes,
) -> Result<Option<Session>> {
    let key = session.key();
    let renewal = Renewal { key, need, client };
    let begin = |context: Arc<Context>| async move { under_lease(&context, &renewal).await };
    match one_flight::join(context, key, begin).await.as_deref() {
        Ok(Renewed::Live(session) | Renewed::Made(Some(session), _)) => Ok(Some(session.clone())),
        Ok(Renewed::Ended | Renewed::Made(None, _)) => Ok(None),
        Err(error) => {
            let tokens = session.record().tokens.as_ref();
            if tokens.is_some_and(|tokens| is_good(tokens, context.clock.now())) {
                return Ok(Some(session.clone()));
            }
            Err(error.clone())
        }
    }
}

/// The renewal of one session.
struct Renewal {
    key: SessionKey,
    need: Need,
    client: ClientAttributes,
}

impl Work for Renewal {
    type Due = Session;

    fn lease(&self) -> [u8; 32] {
        crypto::sha256(&[b"refresh\0", &self.key.0[..]].concat())
    }

    async fn standing(&self, context: &Context) -> Result<Standing<Session>> {
        let now = context.clock.now();
        Ok(match context.sessions.load(self.key).await? {
            None => Standing::Settled(Renewed::Ended),
            Some(session)
                if context
                    .revalidation
                    .is_due(self.need, session.record(), now) =>
            {
                Standing::Due(session)
            }
            Some(session) => Standing::Settled(Renewed::Live(session)),
        })
    }

    async fn perform(&self, context: &Arc<Context>, session: Session) -> Result<Renewed> {
        match refresh_token(session.record()) {
            Some(token) => by_refresh_token(context, &session, token, &self.client).await,
            None => backend_session::renew(context, &session, &self.client).await,
        }
    }
}

async fn by_refresh_token(
    context: &Context,
    session: &Session,
    used: crate::Secret,
    client: &ClientAttributes,
) -> Result<Renewed> {
    let grant = RefreshGrant {
        refresh_token: used,
        subject: session.subject().to_owned(),
        auth_time: session.auth_time(),
        claims: session.claims(),
    };
    let refreshed = match context.provider.refresh(grant).await {
        Ok(refreshed) => refreshed,
        Err(error) if error.code() == Some("invalid_grant") => {
            return refused(context, session, client).await;
        }
        // A refusal in other words says nothing of the provider's session. Where that is known by an id, it
        // can be asked for.
        Err(error) if !error.is_temporary() && session.record().backend_session_id().is_some() => {
            return backend_session::renew(context, session, client).await;
        }
        Err(error) => return Err(error),
    };
    // Before anything else is done with the answer: the app's hook may hang, or die.
    let tokens = refreshed.tokens.clone();
    let changed = |standing: &Record| Some(record::with_refresh_token(standing, &tokens));
    let session = match keep(context, session, changed).await? {
        Kept::Session(kept) => kept,
        Kept::Gone | Kept::Over => return Ok(Renewed::Ended),
    };
    let new = tokens.refresh_token.as_ref();
    if new.is_some() && refresh_token(session.record()).as_ref() != new {
        return Ok(Renewed::Live(session));
    }
    let identity = match refreshed.identity {
        Ok(None) => None,
        Ok(Some(identity)) => Some(identity),
        Err(error) => return unbelievable(context, &session, error, client).await,
    };
    go_on(context, &session, refreshed.tokens, identity, None).await
}

/// Ends the session whose refresh token was refused, if it still has that one: a step-up, or another replica,
/// may have given it a new one, and providers end the old with it. Where backends know the provider's
/// session by an id, it has the last word.
async fn refused(
    context: &Context,
    session: &Session,
    client: &ClientAttributes,
) -> Result<Renewed> {
    let same = |standing: &Record| Some(standing.clone());
    match keep(context, session, same).await? {
        Kept::Session(now) if refresh_token(now.record()) != refresh_token(session.record()) => {
            Ok(Renewed::Live(now))
        }
        Kept::Gone => Ok(Renewed::Ended),
        Kept::Session(now) if now.record().backend_session_id().is_some() => {
            backend_session::renew(context, &now, client).await
        }
        Kept::Session(_) | Kept::Over => {
            let reason = "the provider ended what the refresh token stood for";
            end(context, session, reason).await
        }
    }
}

/// What an ID token that can't be believed means for the session. Where backends know the provider's session
/// by an id, it has the last word.
async fn unbelievable(
    context: &Context,
    session: &Session,
    error: Error,
    client: &ClientAttributes,
) -> Result<Renewed> {
    let fault = error
        .source()
        .and_then(|source| source.downcast_ref::<IdTokenFault>());
    match fault {
        // An unknown key may be one that is fetched next time.
        None | Some(IdTokenFault::UnknownKey) => Err(error),
        Some(_) if session.record().backend_session_id().is_some() => {
            // The new refresh token is whoever's the ID token is: nothing may be got with it.
            let changed = |standing: &Record| Some(record::without_refresh_token(standing));
            match keep(context, session, changed).await? {
                Kept::Session(session) => backend_session::renew(context, &session, client).await,
                Kept::Gone | Kept::Over => Ok(Renewed::Ended),
            }
        }
        Some(fault) => end(context, session, &fault.to_string()).await,
    }
}

/// Goes on with what came, if the app agrees.
pub(super) async fn go_on(
    context: &Context,
    session: &Session,
    tokens: TokenResponse,
    identity: Option<Identity>,
    session_id: Option<crate::Secret>,
) -> Result<Renewed> {
    let identity = match identity {
        None => None,
        Some(identity) => match sign_in::decide(context, &identity).await? {
            Decision::Accept => Some((identity, Enrichment::default())),
            Decision::Enrich(enrichment) => Some((identity, enrichment)),
            // An app that answers by itself makes no session of this identity.
            Decision::Refuse(_) | Decision::Answer(_) => {
                return end(context, session, "refused by the app").await;
            }
        },
    };
    let now = context.clock.now();
    let kept = keep(context, session, |standing| {
        let (tokens, identity, id) = (tokens.clone(), identity.clone(), session_id.clone());
        record::renewed(standing, tokens, identity, id, now)
    })
    .await?;
    match kept {
        Kept::Session(session) => {
            audit::renewed(&session);
            Ok(Renewed::Live(session))
        }
        Kept::Gone => Ok(Renewed::Ended),
        Kept::Over => end(context, session, "the provider's session is over").await,
    }
}

enum Kept {
    Session(Session),
    /// Signed out meanwhile: what came is thrown away.
    Gone,
    /// The new record says that it is over.
    Over,
}

/// Writes a new record in the place of the one that was to be renewed. A store that fails is asked
/// again a few times: what is lost here is a sign-out.
async fn keep(
    context: &Context,
    session: &Session,
    change: impl Fn(&Record) -> Option<Record>,
) -> Result<Kept> {
    let used = renewed_by(session.record());
    let mut standing = Arc::clone(session.record());
    let mut pause = LOOK_AGAIN;
    loop {
        let Some(record) = change(&standing) else {
            return Ok(Kept::Over);
        };
        match context
            .sessions
            .replace(session.key(), &standing, record)
            .await
        {
            Ok(Replaced::Done(record)) => {
                return Ok(Kept::Session(Session::new(session.key(), record)));
            }
            Ok(Replaced::Gone) => return Ok(Kept::Gone),
            Ok(Replaced::Conflict(newer)) => {
                // A step-up took the tokens away, or somebody else renewed: theirs stands.
                if renewed_by(&newer) != used {
                    return Ok(Kept::Session(Session::new(session.key(), newer)));
                }
                standing = newer;
            }
            Err(error) if pause > LOOK_AGAIN * 16 => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "a renewed session could not be kept; trying again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
}

fn refresh_token(record: &Record) -> Option<crate::Secret> {
    record.tokens.as_ref()?.refresh_token.clone()
}

/// What a session is renewed by. A step-up leaves none of it to the id of before.
fn renewed_by(record: &Record) -> (Option<crate::Secret>, Option<&crate::Secret>) {
    (refresh_token(record), record.backend_session_id())
}

pub(super) async fn end(context: &Context, session: &Session, reason: &str) -> Result<Renewed> {
    context.sessions.delete(session.key()).await?;
    audit::ended(session, reason);
    Ok(Renewed::Ended)
}
