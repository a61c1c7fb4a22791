//! The first rung of silent re-authentication: the refresh token (RFC 6749 section 6).
//!
//! 1. `invalid_grant`, or an ID token that is for somebody else or wrong (OpenID Connect Core 12.2), ends a
//!    session; unless backends know the provider's session by an id, which has the last word then.
//! 2. A new refresh token is kept whatever else fails: the old one may be used up.

use std::error::Error as _;

use super::renewal::outcome::{Kept, Renewed, end, go_on, keep};
use super::{Context, backend_session, record};
use crate::oidc::IdTokenFault;
use crate::provider::{ClientAttributes, RefreshGrant};
use crate::session::{Record, Session};
use crate::{Error, Result, Secret};

/// Renews a session by its refresh token.
pub(super) async fn by_refresh_token(
    context: &Context,
    session: &Session,
    used: Secret,
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
    if new.is_some() && session.record().refresh_token() != new {
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
        Kept::Session(now) if now.record().refresh_token() != session.record().refresh_token() => {
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
