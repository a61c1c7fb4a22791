//! What the outer layer tells the app about a request.

mod rungs;

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, Method, request};

use super::demand::Demand;
use crate::Error;
use crate::clock::{Clock as _, SecondsSinceEpoch, SystemClock};
use crate::endpoint::request_kind::RequestKind;
use crate::endpoint::{Cause, Refusal, Shared, Unauthenticated, cookie_fields, cross_site};
use crate::flow::carried::Carried;
use crate::forwarded::{PeerAddress, Sender};
use crate::policy::{Policy, Verdict};
use crate::session::{Session, User};

/// In the extensions of each request that passed [`SsoLayer`](crate::SsoLayer): who is signed in, if
/// anybody. axum handlers use the extractors; others read it here.
///
/// ```
/// use tower_sso::Auth;
///
/// fn greeting<B>(request: &http::Request<B>) -> String {
///     match Auth::of(request.extensions()).and_then(Auth::user) {
///         Some(user) => format!("hello {}", user.subject()),
///         None => "hello stranger".to_owned(),
///     }
/// }
/// # assert_eq!(greeting(&http::Request::new(())), "hello stranger");
/// ```
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    state: State,
    /// What became of the session when it was renewed during this request.
    renewed: OnceLock<State>,
    /// Absent where a test put the session in by hand.
    shared: Option<Arc<Shared>>,
    target: Option<PathAndQuery>,
    was_read: AtomicBool,
    /// When the request came.
    came_at: SecondsSinceEpoch,
    /// Cookies that the answer has to bring.
    carried: OnceLock<Mutex<Vec<Carried>>>,
    peer: Option<PeerAddress>,
    /// Only where the peer is a trusted proxy.
    behind: Option<Box<Behind>>,
}

/// What a trusted proxy said, unread until somebody asks.
struct Behind {
    headers: HeaderMap,
    sender: OnceLock<Sender>,
}

/// What is known about the request's session.
pub(crate) enum State {
    Nobody,
    SignedIn(Session),
    /// The store or the provider failed: neither may be claimed.
    Unknown(Error),
}

impl Auth {
    pub(crate) fn new(
        state: State,
        shared: Arc<Shared>,
        target: Option<PathAndQuery>,
        peer: Option<PeerAddress>,
        headers: &HeaderMap,
        came_at: SecondsSinceEpoch,
    ) -> Self {
        let behind = shared.proxies.trusts(peer).then(|| {
            Box::new(Behind {
                headers: shared.proxies.keep(headers),
                sender: OnceLock::new(),
            })
        });
        Self(Arc::new(Inner {
            state,
            shared: Some(shared),
            target,
            renewed: OnceLock::new(),
            carried: OnceLock::new(),
            came_at,
            was_read: AtomicBool::new(false),
            peer,
            behind,
        }))
    }

    /// Somebody who is signed in, without a layer: for tests of single handlers and routes.
    #[cfg(feature = "test-util")]
    pub(crate) fn for_test(session: Session) -> Self {
        Self(Arc::new(Inner {
            state: State::SignedIn(session),
            shared: None,
            target: None,
            renewed: OnceLock::new(),
            carried: OnceLock::new(),
            came_at: SystemClock.now(),
            was_read: AtomicBool::new(false),
            peer: None,
            behind: None,
        }))
    }

