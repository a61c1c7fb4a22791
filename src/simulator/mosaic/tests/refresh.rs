//! Refresh tokens.

use super::*;

impl World {
    async fn refresh(&self, tokens: &Value) -> Answer {
        let body = json!({"refresh_token": tokens["refresh_token"]});
        self.call(REFRESH, body).await
    }
}

#[tokio::test]
async fn a_refresh_rotates_and_names_no_session() {
    let world = World::new().await;
    let first = world.alice().await;
    world.clock.advance(Duration::from_secs(100));
    let second = world.refresh(&first).await.tokens();
    assert!(second.get("session_id").is_none());
    assert_eq!(second["expires_in"], 3600);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);
    let claims = world.claims(&second).await;
    assert_eq!(claims["sub"], "alice");
    assert_eq!(
        (&claims["auth_time"], &claims["iat"]),
        (&json!(START), &json!(START + 100))
    );
    assert_eq!(world.refresh(&second).await.status, 200);
    assert_eq!(world.handle().refreshes(), 2);
    assert_eq!(world.handle().reuse_detected(), 0);
}

#[tokio::test]
async fn what_was_added_to_the_session_later_is_not_in_a_refreshed_token() {
    let world = World::new().await;
    let first = world.alice().await;
    world.clock.advance(Duration::from_secs(50));
    let code = world.sms_code().await;
    let body = with(passcode(&code), "session_id", first["session_id"].clone());
    assert_eq!(world.call(OTP, body).await.status, 200);
    let claims = world.claims(&world.refresh(&first).await.tokens()).await;
    assert_eq!(
        (&claims["amr"], &claims["auth_time"]),
        (&json!(["pwd"]), &json!(START))
    );
}

#[tokio::test]
async fn reuse_revokes_the_family_and_leaves_the_session() {
    let world = World::new().await;
    let invalid = refused(400, "Invalid refresh token");
    let first = world.alice().await;
    let session_id = text(&first, "session_id");
    let other = world.silent(&session_id).await.tokens();
    let second = world.refresh(&first).await.tokens();
    assert_eq!(world.refresh(&first).await.refusal(), invalid);
    assert_eq!(world.handle().reuse_detected(), 1);
    assert_eq!(world.refresh(&second).await.refusal(), invalid);
    assert_eq!(world.handle().reuse_detected(), 1, "it is unknown by now");
    assert_eq!(world.refresh(&other).await.status, 200, "another family");
    assert_eq!(world.silent(&session_id).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_its_clients() {
    let world = World::new().await;
    let first = world.alice().await;
    let travel = world.client_token("travel", "0th3r").await;
    let body = json!({"refresh_token": first["refresh_token"]});
    let stolen = world.call_as(&travel, REFRESH, &body).await;
    assert_eq!(stolen.refusal(), refused(400, "Invalid refresh token"));
    assert_eq!(world.refresh(&first).await.status, 200);
    let unknown = world
        .call(REFRESH, json!({"refresh_token": "unknown"}))
        .await;
    assert_eq!(unknown.refusal(), refused(400, "Invalid refresh token"));
    assert_eq!(world.handle().reuse_detected(), 0);
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_session() {
    let world = World::new().await;
    let first = world.alice().await;
    world.handle().end_sessions();
    let ended = world.refresh(&first).await;
    assert_eq!(ended.refusal(), refused(400, "Invalid refresh token"));
    assert_eq!(world.handle().refreshes(), 0);
}
