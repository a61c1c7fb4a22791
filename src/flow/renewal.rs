//! Renewing a session without the browser: by its refresh token, or by the id that backends know.
//!
//! 1. One call for one session, however many requests and replicas want it: in this process by a single
//!    flight, among replicas by a lease of the store. It runs in a task of its own, so whoever waits may
//!    go away.
//! 2. Only the provider's word ends a session. Whatever may pass leaves it as it is: served while its access token
//!    lives, then 503.
//! 3. After a failure nobody asks again for a while: as long as `Retry-After` says, else 1 s, 2 s, 4 s, up
//!    to 30 s, each a little stretched at random; 30 s after a refusal. `Retry-After` speaks for all
//!    sessions, the rest for one.

pub(super) mod one_flight;
pub(super) mod outcome;
mod slots;

use std::sync::Arc;

use super::revalidation::Need;
use super::{Context, backend_session, refresh};
use crate::provider::ClientAttributes;
use crate::session::access_token::is_good;
use crate::session::{Session, SessionKey};
use crate::{Result, crypto};
use one_flight::{Work, under_lease};
use outcome::{Renewed, Standing};

pub(crate) use slots::Refreshes;

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
        match session.record().refresh_token() {
            Some(token) => {
                refresh::by_refresh_token(context, &session, token.clone(), &self.client).await
            }
            None => backend_session::renew(context, &session, &self.client).await,
        }
    }
}
