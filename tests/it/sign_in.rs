//! Signing in, from the first redirect to the session.

use tower_sso::oidc::ResponseMode;
use tower_sso::simulator::{Endpoint, Fault, SigningAlgorithm};

use crate::support::{App, SameSite};

#[tokio::test]
async fn a_protected_page_sends_to_the_provider_and_back() {
    let app = App::new();
    let page = app.visit("/protected?tab=2").await;
    assert_eq!(page.url.as_str(), "https://app.example.com/protected?tab=2");
    assert_eq!(page.json()["sub"], "alice");
    assert_eq!(page.json()["iss"], App::IDP);
    assert_eq!(app.idp().code_grants(), 1);
    assert_eq!(app.attempts(), 0, "the attempt's cookie is gone");
    assert_eq!(app.handled(), 1);
}

#[tokio::test]
async fn each_key_type_signs_in() {
    for algorithm in [
        SigningAlgorithm::Rs256,
        SigningAlgorithm::Es256,
        SigningAlgorithm::EdDSA,
    ] {
        let app = App::with_keys(algorithm, |builder| builder);
        app.idp().set_fault(Fault::DiscoveryField(
            "id_token_signing_alg_values_supported".into(),
            Some(serde_json::json!(["RS256", "ES256", "EdDSA"])),
        ));
        app.sign_in("/protected").await;
    }
}

