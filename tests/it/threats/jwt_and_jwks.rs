//! JWT and JWKS.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tower_sso::simulator::{Endpoint, Fault, ForgedAlg, SigningAlgorithm};

use super::{Wiretap, tapped};
use crate::support::App;

/// The app's clock at the start of each test.
const NOW: u64 = 1_800_000_000;

fn claim(name: &str, value: Value) -> Fault {
    Fault::IdTokenClaim(name.into(), Some(value))
}

fn without(name: &str) -> Fault {
    Fault::IdTokenClaim(name.into(), None)
}

fn header(name: &str, value: Value) -> Fault {
    Fault::ExtraHeader(name.into(), value)
}

/// No session, a page that a person can read, and UserInfo was not asked with a token that nobody may
/// believe.
async fn assert_rejected(app: &App, path: &str, why: &str) {
    let page = app.visit(path).await;
    assert_eq!(page.status, 502, "{why}: {}", page.html());
    assert_eq!(page.url.path(), "/auth/callback", "{why}");
    assert!(
        page.html().contains("<h1>Sign-in failed</h1>"),
        "{why}: {}",
        page.html()
    );
    assert_eq!(app.session_cookie(), None, "{why}");
    assert_eq!(app.attempts(), 0, "{why}: the attempt is over");
    assert_eq!(
        app.idp().requests(Endpoint::Token),
        1,
        "{why}: the code went once"
    );
    assert_eq!(app.idp().requests(Endpoint::UserInfo), 0, "{why}");
    assert_eq!(
        app.visit("/auth/session").await.json()["signed_in"],
        false,
        "{why}"
    );
    assert_eq!(app.handled(), 0, "{why}");
}

async fn each_rejected(faults: impl IntoIterator<Item = Fault>) {
    for fault in faults {
        let app = App::with(|builder| builder.userinfo(true));
        app.idp().set_fault(fault.clone());
        assert_rejected(&app, "/protected", &format!("{fault:?}")).await;
    }
}

/// The same set-up without a fault signs in, or none of the others would prove anything.
#[tokio::test]
async fn threat_10_a_good_token_is_believed() {
    let app = App::with(|builder| builder.userinfo(true));
    app.sign_in("/protected").await;
    assert_eq!(app.idp().requests(Endpoint::UserInfo), 1);
    for fault in [
        claim("aud", json!(["app", "other"])),
        claim("exp", json!(NOW - 59)),
        claim("iat", json!(NOW + 60)),
        claim("nbf", json!(NOW + 60)),
        without("at_hash"),
        without("azp"),
        header("typ", json!("at")),
    ] {
        let app = App::new();
        app.idp().set_fault(fault);
        app.sign_in("/protected").await;
    }
}

/// OpenID Connect Core 3.1.3.7, each rule by itself. Guard: the checks of `IdTokenCheck::verify`, one by
/// one.
#[tokio::test]
async fn threat_10_a_claim_that_does_not_fit_is_believed() {
    each_rejected([
        claim("iss", json!("https://evil.example")),
        claim("iss", json!("https://idp.example.org/")),
        claim("iss", json!(["https://idp.example.org"])),
        without("iss"),
        claim("aud", json!("other")),
        claim("aud", json!([])),
        claim("aud", json!(["other", "another"])),
        claim("aud", json!("app ")),
        without("aud"),
        claim("azp", json!("other")),
        claim("azp", json!(["app"])),
        claim("nonce", json!("another")),
        claim("nonce", json!("")),
        without("nonce"),
        claim("sub", json!("")),
        claim("sub", json!(7)),
        claim("sub", json!("x".repeat(256))),
        claim("sub", Value::Null),
        without("sub"),
        claim("iat", json!(NOW + 61)),
        claim("iat", json!("1800000000")),
        without("iat"),
        claim("nbf", json!(NOW + 61)),
        claim("nbf", json!("soon")),
        claim("auth_time", json!(NOW + 61)),
        claim("auth_time", json!("now")),
        claim("amr", json!({"pwd": true})),
        claim("acr", json!(["gold"])),
        claim("sid", json!(1)),
        claim("events", json!({})),
        Fault::AtHashWrong,
        Fault::CHash("AAAAAAAAAAAAAAAAAAAAAA".into()),
        Fault::BadSignature,
        Fault::UnknownKid,
        Fault::NoIdToken,
        Fault::TokenType("mac".into()),
    ])
    .await;
    for (name, azp) in [("azp", None), ("azp", Some(json!("other")))] {
        let app = App::with(|builder| builder.userinfo(true));
        app.idp().set_fault(claim("aud", json!(["app", "other"])));
        app.idp().set_fault(Fault::IdTokenClaim(name.into(), azp));
        assert_rejected(&app, "/protected", "an audience that nobody knows").await;
    }
}

