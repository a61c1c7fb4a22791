//! The tokens of a client and of a user, and all that can be wrong with them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::api::Call;
use super::fault::MosaicFault;
use super::refresh::{Family, RefreshGrant};
use super::session::Authentication;
use super::shared::{ALGORITHM, Mosaic};
use crate::crypto::random_token;
use crate::simulator::jwt::{Signer, half_hash, set, with_bad_signature};

/// How long a client token lives.
const CLIENT_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// The audience of a token that was asked for without a resource.
const DEFAULT_AUDIENCE: &str = "userid-api";
const SCOPE: &str = "openid offline_access";

/// What a request wants in its tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    resource: Option<String>,
    /// The names under `claims.id_token` (OpenID Connect Core 5.5).
    claims: Vec<String>,
}

impl Wanted {
    pub(super) fn of(call: &Call) -> Self {
        let claims = call
            .body
            .get("claims")
            .and_then(|claims| claims.get("id_token"));
        Self {
            resource: call.body.text("resource").map(ToOwned::to_owned),
            claims: claims
                .and_then(Value::as_object)
                .map(|claims| claims.keys().cloned().collect())
                .unwrap_or_default(),
        }
    }
}

/// The answer of the token endpoint to a client.
pub(super) fn for_client(mosaic: &Mosaic, client_id: &str, resource: Option<&str>) -> Value {
    let mut claims = common(mosaic, client_id, resource, CLIENT_TOKEN_LIFETIME);
    claims.insert("sub".to_owned(), json!(client_id));
    for (name, value) in mosaic.faults.all(|fault| match fault {
        MosaicFault::ClientTokenClaim(name, value) => Some((name.clone(), value.clone())),
        _ => None,
    }) {
        set(&mut claims, name, value);
    }
    let token = sign(mosaic, &claims);
    let now = mosaic.now();
    mosaic
        .state()
        .add_client_token(&token, client_id, now, CLIENT_TOKEN_LIFETIME);
    mosaic.counters.client_tokens.add();
    let mut body = Map::from_iter([
        ("access_token".to_owned(), json!(token)),
        ("token_type".to_owned(), json!("Bearer")),
        (
            "expires_in".to_owned(),
            json!(CLIENT_TOKEN_LIFETIME.as_secs()),
        ),
    ]);
    for value in mosaic.faults.all(|fault| match fault {
        MosaicFault::ClientTokenExpiresIn(value) => Some(value.clone()),
        _ => None,
    }) {
        set(&mut body, "expires_in".to_owned(), value);
    }
    Value::Object(body)
}

/// The answer to an authentication; to a refresh if it continues a `family`.
pub(super) fn for_user(mosaic: &Mosaic, grant: RefreshGrant, family: Option<Family>) -> Value {
    let access_token = access_token(mosaic, &grant);
    let id_token = id_token(mosaic, &grant, &access_token);
    let session_id = grant.authentication.session_id.clone();
    let mut body = Map::from_iter([
        ("access_token".to_owned(), json!(access_token)),
        ("id_token".to_owned(), json!(id_token)),
        ("token_type".to_owned(), json!("Bearer")),
        (
            "expires_in".to_owned(),
            json!(mosaic.token_lifetime.as_secs()),
        ),
    ]);
    if !mosaic.faults.has(&MosaicFault::NoRefreshToken) {
        let token = mosaic.state().refresh.issue(family, grant);
        body.insert("refresh_token".to_owned(), json!(token));
    }
    if family.is_none() {
        body.insert("session_id".to_owned(), json!(session_id));
    }
    for (name, value) in mosaic.faults.all(|fault| match fault {
        MosaicFault::NoIdToken => Some(("id_token".to_owned(), None)),
        MosaicFault::ExpiresIn(value) => Some(("expires_in".to_owned(), value.clone())),
        MosaicFault::Answer(name, value) => Some((name.clone(), value.clone())),
        _ => None,
    }) {
        set(&mut body, name, value);
    }
    Value::Object(body)
}

