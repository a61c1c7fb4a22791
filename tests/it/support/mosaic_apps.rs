//! Two apps of one backend at a simulated Mosaic, with sign-in pages of their own as the example has them.

mod routes;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use tower_sso::clock::TestClock;
use tower_sso::provider::HttpClient;
use tower_sso::session::directory::MemoryDirectory;
use tower_sso::simulator::{MosaicEndpoint, MosaicHandle, MosaicSimulator, MosaicUser};
use tower_sso::vendor::mosaic::{Mosaic, MosaicConfig, Region};
use tower_sso::{CookieKey, PeerAddress, Sso, SsoBuilder};

use self::routes::routes;
use super::browser::{Browser, Fetch, Page};
use super::remote_store::RemoteStore;
use super::wire::Wire;

/// Two apps under one domain that share a directory and a client of Mosaic, and a browser. Each call to Mosaic
/// is written down.
#[derive(Clone)]
pub(crate) struct MosaicApps {
    pub(crate) browser: Browser,
    pub(crate) clock: TestClock,
    pub(crate) simulator: MosaicSimulator,
    pub(crate) wire: Wire,
    pub(crate) mosaic: Mosaic,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) one: Sso,
    pub(crate) two: Sso,
}

impl MosaicApps {
    pub(crate) const ONE: &str = "https://one.example.com";
    pub(crate) const TWO: &str = "https://two.example.com";
    pub(crate) const API: &str = "https://api.eu.transmitsecurity.io";
    pub(crate) const ISSUER: &str = "https://eu.userid.security";
    pub(crate) const TENANT: &str = "acme";
    pub(crate) const CLIENT: &str = "two-apps";
    pub(crate) const SECRET: &str = "the-secret-of-two-apps";
    pub(crate) const PASSWORD: &str = "wonderland-behind-the-glass";
    pub(crate) const SESSION: &str = "__Host-sso";
    pub(crate) const HANDLE: &str = "__Secure-sso-handle";
    /// How long tokens live there, in seconds.
    pub(crate) const LIFE: u64 = 3_600;
    /// How much of that is left when they are renewed.
    pub(crate) const AHEAD: u64 = 60;

    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// With options for both.
    pub(crate) fn with(configure: impl Fn(SsoBuilder) -> SsoBuilder) -> Self {
        let clock = TestClock::at(1_800_000_000);
        Self::build(clock, configure, |_| (), plain)
    }

    /// In another region.
    pub(crate) fn in_region(region: &Region) -> Self {
        let clock = TestClock::at(1_800_000_000);
        Self::build(
            clock,
            |builder| builder,
            |config| config.region = region.clone(),
            plain,
        )
    }

    /// With sessions in stores that are not in this process.
    pub(crate) fn with_remote_stores() -> Self {
        let clock = TestClock::at(1_800_000_000);
        Self::build(
            clock.clone(),
            |builder| builder.session_store(Arc::new(RemoteStore::new(&clock))),
            |_| (),
            plain,
        )
    }

    /// With something between the client of Mosaic and the wire.
    pub(crate) fn tapped(tap: impl FnOnce(Wire) -> Arc<dyn HttpClient>) -> Self {
        let clock = TestClock::at(1_800_000_000);
        Self::build(clock, |builder| builder, |_| (), tap)
    }

    /// With calls that go out through this client, to a simulator on loopback.
    pub(crate) async fn over(http: Arc<dyn HttpClient>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let apps = Self::build(
            TestClock::at(1_800_000_000),
            |builder| builder,
            |config| config.region = Region::custom(&url, &url).unwrap(),
            |_| http,
        );
        tokio::spawn(apps.simulator.clone().serve(listener));
        apps
    }

    fn build(
        clock: TestClock,
        configure: impl Fn(SsoBuilder) -> SsoBuilder,
        register: impl Fn(&mut MosaicConfig),
        tap: impl FnOnce(Wire) -> Arc<dyn HttpClient>,
    ) -> Self {
        let mut config = MosaicConfig::new(Region::Eu, Self::CLIENT, Self::SECRET);
        config.tenant = Some(Self::TENANT.to_owned());
        register(&mut config);
        let simulator = simulator(config.region.issuer(), &clock);
        let wire = Wire::default();
        wire.connect(simulator.router());
        let mosaic = Mosaic::with_http_client(config, tap(wire.clone()))
            .unwrap()
            .with_clock(Arc::new(clock.clone()));
        let directory = Arc::new(MemoryDirectory::new(Arc::new(clock.clone())));
        let make = |url: &str| {
            let builder = Sso::with_provider(mosaic.clone())
                .base_url(url)
                .cookie_key(CookieKey::generate())
                .clock(Arc::new(clock.clone()))
                .session_directory(directory.clone())
                .shared_domain("example.com");
            configure(builder).build().unwrap()
        };
        let apps = Self {
            browser: Browser::with_clock(&clock),
            one: make(Self::ONE),
            two: make(Self::TWO),
            clock,
            simulator,
            wire,
            mosaic,
            directory,
        };
        apps.serve(&apps.browser);
        apps
    }

    /// Lets another browser reach both.
    pub(crate) fn serve(&self, browser: &Browser) {
        for (url, sso) in [(Self::ONE, &self.one), (Self::TWO, &self.two)] {
            browser.serve(url, sso.into_axum(routes(url, &self.mosaic)));
        }
    }

