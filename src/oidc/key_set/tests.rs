use serde_json::json;

use super::super::testing::{good_claims, jwk, key_set, keys, kid, token};
use super::*;
use crate::crypto::base64url;

/// A key of the set with one member changed, or taken out by `null`.
fn bent(kid: &str, name: &str, value: Value) -> Value {
    let mut key = jwk(kid);
    if value.is_null() {
        key.as_object_mut().unwrap().remove(name);
    } else {
        key[name] = value;
    }
    key
}

#[test]
fn each_algorithm_verifies_with_its_key_and_no_other() {
    let unbound = key_set(&[
        bent("rsa", "alg", Value::Null),
        jwk("p256"),
        jwk("p384"),
        jwk("ed"),
    ]);
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        let token = token(algorithm, &good_claims());
        let mut jwt = CompactJwt::parse(&token).unwrap();
        let verifying: Vec<_> = unbound
            .keys
            .iter()
            .filter(|key| key.verify(&jwt))
            .map(|key| key.kid.as_deref())
            .collect();
        assert_eq!(verifying, [Some(kid(algorithm))], "{algorithm:?}");
        jwt.signature[3] ^= 1;
        assert!(
            !unbound.keys.iter().any(|key| key.verify(&jwt)),
            "{algorithm:?}"
        );
        jwt.signature.clear();
        assert!(
            !unbound.keys.iter().any(|key| key.verify(&jwt)),
            "{algorithm:?}"
        );
    }
}

#[test]
fn a_key_bound_to_one_algorithm_verifies_no_other() {
    let token = token(Algorithm::PS256, &good_claims());
    let jwt = CompactJwt::parse(&token).unwrap();
    let key = |alg: Value| key_set(&[bent("rsa", "alg", alg)]).keys.remove(0);
    assert!(key(Value::Null).verify(&jwt));
    assert!(key(json!("PS256")).verify(&jwt));
    assert!(
        key(json!("RSA256")).verify(&jwt),
        "a made-up name says nothing"
    );
    assert!(!key(json!("RS256")).verify(&jwt));
}

#[test]
fn one_odd_key_does_not_hide_the_others() {
    let short = base64url(&[0xff; 255]);
    let padded = base64url(&[[0; 8].as_slice(), &[0xff; 255]].concat());
    let long = base64url(&[0xff; 1025]);
    let odd = [
        json!(7),
        json!({}),
        json!({ "kty": "NEW", "kid": "x" }),
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
        bent("rsa", "use", json!("enc")),
        bent("rsa", "key_ops", json!(["encrypt"])),
        bent("rsa", "key_ops", json!("verify")),
        bent("rsa", "alg", json!("HS256")),
        bent("rsa", "alg", json!("RSA-OAEP")),
        bent("rsa", "alg", json!("none")),
        bent("rsa", "kid", json!(1)),
        bent("rsa", "n", json!(short)),
        bent("rsa", "n", json!(padded)),
        bent("rsa", "n", json!(long)),
        bent("rsa", "n", json!("not base64url!")),
        bent("rsa", "e", Value::Null),
        bent("p256", "crv", json!("P-521")),
        bent("p256", "crv", json!("P-384")),
        bent("p256", "x", json!("AA")),
        bent("p256", "y", json!("AA")),
        bent("p256", "y", Value::Null),
        bent("ed", "crv", json!("Ed448")),
        bent("ed", "x", json!("AA")),
    ];
    for key in &odd {
        assert!(key_set(std::slice::from_ref(key)).is_empty(), "{key}");
    }
    let mut all = odd.to_vec();
    all.push(bent("rsa", "key_ops", json!(["verify"])));
    assert_eq!(key_set(&all).len(), 1);
}

#[test]
fn a_body_without_keys_is_an_error_and_an_empty_list_is_not() {
    for body in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        "<html>",
    ] {
        assert!(KeySet::parse(body.as_bytes()).is_err(), "{body}");
    }
    assert!(KeySet::parse(br#"{"keys":[]}"#).unwrap().is_empty());
}

#[test]
fn the_number_of_keys_is_bounded() {
    assert_eq!(key_set(&vec![jwk("ed"); MAX_KEYS + 5]).len(), MAX_KEYS);
}

#[test]
fn candidates_are_chosen_by_kid_and_algorithm() {
    let unnamed = bent("ed", "kid", Value::Null);
    let mut all = vec![unnamed.clone(), jwk("ed"), jwk("ed"), jwk("p256")];
    let count = |set: &KeySet, kid, alg| set.candidates(kid, alg).count();

    let set = key_set(&all);
    assert_eq!(
        count(&set, Some("ed"), Algorithm::EdDSA),
        2,
        "same kid twice"
    );
    assert_eq!(count(&set, Some("ed"), Algorithm::ES256), 0);
    assert_eq!(count(&set, Some("p256"), Algorithm::ES256), 1);
    assert_eq!(count(&set, Some("other"), Algorithm::EdDSA), 0);
    assert_eq!(count(&set, None, Algorithm::EdDSA), 3, "whatever their kid");
    assert_eq!(count(&set, None, Algorithm::ES384), 0);
    assert!(set.knows("ed") && !set.knows("other"));

    all.extend(vec![unnamed; 20]);
    let set = key_set(&all);
    assert_eq!(count(&set, None, Algorithm::EdDSA), MAX_TRIED_WITHOUT_KID);
    assert_eq!(count(&keys(), None, Algorithm::RS256), 1);
}

#[test]
fn bits_are_counted_without_leading_zeros() {
    for (number, expected) in [
        (&[][..], 0),
        (&[0, 0], 0),
        (&[1], 1),
        (&[0, 0x80, 0], 16),
        (&[0x7f, 0xff], 15),
    ] {
        assert_eq!(bits(number), expected, "{number:?}");
    }
}
