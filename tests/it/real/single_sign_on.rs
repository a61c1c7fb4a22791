//! Two apps on two ports, one provider that nobody here wrote, and a real Chromium: who is signed in at one is
//! let into the other without a page, and a sign-out at one ends what it must.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_sso::clock::TestClock;
use tower_sso::{CookieKey, Policy, RequireLayer, Sso, User};

use crate::support::{Chromium, ProviderProcess, Quickstart};

const GOLD: &str = "urn:example:gold";

/// The quickstart twice, each a client of its own.
struct Two {
    idp: ProviderProcess,
    first: Quickstart,
    second: Quickstart,
    browser: Chromium,
}

impl Two {
    async fn start() -> Option<Self> {
        let (one, other) = (
            Quickstart::free_url("127.0.0.1"),
            Quickstart::free_url("127.0.0.1"),
        );
        let clients = json!([
            ProviderProcess::client("app", &one),
            ProviderProcess::client("second", &other)
        ]);
        let idp = ProviderProcess::start("127.0.0.1", &clients)?;
        let secret = ProviderProcess::secret("second");
        let own = [("SSO_CLIENT_ID", "second"), ("SSO_CLIENT_SECRET", &secret)];
        Some(Self {
            first: Quickstart::with_provider(&idp.issuer(), &one, &[])?,
            second: Quickstart::with_provider(&idp.issuer(), &other, &own)?,
            browser: Chromium::start().await?,
            idp,
        })
    }

    /// Goes to a page of an app whose answer is JSON; what the provider shows on the way stays there.
    async fn open(&self, app: &Quickstart, path: &str) -> Value {
        let url = app.at(path);
        self.browser.goto(&url).await;
        assert_eq!(self.browser.current_url().await, url);
        let text = self.browser.text("pre").await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Goes to a page that leads to the provider's, and fills that in.
    async fn sign_in(&self, app: &Quickstart, path: &str) {
        let shown = self.idp.pages_shown();
        self.browser.goto(&app.at(path)).await;
        self.fill_in().await;
        self.browser.wait_for_url(&app.url).await;
        assert_eq!(self.idp.pages_shown(), shown + 1);
    }

    async fn fill_in(&self) {
        self.browser.wait_for_url(&self.idp.issuer()).await;
        self.browser.fill("[name=user]", "alice").await;
        self.browser.click("[value=continue]").await;
    }

    async fn sign_out(&self, app: &Quickstart) {
        self.browser.goto(&app.at("/")).await;
        self.browser.click("#sign-out").await;
        leave_provider(&self.browser, &self.idp).await;
        let arrived = app.at("/auth/logged-out");
        self.browser.wait_for_url(&arrived).await;
    }

    async fn is_signed_in(&self, app: &Quickstart) -> bool {
        self.open(app, "/auth/session").await["signed_in"] == true
    }

    /// The browser has never been at this app.
    async fn forget(&self, app: &Quickstart) {
        let own = format!("sso-{}", app.url.rsplit_once(':').unwrap().1);
        for cookie in self.browser.cookies().await {
            if cookie.name().starts_with(&own) {
                let client = self.browser.client();
                client.delete_cookie(cookie.name()).await.unwrap();
            }
        }
    }
}

/// Presses the button on the provider's page that asks.
async fn leave_provider(browser: &Chromium, idp: &ProviderProcess) {
    browser.wait_for_url(&idp.issuer()).await;
    browser.click("[name=logout]").await;
}

#[tokio::test]
async fn who_is_signed_in_at_one_app_gets_into_the_other_without_a_page() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.sign_in(&two.first, "/protected").await;
    let who = two.open(&two.second, "/protected?tab=2").await;
    assert_eq!(who["sub"], "alice");
    assert_eq!(two.idp.pages_shown(), 1, "the one at the first app");
    assert_eq!(two.idp.asked_silently(), 0, "a plain redirect will do");
    assert!(two.is_signed_in(&two.first).await, "one jar, two sessions");
}

#[tokio::test]
async fn a_public_page_greets_silently_who_is_signed_in_at_the_other_app() {
    let Some(two) = Two::start().await else {
        return;
    };
    for asked in [1, 1] {
        let nobody = two.open(&two.first, "/optional").await;
        assert_eq!(nobody["signed_in"], false);
        let counts = (two.idp.pages_shown(), two.idp.asked_silently());
        assert_eq!(counts, (0, asked), "once, and without a page");
    }
    two.sign_in(&two.first, "/protected").await;
    for _ in 0..2 {
        let greeted = two.open(&two.second, "/optional?from=here").await;
        assert_eq!(greeted["sub"], "alice");
        let counts = (two.idp.pages_shown(), two.idp.asked_silently());
        assert_eq!(counts, (1, 2), "asked once at each app");
    }
    assert_eq!(two.open(&two.second, "/protected").await["sub"], "alice");
}

/// Whoever proved more to the provider at one app has proved it to the other.
#[tokio::test]
async fn a_step_up_at_one_app_is_a_step_up_at_the_other() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.sign_in(&two.first, "/protected").await;
    let before = two.open(&two.second, "/protected").await;
    assert_ne!(before["acr"], GOLD);
    two.sign_in(&two.second, "/acr").await;
    let after = two.open(&two.second, "/acr").await;
    assert_eq!(
        (&after["sub"], &after["acr"]),
        (&json!("alice"), &json!(GOLD))
    );
    let other = two.open(&two.first, "/protected").await;
    assert_ne!(other["acr"], GOLD, "its own session knows of nothing yet");
    let other = two.open(&two.first, "/acr").await;
    assert_eq!(
        (&other["sub"], &other["acr"]),
        (&json!("alice"), &json!(GOLD))
    );
    assert_eq!(two.idp.pages_shown(), 2, "sign-in and step-up");
}

