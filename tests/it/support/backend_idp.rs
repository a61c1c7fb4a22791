//! A provider whose sessions backends know by an id, and two sister apps at it under one domain.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_core::future::BoxFuture;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tower_sso::clock::{Clock, SecondsSinceEpoch, TestClock};
use tower_sso::oidc::{IdTokenClaims, Issuer, TokenResponse};
use tower_sso::provider::{
    BackendAnswer, BackendAuthentication, BackendSession, BackendSessions, CodeGrant,
    LogoutRequest, Provider, RefreshGrant, Refreshed, SignInRequest,
};
use tower_sso::session::ReturnTo;
use tower_sso::session::directory::MemoryDirectory;
use tower_sso::{
    CookieKey, Error, ErrorKind, Identity, Policy, RequireLayer, Result, Secret, Session, SignIn,
    SilentLayer, Sso, SsoBuilder, User,
};
use url::Url;

use super::browser::{Browser, Fetch, Page};
use super::remote_store::RemoteStore;

/// How long an access token lives there.
pub(crate) const LIFE: Duration = Duration::from_secs(600);

/// What it does in the place of answering.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    Down { retry_after: Option<Duration> },
    Refuses,
    AnotherPerson,
    Hangs,
}

/// The provider; clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct BackendIdp(Arc<Idp>);

#[derive(Debug)]
struct Idp {
    issuer: Issuer,
    clock: TestClock,
    sessions: Mutex<HashMap<String, Known>>,
    asked: AtomicUsize,
    ended: AtomicUsize,
    made: AtomicUsize,
    slow: Mutex<Duration>,
    trouble: Mutex<Option<Trouble>>,
    told: Mutex<Vec<Option<String>>>,
}

#[derive(Clone, Debug)]
struct Known {
    subject: String,
    amr: Vec<String>,
    auth_time: SecondsSinceEpoch,
}

impl BackendIdp {
    pub(crate) const ISSUER: &str = "https://vault.example.org";

    pub(crate) fn new(clock: &TestClock) -> Self {
        Self::at(Self::ISSUER, clock)
    }

    pub(crate) fn at(issuer: &str, clock: &TestClock) -> Self {
        Self(Arc::new(Idp {
            issuer: Issuer::parse(issuer).unwrap(),
            clock: clock.clone(),
            sessions: Mutex::default(),
            asked: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
            slow: Mutex::default(),
            trouble: Mutex::default(),
            told: Mutex::default(),
        }))
    }

    /// How often it was asked by session id.
    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// How often it was told to end a session.
    pub(crate) fn told_to_end(&self) -> usize {
        self.0.ended.load(Ordering::SeqCst)
    }

    /// The `User-Agent`s that it was told of.
    pub(crate) fn user_agents(&self) -> Vec<Option<String>> {
        self.0.told.lock().unwrap().clone()
    }

    pub(crate) fn sessions(&self) -> usize {
        self.0.sessions.lock().unwrap().len()
    }

    /// The id of the only session.
    pub(crate) fn only_session(&self) -> String {
        let sessions = self.0.sessions.lock().unwrap();
        assert_eq!(sessions.len(), 1);
        sessions.keys().next().cloned().unwrap()
    }

    /// A session is somebody else's from now on.
    pub(crate) fn becomes(&self, subject: &str, session: &str) {
        let mut sessions = self.0.sessions.lock().unwrap();
        sessions.get_mut(session).unwrap().subject = subject.to_owned();
    }

    pub(crate) fn end_sessions(&self) {
        self.0.sessions.lock().unwrap().clear();
    }

    pub(crate) fn trouble(&self, trouble: impl Into<Option<Trouble>>) {
        *self.0.trouble.lock().unwrap() = trouble.into();
    }

    /// It takes so long to answer (tokio's clock).
    pub(crate) fn slow(&self, time: Duration) {
        *self.0.slow.lock().unwrap() = time;
    }

    /// A person proves who they are: a new session, or one more factor in one that is there.
    pub(crate) fn authenticate_actively(
        &self,
        subject: &str,
        method: &str,
        session_id: Option<&Secret>,
    ) -> Result<BackendSession> {
        let mut sessions = self.0.sessions.lock().unwrap();
        let now = self.0.clock.now();
        let id = match session_id {
            Some(id) => id.expose().to_owned(),
            None => format!("session-{}", self.0.made.fetch_add(1, Ordering::SeqCst)),
        };
        let fresh = Known {
            subject: subject.to_owned(),
            amr: Vec::new(),
            auth_time: now,
        };
        let known = match session_id {
            None => sessions.entry(id.clone()).or_insert(fresh),
            Some(_) => sessions
                .get_mut(&id)
                .ok_or_else(|| Error::new(ErrorKind::Denied, "no such session"))?,
        };
        known.amr.push(method.to_owned());
        if known.amr.len() > 1 {
            known.amr.push("mfa".to_owned());
        }
        known.auth_time = now;
        Ok(self.answer(&id, &known.clone()))
    }