/// The provider was asked for a fresh authentication and answers with an old one. Guard:
/// `IdTokenCheck::check_auth_time`.
#[tokio::test]
async fn threat_10_an_authentication_older_than_was_asked_for_is_believed() {
    for (auth_time, passes) in [
        (Some(json!(NOW - 60)), true),
        (Some(json!(NOW - 120)), true),
        (Some(json!(NOW - 121)), false),
        (Some(json!(0)), false),
        (None, false),
    ] {
        let why = format!("{auth_time:?}");
        let app = App::with(|builder| builder.userinfo(true));
        app.idp()
            .set_fault(Fault::IdTokenClaim("auth_time".into(), auth_time));
        if passes {
            app.visit("/recent").await;
            assert!(app.session_cookie().is_some(), "{why}");
        } else {
            assert_rejected(&app, "/recent", &why).await;
        }
    }
}

/// UserInfo about another person. Guard: `userinfo::check`.
#[tokio::test]
async fn threat_10_userinfo_of_another_person_is_merged() {
    for sub in ["bob", "", "alice "] {
        let app = App::with(|builder| builder.userinfo(true));
        app.idp().set_fault(Fault::UserInfoSub(sub.into()));
        let page = app.visit("/protected").await;
        assert_eq!(page.status, 502, "{sub:?}");
        assert_eq!(app.session_cookie(), None, "{sub:?}");
    }
}

/// `alg: none`, and keys that everybody has. Guard: `IdTokenCheck::algorithms` is ours, and
/// `CompactJwt::parse` knows no `none`.
#[tokio::test]
async fn threat_33_the_token_chooses_its_algorithm() {
    let none = ["none", "None", "NONE", "nOnE", "NonE", "", " none"];
    let none = none.map(|spelling| Fault::IdTokenAlg(ForgedAlg::None(spelling.into())));
    each_rejected(none).await;
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
        for forged in [
            ForgedAlg::Hs256WithPublicKeyPem,
            ForgedAlg::Hs256WithPublicKeyDer,
            ForgedAlg::Hs256WithPublicKeyBytes,
            ForgedAlg::Hs256WithClientSecret,
            ForgedAlg::Hs256WithClientId,
            ForgedAlg::Named("RS512".into()),
            ForgedAlg::Named("PS256".into()),
            ForgedAlg::Named("HS256".into()),
            ForgedAlg::Named("rs256".into()),
            ForgedAlg::Named("ES384".into()),
        ] {
            // The metadata may say what it likes: keys of the client and of everybody are no keys.
            for promised in [false, true] {
                let app = App::with_keys(algorithm, |builder| builder.userinfo(true));
                app.idp().set_fault(Fault::IdTokenAlg(forged.clone()));
                let algorithms = match promised {
                    true => json!(["RS256", "ES256", "HS256", "none", "RS512", "PS256"]),
                    false => json!(["RS256", "ES256"]),
                };
                app.idp().set_fault(Fault::DiscoveryField(
                    "id_token_signing_alg_values_supported".into(),
                    Some(algorithms),
                ));
                assert_rejected(&app, "/protected", &format!("{forged:?} {promised}")).await;
            }
        }
    }
}

