//! UserInfo: asked only where it is on, and believed only about the same subject.

use serde_json::json;

use super::fake::{
    ACCESS_TOKEN, CLIENT, CONFIGURATION, ISSUER, Idp, NONCE, Reply, TestKey, USERINFO, grant,
    metadata_with,
};
use crate::provider::{HttpErrorKind, Identity, Provider as _};
use crate::{ErrorKind, Result};

async fn with_userinfo(idp: &Idp, reply: Reply) -> Result<Identity> {
    idp.http.on(USERINFO, reply);
    let mut config = idp.config();
    config.userinfo = true;
    idp.provider_with(config).redeem(grant()).await
}

#[tokio::test]
async fn userinfo_adds_claims_and_overwrites_none() {
    let idp = Idp::new();
    let answer = json!({ "sub": "alice", "email": "alice@example.com", "nonce": "other" });
    let claims = with_userinfo(&idp, Reply::json(&answer))
        .await
        .unwrap()
        .claims;
    assert_eq!(claims.all["email"], "alice@example.com");
    assert_eq!(claims.all["nonce"], NONCE);
    let call = idp.http.calls(USERINFO).remove(0);
    let bearer = &call.headers()["authorization"];
    assert_eq!(bearer, &format!("Bearer {ACCESS_TOKEN}"));
    assert!(bearer.is_sensitive());
    assert_eq!(call.uri().query(), None);
}

#[tokio::test]
async fn userinfo_that_can_t_be_trusted_refuses_the_sign_in() {
    use ErrorKind::{Provider, Unavailable};
    for (name, reply, kind) in [
        (
            "another sub",
            Reply::json(&json!({ "sub": "mallory" })),
            Provider,
        ),
        (
            "no sub",
            Reply::json(&json!({ "email": "alice@example.com" })),
            Provider,
        ),
        ("401", Reply::text(401, "application/json", "{}"), Provider),
        (
            "redirect",
            Reply::text(302, "application/json", r#"{"sub":"alice"}"#),
            Provider,
        ),
        ("a page", Reply::text(200, "text/html", "<html>"), Provider),
        ("503", Reply::text(503, "text/plain", ""), Unavailable),
        ("429", Reply::text(429, "text/plain", ""), Unavailable),
        ("timeout", Reply::Fail(HttpErrorKind::Timeout), Unavailable),
    ] {
        let idp = Idp::new();
        let error = with_userinfo(&idp, reply).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
    }
}

/// oidcc-client-test-userinfo-signed.
#[tokio::test]
async fn signed_userinfo_is_verified() {
    let answer = json!({ "sub": "alice", "iss": ISSUER, "aud": CLIENT, "email": "a@example.com" });
    let mut of_another = answer.clone();
    of_another["sub"] = json!("mallory");
    let mut for_another = answer.clone();
    for_another["aud"] = json!("another");
    let idp = Idp::new();
    for (name, jwt, fits) in [
        ("right", idp.key.sign(&answer), true),
        ("forged", TestKey::new("k1").sign(&answer), false),
        ("of another subject", idp.key.sign(&of_another), false),
        ("for another client", idp.key.sign(&for_another), false),
        ("no JWT", "{\"sub\":\"alice\"}".to_owned(), false),
    ] {
        let reply = Reply::text(200, "Application/JWT; charset=utf-8", &jwt);
        let identity = with_userinfo(&idp, reply).await;
        assert_eq!(identity.is_ok(), fits, "{name}");
        if let Ok(identity) = identity {
            assert_eq!(identity.claims.all["email"], "a@example.com");
        }
    }
}

#[tokio::test]
async fn userinfo_without_an_endpoint_is_a_fault_of_the_set_up() {
    let idp = Idp::new();
    let metadata = metadata_with("userinfo_endpoint", json!(null));
    idp.http.on(CONFIGURATION, Reply::json(&metadata));
    let error = with_userinfo(&idp, Reply::json(&json!({})))
        .await
        .unwrap_err();
    assert!(error.is_configuration());
}
