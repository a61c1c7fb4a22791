//! The token endpoint, and what is in tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const HOUR: u64 = 3600;

fn left_half(text: &str) -> String {
    base64url(&sha256(text.as_bytes())[..16])
}

#[tokio::test]
async fn an_id_token_says_who_by_whom_for_whom() {
    let world = World::new();
    let code = world.code().await;
    let answer = world.exchange(&code).await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let tokens = answer.ok();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], HOUR);
    assert!(tokens.get("refresh_token").is_none());
    let claims = world.claims(&tokens, "id_token").await;
    let expected = json!({
        "iss": ENVIRONMENT,
        "aud": ["skc_1"],
        "azp": "skc_1",
        "sub": "conn_acme;alice",
        "amr": ["conn_acme"],
        "oid": "org_acme",
        "nonce": "the-nonce",
        "iat": START,
        "exp": START + HOUR,
        "at_hash": left_half(&text(&tokens, "access_token")),
        "c_hash": left_half(&code),
        "sid": claims["sid"],
        "email": "alice@example.com",
        "email_verified": true,
        "name": "Alice Adams",
        "given_name": "Alice",
        "family_name": "Adams",
        "username": "al",
        "preferred_username": "al",
        "department": "payroll",
    });
    assert_eq!(claims, expected);
    assert!(text(&claims, "sid").starts_with("ses_"));
    assert_eq!(part(&text(&tokens, "id_token"), 0)["alg"], "RS256");
}

#[tokio::test]
async fn an_access_token_is_a_jwt_of_its_own() {
    let world = World::new();
    let tokens = world.tokens().await;
    let claims = world.claims(&tokens, "access_token").await;
    for (name, value) in [
        ("iss", json!(ENVIRONMENT)),
        ("sub", json!("conn_acme;alice")),
        ("aud", json!(["skc_1"])),
        ("client_id", json!("skc_1")),
        ("scope", json!("openid email")),
        ("iat", json!(START)),
        ("nbf", json!(START)),
        ("exp", json!(START + HOUR)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    let other = world.tokens().await;
    let other = world.claims(&other, "access_token").await;
    assert_ne!(claims["jti"], other["jti"]);
}

#[tokio::test]
async fn what_the_documents_show_in_two_shapes_can_be_switched() {
    let world = World::with(|builder| {
        let builder = builder.audience_as_string().scopes_as_array();
        builder.without_nonce().token_lifetime(60 * SECOND)
    });
    let tokens = world.tokens().await;
    let id = world.claims(&tokens, "id_token").await;
    assert_eq!(id["aud"], "skc_1");
    assert!(id.get("nonce").is_none());
    assert_eq!(id["exp"], START + 60);
    let access = world.claims(&tokens, "access_token").await;
    assert_eq!(access["scopes"], json!(["openid", "email"]));
    assert!(access.get("scope").is_none());
}

#[tokio::test]
async fn a_code_is_good_once_for_five_minutes() {
    let world = World::new();
    let code = world.code().await;
    world.exchange(&code).await.ok();
    let again = world.exchange(&code).await;
    assert_eq!(again.error(), (400, "invalid_grant".to_owned()));
    let counters = (
        world.handle().code_grants(),
        world.handle().reuse_detected(),
    );
    assert_eq!(counters, (1, 1));

    let (late, good) = (world.code().await, world.code().await);
    world.clock.advance(299 * SECOND);
    world.exchange(&good).await.ok();
    world.clock.advance(SECOND);
    let late = world.exchange(&late).await;
    assert_eq!(late.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_code_is_for_one_client_one_uri_one_verifier() {
    let world = World::new();
    let code = world.code().await;
    for (other, error) in [
        (&[("code_verifier", "")][..], "invalid_grant"),
        (&[("code_verifier", "wrong")], "invalid_grant"),
        (&[("redirect_uri", "")], "invalid_grant"),
        (
            &[("redirect_uri", "https://app.example/other")],
            "invalid_grant",
        ),
        (&[("code", "made-up")], "invalid_grant"),
        (&[("code", "")], "invalid_request"),
        (
            &[("client_id", "skc_2"), ("client_secret", "0th3r")],
            "invalid_grant",
        ),
        (&[("grant_type", "")], "invalid_request"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
    ] {
        let answer = world.exchange_with(&code, other).await;
        assert_eq!(answer.error(), (400, error.to_owned()), "{other:?}");
    }
    for other in [
        &[("client_secret", "")][..],
        &[("client_secret", "wrong")],
        &[("client_id", "skc_x")],
    ] {
        let answer = world.exchange_with(&code, other).await;
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()));
    }
    world.exchange(&code).await.ok();
}

#[tokio::test]
async fn the_client_may_use_the_header() {
    let world = World::new();
    let code = world.code().await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let wrong = world
        .post_as(Some(&basic("skc_1:wrong")), "/oauth/token", &fields)
        .await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.headers.contains_key(header::WWW_AUTHENTICATE));
    let good = world
        .post_as(Some(&basic("skc_1:s3cr3t")), "/oauth/token", &fields)
        .await;
    good.ok();
}

#[tokio::test]
async fn a_sign_in_without_pkce_has_no_verifier() {
    let world = World::new();
    world.handle().set_default_login("conn_acme;alice");
    let fields = [
        ("client_id", "skc_1"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("connection_id", "conn_acme"),
    ];
    let path = format!("/oauth/authorize?{}", form(&fields));
    let params = world.get(&path).await.callback();
    assert_eq!(params.get("state"), None);
    let code = params.get("code").unwrap();
    let tokens = world
        .exchange_with(code, &[("code_verifier", "")])
        .await
        .ok();
    let claims = world.claims(&tokens, "id_token").await;
    assert!(claims.get("nonce").is_none());
}

#[tokio::test]
async fn offline_access_is_refused() {
    let world = World::new();
    let fields = [
        ("client_id", "skc_1"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid offline_access"),
        ("connection_id", "conn_acme"),
    ];
    let path = format!("/oauth/authorize?{}", form(&fields));
    assert_eq!(world.get(&path).await.refused(), "invalid_scope");
}

#[tokio::test]
async fn refresh_tokens_rotate_where_there_are_any() {
    let world = World::with(ScalekitSimulatorBuilder::refresh_tokens);
    let first = world.tokens().await;
    let refresh = async |token: &str, id: &str, secret: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", id),
            ("client_secret", secret),
        ];
        world.post("/oauth/token", &fields).await
    };
    let token = text(&first, "refresh_token");
    let refused = (400, "invalid_grant".to_owned());
    assert_eq!(refresh(&token, "skc_2", "0th3r").await.error(), refused);
    let second = refresh(&token, "skc_1", "s3cr3t").await.ok();
    let claims = world.claims(&second, "id_token").await;
    assert_eq!(claims["sub"], "conn_acme;alice");
    assert!(claims.get("nonce").is_none() && claims.get("c_hash").is_none());
    assert_eq!(refresh(&token, "skc_1", "s3cr3t").await.error(), refused);
    let newer = text(&second, "refresh_token");
    let ended = refresh(&newer, "skc_1", "s3cr3t").await;
    assert_eq!(ended.error(), refused, "reuse ends the family");
    let counters = (
        world.handle().refresh_grants(),
        world.handle().reuse_detected(),
    );
    assert_eq!(counters, (1, 1));
}
