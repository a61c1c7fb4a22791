//! [`SsoLayer`]: around the whole app.

mod at_endpoint;
mod at_tenant;
mod future;

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use self::at_endpoint::{Door, at_endpoint};
use self::future::{SsoFuture, Step, Waited};
use super::auth::{Auth, State};
use super::body::SsoBody;
use super::identity_headers;
use crate::clock::SecondsSinceEpoch;
use crate::endpoint::tenancy::Tenancy;
use crate::endpoint::{Refusal, Shared, cookie_fields};
use crate::forwarded::PeerAddress;
use crate::session::sessions::Lookup;
use crate::session::{Session, SessionKey};

/// Single sign-on around an app; made by [`Sso::layer`](crate::Sso::layer).
///
/// 1. A request under the auth path (`/auth`) is answered here and goes no further.
/// 2. Any other gets an [`Auth`] in its extensions and goes to the inner service, signed in or not.
/// 3. A refusal by a [`RequireLayer`](crate::RequireLayer) or an extractor is turned into what the client can
///    use: a redirect to sign in, a problem document, a page.
/// 4. A response that depends on the session is marked `Cache-Control: private, no-store` and
///    `Vary: Cookie`. One that does not keeps its caching.
///
/// Put it last, on the outermost router, so that it sees the whole path.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_sso::{CookieKey, Sso, User};
///
/// # fn main() -> tower_sso::Result<()> {
/// # let sso = Sso::builder("https://idp.example.com").public_client("app").base_url("https://app.example.com")
/// #     .cookie_key(CookieKey::generate()).build()?;
/// let app: Router = Router::new()
///     .route("/", get(|user: User| async move { user.subject().to_owned() }))
///     .layer(sso.layer());
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct SsoLayer {
    shared: Arc<Shared>,
    tenancy: Option<Arc<Tenancy>>,
}

impl SsoLayer {
    pub(crate) fn new(shared: Arc<Shared>, tenancy: Option<Arc<Tenancy>>) -> Self {
        Self { shared, tenancy }
    }
}

impl<S> Layer<S> for SsoLayer {
    type Service = SsoService<S>;

    fn layer(&self, inner: S) -> SsoService<S> {
        SsoService {
            inner,
            shared: Arc::clone(&self.shared),
            tenancy: self.tenancy.clone(),
            peer: None,
        }
    }
}

/// The service of [`SsoLayer`].
#[derive(Clone, Debug)]
pub struct SsoService<S> {
    inner: S,
    shared: Arc<Shared>,
    tenancy: Option<Arc<Tenancy>>,
    /// Of the connection that this clone serves, where that is known.
    peer: Option<PeerAddress>,
}

impl<S, B, R> Service<Request<B>> for SsoService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    // A body only because `form_post` answers and sign-outs are read here; what it yields does not matter.
    B: Body + Send + 'static,
    R: 'static,
{
    type Response = Response<SsoBody<R>>;
    type Error = S::Error;
    type Future = SsoFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // A response of an inner service is not to be taken for one that this layer has to answer.
        request.extensions_mut().remove::<Refusal>();
        if self.shared.endpoint(request.uri().path()).is_some() {
            // What the service reserved when it was polled ready goes back: it is not called.
            self.inner = self.inner.clone();
            let answer = at_endpoint(self.door(), request);
            return SsoFuture::answering(Box::pin(answer), HeaderMap::new());
        }
        match self.tenancy.clone() {
            None => {
                let shared = Arc::clone(&self.shared);
                self.call_at(request, shared)
            }
            Some(tenancy) => self.call_at_tenant(request, &tenancy),
        }
    }
}

