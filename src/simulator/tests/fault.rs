//! Each fault does what it says.

use super::*;

#[tokio::test]
async fn faults_of_the_id_token() {
    let mut world = World::new();
    world.sign_in(&[]).await;
    let handle = world.simulator.handle().clone();
    let forge = |alg| vec![Fault::IdTokenAlg(alg)];
    let claim = |name: &str, value| vec![Fault::IdTokenClaim(name.to_owned(), value)];
    let check = |pointer: &'static str, expected: Value| {
        move |header: &Value, claims: &Value| {
            let found = header.pointer(pointer).or(claims.pointer(pointer));
            assert_eq!(found.unwrap_or(&Value::Null), &expected, "{pointer}");
        }
    };
    let hs256 = || check("/alg", json!("HS256"));
    type Check = Box<dyn Fn(&Value, &Value)>;
    let rows: Vec<(Vec<Fault>, bool, Check)> = vec![
        (
            claim("nonce", None),
            true,
            Box::new(check("/nonce", Value::Null)),
        ),
        (
            claim("exp", Some(json!("1"))),
            true,
            Box::new(check("/exp", json!("1"))),
        ),
        (vec![Fault::BadSignature], false, Box::new(|_, _| {})),
        (
            vec![Fault::NoKid],
            false,
            Box::new(check("/kid", Value::Null)),
        ),
        (vec![Fault::UnknownKid], false, Box::new(|_, _| {})),
        (vec![Fault::JwksEmpty], false, Box::new(|_, _| {})),
        (vec![Fault::JwksExtraKeys], true, Box::new(|_, _| {})),
        (
            vec![Fault::JwksSeveralKeysNoKid],
            true,
            Box::new(check("/kid", Value::Null)),
        ),
        (
            vec![Fault::ExtraHeader("crit".to_owned(), json!(["x"]))],
            true,
            Box::new(check("/crit", json!(["x"]))),
        ),
        (
            vec![Fault::CHash("x".to_owned())],
            true,
            Box::new(check("/c_hash", json!("x"))),
        ),
        (
            vec![Fault::ClockSkew(-90)],
            true,
            Box::new(check("/iat", json!(1_799_999_910_u64))),
        ),
        (
            forge(ForgedAlg::None("nOnE".to_owned())),
            false,
            Box::new(check("/alg", json!("nOnE"))),
        ),
        (
            forge(ForgedAlg::Named("RS256".to_owned())),
            true,
            Box::new(check("/alg", json!("RS256"))),
        ),
        (
            forge(ForgedAlg::Hs256WithClientSecret),
            false,
            Box::new(hs256()),
        ),
        (
            forge(ForgedAlg::Hs256WithClientId),
            false,
            Box::new(hs256()),
        ),
        (
            forge(ForgedAlg::Hs256WithPublicKeyPem),
            false,
            Box::new(hs256()),
        ),
        (
            forge(ForgedAlg::Hs256WithPublicKeyDer),
            false,
            Box::new(hs256()),
        ),
        (
            forge(ForgedAlg::Hs256WithPublicKeyBytes),
            false,
            Box::new(hs256()),
        ),
    ];
    for (faults, verifies, check) in rows {
        handle.clear_faults();
        let code = world.authorize(&[]).await.param("code").unwrap();
        for fault in &faults {
            handle.set_fault(fault.clone());
        }
        let tokens = world.redeem(&code).await.json();
        let token = id_token(&tokens);
        check(&part(token, 0), &part(token, 1));
        assert_eq!(world.verifies(token).await, verifies, "{faults:?}");
        handle.clear_faults();
    }
    let code = world.authorize(&[]).await.param("code").unwrap();
    handle.set_fault(Fault::AtHashWrong);
    let tokens = world.redeem(&code).await.json();
    let hash = base64url(&sha256(tokens["access_token"].as_str().unwrap().as_bytes())[..16]);
    assert_ne!(part(id_token(&tokens), 1)["at_hash"], hash);
}

