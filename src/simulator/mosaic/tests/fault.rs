//! Each fault does what it says, and ends.

use super::*;
use crate::simulator::ForgedAlg;

#[tokio::test(start_paused = true)]
async fn faults_of_the_network() {
    let world = World::new().await;
    let handle = world.handle();
    let session_id = text(&world.alice().await, "session_id");
    let at = MosaicEndpoint::SessionAuthenticate;
    let answer = async |fault: MosaicFault| {
        handle.clear_faults();
        handle.set_fault(fault);
        world.silent(&session_id).await
    };
    let down = answer(MosaicFault::Status(at, 429, Some(7))).await;
    assert_eq!(down.status, 429);
    assert_eq!(down.headers[header::RETRY_AFTER], "7");
    assert_eq!(
        world.get("/cis/oidc/jwks").await.status,
        200,
        "another endpoint"
    );
    let down = answer(MosaicFault::Status(at, 503, None)).await;
    assert_eq!(down.status, 503);
    assert!(!down.headers.contains_key(header::RETRY_AFTER));
    let page = answer(MosaicFault::Garbage(at)).await;
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with("<!doctype html>"));
    let huge = answer(MosaicFault::HugeBody(at)).await;
    assert_eq!(huge.body.len(), 16 * 1024 * 1024);

    let redirect = answer(MosaicFault::Redirect(at)).await;
    assert_eq!(redirect.status, 307, "the body goes along");
    assert_eq!(redirect.headers[header::LOCATION], "?redirected=1");
    let followed = format!("{SILENT}?redirected=1");
    let followed = world
        .call(&followed, json!({"session_id": session_id}))
        .await;
    assert_eq!(followed.status, 200);

    let minute = Duration::from_secs(60);
    let hangs = tokio::time::timeout(minute, answer(MosaicFault::Hang(at))).await;
    assert!(hangs.is_err());
    let start = tokio::time::Instant::now();
    assert_eq!(answer(MosaicFault::Slow(at, minute)).await.status, 200);
    assert!(start.elapsed() >= minute);
    handle.clear_faults();
    assert_eq!(world.silent(&session_id).await.status, 200);
    assert_eq!(handle.requests(at), 9);
    assert_eq!(handle.authentications(), 3);
}

#[tokio::test]
async fn faults_of_refusals() {
    let world = World::new().await;
    let handle = world.handle();
    let session_id = text(&world.alice().await, "session_id");
    let at = MosaicEndpoint::SessionAuthenticate;
    handle.set_fault(MosaicFault::ErrorsAsList);
    let list = json!({"message": ["Session not found"], "error_code": 400});
    assert_eq!(world.silent("unknown").await.refusal(), (400, list));
    handle.set_fault(MosaicFault::Error(at, 400, "Something else".to_owned()));
    let list = json!({"message": ["Something else"], "error_code": 400});
    assert_eq!(world.silent(&session_id).await.refusal(), (400, list));
    handle.clear_faults();
    handle.set_fault(MosaicFault::Error(at, 403, "User is not active".to_owned()));
    let refusal = world.silent(&session_id).await.refusal();
    assert_eq!(refusal, refused(403, "User is not active"));
    handle.clear_faults();
    assert_eq!(world.silent(&session_id).await.status, 200);
}

#[tokio::test]
async fn faults_of_the_client_token() {
    let mut world = World::new().await;
    let handle = world.handle().clone();
    let session_id = text(&world.alice().await, "session_id");
    let unauthorized = refused(401, "Unauthorized");
    handle.set_fault(MosaicFault::ClientTokenRefusedOnce);
    assert_eq!(world.silent(&session_id).await.refusal(), unauthorized);
    let again = world.silent(&session_id).await;
    assert_eq!(again.refusal(), unauthorized, "the token is dead");
    world.renew().await;
    assert_eq!(world.silent(&session_id).await.status, 200);
    handle.set_fault(MosaicFault::ClientTokenRefused);
    world.renew().await;
    assert_eq!(world.silent(&session_id).await.refusal(), unauthorized);
    assert_eq!(world.delete_sessions("alice").await.status, 401);
    handle.clear_faults();
    assert_eq!(world.silent(&session_id).await.status, 200);

    handle.set_fault(MosaicFault::ClientTokenExpiresIn(None));
    handle.set_fault(MosaicFault::ClientTokenClaim("exp".to_owned(), None));
    let form = "grant_type=client_credentials&client_id=payroll&client_secret=s3cr3t";
    let answer = world.ask_token(None, form).await.tokens();
    assert!(answer.get("expires_in").is_none());
    let token = text(&answer, "access_token");
    assert!(part(&token, 1).get("exp").is_none());
    let body = json!({"session_id": session_id});
    assert_eq!(world.call_as(&token, SILENT, &body).await.status, 200);
    handle.set_fault(MosaicFault::ClientTokenExpiresIn(Some(json!("3600"))));
    let answer = world.ask_token(None, form).await.tokens();
    assert_eq!(answer["expires_in"], "3600");
}

