//! The header of a JWT, and its outer form.

use serde_json::json;

use super::testing::{good_claims, keys, signed, token};
use super::*;
use crate::crypto::base64url;

const ACCEPTED: [&str; 9] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];

const NAMES: &[&str] = &[
    "alg", "kid", "typ", "cty", "x5c", "x5t", "crit", "jwk", "jku", "x5u", "b64", "zip", "enc",
    "Alg",
];

fn unsigned(header: &str) -> String {
    format!("{}.e30.c2ln", base64url(header.as_bytes()))
}

/// A header in which anything may be anything.
fn headers() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        2 => any_json(),
        1 => (510_usize..515).prop_map(|length| json!("k".repeat(length))),
    ];
    let alg = prop_oneof![
        4 => prop::sample::select(&ACCEPTED[..]).prop_map(Value::from),
        1 => prop::sample::select(&["none", "nOnE", "HS256", "rs256", "ES512", "RS256 ", ""][..]).prop_map(Value::from),
        1 => any_json(),
    ];
    let members = vec((prop::sample::select(NAMES), value), 0..4);
    (prop::option::weighted(0.9, alg), members).prop_map(|(alg, members)| {
        let mut header = serde_json::Map::new();
        header.extend(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        if let Some(alg) = alg {
            header.insert("alg".to_owned(), alg);
        }
        Value::Object(header)
    })
}

fn is_in_order(header: &Value) -> bool {
    let brings = ["crit", "jwk", "jku", "x5u", "b64", "zip", "enc"];
    let short_text = |name: &str| match header.get(name) {
        None => true,
        Some(value) => value.as_str().is_some_and(|text| text.len() <= 512),
    };
    header["alg"]
        .as_str()
        .is_some_and(|alg| ACCEPTED.contains(&alg))
        && brings.iter().all(|name| header.get(name).is_none())
        && short_text("kid")
        && short_text("typ")
}

proptest! {
    #[test]
    fn a_header_is_taken_by_its_rules_alone(header in headers()) {
        let token = unsigned(&header.to_string());
        let parsed = CompactJwt::parse(&token);
        prop_assert_eq!(parsed.is_ok(), is_in_order(&header), "{}", header);
        if let Ok(jwt) = parsed {
            prop_assert_eq!(&header["alg"], &json!(format!("{:?}", jwt.algorithm)));
            prop_assert_eq!(jwt.kid.as_deref(), header["kid"].as_str());
            prop_assert_eq!(jwt.typ.as_deref(), header["typ"].as_str());
        }
    }

    #[test]
    fn a_header_member_that_comes_twice_is_refused(
        name in prop::sample::select(&["alg", "kid", "typ", "x5c"][..]),
        value in any_json(),
        first in any::<bool>(),
    ) {
        let header = json!({ "alg": "EdDSA", "kid": "ed", "typ": "JWT", "x5c": [] });
        prop_assert!(CompactJwt::parse(&unsigned(&header.to_string())).is_ok());
        let twice = unsigned(&with_member(&header, name, &value, first));
        prop_assert!(CompactJwt::parse(&twice).is_err());
    }

    /// Any one character changed, left out or put in: the signature is over the text as it came.
    #[test]
    fn a_token_that_was_touched_never_verifies(
        place in any::<prop::sample::Index>(),
        put in prop::option::of("[A-Za-z0-9_.=+/ \\-]"),
        replaces in any::<bool>(),
    ) {
        let good = token(Algorithm::EdDSA, &good_claims());
        let at = place.index(good.len());
        let rest = if replaces || put.is_none() { at + 1 } else { at };
        let touched = format!("{}{}{}", &good[..at], put.unwrap_or_default(), &good[rest..]);
        prop_assume!(touched != good);
        let keys = keys();
        let verifies = CompactJwt::parse(&touched).is_ok_and(|jwt| {
            keys.candidates(None, jwt.algorithm).any(|key| key.verify(&jwt))
        });
        prop_assert!(!verifies, "{touched}");
    }

    #[test]
    fn any_text_of_dots_and_letters_is_three_parts_or_refused(text in "[A-Za-z0-9_.=-]{0,60}") {
        if CompactJwt::parse(&text).is_ok() {
            prop_assert_eq!(text.matches('.').count(), 2);
        }
    }
}

#[test]
fn a_deep_header_is_refused() {
    for value in deep() {
        let header = format!(r#"{{"alg":"EdDSA","x":{value}}}"#);
        assert!(CompactJwt::parse(&unsigned(&header)).is_err());
        let payload = signed(
            Algorithm::EdDSA,
            r#"{"alg":"EdDSA"}"#,
            &format!("{{\"x\":{value}}}"),
        );
        assert!(payload.len() <= MAX_JWT_LENGTH, "it is read at all");
        let jwt = CompactJwt::parse(&payload).unwrap();
        assert!(json::object(&jwt.payload).is_none());
    }
}
