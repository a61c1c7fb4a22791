//! Which tokens of sign-ins that began elsewhere are believed.

use serde_json::{Value, json};

use super::fake::{
    CLIENT, CONFIGURATION, ENVIRONMENT, KEYS, NOW, Vendor, bent, claims, fault, forged, signed,
    with_header,
};
use crate::crypto::base64url;
use crate::provider::{InitiatedSignIns as _, Initiation, Provider as _};
use crate::vendor::scalekit::Scalekit;
use crate::{ErrorKind, Result};

fn initiation() -> Value {
    json!({
        "iss": ENVIRONMENT, "exp": NOW + 300, "nbf": NOW, "iat": NOW, "organization_id": "org_1",
        "connection_id": "conn_1", "login_hint": "ada@acme.example", "relay_state": "/reports",
    })
}

async fn verify(scalekit: &Scalekit, token: &str) -> Result<Initiation> {
    scalekit.verify(&token.into()).await
}

async fn judged(changes: Value) -> Result<Initiation> {
    let token = signed(&bent(initiation(), changes));
    verify(&Vendor::new().scalekit(), &token).await
}

#[tokio::test]
async fn a_token_says_where_to_sign_in() {
    let initiation = judged(json!({})).await.unwrap();
    assert_eq!(initiation.selectors.connection.as_deref(), Some("conn_1"));
    assert_eq!(initiation.selectors.organization.as_deref(), Some("org_1"));
    assert_eq!(initiation.login_hint.as_deref(), Some("ada@acme.example"));
    assert_eq!(initiation.relay_state.as_deref(), Some("/reports"));
    assert_eq!(
        initiation.expires_at.0,
        NOW + 360,
        "for as long as it is accepted"
    );
}

#[tokio::test]
async fn what_is_not_asked_for_may_be_absent() {
    for changes in [
        json!({ "nbf": null, "iat": null, "login_hint": null, "relay_state": null }),
        json!({ "organization_id": null }),
        json!({ "connection_id": null }),
        json!({ "connection_id": "" }),
        json!({ "iss": format!("{ENVIRONMENT}/") }),
        json!({ "aud": CLIENT }),
        json!({ "jti": "1" }),
        json!({ "exp": NOW - 59 }),
        json!({ "nbf": NOW + 60 }),
        json!({ "iat": NOW + 60 }),
        json!({ "exp": NOW + 3_600 }),
        json!({ "iat": null, "exp": NOW + 3_660 }),
    ] {
        let outcome = judged(changes.clone()).await;
        assert!(outcome.is_ok(), "{changes}: {outcome:?}");
    }
}

