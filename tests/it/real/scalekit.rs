//! The example of two apps at one Scalekit environment in a real Chromium: what a person sees and does. The number in
//! a test's name is its row in `docs/systems.md`.

use fantoccini::Locator;
use http::Method;
use serde_json::{Value, json};
use tower_sso::simulator::ScalekitSimulator;

use crate::support::{Browser, Chromium, Fetch, ScalekitExample};

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
async fn who_has_no_single_sign_on_signs_in_by_the_apps_password_beside_it() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    browser.goto(&site.app("/protected")).await;
    // The newcomer's connection is a draft.
    site.by_address("erin@example.net").await;
    browser.wait_for_url(&site.app("/password?")).await;
    browser.fill("[name=password]", "wrong").await;
    browser.click("form button").await;
    assert!(browser.text("[role=alert]").await.contains("do not fit"));
    browser.fill("[name=password]", "newcomer").await;
    browser.click("form button").await;
    let erin = site.shown(&site.app("/protected")).await;
    assert_eq!(
        (&erin["session"], &erin["name"]),
        (&json!("own"), &json!("erin@example.net"))
    );
    let requests = browser.requests().await;
    let mut away = requests
        .iter()
        .filter(|url| url.starts_with(&site.example.environment));
    assert_eq!(away.next(), None, "nobody is sent away for nothing");

    // What is for one customer's people is not opened by the app's own session.
    browser.goto(&site.app("/organization")).await;
    browser.wait_for_url(&site.app("/login?")).await;

    browser.goto(&site.app("/")).await;
    browser.click("#sign-out").await;
    browser.wait_for_url(&site.app("/")).await;
    site.nobody_is_signed_in().await;
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

#[tokio::test]
async fn row_34_the_app_with_its_own_sessions_gets_identities_and_keeps_its_cookie() {
    let Some(site) = Site::start().await else {
        return;
    };
    let (browser, archive) = (&site.browser, &site.example.archive);
    let protected = format!("{archive}/protected");
    browser.goto(&protected).await;
    browser
        .wait_for_url(&format!("{archive}/login?return_to="))
        .await;
    site.by_address("bob@example.com").await;
    site.at_the_idp("conn_example_okta", "bob").await;
    let bob = site.shown(&protected).await;
    assert_eq!(
        (&bob["session"], &bob["name"], &bob["org"]),
        (
            &json!("own"),
            &json!("bob@example.com"),
            &json!("org_example")
        )
    );
    let names: Vec<_> = browser.cookies().await;
    let names: Vec<_> = names.iter().map(|cookie| cookie.name()).collect();
    assert!(names.contains(&"own-session-Archive"), "{names:?}");
    let port = archive.rsplit(':').next().unwrap();
    assert!(!names.contains(&&*format!("sso-{port}")), "{names:?}");

    // The other app's sessions are its own business.
    site.nobody_is_signed_in().await;

    browser.requests().await;
    site.sign_out(archive, "/signed-out").await;
    assert!(site.was_signed_out_there().await);
    browser.goto(&protected).await;
    browser.wait_for_url(&format!("{archive}/login?")).await;

    // Who comes back is who they were.
    site.by_address("bob@example.com").await;
    site.at_the_idp("conn_example_okta", "bob").await;
    assert_eq!(site.shown(&protected).await["account"], bob["account"]);
}

#[tokio::test]
async fn row_36_an_administrator_switches_a_connection_off_in_a_frame_of_another_site() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    site.sign_in_as_alice().await;
    site.enter_portal().await;
    let title = browser.text("h1").await;
    assert_eq!(title, "Single sign-on of Example Corp");
    browser.click("#disable-conn_example_okta").await;
    browser.text("#enable-conn_example_okta").await;
    let journal = site.journal_until("ORGANIZATION_SSO_DISABLED").await;
    assert_eq!(
        journal,
        [
            "portal: ORGANIZATION_SSO_DISABLED",
            "portal: PORTAL_LOAD_SUCCESS"
        ]
    );
    assert_eq!(browser.violations().await, Vec::<String>::new());

    // Nobody is sent to a connection that is off, from the next page on.
    site.sign_out(&site.example.timesheets, "/auth/logged-out")
        .await;
    browser.goto(&site.app("/login")).await;
    site.by_address("bob@example.com").await;
    browser.wait_for_url(&site.app("/password?")).await;
}

#[tokio::test]
async fn row_36_who_is_no_administrator_gets_no_portal() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    browser.goto(&site.app("/admin/sso")).await;
    browser.wait_for_url(&site.app("/login?return_to=")).await;
    site.by_address("bob@example.com").await;
    site.at_the_idp("conn_example_okta", "bob").await;
    browser.wait_for_url(&site.app("/admin/sso")).await;
    let page = browser.page_text().await;
    assert!(
        page.contains("not allowed") || page.contains("may not"),
        "{page}"
    );
    let frames = browser.client().find_all(Locator::Css("iframe")).await;
    assert!(frames.unwrap().is_empty());
}

