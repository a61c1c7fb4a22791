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

mod slots;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use super::identity_hook::{Decision, Enrichment};
use super::revalidation::Need;
use super::{Context, audit, record, sign_in};
use crate::oidc::{IdTokenFault, TokenResponse};
use crate::provider::{Identity, RefreshGrant, Refreshed};
use crate::session::access_token::is_good;
use crate::session::store::Replaced;
use crate::session::{Record, Session, SessionKey};
use crate::{Error, Result, crypto};

pub(crate) use slots::Refreshes;
use slots::{FIRST_PAUSE, Slot};

/// A lease outlives the slowest call: token endpoint, keys and UserInfo at 5 s each, and the writes.
const LEASE: Duration = Duration::from_secs(30);
/// How long a replica waits for the one that has the lease.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a request waits for a renewal: a permit of the service that it goes to may wait with it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What became of a session.
#[derive(Debug)]
enum Renewed {
    Live(Session),
    Ended,
}

/// The session as it is after it was renewed, or as it was where it still holds; `None` if the provider
/// ended it.
///
/// # Errors
/// It can't be told now whether the session still holds.
pub(crate) async fn renew(
    context: &Arc<Context>,
    session: &Session,
    need: Need,
) -> Result<Option<Session>> {
    let key = session.key();
    let slot = context.refreshes.slot(key, context.clock.now());
    let ticket = slot.flight.join(|| {
        let now = context.clock.now();
        let paused = context.refreshes.pause(&slot, now).is_some();
        let (context, slot) = (Arc::clone(context), Arc::clone(&slot));
        (!paused).then(|| {
            let work = async move {
                let renewed = refresh(&context, key, need).await;
                settle(&context, &slot, key, &renewed);
                renewed.map(Arc::new)
            };
            work.in_current_span()
        })
    });
    let error = match ticket {
        Some(ticket) => match tokio::time::timeout(LONGEST_WAIT, ticket.result()).await {
            Ok(Ok(renewed)) => match &*renewed {
                Renewed::Live(session) => return Ok(Some(session.clone())),
                Renewed::Ended => return Ok(None),
            },
            Ok(Err(error)) => error,
            Err(_) => Error::unavailable("renewing the session does not get done"),
        },
        None => Error::unavailable("renewals pause after a failure"),
    };
    let now = context.clock.now();
    let tokens = session.record().tokens.as_ref();
    if tokens.is_some_and(|tokens| is_good(tokens, now)) {
        return Ok(Some(session.clone()));
    }
    let pause = context.refreshes.pause(&slot, now);
    let left = pause.map_or(FIRST_PAUSE, |pause| pause.left(now));
    Err(Error::unavailable("the session can't be renewed now")
        .with_source(error)
        .with_retry_after(left))
}

/// Remembers a failure, forgets the rest.
fn settle(context: &Context, slot: &Slot, key: SessionKey, renewed: &Result<Renewed>) {
    match renewed {
        Ok(_) => context.refreshes.succeeded(slot, key),
        Err(error) => {
            tracing::warn!(%error, cause = error.source(), "a session could not be renewed");
            context.refreshes.failed(slot, error, context.clock.now());
        }
    }
}

