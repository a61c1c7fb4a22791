//! Sessions by their id: authenticate, refresh, log out.

use std::time::Duration;

use serde_json::{Value, json};

use super::fake::{
    AUTHENTICATE, LOGOUT, NOW, REFRESH, Reply, SESSION, TOKEN, Vendor, body_of, claims,
    claims_with, client_token, failed, id_token, signed_in, silent, tokens, tokens_with,
};
use crate::ErrorKind;
use crate::clock::SecondsSinceEpoch;
use crate::provider::{
    BackendAnswer, BackendAuthentication, BackendSessions as _, ClientAttributes, CodeGrant,
    HttpErrorKind, Provider as _, RefreshGrant, SignInRequest,
};

#[tokio::test]
async fn a_session_is_authenticated_by_its_id() {
    let vendor = Vendor::new();
    let mut config = vendor.config();
    config.resource = Some("https://api.example".to_owned());
    config.organization = Some("org-1".to_owned());
    let mosaic = vendor.mosaic_with(config);
    let claims = claims_with("org_id", json!("org-1"));
    vendor.on(AUTHENTICATE, Reply::json(&tokens(&id_token(&claims))));
    let request = BackendAuthentication {
        session_id: SESSION.into(),
        client: ClientAttributes {
            user_agent: Some("Mozilla/5.0".to_owned()),
            ip_address: Some("192.0.2.7".parse().unwrap()),
        },
    };
    let BackendAnswer::SignedIn(session) = mosaic.authenticate(request).await.unwrap() else {
        panic!("there is a session");
    };
    assert_eq!(session.identity.claims.subject, "ada");
    assert_eq!(session.identity.organization.as_deref(), Some("org-1"));
    assert_eq!(session.session_id, SESSION.into());
    assert_eq!(
        session.identity.tokens.expires_in,
        Some(Duration::from_secs(3_600))
    );
    let [call] = &vendor.calls(AUTHENTICATE)[..] else {
        panic!("one call");
    };
    assert_eq!(call.method(), "POST");
    assert_eq!(call.headers()["authorization"], "Bearer client-token-1");
    assert!(call.headers()["authorization"].is_sensitive());
    assert_eq!(
        body_of(call),
        json!({
            "session_id": SESSION, "resource": "https://api.example", "org_id": "org-1",
            "client_attributes": { "user_agent": "Mozilla/5.0", "ip_address": "192.0.2.7" },
        })
    );
    let [call] = &vendor.calls(TOKEN)[..] else {
        panic!("one token");
    };
    assert_eq!(
        call.body(),
        "grant_type=client_credentials&client_id=my-app&client_secret=cl1ent-s3cr3t&\
         resource=https%3A%2F%2Fapi.example"
    );
    assert_eq!(mosaic.lifetime(), Duration::from_secs(1_209_600));
}

/// Nobody is signed out but by these.
#[tokio::test]
async fn only_session_not_found_says_that_there_is_no_session() {
    for body in [
        r#"{"error_code":"400","message":"Session not found"}"#,
        r#"{"error_code":400,"message":["Session not found"]}"#,
        r#"{"message":["x","  SESSION NOT FOUND "]}"#,
        r#"{"message":"session not found"}"#,
    ] {
        let vendor = Vendor::new();
        vendor.on(AUTHENTICATE, Reply::new(400, body));
        let answer = vendor.mosaic().authenticate(silent()).await.unwrap();
        assert!(matches!(answer, BackendAnswer::NotFound), "{body}");
    }
}

