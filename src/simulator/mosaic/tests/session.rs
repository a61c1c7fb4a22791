//! Sessions that applications share.

use super::*;

#[tokio::test]
async fn a_sister_application_signs_in_by_the_session_alone() {
    let world = World::new().await;
    let first = world.alice().await;
    assert_eq!(first["token_type"], "Bearer");
    assert_eq!(first["expires_in"], 3600);
    world.clock.advance(Duration::from_secs(100));

    let travel = world.client_token("travel", "0th3r").await;
    let body = json!({
        "session_id": first["session_id"],
        "client_attributes": {"user_agent": "Firefox", "ip_address": "192.0.2.1"},
    });
    let second = world.call_as(&travel, SILENT, &body).await.tokens();
    assert_eq!(second["session_id"], first["session_id"]);
    let claims = world.claims(&second).await;
    for (name, value) in [
        ("iss", json!("https://userid.security")),
        ("sub", json!("alice")),
        ("aud", json!("travel")),
        ("tid", json!("acme")),
        ("amr", json!(["pwd"])),
        ("auth_time", json!(START)),
        ("iat", json!(START + 100)),
        ("exp", json!(START + 3700)),
        ("email", json!("alice@example.com")),
        ("phone_number", json!("+15550100")),
        ("nonce", Value::Null),
        ("roles", Value::Null),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    let access_token = text(&second, "access_token");
    let half = crate::simulator::jwt::half_hash(Algorithm::RS256, &access_token);
    assert_eq!(claims["at_hash"], json!(half));
    assert_eq!(part(&text(&second, "id_token"), 0)["alg"], "RS256");
    let access = part(&access_token, 1);
    assert_eq!(
        (&access["sub"], &access["aud"], &access["client_id"]),
        (&json!("alice"), &json!("userid-api"), &json!("travel"))
    );
    assert!(world.verifies(&access_token).await);

    let handle = world.handle();
    assert_eq!((handle.authentications(), handle.sessions()), (1, 1));
    assert_eq!(handle.requests(MosaicEndpoint::SessionAuthenticate), 1);
    let attributes = json!({"user_agent": "Firefox", "ip_address": "192.0.2.1"});
    assert_eq!(handle.client_attributes(), [Value::Null, attributes]);
}

#[tokio::test]
async fn a_request_names_resource_and_claims() {
    let world = World::new().await;
    let body = json!({
        "session_id": world.alice().await["session_id"],
        "resource": "https://api.example.com",
        "claims": {"id_token": {"roles": null, "unknown": null}},
    });
    let tokens = world.call(SILENT, body).await.tokens();
    assert_eq!(world.claims(&tokens).await["roles"], json!(["admin"]));
    let access = part(&text(&tokens, "access_token"), 1);
    assert_eq!(access["aud"], "https://api.example.com");
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let renewed = world.call(REFRESH, refresh).await.tokens();
    let access = part(&text(&renewed, "access_token"), 1);
    assert_eq!(access["aud"], "https://api.example.com");
}

#[tokio::test]
async fn silent_authentication_slides_two_weeks_and_refresh_does_not() {
    let mut world = World::new().await;
    let first = world.alice().await;
    let session_id = text(&first, "session_id");
    world.clock.advance(14 * DAY - SECOND);
    world.renew().await;
    let second = world.silent(&session_id).await.tokens();
    world.clock.advance(14 * DAY - SECOND);
    world.renew().await;
    let refresh = json!({"refresh_token": second["refresh_token"]});
    let renewed = world.call(REFRESH, refresh).await.tokens();
    assert_eq!(world.handle().sessions(), 1);

    world.clock.advance(SECOND);
    assert_eq!(world.handle().sessions(), 0);
    let over = world.silent(&session_id).await;
    assert_eq!(over.refusal(), refused(400, "Session not found"));
    let refresh = json!({"refresh_token": renewed["refresh_token"]});
    let over = world.call(REFRESH, refresh).await;
    assert_eq!(over.refusal(), refused(400, "Invalid refresh token"));
    assert_eq!(world.handle().authentications(), 1);
}

#[tokio::test]
async fn a_session_that_is_not_there_is_said_in_these_words() {
    let world = World::new().await;
    let unknown = world.silent("unknown").await;
    assert_eq!(unknown.refusal(), refused(400, "Session not found"));
    assert_eq!(unknown.headers[header::CONTENT_TYPE], "application/json");
    let session_id = text(&world.alice().await, "session_id");
    world.handle().end_sessions();
    let ended = world.silent(&session_id).await;
    assert_eq!(ended.refusal(), refused(400, "Session not found"));
    assert_eq!(world.handle().authentications(), 0);
}

#[tokio::test]
async fn a_malformed_request_is_told_what_is_wrong() {
    let world = World::new().await;
    for (path, body, messages) in [
        (SILENT, json!({}), vec!["session_id must be a string"]),
        (
            SILENT,
            json!({"session_id": 1}),
            vec!["session_id must be a string"],
        ),
        (
            SILENT,
            json!({"session_id": ""}),
            vec!["session_id should not be empty"],
        ),
        (
            SILENT,
            json!({"session_id": "x", "client_attributes": "Firefox", "resource": 1}),
            vec![
                "resource must be a string",
                "client_attributes must be an object",
            ],
        ),
        (LOGOUT, json!({}), vec!["session_id must be a string"]),
        (REFRESH, json!({}), vec!["refresh_token must be a string"]),
        (
            PASSWORD,
            json!({"session_id": 1}),
            vec![
                "username must be a string",
                "password must be a string",
                "session_id must be a string",
            ],
        ),
        (
            OTP_SEND,
            json!({"channel": "fax", "identifier_type": "email", "identifier": "x"}),
            vec!["channel must be one of the following values: sms, email, direct"],
        ),
        (
            OTP,
            json!({}),
            vec![
                "passcode must be a string",
                "identifier_type must be a string",
                "identifier must be a string",
            ],
        ),
        (
            LINK_SEND,
            json!({"email": "x"}),
            vec!["redirect_uri must be a string"],
        ),
        (
            LINK_SEND,
            json!({"redirect_uri": "x"}),
            vec![
                "identifier must be a string",
                "identifier_type must be a string",
            ],
        ),
        (LINK, json!({}), vec!["code must be a string"]),
    ] {
        let answer = world.call(path, body).await;
        let expected = json!({"message": messages, "error_code": 400});
        assert_eq!(answer.refusal(), (400, expected), "{path}");
    }
}

#[tokio::test]
async fn logout_ends_one_session_for_all_applications() {
    let world = World::new().await;
    let (first, second) = (world.alice().await, world.alice().await);
    assert_ne!(first["session_id"], second["session_id"]);
    let body = json!({"session_id": first["session_id"]});
    let travel = world.client_token("travel", "0th3r").await;
    let done = world.call_as(&travel, LOGOUT, &body).await;
    assert_eq!((done.status.as_u16(), &*done.body), (204, ""));
    let gone = world.call(SILENT, body.clone()).await;
    assert_eq!(gone.refusal(), refused(400, "Session not found"));
    let refresh = json!({"refresh_token": first["refresh_token"]});
    assert_eq!(world.call(REFRESH, refresh).await.status, 400);
    let again = world.call(LOGOUT, body).await;
    assert_eq!(again.refusal(), refused(400, "Session not found"));

    let other = text(&second, "session_id");
    assert_eq!(world.silent(&other).await.status, 200);
    let refresh = json!({"refresh_token": second["refresh_token"]});
    assert_eq!(world.call(REFRESH, refresh).await.status, 200);
}

#[tokio::test]
async fn all_sessions_of_a_user_end_at_once() {
    let world = World::new().await;
    let (first, second) = (world.alice().await, world.alice().await);
    let bob = json!({"username": "bob", "password": "builder"});
    let bob = world.call(PASSWORD, bob).await.tokens();
    let done = world.delete_sessions("alice").await;
    assert_eq!((done.status.as_u16(), &*done.body), (204, ""));
    for tokens in [&first, &second] {
        let gone = world.silent(&text(tokens, "session_id")).await;
        assert_eq!(gone.refusal(), refused(400, "Session not found"));
        let refresh = json!({"refresh_token": tokens["refresh_token"]});
        assert_eq!(world.call(REFRESH, refresh).await.status, 400);
    }
    assert_eq!(world.silent(&text(&bob, "session_id")).await.status, 200);
    let unknown = world.delete_sessions("nobody").await;
    assert_eq!(unknown.refusal(), refused(404, "User not found"));
    assert_eq!(world.handle().requests(MosaicEndpoint::UserSessions), 2);
}