    /// What the layer left for this request; `None` where no layer is around.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// The session, if somebody is signed in. `None` too where the store failed; see [`Auth::is_unknown`].
    ///
    /// Reading it marks the response as private: it gets `Cache-Control: private, no-store`. That is so while the
    /// handler runs; a body that reads it while it is sent has to be marked by the app.
    ///
    /// It says who the browser is, not who wrote the request: a POST may have been sent by a page of
    /// another site. [`RequireLayer`](crate::RequireLayer) and the extractors look at that; code that acts
    /// on this alone has to.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.mark_read();
        match self.state() {
            State::SignedIn(session) => Some(session),
            State::Nobody | State::Unknown(_) => None,
        }
    }

    /// The person, if somebody is signed in. As [`Auth::session`].
    #[must_use]
    pub fn user(&self) -> Option<User> {
        self.session().cloned().map(User::new)
    }

    /// Whether the session store failed, so that nobody can tell if somebody is signed in. Answer 503.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.mark_read();
        matches!(self.state(), State::Unknown(_))
    }

    /// Path and query as the outer layer saw them, before routers stripped a prefix.
    #[must_use]
    pub fn original_path(&self) -> Option<&str> {
        self.0.target.as_ref().map(PathAndQuery::as_str)
    }

    /// The address of the client: the peer of the connection or, where that is one of
    /// [`trusted_proxies`](crate::SsoBuilder::trusted_proxies), whom it speaks for. A trusted proxy that does
    /// not say counts as the client. `None` where the server does not tell; see
    /// [`PeerAddress`](crate::PeerAddress).
    ///
    /// Good for logs and limits. It is no proof of who somebody is.
    #[must_use]
    pub fn client_address(&self) -> Option<IpAddr> {
        match self.sender() {
            Some(sender) => sender.address,
            None => self.0.peer.and_then(PeerAddress::ip),
        }
    }

    /// How the browser reached the outermost proxy, `http` or `https`, as the nearest trusted proxy says.
    /// `None` without such a proxy, or where it does not say: then it is the scheme of the connection.
    #[must_use]
    pub fn forwarded_scheme(&self) -> Option<&str> {
        self.sender()?.scheme
    }

    /// Host, and port where it is not the scheme's own, that the browser asked for, as the nearest trusted
    /// proxy says; in lower case. `None` without such a proxy, or where it does not say: then `Host` is what
    /// there is.
    ///
    /// The browser chose it: make no links of it, but of the base URL.
    #[must_use]
    pub fn forwarded_host(&self) -> Option<&str> {
        self.sender()?.host.as_deref()
    }

    /// The id of the tenant that the request is for: of the one that it names or, where it names none, of the one at
    /// which somebody signed in. `None` where neither says it, and in an app without tenants.
    ///
    /// As it may be the session that says it, reading it marks the response as private.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        let shared = self.0.shared.as_ref()?;
        if shared.context.has_tenants() {
            self.mark_read();
        }
        Some(shared.context.place.tenant()?.id())
    }

    fn sender(&self) -> Option<&Sender> {
        let (behind, shared) = (self.0.behind.as_ref()?, self.0.shared.as_ref()?);
        let read = || shared.proxies.read(self.0.peer, &behind.headers);
        Some(behind.sender.get_or_init(read))
    }

    /// Whether headers told the inner service of a session that was renewed since.
    pub(crate) fn is_told_anew(&self) -> bool {
        let tells = |shared: &Arc<Shared>| shared.identity_headers;
        self.0.renewed.get().is_some() && self.0.shared.as_ref().is_some_and(tells)
    }

    fn state(&self) -> &State {
        self.0.renewed.get().unwrap_or(&self.0.state)
    }

    pub(crate) fn mark_read(&self) {
        self.0.was_read.store(true, Ordering::Relaxed);
    }

    pub(crate) fn was_read(&self) -> bool {
        self.0.was_read.load(Ordering::Relaxed)
    }

    /// Whether a request may pass to a route; if not, what is to be answered.
    pub(crate) fn meet(&self, demand: &Demand, request: &request::Parts) -> Result<(), Refusal> {
        match demand {
            Demand::Policy(asked) => self
                .verdict(&asked.policy, request)
                .map_err(|cause| self.refusal(cause, Arc::clone(&asked.unauthenticated), request)),
            Demand::AskSilently if self.may_ask_silently(request) => {
                Err(self.refuse(Cause::AskSilently, request))
            }
            Demand::AskSilently => Ok(()),
        }
    }

    /// The same for an extractor.
    #[cfg(feature = "axum")]
    pub(crate) fn judge(&self, policy: &Policy, request: &request::Parts) -> Result<(), Refusal> {
        self.verdict(policy, request)
            .map_err(|cause| self.refuse(cause, request))
    }

    fn verdict(&self, policy: &Policy, request: &request::Parts) -> Result<(), Cause> {
        let session = self.usable_session(request)?;
        let verdict = policy.judge(session, self.now());
        // A step-up brings new claims and tokens by itself.
        let renewed_anyway = matches!(verdict, Verdict::StepUp(..));
        if !renewed_anyway
            && session.is_some_and(|session| self.sends_the_browser(session, request))
        {
            return Err(Cause::AskSilently);
        }
        match verdict {
            Verdict::Allow => Ok(()),
            verdict => Err(Cause::Verdict(verdict)),
        }
    }

    /// Whether a session is due that only its browser can renew, and this request can take it there.
    fn sends_the_browser(&self, session: &Session, request: &request::Parts) -> bool {
        self.0.shared.as_ref().is_some_and(|shared| {
            let context = &shared.context;
            context
                .revalidation
                .sends_the_browser(session.record(), self.0.came_at)
        }) && self.may_be_sent(request)
    }

    /// Whether nobody is signed in here, and this browser may be sent to ask the provider without a page.
    fn may_ask_silently(&self, request: &request::Parts) -> bool {
        self.mark_read();
        matches!(self.state(), State::Nobody) && self.may_be_sent(request)
    }

    /// Whether a request may take its browser to the provider, to ask without a page.
    fn may_be_sent(&self, request: &request::Parts) -> bool {
        request.method == Method::GET
            && RequestKind::of(&request.method, &request.headers) == RequestKind::Navigation
            && self.0.shared.as_ref().is_some_and(|shared| {
                let fields = || cookie_fields(&request.headers);
                shared
                    .context
                    .may_ask_silently(fields, self.target(request))
            })
    }

    /// The session that this request may use: none for one that another site sent, and an error where
    /// nobody knows.
    pub(crate) fn usable_session(
        &self,
        request: &request::Parts,
    ) -> Result<Option<&Session>, Cause> {
        self.session_for(&request.method, &request.headers)
    }

    /// As [`Auth::usable_session`], of what it looks at.
    pub(crate) fn session_for(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<&Session>, Cause> {
        self.mark_read();
        match self.state() {
            State::Unknown(error) => Err(Cause::Unknown(error.clone())),
            State::SignedIn(_) if !self.may_use_session(method, headers) => Err(Cause::CrossSite),
            State::SignedIn(session) => Ok(Some(session)),
            State::Nobody => Ok(None),
        }
    }

    fn may_use_session(&self, method: &Method, headers: &HeaderMap) -> bool {
        self.0.shared.as_ref().is_none_or(|shared| {
            let context = &shared.context;
            cross_site::may_use_session(
                method,
                headers,
                context.base_url.origin(),
                &context.allowed_origins,
            )
        })
    }

    pub(crate) fn now(&self) -> SecondsSinceEpoch {
        self.0
            .shared
            .as_ref()
            .map_or_else(|| SystemClock.now(), |shared| shared.context.clock.now())
    }

    fn target<'a>(&'a self, request: &'a request::Parts) -> &'a str {
        self.original_path()
            .or_else(|| request.uri.path_and_query().map(PathAndQuery::as_str))
            .unwrap_or("/")
    }

    pub(crate) fn refuse(&self, cause: Cause, request: &request::Parts) -> Refusal {
        self.refusal(cause, Arc::default(), request)
    }

    fn refusal(
        &self,
        cause: Cause,
        unauthenticated: Arc<Unauthenticated>,
        request: &request::Parts,
    ) -> Refusal {
        let session = match self.state() {
            State::SignedIn(session) => Some(session.clone()),
            State::Nobody | State::Unknown(_) => None,
        };
        let target = self.target(request).to_owned();
        if let Some(shared) = &self.0.shared {
            shared
                .proxies
                .warn_of_stranger(self.0.peer, &request.headers);
        }
        let client = self.client_address();
        Refusal::new(cause, unauthenticated, session, target, request, client)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Auth");
        match self.state() {
            State::Nobody => debug.field("session", &None::<()>),
            State::SignedIn(session) => debug.field("session", session),
            State::Unknown(_) => debug.field("session", &"unknown"),
        };
        debug.finish_non_exhaustive()
    }
}
