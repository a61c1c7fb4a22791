//! The example of two apps at one Scalekit environment in a real Chromium: what a person sees and does. The number in
//! a test's name is its row in `docs/systems.md`.

mod portal;
mod sessions;

use fantoccini::Locator;
use serde_json::{Value, json};

use crate::support::{Chromium, ScalekitExample};

const LOGOUT: &str = "/oidc/logout?";

struct Site {
    example: ScalekitExample,
    browser: Chromium,
}

impl Site {
    async fn start() -> Option<Self> {
        Some(Self {
            example: ScalekitExample::start()?,
            browser: Chromium::start().await?,
        })
    }

    fn app(&self, path: &str) -> String {
        format!("{}{path}", self.example.timesheets)
    }

    /// The front page of what stands in for the environment, with the customers and the three scenarios.
    async fn front(&self) {
        self.browser.goto(&self.example.environment).await;
    }

    /// Clicks a button of that page.
    async fn scenario(&self, button: &str) {
        self.front().await;
        self.browser.click(button).await;
    }

    /// Is somebody at the page of a customer's identity provider.
    async fn at_the_idp(&self, connection: &str, user: &str) {
        assert_eq!(self.browser.text("#connection").await, connection);
        self.browser.click(&format!("#user-{user}")).await;
        self.browser.click("#submit").await;
    }

    /// Types an address where an app asks for one.
    async fn by_address(&self, address: &str) {
        self.browser.fill("[name=email]", address).await;
        self.browser.click("#by-address button").await;
    }

    async fn sign_in_as_alice(&self) {
        self.scenario("#from-app-conn_example_okta").await;
        self.at_the_idp("conn_example_okta", "alice").await;
        self.is_signed_in("alice@example.com", "org_example").await;
    }

    /// The first app's start says so.
    async fn is_signed_in(&self, who: &str, organization: &str) {
        self.browser.wait_for_url(&self.app("/")).await;
        assert_eq!(self.browser.text("#who").await, who);
        assert_eq!(self.browser.text("#organization").await, organization);
    }

    async fn nobody_is_signed_in(&self) {
        self.browser.goto(&self.app("/")).await;
        let page = self.browser.page_text().await;
        assert!(page.contains("Nobody is signed in"), "{page}");
    }

    /// The JSON in this tab, once it is at `url`.
    async fn shown(&self, url: &str) -> Value {
        self.browser.wait_for_url(url).await;
        let text = self.browser.text("pre").await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    async fn open(&self, url: &str) -> Value {
        self.browser.goto(url).await;
        self.shown(url).await
    }

    async fn sign_out(&self, app: &str, arrived: &str) {
        self.browser.goto(app).await;
        self.browser.click("#sign-out").await;
        self.browser.wait_for_url(&format!("{app}{arrived}")).await;
    }

    /// Whether the browser has been at the environment's sign-out since the last look.
    async fn was_signed_out_there(&self) -> bool {
        let logout = format!("{}{LOGOUT}", self.example.environment);
        let requests = self.browser.requests().await;
        requests.iter().any(|url| url.starts_with(&logout))
    }

    /// Opens the portal as an administrator does, and steps into its frame.
    async fn enter_portal(&self) {
        self.browser.goto(&self.app("/admin")).await;
        self.browser.click("#portal").await;
        self.browser.wait_for_url(&self.app("/admin/sso")).await;
        self.browser.enter_frame("#scalekit-portal").await;
    }

    /// Reads the administrator's page, in another tab and until this line stands there: what the frame says comes
    /// when it comes.
    async fn journal_until(&self, line: &str) -> Vec<String> {
        let here = self.browser.current_tab().await;
        self.browser.new_tab().await;
        self.browser.goto(&self.app("/admin")).await;
        let text = self.browser.reload_until("#journal", line).await;
        self.browser.client().close_window().await.unwrap();
        self.browser.switch_to(&here).await;
        text.lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn row_27_from_the_app_everybody_signs_in_at_their_own_organization() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    site.scenario("#from-app-org_example").await;
    site.at_the_idp("conn_example_okta", "bob").await;
    site.is_signed_in("bob@example.com", "org_example").await;
    let bob = site.open(&site.app("/organization")).await;
    assert_eq!(bob["iss"], json!(site.example.environment));
    assert_eq!(bob["sub"], "conn_example_okta;bob");
    assert_eq!(
        (&bob["org"], &bob["connection"], &bob["name"]),
        (
            &json!("org_example"),
            &json!("conn_example_okta"),
            &json!("Bob Brown")
        )
    );
    site.sign_out(&site.example.timesheets, "/auth/logged-out")
        .await;

    site.scenario("#from-app-conn_society_entra").await;
    site.at_the_idp("conn_society_entra", "carol").await;
    site.is_signed_in("carol@example.org", "org_society").await;
    browser.goto(&site.app("/organization")).await;
    assert!(!browser.page_text().await.contains("carol"));
    assert_eq!(browser.current_url().await, site.app("/organization"));
    let other = site.open(&site.app("/protected")).await;
    assert_eq!(other["sub"], "conn_society_entra;carol");
}

#[tokio::test]
async fn row_27_from_the_app_an_address_says_where_and_the_page_is_found_again() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    let wanted = site.app("/protected?month=may");
    browser.goto(&wanted).await;
    browser.wait_for_url(&site.app("/login?return_to=")).await;
    site.by_address("dave@example.org").await;
    let prefilled = "return document.querySelector('input:checked').id";
    browser.text("#connection").await;
    let prefilled = browser
        .client()
        .execute(prefilled, Vec::new())
        .await
        .unwrap();
    assert_eq!(prefilled, "user-dave");
    browser.click("#submit").await;
    let dave = site.shown(&wanted).await;
    assert_eq!(dave["email"], "dave@example.org");
    assert_eq!(dave["session"], "single sign-on");

    // By an address at the front page, too.
    site.sign_out(&site.example.timesheets, "/auth/logged-out")
        .await;
    site.front().await;
    browser
        .fill("#by-address [name=login_hint]", "alice@example.com\n")
        .await;
    site.at_the_idp("conn_example_okta", "alice").await;
    site.is_signed_in("alice@example.com", "org_example").await;
}

#[tokio::test]
async fn row_28_from_the_idp_a_sign_in_leads_to_where_the_relay_state_says() {
    let Some(site) = Site::start().await else {
        return;
    };
    site.front().await;
    site.browser
        .fill("#from-idp [name=relay_state]", "/protected?from=idp")
        .await;
    site.browser
        .click("#from-idp-conn_society_entra-carol")
        .await;
    site.at_the_idp("conn_society_entra", "carol").await;
    let carol = site.shown(&site.app("/protected?from=idp")).await;
    assert_eq!(
        (&carol["sub"], &carol["org"]),
        (&json!("conn_society_entra;carol"), &json!("org_society"))
    );

    // The same person again: nothing is asked, and nobody is sent anywhere else.
    site.browser.requests().await;
    site.scenario("#from-idp-conn_society_entra-carol").await;
    site.is_signed_in("carol@example.org", "org_society").await;
    let requests = site.browser.requests().await;
    assert!(!requests.iter().any(|url| url.contains("/oauth/authorize")));
}

#[tokio::test]
async fn row_28_from_the_idp_nobody_who_is_signed_in_is_replaced_unasked() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    site.sign_in_as_alice().await;
    site.scenario("#from-idp-conn_society_entra-carol").await;
    let asked = browser.text("h1").await;
    assert_eq!(asked, "Continue as alice@example.com?");
    let stay = Locator::LinkText("Continue as alice@example.com");
    browser
        .client()
        .find(stay)
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    site.is_signed_in("alice@example.com", "org_example").await;

