use std::sync::LazyLock;
use std::time::Duration;

use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::plain_object;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{base64url, sha256};
use crate::oidc::{CompactJwt, IdTokenCheck, IdTokenClaims, Issuer, KeySet, LEEWAY, json};

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
const ISSUER: &str = "https://idp.example.com";
const CLIENT: &str = "my-app";
const NONCE: &str = "n-1";
const ACCESS_TOKEN: &str = "at-1";
const CODE: &str = "c-1";
const MAX_AGE: Duration = Duration::from_secs(600);
const NOW: u64 = 1_700_000_000;

static EXPECTED_ISSUER: LazyLock<Issuer> =
    LazyLock::new(|| Issuer::parse(ISSUER).expect("the issuer is well-formed"));

static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    KeySet::parse(include_bytes!("../oidc/testing/jwks.json")).expect("the key set is well-formed")
});

/// All that may be asked of a token; a set bit leaves one thing out.
fn check(left_out: u8) -> IdTokenCheck<'static> {
    let asked = |bit: u8| left_out & (1 << bit) == 0;
    IdTokenCheck {
        issuer: &EXPECTED_ISSUER,
        client_id: CLIENT,
        nonce: asked(0).then_some(NONCE),
        max_age: asked(1).then_some(MAX_AGE),
        access_token: asked(2).then_some(ACCESS_TOKEN),
        code: asked(3).then_some(CODE),
        algorithms: &ALGORITHMS,
        now: SecondsSinceEpoch(NOW),
        leeway: LEEWAY,
    }
}

/// No made-up bytes are an ID token: no key signed them. What is taken apart is what a plain reader sees.
pub fn id_token(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(jwt) = CompactJwt::parse(token) else {
        return;
    };
    assert!(token.len() <= 16 * 1024);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        panic!("{} parts", parts.len());
    };
    assert_eq!(base64url(&jwt.payload), *payload, "one spelling only");
    assert_eq!(base64url(&jwt.signature), *signature, "one spelling only");
    assert_eq!(jwt.signing_input, format!("{header}.{payload}"));
    let header = crate::crypto::from_base64url(header).expect("it was read before");
    let header = plain_object(&header);
    assert_eq!(header["alg"], format!("{:?}", jwt.algorithm));
    assert!(ALGORITHMS.contains(&jwt.algorithm));
    for (name, read) in [("kid", &jwt.kid), ("typ", &jwt.typ)] {
        assert_eq!(header.get(name).and_then(Value::as_str), read.as_deref());
        assert!(header.get(name).is_some() == read.is_some());
        assert!(read.as_ref().is_none_or(|text| text.len() <= 512));
    }
    for name in ["crit", "jwk", "jku", "x5u", "b64", "zip", "enc"] {
        assert!(header.get(name).is_none(), "{name}");
    }
    assert!(check(0xff).verify(&jwt, &KEYS).is_err(), "nobody signed it");
}

/// Claims behind a good signature are believed only if each of them fits. The first byte says what was
/// asked, the second which algorithm signed, and the rest is the payload.
pub fn id_token_claims(data: &[u8]) {
    let [left_out, algorithm, payload @ ..] = data else {
        return;
    };
    let algorithm = ALGORITHMS[usize::from(*algorithm) % ALGORITHMS.len()];
    let Some(all) = json::object(payload) else {
        return;
    };
    let check = check(*left_out);
    let Ok(claims) = check.judge(algorithm, all) else {
        return;
    };
    let plain = plain_object(payload);
    assert_who_and_for_whom(&claims, &plain);
    assert_in_time(&check, &claims, &plain);
    assert!(check.nonce.is_none() || plain["nonce"] == NONCE);
    assert!(plain.get("events").is_none(), "a logout token");
    for (name, value) in [("at_hash", check.access_token), ("c_hash", check.code)] {
        if let (Some(value), Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256) =
            (value, algorithm)
        {
            let half = base64url(&sha256(value.as_bytes())[..16]);
            assert!(
                plain
                    .get(name)
                    .is_none_or(|hash| hash.is_null() || *hash == half)
            );
        }
    }
    assert_eq!(Some(&claims.all), plain.as_object());
}

fn assert_who_and_for_whom(claims: &IdTokenClaims, plain: &Value) {
    assert_eq!(plain["iss"], ISSUER);
    assert_eq!(claims.issuer.as_str(), ISSUER);
    assert_eq!(plain["sub"], claims.subject);
    assert!((1..=255).contains(&claims.subject.chars().count()));
    let audience = match &plain["aud"] {
        Value::Array(names) => names.clone(),
        one => vec![one.clone()],
    };
    assert_eq!(audience, claims.audience);
    assert!(audience.iter().any(|name| name == CLIENT));
    let azp = &plain["azp"];
    assert!(*azp == CLIENT || (azp.is_null() && audience.iter().all(|name| name == CLIENT)));
    assert_eq!(azp.as_str(), claims.authorized_party.as_deref());
    assert_eq!(plain["acr"].as_str(), claims.acr.as_deref());
    assert_eq!(plain["sid"].as_str(), claims.sid.as_deref());
}

/// In the numbers of a plain reader, which are fractions.
fn assert_in_time(check: &IdTokenCheck<'_>, claims: &IdTokenClaims, plain: &Value) {
    let time = |name: &str| {
        let value = &plain[name];
        assert!(value.is_null() || value.is_number(), "{name} is {value}");
        value.as_f64()
    };
    let (now, leeway) = (NOW as f64, LEEWAY.as_secs_f64());
    let exp = time("exp").expect("exp is required");
    let iat = time("iat").expect("iat is required");
    assert!(now < exp + leeway);
    // A started second counts as not begun: fractions are dropped.
    assert!(0.0 <= iat && iat < now + leeway + 1.0);
    assert!(time("nbf").is_none_or(|nbf| nbf < now + leeway + 1.0));
    let auth_time = time("auth_time").filter(|time| *time >= 1.0);
    assert!(auth_time.is_none_or(|time| time < now + leeway + 1.0));
    assert_eq!(auth_time.is_some(), claims.auth_time.is_some());
    if let Some(max_age) = check.max_age {
        let auth_time = auth_time.expect("auth_time is required with max_age");
        assert!(now < auth_time + max_age.as_secs_f64() + leeway + 1.0);
    }
    let seconds = |time: f64| time.trunc().min(u64::MAX as f64);
    assert_eq!(seconds(exp), claims.expires_at.0 as f64);
    assert_eq!(seconds(iat), claims.issued_at.0 as f64);
}
