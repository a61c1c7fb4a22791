//! Row 34: an app that keeps its own users and sessions, and takes identities only.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{self, CACHE_CONTROL, CONTENT_LOCATION, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use tower_sso::clock::TestClock;
use tower_sso::provider::InProcessClient;
use tower_sso::simulator::ScalekitSimulator;
use tower_sso::vendor::scalekit::{Scalekit, ScalekitConfig};
use tower_sso::{BoxError, CookieKey, Decision, Identity, Policy, RequireLayer, Sso};

use crate::support::{Browser, Page};

const APP: &str = "https://app.example.com";
const ENVIRONMENT: &str = "https://acme.scalekit.example";
const COOKIE_NAME: &str = "__Host-account";
const ALICE: &str = "conn_example_okta;alice";

/// Who is signed in, by the app's own word.
#[derive(Clone)]
struct Account(usize);

/// The app's accounts, and its key for cookies.
#[derive(Clone)]
struct Own {
    key: Key,
    accounts: Arc<Mutex<HashMap<(String, String), usize>>>,
    /// What else the hook wants in the answer.
    more: Arc<Mutex<HeaderMap>>,
    /// Whether the crate's sessions are still the app's, as before it had some of its own.
    accepts: Arc<AtomicBool>,
}

impl Own {
    async fn take(self, identity: Identity) -> Result<Decision, BoxError> {
        if self.accepts.load(Ordering::Relaxed) {
            return Ok(Decision::Accept);
        }
        let claims = &identity.claims;
        let who = (claims.issuer.as_str().to_owned(), claims.subject.clone());
        let mut accounts = self.accounts.lock().unwrap();
        let next = accounts.len();
        let account = *accounts.entry(who).or_insert(next);
        let mut headers = self.more.lock().unwrap().clone();
        let line = format!(
            "{}; Path=/; Secure; HttpOnly; SameSite=Lax",
            self.cookie(account)
        );
        headers.append(SET_COOKIE, HeaderValue::from_str(&line).unwrap());
        Ok(Decision::OwnSession(headers))
    }

    fn cookie(&self, account: usize) -> String {
        let text = account.to_string();
        let tag = URL_SAFE_NO_PAD.encode(sign(&self.key, text.as_bytes()));
        format!("{COOKIE_NAME}={text}.{tag}")
    }

    fn read(&self, headers: &HeaderMap) -> Option<Account> {
        let field = headers.get(COOKIE)?.to_str().ok()?;
        let mut pairs = field.split("; ").filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|pair| pair.0 == COOKIE_NAME)?;
        let (text, tag) = value.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        verify(&self.key, text.as_bytes(), &tag).ok()?;
        text.parse().ok().map(Account)
    }
}

async fn authenticate(State(own): State<Own>, mut request: Request, next: Next) -> Response {
    if let Some(account) = own.read(request.headers()) {
        request.extensions_mut().insert(account);
    }
    next.run(request).await
}

struct App {
    browser: Browser,
    simulator: ScalekitSimulator,
    own: Own,
}

impl App {
    fn new() -> Self {
        Self::with(|router, own| router.layer(from_fn_with_state(own, authenticate)))
    }

