//! A request to an app that has tenants.

use std::sync::Arc;

use http::{HeaderMap, Request, Response, StatusCode};
use tower_service::Service;

use super::at_endpoint::bare;
use super::future::refuse;
use super::{SsoFuture, SsoService, State, Step, Waited, load, original_uri, signed_in};
use crate::Error;
use crate::endpoint::tenancy::{Choice, Names, Tenancy};
use crate::endpoint::{Cause, Refusal, Shared, cookie_fields};
use crate::session::SessionKey;
use crate::session::sessions::Lookup;
use crate::tenant::TenantBy;

/// Whose a request is, where that takes a look.
enum Whose {
    Named(Names, Lookup),
    /// That of its session.
    Session(SessionKey),
}

impl<S> SsoService<S> {
    /// Calls the inner service for the tenant that the request names; where it names none, for the one of its session.
    pub(super) fn call_at_tenant<B, R>(
        &mut self,
        request: Request<B>,
        tenancy: &Arc<Tenancy>,
    ) -> SsoFuture<S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        B: Send + 'static,
        R: 'static,
    {
        let peer = self.peer_of(&request);
        let path = original_uri(&request).path();
        let choice = tenancy.choice(&request, path, &self.shared.proxies, peer);
        match choice {
            Choice::Nowhere(status) => {
                self.inner = self.inner.clone();
                let answer = std::future::ready(bare(status));
                SsoFuture::answering(Box::pin(answer), HeaderMap::new())
            }
            Choice::Wired(shared) => self.call_at(request, shared),
            Choice::Named(names) => {
                let found = self.look_up(&request);
                self.call_after_choice(request, Whose::Named(names, found), tenancy)
            }
            Choice::Unnamed => self.call_unnamed(request, tenancy),
        }
    }

    #[inline]
    fn call_unnamed<B, R>(
        &mut self,
        request: Request<B>,
        tenancy: &Arc<Tenancy>,
    ) -> SsoFuture<S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        B: Send + 'static,
        R: 'static,
    {
        let unnamed = || Arc::clone(&self.shared);
        let now = self.shared.context.clock.now();
        let (shared, session) = match self.look_up(&request) {
            Lookup::Ask(key) => {
                return self.call_after_choice(request, Whose::Session(key), tenancy);
            }
            Lookup::Nobody => (unnamed(), None),
            Lookup::Live(session) => match session.tenant().map(TenantBy::Id) {
                None => (unnamed(), Some(session)),
                Some(by) => match tenancy.at_hand(by) {
                    Some(shared) if self.shared.is_where_serves(&shared) => (shared, Some(session)),
                    Some(_) => (unnamed(), None),
                    None => {
                        let whose = Whose::Session(session.key());
                        return self.call_after_choice(request, whose, tenancy);
                    }
                },
            },
        };
        let state = session.map_or(State::Nobody, |session| signed_in(&shared, session, now));
        self.call_inner(request, state, shared, now)
    }

    fn look_up<B>(&self, request: &Request<B>) -> Lookup {
        let context = &self.shared.context;
        let fields = cookie_fields(request.headers());
        context.sessions.look_up(fields, context.clock.now())
    }

    fn call_after_choice<B, R>(
        &mut self,
        mut request: Request<B>,
        whose: Whose,
        tenancy: &Arc<Tenancy>,
    ) -> SsoFuture<S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        B: Send + 'static,
        R: 'static,
    {
        let (mut ready, tenancy) = (self.take_ready(), Arc::clone(tenancy));
        let future = Box::pin(async move {
            let found = match whose {
                Whose::Session(key) => Ok(of_session(&tenancy, key).await),
                Whose::Named(names, lookup) => of_names(&tenancy, names, lookup).await,
            };
            let (shared, state) = match found {
                Ok(found) => found,
                Err(NotServed::Nowhere(status)) => return Ok(Waited::Answer(bare(status))),
                Err(NotServed::Unknown(error)) => {
                    let unnamed = Arc::clone(tenancy.unnamed());
                    let refusal = ready.not_known(request, error, &unnamed);
                    return Ok(Waited::Answer(refuse(unnamed, refusal).await));
                }
            };
            let now = shared.context.clock.now();
            let auth = ready.tell(&mut request, state, &shared, now);
            let response = ready.inner.call(request).await?;
            Ok(Waited::Inner(response, auth, shared))
        });
        SsoFuture {
            step: Step::Waiting { future },
        }
    }
}

impl<S> SsoService<S> {
    /// Where it can't be told whether there is such a tenant, the app is not asked: it would take a host that may be
    /// nobody's for its own.
    fn not_known<B>(
        &self,
        mut request: Request<B>,
        error: Error,
        unnamed: &Arc<Shared>,
    ) -> Refusal {
        let now = unnamed.context.clock.now();
        let state = State::Unknown(error.clone());
        let auth = self.tell(&mut request, state, unnamed, now);
        auth.refuse(Cause::Unknown(error), &request.into_parts().0)
    }
}

/// Why a request does not reach the app.
enum NotServed {
    /// There is no such tenant.
    Nowhere(StatusCode),
    Unknown(Error),
}

/// Who is signed in at the tenant with these names.
async fn of_names(
    tenancy: &Arc<Tenancy>,
    names: Names,
    lookup: Lookup,
) -> Result<(Arc<Shared>, State), NotServed> {
    let found = tenancy.find_all(names).await;
    let shared = found
        .map_err(NotServed::Unknown)?
        .map_err(NotServed::Nowhere)?;
    let state = match lookup {
        Lookup::Nobody => State::Nobody,
        Lookup::Live(session) => signed_in(&shared, session, shared.context.clock.now()),
        Lookup::Ask(key) => load(&shared, key).await,
    };
    Ok((shared, state))
}

/// Who is signed in by a session, at the tenant that it is of.
async fn of_session(tenancy: &Arc<Tenancy>, key: SessionKey) -> (Arc<Shared>, State) {
    let unnamed = tenancy.unnamed();
    let session = match unnamed.context.sessions.load(key).await {
        Ok(Some(session)) => session,
        Ok(None) => return (Arc::clone(unnamed), State::Nobody),
        Err(error) => {
            tracing::warn!(%error, "the session store failed; nobody is taken for signed in or out");
            return (Arc::clone(unnamed), State::Unknown(error));
        }
    };
    match unnamed.for_session(Some(&session)).await {
        Ok(shared) => {
            let state = signed_in(&shared, session, shared.context.clock.now());
            (shared, state)
        }
        Err(error) => (Arc::clone(unnamed), State::Unknown(error)),
    }
}
