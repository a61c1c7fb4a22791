//! The example of two apps at one Mosaic in a real Chromium: what a person sees and does.

use serde_json::{Value, json};

use crate::support::{Browser, Chromium, MosaicExample, Tab};

struct Site {
    example: MosaicExample,
    browser: Chromium,
}

impl Site {
    async fn start() -> Option<Self> {
        Some(Self {
            example: MosaicExample::start()?,
            browser: Chromium::start().await?,
        })
    }

    async fn fill_in(&self, name: &str, password: &str) {
        self.browser.fill("[name=username]", name).await;
        self.browser.fill("[name=password]", password).await;
        self.browser.click("form button").await;
    }

    async fn sign_in(&self) {
        let url = format!("{}/protected", self.example.orders);
        self.browser.goto(&url).await;
        self.fill_in("alice", "wonderland").await;
        self.browser.wait_for_url(&url).await;
    }

    /// Goes to a page of an app that answers with JSON, and with no other page first.
    async fn open(&self, app: &str, path: &str) -> Value {
        let url = format!("{app}{path}");
        self.browser.goto(&url).await;
        self.shown(&url).await
    }

    /// The JSON in this tab, once it is at `url`.
    async fn shown(&self, url: &str) -> Value {
        self.browser.wait_for_url(url).await;
        let text = self.browser.text("pre").await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Reads the newest code where the stand-in shows it, in a tab of its own.
    async fn code(&self) -> String {
        let here = self.browser.current_tab().await;
        self.browser.new_tab().await;
        self.browser.goto(&self.example.mosaic).await;
        let code = self.browser.text("#sent li:first-child code").await;
        self.back_to(&here).await;
        code
    }

    async fn back_to(&self, tab: &Tab) {
        self.browser.client().close_window().await.unwrap();
        self.browser.switch_to(tab).await;
    }

    /// Adds the factor that an app's `/mfa` asks for.
    async fn step_up(&self, app: &str) -> Value {
        let mfa = format!("{app}/mfa");
        self.browser.goto(&mfa).await;
        self.browser.wait_for_url(&format!("{app}/login?")).await;
        assert_eq!(self.browser.text("h1").await, "Is it you?");
        self.browser.click("form button").await;
        self.browser
            .wait_for_url(&format!("{app}/login/code"))
            .await;
        let code = self.code().await;
        self.browser.fill("[name=passcode]", &code).await;
        self.browser.click("form button").await;
        self.shown(&mfa).await
    }

    async fn sign_out(&self, app: &str) {
        self.browser.goto(app).await;
        self.browser.click("#sign-out").await;
        let arrived = format!("{app}/auth/logged-out");
        self.browser.wait_for_url(&arrived).await;
    }

    async fn is_asked_for_a_password(&self, app: &str) {
        self.browser.goto(&format!("{app}/protected")).await;
        self.browser.wait_for_url(&format!("{app}/login?")).await;
        assert_eq!(self.browser.text("h1").await, "Sign in");
    }
}

#[tokio::test]
async fn a_wrong_password_is_complained_of_and_the_right_one_leads_on() {
    let Some(site) = Site::start().await else {
        return;
    };
    let (browser, orders) = (&site.browser, &site.example.orders);
    browser.goto(&format!("{orders}/protected?a=b")).await;
    site.fill_in("alice", "looking-glass").await;
    assert!(browser.text("[role=alert]").await.contains("do not fit"));
    let kept = "return document.querySelector('[name=username]').value";
    let kept = browser.client().execute(kept, Vec::new()).await.unwrap();
    assert_eq!(kept, "alice", "only the password is typed again");
    browser.fill("[name=password]", "wonderland").await;
    browser.click("form button").await;
    let who = site.shown(&format!("{orders}/protected?a=b")).await;
    assert_eq!(
        (&who["email"], &who["amr"]),
        (&json!("alice@example.com"), &json!(["pwd"]))
    );
}

#[tokio::test]
async fn who_is_signed_in_at_one_app_adds_a_factor_in_each_to_the_same_session() {
    let Some(site) = Site::start().await else {
        return;
    };
    let (orders, invoices) = (&site.example.orders, &site.example.invoices);
    site.sign_in().await;
    let first = site.open(orders, "/protected").await;
    let second = site.open(invoices, "/protected").await;
    assert_eq!(second["app"], "Invoices");
    assert_eq!(
        (&second["sub"], &second["sid"]),
        (&first["sub"], &first["sid"])
    );
    assert!(first["sid"].is_string(), "{first}");

    let strong = site.step_up(invoices).await;
    assert_eq!(strong["amr"], json!(["pwd", "eotp", "mfa"]));
    assert_eq!(strong["sid"], first["sid"]);
    // Its own session is as weak as it was, until its tokens end.
    assert_eq!(site.open(orders, "/protected").await["amr"], json!(["pwd"]));
    let strong = site.step_up(orders).await;
    assert_eq!(strong["sid"], first["sid"]);
    assert!(strong["amr"].as_array().unwrap().contains(&json!("mfa")));
    site.browser.goto(&site.example.mosaic).await;
    assert_eq!(site.browser.text("#sessions").await, "1");
}

#[tokio::test]
async fn a_wrong_code_is_complained_of_and_adds_nothing() {
    let Some(site) = Site::start().await else {
        return;
    };
    let (browser, orders) = (&site.browser, &site.example.orders);
    site.sign_in().await;
    browser.goto(&format!("{orders}/mfa")).await;
    browser.click("form button").await;
    browser.fill("[name=passcode]", "no code").await;
    browser.click("form button").await;
    assert_eq!(browser.text("[role=alert]").await, "That is not the code.");
    assert_eq!(site.open(orders, "/protected").await["amr"], json!(["pwd"]));
    browser.goto(&format!("{orders}/mfa")).await;
    browser.wait_for_url(&format!("{orders}/login?")).await;
}

/// Threat 43, and every app that listens.
#[tokio::test]
async fn a_sign_out_at_one_app_is_one_at_both_and_nobody_comes_back_silently() {
    let Some(site) = Site::start().await else {
        return;
    };
    let (orders, invoices) = (&site.example.orders, &site.example.invoices);
    site.sign_in().await;
    site.open(invoices, "/protected").await;
    site.sign_out(invoices).await;
    for app in [orders, invoices] {
        site.browser.goto(app).await;
        let text = site.browser.page_text().await;
        assert!(text.contains("Nobody is signed in"), "{app}: {text}");
        site.is_asked_for_a_password(app).await;
    }
    site.browser.goto(&site.example.mosaic).await;
    assert_eq!(site.browser.text("#sessions").await, "0");
}

#[tokio::test]
async fn back_after_a_sign_out_shows_nothing_private() {
    let Some(site) = Site::start().await else {
        return;
    };
    site.sign_in().await;
    site.open(&site.example.invoices, "/protected").await;
    site.browser.goto(&site.example.orders).await;
    assert!(site.browser.page_text().await.contains("alice@"));
    site.sign_out(&site.example.orders).await;
    for _ in 0..7 {
        site.browser.back().await;
        let text = site.browser.page_text().await;
        assert!(!text.to_lowercase().contains("alice"), "{text}");
    }
}

/// Threat 2, at the sign-in page of the app.
#[tokio::test]
async fn a_return_to_of_another_origin_ends_at_home() {
    let Some(site) = Site::start().await else {
        return;
    };
    let (browser, orders) = (&site.browser, &site.example.orders);
    let home = format!("{orders}/");
    for evil in [
        "//evil.example",
        "/%5Cevil.example",
        "https://evil.example/",
    ] {
        browser
            .goto(&format!("{orders}/login?prompt=login&return_to={evil}"))
            .await;
        // As an attacker's form would send it: not what the page made of it.
        let plant = "document.querySelector('[name=return_to]').value = arguments[0]";
        let plant = browser
            .client()
            .execute(plant, vec![json!(evil.replace("%5C", "\\"))]);
        plant.await.unwrap();
        site.fill_in("alice", "wonderland").await;
        browser.wait_for_url(&home).await;
        assert_eq!(browser.current_url().await, home, "{evil}");
        browser
            .goto(&format!("{orders}/login?return_to={evil}"))
            .await;
        browser.click("#go-on").await;
        browser.wait_for_url(&home).await;
        assert_eq!(browser.current_url().await, home, "{evil}");
    }
}

#[tokio::test]
async fn who_is_signed_in_and_opens_the_sign_in_page_may_go_on_or_be_somebody_else() {
    let Some(site) = Site::start().await else {
        return;
    };
    let (browser, orders) = (&site.browser, &site.example.orders);
    site.sign_in().await;
    let login = format!("{orders}/login?return_to=/protected");
    browser.goto(&login).await;
    assert_eq!(browser.text("#who").await, "alice@example.com");
    browser.click("#go-on").await;
    assert_eq!(
        site.shown(&format!("{orders}/protected")).await["sub"],
        "alice"
    );
    browser.goto(&login).await;
    browser.click("#anew").await;
    site.fill_in("bob", "builder").await;
    assert_eq!(
        site.shown(&format!("{orders}/protected")).await["sub"],
        "bob"
    );
    let other = site.open(&site.example.invoices, "/protected").await;
    assert_eq!(other["sub"], "bob");
}

/// What password managers and keyboards of phones go by (HTML, "Autofill").
#[tokio::test]
async fn a_browser_knows_what_to_fill_in() {
    let Some(site) = Site::start().await else {
        return;
    };
    let browser = &site.browser;
    browser
        .goto(&format!("{}/login", site.example.orders))
        .await;
    for field in [
        "label > input[name=username][autocomplete=username][autofocus][required]",
        "label > input[type=password][autocomplete=current-password][required]",
    ] {
        browser.text(field).await;
    }
    site.sign_in().await;
    browser.goto(&format!("{}/mfa", site.example.orders)).await;
    browser.click("form button").await;
    let code = "label > input[autocomplete='one-time-code'][inputmode=numeric][autofocus]";
    browser.text(code).await;
}

#[tokio::test]
async fn each_page_is_shown_with_its_style_and_nothing_leaves_this_machine() {
    let Some(site) = Site::start().await else {
        return;
    };
    let (browser, orders) = (&site.browser, &site.example.orders);
    browser.goto(&format!("{orders}/login")).await;
    assert_sound(browser).await;
    site.sign_in().await;
    site.step_up(orders).await;
    for page in [
        format!("{orders}/"),
        format!("{orders}/login"),
        format!("{orders}/login?multi_factor=true"),
        format!("{orders}/login/code"),
        format!("{orders}/auth/logout"),
        format!("{orders}/auth/logged-out"),
        site.example.mosaic.clone(),
    ] {
        browser.goto(&page).await;
        assert_sound(browser).await;
    }
    let requests = browser.requests().await;
    for part in ["/login", "/style.css", "/mfa", "/login/otp"] {
        assert!(
            requests.iter().any(|url| url.ends_with(part)),
            "{requests:?}"
        );
    }
    let mut away = requests.iter().filter(|url| {
        let url: url::Url = url.parse().unwrap();
        // Its own `chrome:` pages, `about:` and `data:` are requests to nobody.
        matches!(url.scheme(), "http" | "https" | "ws" | "wss")
            && url.host_str() != Some("127.0.0.1")
    });
    assert_eq!(away.next(), None);
}

async fn assert_sound(browser: &Chromium) {
    let page = browser.current_url().await;
    let border = "return getComputedStyle(document.querySelector('main')).borderTopStyle";
    let border = browser.client().execute(border, Vec::new()).await.unwrap();
    assert_eq!(border, "solid", "{page}");
    assert_eq!(browser.violations().await, Vec::<String>::new(), "{page}");
}

#[tokio::test]
async fn each_answer_says_how_a_browser_is_to_treat_it() {
    let Some(example) = MosaicExample::start() else {
        return;
    };
    let browser = Browser::new();
    for path in [
        "/",
        "/login",
        "/login?return_to=/mfa&multi_factor=true",
        "/style.css",
    ] {
        let page = browser.visit(&format!("{}{path}", example.orders)).await;
        let header = |name| page.headers[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
    }
}

/// Session id, password, code and tokens reach neither a page nor the log.
#[tokio::test]
async fn the_log_tells_who_did_what_and_no_secret() {
    let Some(site) = Site::start().await else {
        return;
    };
    site.sign_in().await;
    site.step_up(&site.example.orders).await;
    let cookies = site.browser.cookies().await;
    site.sign_out(&site.example.orders).await;
    let log = site.example.log_until("signed out").await;
    assert!(log.contains("alice"), "{log}");
    let cookies = cookies.iter().map(|cookie| cookie.value().to_owned());
    let known = ["wonderland", "the secret of the example"].map(str::to_owned);
    for secret in cookies.chain(known) {
        assert!(!log.contains(&secret), "{secret} is in the log: {log}");
    }
}
