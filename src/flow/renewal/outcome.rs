//! What comes of a renewal, and how it is written.

use std::sync::Arc;
use std::time::Duration;

use crate::flow::attempt::{decide, is_same_place};
use crate::flow::carried::Carried;
use crate::flow::identity_hook::{Decision, Enrichment};
use crate::flow::{Context, audit, record};
use crate::oidc::TokenResponse;
use crate::provider::Identity;
use crate::session::store::Replaced;
use crate::session::{Record, Session};
use crate::{Result, Secret};

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
pub(in crate::flow) enum Standing<D> {
    Due(D),
    Settled(Renewed),
}

/// Goes on with what came, if the app agrees.
pub(in crate::flow) async fn go_on(
    context: &Context,
    session: &Session,
    tokens: TokenResponse,
    identity: Option<Identity>,
    session_id: Option<Secret>,
) -> Result<Renewed> {
    let identity = match identity {
        None => None,
        Some(identity) if !is_same_place(session, &identity) => {
            return end(
                context,
                session,
                "another organization or connection came back",
            )
            .await;
        }
        Some(identity) => match decide(context, &identity).await? {
            Decision::Accept => Some((identity, Enrichment::default())),
            Decision::Enrich(enrichment) => Some((identity, enrichment)),
            // An app that answers by itself makes no session of this identity.
            Decision::Refuse(_) | Decision::Answer(_) | Decision::OwnSession(_) => {
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

pub(in crate::flow) enum Kept {
    Session(Session),
    /// Signed out meanwhile: what came is thrown away.
    Gone,
    /// The new record says that it is over.
    Over,
}

/// Between the first two tries to write; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Writes a new record in the place of the one that was to be renewed. A store that fails is asked
/// again a few times: what is lost here is a sign-out.
pub(in crate::flow) async fn keep(
    context: &Context,
    session: &Session,
    change: impl Fn(&Record) -> Option<Record>,
) -> Result<Kept> {
    let used = renewed_by(session.record());
    let mut standing = Arc::clone(session.record());
    let mut pause = FIRST_PAUSE;
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
            Err(error) if pause > FIRST_PAUSE * 16 => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "a renewed session could not be kept; trying again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
}

/// What a session is renewed by. A step-up leaves none of it to the id of before.
fn renewed_by(record: &Record) -> (Option<&Secret>, Option<&Secret>) {
    (record.refresh_token(), record.backend_session_id())
}

pub(in crate::flow) async fn end(
    context: &Context,
    session: &Session,
    reason: &str,
) -> Result<Renewed> {
    context.sessions.delete(session.key()).await?;
    audit::ended(session, reason);
    Ok(Renewed::Ended)
}
