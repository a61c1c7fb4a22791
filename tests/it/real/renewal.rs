//! npm `oidc-provider`, which rotates refresh tokens and punishes reuse, renews sessions.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tower_sso::AccessToken;
use tower_sso::clock::TestClock;
use tower_sso::{CookieKey, Session, Sso};

use crate::support::{Account, Browser, Page, ProviderProcess};

const APP: &str = "https://app.example.com";
const SECOND: &str = "https://second.example.org";

/// An app at `url` whose clock can be moved; the provider's can't.
fn serve(browser: &Browser, idp: &ProviderProcess, client: &str, url: &str) -> TestClock {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let clock = TestClock::at(now.as_secs());
    let sso = Sso::builder(idp.issuer())
        .client(client, ProviderProcess::secret(client))
        .base_url(url)
        .cookie_key(CookieKey::generate())
        .clock(Arc::new(clock.clone()))
        .build()
        .unwrap();
    let token = |session: Session, token: AccessToken| async move {
        format!("{} {}", session.subject(), token.expose())
    };
    browser.serve(
        url,
        sso.into_axum(Router::new().route("/token", get(token))),
    );
    clock
}

async fn sign_in(browser: &Browser, url: &str) -> Page {
    let page = browser.visit(&format!("{url}/token")).await;
    ProviderProcess::sign_in(&page, Account::ALICE).await
}

fn provider() -> Option<ProviderProcess> {
    let clients = json!([
        ProviderProcess::client("app", APP),
        ProviderProcess::client("second", SECOND)
    ]);
    ProviderProcess::start("127.0.0.1", &clients)
}

/// Access tokens live 300 s there. Each renewal sends the refresh token that the one before brought: the
/// provider takes each once, and ends the whole grant where one comes again.
#[tokio::test]
async fn a_session_goes_on_with_new_tokens() {
    let Some(idp) = provider() else {
        return;
    };
    let browser = Browser::new();
    let clock = serve(&browser, &idp, "app", APP);
    let mut tokens = vec![sign_in(&browser, APP).await.html()];
    for _ in 0..4 {
        clock.advance(Duration::from_secs(200));
        let same = browser.visit(&format!("{APP}/token")).no_follow().await;
        assert_eq!(Some(&same.html()), tokens.last());
        clock.advance(Duration::from_secs(45));
        let renewed = browser.visit(&format!("{APP}/token")).no_follow().await;
        assert!(renewed.html().starts_with("alice "), "{}", renewed.html());
        assert!(!tokens.contains(&renewed.html()), "a new token each time");
        tokens.push(renewed.html());
    }
}

/// As before, where many requests want it at once.
#[tokio::test]
async fn many_requests_send_a_refresh_token_once() {
    let Some(idp) = provider() else {
        return;
    };
    let browser = Browser::new();
    let clock = serve(&browser, &idp, "app", APP);
    let mut before = sign_in(&browser, APP).await.html();
    for _ in 0..2 {
        clock.advance(Duration::from_secs(245));
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (browser, url) = (browser.copy(), format!("{APP}/token"));
            requests.spawn(async move { browser.visit(&url).no_follow().await.html() });
        }
        let mut seen = requests.join_all().await;
        seen.dedup();
        assert_eq!(seen.len(), 1, "one new token for all: {seen:?}");
        assert!(seen[0].starts_with("alice ") && seen[0] != before);
        before = seen.remove(0);
    }
}

/// A refresh token that somebody else has used: the provider ends the grant, and so the session is over.
#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_the_session() {
    let Some(idp) = provider() else {
        return;
    };
    let browser = Browser::new();
    let clock = serve(&browser, &idp, "app", APP);
    sign_in(&browser, APP).await;
    idp.use_refresh_tokens();
    clock.advance(Duration::from_secs(245));
    let page = browser.visit(&format!("{APP}/token")).no_follow().await;
    let asks = page.location().unwrap();
    assert!(asks.as_str().starts_with(&idp.issuer()), "{asks}");
}

#[tokio::test]
async fn a_sign_out_at_another_app_ends_the_session_at_its_next_renewal() {
    let Some(idp) = provider() else {
        return;
    };
    let browser = Browser::new();
    let clock = serve(&browser, &idp, "app", APP);
    serve(&browser, &idp, "second", SECOND);
    sign_in(&browser, APP).await;
    browser.visit(&format!("{SECOND}/token")).await;
    let page = browser.visit(&format!("{SECOND}/auth/logout")).await;
    let asked = page.submit(&page.only_form()).await;
    asked.submit(&asked.only_form().press("Sign out")).await;
    let still = browser.visit(&format!("{APP}/token")).no_follow().await;
    assert_eq!(still.status, 200, "not told yet");
    clock.advance(Duration::from_secs(245));
    let page = browser.visit(&format!("{APP}/token")).no_follow().await;
    let asks = page.location().unwrap();
    assert!(asks.as_str().starts_with(&idp.issuer()), "{asks}");
}
