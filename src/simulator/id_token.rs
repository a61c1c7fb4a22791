//! ID tokens (OpenID Connect Core 2), and all that can be wrong with one.

use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::grant::Grant;
use super::jwt::{Signer, half_hash, set, with_bad_signature};
use super::shared::Shared;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::random_token;

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

/// Signs claims with the current key, as the faults want it.
pub(super) fn sign(
    shared: &Shared,
    typ: &str,
    claims: &Map<String, Value>,
    client_secret: Option<&str>,
    client_id: &str,
) -> String {
    let forged = shared.faults.find(|fault| match fault {
        Fault::IdTokenAlg(forged) => Some(forged.clone()),
        _ => None,
    });
    let members = shared.faults.all(|fault| match fault {
        Fault::NoKid | Fault::JwksSeveralKeysNoKid => Some(("kid".to_owned(), None)),
        Fault::UnknownKid => Some(("kid".to_owned(), Some(json!(random_token())))),
        Fault::ExtraHeader(name, value) => Some((name.clone(), Some(value.clone()))),
        _ => None,
    });
    let signer = Signer {
        key: &shared.signing_key(),
        algorithm: shared.algorithm,
        forged: forged.as_ref(),
        client_id,
        client_secret,
    };
    signer.sign(typ, members, claims)
}

fn skewed(shared: &Shared, at: SecondsSinceEpoch) -> u64 {
    let skew = shared.faults.find(|fault| match fault {
        Fault::ClockSkew(seconds) => Some(*seconds),
        _ => None,
    });
    at.0.saturating_add_signed(skew.unwrap_or_default())
}
