//! What a customer's administrator does, and hears.

use fantoccini::Locator;
use http::Method;
use serde_json::json;
use tower_sso::simulator::{ScalekitSimulator, ScalekitWebhook};

use super::Site;
use crate::support::{Browser, Fetch};

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
    assert!(page.contains("You may not see this"), "{page}");
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
    let post = |webhook: &ScalekitWebhook| -> Fetch {
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