/// Single sign-on brings as much as was proved and no more: who comes in with too little proves the rest, with the
/// provider's session that is there, and who comes in with enough sees no page.
#[tokio::test]
async fn a_page_that_wants_two_factors_asks_for_the_one_that_lacks() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.sign_in(&two.first, "/protected").await;
    two.browser.goto(&two.second.at("/mfa")).await;
    two.browser.wait_for_url(&two.idp.issuer()).await;
    two.browser.click("[name=amr][value=otp]").await;
    two.browser.click("[value=continue]").await;
    two.browser.wait_for_url(&two.second.at("/mfa")).await;
    let strong = two.open(&two.second, "/mfa").await;
    assert_eq!(
        (&strong["sub"], &strong["amr"]),
        (&json!("alice"), &json!(["pwd", "otp"]))
    );
    assert_eq!(two.idp.pages_shown(), 2, "sign-in and step-up");
    two.forget(&two.first).await;
    assert_eq!(two.open(&two.first, "/mfa").await["sub"], "alice");
    assert_eq!(two.idp.pages_shown(), 2);
}

#[tokio::test]
async fn a_sign_out_ends_the_session_here_and_the_one_at_the_provider() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.sign_in(&two.first, "/protected").await;
    two.open(&two.second, "/protected").await;
    two.sign_out(&two.first).await;
    assert!(!two.is_signed_in(&two.first).await);
    // Nobody has told the other app: it serves until it looks again.
    assert!(two.is_signed_in(&two.second).await);
    assert_eq!(two.open(&two.second, "/protected").await["sub"], "alice");
    // Whoever comes there anew is nobody, and has to show who they are.
    two.forget(&two.second).await;
    let silent = two.idp.asked_silently();
    let nobody = two.open(&two.second, "/optional").await;
    assert_eq!(nobody["signed_in"], false);
    assert_eq!(two.idp.asked_silently(), silent + 1, "it was asked");
    two.sign_in(&two.second, "/protected").await;
    assert!(two.is_signed_in(&two.second).await);
}

/// Threat 43, where the provider would let the person in at once: they have signed in at the other app since.
#[tokio::test]
async fn after_a_sign_out_nobody_is_signed_in_there_silently() {
    let Some(two) = Two::start().await else {
        return;
    };
    two.sign_in(&two.first, "/protected").await;
    two.sign_out(&two.first).await;
    two.sign_in(&two.second, "/protected").await;
    let shown = two.idp.pages_shown();
    let nobody = two.open(&two.first, "/optional").await;
    assert_eq!(nobody["signed_in"], false);
    assert_eq!(two.idp.asked_silently(), 0, "the provider is not asked");
    // On purpose it needs no page, and from then on no purpose.
    assert_eq!(two.open(&two.first, "/protected").await["sub"], "alice");
    two.forget(&two.first).await;
    assert_eq!(two.open(&two.first, "/optional").await["sub"], "alice");
    assert_eq!(two.idp.pages_shown(), shown);
}

/// An app in this process, whose clock can be moved, at a port that a real browser reaches.
async fn serve(listener: TcpListener, url: &str, idp: &ProviderProcess, id: &str) -> TestClock {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let clock = TestClock::at(now.as_secs());
    let sso = Sso::builder(idp.issuer())
        .client(id, ProviderProcess::secret(id))
        .base_url(url)
        .cookie_key(CookieKey::generate())
        .clock(Arc::new(clock.clone()))
        .build()
        .unwrap();
    let who = |user: User| async move { user.subject().to_owned() };
    let guarded = get(who).layer(RequireLayer::new(Policy::login()));
    let app = sso.into_axum(Router::new().route("/protected", guarded));
    tokio::spawn(async move { axum::serve(listener, app).await });
    clock
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// The provider ends at a sign-out what it has granted to each app, and says so at the next renewal.
#[tokio::test]
async fn a_sign_out_at_one_app_reaches_the_other_when_it_renews_its_session() {
    let (one, other) = (listen().await, listen().await);
    let clients = json!([
        ProviderProcess::client("app", &one.1),
        ProviderProcess::client("second", &other.1)
    ]);
    let Some(idp) = ProviderProcess::start("127.0.0.1", &clients) else {
        return;
    };
    let Some(browser) = Chromium::start().await else {
        return;
    };
    serve(one.0, &one.1, &idp, "app").await;
    let clock = serve(other.0, &other.1, &idp, "second").await;
    let (here, there) = (
        format!("{}/protected", one.1),
        format!("{}/protected", other.1),
    );
    browser.goto(&here).await;
    browser.fill("[name=user]", "alice").await;
    browser.click("[value=continue]").await;
    browser.wait_for_url(&here).await;
    let is_let_in = async || {
        browser.goto(&there).await;
        browser.current_url().await == there && browser.page_text().await == "alice"
    };
    assert!(is_let_in().await);
    // Access tokens live 300 s there.
    clock.advance(Duration::from_secs(245));
    assert!(is_let_in().await, "renewed");
    browser.goto(&format!("{}/auth/logout", one.1)).await;
    browser.click("form button").await;
    leave_provider(&browser, &idp).await;
    browser.wait_for_url(&one.1).await;
    clock.advance(Duration::from_secs(200));
    assert!(is_let_in().await, "not told yet");
    let shown = idp.pages_shown();
    clock.advance(Duration::from_secs(45));
    browser.goto(&there).await;
    browser.wait_for_url(&idp.issuer()).await;
    assert_eq!(browser.text("h1").await, "Sign in");
    assert_eq!(idp.pages_shown(), shown + 1);
}
