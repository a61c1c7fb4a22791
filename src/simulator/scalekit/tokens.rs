//! The tokens of people and of applications, and all that can be wrong with them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::codes::Grant;
use super::fault::ScalekitFault;
use super::shared::{ALGORITHM, Environment};
use crate::crypto::random_token;
use crate::simulator::ForgedAlg;
use crate::simulator::jwt::{Signer, half_hash, set, with_bad_signature};

/// How long a token for the management API lives, as in the vendor's sample.
const MANAGEMENT_LIFETIME: Duration = Duration::from_secs(86_399);
/// How long ago what is expired ended.
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// How a token is signed, when it is not as it should be.
#[derive(Default)]
pub(super) struct Forgery {
    pub(super) alg: Option<ForgedAlg>,
    pub(super) unknown_kid: bool,
    pub(super) bad_signature: bool,
}

/// The answer of the token endpoint to an application that asks for itself.
pub(super) fn for_client(environment: &Environment, client_id: &str) -> Value {
    let claims = access_claims(
        environment,
        client_id,
        client_id,
        "openid",
        MANAGEMENT_LIFETIME,
    );
    let token = sign(environment, client_id, &claims, &Forgery::default());
    let now = environment.now();
    let end = now.plus(MANAGEMENT_LIFETIME);
    environment.state().add_management_token(&token, now, end);
    environment.counters.management_tokens.add();
    json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": MANAGEMENT_LIFETIME.as_secs(),
        "scope": "openid",
    })
}

/// The answer to a code; to a refresh token if there is no code.
pub(super) fn for_person(
    environment: &Environment,
    grant: &Grant,
    code: Option<&str>,
    refresh_token: Option<String>,
) -> Value {
    let access_token = access_token(environment, grant);
    let mut body = Map::from_iter([
        ("access_token".to_owned(), json!(access_token)),
        ("token_type".to_owned(), json!("Bearer")),
        (
            "expires_in".to_owned(),
            json!(environment.token_lifetime.as_secs()),
        ),
        ("scope".to_owned(), json!(grant.scope)),
    ]);
    if !environment.faults.has(&ScalekitFault::NoIdToken) {
        let id_token = id_token(environment, grant, &access_token, code);
        body.insert("id_token".to_owned(), json!(id_token));
    }
    if let Some(token) = refresh_token {
        body.insert("refresh_token".to_owned(), json!(token));
    }
    for value in environment.faults.all(|fault| match fault {
        ScalekitFault::ExpiresIn(value) => Some(value.clone()),
        _ => None,
    }) {
        set(&mut body, "expires_in".to_owned(), value);
    }
    Value::Object(body)
}

fn access_token(environment: &Environment, grant: &Grant) -> String {
    let mut claims = access_claims(
        environment,
        &grant.client_id,
        &grant.subject,
        &grant.scope,
        environment.token_lifetime,
    );
    claims.insert("sid".to_owned(), json!(grant.sid));
    claims.insert("oid".to_owned(), json!(grant.organization));
    for (name, value) in environment.faults.all(|fault| match fault {
        ScalekitFault::AccessTokenClaim(name, value) => Some((name.clone(), value.clone())),
        _ => None,
    }) {
        set(&mut claims, name, value);
    }
    sign(environment, &grant.client_id, &claims, &Forgery::default())
}

fn access_claims(
    environment: &Environment,
    client_id: &str,
    subject: &str,
    scope: &str,
    lifetime: Duration,
) -> Map<String, Value> {
    let now = environment.now();
    let scope = if environment.shapes.scopes_as_array {
        let scopes: Vec<&str> = scope.split_ascii_whitespace().collect();
        ("scopes".to_owned(), json!(scopes))
    } else {
        ("scope".to_owned(), json!(scope))
    };
    Map::from_iter([
        ("iss".to_owned(), json!(environment.url)),
        ("sub".to_owned(), json!(subject)),
        ("aud".to_owned(), json!([client_id])),
        ("client_id".to_owned(), json!(client_id)),
        ("iat".to_owned(), json!(now.0)),
        ("nbf".to_owned(), json!(now.0)),
        ("exp".to_owned(), json!(now.plus(lifetime).0)),
        ("jti".to_owned(), json!(random_token())),
        scope,
    ])
}

