use serde_json::json;

use super::super::testing::{
    CLIENT, NOW, claims_with, good_claims, issuer, jwk, key_set, keys, signed, token,
};
use super::*;
use crate::Error;
use IdTokenFault::*;

const ALL: [Algorithm; 4] = [
    Algorithm::RS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

fn check(issuer: &Issuer) -> IdTokenCheck<'_> {
    IdTokenCheck {
        issuer,
        client_id: CLIENT,
        nonce: Some("n-1"),
        max_age: None,
        access_token: None,
        code: None,
        algorithms: &ALL,
        now: SecondsSinceEpoch(NOW),
        leeway: LEEWAY,
    }
}

fn verify(token: &str) -> Result<IdTokenClaims, IdTokenFault> {
    check(&issuer()).verify(&CompactJwt::parse(token).unwrap(), &keys())
}

fn judge(claims: &Value) -> Result<IdTokenClaims, IdTokenFault> {
    verify(&token(Algorithm::EdDSA, claims))
}

fn fault(name: &str, value: Value) -> Option<IdTokenFault> {
    judge(&claims_with(name, value)).err()
}

#[test]
fn a_good_token_says_who_it_is() {
    let mut claims = good_claims();
    for (name, value) in [
        ("auth_time", json!(NOW - 10)),
        ("acr", json!("gold")),
        ("amr", json!(["pwd", "otp"])),
        ("azp", json!(CLIENT)),
        ("sid", json!("s-1")),
        ("session_expiry", json!(NOW + 9)),
        ("groups", json!(["staff"])),
        ("nbf", Value::Null),
    ] {
        claims[name] = value;
    }
    for algorithm in ALL {
        let claims = verify(&token(algorithm, &claims)).expect("all is in order");
        assert_eq!(claims.issuer, issuer());
        assert_eq!(
            (claims.subject.as_str(), claims.audience.as_slice()),
            ("alice", &[CLIENT.to_owned()][..])
        );
        assert_eq!((claims.expires_at.0, claims.issued_at.0), (NOW + 300, NOW));
        assert_eq!(claims.auth_time, Some(SecondsSinceEpoch(NOW - 10)));
        assert_eq!(claims.acr.as_deref(), Some("gold"));
        assert_eq!(claims.amr, ["pwd", "otp"]);
        assert_eq!(claims.authorized_party.as_deref(), Some(CLIENT));
        assert_eq!(claims.sid.as_deref(), Some("s-1"));
        assert_eq!(claims.session_expiry, Some(SecondsSinceEpoch(NOW + 9)));
        assert_eq!(claims.all["groups"], json!(["staff"]));
        assert!(!format!("{claims:?}").contains("staff"));
    }
}

#[test]
fn absent_claims_stay_absent() {
    let claims = judge(&good_claims()).unwrap();
    assert_eq!(
        (claims.auth_time, claims.acr, claims.sid),
        (None, None, None)
    );
    assert!(claims.amr.is_empty() && claims.authorized_party.is_none());
}

#[test]
fn each_wrong_claim_is_rejected_on_its_own() {
    let long = "a".repeat(256);
    for (name, value, expected) in [
        ("iss", json!("https://idp.example.com/"), WrongIssuer),
        ("iss", json!([issuer().as_str()]), MalformedClaim("iss")),
        ("iss", Value::Null, MissingClaim("iss")),
        ("sub", Value::Null, MissingClaim("sub")),
        ("sub", json!(""), MalformedClaim("sub")),
        ("sub", json!(long), MalformedClaim("sub")),
        ("sub", json!(7), MalformedClaim("sub")),
        ("aud", Value::Null, MissingClaim("aud")),
        ("aud", json!([]), MissingClaim("aud")),
        ("aud", json!("other"), WrongAudience),
        ("aud", json!(["other"]), WrongAudience),
        ("aud", json!([CLIENT, 7]), MalformedClaim("aud")),
        ("aud", json!({ CLIENT: 1 }), MalformedClaim("aud")),
        ("aud", json!([CLIENT, "other"]), UntrustedAudience),
        ("azp", json!("other"), WrongAuthorizedParty),
        ("azp", json!(7), MalformedClaim("azp")),
        ("exp", Value::Null, MissingClaim("exp")),
        ("exp", json!("1800000000"), MalformedClaim("exp")),
        ("exp", json!(-1), MalformedClaim("exp")),
        ("iat", Value::Null, MissingClaim("iat")),
        ("iat", json!("1700000000"), MalformedClaim("iat")),
        ("nbf", json!("0"), MalformedClaim("nbf")),
        ("nonce", Value::Null, MissingClaim("nonce")),
        ("nonce", json!("n-2"), WrongNonce),
        ("nonce", json!("n-"), WrongNonce),
        ("nonce", json!(1), MalformedClaim("nonce")),
        ("auth_time", json!("1"), MalformedClaim("auth_time")),
        ("acr", json!(1), MalformedClaim("acr")),
        ("amr", json!([1]), MalformedClaim("amr")),
        ("sid", json!(1), MalformedClaim("sid")),
        (
            "session_expiry",
            json!("1"),
            MalformedClaim("session_expiry"),
        ),
        ("events", json!({}), LogoutToken),
    ] {
        assert_eq!(
            fault(name, value.clone()),
            Some(expected),
            "{name}: {value}"
        );
    }
    for (name, value) in [
        ("sub", json!("a".repeat(255))),
        ("aud", json!([CLIENT])),
        ("aud", json!([CLIENT, CLIENT])),
        ("exp", json!(NOW as f64 + 0.5)),
        ("amr", json!("pwd")),
    ] {
        assert_eq!(fault(name, value.clone()), None, "{name}: {value}");
    }
    let mut several = claims_with("aud", json!(["other", CLIENT]));
    several["azp"] = json!(CLIENT);
    assert!(
        judge(&several).is_ok(),
        "the issuer says it is for this client"
    );
    several["events"] = Value::Null;
    assert_eq!(
        judge(&several).err(),
        Some(LogoutToken),
        "present is enough"
    );
}

