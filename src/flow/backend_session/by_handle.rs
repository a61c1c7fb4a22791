//! Signing in by the session at the provider that a browser's handle stands for.

use std::sync::Arc;
use std::time::Duration;

use super::{ask, keep_handle, shared_session, spread};
use crate::clock::SecondsSinceEpoch;
use crate::flow::attempt::{decide, is_of};
use crate::flow::carried::Carried;
use crate::flow::identity_hook::{Decision, Enrichment};
use crate::flow::renewal::one_flight::{self, Work, under_lease};
use crate::flow::renewal::outcome::{Renewed, Standing};
use crate::flow::{Context, audit, record};
use crate::provider::{BackendAnswer, BackendSession, ClientAttributes};
use crate::session::directory::SharedSession;
use crate::session::handle_cookie::Handle;
use crate::session::sessions::Made;
use crate::session::{Session, SessionKey};
use crate::{Result, crypto};

/// A session that another replica made so short a time ago is the answer here as well.
const MADE_LATELY: Duration = Duration::from_secs(10);

/// What a handle led to, and the cookies that one answer brings.
#[derive(Debug)]
pub(crate) struct ByHandle {
    pub(crate) session: Option<Session>,
    pub(crate) carried: Option<Carried>,
}

/// Signs in by the session at the provider that a handle stands for.
///
/// # Errors
/// Whether there is such a session can't be told now.
pub(crate) async fn sign_in_by_handle(
    context: &Arc<Context>,
    handle: Handle,
    client: ClientAttributes,
) -> Result<ByHandle> {
    let nobody = ByHandle {
        session: None,
        carried: None,
    };
    if shared_session(context, handle.key()).await?.is_none() {
        return Ok(nobody);
    }
    let key = SessionKey(crypto::sha256(&[b"handle\0", &handle.key().0[..]].concat()));
    let work = SignIn {
        handle,
        client,
        began_at: context.clock.now(),
    };
    let begin = |context: Arc<Context>| async move { under_lease(&context, &work).await };
    match &*one_flight::join(context, key, begin).await? {
        Renewed::Ended => Ok(nobody),
        Renewed::Live(session) => Ok(ByHandle {
            session: Some(session.clone()),
            carried: None,
        }),
        // What was made a few seconds ago may have been ended since.
        Renewed::Made(made, carried) => Ok(ByHandle {
            session: match made {
                Some(made) => {
                    let made = context.sessions.load(made.key()).await?;
                    made.filter(|made| context.counts(made))
                }
                None => None,
            },
            carried: Some(carried.clone()),
        }),
    }
}

/// A sign-in by a handle.
struct SignIn {
    handle: Handle,
    client: ClientAttributes,
    began_at: SecondsSinceEpoch,
}

impl Work for SignIn {
    type Due = SharedSession;

    fn lease(&self) -> [u8; 32] {
        crypto::sha256(&[b"handle-lease\0", &self.handle.key().0[..]].concat())
    }

    async fn standing(&self, context: &Context) -> Result<Standing<SharedSession>> {
        let Some(found) = shared_session(context, self.handle.key()).await? else {
            return Ok(Standing::Settled(Renewed::Ended));
        };
        let now = context.clock.now();
        let all = context
            .sessions
            .of_person(&found.issuer, &found.subject)
            .await?;
        let made = all.into_iter().find(|session| {
            session.record().backend_session_id() == Some(&found.session_id)
                && was_made_lately(session, now)
                && context.counts(session)
        });
        Ok(match made {
            Some(session) => Standing::Settled(Renewed::Live(session)),
            None => Standing::Due(found),
        })
    }

    async fn perform(&self, context: &Arc<Context>, found: SharedSession) -> Result<Renewed> {
        let answer = ask(context, &found.session_id, &self.client).await?;
        let Some(shared) = &context.shared else {
            return Ok(Renewed::Ended);
        };
        let mut signed_in = match answer {
            BackendAnswer::SignedIn(signed_in) => *signed_in,
            BackendAnswer::NotFound => {
                spread(context, &found.session_id).await;
                let removal = Carried::only(vec![shared.cookie.removal()]);
                return Ok(Renewed::Made(None, removal));
            }
        };
        if !is_of(&signed_in.identity, &found.issuer, &found.subject) {
            let reason = "the session at the provider is another person's now";
            audit::sign_in_failed(
                &found.issuer,
                Some(&found.subject),
                false,
                &reason,
                self.client.ip_address,
            );
            shared.directory.remove(self.handle.key()).await?;
            let removal = Carried::only(vec![shared.cookie.removal()]);
            return Ok(Renewed::Made(None, removal));
        }
        if context.place.admit(&mut signed_in.identity).is_err() {
            // They are somebody elsewhere; here they have to sign in.
            return Ok(Renewed::Made(None, Carried::only(Vec::new())));
        }
        let enrichment = match decide(context, &signed_in.identity).await? {
            Decision::Accept => Enrichment::default(),
            Decision::Enrich(enrichment) => enrichment,
            // Who is not let in meets the page that says so where they sign in.
            Decision::Refuse(_) | Decision::Answer(_) | Decision::OwnSession(_) => {
                return Ok(Renewed::Made(None, Carried::only(Vec::new())));
            }
        };
        self.make(context, found, signed_in, enrichment).await
    }
}

/// A clock that was set back makes no session young: its cookie would never come.
fn was_made_lately(session: &Session, now: SecondsSinceEpoch) -> bool {
    session.created_at() <= now && now.since(session.created_at()) < MADE_LATELY
}

impl SignIn {
    async fn make(
        &self,
        context: &Arc<Context>,
        found: SharedSession,
        signed_in: BackendSession,
        enrichment: Enrichment,
    ) -> Result<Renewed> {
        let session_id = signed_in.session_id.clone();
        let record = record::of_backend_session(context, signed_in, enrichment)?;
        let made = match context.sessions.make(record, None, self.began_at).await? {
            Made::Session(made) => made,
            Made::SignedOut => return Ok(Renewed::Ended),
        };
        // A sign-out forgets the handle before it tells the apps, and this one may have heard of it before there
        // was a session to end; by another machine's clock that was before this sign-in began. A sign-in in
        // another tab forgets it too.
        let still = shared_session(context, self.handle.key()).await;
        if !matches!(still, Ok(Some(_))) {
            context.sessions.take_back(&made).await?;
            return still.map(|_| Renewed::Ended);
        }
        let found = SharedSession {
            session_id,
            ..found
        };
        let cookies = keep_handle(context, &self.handle, found).await;
        audit::signed_in(&made.session, false, self.client.ip_address);
        let session = made.session.clone();
        let carried = Carried::with_session(context, made, cookies.into_iter().collect(), None);
        Ok(Renewed::Made(Some(session), carried))
    }
}
