//! The keys that sign ID tokens, and the set that is published (RFC 7517).

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::builder::SigningAlgorithm;
use super::fault::Fault;
use super::shared::Faults;
use crate::crypto::{self, PublicKey, SigningKey, base64url, from_base64url};

impl SigningAlgorithm {
    pub(super) fn jose(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Es256 => Algorithm::ES256,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// A key under its id.
pub(super) struct NamedKey {
    pub(super) kid: String,
    pub(super) key: SigningKey,
}

impl NamedKey {
    fn generate(algorithm: SigningAlgorithm) -> Arc<Self> {
        Arc::new(Self {
            kid: base64url(&crypto::random::<8>()),
            key: SigningKey::generate(algorithm.jose())
                .expect("each algorithm of the simulator has a key type"),
        })
    }

    /// The bytes of the public key: modulus or coordinate.
    pub(super) fn public_bytes(&self) -> &[u8] {
        match &self.key.public {
            PublicKey::Rsa { n, .. } => n,
            PublicKey::P256 { x, .. } | PublicKey::Ed25519 { x } => x,
        }
    }
}

/// All published keys; the last one signs.
pub(super) struct KeyRing {
    algorithm: SigningAlgorithm,
    keys: Vec<Arc<NamedKey>>,
}

impl KeyRing {
    pub(super) fn new(algorithm: SigningAlgorithm) -> Self {
        Self {
            algorithm,
            keys: vec![NamedKey::generate(algorithm)],
        }
    }

    pub(super) fn current(&self) -> Arc<NamedKey> {
        let current = self.keys.last().expect("a ring has at least one key");
        Arc::clone(current)
    }

    pub(super) fn rotate(&mut self) {
        self.keys.push(NamedKey::generate(self.algorithm));
    }

    pub(super) fn drop_old(&mut self) {
        self.keys.drain(..self.keys.len() - 1);
    }

    /// The payload of a token that one of our keys signed, old ones too. Times are not looked at: an
    /// `id_token_hint` may be expired (OpenID Connect Core 3.1.2.1).
    pub(super) fn verified_payload(&self, token: &str) -> Option<Value> {
        let (message, signature) = token.rsplit_once('.')?;
        let (_, payload) = message.split_once('.')?;
        let signature = from_base64url(signature)?;
        let algorithm = self.algorithm.jose();
        self.keys.iter().find(|named| {
            let public = named.key.public.decoding_key();
            crypto::verify_signature(algorithm, &public, message.as_bytes(), &signature)
        })?;
        serde_json::from_slice(&from_base64url(payload)?).ok()
    }

    /// The public keys, as members of a key set.
    pub(super) fn published(&self) -> Vec<Value> {
        self.keys
            .iter()
            .map(|named| jwk(&named.key.public, self.algorithm, &named.kid))
            .collect()
    }

    /// The document at `jwks_uri`.
    pub(super) fn jwks(&self, faults: &Faults) -> Value {
        if faults.has(&Fault::JwksEmpty) {
            return json!({"keys": []});
        }
        let mut keys = self.published();
        if faults.has(&Fault::JwksSeveralKeysNoKid) {
            for _ in 0..2 {
                let stranger = NamedKey::generate(self.algorithm);
                keys.insert(0, jwk(&stranger.key.public, self.algorithm, &stranger.kid));
            }
            for key in &mut keys {
                key.as_object_mut().map(|members| members.remove("kid"));
            }
        }
        if faults.has(&Fault::JwksExtraKeys) {
            keys.splice(0..0, odd_keys(&keys[0]));
        }
        json!({"keys": keys})
    }
}

fn jwk(public: &PublicKey, algorithm: SigningAlgorithm, kid: &str) -> Value {
    let mut jwk = match public {
        PublicKey::Rsa { n, e } => json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)}),
        PublicKey::P256 { x, y } => {
            json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)})
        }
        PublicKey::Ed25519 { x } => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(x)}),
    };
    jwk["kid"] = kid.into();
    jwk["alg"] = algorithm.name().into();
    jwk["use"] = "sig".into();
    jwk
}

/// Keys that a reader must step over (RFC 7517 section 5): they hide no good one.
fn odd_keys(good: &Value) -> Vec<Value> {
    let mut without_kid = good.clone();
    without_kid
        .as_object_mut()
        .map(|members| members.remove("kid"));
    let mut for_encryption = good.clone();
    for_encryption["use"] = "enc".into();
    for_encryption["alg"] = "RSA-OAEP".into();
    for_encryption["kid"] = "for-encryption".into();
    vec![
        without_kid,
        for_encryption,
        json!({"kty": "XYZ", "kid": "unknown-kty", "use": "sig"}),
        json!({"kty": "RSA", "kid": "broken", "use": "sig", "n": "!!!", "e": 65537}),
        json!({"kty": "EC", "kid": "unknown-curve", "crv": "P-999", "x": "AA", "y": "AA"}),
        json!({"kty": "oct", "kid": "symmetric", "k": "c2VjcmV0", "alg": "HS256"}),
        json!("not an object"),
    ]
}
