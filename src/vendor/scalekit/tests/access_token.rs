//! Which access tokens are believed.

use serde_json::{Value, json};

use super::fake::{
    CLIENT, ENVIRONMENT, KEYS, NOW, Vendor, bent, claims, fault, forged, signed, with_header,
};
use crate::vendor::scalekit::AccessTokenClaims;
use crate::{ErrorKind, Result};

fn access() -> Value {
    json!({
        "iss": ENVIRONMENT, "sub": "conn_1;idp|ada", "aud": [CLIENT], "exp": NOW + 300, "iat": NOW, "nbf": NOW,
        "client_id": CLIENT, "jti": "tkn_1", "oid": "org_1", "scope": "openid email",
    })
}

async fn judged(changes: Value) -> Result<AccessTokenClaims> {
    let token = signed(&bent(access(), changes));
    Vendor::new().scalekit().verify_access_token(&token).await
}

#[tokio::test]
async fn a_token_says_who_may_what() {
    let claims = judged(json!({})).await.unwrap();
    assert_eq!(claims.subject, "conn_1;idp|ada");
    assert_eq!(claims.client_id.as_deref(), Some(CLIENT));
    assert_eq!(claims.audience, [CLIENT]);
    assert_eq!(claims.expires_at.0, NOW + 300);
    assert_eq!(claims.issued_at.unwrap().0, NOW);
    assert_eq!(claims.token_id.as_deref(), Some("tkn_1"));
    assert_eq!(claims.organization.as_deref(), Some("org_1"));
    assert!(claims.has_scope("email") && !claims.has_scope("mail") && !claims.has_scope(""));
}

#[tokio::test]
async fn scopes_come_as_a_text_or_as_a_list() {
    for (changes, scopes) in [
        (json!({ "scope": "a b" }), Some(vec!["a", "b"])),
        (json!({ "scope": ["a", "b c"] }), Some(vec!["a", "b", "c"])),
        (
            json!({ "scope": null, "scopes": ["a", "b"] }),
            Some(vec!["a", "b"]),
        ),
        (
            json!({ "scope": null, "scopes": "a b" }),
            Some(vec!["a", "b"]),
        ),
        (
            json!({ "scope": "a", "scopes": ["b", "a"] }),
            Some(vec!["a", "b"]),
        ),
        (json!({ "scope": null }), Some(vec![])),
        (json!({ "scope": 1 }), None),
        (json!({ "scopes": [1] }), None),
    ] {
        let read = judged(changes.clone())
            .await
            .ok()
            .map(|claims| claims.scopes);
        let scopes: Option<Vec<String>> =
            scopes.map(|list| list.into_iter().map(str::to_owned).collect());
        assert_eq!(read, scopes, "{changes}");
    }
}

#[tokio::test]
async fn each_claim_is_checked() {
    for (changes, why) in [
        (json!({ "iss": "https://evil.example" }), "issuer"),
        (json!({ "iss": null }), "issuer"),
        (json!({ "iss": format!("{ENVIRONMENT}/") }), "issuer"),
        (json!({ "aud": "other" }), "audience"),
        (json!({ "aud": null }), "audience"),
        (json!({ "aud": [] }), "audience"),
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": NOW - 60 }), "expired"),
        (json!({ "nbf": NOW + 61 }), "not valid yet"),
        (json!({ "iat": NOW + 61 }), "future"),
        (json!({ "sub": null }), "sub"),
        (json!({ "sub": "" }), "sub"),
    ] {
        let error = judged(changes.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{changes}");
        assert!(fault(&error).contains(why), "{changes}: {error}");
    }
    for changes in [
        json!({ "aud": CLIENT }),
        json!({ "exp": NOW - 59 }),
        json!({ "nbf": NOW + 60, "iat": NOW + 60 }),
        json!({ "nbf": null, "iat": null, "jti": null, "client_id": null }),
        json!({ "client_id": "m2m_of_somebody" }),
    ] {
        judged(changes.clone()).await.expect("a good token");
    }
}

/// The access token of a sign-in and its ID token are signed by the same key, for the same audience.
#[tokio::test]
async fn another_token_of_the_environment_is_none() {
    let scalekit = Vendor::new().scalekit();
    for other in [
        claims(),
        bent(access(), json!({ "at_hash": "h" })),
        bent(access(), json!({ "c_hash": "h" })),
        bent(access(), json!({ "nonce": "n" })),
        bent(access(), json!({ "events": {} })),
    ] {
        let error = scalekit
            .verify_access_token(&signed(&other))
            .await
            .unwrap_err();
        assert!(fault(&error).contains("another type"), "{other}: {error}");
    }
    for (typ, fits) in [
        ("JWT", true),
        ("at+jwt", true),
        ("application/at+JWT", true),
        ("logout+jwt", false),
    ] {
        let header = json!({ "alg": "RS256", "kid": "k1", "typ": typ });
        let token = with_header(&header, &access());
        assert_eq!(
            scalekit.verify_access_token(&token).await.is_ok(),
            fits,
            "{typ}"
        );
    }
}

#[tokio::test]
async fn it_is_signed_by_the_environment() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    for token in [
        forged("k1", &access()),
        forged("k2", &access()),
        "x".to_owned(),
    ] {
        let error = scalekit.verify_access_token(&token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
    }
    let down = Vendor::new();
    down.answer(KEYS, 503, &json!({}));
    let token = signed(&access());
    let error = down
        .scalekit()
        .verify_access_token(&token)
        .await
        .unwrap_err();
    assert!(error.is_temporary());
}

#[tokio::test]
async fn an_api_may_have_an_audience_of_its_own() {
    let vendor = Vendor::new();
    let mut config = vendor.config();
    config.access_token_audiences = vec!["https://api.example".to_owned()];
    let scalekit = vendor.scalekit_with(config);
    for (audience, fits) in [(json!("https://api.example"), true), (json!(CLIENT), false)] {
        let token = signed(&bent(access(), json!({ "aud": audience })));
        assert_eq!(
            scalekit.verify_access_token(&token).await.is_ok(),
            fits,
            "{audience}"
        );
    }
}