    /// With another layer of its own.
    fn with(layer: impl FnOnce(Router, Own) -> Router) -> Self {
        let clock = TestClock::at(1_800_000_000);
        let simulator = ScalekitSimulator::demo_builder(ENVIRONMENT, APP)
            .clock(Arc::new(clock.clone()))
            .build();
        let http = Arc::new(InProcessClient::new(simulator.router()));
        let mut config = ScalekitConfig::new(ENVIRONMENT, "skc_demo", "demo-secret");
        config.selectors.connection = Some("conn_example_okta".to_owned());
        let scalekit = Scalekit::with_http_client(config, http).unwrap();
        let own = Own {
            key: Key::new(HMAC_SHA256, b"the app's own key, of 32 bytes..."),
            accounts: Arc::default(),
            more: Arc::default(),
            accepts: Arc::default(),
        };
        let hook = own.clone();
        let sso = Sso::with_provider(scalekit.with_clock(Arc::new(clock.clone())))
            .base_url(APP)
            .cookie_key(CookieKey::generate())
            .clock(Arc::new(clock.clone()))
            .on_identity(move |identity| hook.clone().take(identity))
            .build()
            .unwrap();
        let required = RequireLayer::new(Policy::login())
            .pass_through(|request| request.extensions.get::<Account>().is_some());
        let ours = RequireLayer::new(Policy::login());
        let router = Router::new()
            .route("/protected", get(account).layer(required))
            .route(
                "/ours",
                get(|| async { "with a session of the crate" }).layer(ours),
            );
        let browser = Browser::with_clock(&clock);
        browser.serve(APP, sso.into_axum(layer(router, own.clone())));
        browser.serve(ENVIRONMENT, simulator.router());
        Self {
            browser,
            simulator,
            own,
        }
    }

    async fn sign_in(&self, connection: &str, subject: &str) -> Page {
        self.simulator.handle().set_default_login(subject);
        let url =
            format!("{APP}/auth/login?connection_id={connection}&return_to=%2Fprotected%3Fa%3Db");
        self.browser.visit(&url).await
    }
}

async fn account(Extension(account): Extension<Account>) -> String {
    format!("account {}", account.0)
}

#[tokio::test]
async fn row_34_who_signs_in_gets_the_apps_own_session_and_none_of_the_crate() {
    let app = App::new();
    let page = app.sign_in("conn_example_okta", ALICE).await;
    assert_eq!(page.url.as_str(), format!("{APP}/protected?a=b"));
    assert_eq!(page.text(), "account 0");
    assert_eq!(page.header("cache-control").unwrap(), "private, no-store");
    let back = page.hop(&format!("{APP}/auth/callback")).unwrap();
    assert_eq!(back.headers[CACHE_CONTROL], "private, no-store");
    assert!(app.browser.cookie(COOKIE_NAME).is_some());
    assert!(app.browser.cookie("__Host-sso").is_none());
    // The app's session is no session of the crate.
    app.simulator.handle().set_default_login(None);
    let page = app.browser.visit(&format!("{APP}/ours")).await;
    assert_ne!(page.url.path(), "/ours");
}

#[tokio::test]
async fn row_34_the_account_is_found_by_issuer_and_subject() {
    let app = App::new();
    let again = |page: Page| page.text();
    assert_eq!(
        again(app.sign_in("conn_example_okta", ALICE).await),
        "account 0"
    );
    let carol = "conn_society_entra;carol";
    assert_eq!(
        again(app.sign_in("conn_society_entra", carol).await),
        "account 1"
    );
    assert_eq!(
        again(app.sign_in("conn_example_okta", ALICE).await),
        "account 0"
    );
}

#[tokio::test]
async fn row_34_nobody_passes_without_the_word_of_the_apps_own_layer() {
    let app = App::new();
    let good = app.own.cookie(0);
    let (_, tag) = good.rsplit_once('.').unwrap();
    for cookie in [
        format!("{COOKIE_NAME}=0.AAAA"),
        format!("{COOKIE_NAME}=1.{tag}"),
        format!("{COOKIE_NAME}=0"),
    ] {
        app.browser
            .set_cookie(APP, &format!("{cookie}; Path=/; Secure"))
            .unwrap();
        let page = app.browser.visit(&format!("{APP}/protected")).no_follow();
        assert_eq!(page.await.status, 303, "{cookie}");
    }
    // Without that layer the cookie is nobody's word.
    let app = App::with(|router, _| router);
    let line = format!("{}; Path=/; Secure", app.own.cookie(0));
    app.browser.set_cookie(APP, &line).unwrap();
    let page = app.browser.visit(&format!("{APP}/protected")).no_follow();
    assert_eq!(page.await.status, 303);
}

