//! One app at a simulated environment of Scalekit, in one process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Extension;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tower_sso::clock::TestClock;
use tower_sso::simulator::{
    ScalekitEndpoint, ScalekitFault, ScalekitHandle, ScalekitSimulator, ScalekitSimulatorBuilder,
};
use tower_sso::vendor::scalekit::{Profile, Scalekit, ScalekitConfig};
use tower_sso::{AccessToken, CookieKey, Policy, RequireLayer, Session, Sso, SsoBuilder, User};
use url::Url;

use super::browser::{Browser, Fetch, Page};
use super::remote_store::RemoteStore;
use super::wire::Wire;

/// An app at [`ScalekitApp::URL`], the environment with its customers (`ScalekitSimulator::demo`), and a browser. Each
/// of the app's own calls is written down.
#[derive(Clone)]
pub(crate) struct ScalekitApp {
    pub(crate) browser: Browser,
    pub(crate) clock: TestClock,
    pub(crate) simulator: ScalekitSimulator,
    pub(crate) wire: Wire,
    pub(crate) scalekit: Scalekit,
    pub(crate) sso: Sso,
    handled: Arc<AtomicUsize>,
}

/// What a test changes before the app is there.
pub(crate) struct Setting<'a> {
    pub(crate) environment: &'a dyn Fn(ScalekitSimulatorBuilder) -> ScalekitSimulatorBuilder,
    pub(crate) register: &'a dyn Fn(&mut ScalekitConfig),
    pub(crate) configure: &'a dyn Fn(SsoBuilder) -> SsoBuilder,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self {
            environment: &|builder| builder,
            register: &|_| (),
            configure: &|builder| builder,
        }
    }
}

impl ScalekitApp {
    pub(crate) const URL: &str = "https://app.example.com";
    pub(crate) const ENVIRONMENT: &str = "https://acme.scalekit.dev";
    pub(crate) const CLIENT: &str = "skc_demo";
    pub(crate) const SECRET: &str = "demo-secret";
    pub(crate) const COOKIE: &str = "__Host-sso";
    pub(crate) const START: u64 = 1_800_000_000;
    /// Of `org_example`, by `conn_example_okta`, as bob is.
    pub(crate) const ALICE: &str = "conn_example_okta;alice";
    pub(crate) const BOB: &str = "conn_example_okta;bob";
    /// Of `org_society`, by `conn_society_entra`.
    pub(crate) const CAROL: &str = "conn_society_entra;carol";

    pub(crate) fn new() -> Self {
        Self::with(&Setting::default())
    }

    /// With sessions in a store that is not in this process.
    pub(crate) fn with_remote_store() -> (Self, RemoteStore) {
        let clock = TestClock::at(Self::START);
        let store = RemoteStore::new(&clock);
        let configure = |builder: SsoBuilder| builder.session_store(Arc::new(store.clone()));
        let setting = Setting {
            configure: &configure,
            ..Setting::default()
        };
        let app = Self::build(clock, &setting);
        (app, store)
    }

    pub(crate) fn with(setting: &Setting<'_>) -> Self {
        Self::build(TestClock::at(Self::START), setting)
    }

    fn build(clock: TestClock, setting: &Setting<'_>) -> Self {
        let demo = ScalekitSimulator::demo_builder(Self::ENVIRONMENT, Self::URL);
        let simulator = (setting.environment)(demo.clock(Arc::new(clock.clone()))).build();
        let wire = Wire::default();
        wire.connect(simulator.router());
        let mut config = ScalekitConfig::new(Self::ENVIRONMENT, Self::CLIENT, Self::SECRET);
        (setting.register)(&mut config);
        let scalekit = Scalekit::with_http_client(config, Arc::new(wire.clone()))
            .unwrap()
            .with_clock(Arc::new(clock.clone()));
        let builder = Sso::with_provider(scalekit.clone())
            .base_url(Self::URL)
            .cookie_key(CookieKey::generate())
            .clock(Arc::new(clock.clone()));
        let sso = (setting.configure)(builder).build().unwrap();
        let app = Self {
            browser: Browser::with_clock(&clock),
            clock,
            simulator,
            wire,
            scalekit,
            sso,
            handled: Arc::default(),
        };
        app.browser.serve(Self::ENVIRONMENT, app.simulator.router());
        let routes = routes().layer(Extension(Arc::clone(&app.handled)));
        app.browser.serve(Self::URL, app.sso.into_axum(routes));
        app
    }

    pub(crate) fn idp(&self) -> &ScalekitHandle {
        self.simulator.handle()
    }

    pub(crate) fn requests(&self, endpoint: ScalekitEndpoint) -> u64 {
        self.idp().requests(endpoint)
    }

