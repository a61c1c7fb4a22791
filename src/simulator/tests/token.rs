//! The token endpoint and the keys.

use super::*;

#[tokio::test]
async fn pkce_is_verified() {
    let mut world = World::new();
    let answer = world.sign_in(&[]).await;
    let code = answer.param("code").unwrap();
    for verifier in ["", "wrong"] {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        let refused = world.token(&fields).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["error"], "invalid_grant");
    }
    assert_eq!(world.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn a_code_is_good_for_one_use_and_a_minute() {
    let mut world = World::with(SimulatorBuilder::always_refresh_tokens);
    let code = world.sign_in(&[]).await.param("code").unwrap();
    let tokens = world.redeem(&code).await.json();
    let again = world.redeem(&code).await;
    assert_eq!(again.json()["error"], "invalid_grant");
    assert_eq!(world.simulator.handle().reuse_detected(), 1);
    let refresh = world
        .refresh(tokens["refresh_token"].as_str().unwrap())
        .await;
    assert_eq!(refresh.json()["error"], "invalid_grant", "revoked with it");

    let code = world.authorize(&[]).await.param("code").unwrap();
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.redeem(&code).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn token_errors_have_the_right_status() {
    let mut world = World::new();
    let grant = ("grant_type", "authorization_code");
    let wrong = world
        .form(
            "/token",
            &[("client_id", "app"), ("client_secret", "no"), grant],
        )
        .await;
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.json()["error"], "invalid_client");
    assert!(!wrong.headers.contains_key(header::WWW_AUTHENTICATE));
    assert_eq!(wrong.headers[header::CACHE_CONTROL], "no-store");

    let credentials = base64::engine::general_purpose::STANDARD.encode("app:no");
    let request = Request::post("/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::AUTHORIZATION, format!("Basic {credentials}"));
    let wrong = world.send(request, "grant_type=authorization_code").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.headers.contains_key(header::WWW_AUTHENTICATE));

    for (fields, code) in [
        (vec![], "invalid_request"),
        (vec![grant], "invalid_request"),
        (vec![grant, grant], "invalid_request"),
        (vec![grant, ("code", "x")], "invalid_grant"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("grant_type", "refresh_token")], "invalid_request"),
    ] {
        let answer = world.token(&fields).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"], code, "{fields:?}");
    }
    let request = Request::post("/token").header(header::CONTENT_TYPE, "application/json");
    let json = world.send(request, "{}").await;
    assert_eq!(json.json()["error"], "invalid_request");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_reuse_revokes_the_family() {
    let mut world = World::new();
    let first = world.tokens(&[("scope", "openid offline_access")]).await;
    world.clock.advance(Duration::from_secs(100));
    let first_token = first["refresh_token"].as_str().unwrap();
    let second = world.refresh(first_token).await.json();
    let claims = part(id_token(&second), 1);
    assert_eq!(
        claims["auth_time"], 1_800_000_000_u64,
        "Core 12.2: the original"
    );
    assert_eq!(claims["iat"], 1_800_000_100_u64);
    assert!(claims.get("nonce").is_none());
    let second_token = second["refresh_token"].as_str().unwrap();
    assert_ne!(first_token, second_token);

    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", second_token),
        ("scope", "openid email"),
    ];
    assert_eq!(world.token(&wider).await.json()["error"], "invalid_scope");

    assert_eq!(
        world.refresh(first_token).await.json()["error"],
        "invalid_grant"
    );
    assert_eq!(
        world.refresh(second_token).await.json()["error"],
        "invalid_grant"
    );
    let handle = world.simulator.handle();
    assert_eq!((handle.refresh_grants(), handle.reuse_detected()), (1, 1));
}

#[tokio::test]
async fn only_offline_access_outlives_the_session() {
    for (scope, status) in [("openid", 400), ("openid offline_access", 200)] {
        let mut world = World::with(SimulatorBuilder::always_refresh_tokens);
        let tokens = world.tokens(&[("scope", scope)]).await;
        world.simulator.handle().end_sessions();
        let token = tokens["refresh_token"].as_str().unwrap();
        assert_eq!(world.refresh(token).await.status, status, "{scope}");
    }
    let mut world = World::with(SimulatorBuilder::always_refresh_tokens);
    let tokens = world.tokens(&[]).await;
    world.clock.advance(Duration::from_secs(12 * 3600));
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(
        world.refresh(token).await.status,
        400,
        "the session ended by itself"
    );

    let mut world = World::new();
    let tokens = world.tokens(&[("scope", "openid offline_access")]).await;
    world.simulator.handle().revoke_refresh_tokens();
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(world.refresh(token).await.status, 400);
}

#[tokio::test]
async fn keys_rotate_and_old_ones_stay_until_dropped() {
    let mut world = World::new();
    let old = id_token(&world.tokens(&[]).await).to_owned();
    let handle = world.simulator.handle().clone();
    handle.rotate_keys();
    let code = world.authorize(&[]).await.param("code").unwrap();
    let new = id_token(&world.redeem(&code).await.json()).to_owned();
    assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
    assert!(world.verifies(&old).await && world.verifies(&new).await);
    handle.drop_old_keys();
    assert!(!world.verifies(&old).await && world.verifies(&new).await);
    handle.set_fault(Fault::RotateJustBeforeSigning);
    let code = world.authorize(&[]).await.param("code").unwrap();
    let newest = id_token(&world.redeem(&code).await.json()).to_owned();
    assert_ne!(part(&new, 0)["kid"], part(&newest, 0)["kid"]);
    assert!(world.verifies(&newest).await);
}
