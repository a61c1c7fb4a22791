//! Properties of the readers of this room, over whatever anybody may send.

mod callback;
mod id_token;
mod jwt;
mod key_set;
mod metadata;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// A JSON value of any type, small and nested a little.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        prop::sample::select(&[1e300, -1e300, 1e-300][..]).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(
            &[
                "RS256",
                "EdDSA",
                "none",
                "sig",
                "https://idp.example.com",
                ""
            ][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map("[a-z]{0,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A JSON object with one more member, before or behind the others.
fn with_member(object: &Value, name: &str, value: &Value, first: bool) -> String {
    let text = object.to_string();
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .unwrap();
    let member = format!("{}:{value}", Value::from(name));
    if first {
        format!("{{{member},{inner}}}")
    } else {
        format!("{{{inner},{member}}}")
    }
}

/// Values that stand as deep as their text is long: a reader that recurses for each would overflow.
fn deep() -> [String; 3] {
    [
        "[".repeat(6_000),
        format!("{}1{}", "[".repeat(3_000), "]".repeat(3_000)),
        format!("{}1{}", r#"{"a":"#.repeat(1_200), "}".repeat(1_200)),
    ]
}

proptest! {
    /// Error texts go to logs: no reader may panic, nor repeat at length what it was sent.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
        let issuer = testing::issuer();
        for body in [bytes.as_slice(), text.as_bytes()] {
            let errors = [
                KeySet::parse(body).err(),
                ProviderMetadata::parse(body, &issuer).err(),
                TokenResponse::parse(body).err(),
                AuthorizationResponse::parse(body).err(),
                CompactJwt::parse(&String::from_utf8_lossy(body)).err(),
            ];
            let _ = TokenError::parse(body);
            for error in errors.into_iter().flatten() {
                let shown = error.to_string();
                prop_assert!(shown.len() < 500 && !shown.contains(char::is_control), "{shown:?}");
            }
        }
    }
}
