//! A request to an app that has tenants.

use std::sync::Arc;

use http::{HeaderMap, Request, Response, StatusCode};
use tower_service::Service;

use super::at_endpoint::bare;
use super::{SsoFuture, SsoService, State, Step, Waited, load, original_uri, signed_in};
use crate::endpoint::tenancy::{Choice, Names, Tenancy};
use crate::endpoint::{Shared, cookie_fields};
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
                    Some(shared) => (shared, Some(session)),
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
                Whose::Session(key) => of_session(&tenancy, key).await,
                Whose::Named(names, lookup) => match of_names(&tenancy, names, lookup).await {
                    Ok(found) => found,
                    Err(status) => return Ok(Waited::Answer(bare(status))),
                },
            };
            let (shared, state) = found;
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

/// Who is signed in at the tenant with these names; or the answer where there is no such tenant.
async fn of_names(
    tenancy: &Arc<Tenancy>,
    names: Names,
    lookup: Lookup,
) -> Result<(Arc<Shared>, State), StatusCode> {
    let shared = match tenancy.find_all(names).await {
        Ok(found) => found?,
        Err(error) => return Ok((Arc::clone(tenancy.unnamed()), State::Unknown(error))),
    };
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
    match unnamed.of_session(&session).await {
        Ok(shared) => {
            let state = signed_in(&shared, session, shared.context.clock.now());
            (shared, state)
        }
        Err(error) => (Arc::clone(unnamed), State::Unknown(error)),
    }
}
