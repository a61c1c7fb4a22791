//! Signing in without the layer.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use url::Url;

use super::fake::{ACCESS_TOKEN, TOKEN, Vendor, bent, claims, form, organization, signed, tokens};
use crate::ErrorKind;
use crate::oidc::{Prompt, code_challenge};
use crate::provider::Selectors;
use crate::vendor::scalekit::{
    CallbackError, DirectSignIn, Scalekit, ScalekitErrorCode, SignInResult, StartedSignIn,
};

const CALLBACK: &str = "https://app.example.com/callback";

async fn started(scalekit: &Scalekit, selectors: Selectors) -> StartedSignIn {
    let mut sign_in = DirectSignIn::new(CALLBACK);
    sign_in.selectors = selectors;
    sign_in.login_hint = Some("ada@acme.example".to_owned());
    sign_in.prompt = vec![Prompt::Login];
    scalekit.authorization_url_for(sign_in).await.unwrap()
}

fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Whoever comes back with the code of a sign-in.
async fn finished(
    vendor: &Vendor,
    scalekit: &Scalekit,
    started: StartedSignIn,
) -> Result<SignInResult, CallbackError> {
    let query = query(&started.url);
    let (code, state, nonce) = (super::fake::CODE, &query["state"], &query["nonce"]);
    vendor.on(
        TOKEN,
        &tokens(&signed(&bent(claims(), json!({ "nonce": nonce })))),
    );
    let answer =
        format!("code={code}&state={state}&connection_id=conn_9&relay_state=//evil.example");
    scalekit
        .authenticate_with_code(started.pending, &answer)
        .await
}

fn kind(outcome: Result<SignInResult, CallbackError>) -> ErrorKind {
    match outcome {
        Err(CallbackError::Failed(error)) => error.kind(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_url_goes_out_and_a_person_comes_back() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    let started = started(&scalekit, organization("org_1")).await;
    let sent = query(&started.url);
    assert_eq!(sent["redirect_uri"], CALLBACK);
    assert_eq!(sent["organization_id"], "org_1");
    assert_eq!(sent["login_hint"], "ada@acme.example");
    assert_eq!(sent["prompt"], "login");
    assert_eq!(&sent["state"], started.pending.state().expose());

    let result = finished(&vendor, &scalekit, started).await.unwrap();
    assert_eq!(result.user.id, "idp|ada");
    assert_eq!(result.user.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(result.user.attributes["employee_number"], "1729");
    assert_eq!(result.issuer, super::fake::ENVIRONMENT);
    assert_eq!(
        result.connection, "conn_1",
        "what the token says, not the callback"
    );
    assert_eq!(result.organization.as_deref(), Some("org_1"));
    assert_eq!(result.sid.as_deref(), Some("ses_1"));
    assert_eq!(result.access_token.expose(), ACCESS_TOKEN);
    assert!(!result.id_token.expose().is_empty());
    assert_eq!(result.expires_in, Some(Duration::from_secs(300)));

    let form = form(&vendor.calls(TOKEN)[0]);
    assert_eq!(form["redirect_uri"], CALLBACK);
    assert_eq!(
        code_challenge(&form["code_verifier"]),
        sent["code_challenge"]
    );
}

#[tokio::test]
async fn each_sign_in_has_secrets_of_its_own() {
    let scalekit = Vendor::new().scalekit();
    let one = query(&started(&scalekit, Selectors::default()).await.url);
    let other = query(&started(&scalekit, Selectors::default()).await.url);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(one[name], other[name], "{name}");
        assert!(one[name].len() >= 43, "{name}");
    }
    assert_ne!(one["state"], one["nonce"]);
}

/// Threat 7: no code is sent for an answer that is none to this sign-in.
#[tokio::test]
async fn an_answer_to_another_sign_in_or_a_late_one_is_refused() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    for answer in [
        "code=c&state=another",
        "code=c",
        "error=access_denied&state=another",
        "x",
    ] {
        let pending = started(&scalekit, Selectors::default()).await.pending;
        let outcome = scalekit.authenticate_with_code(pending, answer).await;
        assert_eq!(kind(outcome), ErrorKind::Request, "{answer}");
    }
    let pending = started(&scalekit, Selectors::default()).await.pending;
    let answer = format!(
        "code=c&state={}&iss=https://evil.example",
        pending.state().expose()
    );
    let outcome = scalekit.authenticate_with_code(pending, &answer).await;
    assert_eq!(kind(outcome), ErrorKind::Request, "another issuer");

    let late = started(&scalekit, Selectors::default()).await;
    vendor.advance(600);
    assert_eq!(
        kind(finished(&vendor, &scalekit, late).await),
        ErrorKind::Request
    );
    assert!(vendor.calls(TOKEN).is_empty());

    let in_time = started(&scalekit, Selectors::default()).await;
    vendor.advance(299);
    finished(&vendor, &scalekit, in_time).await.unwrap_err();
    assert_eq!(
        vendor.calls(TOKEN).len(),
        1,
        "not too late, though the token was old"
    );
}

/// Threat 8: one environment's code is sent to no other, and to none in another client's name.
#[tokio::test]
async fn a_sign_in_ends_where_it_began() {
    let vendor = Vendor::new();
    let mut of_another_client = vendor.config();
    of_another_client.client_id = "skc_other".to_owned();
    let mut of_another_environment = vendor.config();
    of_another_environment.environment_url = "https://other.scalekit.example".to_owned();
    for config in [of_another_client, of_another_environment] {
        let began = started(&vendor.scalekit(), Selectors::default()).await;
        let outcome = finished(&vendor, &vendor.scalekit_with(config), began).await;
        assert_eq!(kind(outcome), ErrorKind::Request);
        assert!(vendor.calls(TOKEN).is_empty());
    }
    let began = started(&vendor.scalekit(), Selectors::default()).await;
    finished(&vendor, &vendor.scalekit(), began).await.unwrap();
}

#[tokio::test]
async fn an_error_is_told_by_its_code() {
    let scalekit = Vendor::new().scalekit();
    for (answer, code, shown) in [
        (
            "error=user_not_active",
            ScalekitErrorCode::UserNotActive,
            "user_not_active",
        ),
        (
            "error=s3cr3t",
            ScalekitErrorCode::Other("s3cr3t".to_owned()),
            "refused",
        ),
    ] {
        let pending = started(&scalekit, Selectors::default()).await.pending;
        let answer = format!(
            "{answer}&error_description=<b>no</b>&state={}",
            pending.state().expose()
        );
        let error = scalekit
            .authenticate_with_code(pending, &answer)
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(shown) && !text.contains("s3cr3t"), "{text}");
        let CallbackError::Refused {
            code: got,
            description,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!((got, description.as_deref()), (code, Some("<b>no</b>")));
    }
    let pending = started(&scalekit, Selectors::default()).await.pending;
    let outcome = scalekit
        .authenticate_with_code(pending, "error=server_error")
        .await;
    assert!(
        matches!(outcome, Err(CallbackError::Refused { .. })),
        "an error may have no state"
    );
}

#[tokio::test]
async fn another_place_or_nonce_than_asked_for_is_refused() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    let other = started(&scalekit, organization("org_2")).await;
    assert_eq!(
        kind(finished(&vendor, &scalekit, other).await),
        ErrorKind::Provider
    );

    let one = started(&scalekit, Selectors::default()).await;
    vendor.on(
        TOKEN,
        &tokens(&signed(&bent(claims(), json!({ "nonce": "of another" })))),
    );
    let answer = format!(
        "code={}&state={}",
        super::fake::CODE,
        one.pending.state().expose()
    );
    let outcome = scalekit.authenticate_with_code(one.pending, &answer).await;
    assert_eq!(kind(outcome), ErrorKind::Provider);
}