#[tokio::test]
async fn row_37_each_event_of_the_portal_reaches_the_app() {
    let Some(site) = Site::start().await else {
        return;
    };
    site.sign_in_as_alice().await;
    site.enter_portal().await;
    for event in [
        "ORGANIZATION_SSO_ENABLED",
        "ORGANIZATION_SSO_DISABLED",
        "ORGANIZATION_DIRECTORY_ENABLED",
        "ORGANIZATION_DIRECTORY_DISABLED",
        "PORTAL_LOAD_FAILURE",
        "PORTAL_SESSION_WARNING",
        "PORTAL_SESSION_EXPIRY",
    ] {
        site.browser.click("summary").await;
        site.browser.click(&format!("#{event}")).await;
        let journal = site.journal_until(event).await;
        assert_eq!(journal[0], format!("portal: {event}"));
        site.browser.enter_frame("#scalekit-portal").await;
    }
}

/// A webhook that was signed with the environment's secret is shown to the customer's administrators; any other is
/// refused.
#[tokio::test]
async fn a_webhook_reaches_the_administrator_whose_organization_it_is_about() {
    let Some(site) = Site::start().await else {
        return;
    };
    let simulator = ScalekitSimulator::demo_builder("http://127.0.0.1:1", "http://127.0.0.1:2")
        .webhook_secret(site.example.webhook_secret())
        .build();
    let data = |organization| json!({ "id": "conn_1", "organization_id": organization });
    let webhook = |event, organization| simulator.handle().webhook(event, data(organization));
    let post = |webhook: &tower_sso::simulator::ScalekitWebhook| -> Fetch {
        let url = site.app("/webhooks/scalekit");
        let mut post = Browser::new().visit(&url).method(Method::POST);
        for (name, value) in &webhook.headers() {
            if name.as_str().starts_with("webhook-") {
                post = post.header(name.as_str(), value.to_str().unwrap());
            }
        }
        post.body("application/json", webhook.body().to_owned())
    };
    let enabled = webhook("organization.sso_enabled", "org_example");
    assert_eq!(post(&enabled).await.status, 200);
    let elsewhere = webhook("organization.sso_disabled", "org_society");
    assert_eq!(post(&elsewhere).await.status, 200);
    let forged = enabled.signed_with("whsec_c29tZWJvZHkgZWxzZSdzIGtleSBvZiBhIHdlYmhvb2s=");
    assert_eq!(post(&forged).await.status, 401);

    site.sign_in_as_alice().await;
    let journal = site.journal_until("webhook").await;
    assert_eq!(journal, ["webhook: organization.sso_enabled"]);
}

#[tokio::test]
async fn a_sign_out_ends_the_session_at_the_app_and_at_scalekit() {
    let Some(site) = Site::start().await else {
        return;
    };
    site.sign_in_as_alice().await;
    site.browser.requests().await;
    site.sign_out(&site.example.timesheets, "/auth/logged-out")
        .await;
    assert!(site.was_signed_out_there().await);
    site.browser.goto(&site.app("/protected")).await;
    site.browser.wait_for_url(&site.app("/login?")).await;
}

/// Each page has its style, and is refused nothing by its own policy.
#[tokio::test]
async fn the_pages_ask_for_nothing_that_their_policy_forbids() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    for page in ["/", "/login", "/password"] {
        browser.goto(&site.app(page)).await;
        is_sound(browser).await;
    }
    site.sign_in_as_alice().await;
    is_sound(browser).await;
    browser.goto(&site.app("/admin")).await;
    is_sound(browser).await;
    browser.goto(&site.example.archive).await;
    is_sound(browser).await;
}

async fn is_sound(browser: &Chromium) {
    let page = browser.current_url().await;
    let border = "return getComputedStyle(document.querySelector('main')).borderTopStyle";
    let border = browser.client().execute(border, Vec::new()).await.unwrap();
    assert_eq!(border, "solid", "{page}");
    assert_eq!(browser.violations().await, Vec::<String>::new(), "{page}");
}

/// Cookies, tokens and the portal's link reach neither a page of somebody else nor the log.
#[tokio::test]
async fn the_log_tells_who_did_what_and_no_secret() {
    let Some(site) = Site::start().await else {
        return;
    };
    site.sign_in_as_alice().await;
    site.enter_portal().await;
    site.browser.leave_frame().await;
    let link = "return document.querySelector('iframe').src";
    let link = site.browser.client().execute(link, Vec::new()).await;
    let link = link.unwrap().as_str().unwrap().to_owned();
    let cookies = site.browser.cookies().await;
    site.sign_out(&site.example.timesheets, "/auth/logged-out")
        .await;
    let log = site.example.log_until("signed out").await;
    assert!(log.contains("conn_example_okta;alice"), "{log}");
    let cookies = cookies.iter().map(|cookie| cookie.value().to_owned());
    let known = ["demo-secret", site.example.webhook_secret(), &link].map(str::to_owned);
    for secret in cookies.chain(known) {
        assert!(!log.contains(&secret), "{secret} is in the log: {log}");
    }
}