    pub(crate) fn seconds(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// How many guarded handlers ran.
    pub(crate) fn handled(&self) -> usize {
        self.handled.load(Ordering::SeqCst)
    }

    /// Types a path of the app into the address bar.
    pub(crate) fn visit(&self, path: &str) -> Fetch {
        self.browser.visit(&format!("{}{path}", Self::URL))
    }

    /// Follows a link from a page of somebody else.
    pub(crate) fn visit_from_elsewhere(&self, path: &str) -> Fetch {
        let url = format!("{}{path}", Self::URL);
        self.browser.visit_from("https://elsewhere.example/", &url)
    }

    /// The authorization request that `/auth/login` answers with.
    ///
    /// # Panics
    /// If it answers with anything else.
    pub(crate) async fn authorization_request(&self, query: &str) -> Url {
        let page = self
            .visit(&format!("/auth/login?{query}"))
            .no_follow()
            .await;
        let to = page
            .location()
            .unwrap_or_else(|| panic!("{query}: {}", page.html()));
        assert!(
            to.as_str()
                .starts_with(&format!("{}/oauth/authorize?", Self::ENVIRONMENT)),
            "{to}"
        );
        to
    }

    /// Begins a sign-in as this person (by `sub`), and ends where it leads.
    pub(crate) async fn try_as(&self, subject: &str, return_to: &str) -> Page {
        let (connection, _) = subject.split_once(';').unwrap();
        self.idp().set_default_login(subject);
        let query = format!("connection_id={connection}&return_to={return_to}");
        self.visit(&format!("/auth/login?{query}")).await
    }

    /// Signs this person in and comes to `/protected`.
    ///
    /// # Panics
    /// If nobody is let in.
    pub(crate) async fn sign_in(&self, subject: &str) -> Page {
        let page = self.try_as(subject, "/protected").await;
        assert_eq!(page.status, 200, "{} {}", page.url, page.html());
        assert_eq!(page.json()["sub"], subject);
        page
    }

    /// Signs this person in, up to the callback's URL.
    pub(crate) async fn until_callback(&self, subject: &str) -> String {
        let (connection, _) = subject.split_once(';').unwrap();
        self.idp().set_default_login(subject);
        let path = format!("/auth/login?connection_id={connection}&return_to=/protected");
        self.back_from(&path).await
    }

    /// Goes to a path, and on up to the callback's URL.
    pub(crate) async fn back_from(&self, path: &str) -> String {
        let callback = format!("{}/auth/callback", Self::URL);
        let page = self.visit(path).stop_before(&callback).await;
        let to = page.location();
        to.unwrap_or_else(|| panic!("no way back in {}", page.html()))
            .into()
    }

    /// What the environment sends a browser to, for a sign-in that began at a customer's IdP.
    pub(crate) fn begun_at_idp(&self, route: &str, token: &str) -> Fetch {
        let url = format!("{}/auth/{route}?idp_initiated_login={token}", Self::URL);
        self.browser.visit_from(Self::ENVIRONMENT, &url)
    }

    /// A sign-in with this fault of the environment: the page, and that nobody was signed in by it.
    pub(crate) async fn refused_with(&self, fault: ScalekitFault) -> Page {
        self.browser.clear_cookies();
        self.idp().set_fault(fault.clone());
        let page = self.try_as(Self::ALICE, "/protected").await;
        self.idp().clear_faults();
        assert!(!page.status.is_success(), "{fault:?}: {}", page.html());
        assert_eq!(self.signed_in().await, None, "{fault:?}");
        assert_eq!(self.session_cookie(), None, "{fault:?}");
        page
    }

    /// Who is signed in, as the app knows it.
    pub(crate) async fn signed_in(&self) -> Option<String> {
        let page = self.visit("/").no_follow().await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html());
        Some(page.text()).filter(|name| name != "nobody")
    }

    /// The session cookie's value.
    pub(crate) fn session_cookie(&self) -> Option<String> {
        self.browser.cookie(Self::COOKIE).map(|cookie| cookie.value)
    }

    /// A browser that was never here, and the same app and environment.
    pub(crate) fn stranger(&self) -> Self {
        Self {
            browser: self.browser.stranger(),
            ..self.clone()
        }
    }

    /// Another browser with all of this one's cookies.
    pub(crate) fn copied(&self) -> Self {
        Self {
            browser: self.browser.copy(),
            ..self.clone()
        }
    }
}

/// The parameters of a URL; one that is there twice is a failure.
pub(crate) fn parameters(url: &Url) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        let before = found.insert(name.to_string(), value.into_owned());
        assert_eq!(before, None, "{name} is there twice in {url}");
    }
    found
}

fn routes() -> Router {
    let guarded = |policy| get(who).layer::<_, Infallible>(RequireLayer::new(policy));
    Router::new()
        .route("/", get(greet))
        .route("/protected", guarded(Policy::login()))
        .route("/mfa", guarded(Policy::mfa()))
        .route(
            "/okta-as-method",
            guarded(Policy::login().amr_any(["conn_example_okta"])),
        )
        .route("/password", guarded(Policy::login().amr_any(["pwd"])))
        .route(
            "/example",
            guarded(Policy::login().organization("org_example")),
        )
        .route(
            "/okta",
            guarded(Policy::login().connection("conn_example_okta")),
        )
        .route(
            "/profile",
            get(profile).layer(RequireLayer::new(Policy::login())),
        )
        .route("/token", get(token))
}

async fn greet(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
}

async fn who(session: Session, handled: Extension<Arc<AtomicUsize>>) -> Json<Value> {
    handled.fetch_add(1, Ordering::SeqCst);
    Json(json!({
        "iss": session.issuer(),
        "sub": session.subject(),
        "sid": session.sid(),
        "organization": session.organization(),
        "connection": session.connection(),
        "amr": session.amr().collect::<Vec<_>>(),
        "multi_factor": session.is_multi_factor(),
        "public_id": session.public_id(),
        "claims": session.claims(),
    }))
}

async fn profile(user: User) -> Json<Value> {
    let profile = Profile::of(&user.session().claims());
    Json(json!({
        "id": profile.id,
        "email": profile.email,
        "email_verified": profile.email_verified,
        "name": profile.name,
        "given_name": profile.given_name,
        "family_name": profile.family_name,
        "username": profile.username,
        "attributes": profile.attributes,
    }))
}

async fn token(token: AccessToken) -> String {
    token.expose().to_owned()
}
