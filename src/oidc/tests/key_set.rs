//! Key sets with anything in them.

use serde_json::json;

use super::testing::{good_claims, jwk, key_set, token};
use super::*;
use crate::crypto::base64url;

const KIDS: [&str; 4] = ["rsa", "p256", "p384", "ed"];
const MEMBERS: &[&str] = &[
    "kty", "kid", "use", "key_ops", "alg", "crv", "n", "e", "x", "y", "d", "x5c",
];

/// Rubbish, or a good key of which one member is.
fn odd_key() -> impl Strategy<Value = Value> {
    let bytes = prop_oneof![
        vec(any::<u8>(), 0..70),
        vec(any::<u8>(), 255..258),
        Just(vec![0; 32]),
        Just(vec![0xff; 32]),
    ];
    let value = prop_oneof![
        any_json(),
        bytes.prop_map(|bytes| json!(base64url(&bytes))),
        prop::sample::select(
            &[
                "RSA", "EC", "OKP", "oct", "P-256", "P-521", "Ed448", "enc", "HS256"
            ][..]
        )
        .prop_map(Value::from),
    ];
    let bent = (
        prop::sample::select(&KIDS[..]),
        prop::sample::select(MEMBERS),
        value,
    );
    prop_oneof![
        1 => any_json(),
        4 => bent.prop_map(|(kid, member, value)| {
            let mut key = jwk(kid);
            key["kid"] = json!("odd");
            key[member] = value;
            key
        }),
    ]
}

proptest! {
    /// Neither by its place nor by what stands beside it is a good key lost; and whatever else was taken
    /// for a key can be tried on a token of any algorithm.
    #[test]
    fn odd_keys_do_not_hide_a_good_one(
        mut all in vec(odd_key(), 0..12),
        kid in prop::sample::select(&KIDS[..]),
        place in any::<prop::sample::Index>(),
    ) {
        let before = key_set(&all).len();
        all.insert(place.index(all.len() + 1), jwk(kid));
        let set = key_set(&all);
        prop_assert_eq!(set.len(), before + 1);
        prop_assert!(set.knows(kid));
        for algorithm in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
            let token = token(algorithm, &good_claims());
            let jwt = CompactJwt::parse(&token).unwrap();
            prop_assert!(set.candidates(None, algorithm).count() <= 4);
            let verified = set.candidates(Some(kid), algorithm).any(|key| key.verify(&jwt));
            // The RSA key of the set is bound to one algorithm.
            let fits = testing::kid(algorithm) == kid && algorithm != Algorithm::PS256;
            prop_assert_eq!(verified, fits, "{:?}", algorithm);
            for key in set.candidates(Some("odd"), algorithm) {
                let _ = key.verify(&jwt);
            }
        }
    }

    /// A key is asymmetric, for signatures, and of a length that protects: nothing else gets in.
    #[test]
    fn a_key_that_is_taken_is_fit_to_verify(key in odd_key()) {
        let taken = key_set(std::slice::from_ref(&key)).len() == 1;
        let text = |name: &str| key[name].as_str().unwrap_or_default();
        let for_signatures = matches!(key.get("use"), None | Some(Value::String(_)))
            && matches!(text("use"), "" | "sig")
            && !(key.get("use").is_some() && text("use").is_empty());
        let foreign = ["HS256", "none"].contains(&text("alg"));
        let known = match (text("kty"), text("crv")) {
            ("RSA", _) => text("n").len() >= 341,
            ("EC", "P-256") => text("x").len() == 43 && text("y").len() == 43,
            ("EC", "P-384") => text("x").len() == 64 && text("y").len() == 64,
            ("OKP", "Ed25519") => text("x").len() == 43,
            _ => false,
        };
        if taken {
            prop_assert!(for_signatures && !foreign && known, "{}", key);
        }
    }

    #[test]
    fn a_document_with_members_of_any_type_is_a_set_or_refused(keys in any_json(), more in any_json(), first in any::<bool>()) {
        let document = json!({ "keys": keys });
        let body = with_member(&document, "more", &more, first);
        prop_assert_eq!(KeySet::parse(body.as_bytes()).is_ok(), keys.is_array());
        let twice = with_member(&document, "keys", &more, first);
        prop_assert!(KeySet::parse(twice.as_bytes()).is_err());
    }
}

/// Rubbish does not count towards the bound, or a few hundred odd keys would hide a good one.
#[test]
fn a_long_set_is_bounded_by_what_is_usable_in_it() {
    let mut all = vec![json!({ "kty": "oct", "k": "AA" }); 500];
    all.push(jwk("ed"));
    assert!(key_set(&all).knows("ed"));
    let mut many = jwk("p256");
    many["kid"] = json!("many");
    all.extend(vec![many; 500]);
    let set = key_set(&all);
    assert_eq!(set.len(), 100);
    assert_eq!(set.candidates(Some("many"), Algorithm::ES256).count(), 99);
    for value in deep() {
        let body = format!(r#"{{"keys":[{value}]}}"#);
        assert!(KeySet::parse(body.as_bytes()).is_err());
    }
}
