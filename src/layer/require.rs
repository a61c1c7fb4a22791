//! [`RequireLayer`]: who may pass, on one route or many.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode, request};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::auth::Auth;
use super::demand::{Asked, Demand, PassThrough};
use super::{SsoBody, identity_headers};
use crate::endpoint::{Refusal, Rejection, RejectionKind, Unauthenticated};
use crate::policy::Policy;

/// Lets only those pass whom a [`Policy`] allows.
///
/// 1. The inner service is called if the policy allows, and never otherwise. A session that is due
///    ([`Revalidation`](crate::Revalidation)) is renewed first, and judged as it is then; so is one whose
///    access token is about to end, where the policy asks for one.
/// 2. An unsafe request that relies on the session cookie must come from our own origin.
/// 3. Without an [`SsoLayer`](crate::SsoLayer) outside nobody passes: 500, and an error in the log.
/// 4. What a refused request gets (a redirect to sign in, 401, 403, 503) is up to that outer layer, which
///    leaves a [`Rejection`] in the response's extensions. Headers that layers in between set are kept.
///
/// It works on any service: nothing is asked of the request body, the response body is passed through.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_sso::{Policy, RequireLayer};
///
/// let routes: Router = Router::new()
///     .route("/admin", get(|| async { "admins" }).layer(RequireLayer::new(Policy::mfa().role("admin"))));
/// # let _ = routes;
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct RequireLayer {
    demand: Demand,
}

impl RequireLayer {
    /// A layer that asks this policy.
    pub fn new(policy: Policy) -> Self {
        Self {
            demand: Demand::Policy(Arc::new(Asked::new(policy))),
        }
    }

    /// What a navigation gets where nobody is signed in. Default [`Unauthenticated::SignIn`].
    ///
    /// ```
    /// use tower_sso::{Policy, RequireLayer, Unauthenticated};
    ///
    /// let page = Unauthenticated::SilentThenPage("/welcome".to_owned());
    /// let layer = RequireLayer::new(Policy::login()).unauthenticated(page);
    /// # let _ = layer;
    /// ```
    ///
    /// # Panics
    /// If its page is not a path as `/welcome`.
    pub fn unauthenticated(mut self, answer: Unauthenticated) -> Self {
        assert!(
            answer.is_sound(),
            "the page for who has to sign in must be a path of this app, not {answer:?}"
        );
        if let Demand::Policy(asked) = &mut self.demand {
            Arc::make_mut(asked).unauthenticated = Arc::new(answer);
        }
        self
    }

    /// Lets requests pass that another layer of the app has authenticated, outside of this one: those for which this
    /// says `true`. They go on as they came, without a session of this crate, and the policy is not asked; what
    /// it wants besides a sign-in (a factor, an organization), and who may send what from another site, is for the
    /// other layer to see to. Default: none passes so.
    ///
    /// Answer by what that layer left in the extensions, never by a header or a cookie alone: anybody can send those.
    ///
    /// Who comes with a session of this crate besides may be somebody else there: [`User`](crate::User) and
    /// [identity headers](crate::SsoBuilder::identity_headers) go on telling of that one, so ask the other layer's word first.
    ///
    /// ```
    /// use tower_sso::{Policy, RequireLayer};
    ///
    /// /// What the app's own layer leaves in the request of somebody who is signed in there.
    /// #[derive(Clone)]
    /// struct Account(u64);
    ///
    /// let layer = RequireLayer::new(Policy::login())
    ///     .pass_through(|request| request.extensions.get::<Account>().is_some());
    /// # let _ = (layer, Account(1).0);
    /// ```
    pub fn pass_through(
        mut self,
        is_authenticated: impl Fn(&request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        if let Demand::Policy(asked) = &mut self.demand {
            Arc::make_mut(asked).pass_through = Some(PassThrough(Arc::new(is_authenticated)));
        }
        self
    }
}

/// For a public route that greets whoever is signed in anywhere: where nobody is signed in here, a browser is
/// sent once to the provider, which answers without a page (`prompt=none`, OpenID Connect Core 3.1.2.1), and
/// comes back to the same URL, signed in or not.
///
/// 1. Navigations only, at most once in five minutes for each browser, and never after somebody signed out
///    in it until somebody signs in on purpose.
/// 2. Whatever the provider answers, and if it does not answer, the route is served.
/// 3. A browser that keeps no cookies comes back once with `sso_silent=no` in the URL.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_sso::{SilentLayer, User};
///
/// async fn home(user: Option<User>) -> String {
///     user.map_or_else(|| "welcome".to_owned(), |user| format!("hello {}", user.subject()))
/// }
/// let routes: Router = Router::new().route("/", get(home).layer(SilentLayer::new()));
/// # let _ = routes;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a layer does nothing until it is put around a service"]
pub struct SilentLayer(());

impl SilentLayer {
    /// The layer.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for SilentLayer {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService {
            inner,
            demand: Demand::AskSilently,
        }
    }
}

impl<S> Layer<S> for RequireLayer {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> RequireService<S> {
        RequireService {
            inner,
            demand: self.demand.clone(),
        }
    }
}

/// The service of [`RequireLayer`] and [`SilentLayer`].
#[derive(Clone, Debug)]
pub struct RequireService<S> {
    inner: S,
    demand: Demand,
}