    fn answer(&self, id: &str, known: &Known) -> BackendSession {
        let now = self.0.clock.now();
        let claims = IdTokenClaims {
            issuer: self.0.issuer.clone(),
            subject: known.subject.clone(),
            audience: vec!["app".to_owned()],
            expires_at: now.plus(LIFE),
            issued_at: now,
            auth_time: Some(known.auth_time),
            acr: None,
            amr: known.amr.clone(),
            authorized_party: None,
            // As some providers name it, though it is a credential.
            sid: Some(id.to_owned()),
            session_expiry: None,
            all: Map::from_iter([("sid".to_owned(), id.into())]),
        };
        let tokens = TokenResponse {
            access_token: Secret::from(format!("at-{}-{}", known.subject, self.asked())),
            expires_in: Some(LIFE),
            refresh_token: None,
            id_token: None,
            scope: None,
        };
        BackendSession {
            identity: Identity {
                multi_factor: claims.amr.iter().any(|method| method == "mfa"),
                claims,
                tokens,
                connection: None,
                organization: None,
                tenant: None,
            },
            session_id: Secret::from(id.to_owned()),
        }
    }
}

impl BackendSessions for BackendIdp {
    fn authenticate(&self, request: BackendAuthentication) -> BoxFuture<'_, Result<BackendAnswer>> {
        Box::pin(async move {
            self.0.asked.fetch_add(1, Ordering::SeqCst);
            self.0.told.lock().unwrap().push(request.client.user_agent);
            let slow = *self.0.slow.lock().unwrap();
            tokio::time::sleep(slow).await;
            let trouble = self.0.trouble.lock().unwrap().clone();
            let mut known = self
                .0
                .sessions
                .lock()
                .unwrap()
                .get(request.session_id.expose())
                .cloned();
            match trouble {
                None => {}
                Some(Trouble::Down { retry_after }) => {
                    let error = Error::new(ErrorKind::Unavailable, "down");
                    return Err(match retry_after {
                        Some(after) => error.with_retry_after(after),
                        None => error,
                    });
                }
                Some(Trouble::Refuses) => {
                    return Err(Error::new(ErrorKind::Provider, "no").with_code("400"));
                }
                Some(Trouble::AnotherPerson) => {
                    if let Some(known) = &mut known {
                        known.subject = "mallory".to_owned();
                    }
                }
                Some(Trouble::Hangs) => std::future::pending::<()>().await,
            }
            Ok(match known {
                Some(known) => BackendAnswer::SignedIn(Box::new(
                    self.answer(request.session_id.expose(), &known),
                )),
                None => BackendAnswer::NotFound,
            })
        })
    }

    fn logout(&self, session_id: Secret<String>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.0.ended.fetch_add(1, Ordering::SeqCst);
            if let Some(Trouble::Down { .. }) = *self.0.trouble.lock().unwrap() {
                return Err(Error::new(ErrorKind::Unavailable, "down"));
            }
            self.0.sessions.lock().unwrap().remove(session_id.expose());
            Ok(())
        })
    }

    fn lifetime(&self) -> Duration {
        Duration::from_secs(14 * 24 * 3600)
    }
}

impl Provider for BackendIdp {
    fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn authorization_url<'a>(&'a self, _: &'a SignInRequest) -> BoxFuture<'a, Result<Url>> {
        unreachable!("it has no page")
    }

    fn check_response_issuer<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<()>> {
        unreachable!("it has no page")
    }

    fn redeem(&self, _: CodeGrant) -> BoxFuture<'_, Result<Identity>> {
        unreachable!("it has no page")
    }

    fn refresh(&self, _: RefreshGrant) -> BoxFuture<'_, Result<Refreshed>> {
        unreachable!("it gives no refresh tokens")
    }

    fn logout_url<'a>(&'a self, _: &'a LogoutRequest) -> BoxFuture<'a, Result<Option<Url>>> {
        Box::pin(async { Ok(None) })
    }

    fn backend_sessions(&self) -> Option<&dyn BackendSessions> {
        Some(self)
    }

    fn login_page(&self) -> Option<&str> {
        Some("/login")
    }
}

