//! Signing in at the app's own page, for a provider without one.

use std::net::IpAddr;
use std::sync::Arc;

use tower_cookies::Cookie;
use tracing::Instrument as _;

use super::{keep_handle, sign_out, without_id};
use crate::clock::SecondsSinceEpoch;
use crate::flow::attempt::{decide, is_of};
use crate::flow::carried::Carried;
use crate::flow::identity_hook::{Decision, Enrichment};
use crate::flow::{Context, audit, record};
use crate::provider::BackendSession;
use crate::session::directory::SharedSession;
use crate::session::handle_cookie::Handle;
use crate::session::sessions::{Made, NewSession};
use crate::session::{Session, SessionKey};
use crate::{Error, Result};

/// What the app's own sign-in page knows of the browser.
#[derive(Debug)]
pub(crate) struct AtOwnPage {
    /// The session that it has now.
    pub(crate) current: Option<Session>,
    /// The session that it has now and that counts elsewhere, at another tenant.
    pub(crate) left: Option<SessionKey>,
    /// The handle that it has now.
    pub(crate) handle: Option<Handle>,
    /// Whether somebody signed out in it, and nobody has signed in since.
    pub(crate) signed_out: bool,
    pub(crate) began_at: SecondsSinceEpoch,
    pub(crate) client: Option<IpAddr>,
}

/// Makes the session of somebody who signed in, or added a factor, at the app's own page.
///
/// In a task of its own: by the time that its caller goes away, all of it is done, or undone.
///
/// # Errors
/// The app's hook refuses, the store fails, or the session was signed out meanwhile.
pub(crate) async fn sign_in_at_own_page(
    context: &Arc<Context>,
    page: AtOwnPage,
    signed_in: BackendSession,
) -> Result<(Session, Carried)> {
    let context = Arc::clone(context);
    let signed_in = without_id(signed_in);
    let work = async move {
        let (issuer, subject) = {
            let claims = &signed_in.identity.claims;
            (claims.issuer.arc(), claims.subject.clone())
        };
        let step_up = page
            .current
            .as_ref()
            .is_some_and(|old| is_of(&signed_in.identity, old.issuer(), old.subject()));
        let made = make_at_own_page(&context, &page, signed_in).await;
        if let Err(error) = &made {
            audit::sign_in_failed(&issuer, Some(&subject), step_up, error, page.client);
        }
        let (made, cookies) = made?;
        audit::signed_in(&made.session, step_up, page.client);
        let session = made.session.clone();
        let then = give_up(Arc::clone(&context), page, session.clone());
        let carried = Carried::with_session(&context, made, cookies, Some(Box::pin(then)));
        Ok((session, carried))
    };
    tokio::spawn(work.in_current_span())
        .await
        .unwrap_or_else(|error| {
            Err(Error::unavailable("the sign-in was interrupted").with_source(error))
        })
}

/// Gives up what the browser had before: a session of another tenant, whose cookie is gone; the handle, which may have
/// been planted; and this person's session at the provider if there is a new one. Sister apps are on the old one, and a later sign-out would not reach them; they
/// find the new one by the handle.
async fn give_up(context: Arc<Context>, page: AtOwnPage, session: Session) {
    if let Some(left) = page.left
        && let Err(error) = context.sessions.delete(left).await
    {
        tracing::warn!(%error, "a session that was left for another tenant could not be removed");
    }
    let old = page.current.as_ref();
    let superseded = old
        .filter(|old| old.issuer() == session.issuer() && old.subject() == session.subject())
        .and_then(|old| old.record().backend_session_id())
        .filter(|old| Some(*old) != session.record().backend_session_id());
    if let (Some(handle), Some(shared)) = (&page.handle, &context.shared)
        && let Err(error) = shared.directory.remove(handle.key()).await
    {
        tracing::warn!(%error, "an old handle could not be forgotten");
    }
    if let Some(superseded) = superseded
        && let Err(error) = sign_out(&context, superseded.clone()).await
    {
        tracing::warn!(%error, "not every app heard that a session at the provider is over");
    }
}

async fn make_at_own_page(
    context: &Arc<Context>,
    page: &AtOwnPage,
    mut signed_in: BackendSession,
) -> Result<(Box<NewSession>, Vec<Cookie<'static>>)> {
    if signed_in.identity.claims.issuer != *context.provider.issuer() {
        return Err(Error::provider("the identity is another provider's"));
    }
    context.place.admit(&mut signed_in.identity)?;
    let added_to = page
        .current
        .as_ref()
        .filter(|old| old.record().backend_session_id() == Some(&signed_in.session_id));
    if added_to.is_some_and(|old| !is_of(&signed_in.identity, old.issuer(), old.subject())) {
        return Err(Error::provider("another account came back to a step-up"));
    }
    let enrichment = match decide(context, &signed_in.identity).await? {
        Decision::Accept => Enrichment::default(),
        Decision::Enrich(enrichment) => enrichment,
        Decision::Refuse(reason) => return Err(Error::denied(reason)),
        Decision::Answer(_) | Decision::OwnSession(_) => {
            return Err(Error::denied("the app makes no session of it"));
        }
    };
    let found = SharedSession {
        issuer: context.provider.issuer().as_str().into(),
        subject: signed_in.identity.claims.subject.as_str().into(),
        session_id: signed_in.session_id.clone(),
        expires_at: page.began_at,
    };
    let record = record::of_backend_session(context, signed_in, enrichment)?;
    let follows = page.current.as_ref();
    let made = match context
        .sessions
        .make(record, follows, page.began_at)
        .await?
    {
        Made::Session(made) => made,
        Made::SignedOut => return Err(Error::denied("the session was signed out meanwhile")),
    };
    let mut cookies = Vec::new();
    if page.signed_out {
        cookies.push(context.silent.signed_in());
    }
    // The one that the browser had may have been planted.
    cookies.extend(keep_handle(context, &Handle::random(), found).await);
    Ok((made, cookies))
}
