//! What is done for a request before anybody looks at its session: the rungs that need no browser.

use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use http::{HeaderMap, request};
use tower_cookies::Cookie;

use super::{Auth, State};
use crate::Error;
use crate::endpoint::request_kind::RequestKind;
use crate::endpoint::{Cause, Shared, client_attributes, cookie_fields};
use crate::flow::backend_session::{
    AtOwnPage, sign_in_at_own_page, sign_in_by_handle, slide_handle,
};
use crate::flow::carried::Carried;
use crate::flow::renewal;
use crate::flow::revalidation::Need;
use crate::layer::demand::Whoever;
use crate::provider::{BackendSession, ClientAttributes};
use crate::session::Session;
use crate::session::sessions::Lookup;

impl Auth {
    /// The work to be done before this request may use its session, if it is due to be renewed, or before it
    /// is taken for nobody's, and if it may use a session at all. What comes of it is what [`Auth::session`]
    /// says from then on.
    pub(crate) fn renewal(
        &self,
        need: Need,
        whoever: Whoever,
        request: &request::Parts,
    ) -> Option<BoxFuture<'static, ()>> {
        if self.0.renewed.get().is_some() {
            return None;
        }
        let shared = self.0.shared.as_ref()?;
        match &self.0.state {
            State::SignedIn(session) => self.renewal_of(session, need, shared, request),
            State::Nobody => self.sign_in_by_handle(whoever, shared, request),
            State::Unknown(_) => None,
        }
    }

    fn renewal_of(
        &self,
        session: &Session,
        need: Need,
        shared: &Shared,
        request: &request::Parts,
    ) -> Option<BoxFuture<'static, ()>> {
        let context = &shared.context;
        if !session.record().is_renewable()
            || !context
                .revalidation
                .is_due(need, session.record(), self.0.came_at)
            || !self.may_use_session(&request.method, &request.headers)
        {
            return None;
        }
        let client = self.client(&request.headers);
        let handles = context.shared.as_ref().map(|shared| &shared.cookie);
        let handle = handles.and_then(|cookie| cookie.find(cookie_fields(&request.headers)));
        let (auth, context, session) = (self.clone(), Arc::clone(context), session.clone());
        Some(Box::pin(async move {
            let state = match renewal::renew(&context, &session, need, client).await {
                Ok(Some(renewed)) => {
                    if let Some(handle) = handle {
                        let slid = slide_handle(&context, &session, &renewed, &handle).await;
                        slid.into_iter().for_each(|cookies| auth.carry(cookies));
                    }
                    State::SignedIn(renewed)
                }
                Ok(None) => State::Nobody,
                Err(error) => State::Unknown(error),
            };
            auth.is_now(state);
        }))
    }

    /// The second rung, for a request without a session here.
    fn sign_in_by_handle(
        &self,
        whoever: Whoever,
        shared: &Shared,
        request: &request::Parts,
    ) -> Option<BoxFuture<'static, ()>> {
        let context = &shared.context;
        let fields = || cookie_fields(&request.headers);
        let handle = context.shared.as_ref()?.cookie.find(fields())?;
        if whoever == Whoever::Here
            || context.silent.is_signed_out(fields())
            || RequestKind::of(&request.method, &request.headers) == RequestKind::Prefetch
            || !self.may_use_session(&request.method, &request.headers)
        {
            return None;
        }
        let client = self.client(&request.headers);
        let (auth, context) = (self.clone(), Arc::clone(context));
        Some(Box::pin(async move {
            match sign_in_by_handle(&context, handle, client).await {
                Ok(found) => {
                    found.carried.into_iter().for_each(|it| auth.carry(it));
                    auth.is_now(found.session.map_or(State::Nobody, State::SignedIn));
                }
                // Not settled: a layer further in may want to know, and then it is not known.
                Err(error) if whoever == Whoever::Greeted => {
                    tracing::warn!(%error, "the provider can't be asked; the page shows without");
                }
                Err(error) => auth.is_now(State::Unknown(error)),
            }
        }))
    }

    /// What [`Auth::session`] says from now on. Two extractors of one request may both have waited: the first to
    /// come back counts.
    fn is_now(&self, state: State) {
        self.0.renewed.set(state).ok();
    }

    fn carry(&self, cookies: Carried) {
        let all = self.0.carried.get_or_init(Mutex::default);
        all.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(cookies);
    }

    /// The cookies that the answer to this request has to bring.
    pub(crate) fn take_cookies(&self) -> Vec<Cookie<'static>> {
        let Some(carried) = self.0.carried.get() else {
            return Vec::new();
        };
        let all = std::mem::take(&mut *carried.lock().unwrap_or_else(PoisonError::into_inner));
        all.iter().flat_map(Carried::take).collect()
    }

    /// What the app's own sign-in page may know of this request.
    pub(crate) fn own_page(&self, request: &request::Parts) -> Result<AtOwnPage, Cause> {
        let Some(shared) = &self.0.shared else {
            return Err(Cause::CrossSite);
        };
        if !self.may_use_session(&request.method, &request.headers) {
            return Err(Cause::CrossSite);
        }
        let current = self.usable_session(request)?.cloned();
        let context = &shared.context;
        let fields = || cookie_fields(&request.headers);
        let left = match context.sessions.look_up(fields(), context.clock.now()) {
            Lookup::Live(session) => Some(session.key()),
            Lookup::Ask(key) => Some(key),
            Lookup::Nobody => None,
        };
        Ok(AtOwnPage {
            left: left.filter(|_| current.is_none()),
            current,
            handle: context
                .shared
                .as_ref()
                .and_then(|shared| shared.cookie.find(fields())),
            signed_out: context.silent.is_signed_out(fields()),
            began_at: context.clock.now(),
            client: self.client_address(),
        })
    }

    /// Makes the session of who signed in at the app's own page.
    pub(in crate::layer) async fn finish_at_own_page(
        &self,
        page: AtOwnPage,
        signed_in: BackendSession,
    ) -> crate::Result<Session> {
        let Some(shared) = &self.0.shared else {
            return Err(Error::configuration("there is no SsoLayer around"));
        };
        let (session, cookies) = sign_in_at_own_page(&shared.context, page, signed_in).await?;
        self.carry(cookies);
        self.mark_read();
        self.is_now(State::SignedIn(session.clone()));
        Ok(session)
    }

    /// What a provider may want to know of the browser.
    pub(in crate::layer) fn client(&self, headers: &HeaderMap) -> ClientAttributes {
        client_attributes(headers, self.client_address())
    }
}