impl<S, B, R> Service<Request<B>> for RequireService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<SsoBody<R>>;
    type Error = S::Error;
    type Future = RequireFuture<S, B, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let auth = Auth::of(&parts.extensions);
        if let Some(auth) = auth.filter(|_| self.demand.passes_through(&parts)) {
            // Whoever it is, the answer is theirs.
            auth.mark_read();
            let passed = Ok(Passed { told_anew: false });
            return RequireFuture {
                state: self.go(passed, Request::from_parts(parts, body)),
            };
        }
        if let Some(renewal) = auth.and_then(|auth| self.renewal(auth, &parts)) {
            // The service that was polled ready waits for its turn, a clone stays.
            let clone = self.clone();
            let waiting = Waiting {
                renewal,
                service: std::mem::replace(self, clone),
                request: Request::from_parts(parts, body),
            };
            return RequireFuture {
                state: State::Renewing {
                    waiting: Some(Box::new(waiting)),
                },
            };
        }
        let answer = self.judge(auth, &parts);
        RequireFuture {
            state: self.go(answer, Request::from_parts(parts, body)),
        }
    }
}

/// A request that may go on.
struct Passed {
    /// Whether headers told of the session of before its renewal.
    told_anew: bool,
}

/// Whether a request may go on, and what it gets if not.
type Answer = Result<Passed, Box<Response<Bytes>>>;

impl<S> RequireService<S> {
    #[inline]
    fn renewal(&self, auth: &Auth, parts: &request::Parts) -> Option<BoxFuture<'static, ()>> {
        let (mut needs, whoever) = (self.demand.needs().iter(), self.demand.whoever());
        needs.find_map(|need| auth.renewal(*need, whoever, parts))
    }

    #[inline]
    fn judge(&self, auth: Option<&Auth>, parts: &request::Parts) -> Answer {
        let Some(auth) = auth else {
            return Err(Box::new(no_layer()));
        };
        match auth.meet(&self.demand, parts) {
            Ok(()) => Ok(Passed {
                told_anew: auth.is_told_anew(),
            }),
            Err(refusal) => Err(Box::new(refused(&refusal))),
        }
    }

    #[inline]
    fn go<B, R>(&mut self, answer: Answer, mut request: Request<B>) -> State<S, B, S::Future>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone,
    {
        match answer {
            Ok(Passed { told_anew }) => {
                if told_anew {
                    identity_headers::tell_anew(&mut request);
                }
                State::Inner {
                    future: self.inner.call(request),
                }
            }
            Err(response) => {
                // What the service reserved when it was polled ready goes back: it is not called.
                self.inner = self.inner.clone();
                State::Refused {
                    response: Some(response),
                }
            }
        }
    }
}

/// The response that carries a refusal to the outer layer. Where there is none it is an answer by itself.
pub(crate) fn refused(refusal: &Refusal) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = refusal.status();
    response.extensions_mut().insert(refusal.rejection());
    response.extensions_mut().insert(refusal.clone());
    response
}

/// The answer where the app forgot the outer layer.
pub(crate) fn no_layer() -> Response<Bytes> {
    tracing::error!(
        "a route asks who is signed in, and there is no SsoLayer around it: put `sso.layer()` last on the outermost router"
    );
    let mut response = Response::new(Bytes::from_static(b"sign-in is set up wrongly"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
        .extensions_mut()
        .insert(Rejection::new(RejectionKind::NoLayer, None));
    response
}

/// A request whose session is being renewed.
struct Waiting<S, B> {
    renewal: BoxFuture<'static, ()>,
    service: RequireService<S>,
    request: Request<B>,
}

pin_project! {
    /// The future of [`RequireService`].
    pub struct RequireFuture<S, B, F> {
        #[pin]
        state: State<S, B, F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B, F> {
        Renewing { waiting: Option<Box<Waiting<S, B>>> },
        Inner { #[pin] future: F },
        Refused { response: Option<Box<Response<Bytes>>> },
    }
}

impl<S, B, F> fmt::Debug for RequireFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequireFuture")
    }
}

impl<S, B, R> Future for RequireFuture<S, B, S::Future>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Output = Result<Response<SsoBody<R>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.state.as_mut().project() {
                StateProjection::Renewing { waiting } => {
                    let renewing = waiting
                        .as_mut()
                        .expect("a future is not polled after it is ready");
                    ready!(renewing.renewal.as_mut().poll(cx));
                    let Some(waited) = waiting.take() else {
                        continue;
                    };
                    let Waiting {
                        mut service,
                        request,
                        ..
                    } = *waited;
                    let (parts, body) = request.into_parts();
                    let answer = service.judge(Auth::of(&parts.extensions), &parts);
                    service.go(answer, Request::from_parts(parts, body))
                }
                StateProjection::Inner { future } => {
                    let response = ready!(future.poll(cx));
                    return Poll::Ready(response.map(|response| response.map(SsoBody::inner)));
                }
                StateProjection::Refused { response } => {
                    let response = response
                        .take()
                        .expect("a future is not polled after it is ready");
                    return Poll::Ready(Ok(response.map(SsoBody::own)));
                }
            };
            this.state.set(next);
        }
    }
}