    /// Lets the browser's connections come from this address.
    pub(crate) fn come_from(&self, address: IpAddr) {
        for (url, sso) in [(Self::ONE, &self.one), (Self::TWO, &self.two)] {
            let app = sso.into_axum(routes(url, &self.mosaic));
            let service = app.map_request(move |mut request: Request<Body>| {
                request.extensions_mut().insert(PeerAddress::from(address));
                request
            });
            self.browser.serve(url, service);
        }
    }

    /// A browser that was never here.
    pub(crate) fn stranger(&self) -> Browser {
        let browser = Browser::with_clock(&self.clock);
        self.serve(&browser);
        browser
    }

    pub(crate) fn idp(&self) -> &MosaicHandle {
        self.simulator.handle()
    }

    /// How many calls for silent authentication went out.
    pub(crate) fn asked(&self) -> u64 {
        self.idp().requests(MosaicEndpoint::SessionAuthenticate)
    }

    /// How many refresh tokens went out.
    pub(crate) fn refreshed(&self) -> u64 {
        self.idp().requests(MosaicEndpoint::Refresh)
    }

    /// How many calls went out, of whatever kind.
    pub(crate) fn calls(&self) -> usize {
        self.wire.sent().len()
    }

    /// The bodies of all calls to this path.
    pub(crate) fn sent_to(&self, path: &str) -> Vec<Value> {
        let mut calls = self.wire.sent();
        calls.retain(|call| call.uri().path() == path);
        let body = |call: &http::Request<bytes::Bytes>| serde_json::from_slice(call.body());
        calls.iter().map(|call| body(call).unwrap()).collect()
    }

    pub(crate) fn seconds(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Goes on to where tokens are about to end.
    pub(crate) fn until_renewal(&self) {
        self.seconds(Self::LIFE - Self::AHEAD);
    }

    /// Types a path of an app into the address bar, and follows no redirect.
    pub(crate) fn ask(&self, origin: &str, path: &str) -> Fetch {
        self.browser.visit(&format!("{origin}{path}")).no_follow()
    }

    /// What a page is answered with, without a redirect.
    pub(crate) async fn status(&self, origin: &str, path: &str) -> StatusCode {
        self.ask(origin, path).await.status
    }

    /// Who is signed in, or nobody, as the app alone knows it.
    pub(crate) async fn known_as(&self, origin: &str) -> String {
        self.ask(origin, "/").await.text()
    }

    /// Sends a form from a page of the app.
    pub(crate) async fn post(&self, origin: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        self.browser
            .visit_from(origin, &format!("{origin}{path}"))
            .post_form(fields)
            .await
    }

    /// The value of an app's own session cookie.
    pub(crate) fn session_cookie(&self, origin: &str) -> Option<String> {
        let mut cookies = self.browser.cookies().into_iter();
        let own = cookies.find(|cookie| {
            cookie.name == Self::SESSION && origin == format!("https://{}", cookie.domain)
        });
        own.map(|cookie| cookie.value)
    }

    /// The value of the browser's handle.
    pub(crate) fn handle(&self) -> Option<String> {
        let cookie = self.browser.cookie(Self::HANDLE)?;
        Some(cookie.value)
    }

    /// Signs in with a password and comes to `/protected`.
    pub(crate) async fn sign_in(&self, origin: &str, user: &str) -> Page {
        let page = self
            .post(
                origin,
                "/login",
                &[
                    ("username", user),
                    ("password", Self::PASSWORD),
                    ("return_to", "/protected"),
                ],
            )
            .await;
        assert_eq!(page.status, 200, "{}", page.html());
        page
    }

    /// Adds a code that was sent by this channel to the session that stands, and comes to `return_to`.
    pub(crate) async fn add_code(&self, origin: &str, channel: &str, return_to: &str) -> Page {
        let page = self
            .post(origin, "/login/code", &[("channel", channel)])
            .await;
        assert_eq!(page.status, 200, "{}", page.html());
        let code = self.idp().last_code("alice").unwrap();
        let fields = [
            ("channel", channel),
            ("passcode", &*code),
            ("return_to", return_to),
        ];
        self.post(origin, "/login/otp", &fields).await
    }

    pub(crate) async fn sign_out(&self, origin: &str) -> Page {
        self.post(origin, "/auth/logout", &[]).await
    }
}

/// Nothing between.
fn plain(wire: Wire) -> Arc<dyn HttpClient> {
    Arc::new(wire)
}

fn simulator(issuer: &str, clock: &TestClock) -> MosaicSimulator {
    let user = |name: &str| {
        MosaicUser::new(name)
            .with_password(MosaicApps::PASSWORD)
            .with_email(&format!("{name}@example.com"))
            .with_phone("+15550100")
    };
    MosaicSimulator::builder(issuer)
        .client(MosaicApps::CLIENT, MosaicApps::SECRET)
        .tenant(MosaicApps::TENANT)
        .redirect_uri(&format!("{}/login/link", MosaicApps::ONE))
        .user(user("alice"))
        .user(user("bob"))
        .clock(Arc::new(clock.clone()))
        .build()
}
