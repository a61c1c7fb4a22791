//! From a code to an identity: who signed in, and where.

use serde_json::{Value, json};

use super::fake::{
    CLIENT, CODE, CONFIGURATION, ENVIRONMENT, KEYS, NONCE, SECRET, TOKEN, Vendor, bent, claims,
    connection, fault, forged, form, grant, key, key_set, metadata, organization, signed, tokens,
};
use crate::ErrorKind;
use crate::provider::{Provider as _, Selectors};
use crate::vendor::scalekit::ScalekitConfig;

#[tokio::test]
async fn a_code_becomes_an_identity_of_a_connection_and_an_organization() {
    let vendor = Vendor::new();
    let identity = vendor.redeem(Selectors::default()).await.unwrap();
    assert_eq!(identity.claims.subject, "conn_1;idp|ada");
    assert_eq!(identity.connection.as_deref(), Some("conn_1"));
    assert_eq!(identity.organization.as_deref(), Some("org_1"));
    assert_eq!(identity.claims.sid.as_deref(), Some("ses_1"));
    assert_eq!(identity.claims.all["amr"], json!(["conn_1"]), "as it came");

    let calls = vendor.calls(TOKEN);
    assert_eq!(calls.len(), 1);
    assert!(
        !calls[0].headers().contains_key("authorization"),
        "by post, whatever else is offered"
    );
    let form = form(&calls[0]);
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", CODE),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
    ] {
        assert_eq!(form[name], value);
    }
    assert!(form.contains_key("code_verifier") && form.contains_key("redirect_uri"));
}

/// Whatever stands in `amr` is a connection.
#[tokio::test]
async fn a_connection_is_no_factor() {
    for amr in [
        json!(["mfa"]),
        json!(["pwd", "otp"]),
        json!(["conn_1", "mfa", "pwd", "otp"]),
    ] {
        let vendor = Vendor::new();
        vendor.issues(&bent(claims(), json!({ "amr": amr, "sub": "ada" })));
        let identity = vendor.redeem(Selectors::default()).await.unwrap();
        assert!(!identity.multi_factor, "{amr}");
        assert!(identity.claims.amr.is_empty(), "{amr}");
        assert_eq!(identity.claims.all["amr"], amr);
    }
}

/// One customer's identity provider signs nobody in where another's was asked for.
#[tokio::test]
async fn an_identity_of_another_place_is_refused() {
    let both = |one: &str, other: &str| Selectors {
        connection: Some(one.to_owned()),
        ..organization(other)
    };
    for (asked, changes, fits) in [
        (connection("conn_1"), json!({}), true),
        (organization("org_1"), json!({}), true),
        (both("conn_1", "org_1"), json!({}), true),
        (both("", "org_1"), json!({}), true),
        (connection("conn_2"), json!({}), false),
        (organization("org_2"), json!({}), false),
        (both("conn_1", "org_2"), json!({}), false),
        (organization("org_1"), json!({ "oid": null }), false),
        (connection("conn_1"), json!({ "oid": null }), true),
        (Selectors::default(), json!({ "amr": null }), false),
        (Selectors::default(), json!({ "amr": ["conn_2"] }), false),
    ] {
        let vendor = Vendor::new();
        vendor.issues(&bent(claims(), changes.clone()));
        let outcome = vendor.redeem(asked.clone()).await;
        assert_eq!(outcome.is_ok(), fits, "{asked:?} {changes}");
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::Provider);
        }
    }
}

#[tokio::test]
async fn what_is_configured_counts_as_asked_for_where_nothing_was() {
    let vendor = Vendor::new();
    for (configured, asked, fits) in [
        ("org_1", Selectors::default(), true),
        ("org_2", Selectors::default(), false),
        ("org_2", organization("org_1"), true),
        ("org_1", organization("org_2"), false),
    ] {
        let mut config = vendor.config();
        config.selectors = organization(configured);
        let outcome = vendor.scalekit_with(config).redeem(grant(asked)).await;
        assert_eq!(outcome.is_ok(), fits, "{configured}");
    }
}

