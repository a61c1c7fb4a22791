//! Signing in at the app's own login page.

use serde_json::{Value, json};

use super::fake::{
    AUTHENTICATE, PASSWORD, Reply, SESSION, TOKEN, Vendor, body_of, claims_with, client_token,
    failed, id_token, signed_in, tokens, tokens_with,
};
use crate::ErrorKind;
use crate::provider::ClientAttributes;
use crate::vendor::mosaic::{Attempt, Channel, EmailLink, Factor, Identifier};

const OTP: &str = "/cis/v1/auth/otp/authenticate";
const SEND_OTP: &str = "/cis/v1/auth/otp/send";
const LINK: &str = "/cis/v1/auth/link/email/authenticate";
const SEND_LINK: &str = "/cis/v1/auth/link/email/send";

fn ada() -> Identifier {
    Identifier::Username("ada".to_owned())
}

fn password() -> Factor {
    Factor::password(ada(), "hunter2")
}

#[tokio::test]
async fn each_factor_goes_to_its_endpoint() {
    let email = Identifier::Email("ada@example.com".to_owned());
    let phone = Identifier::PhoneNumber("+15551234567".to_owned());
    let id = Identifier::UserId("u1".to_owned());
    for (factor, path, body) in [
        (
            password(),
            PASSWORD,
            json!({ "username": "ada", "username_type": "username", "password": "hunter2" }),
        ),
        (
            Factor::password(email.clone(), "x"),
            PASSWORD,
            json!({ "username": "ada@example.com", "username_type": "email", "password": "x" }),
        ),
        (
            Factor::otp(phone, "123456"),
            OTP,
            json!({ "identifier": "+15551234567", "identifier_type": "phone_number", "passcode": "123456" }),
        ),
        (
            Factor::otp(id, "1").on_session(SESSION, "ada"),
            OTP,
            json!({
                "identifier": "u1", "identifier_type": "user_id", "passcode": "1",
                "session_id": SESSION,
            }),
        ),
        (
            Factor::email_link("c0de").client(ClientAttributes {
                user_agent: Some("curl".to_owned()),
                ip_address: None,
            }),
            LINK,
            json!({ "code": "c0de", "client_attributes": { "user_agent": "curl" } }),
        ),
    ] {
        let vendor = Vendor::new();
        vendor.on(path, Reply::json(&tokens_with("scope", Value::Null)));
        let attempt = vendor.mosaic().sign_in(factor).await.unwrap();
        let Attempt::Done(session) = attempt else {
            panic!("{path}: {attempt:?}");
        };
        assert_eq!(session.session_id, SESSION.into());
        assert_eq!(body_of(&vendor.calls(path)[0]), body);
    }
}

