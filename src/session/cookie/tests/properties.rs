//! The scan of `Cookie` fields against a reader that is slow and plain.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Found, find, names_with_prefix};

/// Every pair of every field, as RFC 6265 section 4.2.1 writes them.
fn all_pairs(fields: &[Vec<u8>]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs = Vec::new();
    for pair in fields.join(&b';').split(|byte| *byte == b';') {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            pairs.push((name.trim_ascii().to_vec(), value.trim_ascii().to_vec()));
        }
    }
    pairs
}

/// Whether we could have written this value: base64url, as long as a browser keeps it.
fn may_be_ours(value: &[u8]) -> bool {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (1..=4096).contains(&value.len()) && value.iter().all(|byte| alphabet.contains(byte))
}

const PIECES: &[&[u8]] = &[
    b"sso",
    b"sso=",
    b"sso=aB3-_",
    b"SSO=x",
    b"xsso=1",
    b"sso =x",
    b"\"sso=q\"",
    b"sso-login-",
    b"sso-login-1-a=x",
    b"sso-login-1-a",
    b"=",
    b"==",
    b";",
    b"; ",
    b",",
    b" ",
    b"\t",
    b"\"",
    b"\0",
    b"\xff",
    b"\xc3\xa4",
    b"%3d",
    b"a",
    b"a=b",
    b"\\;",
];

fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        prop::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        vec(any::<u8>(), 0..4),
        (4090_usize..4100).prop_map(|length| vec![b'v'; length]),
    ];
    let field = vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    vec(field, 0..4)
}

fn found(fields: &[Vec<u8>]) -> Found<'_> {
    find(fields.iter().map(Vec::as_slice), "sso")
}

proptest! {
    #[test]
    fn a_scan_finds_what_a_plain_reader_finds(fields in fields()) {
        let mut values: Vec<_> = all_pairs(&fields);
        values.retain(|(name, _)| name == b"sso");
        match (found(&fields), values.as_slice()) {
            (Found::None, []) => {}
            (Found::None, [(_, value)]) => prop_assert!(!may_be_ours(value)),
            (Found::One(one), [(_, value)]) => {
                prop_assert!(may_be_ours(value));
                prop_assert_eq!(one.as_bytes(), value.as_slice());
            }
            (Found::Twice, [_, _, ..]) => {}
            (other, values) => prop_assert!(false, "{other:?} for {values:?}"),
        }
    }

    /// Wherever a second one is planted, before, behind or in a field of its own.
    #[test]
    fn a_planted_cookie_of_the_same_name_leaves_none(
        mut fields in fields(),
        place in any::<prop::sample::Index>(),
        value in "[a-z=\" ]{0,4}",
    ) {
        fields.retain(|field| all_pairs(std::slice::from_ref(field)).iter().all(|(name, _)| name != b"sso"));
        fields.insert(place.index(fields.len() + 1), b"sso=mine".to_vec());
        prop_assert_eq!(found(&fields), Found::One("mine"));
        fields.insert(place.index(fields.len() + 1), format!("sso={value}").into_bytes());
        prop_assert_eq!(found(&fields), Found::Twice);
    }

    #[test]
    fn names_with_a_prefix_are_those_of_a_plain_reader(fields in fields()) {
        let seen: Vec<_> = names_with_prefix(fields.iter().map(Vec::as_slice), "sso-login-")
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect();
        let mut expected = all_pairs(&fields);
        expected.retain(|(name, value)| {
            name.starts_with(b"sso-login-") && name.is_ascii() && may_be_ours(value)
        });
        prop_assert_eq!(seen, expected);
    }
}

/// The work is counted, not timed: each field is taken once, and none after a second cookie is seen.
#[test]
fn a_scan_takes_each_field_once_and_stops_at_the_second() {
    for (planted, expected) in [(None, 1_000), (Some(10), 11)] {
        let mut taken = 0;
        let fields = (0..1_000).map(|at| {
            taken += 1;
            if at == 5 || Some(at) == planted {
                &b"sso=abc"[..]
            } else {
                &b"a=b; ;=; c"[..]
            }
        });
        let twice = find(fields, "sso") == Found::Twice;
        assert_eq!((twice, taken), (planted.is_some(), expected));
    }
    let mut taken = 0;
    let fields = (0..10_000).map(|_| {
        taken += 1;
        &b"sso-login-1=v"[..]
    });
    assert_eq!(names_with_prefix(fields, "sso-login-").count(), 200);
    assert_eq!(taken, 200, "the rest of a flood is not looked at");
}