fn access_token(mosaic: &Mosaic, grant: &RefreshGrant) -> String {
    let resource = grant.wanted.resource.as_deref();
    let mut claims = common(mosaic, &grant.client_id, resource, mosaic.token_lifetime);
    claims.insert("sub".to_owned(), subject(mosaic, &grant.authentication));
    sign(mosaic, &claims)
}

/// What access tokens of clients and users have in common.
fn common(
    mosaic: &Mosaic,
    client_id: &str,
    resource: Option<&str>,
    lifetime: Duration,
) -> Map<String, Value> {
    let now = mosaic.now();
    Map::from_iter([
        ("iss".to_owned(), json!(mosaic.issuer)),
        (
            "aud".to_owned(),
            json!(resource.unwrap_or(DEFAULT_AUDIENCE)),
        ),
        ("iat".to_owned(), json!(now.0)),
        ("exp".to_owned(), json!(now.plus(lifetime).0)),
        ("jti".to_owned(), json!(random_token())),
        ("tid".to_owned(), json!(mosaic.tenant)),
        ("client_id".to_owned(), json!(client_id)),
        ("scope".to_owned(), json!(SCOPE)),
        ("roles".to_owned(), json!([])),
    ])
}

fn id_token(mosaic: &Mosaic, grant: &RefreshGrant, access_token: &str) -> String {
    let authentication = &grant.authentication;
    let now = mosaic.now();
    let user = mosaic.user(&authentication.user);
    let mut claims = user.map_or_else(Map::new, |user| user.claims(&grant.wanted.claims));
    claims.extend([
        ("iss".to_owned(), json!(mosaic.issuer)),
        ("sub".to_owned(), subject(mosaic, authentication)),
        ("aud".to_owned(), json!(grant.client_id)),
        ("tid".to_owned(), json!(mosaic.tenant)),
        ("iat".to_owned(), json!(now.0)),
        ("exp".to_owned(), json!(now.plus(mosaic.token_lifetime).0)),
        ("auth_time".to_owned(), json!(authentication.auth_time.0)),
        ("amr".to_owned(), json!(authentication.amr)),
        (
            "at_hash".to_owned(),
            json!(half_hash(ALGORITHM.jose(), access_token)),
        ),
    ]);
    for (name, value) in mosaic.faults.all(|fault| match fault {
        MosaicFault::IdTokenClaim(name, value) => Some((name.clone(), value.clone())),
        _ => None,
    }) {
        set(&mut claims, name, value);
    }
    let forged = mosaic.faults.find(|fault| match fault {
        MosaicFault::IdTokenAlg(forged) => Some(forged.clone()),
        _ => None,
    });
    let members = mosaic.faults.all(|fault| match fault {
        MosaicFault::UnknownKid => Some(("kid".to_owned(), Some(json!(random_token())))),
        _ => None,
    });
    let key = mosaic.keys().current();
    let signer = Signer {
        key: &key,
        algorithm: ALGORITHM,
        forged: forged.as_ref(),
        client_id: &grant.client_id,
        client_secret: mosaic.secret_of(&grant.client_id),
    };
    let token = signer.sign("JWT", members, &claims);
    if mosaic.faults.has(&MosaicFault::BadSignature) {
        with_bad_signature(&token)
    } else {
        token
    }
}

fn subject(mosaic: &Mosaic, authentication: &Authentication) -> Value {
    let other = mosaic.faults.find(|fault| match fault {
        MosaicFault::OtherSub(sub) => Some(sub.clone()),
        _ => None,
    });
    json!(other.as_ref().unwrap_or(&authentication.user))
}

fn sign(mosaic: &Mosaic, claims: &Map<String, Value>) -> String {
    let key = mosaic.keys().current();
    let signer = Signer {
        key: &key,
        algorithm: ALGORITHM,
        forged: None,
        client_id: "",
        client_secret: None,
    };
    signer.sign("JWT", [], claims)
}
