//! Sessions of the crate's and of the apps' own, their ends, and what the pages and the log give away.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Site;
use crate::support::{Chromium, ScalekitExample};

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

    // What is for one customer's people is not opened by the app's own session: it leads to where they sign in.
    browser.goto(&site.app("/organization")).await;
    assert_eq!(browser.text("#connection").await, "conn_example_okta");

    browser.goto(&site.app("/")).await;
    browser.click("#sign-out").await;
    browser.wait_for_url(&site.app("/")).await;
    site.nobody_is_signed_in().await;
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

/// A form elsewhere brings no cookie of the app's; the answer to it must not remove any either. What shows who is
/// signed in is kept in no cache.
#[tokio::test]
async fn a_form_of_another_site_signs_nobody_out() {
    let Some(example) = ScalekitExample::start() else {
        return;
    };
    for app in [&example.timesheets, &example.archive] {
        for (header, status) in [
            ("sec-fetch-site: cross-site", "403"),
            ("sec-fetch-site: same-site", "403"),
            ("origin: http://evil.example", "403"),
            ("origin: null", "403"),
            ("sec-fetch-site: same-origin", "303"),
            (&format!("origin: {app}"), "303"),
        ] {
            let answer = answer_to(app, "POST /sign-out", header).await;
            let first = format!("http/1.1 {status} ");
            assert!(answer.starts_with(&first), "{header}: {answer}");
            let removes = answer.contains("\nset-cookie: own-session-");
            assert_eq!(removes, status == "303", "{header}: {answer}");
        }
        let home = answer_to(app, "GET /", "accept: text/html").await;
        assert!(
            home.contains("\ncache-control: private, no-store\r"),
            "{home}"
        );
    }
}

/// What comes back for one header, without those that a browser of today adds; in lower case.
async fn answer_to(app: &str, line: &str, header: &str) -> String {
    let host = app.strip_prefix("http://").unwrap();
    let (_, port) = host.split_once(':').unwrap();
    let address = ("127.0.0.1", port.parse().unwrap());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {host}\r\n{header}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.to_ascii_lowercase()
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
