//! Signing in, and adding a factor.

use super::*;

#[tokio::test]
async fn a_second_factor_grows_the_same_session() {
    let world = World::new().await;
    let first = world.alice().await;
    assert_eq!(world.claims(&first).await["amr"], json!(["pwd"]));
    world.clock.advance(Duration::from_secs(50));
    let code = world.sms_code().await;
    let body = with(passcode(&code), "session_id", first["session_id"].clone());
    let second = world.call(OTP, body).await.tokens();
    assert_eq!(second["session_id"], first["session_id"]);
    let claims = world.claims(&second).await;
    assert_eq!(claims["amr"], json!(["pwd", "sms", "mfa"]));
    assert_eq!(claims["auth_time"], START + 50);
    assert_eq!(world.handle().sessions(), 1);

    world.clock.advance(Duration::from_secs(50));
    let silent = world.silent(&text(&first, "session_id")).await.tokens();
    let claims = world.claims(&silent).await;
    assert_eq!(claims["amr"], json!(["pwd", "sms", "mfa"]));
    assert_eq!(claims["auth_time"], START + 50, "nobody did anything since");
}

#[tokio::test]
async fn each_factor_starts_a_session_of_its_own() {
    let world = World::new().await;
    let email = json!({"identifier_type": "email", "identifier": "alice@example.com"});
    let send = with(email.clone(), "channel", "email");
    assert_eq!(world.call(OTP_SEND, send).await.status, 200);
    let code = world.handle().last_code("alice").unwrap();
    let mailed = world
        .call(OTP, with(email, "passcode", code))
        .await
        .tokens();
    assert_eq!(world.claims(&mailed).await["amr"], json!(["eotp"]));

    let code = world.sms_code().await;
    let texted = world.call(OTP, passcode(&code)).await.tokens();
    assert_eq!(world.claims(&texted).await["amr"], json!(["sms"]));

    let send =
        json!({"email": "alice@example.com", "redirect_uri": "http://127.0.0.1:3000/verify"});
    let sent = world.call(LINK_SEND, send).await.tokens();
    assert_eq!(sent, json!({"message": "Email sent successfully"}));
    let code = world.handle().last_code("alice").unwrap();
    let body = with(
        json!({"code": code}),
        "session_id",
        mailed["session_id"].clone(),
    );
    let linked = world.call(LINK, body).await.tokens();
    assert_eq!(linked["session_id"], mailed["session_id"]);
    let amr = &world.claims(&linked).await["amr"];
    assert_eq!(amr, &json!(["eotp", "eml"]), "both came to one mailbox");
    assert_eq!(world.handle().sessions(), 2);
}

#[tokio::test]
async fn a_password_goes_with_any_identifier_of_its_user() {
    let world = World::new().await;
    for (body, status) in [
        (json!({"username": "alice"}), 200),
        (
            json!({"username": "alice@example.com", "username_type": "email"}),
            200,
        ),
        (
            json!({"username": "+15550100", "username_type": "phone_number"}),
            200,
        ),
        (
            json!({"identifier": "alice", "identifier_type": "user_id"}),
            200,
        ),
        (json!({"username": "alice@example.com"}), 400),
        (json!({"username": "bob"}), 400),
        (json!({"username": "nobody"}), 400),
    ] {
        let answer = world
            .call(PASSWORD, with(body.clone(), "password", "wonderland"))
            .await;
        assert_eq!(answer.status, status, "{body}");
        if status == 400 {
            let expected = coded(
                400,
                "auth_invalid_credentials",
                "Invalid username or password",
            );
            assert_eq!(answer.refusal(), expected, "{body}");
        }
    }
}

#[tokio::test]
async fn a_factor_of_another_user_leaves_the_session_as_it_is() {
    let world = World::new().await;
    let session_id = text(&world.alice().await, "session_id");
    let bob = json!({"username": "bob", "password": "builder", "session_id": session_id});
    let answer = world.call(PASSWORD, bob).await;
    let expected = refused(400, "Session does not belong to the user");
    assert_eq!(answer.refusal(), expected);
    let silent = world.silent(&session_id).await.tokens();
    let claims = world.claims(&silent).await;
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(world.handle().sessions(), 1);
}

#[tokio::test]
async fn a_factor_for_no_session_uses_nothing_up() {
    let world = World::new().await;
    let code = world.sms_code().await;
    let to_nothing = with(passcode(&code), "session_id", "unknown");
    let not_found = refused(400, "Session not found");
    assert_eq!(world.call(OTP, to_nothing).await.refusal(), not_found);
    assert_eq!(world.call(OTP, passcode(&code)).await.status, 200);
    let password = json!({"username": "alice", "password": "wonderland", "session_id": "unknown"});
    assert_eq!(world.call(PASSWORD, password).await.refusal(), not_found);
    let link = json!({"code": "any", "session_id": "unknown"});
    assert_eq!(world.call(LINK, link).await.refusal(), not_found);
}

