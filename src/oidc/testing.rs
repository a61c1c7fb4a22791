//! Keys and tokens for the tests of this room. The keys were made for it and open nothing.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{Issuer, KeySet};
use crate::crypto::{base64url, sign};

pub(super) const JWKS: &str = include_str!("testing/jwks.json");
pub(super) const CLIENT: &str = "my-app";
pub(super) const NOW: u64 = 1_700_000_000;

pub(super) fn issuer() -> Issuer {
    Issuer::parse("https://idp.example.com").unwrap()
}

pub(super) fn keys() -> KeySet {
    KeySet::parse(JWKS.as_bytes()).unwrap()
}

/// One key of the set as a JWK, to be bent.
pub(super) fn jwk(kid: &str) -> Value {
    let set: Value = serde_json::from_str(JWKS).unwrap();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().find(|key| key["kid"] == kid).unwrap().clone()
}

pub(super) fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

pub(super) fn kid(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "p256",
        Algorithm::ES384 => "p384",
        Algorithm::EdDSA => "ed",
        _ => "rsa",
    }
}

/// A token with just this header and payload, signed rightly.
pub(super) fn signed(algorithm: Algorithm, header: &str, payload: &str) -> String {
    let input = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(payload.as_bytes())
    );
    let key = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_der(include_bytes!("testing/p256.pkcs8.der")),
        Algorithm::ES384 => EncodingKey::from_ec_der(include_bytes!("testing/p384.pkcs8.der")),
        Algorithm::EdDSA => EncodingKey::from_ed_der(include_bytes!("testing/ed25519.pkcs8.der")),
        _ => EncodingKey::from_rsa_der(include_bytes!("testing/rsa.pkcs1.der")),
    };
    let signature = sign(algorithm, &key, input.as_bytes()).unwrap();
    format!("{input}.{}", base64url(&signature))
}

/// A token with an ordinary header.
pub(super) fn token(algorithm: Algorithm, claims: &Value) -> String {
    let header = json!({ "alg": format!("{algorithm:?}"), "kid": kid(algorithm) });
    signed(algorithm, &header.to_string(), &claims.to_string())
}

/// The claims of an ID token in which nothing is wrong.
pub(super) fn good_claims() -> Value {
    json!({
        "iss": issuer().as_str(), "sub": "alice", "aud": CLIENT,
        "exp": NOW + 300, "iat": NOW, "nonce": "n-1",
    })
}

/// Those with one changed, or taken out by `null`.
pub(super) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = good_claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}