#[tokio::test]
async fn each_claim_is_checked() {
    let long = "a".repeat(321);
    for (changes, why) in [
        (json!({ "iss": null }), "iss"),
        (json!({ "iss": "https://evil.example" }), "issuer"),
        (json!({ "iss": [ENVIRONMENT] }), "iss"),
        (json!({ "aud": "other" }), "audience"),
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": NOW - 60 }), "expired"),
        (json!({ "exp": (NOW + 300).to_string() }), "exp"),
        (json!({ "exp": NOW + 3_601 }), "exp"),
        (json!({ "iat": null, "exp": NOW + 3_661 }), "exp"),
        (json!({ "iat": NOW - 3_400, "exp": NOW + 300 }), "exp"),
        (json!({ "nbf": NOW + 61 }), "not valid yet"),
        (json!({ "iat": NOW + 61 }), "future"),
        (
            json!({ "organization_id": null, "connection_id": null }),
            "connection_id",
        ),
        (
            json!({ "organization_id": "", "connection_id": "" }),
            "connection_id",
        ),
        (json!({ "connection_id": ["conn_1"] }), "connection_id"),
        (
            json!({ "organization_id": { "id": "org_1" } }),
            "organization_id",
        ),
        (json!({ "connection_id": long }), "connection_id"),
        (json!({ "organization_id": long }), "organization_id"),
        (json!({ "login_hint": long }), "login_hint"),
        (json!({ "login_hint": 1 }), "login_hint"),
        (json!({ "relay_state": {} }), "relay_state"),
    ] {
        let error = judged(changes.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{changes}");
        assert!(fault(&error).contains(why), "{changes}: {error}");
    }
}

/// Each of these is signed by the same keys.
#[tokio::test]
async fn another_token_of_the_environment_is_none() {
    let scalekit = Vendor::new().scalekit();
    let places = json!({ "organization_id": "org_1", "connection_id": "conn_1" });
    for other in [
        claims(),
        bent(claims(), places.clone()),
        bent(initiation(), json!({ "sub": "conn_1;ada" })),
        bent(initiation(), json!({ "sid": "ses_1" })),
        bent(initiation(), json!({ "events": {} })),
        bent(initiation(), json!({ "nonce": "n" })),
    ] {
        let error = verify(&scalekit, &signed(&other)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{other}");
        assert!(fault(&error).contains("another type"), "{other}: {error}");
    }
    for (typ, fits) in [
        ("JWT", true),
        ("at+jwt", false),
        ("application/at+jwt", false),
        ("logout+JWT", false),
    ] {
        let header = json!({ "alg": "RS256", "kid": "k1", "typ": typ });
        let outcome = verify(&scalekit, &with_header(&header, &initiation())).await;
        assert_eq!(outcome.is_ok(), fits, "{typ}");
    }
}

#[tokio::test]
async fn it_is_signed_by_the_environment_with_rs256() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    let good = signed(&initiation());
    let (_, rest) = good.split_once('.').unwrap();
    let mut tokens = vec![
        forged("k1", &initiation()),
        forged("k2", &initiation()),
        "a.b.c".to_owned(),
        String::new(),
        good[..good.len() - 4].to_owned(),
    ];
    for alg in ["none", "HS256", "RS384", "PS256", "ES256"] {
        let header = json!({ "alg": alg, "kid": "k1" }).to_string();
        tokens.push(format!("{}.{rest}", base64url(header.as_bytes())));
    }
    for token in tokens {
        let error = verify(&scalekit, &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{token}");
    }
    verify(&scalekit, &good).await.unwrap();
}

/// Threat 33: rightly signed all of them, and yet another reader could take each for something else.
#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused() {
    let scalekit = Vendor::new().scalekit();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("jku", json!(format!("{ENVIRONMENT}/keys"))),
        ("x5u", json!(format!("{ENVIRONMENT}/keys"))),
        ("jwk", json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })),
        ("zip", json!("DEF")),
    ] {
        let header = bent(
            json!({ "alg": "RS256", "kid": "k1" }),
            json!({ name: value }),
        );
        let token = with_header(&header, &initiation());
        verify(&scalekit, &token).await.unwrap_err();
        scalekit.verify_access_token(&token).await.unwrap_err();
    }
    let header = json!({ "alg": "RS256", "kid": "k1", "cty": "JWT" });
    let nested = Value::from(signed(&initiation()));
    verify(&scalekit, &with_header(&header, &nested))
        .await
        .unwrap_err();
    let claims = initiation().to_string();
    let twice = claims.replacen('{', r#"{"connection_id":"conn_2","#, 1);
    let token = super::fake::signed_text(&twice);
    verify(&scalekit, &token).await.unwrap_err();
    verify(&scalekit, &super::fake::signed_text(&claims))
        .await
        .unwrap();
}

/// One that could be spelled anew would count anew.
#[tokio::test]
async fn another_spelling_is_no_other_token() {
    let scalekit = Vendor::new().scalekit();
    let good = signed(&initiation());
    let id = verify(&scalekit, &good).await.unwrap().token_id;
    let last = |c: char| format!("{}{c}", &good[..good.len() - 1]);
    let mut spellings: Vec<String> = ('A'..='Z').chain('a'..='z').map(last).collect();
    let (head, rest) = good.split_once('.').unwrap();
    spellings.extend([
        format!("{good}="),
        format!("{good}=="),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}."),
        format!("{head}=.{rest}"),
        format!("{head}\n.{rest}"),
        format!("{head}. {rest}"),
        good.replace('-', "+").replace('_', "/") + "=",
    ]);
    for spelling in spellings.into_iter().filter(|spelling| *spelling != good) {
        if let Ok(initiation) = verify(&scalekit, &spelling).await {
            assert_eq!(initiation.token_id, id, "{spelling}");
        }
    }
}

