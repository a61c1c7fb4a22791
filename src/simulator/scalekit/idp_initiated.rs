//! Sign-ins that begin at the customer's IdP: a signed token that tells the application whom to ask for.

use std::time::Duration;

use serde_json::{Map, json};

use super::fault::ScalekitFault;
use super::shared::Environment;
use super::tenant::ScalekitUser;
use super::tokens::{Forgery, HOUR, sign};
use crate::simulator::answer::with_query;
use crate::simulator::jwt::set;

/// How long such a token lives, as in the vendor's sample.
const LIFETIME: Duration = Duration::from_secs(300);

/// The token for a person, as the faults want it.
pub(super) fn token(
    environment: &Environment,
    user: &ScalekitUser,
    relay_state: Option<&str>,
) -> String {
    let faults = &environment.faults;
    let mut start = environment.now();
    let mut end = environment.state().unused_end(start.plus(LIFETIME));
    // Both move alike: the tokens after one of these live no longer than they should.
    if faults.has(&ScalekitFault::IdpInitiatedExpired) {
        let ago = LIFETIME + HOUR;
        (start, end) = (start.minus(ago), end.minus(ago));
    } else if faults.has(&ScalekitFault::IdpInitiatedNotYetValid) {
        (start, end) = (start.plus(HOUR), end.plus(HOUR));
    }
    let connection = environment.connection(&user.connection);
    let organization = connection.map(|connection| connection.organization);
    let mut claims = Map::from_iter([
        ("iss".to_owned(), json!(environment.url)),
        ("iat".to_owned(), json!(start.0)),
        ("nbf".to_owned(), json!(start.0)),
        ("exp".to_owned(), json!(end.0)),
        ("organization_id".to_owned(), json!(organization)),
        ("connection_id".to_owned(), json!(user.connection)),
        ("login_hint".to_owned(), json!(user.email)),
    ]);
    if let Some(relay_state) = relay_state {
        claims.insert("relay_state".to_owned(), json!(relay_state));
    }
    for (name, value) in faults.all(|fault| match fault {
        ScalekitFault::IdpInitiatedClaim(name, value) => Some((name.clone(), value.clone())),
        _ => None,
    }) {
        set(&mut claims, name, value);
    }
    let forgery = Forgery {
        alg: faults.find(|fault| match fault {
            ScalekitFault::IdpInitiatedAlg(forged) => Some(forged.clone()),
            _ => None,
        }),
        unknown_kid: faults.has(&ScalekitFault::IdpInitiatedUnknownKid),
        bad_signature: faults.has(&ScalekitFault::IdpInitiatedBadSignature),
    };
    let client = environment.clients.registered.first();
    let client_id = client.map_or("", |client| client.id());
    sign(environment, client_id, &claims, &forgery)
}

/// Where the browser goes with it; `None` where no login route is known.
pub(super) fn url(
    environment: &Environment,
    user: &ScalekitUser,
    relay_state: Option<&str>,
) -> Option<String> {
    let uri = environment.initiate_login_uri.as_ref()?;
    let token = token(environment, user, relay_state);
    Some(with_query(uri, &[("idp_initiated_login", token)]))
}