impl<S> SsoService<S> {
    /// Calls the inner service for a tenant, or for the app where it has none.
    #[inline]
    fn call_at<B, R>(
        &mut self,
        request: Request<B>,
        shared: Arc<Shared>,
    ) -> SsoFuture<S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        B: Send + 'static,
        R: 'static,
    {
        let now = shared.context.clock.now();
        let fields = cookie_fields(request.headers());
        match shared.context.sessions.look_up(fields, now) {
            Lookup::Nobody => self.call_inner(request, State::Nobody, shared, now),
            Lookup::Live(session) => {
                let state = signed_in(&shared, session, now);
                self.call_inner(request, state, shared, now)
            }
            Lookup::Ask(key) => self.call_after_load(request, key, shared),
        }
    }

    #[inline]
    fn call_inner<B, R>(
        &mut self,
        mut request: Request<B>,
        state: State,
        shared: Arc<Shared>,
        now: SecondsSinceEpoch,
    ) -> SsoFuture<S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        let auth = self.tell(&mut request, state, &shared, now);
        SsoFuture {
            step: Step::Inner {
                future: self.inner.call(request),
                auth,
                shared,
            },
        }
    }

    /// Where the store is not in this process: the service that was polled ready goes into the future, a
    /// clone stays.
    fn call_after_load<B, R>(
        &mut self,
        mut request: Request<B>,
        key: SessionKey,
        shared: Arc<Shared>,
    ) -> SsoFuture<S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        B: Send + 'static,
        R: 'static,
    {
        let mut ready = self.take_ready();
        let future = Box::pin(async move {
            let state = load(&shared, key).await;
            let now = shared.context.clock.now();
            let auth = ready.tell(&mut request, state, &shared, now);
            let response = ready.inner.call(request).await?;
            Ok(Waited::Inner(response, auth, shared))
        });
        SsoFuture {
            step: Step::Waiting { future },
        }
    }

    /// The service that was polled ready; a clone stays.
    fn take_ready(&mut self) -> Self
    where
        S: Clone,
    {
        let clone = self.clone();
        std::mem::replace(self, clone)
    }

    fn door(&self) -> Door {
        Door {
            shared: Arc::clone(&self.shared),
            tenancy: self.tenancy.clone(),
            peer: self.peer,
        }
    }

    #[inline]
    fn tell<B>(
        &self,
        request: &mut Request<B>,
        state: State,
        shared: &Arc<Shared>,
        now: SecondsSinceEpoch,
    ) -> Auth {
        let target = original_uri(request).path_and_query().cloned();
        let (peer, shared) = (self.peer_of(request), Arc::clone(shared));
        let auth = Auth::new(state, shared, target, peer, request.headers(), now);
        if self.shared.identity_headers {
            identity_headers::replace(request, &auth);
        }
        request.extensions_mut().insert(auth.clone());
        auth
    }

    fn peer_of<B>(&self, request: &Request<B>) -> Option<PeerAddress> {
        PeerAddress::of(request.extensions()).or(self.peer)
    }

    /// A clone for one connection.
    #[cfg(feature = "axum")]
    pub(crate) fn for_peer(&self, peer: Option<PeerAddress>) -> Self
    where
        S: Clone,
    {
        Self {
            peer,
            ..self.clone()
        }
    }
}

/// Who is signed in by a session, where it counts.
fn signed_in(shared: &Shared, session: Session, now: SecondsSinceEpoch) -> State {
    if !shared.context.counts(&session) {
        return State::Nobody;
    }
    shared.context.sessions.slide(&session, now);
    State::SignedIn(session)
}

/// The same, where only the store knows the session.
async fn load(shared: &Shared, key: SessionKey) -> State {
    let context = &shared.context;
    match context.sessions.load(key).await {
        Ok(Some(session)) => signed_in(shared, session, context.clock.now()),
        Ok(None) => State::Nobody,
        Err(error) => {
            tracing::warn!(%error, "the session store failed; nobody is taken for signed in or out");
            State::Unknown(error)
        }
    }
}

/// The URI before any router stripped a prefix: where this layer is inside of a nested router, axum has
/// kept it.
fn original_uri<B>(request: &Request<B>) -> &http::Uri {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = request.extensions().get() {
        return uri;
    }
    request.uri()
}
