//! The app under test: in this process, beside a simulated provider, with a browser that reaches both.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tower::Service;
use tower_sso::clock::TestClock;
use tower_sso::provider::InProcessClient;
use tower_sso::simulator::{
    LoginChoice, SigningAlgorithm, SimulatedClient, SimulatedUser, Simulator, SimulatorHandle,
};
use tower_sso::{CookieKey, Policy, RequireLayer, Session, Sso, SsoBuilder, User};

use super::browser::{Browser, Fetch, Page};
use super::remote_store::RemoteStore;
use super::wire::Wire;

/// An app at [`App::URL`] and its provider at [`App::IDP`], on a clock that stands still.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) browser: Browser,
    pub(crate) clock: TestClock,
    pub(crate) simulator: Simulator,
    pub(crate) sso: Sso,
    handled: Arc<AtomicUsize>,
}

impl App {
    pub(crate) const URL: &str = "https://app.example.com";
    /// Another base URL that the provider knows.
    pub(crate) const PREFIXED: &str = "https://app.example.com/app";
    pub(crate) const IDP: &str = "https://idp.example.org";
    pub(crate) const COOKIE: &str = "__Host-sso";
    pub(crate) const CLIENT: &str = "app";
    pub(crate) const SECRET: &str = "the-secret-of-the-app:with/odd chars";

    /// With the defaults of everything.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// With options of its own.
    pub(crate) fn with(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> Self {
        Self::with_keys(SigningAlgorithm::Rs256, configure)
    }

    /// With options of its own, at a provider that signs with `algorithm`.
    pub(crate) fn with_keys(
        algorithm: SigningAlgorithm,
        configure: impl FnOnce(SsoBuilder) -> SsoBuilder,
    ) -> Self {
        Self::build(TestClock::at(1_800_000_000), algorithm, configure)
    }

    /// With sessions in a store that is not in this process.
    pub(crate) fn with_remote_store() -> (Self, RemoteStore) {
        let clock = TestClock::at(1_800_000_000);
        let store = RemoteStore::new(&clock);
        let shared = Arc::new(store.clone());
        let app = Self::build(clock, SigningAlgorithm::Es256, |builder| {
            builder.session_store(shared)
        });
        (app, store)
    }

    /// With sessions in a store that is not in this process, and each call to the provider written down.
    /// Whatever it calls, it has to wait for.
    pub(crate) fn far_from_everything(
        configure: impl FnOnce(SsoBuilder) -> SsoBuilder,
    ) -> (Self, RemoteStore, Wire) {
        let clock = TestClock::at(1_800_000_000);
        let (store, wire) = (RemoteStore::new(&clock), Wire::default());
        let shared = (Arc::new(store.clone()), Arc::new(wire.clone()));
        let app = Self::build(clock, SigningAlgorithm::Es256, |builder| {
            configure(builder.session_store(shared.0).http_client(shared.1))
        });
        wire.connect(app.simulator.router());
        (app, store, wire)
    }

    fn build(
        clock: TestClock,
        algorithm: SigningAlgorithm,
        configure: impl FnOnce(SsoBuilder) -> SsoBuilder,
    ) -> Self {
        let client = SimulatedClient::new(Self::CLIENT)
            .with_secret(Self::SECRET)
            .add_redirect_uri(&format!("{}/auth/callback", Self::URL))
            .add_redirect_uri(&format!("{}/own/path/callback", Self::URL))
            .add_redirect_uri(&format!("{}/auth/callback", Self::PREFIXED))
            .add_post_logout_redirect_uri(&format!("{}/auth/logged-out", Self::URL))
            .add_post_logout_redirect_uri(&format!("{}/own/path/logged-out", Self::URL))
            .add_post_logout_redirect_uri(&format!("{}/auth/logged-out", Self::PREFIXED));
        let simulator = Simulator::builder(Self::IDP)
            .client(client)
            .user(
                SimulatedUser::new("alice")
                    .with_name("Alice", "Archer")
                    .with_email("alice@example.com")
                    .with_groups(["admin", "staff"]),
            )
            .user(SimulatedUser::new("bob").with_email("bob@example.com"))
            .algorithm(algorithm)
            .clock(Arc::new(clock.clone()))
            .build();
        simulator
            .handle()
            .set_default_login(LoginChoice::new("alice").with_amr(["pwd"]));
        let http = InProcessClient::new(simulator.router());
        let builder = Sso::builder(Self::IDP)
            .client(Self::CLIENT, Self::SECRET)
            .base_url(Self::URL)
            .cookie_key(CookieKey::generate())
            .clock(Arc::new(clock.clone()))
            .http_client(Arc::new(http));
        let sso = configure(builder).build().unwrap();
        let app = Self {
            browser: Browser::with_clock(&clock),
            clock,
            simulator,
            sso,
            handled: Arc::default(),
        };
        app.browser.serve(Self::IDP, app.simulator.router());
        app.browser
            .serve(Self::URL, app.sso.into_axum(app.routes()));
        app
    }

    /// The routes of the app, without the outer layer. Each handler that runs is counted.
    pub(crate) fn routes(&self) -> Router {
        let handled = Arc::clone(&self.handled);
        let counted = axum::middleware::from_fn(move |request, next: axum::middleware::Next| {
            let handled = Arc::clone(&handled);
            async move {
                handled.fetch_add(1, Ordering::SeqCst);
                next.run(request).await
            }
        });
        let minute = Duration::from_secs(60);
        let guarded = |policy| {
            get(identity)
                .post(identity)
                .layer::<_, std::convert::Infallible>(counted.clone())
                .layer(RequireLayer::new(policy))
        };
        Router::new()
            .route("/", get(home).post(home))
            .route(
                "/static",
                get(|| async { ([("cache-control", "public, max-age=60")], "style") }),
            )
            .route("/protected", guarded(Policy::login()))
            .route("/mfa", guarded(Policy::mfa()))
            .route("/recent", guarded(Policy::login().max_age(minute)))
            .route("/acr", guarded(Policy::login().acr(["urn:example:gold"])))
            .route("/admin", guarded(Policy::login().role("admin")))
            .route(
                "/extractor",
                get(|user: User| async move { user.subject().to_owned() }),
            )
            .route(
                "/transfer",
                post(|| async { "sent" })
                    .layer::<_, std::convert::Infallible>(counted)
                    .layer(RequireLayer::new(Policy::login())),
            )
    }

    /// Puts another service in the place of the app.
    pub(crate) fn serve<S, B>(&self, service: S)
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: std::fmt::Debug,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        self.browser.serve(Self::URL, service);
    }

