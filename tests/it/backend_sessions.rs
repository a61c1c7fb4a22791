//! The second rung: sessions at the provider that backends know by an id.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;

use http::StatusCode;
use serde_json::json;
use tokio::task::JoinSet;

use tower_sso::clock::TestClock;
use tower_sso::session::directory::MemoryDirectory;
use tower_sso::{CookieKey, Sso, SsoBuilder, User};

use crate::support::{LIFE, Sisters, Trouble, settle};

fn at(origin: &str, path: &str) -> String {
    format!("{origin}{path}")
}

#[tokio::test]
async fn who_signed_in_at_one_app_is_signed_in_at_the_other_without_a_page() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    assert_eq!(sisters.idp.asked(), 0);
    let page = sisters
        .visit(&at(Sisters::TWO, "/protected"))
        .no_follow()
        .await;
    assert_eq!(page.status, 200);
    assert_eq!(page.json()["sub"], "ada");
    assert_eq!(sisters.idp.asked(), 1);
    let page = sisters
        .visit(&at(Sisters::TWO, "/protected"))
        .no_follow()
        .await;
    assert_eq!((page.status, sisters.idp.asked()), (StatusCode::OK, 1));
    assert_eq!(page.set_cookies(), Vec::<String>::new());
}

#[tokio::test]
async fn who_has_nothing_is_sent_to_the_apps_own_page_with_what_is_wanted() {
    let sisters = Sisters::new();
    for (path, page) in [
        ("/protected?a=b", "/login?return_to=%2Fprotected%3Fa%3Db"),
        ("/mfa", "/login?return_to=%2Fmfa&multi_factor=true"),
        (
            "/auth/login?return_to=/mfa&login_hint=ada",
            "/login?return_to=%2Fmfa&login_hint=ada",
        ),
    ] {
        let answer = sisters.visit(&at(Sisters::ONE, path)).no_follow().await;
        let location = answer.location().unwrap().to_string();
        assert_eq!(location, at(Sisters::ONE, page), "{path}");
    }
    assert_eq!(sisters.idp.asked(), 0);
}

#[tokio::test]
async fn a_missing_factor_is_added_to_the_same_session() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    let page = sisters.visit(&at(Sisters::TWO, "/mfa")).await;
    assert_eq!(page.url.path(), "/login");
    let path = "/login?subject=ada&method=otp&add=1&return_to=/mfa";
    let page = sisters.post(Sisters::TWO, path).await;
    assert_eq!(page.json()["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(sisters.idp.sessions(), 1);
    // The first app's own session is as weak as it was; its tokens end, and it hears.
    assert_eq!(sisters.status(&at(Sisters::ONE, "/mfa")).await, 303);
    sisters.seconds(LIFE.as_secs());
    assert_eq!(sisters.status(&at(Sisters::ONE, "/mfa")).await, 200);
}

#[tokio::test]
async fn a_sign_out_ends_both_apps_and_the_session_at_the_provider() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 200);
    sisters.post(Sisters::ONE, "/auth/logout").await;
    assert_eq!(sisters.idp.sessions(), 0);
    assert!(sisters.browser.cookie(Sisters::HANDLE).is_none());
    for origin in [Sisters::ONE, Sisters::TWO] {
        let page = sisters.visit(&at(origin, "/protected")).await;
        assert_eq!(page.url.path(), "/login", "{origin}");
    }
    assert_eq!(sisters.idp.asked(), 1);
}

#[tokio::test]
async fn many_requests_at_once_ask_once_and_one_answer_brings_the_cookie() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    let visits: JoinSet<_> = (0..50)
        .map(|_| {
            let visit = sisters.visit(&at(Sisters::TWO, "/protected")).no_follow();
            async move {
                let page = visit.await;
                (page.status, !page.set_cookies().is_empty())
            }
        })
        .collect();
    let answers = visits.join_all().await;
    assert!(
        answers.iter().all(|(status, _)| *status == 200),
        "{answers:?}"
    );
    let with_cookies = answers.iter().filter(|(_, cookies)| *cookies).count();
    assert_eq!((with_cookies, sisters.idp.asked()), (1, 1));
}

