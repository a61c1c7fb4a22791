//! From a code to a verified identity.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::fake::{
    ACCESS_TOKEN, CLIENT, CODE, CONFIGURATION, Idp, JWKS, NOW, Reply, SECRET, TOKEN, TestKey,
    USERINFO, VERIFIER, claims, claims_with, grant, key_set, metadata_with, tokens,
};
use crate::oidc::ClientAuthChoice;
use crate::provider::{HttpErrorKind, Identity, Provider as _};
use crate::{Error, ErrorKind, Result};

async fn redeemed(idp: &Idp) -> Result<Identity> {
    idp.provider().redeem(grant()).await
}

async fn refused(idp: &Idp) -> Error {
    redeemed(idp).await.unwrap_err()
}

fn form(request: &http::Request<bytes::Bytes>) -> Vec<(String, String)> {
    form_urlencoded::parse(request.body())
        .into_owned()
        .collect()
}

#[tokio::test]
async fn a_code_becomes_an_identity() {
    let idp = Idp::new();
    let identity = redeemed(&idp).await.unwrap();
    assert_eq!(identity.claims.subject, "alice");
    assert_eq!(identity.tokens.access_token.expose(), ACCESS_TOKEN);
    assert!(identity.multi_factor, "amr has pwd and otp");
    assert_eq!(
        identity.tokens.scope.unwrap(),
        ["openid", "profile", "email"],
        "a scope that is left out is the one that was asked for"
    );
    assert!(
        !identity.claims.all.contains_key("email"),
        "userinfo is off"
    );
    assert_eq!(idp.http.calls(USERINFO).len(), 0);

    let calls = idp.http.calls(TOKEN);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].method(), "POST");
    assert_eq!(
        calls[0].headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        form(&calls[0]),
        [
            ("grant_type", "authorization_code"),
            ("code", CODE),
            ("redirect_uri", "https://app.example.com/auth/callback"),
            ("code_verifier", VERIFIER),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[tokio::test]
async fn the_client_authenticates_in_one_way_only() {
    let basic = format!("Basic {}", STANDARD.encode("my+app:p%3Aw%2Bd"));
    let both = json!(["client_secret_post", "client_secret_basic"]);
    let post = json!(["client_secret_post"]);
    for (choice, supported, secret, header, in_body) in [
        (ClientAuthChoice::Auto, &both, true, Some(&basic), ""),
        (
            ClientAuthChoice::Auto,
            &post,
            true,
            None,
            "client_id client_secret",
        ),
        (
            ClientAuthChoice::Post,
            &both,
            true,
            None,
            "client_id client_secret",
        ),
        (ClientAuthChoice::Basic, &post, true, Some(&basic), ""),
        (ClientAuthChoice::Auto, &both, false, None, "client_id"),
        (ClientAuthChoice::None, &both, true, None, "client_id"),
    ] {
        let idp = Idp::new();
        let name = "token_endpoint_auth_methods_supported";
        let metadata = metadata_with(name, supported.clone());
        idp.http.on(CONFIGURATION, Reply::json(&metadata));
        let mut config = idp.config();
        config.client_auth = choice;
        config.client_secret = secret.then(|| SECRET.into());
        idp.provider_with(config).redeem(grant()).await.unwrap();

        let call = idp.http.calls(TOKEN).remove(0);
        let sent = call.headers().get("authorization");
        assert_eq!(
            sent.map(|value| value.to_str().unwrap()),
            header.map(String::as_str)
        );
        assert!(sent.is_none_or(http::HeaderValue::is_sensitive));
        let names: Vec<String> = form(&call)
            .into_iter()
            .skip(4)
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names.join(" "), in_body, "{choice:?} {supported}");
        for (name, value) in form(&call) {
            match name.as_str() {
                "client_id" => assert_eq!(value, CLIENT),
                "client_secret" => assert_eq!(value, SECRET),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_secret_that_is_needed_and_absent_is_a_fault_of_the_set_up() {
    let idp = Idp::new();
    let mut config = idp.config();
    config.client_secret = None;
    config.client_auth = ClientAuthChoice::Basic;
    let error = idp.provider_with(config).redeem(grant()).await.unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(idp.http.calls(TOKEN).len(), 0);
}

/// Threat 26: what an answer of the token endpoint says, and what it does not.
#[tokio::test]
async fn only_an_error_of_the_protocol_is_a_refusal() {
    use ErrorKind::{Provider, Unavailable};
    let refusal = |status| Reply::text(status, "application/json", r#"{"error":"invalid_grant"}"#);
    let page = |status| Reply::text(status, "text/html", "<html>invalid_grant</html>");
    let redirect = page(302).with_header("location", "https://evil.example/");
    let no_id_token = json!({ "access_token": "at", "token_type": "Bearer" });
    for (name, reply, kind, code) in [
        ("refused", refusal(400), Provider, Some("invalid_grant")),
        (
            "unauthorized",
            refusal(401),
            Provider,
            Some("invalid_grant"),
        ),
        ("503 with an error", refusal(503), Unavailable, None),
        ("429 with an error", refusal(429), Unavailable, None),
        ("500", page(500), Unavailable, None),
        ("502", page(502), Unavailable, None),
        ("408", page(408), Unavailable, None),
        (
            "no connection",
            Reply::Fail(HttpErrorKind::Connect),
            Unavailable,
            None,
        ),
        (
            "timeout",
            Reply::Fail(HttpErrorKind::Timeout),
            Unavailable,
            None,
        ),
        (
            "too large",
            Reply::Fail(HttpErrorKind::TooLarge),
            Unavailable,
            None,
        ),
        ("400 page", page(400), Provider, None),
        ("200 page", page(200), Provider, None),
        ("200 error", refusal(200), Provider, None),
        ("redirect", redirect, Provider, None),
        ("redirect with an error", refusal(307), Provider, None),
        (
            "empty",
            Reply::text(200, "application/json", ""),
            Provider,
            None,
        ),
        ("no id_token", Reply::json(&no_id_token), Provider, None),
    ] {
        let idp = Idp::new();
        idp.http.on(TOKEN, reply);
        let error = refused(&idp).await;
        assert_eq!((error.kind(), error.code()), (kind, code), "{name}");
        assert_eq!(idp.http.calls(TOKEN).len(), 1, "{name}: sent once");
    }
}

#[tokio::test]
async fn retry_after_of_the_token_endpoint_is_passed_on() {
    let idp = Idp::new();
    let busy = Reply::text(503, "text/plain", "").with_header("retry-after", "17");
    idp.http.on(TOKEN, busy);
    assert_eq!(
        refused(&idp).await.retry_after(),
        Some(Duration::from_secs(17))
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_hangs_is_given_up() {
    let idp = Idp::new();
    idp.http.on(TOKEN, Reply::Hang);
    assert_eq!(refused(&idp).await.kind(), ErrorKind::Unavailable);
    assert_eq!(idp.http.calls(TOKEN).len(), 1);
}

#[tokio::test]
async fn each_claim_of_the_id_token_is_checked_before_userinfo_is_asked() {
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("another")),
        ("azp", json!("another")),
        ("nonce", json!("n-2")),
        ("exp", json!(NOW - 61)),
        ("iat", json!(NOW + 3_600)),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("c_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let idp = Idp::new();
        idp.http
            .on(TOKEN, tokens(&idp.key.sign(&claims_with(name, value))));
        let mut config = idp.config();
        config.userinfo = true;
        let error = idp.provider_with(config).redeem(grant()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{name}");
        assert_eq!(idp.http.calls(USERINFO).len(), 0, "{name}");
    }
}

#[tokio::test]
async fn an_algorithm_that_the_metadata_does_not_name_is_refused() {
    let idp = Idp::new();
    let name = "id_token_signing_alg_values_supported";
    let metadata = metadata_with(name, json!(["RS256"]));
    idp.http.on(CONFIGURATION, Reply::json(&metadata));
    assert_eq!(refused(&idp).await.kind(), ErrorKind::Provider);
}

#[tokio::test]
async fn a_bad_signature_or_an_expired_token_fetches_no_keys() {
    let idp = Idp::new();
    let provider = idp.provider();
    provider.redeem(grant()).await.unwrap();
    let forged = TestKey::new("k1").sign(&claims());
    let expired = idp.key.sign(&claims_with("exp", json!(NOW - 3_600)));
    for token in [&forged, &expired] {
        idp.http.on(TOKEN, tokens(token));
        for _ in 0..10 {
            let error = provider.redeem(grant()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Provider);
        }
    }
    assert_eq!(idp.http.calls(JWKS).len(), 1);
}

#[tokio::test]
async fn a_token_without_kid_is_tried_with_the_keys_that_fit() {
    let idp = Idp::new();
    let key = TestKey::new("unnamed").without_kid();
    idp.http.on(TOKEN, tokens(&key.sign(&claims())));
    idp.http.on(JWKS, key_set(&[&idp.key, &key]));
    redeemed(&idp).await.unwrap();
}

#[tokio::test]
async fn keys_that_can_t_be_fetched_are_no_forgery() {
    let idp = Idp::new();
    idp.http.on(JWKS, Reply::text(500, "text/plain", ""));
    assert_eq!(refused(&idp).await.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn auth_time_must_fit_the_shorter_max_age() {
    let idp = Idp::new();
    let signed = idp.key.sign(&claims_with("auth_time", json!(NOW - 400)));
    idp.http.on(TOKEN, tokens(&signed));
    for (configured, asked, fits) in [
        (None, None, true),
        (Some(600), None, true),
        (None, Some(600), true),
        (Some(300), None, false),
        (None, Some(300), false),
        (Some(600), Some(300), false),
        (Some(300), Some(600), false),
    ] {
        let mut config = idp.config();
        config.max_age = configured.map(Duration::from_secs);
        let mut grant = grant();
        grant.max_age = asked.map(Duration::from_secs);
        let identity = idp.provider_with(config).redeem(grant).await;
        assert_eq!(identity.is_ok(), fits, "{configured:?} {asked:?}");
    }
}

#[tokio::test]
async fn a_provider_s_own_acr_value_counts_as_multi_factor() {
    let idp = Idp::new();
    let mut claims = claims_with("acr", json!("gold"));
    claims["amr"] = json!(["pwd"]);
    idp.http.on(TOKEN, tokens(&idp.key.sign(&claims)));
    assert!(!redeemed(&idp).await.unwrap().multi_factor);
    let mut config = idp.config();
    config.mfa_acr_values = vec!["gold".to_owned()];
    let identity = idp.provider_with(config).redeem(grant()).await.unwrap();
    assert!(identity.multi_factor);
}

/// Threat 21.
#[tokio::test]
async fn no_secret_is_shown() {
    let idp = Idp::new();
    let provider = idp.provider();
    let identity = provider.redeem(grant()).await.unwrap();
    idp.http.on(
        TOKEN,
        Reply::text(
            400,
            "application/json",
            &json!({"error": "invalid_grant", "error_description": CODE}).to_string(),
        ),
    );
    let error = provider.redeem(grant()).await.unwrap_err();
    let mut shown = format!("{:?} {identity:?} {error:?} {error}", grant());
    // Without the fake client, which remembers what it was sent.
    shown.push_str(&format!("{:?}", idp.config()));
    for secret in [SECRET, CODE, VERIFIER, ACCESS_TOKEN] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

/// An organization that was asked for and is not named is no mistake to overlook: the person may be anybody's.
#[tokio::test]
async fn an_organization_is_asked_for_and_read_by_the_providers_own_names() {
    use crate::provider::{Organizations, Selectors, SignInRequest};
    for (claim, asked, named) in [
        (json!("org_acme"), Some("org_acme"), Some("org_acme")),
        (json!("org_acme"), None, Some("org_acme")),
        (json!(null), None, None),
        (json!("org_evil"), Some("org_acme"), None),
        (json!("org_acme2"), Some("org_acme"), None),
        (json!(["org_acme"]), Some("org_acme"), None),
        (json!(null), Some("org_acme"), None),
    ] {
        let idp = Idp::new();
        let mut all = claims();
        all["org_id"] = claim.clone();
        idp.http.on(TOKEN, tokens(&idp.key.sign(&all)));
        let mut config = idp.config();
        config.organizations = Some(Organizations::new("org_id", "organization"));
        let provider = idp.provider_with(config);
        let selectors = Selectors {
            organization: asked.map(str::to_owned),
            ..Selectors::default()
        };
        let request = SignInRequest {
            redirect_uri: "https://app.example.com/auth/callback".to_owned(),
            state: "s".repeat(43),
            nonce: grant().nonce,
            code_challenge: "c".repeat(43),
            selectors: selectors.clone(),
            ..SignInRequest::default()
        };
        let url = provider.authorization_url(&request).await.unwrap();
        let sent = url.query_pairs().find(|(name, _)| name == "organization");
        assert_eq!(sent.as_ref().map(|(_, value)| &**value), asked, "{claim}");
        assert!(!url.as_str().contains("organization_id"), "{claim}");
        let redeemed = provider
            .redeem(crate::provider::CodeGrant {
                selectors,
                ..grant()
            })
            .await;
        match redeemed {
            Ok(identity) => assert_eq!(identity.organization.as_deref(), named, "{claim}"),
            Err(error) => {
                assert_eq!(
                    (error.kind(), named),
                    (ErrorKind::Provider, None),
                    "{claim}"
                );
                assert!(asked.is_some(), "{claim}");
            }
        }
    }
}
