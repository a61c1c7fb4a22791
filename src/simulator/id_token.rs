//! ID tokens (OpenID Connect Core 2), and all that can be wrong with one.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};

use super::fault::{Fault, ForgedAlg};
use super::grant::Grant;
use super::keys::NamedKey;
use super::shared::Shared;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{self, base64url, from_base64url, hash_for, random_token};

/// The ID token for a grant, signed. `refreshed`: one from a refresh has no `nonce` (Core 12.2).
pub(super) fn issue(
    shared: &Shared,
    grant: &Grant,
    access_token: &str,
    client_secret: Option<&str>,
    refreshed: bool,
) -> String {
    let algorithm = shared.algorithm.jose();
    let at_hash_of = if shared.faults.has(&Fault::AtHashWrong) {
        "another access token"
    } else {
        access_token
    };
    let mut claims = shared.user(&grant.user).map_or_else(Map::new, |user| {
        user.claims_for(&grant.scope, &grant.claims.id_token)
    });
    let now = shared.now();
    claims.extend([
        ("iss".to_owned(), json!(shared.issuer)),
        ("sub".to_owned(), json!(grant.user)),
        ("aud".to_owned(), json!(grant.client_id)),
        ("azp".to_owned(), json!(grant.client_id)),
        ("iat".to_owned(), json!(skewed(shared, now))),
        (
            "exp".to_owned(),
            json!(skewed(shared, now.plus(shared.access_token_lifetime))),
        ),
        (
            "auth_time".to_owned(),
            json!(skewed(shared, grant.auth_time)),
        ),
        ("amr".to_owned(), json!(grant.amr)),
        ("sid".to_owned(), json!(grant.sid)),
        (
            "at_hash".to_owned(),
            json!(half_hash(algorithm, at_hash_of)),
        ),
    ]);
    if let Some(acr) = &grant.acr {
        claims.insert("acr".to_owned(), json!(acr));
    }
    if let Some(nonce) = grant.nonce.as_ref().filter(|_| !refreshed) {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    for (name, value) in shared.faults.all(|fault| match fault {
        Fault::CHash(value) => Some(("c_hash".to_owned(), Some(json!(value)))),
        Fault::IdTokenClaim(name, value) => Some((name.clone(), value.clone())),
        _ => None,
    }) {
        set(&mut claims, name, value);
    }
    let token = sign(shared, "JWT", &claims, client_secret, &grant.client_id);
    if shared.faults.has(&Fault::BadSignature) {
        with_bad_signature(&token)
    } else {
        token
    }
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

/// Signs claims with the current key, as the faults want it.
pub(super) fn sign(
    shared: &Shared,
    typ: &str,
    claims: &Map<String, Value>,
    client_secret: Option<&str>,
    client_id: &str,
) -> String {
    let key = shared.signing_key();
    let forged = shared.faults.find(|fault| match fault {
        Fault::IdTokenAlg(forged) => Some(forged.clone()),
        _ => None,
    });
    let alg = match &forged {
        None => shared.algorithm.name(),
        Some(ForgedAlg::None(spelling) | ForgedAlg::Named(spelling)) => spelling,
        Some(_) => "HS256",
    };
    let mut header = Map::from_iter([
        ("typ".to_owned(), json!(typ)),
        ("alg".to_owned(), json!(alg)),
        ("kid".to_owned(), json!(key.kid)),
    ]);
    for (name, value) in shared.faults.all(|fault| match fault {
        Fault::NoKid | Fault::JwksSeveralKeysNoKid => Some(("kid".to_owned(), None)),
        Fault::UnknownKid => Some(("kid".to_owned(), Some(json!(random_token())))),
        Fault::ExtraHeader(name, value) => Some((name.clone(), Some(value.clone()))),
        _ => None,
    }) {
        set(&mut header, name, value);
    }
    let message = format!(
        "{}.{}",
        base64url(Value::Object(header).to_string().as_bytes()),
        base64url(Value::Object(claims.clone()).to_string().as_bytes())
    );
    let signature = match hmac_key(forged.as_ref(), &key, client_secret, client_id) {
        Some(hmac) => signed(Algorithm::HS256, &EncodingKey::from_secret(&hmac), &message),
        None if matches!(forged, Some(ForgedAlg::None(_))) => Vec::new(),
        None => signed(shared.algorithm.jose(), &key.key.private, &message),
    };
    format!("{message}.{}", base64url(&signature))
}

fn signed(algorithm: Algorithm, key: &EncodingKey, message: &str) -> Vec<u8> {
    crypto::sign(algorithm, key, message.as_bytes()).expect("the key was made for this algorithm")
}

fn hmac_key(
    forged: Option<&ForgedAlg>,
    key: &NamedKey,
    client_secret: Option<&str>,
    client_id: &str,
) -> Option<Vec<u8>> {
    Some(match forged? {
        ForgedAlg::None(_) | ForgedAlg::Named(_) => return None,
        ForgedAlg::Hs256WithPublicKeyPem => pem(&key.key.spki).into_bytes(),
        ForgedAlg::Hs256WithPublicKeyDer => key.key.spki.clone(),
        ForgedAlg::Hs256WithPublicKeyBytes => key.public_bytes().to_vec(),
        ForgedAlg::Hs256WithClientSecret => client_secret.unwrap_or_default().into(),
        ForgedAlg::Hs256WithClientId => client_id.into(),
    })
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
fn half_hash(algorithm: Algorithm, value: &str) -> Option<String> {
    let hash = hash_for(algorithm, value.as_bytes())?;
    Some(base64url(&hash[..hash.len() / 2]))
}

fn skewed(shared: &Shared, at: SecondsSinceEpoch) -> u64 {
    let skew = shared.faults.find(|fault| match fault {
        Fault::ClockSkew(seconds) => Some(*seconds),
        _ => None,
    });
    at.0.saturating_add_signed(skew.unwrap_or_default())
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
