//! The quickstart in a real Chromium: what a person sees and does.

use serde_json::{Value, json};

use tower_sso::session::ReturnTo;

use crate::support::{Account, Chromium, ProviderProcess, Quickstart, payloads};

/// The quickstart with its simulator, and a browser that has seen neither.
async fn start(variables: &[(&str, &str)]) -> Option<(Quickstart, Chromium)> {
    let app = Quickstart::start(variables)?;
    let browser = Chromium::start().await?;
    Some((app, browser))
}

/// What the simulator's page is filled in with.
async fn sign_in(browser: &Chromium, user: &str) {
    browser.click(&format!("#user-{user}")).await;
    browser.click("#submit").await;
}

/// The JSON that the tab shows.
async fn json(browser: &Chromium) -> Value {
    let text = browser.text("pre").await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn sign_out(browser: &Chromium, app: &Quickstart) {
    browser.goto(&app.at("/")).await;
    browser.click("#sign-out").await;
    browser.wait_for_url(&app.at("/auth/logged-out")).await;
}

#[tokio::test]
async fn a_person_signs_in_steps_up_and_signs_out() {
    let Some((app, browser)) = start(&[]).await else {
        return;
    };
    let simulator = app.simulator.clone().unwrap();
    browser.goto(&app.at("/")).await;
    browser.click("a[href='/protected']").await;
    browser.wait_for_url(&simulator).await;
    sign_in(&browser, "bob").await;
    browser.wait_for_url(&app.at("/protected")).await;
    let who = json(&browser).await;
    assert_eq!((&who["sub"], &who["amr"]), (&json!("bob"), &json!(["pwd"])));

    browser.goto(&app.at("/mfa")).await;
    browser.wait_for_url(&simulator).await;
    assert_eq!(browser.text("h1").await, "Sign in again");
    browser.click("#factor-otp").await;
    browser.click("#submit").await;
    browser.wait_for_url(&app.at("/mfa")).await;
    assert_eq!(json(&browser).await["sub"], "bob");

    sign_out(&browser, &app).await;
    assert_eq!(browser.text("h1").await, "You are signed out");
    browser.goto(&app.at("/protected")).await;
    browser.wait_for_url(&simulator).await;
    assert_eq!(browser.text("h1").await, "Sign in");
}

#[tokio::test]
async fn two_tabs_that_sign_in_at_once_both_end_signed_in() {
    let Some((app, browser)) = start(&[]).await else {
        return;
    };
    let first = browser.current_tab().await;
    browser.goto(&app.at("/protected?tab=1")).await;
    let second = browser.new_tab().await;
    browser.goto(&app.at("/recent?tab=2")).await;
    browser.switch_to(&first).await;
    sign_in(&browser, "alice").await;
    browser.wait_for_url(&app.at("/protected?tab=1")).await;
    browser.switch_to(&second).await;
    sign_in(&browser, "alice").await;
    browser.wait_for_url(&app.at("/recent?tab=2")).await;
    for tab in [&first, &second] {
        browser.switch_to(tab).await;
        browser.reload().await;
        assert_eq!(json(&browser).await["sub"], "alice");
    }
}

#[tokio::test]
async fn two_apps_on_two_ports_share_the_sign_in_and_not_the_cookies() {
    let Some((first, browser)) = start(&[]).await else {
        return;
    };
    let simulator = first.simulator.clone().unwrap();
    let url = Quickstart::free_url("127.0.0.1");
    let Some(second) = Quickstart::with_provider(&simulator, &url, &[]) else {
        return;
    };
    browser.goto(&first.at("/protected")).await;
    sign_in(&browser, "carol").await;
    browser.wait_for_url(&first.at("/protected")).await;
    browser.goto(&second.at("/protected")).await;
    assert_eq!(browser.current_url().await, second.at("/protected"));
    assert_eq!(json(&browser).await["sub"], "carol");
    browser.goto(&first.at("/auth/session")).await;
    assert_eq!(json(&browser).await["signed_in"], true);

    sign_out(&browser, &first).await;
    browser.goto(&second.at("/auth/session")).await;
    assert_eq!(json(&browser).await["signed_in"], true);
    sign_out(&browser, &second).await;
    browser.goto(&second.at("/auth/session")).await;
    assert_eq!(json(&browser).await["signed_in"], false);
}

/// By the back/forward cache as well as by history: `no-store` keeps a page out of both.
#[tokio::test]
async fn back_after_a_sign_out_shows_nothing_private() {
    let Some((app, browser)) = start(&[]).await else {
        return;
    };
    browser.goto(&app.at("/protected")).await;
    sign_in(&browser, "alice").await;
    browser.wait_for_url(&app.at("/protected")).await;
    assert!(browser.page_text().await.contains("alice@example.com"));
    sign_out(&browser, &app).await;
    for _ in 0..6 {
        browser.back().await;
        let text = browser.page_text().await;
        let url = browser.current_url().await;
        let ours = url.starts_with(&app.url);
        assert!(
            !ours || !text.to_lowercase().contains("alice"),
            "{url}: {text}"
        );
    }
}

#[tokio::test]
async fn form_post_works_on_loopback_without_tls() {
    let Some((app, browser)) = start(&[("SSO_RESPONSE_MODE", "form_post")]).await else {
        return;
    };
    browser.goto(&app.at("/protected")).await;
    sign_in(&browser, "alice").await;
    browser.wait_for_url(&app.at("/protected")).await;
    assert_eq!(json(&browser).await["sub"], "alice");
    browser.goto(&app.at("/mfa")).await;
    browser.click("#factor-security_key").await;
    browser.click("#submit").await;
    browser.wait_for_url(&app.at("/mfa")).await;
}

/// Names under `localhost` are sites of their own, as ports are not.
#[tokio::test]
async fn another_site_signs_people_in_and_out_in_either_mode() {
    for mode in ["query", "form_post"] {
        let url = Quickstart::free_url("app.localhost");
        let client = ProviderProcess::client("app", &url);
        let Some(idp) = ProviderProcess::start("idp.localhost", &json!([client])) else {
            return;
        };
        let variables = [("SSO_RESPONSE_MODE", mode)];
        let Some(app) = Quickstart::with_provider(&idp.issuer(), &url, &variables) else {
            return;
        };
        let Some(browser) = Chromium::start().await else {
            return;
        };
        browser.goto(&app.at("/protected")).await;
        browser.wait_for_url(&idp.issuer()).await;
        browser.fill("[name=user]", Account::ALICE.name).await;
        browser.click("[value=continue]").await;
        browser.wait_for_url(&app.at("/protected")).await;
        assert_eq!(json(&browser).await["sub"], "alice");

        // The page with the button: its policy must let the form go on to the provider.
        browser.goto(&app.at("/auth/logout")).await;
        browser.click("form button").await;
        browser.wait_for_url(&idp.issuer()).await;
        browser.click("[name=logout]").await;
        browser.wait_for_url(&app.at("/auth/logged-out")).await;
        assert_eq!(browser.text("h1").await, "You are signed out");
        browser.goto(&app.at("/auth/session")).await;
        assert_eq!(json(&browser).await["signed_in"], false);
    }
}

#[tokio::test]
async fn each_page_is_shown_with_its_style_under_its_policy() {
    let Some((app, browser)) = start(&[]).await else {
        return;
    };
    let simulator = app.simulator.clone().unwrap();
    for page in [
        app.at("/auth/logout"),
        app.at("/auth/logged-out"),
        app.at("/auth/callback?state=unknown&code=x"),
        app.at("/auth/login?iss=https://evil.example"),
        app.at("/"),
        app.at("/protected"),
        simulator.clone(),
        format!("{simulator}/end_session"),
    ] {
        browser.goto(&page).await;
        let border = "return getComputedStyle(document.querySelector('main')).borderTopStyle";
        let border = browser.client().execute(border, Vec::new()).await.unwrap();
        assert_eq!(border, "solid", "{page}");
        let title = browser.client().title().await.unwrap();
        assert!(!title.is_empty(), "{page}");
        assert_eq!(browser.violations().await, Vec::<String>::new(), "{page}");
    }
}

/// What a real browser makes of each return URL that the parser lets pass. The list proves something by
/// what is refused: thousands of it lead a browser away.
#[tokio::test]
async fn a_return_url_that_is_accepted_stays_in_a_real_browser_too() {
    const BASE: &str = "https://app.example.com";
    const RESOLVE: &str = "return arguments[0].map(text => { \
        try { const url = new URL(text, arguments[1]); return [url.origin, url.href]; } \
        catch { return ['', '']; } })";
    let Some(browser) = Chromium::start().await else {
        return;
    };
    let mut asked = Vec::new();
    for payload in payloads() {
        let accepted = ReturnTo::parse(&payload).map(|to| to.to_string());
        // As it came and as it is sent: a browser may meet either.
        asked.extend(accepted.iter().map(|to| (to.clone(), Some(to.clone()))));
        asked.push((payload, accepted));
    }
    let mut away = 0;
    for some in asked.chunks(2_000) {
        let texts: Vec<_> = some.iter().map(|(text, _)| text).collect();
        let arguments = vec![json!(texts), json!(BASE)];
        let seen = browser.client().execute(RESOLVE, arguments).await.unwrap();
        for ((text, accepted), seen) in some.iter().zip(seen.as_array().unwrap()) {
            let Some(accepted) = accepted else {
                away += usize::from(seen[0] != BASE && seen[0] != "");
                continue;
            };
            assert_eq!(seen[0], BASE, "{text:?}");
            if text == accepted {
                assert_eq!(seen[1], format!("{BASE}{accepted}"), "{text:?}");
            }
        }
    }
    assert!(away >= 1_000, "{away}");
}
