//! The provider's keys.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::{CompactJwt, algorithm, json};
use crate::crypto::{from_base64url, verify_signature};
use crate::{Error, Result};

/// More keys than any provider has; the rest of a longer set is ignored.
const MAX_KEYS: usize = 100;
/// How many keys are tried on a token that names none: each costs a signature check.
const MAX_TRIED_WITHOUT_KID: usize = 4;
/// RFC 7518 section 3.3.
const MIN_RSA_BITS: usize = 2048;
/// What the back ends verify at a bearable price.
const MAX_RSA_BITS: usize = 8192;

/// A provider's key set (RFC 7517 section 5), each key parsed once.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// One public key that can verify signatures.
#[derive(Clone)]
pub struct Key {
    kid: Option<String>,
    kind: Kind,
    /// The one algorithm that the key is for, where the set says so in a known name.
    algorithm: Option<Algorithm>,
    /// Whose tokens it signs, where the set says so: Entra's does, for each key.
    issuer: Option<Box<str>>,
    decoding: DecodingKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl KeySet {
    /// Reads a key set. One odd key does not hide the others: what can't be parsed, is of an unknown type
    /// or symmetric, is for encryption (`use`, `key_ops`), is for an algorithm that is not accepted, or
    /// is an RSA key below 2048 bits, is skipped. Of a longer set the first 100 usable keys are kept.
    ///
    /// # Errors
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): no JSON object with a list `keys`.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut set = json::object(body)
            .ok_or_else(|| Error::provider("the key set is not a JSON object"))?;
        let Some(Value::Array(keys)) = set.remove("keys") else {
            return Err(Error::provider("the key set has no list of keys"));
        };
        let keys = keys
            .iter()
            .filter_map(|key| key.as_object().and_then(Key::parse))
            .take(MAX_KEYS)
            .collect();
        Ok(Self { keys })
    }

    /// The keys that a token with this header may have been signed with: all that fit the algorithm and
    /// have that `kid`, or, where the token names none, the first 4 that fit.
    pub fn candidates<'a>(
        &'a self,
        kid: Option<&'a str>,
        alg: Algorithm,
    ) -> impl Iterator<Item = &'a Key> {
        self.keys
            .iter()
            .filter(move |key| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid)))
            .filter(move |key| key.fits(alg))
            .take(match kid {
                Some(_) => MAX_KEYS,
                None => MAX_TRIED_WITHOUT_KID,
            })
    }

    /// Whether a key has this `kid`.
    #[must_use]
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// Whether there is no usable key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many usable keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }
}

impl Key {
    /// The issuer that this key signs for, where the set says so (`issuer`).
    pub(super) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whether the owner of this key signed the token.
    #[must_use]
    pub fn verify(&self, jwt: &CompactJwt<'_>) -> bool {
        self.fits(jwt.algorithm)
            && verify_signature(
                jwt.algorithm,
                &self.decoding,
                jwt.signing_input.as_bytes(),
                &jwt.signature,
            )
    }

    fn parse(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let kid = match jwk.get("kid") {
            None | Some(Value::Null) => None,
            Some(kid) => Some(kid.as_str()?.to_owned()),
        };
        if jwk.get("use").is_some_and(|purpose| purpose != "sig") || !may_verify(jwk.get("key_ops"))
        {
            return None;
        }
        // Providers exist that write `RSA256` here: an unknown name says nothing.
        let algorithm = match text("alg") {
            Some(name) if algorithm::is_foreign(name) => return None,
            Some(name) => algorithm::parse(name),
            None => None,
        };
        let bytes = |name: &str| text(name).and_then(from_base64url);
        let (kind, decoding) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits(&n)) {
                    return None;
                }
                (Kind::Rsa, DecodingKey::from_rsa_raw_components(&n, &e))
            }
            ("EC", Some("P-256")) => (Kind::P256, ec_key(text("x")?, text("y")?, 32)?),
            ("EC", Some("P-384")) => (Kind::P384, ec_key(text("x")?, text("y")?, 48)?),
            ("OKP", Some("Ed25519")) => {
                let x = bytes("x")?;
                (x.len() == 32).then(|| (Kind::Ed25519, DecodingKey::from_ed_der(&x)))?
            }
            _ => return None,
        };
        Some(Self {
            kid,
            kind,
            algorithm,
            // What is no string is no issuer's.
            issuer: jwk
                .get("issuer")
                .filter(|issuer| !issuer.is_null())
                .map(|issuer| issuer.as_str().unwrap_or_default().into()),
            decoding,
        })
    }

    fn fits(&self, alg: Algorithm) -> bool {
        self.algorithm.is_none_or(|own| own == alg)
            && match self.kind {
                Kind::Rsa => matches!(
                    alg,
                    Algorithm::RS256
                        | Algorithm::RS384
                        | Algorithm::RS512
                        | Algorithm::PS256
                        | Algorithm::PS384
                        | Algorithm::PS512
                ),
                Kind::P256 => alg == Algorithm::ES256,
                Kind::P384 => alg == Algorithm::ES384,
                Kind::Ed25519 => alg == Algorithm::EdDSA,
            }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("kind", &self.kind)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn may_verify(key_ops: Option<&Value>) -> bool {
    match key_ops {
        None | Some(Value::Null) => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => false,
    }
}

/// Coordinates have the full length of the field (RFC 7518 section 6.2.1.2).
fn ec_key(x: &str, y: &str, length: usize) -> Option<DecodingKey> {
    let fits = |coordinate| from_base64url(coordinate).is_some_and(|bytes| bytes.len() == length);
    if !fits(x) || !fits(y) {
        return None;
    }
    DecodingKey::from_ec_components(x, y).ok()
}

fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|byte| **byte == 0);
    let bytes = significant.clone().count();
    match significant.clone().next() {
        Some(first) => bytes * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

#[cfg(test)]
mod tests;