#[tokio::test]
async fn a_session_is_renewed_in_its_place_when_its_token_ends() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    let cookie = sisters
        .browser
        .cookie("__Host-sso")
        .map(|cookie| cookie.value);
    sisters.seconds(LIFE.as_secs() - 61);
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 200);
    assert_eq!(sisters.idp.asked(), 0);
    sisters.seconds(1);
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 200);
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 200);
    assert_eq!(sisters.idp.asked(), 1);
    let now = sisters
        .browser
        .cookie("__Host-sso")
        .map(|cookie| cookie.value);
    assert_eq!(now, cookie);
}

#[tokio::test]
async fn a_session_that_the_provider_ended_is_over_in_each_app() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 200);
    sisters.idp.end_sessions();
    sisters.seconds(LIFE.as_secs());
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 303);
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 303);
    assert_eq!(sisters.idp.asked(), 2, "one asked, the other was told");
}

#[tokio::test]
async fn a_provider_that_is_down_signs_nobody_out() {
    let after = Duration::from_secs(17);
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    sisters.idp.trouble(Trouble::Down {
        retry_after: Some(after),
    });
    let page = sisters
        .visit(&at(Sisters::TWO, "/protected"))
        .no_follow()
        .await;
    assert_eq!(page.status, 503);
    assert_eq!(page.header("retry-after").as_deref(), Some("17"));
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 503);
    assert_eq!(sisters.idp.asked(), 1, "it is left alone");
    let greeting = sisters
        .visit(&at(Sisters::TWO, "/greeting"))
        .no_follow()
        .await;
    assert_eq!(greeting.text(), "nobody");
    sisters.idp.trouble(None);
    sisters.seconds(17);
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 200);
}

#[tokio::test]
async fn who_presses_sign_in_and_is_signed_in_at_a_sister_goes_straight_on() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    let login = |query: &str| {
        at(
            Sisters::TWO,
            &format!("/auth/login?return_to=/protected{query}"),
        )
    };
    let page = sisters.visit(&login("&prompt=login")).await;
    assert_eq!((page.url.path(), sisters.idp.asked()), ("/login", 0));
    let page = sisters.visit(&login("")).await;
    assert_eq!(
        (page.url.path(), page.status),
        ("/protected", StatusCode::OK)
    );
    assert_eq!(sisters.idp.asked(), 1);
    let page = sisters.visit(&login("&multi_factor=true")).await;
    assert_eq!(page.url.path(), "/login", "what is wanted is more");
}

#[tokio::test]
async fn who_presses_sign_in_while_the_provider_is_down_or_after_a_sign_out_sees_the_page() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    let login = at(Sisters::TWO, "/auth/login?return_to=/protected");
    sisters.idp.trouble(Trouble::Down { retry_after: None });
    assert_eq!(sisters.visit(&login).await.url.path(), "/login");
    sisters.idp.trouble(None);
    sisters.seconds(60);
    sisters.post(Sisters::TWO, "/auth/logout").await;
    sisters.sign_in("bob").await;
    assert_eq!(sisters.visit(&login).await.url.path(), "/login");
    assert_eq!(sisters.idp.asked(), 1);
}

/// The session at the provider slides with the renewal, and so does what leads to it.
#[tokio::test]
async fn a_handle_lasts_as_long_as_the_session_that_a_renewal_used() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    let (half_an_hour, two_weeks) = (1800, 14 * 24 * 3600);
    sisters.seconds(half_an_hour);
    let page = sisters
        .visit(&at(Sisters::ONE, "/protected"))
        .no_follow()
        .await;
    let cookies = page.set_cookies();
    assert_eq!((page.status, sisters.idp.asked()), (StatusCode::OK, 1));
    assert!(
        cookies.len() == 1 && cookies[0].starts_with(Sisters::HANDLE),
        "{cookies:?}"
    );
    sisters.seconds(two_weeks - 1);
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 200);
}