/// A key in the set, and an algorithm that the provider never said it would use. Guard: the first check of
/// `claims::verified`.
#[tokio::test]
async fn threat_33_an_algorithm_that_was_not_promised_is_accepted() {
    for (promised, passes) in [(json!(["RS256"]), false), (json!(["RS256", "ES256"]), true)] {
        let app = App::with_keys(SigningAlgorithm::Es256, |builder| builder.userinfo(true));
        app.idp().set_fault(Fault::DiscoveryField(
            "id_token_signing_alg_values_supported".into(),
            Some(promised),
        ));
        if passes {
            app.sign_in("/protected").await;
        } else {
            assert_rejected(&app, "/protected", "ES256").await;
        }
    }
}

/// Headers that bring or name a key, or change what is verified (RFC 7515 sections 4.1.2, 4.1.3, 4.1.11;
/// RFC 7797). Guard: `CompactJwt::parse` refuses `crit`; no other key than the key set's is looked at.
#[tokio::test]
async fn threat_33_the_token_brings_its_own_key_or_extension() {
    each_rejected([
        header("crit", json!(["exp"])),
        header("crit", json!([])),
        header("b64", json!(false)),
        header("jwk", json!({"kty": "oct", "k": "c2VjcmV0"})),
        header("jku", json!("https://idp.example.org/jwks")),
        header("x5u", json!("https://idp.example.org/cert")),
        header("zip", json!("DEF")),
        header("enc", json!("A128GCM")),
        header("typ", json!("at+jwt")),
        header("typ", json!("logout+jwt")),
    ])
    .await;

    // With a signature of another key under a header that brings it, and without any network.
    let jwk = json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"});
    for (name, value) in [
        ("jwk", jwk.clone()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let (app, tap) = tapped(|builder| builder.userinfo(true));
        app.idp().set_fault(header(name, value));
        app.idp()
            .set_fault(Fault::IdTokenAlg(ForgedAlg::Hs256WithClientSecret));
        assert_rejected(&app, "/protected", name).await;
        assert!(
            tap.calls("/cert").is_empty() && tap.calls("/jwks").len() <= 1,
            "{name}"
        );
    }
}

/// CVE-2026-25537: an `exp` of another type was no `exp`. Guard: `Claims::time` in
/// `IdTokenCheck::check_times`.
#[tokio::test]
async fn threat_33_an_exp_that_is_absent_or_no_number_never_comes() {
    each_rejected([
        without("exp"),
        claim("exp", json!(format!("{}", NOW + 3_600))),
        claim("exp", json!("never")),
        claim("exp", Value::Null),
        claim("exp", json!(true)),
        claim("exp", json!([NOW + 3_600])),
        claim("exp", json!(-1)),
        claim("exp", json!(NOW - 60)),
        claim("exp", json!(0)),
    ])
    .await;
}

fn parts(token: &str) -> Vec<String> {
    token.split('.').map(str::to_owned).collect()
}

/// What is no token at all, or two at once. Guard: `CompactJwt::parse`.
#[tokio::test]
async fn threat_33_what_is_no_token_is_believed() {
    type Forge = fn(&str) -> String;
    let forgeries: [(&str, Forge); 13] = [
        ("a JWE around nothing", |_| {
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A128GCM","cty":"JWT"}"#);
            format!("{header}....")
        }),
        ("a JWE around a token", |token| {
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","enc":"A128GCM"}"#);
            format!("{header}..{}.", token.replace('.', ""))
        }),
        ("no signature", |token| {
            format!("{}.{}.", parts(token)[0], parts(token)[1])
        }),
        ("two parts", |token| {
            format!("{}.{}", parts(token)[0], parts(token)[1])
        }),
        ("four parts", |token| format!("{token}.x")),
        ("padding", |token| format!("{token}==")),
        ("trailing text", |token| format!("{token}\n")),
        ("leading space", |token| format!(" {token}")),
        ("the standard alphabet", |token| {
            token.replace(['-', '_'], "+")
        }),
        ("a huge token", |token| {
            format!("{token}{}", "A".repeat(600_000))
        }),
        ("a huge header", |token| {
            let header = format!(r#"{{"alg":"RS256","x":"{}"}}"#, "a".repeat(300_000));
            format!(
                "{}.{}.{}",
                URL_SAFE_NO_PAD.encode(header),
                parts(token)[1],
                parts(token)[2]
            )
        }),
        ("nothing", |_| String::new()),
        ("JSON", |_| r#"{"sub":"alice"}"#.to_owned()),
    ];
    for (why, forge) in forgeries {
        let (app, tap) = tapped(|builder| builder.userinfo(true));
        tap.forge(forge);
        assert_rejected(&app, "/protected", why).await;
    }
    let (app, tap): (App, Wiretap) = tapped(|builder| builder);
    tap.forge(str::to_owned);
    app.sign_in("/protected").await;
}

/// Ten thousand key ids that nobody has. Guard: the token bucket in `jwks::state::State::may_fetch`, and that
/// known keys are looked up before it.
#[tokio::test]
async fn threat_34_unknown_key_ids_flood_the_provider() {
    let app = App::new();
    app.sign_in("/protected").await;
    assert_eq!(app.idp().requests(Endpoint::Jwks), 1);
    for outage in [
        Some(Fault::JwksEmpty),
        Some(Fault::Status(Endpoint::Jwks, 500, None)),
        None,
    ] {
        app.clock.advance(std::time::Duration::from_secs(180));
        let before = app.idp().requests(Endpoint::Jwks);
        app.idp().set_fault(Fault::UnknownKid);
        if let Some(outage) = outage {
            app.idp().set_fault(outage);
        }
        for _ in 0..50 {
            let page = app
                .browser
                .stranger()
                .visit(&format!("{}/protected", App::URL))
                .await;
            assert!(matches!(page.status.as_u16(), 502 | 503), "{}", page.status);
        }
        let fetched = app.idp().requests(Endpoint::Jwks) - before;
        assert!(fetched <= 5, "{fetched}");
        app.idp().clear_faults();
        let stranger = app.browser.stranger();
        let page = stranger.visit(&format!("{}/protected", App::URL)).await;
        assert_eq!(page.status, 200, "a known key works all the time");

        app.idp().rotate_keys();
        app.clock.advance(std::time::Duration::from_secs(30));
        let page = app
            .browser
            .stranger()
            .visit(&format!("{}/protected", App::URL))
            .await;
        assert_eq!(
            page.status, 200,
            "a real rotation is seen at the first token"
        );
    }
}

/// One key that nobody understands hid all the others, in several libraries. Guard: `KeySet::parse` skips
/// what it can't use, `KeySet` tries each key that fits.
#[tokio::test]
async fn threat_35_one_odd_key_hides_the_others() {
    for faults in [
        vec![Fault::JwksExtraKeys],
        vec![Fault::NoKid],
        vec![Fault::NoKid, Fault::JwksExtraKeys],
        vec![Fault::JwksSeveralKeysNoKid],
        vec![Fault::JwksSeveralKeysNoKid, Fault::JwksExtraKeys],
        vec![Fault::RotateJustBeforeSigning],
        vec![Fault::RotateJustBeforeSigning, Fault::JwksExtraKeys],
    ] {
        let app = App::new();
        for fault in &faults {
            app.idp().set_fault(fault.clone());
        }
        for path in ["/protected", "/auth/login?return_to=/protected"] {
            let page = app.visit(path).await;
            assert_eq!(page.status, 200, "{faults:?}: {}", page.html());
        }
        app.idp().set_fault(Fault::BadSignature);
        let stranger = app.browser.stranger();
        let page = stranger.visit(&format!("{}/protected", App::URL)).await;
        assert_eq!(page.status, 502, "{faults:?}: no key fits a forged one");
    }
}