fn id_token(
    environment: &Environment,
    grant: &Grant,
    access_token: &str,
    code: Option<&str>,
) -> String {
    let mut claims = id_claims(environment, grant, access_token, code);
    for (name, value) in environment.faults.all(|fault| match fault {
        ScalekitFault::IdTokenClaim(name, value) => Some((name.clone(), value.clone())),
        ScalekitFault::OtherConnection(id) => Some(("amr".to_owned(), Some(json!([id])))),
        _ => None,
    }) {
        set(&mut claims, name, value);
    }
    let faults = &environment.faults;
    let forgery = Forgery {
        alg: faults.find(|fault| match fault {
            ScalekitFault::IdTokenAlg(forged) => Some(forged.clone()),
            _ => None,
        }),
        unknown_kid: faults.has(&ScalekitFault::UnknownKid),
        bad_signature: faults.has(&ScalekitFault::BadSignature),
    };
    sign(environment, &grant.client_id, &claims, &forgery)
}

fn id_claims(
    environment: &Environment,
    grant: &Grant,
    access_token: &str,
    code: Option<&str>,
) -> Map<String, Value> {
    let faults = &environment.faults;
    let shapes = &environment.shapes;
    let mut now = environment.now();
    if faults.has(&ScalekitFault::Expired) {
        now = now.minus(environment.token_lifetime).minus(HOUR);
    }
    let hash = |text: &str, wrong: ScalekitFault| {
        let text = if faults.has(&wrong) { "another" } else { text };
        json!(half_hash(ALGORITHM.jose(), text))
    };
    let audience = if shapes.audience_as_string {
        json!(grant.client_id)
    } else {
        json!([grant.client_id])
    };
    let user = environment.user(&grant.subject);
    let mut claims = user.map(|user| user.claims()).unwrap_or_default();
    claims.extend([
        ("iss".to_owned(), json!(environment.url)),
        ("sub".to_owned(), json!(grant.subject)),
        ("aud".to_owned(), audience),
        ("azp".to_owned(), json!(grant.client_id)),
        ("iat".to_owned(), json!(now.0)),
        (
            "exp".to_owned(),
            json!(now.plus(environment.token_lifetime).0),
        ),
        ("amr".to_owned(), json!([grant.connection])),
        ("oid".to_owned(), json!(grant.organization)),
        ("sid".to_owned(), json!(grant.sid)),
        (
            "at_hash".to_owned(),
            hash(access_token, ScalekitFault::AtHashWrong),
        ),
    ]);
    if let Some(code) = code {
        claims.insert("c_hash".to_owned(), hash(code, ScalekitFault::CHashWrong));
    }
    // OpenID Connect Core 12.2: a refreshed ID token has none.
    if let Some(nonce) = grant.nonce.as_ref().filter(|_| code.is_some())
        && !shapes.without_nonce
    {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    claims
}

/// Signs claims with the current key, or forges the signature.
pub(super) fn sign(
    environment: &Environment,
    client_id: &str,
    claims: &Map<String, Value>,
    forgery: &Forgery,
) -> String {
    let key = environment.keys().current();
    let signer = Signer {
        key: &key,
        algorithm: ALGORITHM,
        forged: forgery.alg.as_ref(),
        client_id,
        client_secret: environment.secret_of(client_id),
    };
    let kid = forgery
        .unknown_kid
        .then(|| ("kid".to_owned(), Some(json!(random_token()))));
    let token = signer.sign("JWT", kid, claims);
    if forgery.bad_signature {
        with_bad_signature(&token)
    } else {
        token
    }
}