/// Who types their password again at one app is on a new session at the provider: the sister goes over to it, so
/// that a sign-out ends all there is.
#[tokio::test]
async fn a_sign_in_anew_takes_the_place_of_the_session_at_the_provider() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    let before = sisters.visit(&at(Sisters::TWO, "/protected")).await.json();
    sisters.sign_in("ada").await;
    settle().await;
    assert_eq!(sisters.idp.sessions(), 1);
    let one = sisters.visit(&at(Sisters::ONE, "/protected")).await.json();
    let two = sisters.visit(&at(Sisters::TWO, "/protected")).await.json();
    assert_eq!(one["sid"], two["sid"]);
    assert_ne!(before["sid"], two["sid"]);
    sisters.post(Sisters::ONE, "/auth/logout").await;
    assert_eq!(sisters.idp.sessions(), 0);
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 303);
}

/// Somebody else at one app takes nobody's place at its sister.
#[tokio::test]
async fn somebody_else_at_one_app_leaves_who_is_signed_in_at_the_other() {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    sisters.visit(&at(Sisters::TWO, "/protected")).await;
    sisters.sign_in("bob").await;
    settle().await;
    let two = sisters.visit(&at(Sisters::TWO, "/protected")).await.json();
    assert_eq!((&two["sub"], sisters.idp.sessions()), (&"ada".into(), 2));
}

#[tokio::test]
async fn the_variables_of_the_app_go_with_a_provider_that_is_made_already() {
    let sisters = Sisters::new();
    let with = |domain: &'static str| {
        let variables = move |name: &str| match name {
            "SSO_BASE_URL" => Some(Sisters::TWO.into()),
            "SSO_COOKIE_KEY" => Some("b25lIG9mIHRoZSBrZXlzIHRoYXQgbm8gb25lIGd1ZXNzZXM".into()),
            "SSO_SHARED_DOMAIN" => Some(domain.into()),
            "SSO_COOKIE_NAME" => Some("__Host-own".into()),
            // It speaks of an OpenID Provider.
            "SSO_CLIENT_AUTH" => Some("nonsense".into()),
            _ => None,
        };
        let builder = Sso::with_provider(sisters.idp.clone())
            .clock(Arc::new(sisters.clock.clone()))
            .session_directory(sisters.directory.clone());
        builder.with_lookup(variables).and_then(SsoBuilder::build)
    };
    sisters.sign_in("ada").await;
    let greet = |user: User| async move { user.subject().to_owned() };
    let two = with("example.com").unwrap();
    let routes = Router::new().route("/protected", get(greet));
    sisters.browser.serve(Sisters::TWO, two.into_axum(routes));
    let page = sisters.visit(&at(Sisters::TWO, "/protected")).await;
    assert_eq!(page.text(), "ada");
    assert!(sisters.browser.cookie("__Host-own").is_some());
    for domain in ["com", "elsewhere.com"] {
        let error = with(domain).unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains("SSO_SHARED_DOMAIN"));
    }
}

#[test]
fn an_openid_provider_has_no_sessions_to_share() {
    let builder = || Sso::builder("https://idp.example.org").public_client("app");
    let builder = || {
        builder()
            .base_url(Sisters::ONE)
            .cookie_key(CookieKey::generate())
    };
    let error = builder().shared_domain("example.com").build().unwrap_err();
    assert!(error.to_string().contains("SSO_SHARED_DOMAIN"), "{error}");
    let clock = Arc::new(TestClock::at(0));
    let directory = Arc::new(MemoryDirectory::new(clock));
    assert!(builder().session_directory(directory).build().is_err());
}

#[tokio::test]
async fn how_long_a_refusal_is_remembered_is_an_option() {
    let sisters = Sisters::with(|builder| builder.remember_refusals(Duration::from_secs(100)));
    sisters.sign_in("ada").await;
    sisters.idp.trouble(Trouble::Refuses);
    for (later, asked) in [(0, 1), (99, 1), (60, 2)] {
        sisters.seconds(later);
        assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 503);
        assert_eq!(sisters.idp.asked(), asked, "{later}");
    }
}
