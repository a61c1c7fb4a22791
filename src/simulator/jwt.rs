//! Signing tokens (RFC 7515), and forging them (RFC 8725 section 2.1).

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};

use super::builder::SigningAlgorithm;
use super::fault::ForgedAlg;
use super::keys::NamedKey;
use crate::crypto::{self, base64url, from_base64url, hash_for};

/// What a token is signed with, and what it is forged with where that is wanted.
pub(super) struct Signer<'a> {
    pub(super) key: &'a NamedKey,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) forged: Option<&'a ForgedAlg>,
    pub(super) client_id: &'a str,
    pub(super) client_secret: Option<&'a str>,
}

impl Signer<'_> {
    /// The compact form of a token. `members` are set in its header, or removed, after everything else.
    pub(super) fn sign(
        &self,
        typ: &str,
        members: impl IntoIterator<Item = (String, Option<Value>)>,
        claims: &Map<String, Value>,
    ) -> String {
        let alg = match self.forged {
            None => self.algorithm.name(),
            Some(ForgedAlg::None(spelling) | ForgedAlg::Named(spelling)) => spelling,
            Some(_) => "HS256",
        };
        let mut header = Map::from_iter([
            ("typ".to_owned(), json!(typ)),
            ("alg".to_owned(), json!(alg)),
            ("kid".to_owned(), json!(self.key.kid)),
        ]);
        for (name, value) in members {
            set(&mut header, name, value);
        }
        let message = format!(
            "{}.{}",
            base64url(Value::Object(header).to_string().as_bytes()),
            base64url(Value::Object(claims.clone()).to_string().as_bytes())
        );
        let signature = match self.hmac_key() {
            Some(hmac) => signed(Algorithm::HS256, &EncodingKey::from_secret(&hmac), &message),
            None if matches!(self.forged, Some(ForgedAlg::None(_))) => Vec::new(),
            None => signed(self.algorithm.jose(), &self.key.key.private, &message),
        };
        format!("{message}.{}", base64url(&signature))
    }

    fn hmac_key(&self) -> Option<Vec<u8>> {
        Some(match self.forged? {
            ForgedAlg::None(_) | ForgedAlg::Named(_) => return None,
            ForgedAlg::Hs256WithPublicKeyPem => pem(&self.key.key.spki).into_bytes(),
            ForgedAlg::Hs256WithPublicKeyDer => self.key.key.spki.clone(),
            ForgedAlg::Hs256WithPublicKeyBytes => self.key.public_bytes().to_vec(),
            ForgedAlg::Hs256WithClientSecret => self.client_secret.unwrap_or_default().into(),
            ForgedAlg::Hs256WithClientId => self.client_id.into(),
        })
    }
}

fn signed(algorithm: Algorithm, key: &EncodingKey, message: &str) -> Vec<u8> {
    crypto::sign(algorithm, key, message.as_bytes()).expect("the key was made for this algorithm")
}

/// A public key as RFC 7468 section 13 writes it.
fn pem(spki: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(spki);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem + "\n-----END PUBLIC KEY-----\n"
}

/// `at_hash` of OpenID Connect Core 3.1.3.6: the left half of the hash.
pub(super) fn half_hash(algorithm: Algorithm, value: &str) -> Option<String> {
    let hash = hash_for(algorithm, value.as_bytes())?;
    Some(base64url(&hash[..hash.len() / 2]))
}

/// The same token with one bit of its signature turned over; one without a signature stays as it is.
pub(super) fn with_bad_signature(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut signature = from_base64url(signature).unwrap_or_default();
    if let Some(byte) = signature.first_mut() {
        *byte ^= 1;
    }
    format!("{message}.{}", base64url(&signature))
}

/// Sets or removes a member.
pub(super) fn set(members: &mut Map<String, Value>, name: String, value: Option<Value>) {
    match value {
        Some(value) => members.insert(name, value),
        None => members.remove(&name),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_has_lines_of_64() {
        let pem = pem(&[0; 60]);
        let lines: Vec<usize> = pem.lines().map(str::len).collect();
        assert_eq!(lines, [26, 64, 16, 24]);
    }
}