/// Rightly signed with another algorithm, that the key would fit.
#[tokio::test]
async fn another_algorithm_of_the_same_key_is_refused() {
    use jsonwebtoken::Algorithm;
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let header = json!({ "alg": "RS512", "kid": "k1" });
    let input = format!("{}.{}", part(&header), part(&initiation()));
    let key = &super::fake::key(0).private;
    let signature = crate::crypto::sign(Algorithm::RS512, key, input.as_bytes()).unwrap();
    let token = format!("{input}.{}", base64url(&signature));
    let error = verify(&Vendor::new().scalekit(), &token).await.unwrap_err();
    assert!(fault(&error).contains("algorithm"), "{error}");
}

#[tokio::test]
async fn a_list_says_who_may_begin_sign_ins() {
    let vendor = Vendor::new();
    let mut config = vendor.config();
    config.initiated_issuers = Some(vec!["https://b2b.example".to_owned()]);
    let scalekit = vendor.scalekit_with(config.clone());
    let other = bent(initiation(), json!({ "iss": "https://b2b.example" }));
    verify(&scalekit, &signed(&other)).await.unwrap();
    verify(&scalekit, &signed(&initiation())).await.unwrap_err();
    assert!(scalekit.initiated_sign_ins().is_some());
    config.initiated_issuers = Some(Vec::new());
    assert!(vendor.scalekit_with(config).initiated_sign_ins().is_none());
    assert!(vendor.scalekit().initiated_sign_ins().is_some());
}

#[tokio::test]
async fn a_long_relay_state_is_dropped() {
    for (length, kept) in [(0, false), (1, true), (2_048, true), (2_049, false)] {
        let relay_state = "a".repeat(length);
        let initiation = judged(json!({ "relay_state": relay_state })).await.unwrap();
        assert_eq!(initiation.relay_state.is_some(), kept, "{length}");
    }
}

#[tokio::test]
async fn a_long_token_is_not_looked_at() {
    let vendor = Vendor::new();
    let token = signed(&bent(initiation(), json!({ "x": "a".repeat(8 * 1024) })));
    let error = verify(&vendor.scalekit(), &token).await.unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
    assert!(vendor.calls(CONFIGURATION).is_empty());
}

/// The same token is the same one however often it comes, and no other is.
#[tokio::test]
async fn a_token_is_told_from_every_other() {
    let scalekit = Vendor::new().scalekit();
    let token = signed(&initiation());
    let id = verify(&scalekit, &token).await.unwrap().token_id;
    assert_eq!(verify(&scalekit, &token).await.unwrap().token_id, id);
    let other = signed(&bent(initiation(), json!({ "iat": NOW - 1 })));
    assert_ne!(verify(&scalekit, &other).await.unwrap().token_id, id);
    assert_eq!(id.len(), 43);
}

/// Threat 34: what strangers send uses up their own bucket, and a sign-in still sees a new key.
#[tokio::test]
async fn made_up_keys_cost_a_handful_of_fetches() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    for number in 0..20 {
        let token = forged(&format!("made-up-{number}"), &initiation());
        let error = verify(&scalekit, &token).await.unwrap_err();
        assert_ne!(
            error.kind(),
            ErrorKind::Provider,
            "the sender's fault, or nobody can tell"
        );
    }
    assert!(
        vendor.calls(KEYS).len() <= 5,
        "{}",
        vendor.calls(KEYS).len()
    );
    verify(&scalekit, &signed(&initiation())).await.unwrap();
    let fetches = scalekit.jwks_cache().fetches();
    vendor.on(
        super::fake::TOKEN,
        &super::fake::tokens(&forged("k2", &claims())),
    );
    let grant = super::fake::grant(crate::provider::Selectors::default());
    scalekit.redeem(grant).await.unwrap_err();
    assert_eq!(scalekit.jwks_cache().fetches(), fetches + 1);
}

#[tokio::test]
async fn keys_that_can_not_be_fetched_are_no_forgery() {
    let vendor = Vendor::new();
    vendor.answer(KEYS, 503, &json!({}));
    let error = verify(&vendor.scalekit(), &signed(&initiation()))
        .await
        .unwrap_err();
    assert!(error.is_temporary());
}

#[tokio::test]
async fn it_is_over_at_its_end() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    let token = signed(&initiation());
    vendor.advance(359);
    verify(&scalekit, &token).await.unwrap();
    vendor.advance(1);
    verify(&scalekit, &token).await.unwrap_err();
}
