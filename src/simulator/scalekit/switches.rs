//! The faults that people can switch on, by name.

use serde_json::json;

use super::fault::{ScalekitEndpoint as At, ScalekitFault as Fault};
use super::shared::Environment;
use crate::simulator::ForgedAlg;

/// A fault with its name and what it says.
type Switch = (&'static str, &'static str, fn() -> Fault);

fn claim(name: &str, value: impl Into<serde_json::Value>) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), Some(value.into()))
}

fn without(name: &str) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), None)
}

#[rustfmt::skip]
pub(super) const SWITCHES: &[Switch] = &[
    ("token-down", "The token endpoint answers 503", || Fault::Status(At::Token, 503, Some(5))),
    ("token-refused", "The token endpoint answers invalid_grant", || Fault::TokenError("invalid_grant".to_owned())),
    ("token-garbage", "The token endpoint answers with a page", || Fault::Garbage(At::Token)),
    ("keys-down", "The keys are not there", || Fault::Status(At::Keys, 503, None)),
    ("no-id-token", "No ID token", || Fault::NoIdToken),
    ("other-connection", "ID token of another connection", || Fault::OtherConnection("conn_other".to_owned())),
    ("other-organization", "ID token of another organization", || claim("oid", "org_other")),
    ("no-connection", "ID token without amr", || without("amr")),
    ("no-organization", "ID token without oid", || without("oid")),
    ("other-nonce", "ID token with another nonce", || claim("nonce", "other")),
    ("no-nonce", "ID token without nonce", || without("nonce")),
    ("other-audience", "ID token for another application", || claim("aud", json!(["skc_other"]))),
    ("other-issuer", "ID token of another issuer", || claim("iss", "https://other.example")),
    ("at-hash", "Wrong at_hash", || Fault::AtHashWrong),
    ("c-hash", "Wrong c_hash", || Fault::CHashWrong),
    ("expired", "Expired ID token", || Fault::Expired),
    ("bad-signature", "Bad signature", || Fault::BadSignature),
    ("alg-none", "ID token with alg none", || Fault::IdTokenAlg(ForgedAlg::None("none".to_owned()))),
    ("wrong-state", "Wrong state", || Fault::WrongState),
    ("idp-expired", "From the IdP: expired token", || Fault::IdpInitiatedExpired),
    ("idp-issuer", "From the IdP: other issuer", || Fault::IdpInitiatedClaim("iss".to_owned(), Some("https://other.example".into()))),
    ("idp-hs256", "From the IdP: HS256 with the public key", || Fault::IdpInitiatedAlg(ForgedAlg::Hs256WithPublicKeyPem)),
    ("api-401", "Management API: 401", || Fault::ManagementTokenRefused),
    ("api-429", "Management API: 429", || Fault::RateLimited(At::Connections, Some(5))),
];

/// Turns a switch over; false if there is none of this name.
pub(super) fn toggle(environment: &Environment, name: &str) -> bool {
    let Some((name, fault)) = find(name) else {
        return false;
    };
    let mut state = environment.state();
    match state.switches.iter().position(|on| *on == name) {
        Some(at) => {
            state.switches.remove(at);
            environment.faults.take(&fault);
        }
        None => {
            state.switches.push(name);
            environment.faults.add(fault);
        }
    }
    true
}

/// A switch by its name; an authorization error is one too, as `error:` and its code.
fn find(name: &str) -> Option<(&'static str, Fault)> {
    if let Some(code) = name.strip_prefix("error:") {
        let (code, _) = super::catalogue::find(code)?;
        return Some((code, Fault::AuthorizeError(code.to_owned(), None)));
    }
    let (name, _, fault) = SWITCHES.iter().find(|(known, ..)| *known == name)?;
    Some((name, fault()))
}

pub(super) fn clear(environment: &Environment) {
    environment.state().switches.clear();
    environment.faults.clear();
}
