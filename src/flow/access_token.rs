//! An access token for code that has a session and no request.

use std::sync::Arc;

use super::revalidation::Need;
use super::{Context, renewal};
use crate::provider::ClientAttributes;
use crate::session::{AccessToken, Session};
use crate::{Error, Result};

/// The access token of a session as the store has it now, renewed first if it is about to end.
pub(crate) async fn access_token(context: &Arc<Context>, session: &Session) -> Result<AccessToken> {
    let over = || Error::denied("the session is over");
    let mut session = context
        .sessions
        .load(session.key())
        .await?
        .ok_or_else(over)?;
    let now = context.clock.now();
    if context
        .revalidation
        .is_due(Need::AccessToken, session.record(), now)
    {
        session = renewal::renew(
            context,
            &session,
            Need::AccessToken,
            ClientAttributes::default(),
        )
        .await?
        .ok_or_else(over)?;
    }
    // The clock went on while the provider was asked.
    AccessToken::of(&session, context.clock.now())
        .ok_or_else(|| Error::denied("the session has no access token that lives"))
}