#[test]
fn times_hold_to_the_second() {
    let leeway = LEEWAY.as_secs();
    for (name, value, expected) in [
        ("exp", NOW - leeway + 1, None),
        ("exp", NOW - leeway, Some(Expired)),
        ("exp", 0, Some(Expired)),
        ("exp", u64::MAX, None),
        ("nbf", NOW + leeway, None),
        ("nbf", NOW + leeway + 1, Some(NotYetValid)),
        ("iat", NOW + leeway, None),
        ("iat", NOW + leeway + 1, Some(IssuedInFuture)),
        ("iat", u64::MAX, Some(IssuedInFuture)),
        ("auth_time", NOW + leeway, None),
        ("auth_time", NOW + leeway + 1, Some(AuthTimeInFuture)),
    ] {
        assert_eq!(fault(name, json!(value)), expected, "{name}: {value}");
    }
    assert_eq!(fault("exp", json!(1e300)), None, "saturates");
}

#[test]
fn max_age_needs_a_fresh_auth_time() {
    let issuer = issuer();
    let asked = IdTokenCheck {
        max_age: Some(Duration::from_secs(100)),
        ..check(&issuer)
    };
    let oldest = NOW - 100 - LEEWAY.as_secs();
    for (auth_time, expected) in [
        (Value::Null, Some(AuthTimeMissing)),
        (json!(0), Some(AuthTimeMissing)),
        (json!(oldest - 1), Some(AuthTimeTooOld)),
        (json!(oldest), None),
        (json!(NOW), None),
    ] {
        let token = token(
            Algorithm::EdDSA,
            &claims_with("auth_time", auth_time.clone()),
        );
        let verdict = asked.verify(&CompactJwt::parse(&token).unwrap(), &keys());
        assert_eq!(verdict.err(), expected, "{auth_time}");
    }
    let unasked = judge(&claims_with("auth_time", json!(0))).unwrap();
    assert_eq!(unasked.auth_time, None, "0 is no time");
}

#[test]
fn hashes_must_fit_what_they_came_with() {
    let issuer = issuer();
    // Computed apart from this crate: base64url(left half of SHA-256 or SHA-512 of the text).
    for (algorithm, at_hash, c_hash) in [
        (Algorithm::RS256, AT_256, C_256),
        (Algorithm::ES384, AT_384, C_384),
        (Algorithm::EdDSA, AT_512, C_512),
    ] {
        let with = IdTokenCheck {
            access_token: Some("access-token"),
            code: Some("code"),
            ..check(&issuer)
        };
        let verdict = |check: &IdTokenCheck<'_>, name, value: &str| {
            let token = token(algorithm, &claims_with(name, json!(value)));
            check
                .verify(&CompactJwt::parse(&token).unwrap(), &keys())
                .err()
        };
        assert_eq!(verdict(&with, "at_hash", at_hash), None, "{algorithm:?}");
        assert_eq!(verdict(&with, "c_hash", c_hash), None, "{algorithm:?}");
        for wrong in ["", "AAAAAAAAAAAAAAAAAAAAAA", &at_hash[..10]] {
            assert_eq!(verdict(&with, "at_hash", wrong), Some(WrongAtHash));
            assert_eq!(verdict(&with, "c_hash", wrong), Some(WrongCHash));
        }
        assert_eq!(
            verdict(&check(&issuer), "at_hash", "x"),
            None,
            "no access token"
        );
        assert_eq!(verdict(&check(&issuer), "c_hash", "x"), None, "no code");
    }
    assert_eq!(fault("at_hash", json!(1)), Some(MalformedClaim("at_hash")));
}

#[test]
fn a_nonce_is_asked_for_only_where_one_was_sent() {
    let issuer = issuer();
    let refresh = IdTokenCheck {
        nonce: None,
        ..check(&issuer)
    };
    for nonce in [Value::Null, json!("n-1")] {
        let token = token(Algorithm::EdDSA, &claims_with("nonce", nonce));
        assert!(
            refresh
                .verify(&CompactJwt::parse(&token).unwrap(), &keys())
                .is_ok()
        );
    }
}