#[tokio::test]
async fn faults_of_the_answer() {
    let world = World::new().await;
    let handle = world.handle();
    let first = world.alice().await;
    let session_id = text(&first, "session_id");
    handle.set_fault(MosaicFault::NoIdToken);
    handle.set_fault(MosaicFault::NoRefreshToken);
    handle.set_fault(MosaicFault::ExpiresIn(Some(json!(-1))));
    handle.set_fault(MosaicFault::Answer(
        "session_id".to_owned(),
        Some(json!("other")),
    ));
    handle.set_fault(MosaicFault::Answer("token_type".to_owned(), None));
    let tokens = world.silent(&session_id).await.tokens();
    for (name, value) in [
        ("id_token", None),
        ("refresh_token", None),
        ("expires_in", Some(json!(-1))),
        ("session_id", Some(json!("other"))),
        ("token_type", None),
    ] {
        assert_eq!(tokens.get(name), value.as_ref(), "{name}");
    }
    handle.clear_faults();

    handle.set_fault(MosaicFault::ExpiresIn(None));
    handle.set_fault(MosaicFault::NoRefreshToken);
    for _ in 0..2 {
        let body = json!({"refresh_token": first["refresh_token"]});
        let renewed = world.call(REFRESH, body).await.tokens();
        assert!(renewed.get("expires_in").is_none() && renewed.get("refresh_token").is_none());
    }
    assert_eq!(handle.reuse_detected(), 0, "the old one stays good");
}

#[tokio::test]
async fn faults_of_the_id_token() {
    let world = World::new().await;
    let handle = world.handle();
    let session_id = text(&world.alice().await, "session_id");
    let token = async |fault: MosaicFault| {
        handle.clear_faults();
        handle.set_fault(fault);
        let tokens = world.silent(&session_id).await.tokens();
        (text(&tokens, "id_token"), text(&tokens, "access_token"))
    };
    let (id, access) = token(MosaicFault::OtherSub("bob".to_owned())).await;
    assert_eq!(
        (&part(&id, 1)["sub"], &part(&access, 1)["sub"]),
        (&json!("bob"), &json!("bob"))
    );
    assert!(world.verifies(&id).await);
    let (id, _) = token(MosaicFault::IdTokenClaim(
        "tid".to_owned(),
        Some(json!("x")),
    ))
    .await;
    assert_eq!(part(&id, 1)["tid"], "x");
    let (id, _) = token(MosaicFault::IdTokenClaim("amr".to_owned(), None)).await;
    assert!(part(&id, 1).get("amr").is_none() && world.verifies(&id).await);
    let (id, access) = token(MosaicFault::BadSignature).await;
    assert!(!world.verifies(&id).await && world.verifies(&access).await);
    let (id, _) = token(MosaicFault::UnknownKid).await;
    assert!(!world.verifies(&id).await);
    let (id, _) = token(MosaicFault::IdTokenAlg(ForgedAlg::None("none".to_owned()))).await;
    assert!(part(&id, 0)["alg"] == "none" && id.ends_with('.'));
    let (id, _) = token(MosaicFault::IdTokenAlg(ForgedAlg::Hs256WithClientSecret)).await;
    assert_eq!(part(&id, 0)["alg"], "HS256");
    let (message, signature) = id.rsplit_once('.').unwrap();
    let key = jsonwebtoken::EncodingKey::from_secret(b"s3cr3t");
    let expected = crate::crypto::sign(Algorithm::HS256, &key, message.as_bytes());
    assert_eq!(from_base64url(signature), expected);
}

#[tokio::test]
async fn keys_rotate_and_old_ones_stay_until_dropped() {
    let world = World::new().await;
    let old = text(&world.alice().await, "id_token");
    world.handle().rotate_keys();
    let new = text(&world.alice().await, "id_token");
    assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
    assert!(world.verifies(&old).await && world.verifies(&new).await);
    world.handle().drop_old_keys();
    assert!(!world.verifies(&old).await && world.verifies(&new).await);
    assert_eq!(world.handle().requests(MosaicEndpoint::Jwks), 4);
}