/// A domain was asked for: what is configured for those who ask for nothing is not compared.
#[tokio::test]
async fn what_is_asked_for_is_kept_until_the_end() {
    let vendor = Vendor::new();
    let mut config = vendor.config();
    config.selectors = organization("org_9");
    let scalekit = vendor.scalekit_with(config);
    for selectors in [
        Selectors {
            domain: Some("acme.example".to_owned()),
            ..Selectors::default()
        },
        Selectors {
            identity_provider: Some("google".to_owned()),
            ..Selectors::default()
        },
    ] {
        let one = started(&scalekit, selectors).await;
        finished(&vendor, &scalekit, one).await.unwrap();
    }
    let nothing = started(&scalekit, Selectors::default()).await;
    finished(&vendor, &scalekit, nothing).await.unwrap_err();
}

#[tokio::test]
async fn a_sign_in_can_be_kept_and_shows_no_secret() {
    let vendor = Vendor::new();
    let scalekit = vendor.scalekit();
    let mut one = started(&scalekit, Selectors::default()).await;
    let shown = format!("{:?} {:?}", one.pending, DirectSignIn::new(CALLBACK));
    let sent = query(&one.url);
    assert!(!shown.contains(&sent["state"]) && !shown.contains(&sent["nonce"]));
    let kept = serde_json::to_string(&one.pending).unwrap();
    one.pending = serde_json::from_str(&kept).unwrap();
    let result = finished(&vendor, &scalekit, one).await.unwrap();
    let shown = format!("{result:?}");
    assert!(
        !shown.contains(ACCESS_TOKEN) && !shown.contains("acme.example"),
        "{shown}"
    );
}