#[test]
fn tokens_of_another_type_are_refused() {
    let claims = good_claims().to_string();
    for (typ, expected) in [
        ("JWT", None),
        ("jwt", None),
        ("application/jwt", None),
        ("logout+jwt", Some(LogoutToken)),
        ("application/Logout+JWT", Some(LogoutToken)),
        ("at+jwt", Some(WrongType)),
        ("application/at+jwt", Some(WrongType)),
        ("dpop+jwt", Some(WrongType)),
    ] {
        let header = json!({ "alg": "EdDSA", "kid": "ed", "typ": typ }).to_string();
        let token = signed(Algorithm::EdDSA, &header, &claims);
        assert_eq!(verify(&token).err(), expected, "{typ}");
    }
}

#[test]
fn only_allowed_algorithms_verify() {
    let token = token(Algorithm::RS256, &good_claims());
    let issuer = issuer();
    let check = IdTokenCheck {
        algorithms: &[Algorithm::ES256],
        ..check(&issuer)
    };
    let verdict = check.verify(&CompactJwt::parse(&token).unwrap(), &keys());
    assert_eq!(verdict.err(), Some(AlgorithmNotAllowed));
}

#[test]
fn an_unknown_key_and_a_bad_signature_are_told_apart() {
    let good = token(Algorithm::ES256, &good_claims());
    let jwt = CompactJwt::parse(&good).unwrap();
    let issuer = issuer();
    let check = check(&issuer);
    let verdict = |jwt: &CompactJwt<'_>, keys: &KeySet| check.verify(jwt, keys).err();
    assert_eq!(verdict(&jwt, &keys()), None);
    assert_eq!(verdict(&jwt, &KeySet::default()), Some(UnknownKey));
    assert_eq!(verdict(&jwt, &key_set(&[jwk("ed")])), Some(UnknownKey));

    let mut same_name = jwk("ed");
    same_name["kid"] = json!("p256");
    assert_eq!(
        verdict(&jwt, &key_set(&[same_name])),
        Some(BadSignature),
        "its key is known"
    );

    let mut forged = CompactJwt::parse(&good).unwrap();
    forged.signature[10] ^= 1;
    assert_eq!(verdict(&forged, &keys()), Some(BadSignature));

    let nameless = signed(
        Algorithm::ES256,
        r#"{"alg":"ES256"}"#,
        &good_claims().to_string(),
    );
    let nameless = CompactJwt::parse(&nameless).unwrap();
    assert_eq!(verdict(&nameless, &keys()), None, "one key fits");
    assert_eq!(verdict(&nameless, &key_set(&[jwk("ed")])), Some(UnknownKey));
}

#[test]
fn the_signature_is_verified_before_any_claim_is_read() {
    let header = r#"{"alg":"EdDSA","kid":"ed"}"#;
    for payload in ["", "null", r#"{"iss":"a","iss":"b"}"#, r#"{"exp":0}"#] {
        let token = signed(Algorithm::EdDSA, header, payload);
        let mut jwt = CompactJwt::parse(&token).unwrap();
        jwt.signature[0] ^= 1;
        let verdict = check(&issuer()).verify(&jwt, &keys());
        assert_eq!(verdict.err(), Some(BadSignature), "{payload}");
    }
}

#[test]
fn a_claim_that_comes_twice_is_refused() {
    let good = good_claims().to_string();
    let header = r#"{"alg":"EdDSA","kid":"ed"}"#;
    let twice = format!(r#"{},"sub":"mallory"}}"#, good.strip_suffix('}').unwrap());
    for payload in [twice.as_str(), "[]", "\"a\"", ""] {
        let token = signed(Algorithm::EdDSA, header, payload);
        assert_eq!(verify(&token).err(), Some(NotJson), "{payload}");
    }
}

#[test]
fn userinfo_adds_and_never_overwrites() {
    let mut claims = judge(&good_claims()).unwrap();
    let Value::Object(userinfo) = json!({ "sub": "mallory", "email": "a@example.com" }) else {
        unreachable!()
    };
    claims.merge_userinfo(userinfo);
    assert_eq!(claims.all["sub"], "alice");
    assert_eq!(claims.all["email"], "a@example.com");
}

#[test]
fn a_fault_is_the_providers_and_stays_readable() {
    let error = Error::from(MissingClaim("exp"));
    assert_eq!(error.kind(), crate::ErrorKind::Provider);
    assert_eq!(error.to_string(), "the token has no exp");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(
        source.downcast_ref::<IdTokenFault>(),
        Some(&MissingClaim("exp"))
    );
}

const AT_256: &str = "Pxa-1wifRlPl7yG_0oJNfw";
const AT_384: &str = "fPnQAsvCEwe-sRB6O4tsdPgfI-EaOvsY";
const AT_512: &str = "Rb10lsqrobcpd02MQ_878ctvfDDbaRese_Z50nFw5Jw";
const C_256: &str = "VpTQii5T_8rgwxA-Wtb2Bw";
const C_384: &str = "AzKOq95bWVDxjAKcy2yGAwrfulZCkcSh";
const C_512: &str = "tl6nvuWJTxOqvhdJRqhFgY3pNboZRCBtpWThmv4nI8s";
