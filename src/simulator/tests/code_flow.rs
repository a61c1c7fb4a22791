//! Signing in and out, with and without a page.

use super::*;

#[tokio::test]
async fn code_flow_from_discovery_to_userinfo() {
    let mut world = World::new();
    let metadata = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["jwks_uri"], format!("{ISSUER}/jwks"));

    let answer = world.sign_in(&[]).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with(&format!("{CALLBACK}?code=")));
    assert_eq!(answer.param("state").unwrap(), "the-state");
    assert_eq!(answer.param("iss").unwrap(), ISSUER);

    let tokens = world.redeem(&answer.param("code").unwrap()).await;
    assert_eq!(tokens.headers[header::CACHE_CONTROL], "no-store");
    let tokens = tokens.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(tokens.get("refresh_token").is_none());
    let access_token = tokens["access_token"].as_str().unwrap();
    let claims = part(id_token(&tokens), 1);
    let expected = json!({
        "iss": ISSUER, "sub": "alice", "aud": "app", "azp": "app", "nonce": "the-nonce",
        "iat": 1_800_000_000_u64, "exp": 1_800_003_600_u64, "auth_time": 1_800_000_000_u64,
        "amr": ["pwd"], "acr": "urn:example:silver", "sid": claims["sid"],
        "at_hash": base64url(&sha256(access_token.as_bytes())[..16]),
        "email": "alice@example.com", "email_verified": true, "name": "Alice Arnold",
        "given_name": "Alice", "family_name": "Arnold", "groups": ["admin", "staff"],
    });
    assert_eq!(claims, expected);
    assert!(world.verifies(id_token(&tokens)).await);

    let bearer = format!("Bearer {access_token}");
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, &bearer);
    let userinfo = world.send(request, Body::empty()).await.json();
    assert_eq!(userinfo["sub"], "alice");
    assert_eq!(userinfo["groups"], json!(["admin", "staff"]));

    world.clock.advance(Duration::from_secs(3600));
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, &bearer);
    let late = world.send(request, Body::empty()).await;
    assert_eq!(late.status, 401);
    let challenge = late.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("invalid_token"));
    let handle = world.simulator.handle().clone();
    let counted =
        [Endpoint::Authorize, Endpoint::Login, Endpoint::Token].map(|e| handle.requests(e));
    assert_eq!((counted, handle.code_grants()), ([1, 1, 1], 1));
}

#[tokio::test]
async fn a_second_application_is_signed_in_without_a_page() {
    let mut world = World::with(SimulatorBuilder::any_client);
    world.sign_in(&[]).await;
    let other = "/authorize?client_id=other&redirect_uri=http://localhost:4000/cb&response_type=code\
                 &scope=openid";
    assert!(world.get(other).await.param("code").is_some());
    assert_eq!(world.simulator.handle().sessions(), 1);
    world.simulator.handle().end_sessions();
    assert_eq!(world.get(other).await.status, 200, "the page again");
}

#[tokio::test]
async fn an_unregistered_address_is_never_redirected_to() {
    let mut world = World::new();
    for query in [
        "client_id=app&redirect_uri=https://evil.example/&response_type=code&scope=openid",
        "client_id=other&redirect_uri=http://127.0.0.1:3000/auth/callback&response_type=code&scope=openid",
    ] {
        let answer = world.get(&format!("/authorize?{query}")).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::BAD_REQUEST, "")
        );
    }
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let mut world = World::new();
    let silent =
        |more: Vec<(&'static str, &'static str)>| [vec![("prompt", "none")], more].concat();
    let answer = world.authorize(&silent(vec![])).await;
    assert_eq!(answer.param("error").unwrap(), "login_required");
    assert_eq!(answer.param("state").unwrap(), "the-state");
    assert_eq!(answer.param("iss").unwrap(), ISSUER);
    world
        .simulator
        .handle()
        .set_default_login(LoginChoice::new("alice"));
    let answer = world.authorize(&silent(vec![])).await;
    assert_eq!(
        answer.param("error").unwrap(),
        "login_required",
        "auto-login or not"
    );
    world.simulator.handle().set_default_login(None);

    let alice = id_token(&world.tokens(&[]).await).to_owned();
    assert!(
        world
            .authorize(&silent(vec![]))
            .await
            .param("code")
            .is_some()
    );
    let hinted = [("prompt", "none"), ("id_token_hint", &*alice)];
    assert!(world.authorize(&hinted).await.param("code").is_some());
    let answer = world.authorize(&silent(vec![("acr_values", "mfa")])).await;
    assert_eq!(answer.param("error").unwrap(), "interaction_required");

    world.simulator.handle().end_sessions();
    let page = world.authorize(&[]).await;
    world.submit(&page, "bob", &["password"]).await;
    let answer = world.authorize(&hinted).await;
    assert_eq!(
        answer.param("error").unwrap(),
        "login_required",
        "another user"
    );
    let forged = format!("{}AAAA", &alice[..alice.len() - 4]);
    let answer = world.authorize(&[("id_token_hint", &forged)]).await;
    assert_eq!(answer.param("error").unwrap(), "invalid_request");
    world.simulator.handle().set_fault(Fault::IgnoreIdTokenHint);
    assert!(world.authorize(&hinted).await.param("code").is_some());
}

#[tokio::test]
async fn end_session_goes_back_to_a_registered_address_only() {
    let mut world = World::new();
    let tokens = world.tokens(&[]).await;
    let hint = id_token(&tokens).to_owned();
    let bad =
        format!("/end_session?id_token_hint={hint}&post_logout_redirect_uri=https://evil.example/");
    let refused = world.get(&bad).await;
    assert_eq!(
        (refused.status, refused.location()),
        (StatusCode::BAD_REQUEST, "")
    );
    assert_eq!(world.simulator.handle().sessions(), 1);

    let back = "post_logout_redirect_uri=http://127.0.0.1:3000/auth/logged-out&state=s";
    let unknown_client = world.get(&format!("/end_session?{back}")).await;
    assert_eq!(unknown_client.status, 400, "nobody to register it for");
    let page = world
        .get(&format!("/end_session?client_id=app&{back}"))
        .await;
    assert!(
        page.body.contains("Sign out?"),
        "no hint: the person is asked"
    );
    assert_eq!(world.simulator.handle().sessions(), 1);

    let answer = world
        .get(&format!("/end_session?id_token_hint={hint}&{back}"))
        .await;
    assert_eq!(
        answer.location(),
        "http://127.0.0.1:3000/auth/logged-out?state=s"
    );
    assert_eq!(world.simulator.handle().sessions(), 0);

    world.sign_in(&[]).await;
    let confirmed = world
        .form("/end_session", &[("client_id", "app"), ("confirm", "yes")])
        .await;
    assert!(confirmed.body.contains("You are signed out"));
    assert_eq!(world.simulator.handle().sessions(), 0);
}

#[tokio::test]
async fn an_issuer_with_a_path_is_mounted_there() {
    let simulator = Simulator::quickstart("http://127.0.0.1:3001/realms/acme");
    let router = Router::new().nest("/realms/acme", simulator.router());
    let request = Request::get(
        "/realms/acme/authorize?client_id=a&redirect_uri=http://localhost/&response_type=code&scope=openid",
    );
    let request = request.body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("action=\"/realms/acme/login\""));
}

#[test]
fn everything_is_send_and_sync_and_prints_no_secret() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug>(_: &T) {}
    let simulator = World::new().simulator;
    check(&simulator);
    check(simulator.handle());
    assert!(!format!("{simulator:?}").contains("s3cr3t"));
}
