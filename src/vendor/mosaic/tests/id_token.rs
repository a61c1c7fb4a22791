//! Which ID tokens are believed, and what an odd key costs.

use std::time::Duration;

use serde_json::{Value, json};

use super::fake::{
    AUTHENTICATE, KEYS, NOW, Reply, Vendor, claims, claims_with, failed, id_token, key, key_set,
    signed, signed_in, silent, tokens,
};
use crate::crypto::base64url;
use crate::provider::BackendSessions as _;
use crate::vendor::mosaic::Mosaic;
use crate::{Error, ErrorKind, Result};

async fn outcome(vendor: &Vendor, mosaic: &Mosaic, token: &str) -> Result<()> {
    vendor.on(AUTHENTICATE, Reply::json(&tokens(token)));
    mosaic.authenticate(silent()).await.map(drop)
}

fn fault(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[tokio::test]
async fn each_claim_is_checked() {
    let vendor = Vendor::new();
    let mut config = vendor.config();
    config.tenant = Some("acme".to_owned());
    let mosaic = vendor.mosaic_with(config);
    signed_in(&mosaic).await;
    for (name, value, why) in [
        ("iss", json!("https://userid.security"), "issuer"),
        ("aud", json!("another-app"), "audience"),
        ("aud", json!(["my-app", "another-app"]), "azp"),
        ("exp", json!(NOW - 60), "expired"),
        ("exp", Value::Null, "exp"),
        ("iat", json!(NOW + 61), "future"),
        ("sub", json!(""), "sub"),
        ("at_hash", json!("AAAA"), "at_hash"),
        ("tid", json!("evil"), "tenant"),
        ("tid", json!("ACME"), "tenant"),
        ("tid", json!(["acme"]), "tenant"),
        ("tid", Value::Null, "tenant"),
    ] {
        let token = id_token(&claims_with(name, value.clone()));
        let error = outcome(&vendor, &mosaic, &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{name}: {value}");
        assert!(fault(&error).contains(why), "{name}: {value}: {error}");
    }
}

#[tokio::test]
async fn a_token_of_another_organization_is_refused() {
    let vendor = Vendor::new();
    let mut config = vendor.config();
    config.organization = Some("org-1".to_owned());
    let mosaic = vendor.mosaic_with(config);
    for (value, is_believed) in [
        (json!("org-1"), true),
        (Value::Null, true),
        (json!("org-2"), false),
        (json!(["org-1"]), false),
    ] {
        let token = id_token(&claims_with("org_id", value.clone()));
        let outcome = outcome(&vendor, &mosaic, &token).await;
        assert_eq!(outcome.is_ok(), is_believed, "{value}");
    }
}

/// The algorithm is RS256, whatever the token says, and no word of the token fetches keys by it.
#[tokio::test]
async fn the_token_does_not_choose_its_algorithm() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    let good = id_token(&claims());
    let (_, rest) = good.split_once('.').unwrap();
    for alg in ["none", "HS256", "RS384", "PS256", "EdDSA"] {
        let header = json!({ "alg": alg, "kid": "k1" }).to_string();
        let token = format!("{}.{rest}", base64url(header.as_bytes()));
        let error = outcome(&vendor, &mosaic, &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{alg}");
    }
    assert_eq!(mosaic.jwks_cache().fetches(), 1);
}

#[tokio::test]
async fn an_unknown_key_is_fetched_once_and_then_it_is_final() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    let token = signed("k2", key(1), &claims());
    let error = outcome(&vendor, &mosaic, &token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Provider);
    assert_eq!(mosaic.jwks_cache().fetches(), 2);
    vendor.on(KEYS, key_set(&[("k1", key(0)), ("k2", key(1))]));
    outcome(&vendor, &mosaic, &token).await.unwrap();
    assert_eq!(mosaic.jwks_cache().fetches(), 3);
}

#[tokio::test]
async fn another_key_under_an_old_name_is_fetched() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    vendor.on(KEYS, key_set(&[("k1", key(1))]));
    let token = signed("k1", key(1), &claims());
    outcome(&vendor, &mosaic, &token).await.unwrap();
    assert_eq!(mosaic.jwks_cache().fetches(), 2);
    outcome(&vendor, &mosaic, &token).await.unwrap();
    assert_eq!(mosaic.jwks_cache().fetches(), 2);
}

/// The bucket has four tokens: one for the first set, three for bad signatures. After that nobody can tell,
/// and the keys that are kept go on serving.
#[tokio::test]
async fn a_bad_signature_costs_one_fetch_out_of_the_bucket() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    let bad = signed("k1", key(1), &claims());
    for fetches in 2..=4 {
        let error = outcome(&vendor, &mosaic, &bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider);
        assert_eq!(mosaic.jwks_cache().fetches(), fetches);
    }
    for _ in 0..10 {
        let error = outcome(&vendor, &mosaic, &bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.retry_after().is_some());
    }
    assert_eq!(mosaic.jwks_cache().fetches(), 4);
    let good = id_token(&claims());
    outcome(&vendor, &mosaic, &good).await.unwrap();
    vendor.advance(30);
    outcome(&vendor, &mosaic, &bad).await.unwrap_err();
    assert_eq!(mosaic.jwks_cache().fetches(), 5);
}

#[tokio::test(start_paused = true)]
async fn many_bad_signatures_at_once_cost_one_fetch() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    let new = key_set(&[("k1", key(1))]);
    vendor.on(KEYS, Reply::After(Duration::from_secs(1), Box::new(new)));
    let token = signed("k1", key(1), &claims());
    vendor.on(AUTHENTICATE, Reply::json(&tokens(&token)));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let mosaic = mosaic.clone();
            tokio::spawn(async move { signed_in(&mosaic).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(mosaic.jwks_cache().fetches(), 2);
}

#[tokio::test]
async fn old_keys_serve_while_new_ones_can_not_be_fetched() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    vendor.on(KEYS, Reply::new(503, ""));
    for token in [
        signed("k1", key(1), &claims()),
        signed("k2", key(1), &claims()),
    ] {
        let error = outcome(&vendor, &mosaic, &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "nobody can tell now");
    }
    outcome(&vendor, &mosaic, &id_token(&claims()))
        .await
        .unwrap();
}

#[tokio::test]
async fn keys_may_be_elsewhere() {
    let vendor = Vendor::new();
    let mut config = vendor.config();
    config.jwks_uri = Some(format!("{}/app/keys", super::fake::API));
    let mosaic = vendor.mosaic_with(config);
    vendor.on("/app/keys", key_set(&[("k1", key(0))]));
    vendor.on(KEYS, Reply::new(503, ""));
    signed_in(&mosaic).await;
    assert!(failed(&vendor.mosaic()).await.is_temporary());
}
