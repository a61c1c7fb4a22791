//! A sign-in that a script's problem document or a link asks for, with what it shall reach.

use tower_sso::oidc::ResponseMode;
use tower_sso::{CookieKey, Policy, RequireLayer, Sso};

use crate::support::{App, Page};

fn parameter(page: &Page, name: &str) -> Option<String> {
    let authorize = page.hop("https://idp.example.org/authorize").unwrap();
    let found = authorize.url.query_pairs().find(|(own, _)| own == name);
    found.map(|(_, value)| value.into_owned())
}

async fn login_url(app: &App, path: &str) -> String {
    let home = app.visit("/").await;
    home.fetch(path).await.json()["login_url"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn the_login_url_of_a_step_up_steps_up() {
    let app = App::new();
    app.sign_in("/protected").await;
    let url = login_url(&app, "/mfa").await;
    app.person("alice", &["pwd", "otp", "mfa"]);
    let page = app.visit(&url).await;
    assert_eq!(parameter(&page, "prompt").as_deref(), Some("login"));
    assert!(parameter(&page, "id_token_hint").is_some());
    assert_eq!(app.visit("/mfa").no_follow().await.status, 200);
}

#[tokio::test]
async fn a_step_up_by_link_merges_no_other_account() {
    let app = App::new();
    app.sign_in("/protected").await;
    let url = login_url(&app, "/mfa").await;
    app.person("bob", &["pwd", "otp", "mfa"]);
    app.idp()
        .set_fault(tower_sso::simulator::Fault::IgnoreIdTokenHint);
    let page = app.visit(&url).await;
    assert_eq!(page.status, 403, "{}", page.html());
    assert!(
        page.html().contains("alice@example.com") && page.html().contains("bob@example.com"),
        "{}",
        page.html()
    );
    assert_eq!(app.visit("/protected").await.json()["sub"], "alice");
}

#[tokio::test]
async fn a_policy_with_long_names_has_a_login_url_that_works() {
    let app = App::new();
    let names: Vec<String> = (0..6)
        .map(|n| format!("urn:oasis:names:tc:SAML:2.0:ac:classes:Number{n}"))
        .collect();
    let policy = Policy::login().acr(names);
    let guarded = axum::routing::get(|| async { "in" }).layer(RequireLayer::new(policy));
    let router = app.routes().route("/classes", guarded);
    app.browser.serve(App::URL, app.sso.into_axum(router));
    app.sign_in("/protected").await;
    let url = login_url(&app, "/classes").await;
    let page = app.visit(&url).no_follow().await;
    assert_eq!(page.status, 303, "{}", page.html());
}

#[tokio::test]
async fn odd_spaces_in_a_list_are_the_askers_fault() {
    let app = App::new();
    for list in ["a%C2%A0b", "a%09b", "a%0Ab"] {
        let page = app
            .visit(&format!("/auth/login?acr_values={list}"))
            .no_follow()
            .await;
        assert_eq!(page.status, 400, "{list}");
    }
}

#[tokio::test]
async fn a_form_in_a_frame_comes_back_to_its_page() {
    let app = App::new();
    let home = app.visit("/?list").await;
    let page = home
        .frame("/transfer")
        .method(http::Method::POST)
        .post_form(&[("amount", "1")])
        .await;
    assert_eq!(page.status, 401);
    let link = &page.links()[0];
    assert!(link.href.ends_with("return_to=%2F%3Flist"), "{}", link.href);
}

#[test]
fn form_post_needs_https_off_loopback() {
    let error = Sso::builder("https://idp.example.com")
        .public_client("app")
        .base_url("http://app.test")
        .cookie_key(CookieKey::generate())
        .response_mode(ResponseMode::FormPost)
        .dangerous()
        .allow_plain_http()
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("SSO_RESPONSE_MODE"), "{error}");
}

#[test]
fn a_client_authentication_needs_its_secret() {
    let error = Sso::builder("https://idp.example.com")
        .public_client("app")
        .client_auth(tower_sso::oidc::ClientAuthChoice::Post)
        .base_url("http://127.0.0.1:1")
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("SSO_CLIENT_SECRET"), "{error}");
}