/// Where the person goes on to is what the strict parser made of the `return_to`, whatever the hook says.
#[tokio::test]
async fn row_34_the_hooks_headers_choose_no_other_place() {
    let app = App::new();
    let mut more = HeaderMap::new();
    more.insert(LOCATION, HeaderValue::from_static("https://evil.example/"));
    more.append(
        SET_COOKIE,
        HeaderValue::from_static("second=1; Path=/; Secure"),
    );
    more.insert(CONTENT_LOCATION, HeaderValue::from_static("/x"));
    *app.own.more.lock().unwrap() = more;
    let page = app.sign_in("conn_example_okta", ALICE).await;
    assert_eq!(page.url.as_str(), format!("{APP}/protected?a=b"));
    // Both cookies of the hook arrive, beside those of the sign-in.
    assert!(app.browser.cookie("second").is_some());
    assert!(app.browser.cookie(COOKIE_NAME).is_some());
    let cookies = app.browser.cookies();
    assert!(
        !cookies
            .iter()
            .any(|cookie| cookie.name.starts_with("__Host-sso-login-"))
    );
}

/// An app may take over the headers of another answer, as its session service's. Of those the next reader would take
/// the length of a body that is not there, and wait for it in what comes after (RFC 9112 section 6.3).
#[tokio::test]
async fn row_34_the_hooks_headers_say_nothing_of_the_message() {
    let app = App::new();
    let mut more = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_LENGTH, "512"),
        (header::TRANSFER_ENCODING, "chunked"),
        (header::TRAILER, "digest"),
        (header::CONNECTION, "close, set-cookie"),
        (header::UPGRADE, "h2c"),
        (header::CONTENT_ENCODING, "gzip"),
        (header::CONTENT_TYPE, "text/html"),
        (header::REFRESH, "0;url=https://evil.example/"),
        (header::CACHE_CONTROL, "public, max-age=600"),
    ] {
        more.append(name, HeaderValue::from_static(value));
    }
    let names: Vec<_> = more.keys().cloned().collect();
    *app.own.more.lock().unwrap() = more;
    let page = app.sign_in("conn_example_okta", ALICE).await;
    assert_eq!(page.text(), "account 0");
    let back = page.hop(&format!("{APP}/auth/callback")).unwrap();
    for name in names {
        let kept = back.headers.get(&name).filter(|value| *value != "0");
        match name {
            CACHE_CONTROL => assert_eq!(kept.unwrap(), "private, no-store"),
            _ => assert!(kept.is_none(), "{name}: {kept:?}"),
        }
    }
}

/// With both, the browser would be two people at once, and the first one again when the app's session ends.
#[tokio::test]
async fn row_34_a_session_of_the_app_leaves_none_of_the_crate_beside_it() {
    let app = App::new();
    app.own.accepts.store(true, Ordering::Relaxed);
    let url = format!("{APP}/auth/login?return_to=%2Fours");
    app.simulator.handle().set_default_login(ALICE);
    let page = app.browser.visit(&url).await;
    assert_eq!(page.text(), "with a session of the crate");
    let before = app.browser.cookie("__Host-sso").unwrap().value;

    app.own.accepts.store(false, Ordering::Relaxed);
    let bob = "conn_example_okta;bob";
    let page = app.sign_in("conn_example_okta", bob).await;
    assert_eq!(page.text(), "account 0");
    assert!(app.browser.cookie("__Host-sso").is_none());
    // Nor does it live on for who has its cookie.
    let line = format!("__Host-sso={before}; Path=/; Secure");
    app.browser.set_cookie(APP, &line).unwrap();
    let page = app.browser.visit(&format!("{APP}/ours")).no_follow().await;
    assert_eq!(page.status, 303);
}

/// The app's cookie does not stick, say: the provider knows the person, so nothing would stop the browser.
#[tokio::test]
async fn row_34_a_session_that_does_not_stick_goes_round_a_few_times_only() {
    let app = App::with(|router, _| router);
    let page = app.sign_in("conn_example_okta", ALICE).await;
    assert_eq!(page.status, 403, "{}", page.html());
    assert!(page.html().contains("circles"), "{}", page.html());
    assert!(app.simulator.handle().code_grants() <= 6);
}