#[tokio::test]
async fn faults_of_the_other_answers() {
    let mut world = World::new();
    world.sign_in(&[]).await;
    let handle = world.simulator.handle().clone();
    handle.set_fault(Fault::OmitState);
    handle.set_fault(Fault::IssParameter(None));
    let answer = world.authorize(&[]).await;
    assert_eq!((answer.param("state"), answer.param("iss")), (None, None));
    handle.clear_faults();
    handle.set_fault(Fault::WrongState);
    handle.set_fault(Fault::IssParameter(Some("https://evil.example".to_owned())));
    handle.set_fault(Fault::DuplicateCode);
    let answer = world.authorize(&[]).await;
    assert_eq!(answer.param("state").unwrap(), "wrong-state");
    assert_eq!(answer.param("iss").unwrap(), "https://evil.example");
    assert_eq!(answer.location().matches("code=").count(), 2);
    handle.clear_faults();
    handle.set_fault(Fault::AuthorizeError("x".to_owned(), Some("y".to_owned())));
    let answer = world.authorize(&[]).await;
    assert_eq!(answer.param("error").unwrap(), "x");
    assert_eq!(answer.param("error_description").unwrap(), "y");
    handle.clear_faults();

    handle.set_fault(Fault::WeakStepUp);
    let more = [("prompt", "login"), ("max_age", "0"), ("acr_values", "mfa")];
    assert!(world.authorize(&more).await.param("code").is_some());
    handle.clear_faults();

    let code = world.authorize(&[]).await.param("code").unwrap();
    handle.set_fault(Fault::NoIdToken);
    handle.set_fault(Fault::TokenType("mac".to_owned()));
    handle.set_fault(Fault::ExpiresIn(None));
    let tokens = world.redeem(&code).await.json();
    assert_eq!(tokens["token_type"], "mac");
    assert!(tokens.get("id_token").is_none() && tokens.get("expires_in").is_none());
    handle.clear_faults();

    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    handle.set_fault(Fault::UserInfoSub("mallory".to_owned()));
    handle.set_fault(Fault::UserInfoClaims(json!({"extra": 1})));
    handle.set_fault(Fault::UserInfoSigned);
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, &bearer);
    let userinfo = world.send(request, Body::empty()).await;
    assert_eq!(userinfo.headers[header::CONTENT_TYPE], "application/jwt");
    let claims = part(&userinfo.body, 1);
    assert_eq!(
        (&claims["sub"], &claims["extra"]),
        (&json!("mallory"), &json!(1))
    );
    assert_eq!(claims["aud"], "app");
    assert!(world.verifies(&userinfo.body).await);
    handle.clear_faults();
    handle.set_fault(Fault::UserInfoBadSignature);
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, &bearer);
    let userinfo = world.send(request, Body::empty()).await;
    assert_eq!(userinfo.headers[header::CONTENT_TYPE], "application/jwt");
    assert!(!world.verifies(&userinfo.body).await);
    handle.clear_faults();

    handle.set_fault(Fault::DiscoveryIssuer("https://evil.example".to_owned()));
    handle.set_fault(Fault::DiscoveryField("jwks_uri".to_owned(), None));
    let metadata = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], "https://evil.example");
    assert!(metadata.get("jwks_uri").is_none());
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_network() {
    let mut world = World::new();
    let handle = world.simulator.handle().clone();
    handle.set_fault(Fault::Status(Endpoint::Jwks, 503, Some(7)));
    let down = world.get("/jwks").await;
    assert_eq!(down.status, 503);
    assert_eq!(down.headers[header::RETRY_AFTER], "7");
    assert_eq!(
        world.get("/.well-known/openid-configuration").await.status,
        200
    );
    handle.clear_faults();

    handle.set_fault(Fault::Garbage(Endpoint::Jwks));
    assert!(world.get("/jwks").await.body.starts_with("<!doctype html>"));
    handle.clear_faults();
    handle.set_fault(Fault::HugeBody(Endpoint::Jwks));
    assert_eq!(world.get("/jwks").await.body.len(), 16 * 1024 * 1024);
    handle.clear_faults();
    handle.set_fault(Fault::Redirect(Endpoint::Jwks));
    let redirect = world.get("/jwks").await;
    assert_eq!(redirect.location(), format!("{ISSUER}/jwks?redirected=1"));
    assert_eq!(world.get("/jwks?redirected=1").await.status, 200);
    handle.clear_faults();
    handle.set_fault(Fault::Hang(Endpoint::Jwks));
    let minute = Duration::from_secs(60);
    assert!(
        tokio::time::timeout(minute, world.get("/jwks"))
            .await
            .is_err()
    );
    handle.clear_faults();
    handle.set_fault(Fault::Slow(Endpoint::Jwks, minute));
    let start = tokio::time::Instant::now();
    assert_eq!(world.get("/jwks").await.status, 200);
    assert!(start.elapsed() >= minute);
    assert_eq!(handle.requests(Endpoint::Jwks), 7);
}
