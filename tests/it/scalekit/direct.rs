//! Rows 11 and 20: signing in without the layer, for an app with sessions of its own.

use std::time::Duration;

use tower_sso::ErrorKind;
use tower_sso::provider::Selectors;
use tower_sso::simulator::{ScalekitEndpoint as At, ScalekitFault as Fault};
use tower_sso::vendor::scalekit::{
    CallbackError, DirectSignIn, PendingSignIn, ScalekitErrorCode, SignInResult,
};

use crate::support::{ScalekitApp, parameters};

const CALLBACK: &str = "https://app.example.com/auth/callback";

fn of_example() -> DirectSignIn {
    let mut sign_in = DirectSignIn::new(CALLBACK);
    sign_in.selectors.organization = Some("org_example".to_owned());
    sign_in
}

/// A sign-in up to the callback: what was kept, and the query that the browser came back with.
async fn begun(app: &ScalekitApp, sign_in: DirectSignIn) -> (PendingSignIn, String) {
    let started = app.scalekit.authorization_url_for(sign_in).await.unwrap();
    let page = app
        .browser
        .visit(started.url.as_str())
        .stop_before(CALLBACK)
        .await;
    let back = page.location().unwrap_or_else(|| panic!("{}", page.html()));
    (started.pending, back.query().unwrap().to_owned())
}

async fn signed_in(app: &ScalekitApp) -> Result<SignInResult, CallbackError> {
    let (pending, query) = begun(app, of_example()).await;
    app.scalekit.authenticate_with_code(pending, &query).await
}

fn kind(result: Result<SignInResult, CallbackError>) -> ErrorKind {
    match result {
        Err(CallbackError::Failed(error)) => error.kind(),
        Err(other) => panic!("{other:?}"),
        Ok(result) => panic!("{result:?}"),
    }
}

fn app() -> ScalekitApp {
    let app = ScalekitApp::new();
    app.idp().set_default_login(ScalekitApp::ALICE);
    app
}

#[tokio::test]
async fn row_11_a_direct_url_has_all_that_the_layers_has() {
    let app = app();
    let mut sign_in = of_example();
    sign_in.login_hint = Some("alice@example.com".to_owned());
    sign_in.selectors.domain = Some("example.org".to_owned());
    let direct = app.scalekit.authorization_url_for(sign_in).await.unwrap();
    let direct = parameters(&direct.url);
    let query = "organization_id=org_example&login_hint=alice@example.com";
    let layers = parameters(&app.authorization_request(query).await);
    assert_eq!(
        direct.keys().collect::<Vec<_>>(),
        layers.keys().collect::<Vec<_>>()
    );
    for (name, value) in &direct {
        let is_secret = ["state", "nonce", "code_challenge"].contains(&name.as_str());
        assert_eq!(value != &layers[name], is_secret, "{name}");
    }
}

#[tokio::test]
async fn row_11_no_two_urls_are_the_same_and_no_secret_is_printed() {
    let app = app();
    let one = app
        .scalekit
        .authorization_url_for(of_example())
        .await
        .unwrap();
    let two = app
        .scalekit
        .authorization_url_for(of_example())
        .await
        .unwrap();
    let (a, b) = (parameters(&one.url), parameters(&two.url));
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(a[name], b[name], "{name}");
    }
    assert_eq!(one.pending.state().expose(), &a["state"]);
    let printed = format!("{:?}", one.pending);
    let kept = serde_json::to_value(&one.pending).unwrap();
    for secret in ["state", "nonce", "code_verifier"] {
        assert!(
            !printed.contains(kept[secret].as_str().unwrap()),
            "{printed}"
        );
    }
    assert!(
        !one.url
            .as_str()
            .contains(kept["code_verifier"].as_str().unwrap())
    );
}

#[tokio::test]
async fn row_11_the_redirect_uri_is_not_the_links_to_choose() {
    let app = app();
    let sign_in = DirectSignIn::new("https://evil.example/callback");
    let started = app.scalekit.authorization_url_for(sign_in).await.unwrap();
    let page = app.browser.visit(started.url.as_str()).await;
    assert_eq!(page.status, 400);
    assert!(page.text().contains("invalid_redirect_uri"));
    assert_eq!(
        page.url.host_str(),
        Some("acme.scalekit.dev"),
        "nobody is sent there"
    );
}

#[tokio::test]
async fn row_20_the_result_has_the_person_the_tokens_and_their_end() {
    let app = app();
    let result = signed_in(&app).await.unwrap();
    assert_eq!(result.user.subject, ScalekitApp::ALICE);
    assert_eq!(result.user.email.as_deref(), Some("alice@example.com"));
    assert_eq!(result.issuer, ScalekitApp::ENVIRONMENT);
    assert_eq!(result.connection, "conn_example_okta");
    assert_eq!(result.organization.as_deref(), Some("org_example"));
    assert!(result.sid.is_some_and(|sid| sid.starts_with("ses_")));
    assert_eq!(result.expires_in, Some(Duration::from_secs(3_600)));
    assert_eq!(result.claims["department"], "payroll");
    assert_eq!(result.id_token.expose().split('.').count(), 3);
    let token = result.access_token.expose();
    let claims = app.scalekit.verify_access_token(token).await.unwrap();
    assert_eq!(claims.subject, ScalekitApp::ALICE);
}