#[tokio::test]
async fn a_passcode_and_a_link_are_sent() {
    let vendor = Vendor::new();
    vendor.on(SEND_OTP, Reply::json(&json!({ "message": "sent" })));
    vendor.on(SEND_LINK, Reply::json(&json!({ "message": "sent" })));
    let mosaic = vendor.mosaic();
    for (channel, name) in [(Channel::Email, "email"), (Channel::Sms, "sms")] {
        let sent = mosaic.send_otp(channel, &ada()).await.unwrap();
        assert!(matches!(sent, Attempt::Done(())));
        let calls = vendor.calls(SEND_OTP);
        assert_eq!(
            body_of(calls.last().unwrap()),
            json!({ "channel": name, "identifier": "ada", "identifier_type": "username" })
        );
    }
    let link = EmailLink::new("ada@example.com", "https://app.example/link", "st4te");
    let sent = mosaic.send_email_link(&link).await.unwrap();
    assert!(matches!(sent, Attempt::Done(())));
    assert_eq!(
        body_of(&vendor.calls(SEND_LINK)[0]),
        json!({
            "email": "ada@example.com", "redirect_uri": "https://app.example/link", "state": "st4te",
        })
    );
    vendor.on(SEND_OTP, Reply::new(404, r#"{"message":"User not found"}"#));
    let sent = mosaic.send_otp(Channel::Sms, &ada()).await.unwrap();
    assert!(matches!(sent, Attempt::Refused(refusal) if refusal.status == 404));
}

#[tokio::test]
async fn what_does_not_fit_is_told_apart_from_what_is_not_known() {
    for (status, body, expected) in [
        (
            400,
            r#"{"message":"Invalid credentials","error_code":"400"}"#,
            "refused",
        ),
        (
            401,
            r#"{"message":["Invalid credentials"],"error_code":401}"#,
            "refused",
        ),
        (403, r#"{"message":"User is locked"}"#, "refused"),
        (404, r#"{"message":"User not found"}"#, "refused"),
        (400, r#"{"message":"Session not found"}"#, "no session"),
        (401, "<html>", "unavailable"),
        (404, "<html>", "unavailable"),
        (302, "", "unavailable"),
        (500, r#"{"message":"Invalid credentials"}"#, "unavailable"),
        (503, "", "unavailable"),
        (200, "<html>", "unavailable"),
    ] {
        let vendor = Vendor::new();
        vendor.on(PASSWORD, Reply::new(status, body));
        let factor = password().on_session(SESSION, "ada");
        let found = match vendor.mosaic().sign_in(factor).await {
            Ok(Attempt::Done(_)) => "done",
            Ok(Attempt::Refused(refusal)) => {
                assert_eq!(refusal.status, status);
                assert!(refusal.message.is_some());
                "refused"
            }
            Ok(Attempt::SessionNotFound) => "no session",
            Err(error) if error.kind() == ErrorKind::Unavailable => "unavailable",
            Err(error) => panic!("{status} {body}: {error}"),
        };
        assert_eq!(found, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn a_refusal_is_fit_for_a_page() {
    let vendor = Vendor::new();
    let message = format!("no\u{202e}\n{}", "x".repeat(500));
    let body = json!({ "message": message, "error_code": 4711 });
    vendor.on(PASSWORD, Reply::new(400, &body.to_string()));
    let attempt = vendor.mosaic().sign_in(password()).await.unwrap();
    let Attempt::Refused(refusal) = attempt else {
        panic!("{attempt:?}");
    };
    assert_eq!(refusal.code, "4711");
    assert_eq!(refusal.message.unwrap(), format!("no{}", "x".repeat(198)));
}

/// A wrong password must not count twice, nor cost a client token out of everybody's rate.
#[tokio::test]
async fn a_wrong_password_is_sent_once_while_the_client_token_is_live() {
    let vendor = Vendor::new();
    vendor.on(
        PASSWORD,
        Reply::new(401, r#"{"message":"Invalid credentials"}"#),
    );
    let mosaic = vendor.mosaic();
    for _ in 0..5 {
        let attempt = mosaic.sign_in(password()).await.unwrap();
        assert!(matches!(attempt, Attempt::Refused(_)));
    }
    assert_eq!(vendor.calls(PASSWORD).len(), 5);
    assert_eq!(vendor.calls(TOKEN).len(), 1);

    vendor.advance(59);
    signed_in(&mosaic).await;
    vendor.advance(59);
    drop(mosaic.sign_in(password()).await.unwrap());
    assert_eq!(
        vendor.calls(PASSWORD).len(),
        6,
        "another call showed that it is live"
    );
    assert_eq!(vendor.calls(AUTHENTICATE).len(), 1);
}

#[tokio::test]
async fn a_client_token_that_ended_early_is_no_wrong_password() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    vendor.advance(60);
    vendor.on(TOKEN, client_token(2));
    vendor.on(PASSWORD, Reply::new(401, r#"{"message":"Invalid token"}"#));
    vendor.then(PASSWORD, Reply::json(&tokens_with("scope", Value::Null)));
    let attempt = mosaic.sign_in(password()).await.unwrap();
    assert!(matches!(attempt, Attempt::Done(_)), "{attempt:?}");
    let calls = vendor.calls(PASSWORD);
    assert_eq!(calls[1].headers()["authorization"], "Bearer client-token-2");
    assert_eq!(calls.len(), 2);
}

/// Who answers with 5xx has looked at no token.
#[tokio::test]
async fn an_endpoint_that_fails_shows_no_client_token_to_be_live() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    vendor.advance(59);
    vendor.on(AUTHENTICATE, Reply::new(500, ""));
    failed(&mosaic).await;
    vendor.advance(1);
    vendor.on(PASSWORD, Reply::new(401, "{}"));
    let attempt = mosaic.sign_in(password()).await.unwrap();
    assert!(matches!(attempt, Attempt::Refused(_)));
    assert_eq!(
        vendor.calls(PASSWORD).len(),
        2,
        "once more with a new token"
    );
}

/// A factor of somebody else must not take a session over, nor land in one that nobody asked for.
#[tokio::test]
async fn an_added_factor_stays_in_its_session_and_with_its_person() {
    let eve = tokens(&id_token(&claims_with("sub", json!("eve"))));
    for (body, is_believed) in [
        (tokens_with("scope", Value::Null), true),
        (tokens_with("session_id", json!("another")), false),
        (tokens_with("session_id", Value::Null), false),
        (tokens_with("id_token", Value::Null), false),
        (eve, false),
    ] {
        let vendor = Vendor::new();
        vendor.on(OTP, Reply::json(&body));
        let factor = Factor::otp(ada(), "123456").on_session(SESSION, "ada");
        let outcome = vendor.mosaic().sign_in(factor).await;
        match outcome {
            Ok(Attempt::Done(_)) => assert!(is_believed),
            Err(error) => {
                assert!(!is_believed);
                assert_eq!(error.kind(), ErrorKind::Provider);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_new_session_must_have_an_id_and_an_id_token() {
    for name in ["session_id", "id_token"] {
        let vendor = Vendor::new();
        vendor.on(PASSWORD, Reply::json(&tokens_with(name, Value::Null)));
        let error = vendor.mosaic().sign_in(password()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{name}");
    }
}

#[tokio::test]
async fn all_sessions_of_a_user_are_revoked() {
    let vendor = Vendor::new();
    let path = "/cis/v1/auth/users/a%2Bb%40c/sessions";
    vendor.on(path, Reply::new(204, ""));
    let mosaic = vendor.mosaic();
    mosaic.revoke_all("a+b@c").await.unwrap();
    let [call] = &vendor.calls(path)[..] else {
        panic!("one call");
    };
    assert_eq!(call.method(), "DELETE");
    assert!(call.body().is_empty());
    vendor.on(path, Reply::new(404, r#"{"message":"User not found"}"#));
    let error = mosaic.revoke_all("a+b@c").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Provider);
    let before = vendor.all_calls();
    for id in ["", "..", "a/b"] {
        let error = mosaic.revoke_all(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{id}");
    }
    assert_eq!(vendor.all_calls(), before);
}