    /// How many guarded handlers ran.
    pub(crate) fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }

    pub(crate) fn idp(&self) -> &SimulatorHandle {
        self.simulator.handle()
    }

    /// Whom the provider signs in without showing a page.
    pub(crate) fn person(&self, user: &str, amr: &[&str]) {
        self.idp()
            .set_default_login(LoginChoice::new(user).with_amr(amr.iter().copied()));
    }

    /// Types a path of the app into the address bar.
    pub(crate) fn visit(&self, path: &str) -> Fetch {
        self.browser.visit(&format!("{}{path}", Self::URL))
    }

    /// Goes to `path` and through the sign-in that it leads to.
    ///
    /// # Panics
    /// If the browser does not end at `path`, let in.
    pub(crate) async fn sign_in(&self, path: &str) -> Page {
        let page = self.visit(path).await;
        assert_eq!(
            page.url.as_str(),
            format!("{}{path}", Self::URL),
            "{}",
            page.html()
        );
        assert_eq!(page.status, 200, "{}", page.html());
        page
    }

    /// The session cookie's value.
    pub(crate) fn session_cookie(&self) -> Option<String> {
        self.browser.cookie(Self::COOKIE).map(|cookie| cookie.value)
    }

    /// How many attempts this browser has under way.
    pub(crate) fn attempts(&self) -> usize {
        let cookies = self.browser.cookies();
        cookies
            .iter()
            .filter(|cookie| cookie.name.starts_with("__Host-sso-login-"))
            .count()
    }

    /// Begins a sign-in and stops before the browser comes back to the app; answers the callback's URL.
    pub(crate) async fn until_callback(&self, path: &str) -> String {
        let page = self
            .visit(path)
            .stop_before(&format!("{}/auth/callback", Self::URL))
            .await;
        page.location()
            .unwrap_or_else(|| panic!("no way back in {}", page.html()))
            .into()
    }
}

async fn home(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
}

async fn identity(session: Session) -> Json<Value> {
    Json(json!({
        "iss": session.issuer(),
        "sub": session.subject(),
        "amr": session.amr().collect::<Vec<_>>(),
        "acr": session.acr(),
        "auth_time": session.auth_time().map(|time| time.0),
        "public_id": session.public_id(),
        "roles": session.roles().collect::<Vec<_>>(),
        "claims": session.claims(),
        "attributes": session.attributes(),
    }))
}
