//! Where browsers are sent, and whose answers are taken.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::fake::{CONFIGURATION, ISSUER, Idp, Reply, metadata_with};
use crate::ErrorKind;
use crate::oidc::Prompt;
use crate::provider::{LogoutRequest, OidcConfig, Provider as _, Selectors, SignInRequest};

fn request() -> SignInRequest {
    SignInRequest {
        redirect_uri: "https://app.example.com/auth/callback".to_owned(),
        state: "s-1".to_owned(),
        nonce: "n-1".to_owned(),
        code_challenge: "challenge".to_owned(),
        ..SignInRequest::default()
    }
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn parameters(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

async fn asked(idp: &Idp, config: OidcConfig, request: &SignInRequest) -> BTreeMap<String, String> {
    let provider = idp.provider_with(config);
    parameters(&provider.authorization_url(request).await.unwrap())
}

#[tokio::test]
async fn a_sign_in_asks_for_what_is_configured_and_what_is_wanted() {
    let idp = Idp::new();
    let mut config = idp.config();
    config.ui_locales = Some("it en".to_owned());
    config.max_age = Some(Duration::from_secs(600));
    config.extra = vec![
        ("audience".to_owned(), "api".to_owned()),
        ("theme".to_owned(), "dark".to_owned()),
    ];
    let mut request = request();
    request.prompt = vec![Prompt::Login];
    request.max_age = Some(Duration::from_secs(60));
    request.login_hint = Some("alice".to_owned());
    request.extra = vec![("theme".to_owned(), "light".to_owned())];
    let asked = asked(&idp, config, &request).await;
    for (name, value) in [
        ("tenant", "acme"),
        ("response_type", "code"),
        ("client_id", "my app"),
        ("scope", "openid profile email"),
        ("state", "s-1"),
        ("nonce", "n-1"),
        ("code_challenge", "challenge"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("max_age", "60"),
        ("login_hint", "alice"),
        ("ui_locales", "it en"),
        ("audience", "api"),
        ("theme", "light"),
    ] {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
}

/// Threat 4.
#[tokio::test]
async fn extra_parameters_can_t_touch_those_of_the_protocol() {
    let idp = Idp::new();
    let mut request = request();
    request.extra = vec![("redirect_uri".to_owned(), "https://evil.example".to_owned())];
    assert!(idp.provider().authorization_url(&request).await.is_err());
    let mut config = idp.config();
    config.extra = vec![("state".to_owned(), "x".to_owned())];
    let provider = idp.provider_with(config);
    assert!(
        provider
            .authorization_url(&super::urls::request())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn acr_values_are_those_that_are_wanted_or_else_the_configured() {
    let gold = Some("gold");
    for (wanted, multi_factor, configured, for_mfa, expected) in [
        (&[][..], false, &[][..], &[][..], None),
        (&[], false, &["silver"], &[], Some("silver")),
        (&["gold"], false, &["silver"], &[], gold),
        (&[], true, &["silver"], &["gold"], gold),
        (&[], true, &["silver"], &[], Some("silver")),
        (&[], false, &[], &["gold"], None),
        (&["phr"], true, &[], &["gold"], Some("phr gold")),
        (&["gold"], true, &[], &["gold"], gold),
    ] {
        let idp = Idp::new();
        let mut config = idp.config();
        config.acr_values = texts(configured);
        config.mfa_acr_values = texts(for_mfa);
        let mut request = request();
        request.acr_values = texts(wanted);
        request.multi_factor = multi_factor;
        let asked = asked(&idp, config, &request).await;
        assert_eq!(asked.get("acr_values").map(String::as_str), expected);
    }
}

#[tokio::test]
async fn methods_are_asked_for_by_claims_where_supported() {
    let amr = |values: &[&str]| Some(json!({ "essential": true, "values": values }));
    for (supported, multi_factor, for_mfa, methods, expected) in [
        (true, true, &[][..], &[][..], amr(&["mfa"])),
        (true, true, &[], &["hwk"], amr(&["hwk", "mfa"])),
        (true, false, &[], &["hwk"], amr(&["hwk"])),
        (true, true, &["gold"], &[], None),
        (true, true, &["gold"], &["hwk"], amr(&["hwk"])),
        (true, false, &[], &[], None),
        (false, true, &[], &["hwk"], None),
    ] {
        let idp = Idp::new();
        let metadata = metadata_with("claims_parameter_supported", json!(supported));
        idp.http.on(CONFIGURATION, Reply::json(&metadata));
        let mut config = idp.config();
        config.mfa_acr_values = texts(for_mfa);
        let mut request = request();
        request.multi_factor = multi_factor;
        request.amr = texts(methods);
        let asked = asked(&idp, config, &request).await;
        let claims: Option<Value> = asked
            .get("claims")
            .map(|claims| serde_json::from_str(claims).unwrap());
        let got = claims.map(|claims| claims["id_token"]["amr"].clone());
        assert_eq!(
            got, expected,
            "{supported} {multi_factor} {for_mfa:?} {methods:?}"
        );
    }
}

/// RFC 9207 section 2.4, threat 8.
#[tokio::test]
async fn an_answer_of_another_issuer_is_refused() {
    for (promised, iss, fits) in [
        (false, Some(ISSUER), true),
        (false, None, true),
        (true, Some(ISSUER), true),
        (true, None, false),
        (false, Some("https://evil.example"), false),
        (true, Some("https://idp.example.com/"), false),
        (true, Some(""), false),
    ] {
        let idp = Idp::new();
        let name = "authorization_response_iss_parameter_supported";
        let metadata = metadata_with(name, json!(promised));
        idp.http.on(CONFIGURATION, Reply::json(&metadata));
        let checked = idp.provider().check_response_issuer(iss).await;
        assert_eq!(checked.is_ok(), fits, "{promised} {iss:?}");
        if let Err(error) = checked {
            assert_eq!(error.kind(), ErrorKind::Request);
        }
    }
}

fn logout() -> LogoutRequest {
    LogoutRequest {
        id_token_hint: Some("header.payload.signature".into()),
        post_logout_redirect_uri: "https://app.example.com/auth/logged-out".to_owned(),
        state: "s-2".to_owned(),
    }
}

#[tokio::test]
async fn a_logout_names_the_client_and_where_to_come_back_to() {
    let idp = Idp::new();
    let url = idp.provider().logout_url(&logout()).await.unwrap().unwrap();
    assert_eq!(
        url.as_str(),
        "https://idp.example.com/logout?tenant=acme&id_token_hint=header.payload.signature\
         &client_id=my+app\
         &post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2Fauth%2Flogged-out&state=s-2"
    );
    let mut request = logout();
    request.id_token_hint = None;
    let url = idp.provider().logout_url(&request).await.unwrap().unwrap();
    assert!(!parameters(&url).contains_key("id_token_hint"));
}

#[tokio::test]
async fn a_provider_without_a_logout_has_no_such_url() {
    let idp = Idp::new();
    let metadata = metadata_with("end_session_endpoint", json!(null));
    idp.http.on(CONFIGURATION, Reply::json(&metadata));
    assert_eq!(idp.provider().logout_url(&logout()).await.unwrap(), None);
}

#[tokio::test]
async fn a_logout_endpoint_can_t_bring_parameters_of_the_protocol() {
    for query in [
        "state=x",
        "a=1&post_logout_redirect_uri=https://evil.example",
        "%73tate=x",
    ] {
        let idp = Idp::new();
        let endpoint = json!(format!("{ISSUER}/logout?{query}"));
        let metadata = metadata_with("end_session_endpoint", endpoint);
        idp.http.on(CONFIGURATION, Reply::json(&metadata));
        let error = idp.provider().logout_url(&logout()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{query}");
    }
}

#[tokio::test]
async fn what_is_selected_is_sent_by_its_names() {
    let idp = Idp::new();
    let text = |text: &str| Some(text.to_owned());
    let request = SignInRequest {
        selectors: Selectors {
            connection: text("conn_1"),
            organization: text("org_1"),
            domain: text("acme.example"),
            identity_provider: text("google"),
        },
        ..request()
    };
    let parameters = asked(&idp, idp.config(), &request).await;
    let names = [
        "connection_id",
        "organization_id",
        "domain_hint",
        "provider",
    ];
    for (name, value) in names
        .iter()
        .zip(["conn_1", "org_1", "acme.example", "google"])
    {
        assert_eq!(parameters.get(*name).map(String::as_str), Some(value));
        let mut twice = request.clone();
        twice.extra = vec![((*name).to_owned(), "other".to_owned())];
        let refused = idp.provider().authorization_url(&twice).await;
        assert!(refused.unwrap_err().is_configuration(), "{name} twice");
        let mut config = idp.config();
        config.extra.clone_from(&twice.extra);
        let refused = idp.provider_with(config).authorization_url(&request).await;
        assert!(refused.unwrap_err().is_configuration(), "{name} twice");
    }
    let nothing = asked(&idp, idp.config(), &super::urls::request()).await;
    assert!(names.iter().all(|name| !nothing.contains_key(*name)));
}