/// Two apps under one domain that share a directory, and a browser.
#[derive(Clone)]
pub(crate) struct Sisters {
    pub(crate) browser: Browser,
    pub(crate) clock: TestClock,
    pub(crate) idp: BackendIdp,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) one: Sso,
    pub(crate) two: Sso,
}

impl Sisters {
    pub(crate) const ONE: &str = "https://one.example.com";
    pub(crate) const TWO: &str = "https://two.example.com";
    pub(crate) const HANDLE: &str = "__Secure-sso-handle";

    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// With options for both.
    pub(crate) fn with(configure: impl Fn(SsoBuilder) -> SsoBuilder) -> Self {
        Self::build(TestClock::at(1_800_000_000), configure)
    }

    /// With sessions in stores that are not in this process.
    pub(crate) fn with_remote_stores() -> Self {
        let clock = TestClock::at(1_800_000_000);
        Self::build(clock.clone(), |builder| {
            builder.session_store(Arc::new(RemoteStore::new(&clock)))
        })
    }

    /// With options for both, some of which need the clock.
    pub(crate) fn build(clock: TestClock, configure: impl Fn(SsoBuilder) -> SsoBuilder) -> Self {
        let idp = BackendIdp::new(&clock);
        let directory = Arc::new(MemoryDirectory::new(Arc::new(clock.clone())));
        let make = |url: &str| {
            let builder = Sso::with_provider(idp.clone())
                .base_url(url)
                .cookie_key(CookieKey::generate())
                .clock(Arc::new(clock.clone()))
                .session_directory(directory.clone())
                .shared_domain("example.com");
            configure(builder).build().unwrap()
        };
        let sisters = Self {
            browser: Browser::with_clock(&clock),
            one: make(Self::ONE),
            two: make(Self::TWO),
            clock,
            directory,
            idp,
        };
        sisters.serve(&sisters.browser);
        sisters
    }

    /// Lets another browser reach both.
    pub(crate) fn serve(&self, browser: &Browser) {
        for (url, sso) in [(Self::ONE, &self.one), (Self::TWO, &self.two)] {
            browser.serve(url, sso.into_axum(routes(&self.idp)));
        }
    }

    pub(crate) fn visit(&self, url: &str) -> Fetch {
        self.browser.visit(url)
    }

    pub(crate) fn seconds(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Signs in at the first app, with a password.
    pub(crate) async fn sign_in(&self, subject: &str) -> Page {
        self.post(Self::ONE, &format!("/login?subject={subject}&method=pwd"))
            .await
    }

    /// Sends a form from a page of the app.
    pub(crate) async fn post(&self, origin: &str, path: &str) -> Page {
        self.browser
            .visit_from(origin, &format!("{origin}{path}"))
            .post_form(&[])
            .await
    }

    pub(crate) async fn status(&self, url: &str) -> StatusCode {
        self.visit(url).no_follow().await.status
    }
}

fn routes(idp: &BackendIdp) -> Router {
    let guarded = |policy| get(who).post(who).layer(RequireLayer::new(policy));
    Router::new()
        .route("/", get(greet))
        .route("/greeting", get(greet).layer(SilentLayer::new()))
        .route("/protected", guarded(Policy::login()))
        .route("/mfa", guarded(Policy::mfa()))
        .route("/login", get(page).post(log_in))
        .with_state(idp.clone())
}

async fn who(session: Session) -> Json<Value> {
    Json(json!({
        "sub": session.subject(),
        "amr": session.amr().collect::<Vec<_>>(),
        "sid": session.sid(),
        "public_id": session.public_id(),
    }))
}

async fn greet(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
}

async fn page(Query(query): Query<HashMap<String, String>>) -> String {
    format!(
        "sign in, then {}",
        query.get("return_to").map_or("/", String::as_str)
    )
}

async fn log_in(
    State(idp): State<BackendIdp>,
    Query(query): Query<HashMap<String, String>>,
    sign_in: SignIn,
) -> Response {
    let field = |name: &str| query.get(name).map_or("", String::as_str);
    let adds = query.contains_key("add");
    let session_id = sign_in.session_id().filter(|_| adds).cloned();
    let came = idp.authenticate_actively(field("subject"), field("method"), session_id.as_ref());
    let finished = match came {
        Ok(came) => sign_in.finish(came).await,
        Err(error) => Err(error),
    };
    match finished {
        Ok(_) => {
            let back = ReturnTo::parse(field("return_to")).unwrap_or_else(ReturnTo::root);
            Redirect::to(back.as_str()).into_response()
        }
        Err(error) if error.kind() == ErrorKind::Denied => StatusCode::FORBIDDEN.into_response(),
        Err(error) if error.is_temporary() => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