#[tokio::test]
async fn the_authorization_request_has_what_the_protocol_wants() {
    let app = App::new();
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 303);
    let url = page.location().unwrap();
    let get = |name: &str| {
        let values: Vec<_> = url
            .query_pairs()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect();
        assert!(values.len() <= 1, "{name} comes once");
        values.into_iter().next()
    };
    assert!(
        url.as_str()
            .starts_with("https://idp.example.org/authorize?")
    );
    assert_eq!(get("response_type").as_deref(), Some("code"));
    assert_eq!(get("client_id").as_deref(), Some("app"));
    assert_eq!(
        get("redirect_uri").as_deref(),
        Some("https://app.example.com/auth/callback")
    );
    assert_eq!(get("scope").as_deref(), Some("openid profile email"));
    assert_eq!(get("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(get("response_mode"), None);
    for random in ["state", "nonce", "code_challenge"] {
        assert_eq!(get(random).unwrap().len(), 43, "{random}");
    }
    let again = app
        .visit("/protected")
        .no_follow()
        .await
        .location()
        .unwrap();
    let state = again
        .query_pairs()
        .find(|(key, _)| key == "state")
        .unwrap()
        .1
        .into_owned();
    assert_ne!(
        Some(state),
        get("state"),
        "each attempt has a state of its own"
    );
}

#[tokio::test]
async fn the_cookies_are_as_strict_as_they_can_be() {
    let app = App::new();
    app.visit("/protected").no_follow().await;
    let attempt = app.browser.cookies().remove(0);
    assert!(
        attempt.name.starts_with("__Host-sso-login-"),
        "{}",
        attempt.name
    );
    assert!(attempt.name.len() + attempt.value.len() <= 700);
    assert!(attempt.secure && attempt.http_only && attempt.host_only);
    assert_eq!(attempt.same_site, SameSite::Lax);

    app.sign_in("/protected").await;
    let session = app.browser.cookie(App::COOKIE).unwrap();
    assert!(session.secure && session.http_only && session.host_only);
    assert_eq!(
        (session.same_site, session.path.as_str()),
        (SameSite::Lax, "/")
    );
    assert_eq!(session.expires, None, "it ends with the browser");
    assert_eq!(session.value.len(), 43, "256 bits");
}

#[tokio::test]
async fn form_post_signs_in_though_it_comes_from_another_site() {
    let app = App::with(|builder| builder.response_mode(ResponseMode::FormPost));
    let form = app.visit("/protected").await;
    assert_eq!(form.url.host_str(), Some("idp.example.org"));
    let attempt = app
        .browser
        .cookies()
        .into_iter()
        .find(|cookie| cookie.name.starts_with("__Host-sso-login-"))
        .unwrap();
    assert_eq!(attempt.same_site, SameSite::None);
    let page = form.auto_submit().await;
    assert_eq!(page.url.as_str(), "https://app.example.com/protected");
    assert_eq!(page.json()["sub"], "alice");
}

#[tokio::test]
async fn a_second_sign_in_replaces_the_session_and_the_old_cookie_dies() {
    let app = App::new();
    app.sign_in("/protected").await;
    let first = app.browser.copy();
    let old = app.session_cookie().unwrap();

    app.person("bob", &["pwd"]);
    app.visit("/auth/login?return_to=/protected&prompt=login")
        .await;
    assert_ne!(app.session_cookie().unwrap(), old);
    assert_eq!(app.visit("/protected").await.json()["sub"], "bob");
    let page = first
        .visit("https://app.example.com/protected")
        .no_follow()
        .await;
    assert_eq!(
        page.status, 303,
        "another person's old session is dead at once"
    );
}

#[tokio::test]
async fn signing_in_again_as_the_same_person_keeps_the_public_id_and_lets_the_old_cookie_go() {
    let app = App::new();
    let before = app.sign_in("/protected").await.json();
    let first = app.browser.copy();
    app.visit("/auth/login?return_to=/protected").await;
    let after = app.visit("/protected").await.json();
    assert_eq!(before["public_id"], after["public_id"]);

    app.clock.advance(std::time::Duration::from_secs(9));
    assert_eq!(
        first
            .visit("https://app.example.com/protected")
            .no_follow()
            .await
            .status,
        200,
        "in flight"
    );
    app.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(
        first
            .visit("https://app.example.com/protected")
            .no_follow()
            .await
            .status,
        303
    );
}

#[tokio::test]
async fn userinfo_claims_join_those_of_the_id_token_and_never_replace_them() {
    let app = App::with(|builder| builder.userinfo(true));
    app.idp().set_fault(Fault::UserInfoClaims(serde_json::json!({"department": "finance", "email": "other@example.com", "iss": "https://evil.example"})));
    let claims = app.sign_in("/protected").await.json()["claims"].clone();
    assert_eq!(claims["department"], "finance");
    assert_eq!(claims["iss"], App::IDP);
    assert_ne!(claims["email"], "other@example.com");
    assert_eq!(app.idp().requests(Endpoint::UserInfo), 1);
}

#[tokio::test]
async fn a_third_party_may_start_the_sign_in_at_a_known_provider_only() {
    let app = App::new();
    let start = |iss: &str, target: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("iss", iss)
            .append_pair("target_link_uri", target)
            .finish();
        app.browser.visit_from(
            "https://portal.example.net/",
            &format!("{}/auth/login?{query}", App::URL),
        )
    };
    let page = start("https://evil.example", "https://app.example.com/protected").await;
    assert_eq!(page.status, 400);
    let page = start(App::IDP, "https://evil.example/").await;
    assert_eq!(page.url.as_str(), "https://app.example.com/");
    let page = start(App::IDP, "https://app.example.com/protected?x=1").await;
    assert_eq!(page.url.as_str(), "https://app.example.com/protected?x=1");
}

#[tokio::test]
async fn a_prefetch_of_the_login_starts_nothing() {
    let app = App::new();
    let page = app
        .visit("/auth/login")
        .header("sec-purpose", "prefetch")
        .no_follow()
        .await;
    assert_eq!(page.status, 401);
    assert!(app.browser.cookies().is_empty());
}

#[tokio::test]
async fn unknown_endpoints_and_methods_go_no_further() {
    let app = App::new();
    assert_eq!(app.visit("/auth/nothing").await.status, 404);
    assert_eq!(app.visit("/auth/").await.status, 404);
    let page = app
        .visit("/auth/session")
        .method(http::Method::DELETE)
        .await;
    assert_eq!(page.status, 405);
    assert_eq!(page.header("allow").as_deref(), Some("GET, HEAD"));
}