#[tokio::test]
async fn another_refusal_is_an_error_with_a_code() {
    for (status, body, code) in [
        (
            400,
            r#"{"error_code":"400","message":"Bad request"}"#,
            "400",
        ),
        (
            400,
            r#"{"message":["session_id must be a string"],"error_code":400}"#,
            "400",
        ),
        (
            400,
            r#"{"message":"The session not found in cache"}"#,
            "400",
        ),
        (400, r#"{"error":"Session not found"}"#, "400"),
        (400, r#"{"error_code":"4711"}"#, "4711"),
        (400, r#"{"error_code":"invalid_grant"}"#, "400"),
        (400, r#"{"error_code":{"a":1},"message":{"a":1}}"#, "400"),
        (
            403,
            r#"{"message":"Session not found","error_code":403}"#,
            "403",
        ),
        (404, r#"{"message":"Session not found"}"#, "404"),
        (422, "{}", "422"),
    ] {
        let vendor = Vendor::new();
        vendor.on(AUTHENTICATE, Reply::new(status, body));
        let error = failed(&vendor.mosaic()).await;
        assert_eq!(error.kind(), ErrorKind::Provider, "{status} {body}");
        assert_eq!(error.code(), Some(code), "{status} {body}");
        assert_eq!(vendor.calls(AUTHENTICATE).len(), 1, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_is_unavailable_and_is_not_sent_again() {
    let not_found = r#"{"message":"Session not found"}"#;
    for reply in [
        Reply::new(500, not_found),
        Reply::new(502, "<html>"),
        Reply::new(503, not_found),
        Reply::new(408, not_found),
        Reply::new(400, "<html>Session not found</html>"),
        Reply::new(400, "Session not found"),
        Reply::new(400, ""),
        Reply::new(404, "not here"),
        Reply::new(302, not_found).with_header("location", "https://evil.example"),
        Reply::new(200, "<html>"),
        Reply::new(200, ""),
        Reply::Fail(HttpErrorKind::Connect),
        Reply::Fail(HttpErrorKind::TooLarge),
        Reply::Hang,
    ] {
        let vendor = Vendor::new();
        vendor.on(AUTHENTICATE, reply.clone());
        let error = failed(&vendor.mosaic()).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{reply:?}");
        assert_eq!(vendor.calls(AUTHENTICATE).len(), 1, "{reply:?}");
    }
    let vendor = Vendor::new();
    let busy = Reply::new(503, "").with_header("retry-after", "17");
    vendor.on(AUTHENTICATE, busy);
    let error = failed(&vendor.mosaic()).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(17)));
}

#[tokio::test]
async fn a_401_costs_a_new_client_token_once() {
    let vendor = Vendor::new();
    vendor.then(TOKEN, client_token(2));
    let good = Reply::json(&tokens(&id_token(&claims())));
    vendor.on(
        AUTHENTICATE,
        Reply::new(401, r#"{"message":"Session not found"}"#),
    );
    vendor.then(AUTHENTICATE, good);
    signed_in(&vendor.mosaic()).await;
    let used: Vec<_> = vendor
        .calls(AUTHENTICATE)
        .iter()
        .map(|call| call.headers()["authorization"].clone())
        .collect();
    assert_eq!(used, ["Bearer client-token-1", "Bearer client-token-2"]);
}

#[tokio::test]
async fn a_401_twice_signs_nobody_out() {
    let vendor = Vendor::new();
    vendor.on(
        AUTHENTICATE,
        Reply::new(401, r#"{"message":"Session not found"}"#),
    );
    let mosaic = vendor.mosaic();
    let error = failed(&mosaic).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(vendor.calls(AUTHENTICATE).len(), 2);
    assert_eq!(vendor.calls(TOKEN).len(), 2);
}

#[tokio::test]
async fn an_answer_without_what_it_must_have_is_not_believed() {
    for (name, value) in [
        ("id_token", Value::Null),
        ("id_token", json!("")),
        ("id_token", json!("x.y.z")),
        ("id_token", json!(7)),
        ("access_token", Value::Null),
        ("access_token", json!("a b")),
        ("access_token", json!("a".repeat(20_000))),
        ("refresh_token", json!("a\nb")),
        ("token_type", json!("DPoP")),
        ("session_id", json!(7)),
        ("session_id", json!("a b")),
        ("session_id", json!("é")),
        ("session_id", json!("a".repeat(513))),
    ] {
        let vendor = Vendor::new();
        vendor.on(AUTHENTICATE, Reply::json(&tokens_with(name, value.clone())));
        let error = failed(&vendor.mosaic()).await;
        assert_eq!(error.kind(), ErrorKind::Provider, "{name}: {value}");
    }
}

#[tokio::test]
async fn an_answer_may_leave_out_what_is_a_hint() {
    for (name, value) in [
        ("session_id", Value::Null),
        ("session_id", json!("")),
        ("refresh_token", Value::Null),
        ("token_type", Value::Null),
        ("token_type", json!("bearer")),
        ("expires_in", Value::Null),
        ("expires_in", json!(-1)),
        ("expires_in", json!("soon")),
        ("expires_in", json!("3600")),
        ("expires_in", json!(1e30)),
    ] {
        let vendor = Vendor::new();
        vendor.on(AUTHENTICATE, Reply::json(&tokens_with(name, value.clone())));
        let session = signed_in(&vendor.mosaic()).await;
        assert_eq!(session.session_id, SESSION.into(), "{name}: {value}");
    }
    let vendor = Vendor::new();
    vendor.on(
        AUTHENTICATE,
        Reply::json(&tokens_with("session_id", json!("another"))),
    );
    let session = signed_in(&vendor.mosaic()).await;
    assert_eq!(session.session_id, "another".into());
}

#[tokio::test]
async fn multi_factor_is_mfa_alone() {
    for (amr, multi_factor) in [
        (json!(["pwd"]), false),
        (json!(["pwd", "sms"]), false),
        (json!(["pwd", "otp", "webauthn"]), false),
        (json!(["MFA"]), false),
        (json!(["pwd", "mfa"]), true),
        (json!("mfa"), true),
        (Value::Null, false),
    ] {
        let vendor = Vendor::new();
        let token = id_token(&claims_with("amr", amr.clone()));
        vendor.on(AUTHENTICATE, Reply::json(&tokens(&token)));
        let session = signed_in(&vendor.mosaic()).await;
        assert_eq!(session.identity.multi_factor, multi_factor, "{amr}");
    }
}

#[tokio::test]
async fn a_session_that_is_not_there_is_logged_out() {
    for (reply, kind) in [
        (Reply::new(204, ""), None),
        (Reply::new(200, "{}"), None),
        (Reply::new(400, r#"{"message":"Session not found"}"#), None),
        (
            Reply::new(400, r#"{"message":"no"}"#),
            Some(ErrorKind::Provider),
        ),
        (
            Reply::new(404, r#"{"message":"no"}"#),
            Some(ErrorKind::Provider),
        ),
        (Reply::new(404, "<html>"), Some(ErrorKind::Unavailable)),
        (Reply::new(200, "<html>"), Some(ErrorKind::Unavailable)),
        (Reply::new(302, ""), Some(ErrorKind::Unavailable)),
        (Reply::new(500, ""), Some(ErrorKind::Unavailable)),
    ] {
        let vendor = Vendor::new();
        vendor.on(LOGOUT, reply.clone());
        let outcome = vendor.mosaic().logout(SESSION.into()).await;
        assert_eq!(outcome.err().map(|error| error.kind()), kind, "{reply:?}");
        let calls = vendor.calls(LOGOUT);
        assert_eq!(body_of(&calls[0]), json!({ "session_id": SESSION }));
        assert_eq!(calls.len(), 1, "{reply:?}");
    }
}

fn grant() -> RefreshGrant {
    let Value::Object(claims) = claims() else {
        unreachable!();
    };
    RefreshGrant {
        refresh_token: "rt-of-ada".into(),
        subject: "ada".to_owned(),
        auth_time: Some(SecondsSinceEpoch(NOW - 10)),
        claims,
    }
}

#[tokio::test]
async fn a_refresh_continues_the_sign_in() {
    let vendor = Vendor::new();
    let later = claims_with("auth_time", json!(NOW));
    vendor.on(REFRESH, Reply::json(&tokens(&id_token(&later))));
    let mosaic = vendor.mosaic();
    let refreshed = mosaic.refresh(grant()).await.unwrap();
    let identity = refreshed.identity.unwrap().unwrap();
    assert_eq!(identity.claims.auth_time, grant().auth_time, "Core 12.2");
    assert_eq!(
        body_of(&vendor.calls(REFRESH)[0]),
        json!({ "refresh_token": "rt-of-ada" })
    );

    let somebody = claims_with("sub", json!("eve"));
    vendor.on(REFRESH, Reply::json(&tokens(&id_token(&somebody))));
    let refreshed = mosaic.refresh(grant()).await.unwrap();
    assert_eq!(refreshed.identity.unwrap_err().kind(), ErrorKind::Provider);
    assert!(
        refreshed.tokens.refresh_token.is_some(),
        "it is kept all the same"
    );

    vendor.on(REFRESH, Reply::json(&tokens_with("id_token", Value::Null)));
    let refreshed = mosaic.refresh(grant()).await.unwrap();
    assert!(refreshed.identity.unwrap().is_none());
}

#[tokio::test]
async fn only_the_end_of_the_session_ends_what_a_refresh_token_stands_for() {
    for (status, body, ends) in [
        (400, r#"{"message":"Session not found"}"#, true),
        (
            400,
            r#"{"message":"Invalid refresh token","error_code":"400"}"#,
            false,
        ),
        (400, r#"{"error_code":"invalid_grant"}"#, false),
        (400, r#"{"error":"invalid_grant"}"#, false),
        (401, r#"{"message":"Session not found"}"#, false),
        (500, r#"{"message":"Session not found"}"#, false),
    ] {
        let vendor = Vendor::new();
        vendor.on(REFRESH, Reply::new(status, body));
        let error = vendor.mosaic().refresh(grant()).await.unwrap_err();
        assert_eq!(
            error.code() == Some("invalid_grant"),
            ends,
            "{status} {body}"
        );
    }
}

/// The browser is never sent to Mosaic.
#[tokio::test]
async fn what_needs_a_browser_is_refused() {
    let mosaic = Vendor::new().mosaic();
    let request = SignInRequest::default();
    let error = mosaic.authorization_url(&request).await.unwrap_err();
    assert!(error.is_configuration());
    let grant = CodeGrant {
        code: "c".into(),
        redirect_uri: String::new(),
        code_verifier: "v".into(),
        nonce: String::new(),
        max_age: None,
        selectors: crate::provider::Selectors::default(),
    };
    assert!(mosaic.redeem(grant).await.unwrap_err().is_configuration());
    assert_eq!(mosaic.login_page(), Some("/login"));
    assert!(mosaic.backend_sessions().is_some());
    mosaic.check_response_issuer(None).await.unwrap();
    let other = mosaic.check_response_issuer(Some("https://evil.example"));
    assert_eq!(other.await.unwrap_err().kind(), ErrorKind::Request);
}

#[tokio::test]
async fn it_is_ready_when_its_keys_are_known() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    mosaic.ready().await.unwrap();
    assert_eq!(vendor.all_calls(), 1);
    vendor.on(super::fake::KEYS, Reply::new(503, ""));
    let other = vendor.mosaic();
    assert!(other.ready().await.unwrap_err().is_temporary());
}