#[tokio::test]
async fn passcodes_are_wrong_expired_or_locked() {
    let world = World::new().await;
    let wrong = coded(400, "auth_invalid_credentials", "Invalid passcode");
    assert_eq!(world.call(OTP, passcode("000000")).await.refusal(), wrong);
    let code = world.sms_code().await;
    world.clock.advance(Duration::from_secs(300));
    let expired = coded(400, "auth_otp_passcode_expired", "Passcode expired");
    assert_eq!(world.call(OTP, passcode(&code)).await.refusal(), expired);

    let send = with(sms(), "expires_in", 10);
    assert_eq!(world.call(OTP_SEND, send).await.status, 200);
    let code = world.handle().last_code("alice").unwrap();
    world.clock.advance(Duration::from_secs(599));
    for _ in 0..5 {
        assert_eq!(world.call(OTP, passcode("wrong")).await.refusal(), wrong);
    }
    let locked = world.call(OTP, passcode(&code)).await;
    assert_eq!(
        (locked.status.as_u16(), &locked.json()["error_code"]),
        (403, &json!("auth_locked"))
    );
    let code = world.sms_code().await;
    assert_eq!(world.call(OTP, passcode(&code)).await.status, 200);
    assert_eq!(
        world.call(OTP, passcode(&code)).await.refusal(),
        wrong,
        "once"
    );
}

#[tokio::test]
async fn a_passcode_needs_somewhere_to_go() {
    let world = World::new().await;
    let to = |channel: &str, user: &str| json!({"channel": channel, "identifier_type": "user_id", "identifier": user});
    for (body, expected) in [
        (
            to("sms", "nobody"),
            coded(404, "user_not_found", "User not found"),
        ),
        (
            to("sms", "bob"),
            coded(404, "user_phone_number_missing", "User has no phone number"),
        ),
        (
            to("email", "bob"),
            coded(
                404,
                "user_email_address_missing",
                "User has no email address",
            ),
        ),
    ] {
        assert_eq!(world.call(OTP_SEND, body).await.refusal(), expected);
    }
    let custom = with(to("sms", "bob"), "custom_phone_number", "+15550199");
    assert_eq!(world.call(OTP_SEND, custom).await.status, 200);
    assert!(world.handle().last_code("bob").is_some());
    assert_eq!(world.handle().last_code("alice"), None);

    let direct = world.call(OTP_SEND, to("direct", "alice")).await.tokens();
    assert_eq!(world.handle().last_code("alice"), None, "nothing is sent");
    let body = with(to("direct", "alice"), "passcode", direct["code"].clone());
    assert_eq!(world.call(OTP, body).await.status, 200);
}

#[tokio::test]
async fn a_link_leads_to_an_allowed_address_once() {
    let world = World::new().await;
    let send = |email: &str, redirect_uri: &str| json!({"email": email, "redirect_uri": redirect_uri, "state": "a b"});
    let verify = "https://app.example.com/verify";
    let not_allowed =
        "redirect_uri is not one of the allowed redirect URIs configured for this app";
    for (body, expected) in [
        (
            send("alice@example.com", "https://evil.example/verify"),
            refused(400, not_allowed),
        ),
        (
            send("alice@example.com", &format!("{verify}/x")),
            refused(400, not_allowed),
        ),
        (
            send("nobody@example.com", verify),
            refused(404, "User not found"),
        ),
    ] {
        assert_eq!(world.call(LINK_SEND, body).await.refusal(), expected);
    }
    assert_eq!(world.handle().last_code("alice"), None);

    let sent = world
        .call(LINK_SEND, send("alice@example.com", verify))
        .await;
    assert_eq!(sent.status, 200);
    let code = world.handle().last_code("alice").unwrap();
    let page = world.get("/").await.body;
    let link = format!("{verify}?code={code}&amp;state=a+b");
    assert!(page.contains(&link), "{page}");
    let tokens = world.call(LINK, json!({"code": code})).await.tokens();
    assert_eq!(world.claims(&tokens).await["amr"], json!(["eml"]));
    let invalid = refused(400, "Invalid magic link code");
    assert_eq!(
        world.call(LINK, json!({"code": code})).await.refusal(),
        invalid
    );

    let identifier = json!({
        "identifier": "alice", "identifier_type": "user_id",
        "redirect_uri": verify, "email_expiration": 1,
    });
    assert_eq!(world.call(LINK_SEND, identifier).await.status, 200);
    let code = world.handle().last_code("alice").unwrap();
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(
        world.call(LINK, json!({"code": code})).await.refusal(),
        invalid
    );
}