#[tokio::test]
async fn row_20_a_result_prints_no_token() {
    let app = app();
    let result = signed_in(&app).await.unwrap();
    let printed = format!("{result:?}");
    for secret in [&result.id_token, &result.access_token] {
        assert!(!printed.contains(secret.expose().as_str()), "{printed}");
    }
    assert!(!printed.contains("alice@example.com"), "{printed}");
}

#[tokio::test]
async fn row_20_what_is_kept_survives_a_store() {
    let app = app();
    let (pending, query) = begun(&app, of_example()).await;
    let kept = serde_json::to_string(&pending).unwrap();
    let again: PendingSignIn = serde_json::from_str(&kept).unwrap();
    let result = app
        .scalekit
        .authenticate_with_code(again, &query)
        .await
        .unwrap();
    assert_eq!(result.user.id, "alice");
}

#[tokio::test]
async fn row_20_an_answer_to_another_sign_in_is_none() {
    let app = app();
    let (mine, _) = begun(&app, of_example()).await;
    let (_, theirs) = begun(&app, of_example()).await;
    let result = app
        .scalekit
        .authenticate_with_code(mine.clone(), &theirs)
        .await;
    assert_eq!(kind(result), ErrorKind::Request);
    for query in [
        "",
        "code=a",
        "state=b",
        "code=a&code=b",
        "code=a&state=made-up",
        "code=%ff",
    ] {
        let result = app
            .scalekit
            .authenticate_with_code(mine.clone(), query)
            .await;
        assert_eq!(kind(result), ErrorKind::Request, "{query}");
    }
    assert_eq!(app.requests(At::Token), 0);
}

#[tokio::test]
async fn row_20_a_sign_in_takes_ten_minutes_at_most() {
    let app = app();
    for (seconds, good) in [(599, true), (600, false)] {
        let started = app
            .scalekit
            .authorization_url_for(of_example())
            .await
            .unwrap();
        app.seconds(seconds);
        let page = app
            .browser
            .visit(started.url.as_str())
            .stop_before(CALLBACK)
            .await;
        let back = page.location().unwrap();
        let before = app.requests(At::Token);
        let result = app
            .scalekit
            .authenticate_with_code(started.pending, back.query().unwrap())
            .await;
        assert_eq!(result.is_ok(), good, "{seconds}: {result:?}");
        assert_eq!(
            app.requests(At::Token) - before,
            u64::from(good),
            "{seconds}"
        );
    }
}

#[tokio::test]
async fn row_20_a_code_is_good_once() {
    let app = app();
    let (pending, query) = begun(&app, of_example()).await;
    let first = app
        .scalekit
        .authenticate_with_code(pending.clone(), &query)
        .await;
    assert!(first.is_ok());
    let second = app.scalekit.authenticate_with_code(pending, &query).await;
    assert_eq!(kind(second), ErrorKind::Provider);
    assert_eq!(app.idp().reuse_detected(), 1);
}

#[tokio::test]
async fn row_20_a_refusal_is_told_from_a_failure() {
    let app = app();
    app.idp().set_fault(Fault::AuthorizeError(
        "connection_not_active".to_owned(),
        Some("<b>off</b>".to_owned()),
    ));
    match signed_in(&app).await {
        Err(CallbackError::Refused { code, description }) => {
            assert_eq!(code, ScalekitErrorCode::ConnectionNotActive);
            assert_eq!(description.as_deref(), Some("<b>off</b>"));
        }
        other => panic!("{other:?}"),
    }
    app.idp().clear_faults();
    for (fault, expected) in [
        (Fault::Status(At::Token, 503, None), ErrorKind::Unavailable),
        (Fault::NoIdToken, ErrorKind::Provider),
        (Fault::BadSignature, ErrorKind::Provider),
        (
            Fault::OtherConnection("conn_society_entra".to_owned()),
            ErrorKind::Provider,
        ),
        (
            Fault::IdTokenClaim("oid".to_owned(), Some("org_society".into())),
            ErrorKind::Provider,
        ),
    ] {
        app.idp().set_fault(fault.clone());
        assert_eq!(kind(signed_in(&app).await), expected, "{fault:?}");
        app.idp().clear_faults();
    }
}

/// The default of the set-up is compared as well as what was asked for.
#[tokio::test]
async fn row_20_who_signed_in_elsewhere_than_asked_is_refused() {
    let app = app();
    let mut sign_in = DirectSignIn::new(CALLBACK);
    sign_in.selectors = Selectors {
        connection: Some("conn_example_okta".to_owned()),
        ..Selectors::default()
    };
    let (pending, _) = begun(&app, sign_in).await;
    let of_carol = {
        app.idp().set_default_login(ScalekitApp::CAROL);
        let mut sign_in = DirectSignIn::new(CALLBACK);
        sign_in.selectors.organization = Some("org_society".to_owned());
        begun(&app, sign_in).await.1
    };
    // The attacker's own code under the victim's state: it was made for another verifier, and another place.
    let code = of_carol
        .split('&')
        .find(|pair| pair.starts_with("code="))
        .unwrap();
    let query = format!("{code}&state={}", pending.state().expose());
    let result = app.scalekit.authenticate_with_code(pending, &query).await;
    assert_eq!(kind(result), ErrorKind::Provider);
}