    site.scenario("#from-idp-conn_society_entra-carol").await;
    browser.text("h1").await;
    let change = Locator::LinkText("Sign in as carol@example.org");
    browser
        .client()
        .find(change)
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    site.at_the_idp("conn_society_entra", "carol").await;
    site.is_signed_in("carol@example.org", "org_society").await;
}

#[tokio::test]
async fn row_29_an_error_is_shown_wherever_it_comes_from_and_signs_nobody_in() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    // A sign-in that began at the identity provider failed: the login route is told.
    site.front().await;
    browser.choose("#error", "connection_not_active").await;
    browser.click("#send-error").await;
    browser.wait_for_url(&site.app("/auth/login?error=")).await;
    let page = browser.page_text().await;
    assert!(page.contains("connection_not_active"), "{page}");
    site.nobody_is_signed_in().await;

    // One that began at the app fails at the identity provider: the callback is told.
    site.scenario("#from-app-org_example").await;
    browser.click("summary").await;
    browser
        .choose("#error", "signature_validation_failed")
        .await;
    browser.click("#send-error").await;
    browser.wait_for_url(&site.app("/auth/callback?")).await;
    let page = browser.page_text().await;
    assert!(page.contains("signature_validation_failed"), "{page}");
    site.nobody_is_signed_in().await;

    // Each sign-in fails, until the switch is turned.
    site.front().await;
    browser.choose("#error", "no_active_connections").await;
    browser.click("#hold-error").await;
    site.scenario("#from-app-org_example").await;
    browser.wait_for_url(&site.app("/auth/callback?")).await;
    let page = browser.page_text().await;
    assert!(page.contains("no_active_connections"), "{page}");
    site.scenario("#clear").await;
    site.sign_in_as_alice().await;
}

#[tokio::test]
async fn row_29_somebody_who_cancels_is_told_so_and_may_try_again() {
    let Some(site) = Site::start().await else {
        return;
    };
    site.scenario("#from-app-org_example").await;
    site.browser.click("#cancel").await;
    site.browser
        .wait_for_url(&site.app("/auth/callback?"))
        .await;
    assert_eq!(site.browser.text("h1").await, "You were not signed in");
    site.nobody_is_signed_in().await;
    site.sign_in_as_alice().await;
}
