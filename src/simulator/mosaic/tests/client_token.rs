//! Tokens of applications.

use super::*;

#[tokio::test]
async fn a_client_token_lives_an_hour() {
    let world = World::new().await;
    let form = "grant_type=client_credentials&client_id=payroll&client_secret=s3cr3t";
    let answer = world.ask_token(None, form).await.tokens();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3600);
    assert_eq!(world.handle().client_tokens(), 2);
    let token = text(&answer, "access_token");
    let claims = part(&token, 1);
    for (name, value) in [
        ("iss", json!("https://userid.security")),
        ("sub", json!("payroll")),
        ("client_id", json!("payroll")),
        ("aud", json!("userid-api")),
        ("tid", json!("acme")),
        ("iat", json!(START)),
        ("exp", json!(START + 3600)),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    assert!(world.verifies(&token).await);

    let session_id = text(&world.alice().await, "session_id");
    world.clock.advance(Duration::from_secs(3599));
    assert_eq!(world.silent(&session_id).await.status, 200);
    world.clock.advance(SECOND);
    let late = world.silent(&session_id).await;
    assert_eq!(late.refusal(), refused(401, "Unauthorized"));
}

#[tokio::test]
async fn a_client_proves_who_it_is_by_form_or_header() {
    let world = World::new().await;
    let basic = |credentials: &str| format!("Basic {}", STANDARD.encode(credentials));
    let resource = "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example.com";
    let answer = world
        .ask_token(Some(&basic("travel:0th3r")), resource)
        .await;
    let claims = part(&text(&answer.tokens(), "access_token"), 1);
    assert_eq!(claims["sub"], "travel");
    assert_eq!(claims["aud"], "https://api.example.com");

    let grant = "grant_type=client_credentials";
    let right = "client_id=payroll&client_secret=s3cr3t";
    for (authorization, form, status, code) in [
        (
            Some(basic("payroll:wrong")),
            grant.to_owned(),
            401,
            "invalid_client",
        ),
        (
            None,
            format!("{grant}&client_id=payroll&client_secret=wrong"),
            401,
            "invalid_client",
        ),
        (
            None,
            format!("{grant}&client_id=payroll"),
            401,
            "invalid_client",
        ),
        (
            None,
            format!("{grant}&client_id=nobody&client_secret=x"),
            401,
            "invalid_client",
        ),
        (None, grant.to_owned(), 401, "invalid_client"),
        (None, right.to_owned(), 400, "invalid_request"),
        (
            None,
            format!("{grant}&{grant}&{right}"),
            400,
            "invalid_request",
        ),
        (
            None,
            format!("grant_type=password&{right}"),
            400,
            "unsupported_grant_type",
        ),
    ] {
        let answer = world.ask_token(authorization.as_deref(), &form).await;
        assert_eq!(answer.status, status, "{form}");
        assert_eq!(answer.json()["error"], code, "{form}");
        assert!(answer.json()["error_description"].is_string(), "{form}");
    }
    let json = Request::post("/oidc/token")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(
            json!({"grant_type": "client_credentials"}).to_string(),
        ));
    let answer = world.send(json.unwrap()).await;
    assert_eq!(answer.json()["error"], "invalid_request");
    assert_eq!(
        world.handle().client_tokens(),
        2,
        "one for each that was right"
    );
}

#[tokio::test]
async fn each_call_wants_a_client_token() {
    let world = World::new().await;
    let user_token = text(&world.alice().await, "access_token");
    let revoke = "/cis/v1/auth/users/alice/sessions";
    let calls = [
        SILENT, LOGOUT, REFRESH, PASSWORD, OTP_SEND, OTP, LINK_SEND, LINK,
    ];
    let calls = calls.map(|path| (Method::POST, path));
    for (method, path) in calls.into_iter().chain([(Method::DELETE, revoke)]) {
        for authorization in [
            None,
            Some("Bearer nonsense".to_owned()),
            Some(format!("Bearer {user_token}")),
            Some(format!("Basic {}", STANDARD.encode("payroll:s3cr3t"))),
            Some(world.token.clone()),
        ] {
            let mut request = Request::builder()
                .method(&method)
                .uri(path)
                .header(header::CONTENT_TYPE, "application/json");
            if let Some(value) = &authorization {
                request = request.header(header::AUTHORIZATION, value);
            }
            let answer = world.send(request.body(Body::from("{}")).unwrap()).await;
            let expected = refused(401, "Unauthorized");
            assert_eq!(answer.refusal(), expected, "{path} {authorization:?}");
        }
    }
    assert_eq!(world.handle().sessions(), 1, "nothing was revoked");
    let recorded = world.handle().client_attributes();
    assert_eq!(recorded, [Value::Null], "what is refused is not recorded");
}