#[tokio::test]
async fn each_claim_of_the_id_token_is_checked() {
    let now = super::fake::NOW;
    for (changes, why) in [
        (json!({ "iss": "https://evil.example" }), "issuer"),
        (json!({ "iss": format!("{ENVIRONMENT}/") }), "issuer"),
        (json!({ "aud": ["other"] }), "audience"),
        (json!({ "azp": "other" }), "party"),
        (json!({ "exp": now - 60 }), "expired"),
        (json!({ "iat": now + 61 }), "future"),
        (json!({ "at_hash": "AAAA" }), "at_hash"),
        (json!({ "c_hash": "AAAA" }), "c_hash"),
        (json!({ "nonce": "n-2" }), "nonce"),
        (json!({ "nonce": 1 }), "nonce"),
        (json!({ "sub": null }), "sub"),
    ] {
        let vendor = Vendor::new();
        vendor.issues(&bent(claims(), changes.clone()));
        let error = vendor.redeem(Selectors::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{changes}");
        assert!(fault(&error).contains(why), "{changes}: {error}");
    }
    for changes in [
        json!({ "aud": CLIENT }),
        json!({ "azp": null, "at_hash": null, "c_hash": null }),
        json!({ "nonce": NONCE }),
        json!({ "exp": now - 59 }),
    ] {
        let vendor = Vendor::new();
        vendor.issues(&bent(claims(), changes.clone()));
        let outcome = vendor.redeem(Selectors::default()).await;
        assert!(outcome.is_ok(), "{changes}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_nonce_may_be_required() {
    let vendor = Vendor::new();
    let mut config: ScalekitConfig = vendor.config();
    config.require_nonce = true;
    let scalekit = vendor.scalekit_with(config);
    for (nonce, fits) in [
        (json!(NONCE), true),
        (Value::Null, false),
        (json!("n-2"), false),
    ] {
        vendor.issues(&bent(claims(), json!({ "nonce": nonce })));
        let outcome = scalekit.redeem(grant(Selectors::default())).await;
        assert_eq!(outcome.is_ok(), fits, "{nonce}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_environments_signs_nobody_in() {
    let vendor = Vendor::new();
    for token in [forged("k1", &claims()), forged("k2", &claims())] {
        vendor.on(TOKEN, &tokens(&token));
        let error = vendor.redeem(Selectors::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider);
    }
}

#[tokio::test]
async fn a_new_key_is_seen_at_once() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    scalekit.redeem(grant(Selectors::default())).await.unwrap();
    vendor.on(KEYS, &key_set(&[("k1", key(0)), ("k2", key(1))]));
    vendor.on(TOKEN, &tokens(&forged("k2", &claims())));
    scalekit.redeem(grant(Selectors::default())).await.unwrap();
    assert_eq!(scalekit.jwks_cache().fetches(), 2);
}

#[tokio::test]
async fn another_environments_metadata_is_not_believed() {
    let vendor = Vendor::new();
    for issuer in [
        "https://other.example".to_owned(),
        format!("{ENVIRONMENT}/"),
    ] {
        vendor.on(
            CONFIGURATION,
            &bent(metadata(), json!({ "issuer": issuer })),
        );
        let error = vendor.redeem(Selectors::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{issuer}");
    }
    assert!(vendor.calls(TOKEN).is_empty());
}

#[tokio::test]
async fn an_outage_is_no_refusal() {
    let vendor = Vendor::new();
    vendor.answer(TOKEN, 503, &json!({}));
    assert!(
        vendor
            .redeem(Selectors::default())
            .await
            .unwrap_err()
            .is_temporary()
    );
    vendor.answer(TOKEN, 400, &json!({ "error": "invalid_grant" }));
    let error = vendor.redeem(Selectors::default()).await.unwrap_err();
    assert_eq!(error.code(), Some("invalid_grant"));
}

/// Threat 21.
#[tokio::test]
async fn no_secret_is_shown() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    let identity = scalekit.redeem(grant(Selectors::default())).await.unwrap();
    let shown = format!("{scalekit:?} {identity:?}");
    for secret in [SECRET, CODE, &signed(&claims()), super::fake::ACCESS_TOKEN] {
        assert!(!shown.contains(secret), "{secret}");
    }
}
