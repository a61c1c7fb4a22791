//! Rows 13, 14 and 19: what binds an answer to this browser, the callback, and the exchange of the code.

use std::collections::BTreeMap;

use serde_json::Value;
use tower_sso::simulator::{ScalekitEndpoint as At, ScalekitFault as Fault};
use url::Url;

use crate::support::{ScalekitApp, Setting, parameters};

const TOKEN: &str = "/oauth/token";

fn form(body: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

#[tokio::test]
async fn row_13_each_attempt_has_a_state_a_nonce_and_a_challenge_of_its_own() {
    let app = ScalekitApp::new();
    let one = parameters(
        &app.authorization_request("organization_id=org_example")
            .await,
    );
    let two = parameters(
        &app.authorization_request("organization_id=org_example")
            .await,
    );
    for name in ["state", "nonce", "code_challenge"] {
        assert!(one[name].len() >= 43, "{name}: {}", one[name]);
        assert_ne!(one[name], two[name], "{name}");
    }
    assert_eq!(one["code_challenge_method"], "S256");
    assert_ne!(one["state"], one["nonce"]);
}

#[tokio::test]
async fn row_13_a_callback_without_this_browsers_state_asks_nobody() {
    let app = ScalekitApp::new();
    let good = app.until_callback(ScalekitApp::ALICE).await;
    let other = app.until_callback(ScalekitApp::ALICE).await;
    let state = |url: &str| parameters(&Url::parse(url).unwrap())["state"].clone();
    let swapped = good.replace(&state(&good), "made-up");
    let without = good.replace(&format!("&state={}", state(&good)), "");
    assert!(swapped != good && without != good);
    for url in [&swapped, &without] {
        assert_eq!(app.browser.visit(url).await.status, 400, "{url}");
    }
    // The state of a browser is none of another's.
    let stranger = app.stranger();
    assert_eq!(stranger.browser.visit(&good).await.status, 400);
    // The wrong one of two attempts: the code was for another verifier.
    let crossed = good.replace(&state(&good), &state(&other));
    let page = app.browser.visit(&crossed).await;
    assert!(!page.status.is_success(), "{}", page.html());
    assert_eq!(app.signed_in().await, None);
    assert_eq!(app.idp().code_grants(), 0);
    assert_eq!(app.requests(At::Token), 1, "the crossed one alone");
}

#[tokio::test]
async fn row_13_the_wrong_state_from_the_environment_signs_nobody_in() {
    let app = ScalekitApp::new();
    for fault in [Fault::WrongState, Fault::OmitState] {
        assert_eq!(
            app.refused_with(fault.clone()).await.status,
            400,
            "{fault:?}"
        );
    }
    assert_eq!(app.requests(At::Token), 0);
}

#[tokio::test]
async fn row_13_a_nonce_that_is_there_must_be_ours() {
    let app = ScalekitApp::new();
    for wrong in [Value::from("another"), "".into(), 1.into()] {
        let fault = Fault::IdTokenClaim("nonce".to_owned(), Some(wrong));
        assert_eq!(app.refused_with(fault).await.status, 502);
    }
    // The vendor's own sample has none; PKCE binds the code.
    let app = ScalekitApp::with(&Setting {
        environment: &|builder| builder.without_nonce(),
        ..Setting::default()
    });
    let page = app.sign_in(ScalekitApp::ALICE).await;
    assert!(
        page.json()["claims"].get("nonce").is_none(),
        "{}",
        page.html()
    );
}

#[tokio::test]
async fn row_13_an_app_may_insist_on_the_nonce() {
    let app = ScalekitApp::with(&Setting {
        register: &|config| config.require_nonce = true,
        ..Setting::default()
    });
    let page = app.sign_in(ScalekitApp::ALICE).await;
    assert!(
        page.json()["claims"]["nonce"].is_string(),
        "{}",
        page.html()
    );
    let absent = Fault::IdTokenClaim("nonce".to_owned(), None);
    assert_eq!(app.refused_with(absent).await.status, 502);
}

#[tokio::test]
async fn row_13_the_verifier_fits_the_challenge_and_is_in_no_url() {
    let app = ScalekitApp::new();
    let back = app.until_callback(ScalekitApp::ALICE).await;
    let page = app.browser.visit(&back).await;
    assert_eq!(page.json()["sub"], ScalekitApp::ALICE);
    let sent = form(app.wire.only_call(TOKEN).body());
    let verifier = &sent["code_verifier"];
    assert!((43..=128).contains(&verifier.len()));
    assert!(
        page.hops
            .iter()
            .all(|hop| !hop.url.as_str().contains(verifier))
    );
}

#[tokio::test]
async fn row_14_a_code_signs_in_and_leads_back() {
    let app = ScalekitApp::new();
    app.idp().set_default_login(ScalekitApp::ALICE);
    let page = app
        .visit("/auth/login?organization_id=org_example&return_to=/protected?tab%3D2")
        .await;
    assert_eq!(page.url.as_str(), "https://app.example.com/protected?tab=2");
    assert_eq!(page.status, 200);
    assert_eq!(app.signed_in().await.as_deref(), Some(ScalekitApp::ALICE));
}

/// Hints of the callback are anybody's: the ID token alone says where somebody signed in.
#[tokio::test]
async fn row_14_the_hints_of_the_callback_change_nothing() {
    let app = ScalekitApp::with(&Setting {
        environment: &|builder| builder.callback_hints(Some("https://evil.example/")),
        ..Setting::default()
    });
    let back = app.until_callback(ScalekitApp::ALICE).await;
    assert!(
        back.contains("connection_id=conn_example_okta") && back.contains("relay_state="),
        "{back}"
    );
    let forged = back.replace(
        "connection_id=conn_example_okta",
        "connection_id=conn_society_entra",
    );
    let page = app.browser.visit(&forged).await;
    assert_eq!(page.url.as_str(), "https://app.example.com/protected");
    assert_eq!(page.json()["connection"], "conn_example_okta");
    assert!(
        page.hops
            .iter()
            .all(|hop| hop.url.host_str() != Some("evil.example"))
    );
}

#[tokio::test]
async fn row_14_a_callback_that_is_malformed_is_400() {
    let app = ScalekitApp::new();
    for query in [
        "",
        "code=a",
        "state=b",
        "code=a&code=b&state=c",
        "code=a&state=b&state=c",
        "code=a&error=b&state=c",
        "code=%ff&state=c",
        "code=a&state=%zz",
    ] {
        let page = app.visit(&format!("/auth/callback?{query}")).await;
        assert_eq!(page.status, 400, "{query}: {}", page.html());
    }
    assert_eq!(app.requests(At::Token), 0);
}

#[tokio::test]
async fn row_19_the_code_goes_out_once_as_a_form_with_the_secret() {
    let app = ScalekitApp::new();
    let back = app.until_callback(ScalekitApp::ALICE).await;
    let code = parameters(&Url::parse(&back).unwrap())["code"].clone();
    let thief = app.copied();
    assert_eq!(app.browser.visit(&back).await.status, 200);
    let call = app.wire.only_call(TOKEN);
    assert_eq!(call.method(), "POST");
    assert_eq!(
        call.headers()["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert!(
        !call.headers().contains_key("authorization"),
        "the secret is in the form"
    );
    assert_eq!(call.uri().query(), None);
    let mut sent = form(call.body());
    assert!(sent.remove("code_verifier").is_some());
    let expected = [
        ("client_id", "skc_demo"),
        ("client_secret", "demo-secret"),
        ("code", &*code),
        ("grant_type", "authorization_code"),
        ("redirect_uri", "https://app.example.com/auth/callback"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(sent, BTreeMap::from(expected));
    // Again, by this browser and by one with a copy of its cookies.
    app.browser.visit(&back).await;
    assert_eq!(thief.browser.visit(&back).await.status, 400);
    assert_eq!(thief.signed_in().await, None);
    assert_eq!(app.wire.only_call(TOKEN).method(), "POST");
}

#[tokio::test]
async fn row_19_a_code_that_is_refused_signs_nobody_in() {
    let app = ScalekitApp::new();
    for error in ["invalid_grant", "invalid_client", "unauthorized_client"] {
        let page = app.refused_with(Fault::TokenError(error.to_owned())).await;
        assert_eq!(page.status, 502, "{error}: {}", page.html());
    }
    let before = app.requests(At::Token);
    assert_eq!(app.refused_with(Fault::NoIdToken).await.status, 502);
    assert_eq!(app.requests(At::Token), before + 1, "no second try");
}

/// One try, and the next sign-in works, from the link of the page itself.
#[tokio::test(start_paused = true)]
async fn row_19_an_outage_signs_nobody_in_and_nothing_is_sent_twice() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    for (fault, status) in [
        (Fault::Status(At::Token, 500, None), 503),
        (Fault::Status(At::Token, 503, Some(7)), 503),
        (Fault::RateLimited(At::Token, Some(7)), 503),
        (Fault::Garbage(At::Token), 502),
        (Fault::HugeBody(At::Token), 503),
        (Fault::Redirect(At::Token), 502),
    ] {
        let before = app.requests(At::Token);
        let page = app.refused_with(fault.clone()).await;
        assert_eq!(page.status, status, "{fault:?}: {}", page.html());
        assert_eq!(
            page.header("retry-after").is_some(),
            status == 503,
            "{fault:?}"
        );
        assert_eq!(app.requests(At::Token), before + 1, "{fault:?}");
    }
    let page = app.refused_with(Fault::Garbage(At::Token)).await;
    let page = page.click("Sign in again").await;
    assert_eq!(page.json()["sub"], ScalekitApp::ALICE);
}
