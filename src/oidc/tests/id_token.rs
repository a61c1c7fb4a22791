//! The claims of an ID token, each of every JSON type.

use serde_json::json;

use super::testing::{CLIENT, NOW, claims_with, good_claims, issuer, keys, signed, token};
use super::*;
use crate::clock::SecondsSinceEpoch;

fn verify(token: &str) -> Result<IdTokenClaims, IdTokenFault> {
    let issuer = issuer();
    let check = IdTokenCheck {
        issuer: &issuer,
        client_id: CLIENT,
        nonce: Some("n-1"),
        max_age: None,
        access_token: Some("access-token"),
        code: Some("code"),
        algorithms: &[Algorithm::EdDSA],
        now: SecondsSinceEpoch(NOW),
        leeway: LEEWAY,
    };
    check.verify(&CompactJwt::parse(token).unwrap(), &keys())
}

fn judge(claims: &Value) -> Result<IdTokenClaims, IdTokenFault> {
    verify(&token(Algorithm::EdDSA, claims))
}

/// The good claims with one replaced, by `null` too.
fn replaced(name: &str, value: &Value) -> Value {
    let mut claims = good_claims();
    claims[name] = value.clone();
    claims
}

fn seconds(value: &Value) -> Option<f64> {
    value.as_f64().filter(|seconds| *seconds >= 0.0)
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Whether a good token stays good with this claim. `null` says as little as no claim.
fn may_be(name: &str, value: &Value) -> bool {
    let now = NOW as f64;
    let leeway = LEEWAY.as_secs() as f64;
    match name {
        "iss" => value == issuer().as_str(),
        "sub" => value
            .as_str()
            .is_some_and(|sub| (1..=255).contains(&sub.chars().count())),
        "aud" => {
            texts(value).is_some_and(|all| !all.is_empty() && all.iter().all(|one| *one == CLIENT))
        }
        "exp" => seconds(value).is_some_and(|exp| exp.floor() + leeway > now),
        "iat" => seconds(value).is_some_and(|iat| iat.floor() <= now + leeway),
        "nonce" => value == "n-1",
        "events" => false,
        _ if value.is_null() => true,
        "nbf" | "auth_time" => seconds(value).is_some_and(|time| time.floor() <= now + leeway),
        "session_expiry" => seconds(value).is_some(),
        "azp" => value == CLIENT,
        "acr" | "sid" => value.is_string(),
        "amr" => texts(value).is_some(),
        // Nothing that is made up here is the hash of anything.
        "at_hash" | "c_hash" => false,
        _ => true,
    }
}

const CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "auth_time",
    "session_expiry",
    "azp",
    "acr",
    "sid",
    "amr",
    "at_hash",
    "c_hash",
    "events",
    "email",
    "address",
    "groups",
];

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => any_json(),
        1 => (NOW - 400..NOW + 400).prop_map(Value::from),
        1 => (0..800_u32).prop_map(|ahead| json!(NOW as f64 - 400.5 + f64::from(ahead))),
        1 => vec(prop::sample::select(&[CLIENT, "other"][..]), 0..3).prop_map(Value::from),
        1 => Just(json!(CLIENT)),
        1 => Just(json!("")),
        1 => (250_usize..260).prop_map(|length| json!("é".repeat(length))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_claim_of_any_type_is_right_or_refused(name in prop::sample::select(CLAIMS), value in values()) {
        let verdict = judge(&replaced(name, &value));
        prop_assert_eq!(verdict.is_ok(), may_be(name, &value), "{}: {} → {:?}", name, value, verdict.err());
        let Ok(claims) = verdict else { return Ok(()) };
        prop_assert_eq!(&claims.all[name], &value);
        let text = |name: &str, own: Option<&str>| claims.all.get(name).and_then(Value::as_str) == own;
        prop_assert!(text("sub", Some(&claims.subject)) && text("acr", claims.acr.as_deref()) && text("sid", claims.sid.as_deref()));
        let time = claims.all.get("auth_time").and_then(Value::as_f64).map_or(0, |time| time as u64);
        prop_assert_eq!(claims.auth_time.map_or(0, |time| time.0), time);
    }
}

proptest! {
    /// Two readers of one token may each believe another member.
    #[test]
    fn a_claim_that_comes_twice_is_refused(name in prop::sample::select(CLAIMS), value in any_json(), first in any::<bool>()) {
        let mut claims = good_claims();
        if claims.get(name).is_none() {
            claims[name] = json!("x");
        }
        let payload = with_member(&claims, name, &value, first);
        let twice = signed(Algorithm::EdDSA, r#"{"alg":"EdDSA","kid":"ed"}"#, &payload);
        prop_assert_eq!(verify(&twice).err(), Some(IdTokenFault::NotJson));
    }

    #[test]
    fn any_payload_that_is_signed_is_read_or_refused(payload in "\\PC{0,40}|[{}\\[\\]\",:a-z0-9 ]{0,40}") {
        let token = signed(Algorithm::EdDSA, r#"{"alg":"EdDSA","kid":"ed"}"#, &payload);
        prop_assert!(verify(&token).is_err());
    }
}

/// Numbers that fit no type, written as a provider could write them.
#[test]
fn a_number_of_any_size_is_read_or_refused() {
    let nines = "9".repeat(400);
    let long = format!("0.{}", "1".repeat(4_000));
    for (number, is_late) in [
        ("18446744073709551615", true),
        ("18446744073709551616", true),
        ("1e308", true),
        ("1.7976931348623157e308", true),
        ("0", false),
        ("-0", false),
        ("-0.0", false),
        ("-1", false),
        ("-9223372036854775809", false),
        ("1e-400", false),
        (&long, false),
        // Beyond what a double holds, and not JSON at all.
        ("1e400", false),
        ("-1e400", false),
        (&nines, false),
        ("NaN", false),
        ("Infinity", false),
        ("0x7fffffff", false),
        ("01800000000", false),
        ("+1800000000", false),
        (".5e10", false),
    ] {
        for name in ["exp", "iat", "nbf", "auth_time", "session_expiry"] {
            let claims = claims_with(name, Value::Null);
            let text = claims.to_string();
            let payload = format!("{},\"{name}\":{number}}}", text.strip_suffix('}').unwrap());
            let token = signed(Algorithm::EdDSA, r#"{"alg":"EdDSA","kid":"ed"}"#, &payload);
            let verdict = verify(&token);
            if name == "exp" {
                assert_eq!(verdict.is_ok(), is_late, "{number}");
            } else if is_late && name != "session_expiry" {
                assert!(verdict.is_err(), "{name}: {number}");
            }
        }
    }
}
