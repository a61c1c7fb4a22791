//! Rows 22, 23, 25 and 26: what is believed of tokens, and with which keys.

use serde_json::{Value, json};
use tower_sso::ErrorKind;
use tower_sso::simulator::{ForgedAlg, ScalekitEndpoint as At, ScalekitFault as Fault};

use crate::support::{ScalekitApp, Setting};

fn claim(name: &str, value: impl Into<Value>) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), Some(value.into()))
}

fn without(name: &str) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), None)
}

async fn each_is_refused(faults: impl IntoIterator<Item = Fault>) {
    let app = ScalekitApp::new();
    for fault in faults {
        let page = app.refused_with(fault.clone()).await;
        assert_eq!(page.status, 502, "{fault:?}: {}", page.html());
    }
    app.sign_in(ScalekitApp::ALICE).await;
}

#[tokio::test]
async fn row_22_each_claim_of_the_id_token_is_checked() {
    let now = ScalekitApp::START;
    each_is_refused([
        claim("iss", "https://other.example"),
        claim("iss", "https://acme.scalekit.dev/"),
        claim("iss", json!(["https://acme.scalekit.dev"])),
        without("iss"),
        claim("aud", json!(["skc_other"])),
        claim("aud", "skc_other"),
        claim("aud", json!([])),
        without("aud"),
        claim("azp", "skc_other"),
        claim("exp", now - 61),
        claim("exp", "4000000000"),
        without("exp"),
        claim("nbf", now + 3_600),
        claim("iat", now + 3_600),
        without("iat"),
        without("sub"),
        claim("sub", ""),
        claim("sub", 7),
        claim("events", json!({})),
        Fault::Expired,
    ])
    .await;
}

#[tokio::test]
async fn row_22_each_forged_signature_is_refused() {
    let alg = Fault::IdTokenAlg;
    each_is_refused([
        Fault::BadSignature,
        alg(ForgedAlg::None("none".to_owned())),
        alg(ForgedAlg::None("NONE".to_owned())),
        alg(ForgedAlg::Named("RS512".to_owned())),
        alg(ForgedAlg::Named("PS256".to_owned())),
        alg(ForgedAlg::Hs256WithPublicKeyPem),
        alg(ForgedAlg::Hs256WithPublicKeyDer),
        alg(ForgedAlg::Hs256WithPublicKeyBytes),
        alg(ForgedAlg::Hs256WithClientSecret),
        alg(ForgedAlg::Hs256WithClientId),
    ])
    .await;
}

/// As a string and as an array, with others beside it only by `azp`.
#[tokio::test]
async fn row_22_the_audience_comes_in_both_shapes() {
    for as_string in [true, false] {
        let app = ScalekitApp::with(&Setting {
            environment: &|builder| {
                if as_string {
                    builder.audience_as_string()
                } else {
                    builder
                }
            },
            ..Setting::default()
        });
        let page = app.sign_in(ScalekitApp::ALICE).await;
        assert_eq!(page.json()["claims"]["aud"].is_string(), as_string);
    }
    let app = ScalekitApp::new();
    app.idp()
        .set_fault(claim("aud", json!(["skc_demo", "skc_other"])));
    app.sign_in(ScalekitApp::ALICE).await;
    app.idp().set_fault(without("azp"));
    app.browser.clear_cookies();
    assert_eq!(
        app.try_as(ScalekitApp::ALICE, "/protected").await.status,
        502
    );
}

/// 60 seconds of leeway, and not one more.
#[tokio::test]
async fn row_22_an_id_token_ends_when_it_says() {
    for (exp, good) in [(60, false), (59, true)] {
        let app = ScalekitApp::new();
        app.idp().set_fault(claim("exp", ScalekitApp::START - exp));
        let page = app.try_as(ScalekitApp::ALICE, "/protected").await;
        assert_eq!(page.status == 200, good, "{exp}: {}", page.html());
    }
}

#[tokio::test]
async fn row_25_hashes_that_are_there_must_fit() {
    each_is_refused([
        Fault::AtHashWrong,
        Fault::CHashWrong,
        claim("at_hash", ""),
        claim("c_hash", ""),
        claim("at_hash", 7),
    ])
    .await;
}

#[tokio::test]
async fn row_25_hashes_may_be_absent() {
    let app = ScalekitApp::new();
    let page = app.sign_in(ScalekitApp::ALICE).await;
    let claims = &page.json()["claims"];
    assert!(
        claims["at_hash"].is_string() && claims["c_hash"].is_string(),
        "{claims}"
    );
    app.idp().set_fault(without("at_hash"));
    app.idp().set_fault(without("c_hash"));
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::ALICE).await;
}

/// The access token of a signed-in person, as the app has it.
async fn access_token(app: &ScalekitApp) -> String {
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::ALICE).await;
    app.visit("/token").await.html()
}

