//! Silent re-authentication of a session that lives: what the provider's answer to `prompt=none` does to it.
//!
//! 1. The same person: the record changes in its place, under the same cookie; requests in flight keep working.
//!    Its absolute end stays, or comes earlier by the provider's `session_expiry`.
//! 2. Somebody else: the session ends, and nobody is signed in as the other. `login_required` ends it too: the
//!    provider's own session, by which this one was made, is over.
//! 3. Any other refusal, and whatever fails, says nothing of the session: it stays as it was.
//! 4. A sign-out, a step-up or a renewal that came first stands: nothing is written over it.

use super::attempt::{self, Attempt, decide};
use super::identity_hook::{Decision, Enrichment};
use super::{Context, audit, record};
use crate::Result;
use crate::oidc::{AuthorizationResponse, SilentRefusal};
use crate::provider::Identity;
use crate::session::Session;
use crate::session::store::Replaced;

/// What an answer means.
#[derive(Debug)]
enum Meaning {
    Continue(Box<(Identity, Enrichment)>),
    Stays,
    Ends(&'static str),
}

/// Acts on the answer to an attempt that was made for `session`, which the browser still has.
///
/// # Errors
/// The answer can't be used or kept; the session is as it was.
pub(super) async fn use_answer(
    context: &Context,
    response: AuthorizationResponse,
    attempt: &Attempt,
    session: &Session,
) -> Result<()> {
    let meaning = match response {
        AuthorizationResponse::Code { code, .. } => {
            let identity = attempt::verified(context, code, attempt).await?;
            of_identity(context, session, identity).await?
        }
        AuthorizationResponse::Error { error, .. } => of_error(&error),
    };
    match meaning {
        Meaning::Continue(both) => write(context, session, *both).await,
        Meaning::Stays => Ok(()),
        Meaning::Ends(reason) => end(context, session, reason).await,
    }
}

/// OpenID Connect Core 3.1.2.6.
fn of_error(code: &str) -> Meaning {
    match SilentRefusal::of_code(code) {
        Some(SilentRefusal::LoginRequired) => Meaning::Ends("the provider's session is over"),
        Some(_) | None => Meaning::Stays,
    }
}

async fn of_identity(context: &Context, session: &Session, identity: Identity) -> Result<Meaning> {
    if !attempt::is_same_person(session, &identity) {
        return Ok(Meaning::Ends("another account came back"));
    }
    if !attempt::is_same_place(session, &identity) {
        return Ok(Meaning::Ends(
            "another organization or connection came back",
        ));
    }
    Ok(match decide(context, &identity).await? {
        Decision::Accept => Meaning::Continue(Box::new((identity, Enrichment::default()))),
        Decision::Enrich(enrichment) => Meaning::Continue(Box::new((identity, enrichment))),
        // An app that answers by itself makes no session of this identity.
        Decision::Refuse(_) | Decision::Answer(_) | Decision::OwnSession(_) => {
            Meaning::Ends("refused by the app")
        }
    })
}

async fn write(context: &Context, session: &Session, both: (Identity, Enrichment)) -> Result<()> {
    let (standing, now) = (session.record(), context.clock.now());
    let tokens = both.0.tokens.clone();
    let Some(record) = record::renewed(standing, tokens, Some(both), None, now) else {
        return end(context, session, "the provider's session is over").await;
    };
    let key = session.key();
    match context.sessions.replace(key, standing, record).await? {
        Replaced::Done(record) => audit::renewed(&Session::new(key, record)),
        // Signed out, stepped up or renewed meanwhile: theirs stands.
        Replaced::Gone | Replaced::Conflict(_) => {}
    }
    Ok(())
}

async fn end(context: &Context, session: &Session, reason: &str) -> Result<()> {
    context.sessions.delete(session.key()).await?;
    audit::ended(session, reason);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_required_alone_ends_a_session() {
        for (code, ends) in [
            ("login_required", true),
            ("interaction_required", false),
            ("consent_required", false),
            ("account_selection_required", false),
            ("access_denied", false),
            ("server_error", false),
            ("temporarily_unavailable", false),
            ("LOGIN_REQUIRED", false),
            ("login_required ", false),
            ("", false),
        ] {
            let meaning = of_error(code);
            assert_eq!(matches!(meaning, Meaning::Ends(_)), ends, "{code:?}");
        }
    }
}
