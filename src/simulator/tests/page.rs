//! What a person sees and does.

use super::*;

#[tokio::test]
async fn a_step_up_adds_a_factor_to_the_same_session() {
    let mut world = World::new();
    let first = world.tokens(&[]).await;
    world.clock.advance(Duration::from_secs(50));
    let page = world.authorize(&[("acr_values", "urn:example:gold")]).await;
    assert!(page.body.contains("One more factor"), "{}", page.body);
    let answer = world.submit(&page, "alice", &["otp"]).await;
    let second = world.redeem(&answer.param("code").unwrap()).await.json();
    let (before, after) = (part(id_token(&first), 1), part(id_token(&second), 1));
    assert_eq!(after["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(after["acr"], "urn:example:gold");
    assert_eq!(after["auth_time"], 1_800_000_050_u64);
    assert_eq!(after["sid"], before["sid"]);
    let silent = world
        .authorize(&[("prompt", "none"), ("acr_values", "mfa")])
        .await;
    assert!(silent.param("code").is_some());
}

#[tokio::test]
async fn an_essential_level_is_reached_or_refused() {
    let essential =
        |acr: &str| json!({"id_token": {"acr": {"essential": true, "values": [acr]}}}).to_string();
    let mut world = World::new();
    let claims = essential("urn:example:gold");
    let page = world.authorize(&[("claims", &claims)]).await;
    let page = world.submit(&page, "alice", &["password"]).await;
    assert_eq!(page.status, 400, "not enough: the page again");
    let interaction = page.hidden("interaction");
    let cannot = [
        ("interaction", &*interaction),
        ("deny", "unmet_authentication_requirements"),
    ];
    let refused = world.form("/login", &cannot).await;
    let unmet = "unmet_authentication_requirements";
    assert_eq!(refused.param("error").unwrap(), unmet);
    let answer = world.submit(&page, "alice", &["security_key"]).await;
    assert!(answer.param("code").is_some());

    let unknown = essential("urn:unknown");
    let answer = world.authorize(&[("claims", &unknown)]).await;
    assert_eq!(answer.param("error").unwrap(), unmet, "out of reach");

    let handle = world.simulator.handle().clone();
    handle.end_sessions();
    handle.set_default_login(LoginChoice::new("alice"));
    let answer = world.authorize(&[("claims", &claims)]).await;
    assert_eq!(
        answer.param("error").unwrap(),
        unmet,
        "no page for auto-login"
    );
    handle.set_default_login(LoginChoice::new("alice").with_acr("urn:unknown"));
    let answer = world.authorize(&[("claims", &unknown)]).await;
    let tokens = world.redeem(&answer.param("code").unwrap()).await.json();
    assert_eq!(part(id_token(&tokens), 1)["acr"], "urn:unknown");
}

#[tokio::test]
async fn a_person_can_refuse_and_must_pick() {
    let mut world = World::new();
    let page = world.authorize(&[]).await;
    assert_eq!(world.submit(&page, "alice", &[]).await.status, 400);
    assert_eq!(
        world.submit(&page, "nobody", &["password"]).await.status,
        400
    );
    let interaction = page.hidden("interaction");
    for (fields, code) in [
        (vec![("deny", "access_denied")], "access_denied"),
        (
            vec![("deny", "selected"), ("error", "server_error")],
            "server_error",
        ),
        (
            vec![("deny", "selected"), ("error", "<script>")],
            "access_denied",
        ),
    ] {
        let fields = [vec![("interaction", &*interaction)], fields].concat();
        let answer = world.form("/login", &fields).await;
        assert_eq!(answer.param("error").unwrap(), code);
    }
    assert_eq!(
        world.form("/login", &[("interaction", "x")]).await.status,
        400
    );
    world.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(
        world.submit(&page, "alice", &["password"]).await.status,
        400
    );
}

#[tokio::test]
async fn consent_and_a_new_login_in_one_attempt() {
    let mut world = World::new();
    world.sign_in(&[]).await;
    let page = world.authorize(&[("prompt", "login consent")]).await;
    assert!(page.body.contains("Sign in again"));
    let page = world.submit(&page, "alice", &["otp"]).await;
    assert!(page.body.contains("Allow access?"), "{}", page.body);
    assert!(
        world
            .submit(&page, "alice", &[])
            .await
            .param("code")
            .is_some()
    );
}

#[tokio::test]
async fn the_page_escapes_what_the_request_says_and_runs_no_script() {
    let mut world = World::with(SimulatorBuilder::any_client);
    let page = world
        .get(
            "/authorize?client_id=%3Cscript%3Ealert(1)%3C/script%3E&redirect_uri=http://localhost/\
             &response_type=code&scope=openid&acr_values=%22%3E%3Cb%3E&login_hint=bob@example.com",
        )
        .await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("<script>") && !page.body.contains("<b>"));
    assert!(
        page.body.contains("value=\"bob\" checked"),
        "login_hint preselects"
    );
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"));
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn form_post_answers_with_a_page_that_sends_itself() {
    let mut world = World::new();
    let form_post = [("response_mode", "form_post")];
    let page = world.authorize(&form_post).await;
    let page = world.submit(&page, "alice", &["password"]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains(&format!("method=\"post\" action=\"{CALLBACK}\""))
    );
    assert_eq!(page.hidden("state"), "the-state");
    assert_eq!(page.hidden("iss"), ISSUER);
    assert!(page.body.contains("<noscript>"));
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("script-src 'sha256-"));
    let code = page.hidden("code");
    assert_eq!(world.redeem(&code).await.status, 200);

    world.simulator.handle().end_sessions();
    let silent = [("response_mode", "form_post"), ("prompt", "none")];
    assert_eq!(
        world.authorize(&silent).await.hidden("error"),
        "login_required"
    );
}