#[tokio::test]
async fn row_23_an_access_token_is_verified_in_both_shapes() {
    for as_array in [true, false] {
        let app = ScalekitApp::with(&Setting {
            environment: &|builder| {
                if as_array {
                    builder.scopes_as_array()
                } else {
                    builder
                }
            },
            ..Setting::default()
        });
        let token = access_token(&app).await;
        let claims = app.scalekit.verify_access_token(&token).await.unwrap();
        assert_eq!(claims.subject, ScalekitApp::ALICE);
        assert_eq!(claims.client_id.as_deref(), Some("skc_demo"));
        assert_eq!(claims.audience, ["skc_demo"]);
        assert_eq!(claims.organization.as_deref(), Some("org_example"));
        assert!(claims.token_id.is_some());
        assert!(claims.has_scope("email") && !claims.has_scope("mail"));
        assert_eq!(claims.expires_at.0, ScalekitApp::START + 3_600);
    }
}

#[tokio::test]
async fn row_23_an_access_token_that_is_not_for_us_is_refused() {
    let app = ScalekitApp::new();
    let now = ScalekitApp::START;
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("aud", json!(["skc_other"])),
        ("aud", Value::Null),
        ("exp", json!(now - 60)),
        ("exp", Value::Null),
        ("exp", json!("4000000000")),
        ("nbf", json!(now + 61)),
        ("iat", json!(now + 61)),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("nonce", json!("n")),
        ("at_hash", json!("h")),
        ("events", json!({})),
    ] {
        let change = Some(value.clone()).filter(|value| !value.is_null());
        app.idp()
            .set_fault(Fault::AccessTokenClaim(name.to_owned(), change));
        let token = access_token(&app).await;
        app.idp().clear_faults();
        let error = app.scalekit.verify_access_token(&token).await;
        let error = error.expect_err(&format!("{name} {value}"));
        assert_eq!(error.kind(), ErrorKind::Request, "{name} {value}");
        assert!(!format!("{error} {error:?}").contains(&token), "{name}");
    }
    let token = access_token(&app).await;
    let (head, signature) = token.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    for bad in [
        format!("{head}.{turned}"),
        format!("{head}."),
        head.to_owned(),
        String::new(),
    ] {
        let error = app
            .scalekit
            .verify_access_token(&bad)
            .await
            .expect_err("forged");
        assert_eq!(error.kind(), ErrorKind::Request);
    }
    app.scalekit.verify_access_token(&token).await.unwrap();
    app.seconds(3_660);
    assert!(
        app.scalekit.verify_access_token(&token).await.is_err(),
        "it is over"
    );
}

/// The ID token travels in URLs as a hint.
#[tokio::test]
async fn row_23_an_id_token_is_no_access_token() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    let form = app.visit("/auth/logout").await;
    let page = form
        .submit(&form.only_form())
        .stop_before(ScalekitApp::ENVIRONMENT)
        .await;
    let to = page.location().unwrap();
    let hint = crate::support::parameters(&to)["id_token_hint"].clone();
    let error = app
        .scalekit
        .verify_access_token(&hint)
        .await
        .expect_err("an ID token");
    assert_eq!(error.kind(), ErrorKind::Request);
}

#[tokio::test]
async fn row_26_a_new_key_is_seen_at_the_first_sign_in() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    assert_eq!(app.requests(At::Keys), 1);
    app.idp().rotate_keys();
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::ALICE).await;
    assert_eq!(app.requests(At::Keys), 2);
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::BOB).await;
    assert_eq!(app.requests(At::Keys), 2, "it is known now");
}

/// What the old keys signed stays good while the environment publishes them.
#[tokio::test]
async fn row_26_what_the_old_key_signed_stays_good_as_long_as_it_is_published() {
    let app = ScalekitApp::new();
    let token = access_token(&app).await;
    app.idp().rotate_keys();
    let newer = access_token(&app).await;
    app.scalekit.verify_access_token(&token).await.unwrap();
    app.scalekit.verify_access_token(&newer).await.unwrap();
    app.idp().drop_old_keys();
    // Keys are fresh for ten minutes, and renewed in the background.
    app.seconds(601);
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::ALICE).await;
    crate::support::settle().await;
    assert!(app.scalekit.verify_access_token(&newer).await.is_ok());
    assert!(
        app.scalekit.verify_access_token(&token).await.is_err(),
        "its key is gone"
    );
}

#[tokio::test]
async fn row_26_an_unknown_key_signs_nobody_in_and_costs_few_fetches() {
    let app = ScalekitApp::new();
    for _ in 0..20 {
        let page = app.refused_with(Fault::UnknownKid).await;
        assert!(page.status.is_server_error(), "{}", page.html());
    }
    let fetches = app.requests(At::Keys);
    assert!((2..=5).contains(&fetches), "{fetches}");
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::ALICE).await;
}

#[tokio::test]
async fn row_26_known_keys_serve_while_the_endpoint_is_down() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    app.idp().set_fault(Fault::Status(At::Keys, 503, None));
    app.idp().set_fault(Fault::Status(At::Discovery, 503, None));
    app.seconds(1_800);
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::ALICE).await;
}