async fn refresh(context: &Arc<Context>, key: SessionKey, need: Need) -> Result<Renewed> {
    let what = crypto::sha256(&[b"refresh\0", &key.0[..]].concat());
    let holder = crypto::random::<16>();
    let mut waited = Duration::ZERO;
    while !context.sessions.lease(what, holder, LEASE).await? {
        if waited >= PATIENCE {
            return Err(Error::unavailable(
                "another replica is renewing the session and does not get done",
            ));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
        if let Standing::Settled(renewed) = standing(context, key, need).await? {
            return Ok(renewed);
        }
    }
    let renewed = match standing(context, key, need).await {
        Ok(Standing::Settled(renewed)) => Ok(renewed),
        Ok(Standing::Due(session)) => by_refresh_token(context, &session).await,
        Err(error) => Err(error),
    };
    if let Err(error) = context.sessions.release(what, holder).await {
        tracing::warn!(%error, "the lease for renewing a session ends by itself only");
    }
    renewed
}

enum Standing {
    Due(Session),
    Settled(Renewed),
}

/// Whether there is still something to do: another replica may have done it, or a sign-out.
async fn standing(context: &Context, key: SessionKey, need: Need) -> Result<Standing> {
    Ok(match context.sessions.load(key).await? {
        None => Standing::Settled(Renewed::Ended),
        Some(session)
            if context
                .revalidation
                .is_due(need, session.record(), context.clock.now()) =>
        {
            Standing::Due(session)
        }
        Some(session) => Standing::Settled(Renewed::Live(session)),
    })
}

async fn by_refresh_token(context: &Context, session: &Session) -> Result<Renewed> {
    let Some(used) = refresh_token(session.record()) else {
        return Ok(Renewed::Live(session.clone()));
    };
    let grant = RefreshGrant {
        refresh_token: used,
        subject: session.subject().to_owned(),
        auth_time: session.auth_time(),
        claims: session.claims(),
    };
    let refreshed = match context.provider.refresh(grant).await {
        Ok(refreshed) => refreshed,
        Err(error) if error.code() == Some("invalid_grant") => {
            return refused(context, session).await;
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
    match judge(context, &refreshed).await {
        Judged::Continue(identity) => {
            let identity = identity.map(|both| *both);
            write(context, &session, refreshed.tokens, identity).await
        }
        Judged::Later(error) => Err(error),
        Judged::End(reason) => end(context, &session, &reason).await,
    }
}

/// Ends the session whose refresh token was refused, if it still has that one: a step-up, or another replica,
/// may have given it a new one, and providers end the old with it.
async fn refused(context: &Context, session: &Session) -> Result<Renewed> {
    let same = |standing: &Record| Some(standing.clone());
    match keep(context, session, same).await? {
        Kept::Session(now) if refresh_token(now.record()) != refresh_token(session.record()) => {
            Ok(Renewed::Live(now))
        }
        Kept::Gone => Ok(Renewed::Ended),
        Kept::Session(_) | Kept::Over => {
            let reason = "the provider ended what the refresh token stood for";
            end(context, session, reason).await
        }
    }
}

enum Judged {
    /// With the new identity, if one came, and what the app says of it.
    Continue(Option<Box<(Identity, Enrichment)>>),
    /// It can't be told now.
    Later(Error),
    End(String),
}

/// What the answer means for the session.
async fn judge(context: &Context, refreshed: &Refreshed) -> Judged {
    let identity = match &refreshed.identity {
        Ok(None) => return Judged::Continue(None),
        Ok(Some(identity)) => identity,
        Err(error) => {
            let fault = error
                .source()
                .and_then(|source| source.downcast_ref::<IdTokenFault>());
            return match fault {
                // An unknown key may be one that is fetched next time.
                None | Some(IdTokenFault::UnknownKey) => Judged::Later(error.clone()),
                Some(fault) => Judged::End(fault.to_string()),
            };
        }
    };
    match sign_in::decide(context, identity).await {
        Ok(Decision::Accept) => {
            Judged::Continue(Some(Box::new((identity.clone(), Enrichment::default()))))
        }
        Ok(Decision::Enrich(enrichment)) => {
            Judged::Continue(Some(Box::new((identity.clone(), enrichment))))
        }
        // An app that answers by itself makes no session of this identity.
        Ok(Decision::Refuse(_) | Decision::Answer(_)) => {
            Judged::End("refused by the app".to_owned())
        }
        Err(error) => Judged::Later(error),
    }
}

async fn write(
    context: &Context,
    session: &Session,
    tokens: TokenResponse,
    identity: Option<(Identity, Enrichment)>,
) -> Result<Renewed> {
    let now = context.clock.now();
    let kept = keep(context, session, |standing| {
        record::after_refresh(standing, tokens.clone(), identity.clone(), now)
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

/// Writes a new record in the place of the one whose refresh token was used. A store that fails is asked
/// again a few times: what is lost here is a sign-out.
async fn keep(
    context: &Context,
    session: &Session,
    change: impl Fn(&Record) -> Option<Record>,
) -> Result<Kept> {
    let used = refresh_token(session.record());
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
                if refresh_token(&newer) != used {
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

async fn end(context: &Context, session: &Session, reason: &str) -> Result<Renewed> {
    context.sessions.delete(session.key()).await?;
    audit::ended(session, reason);
    Ok(Renewed::Ended)
}
