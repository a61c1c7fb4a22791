//! Who is asked, and what the application is told.

use super::*;

#[tokio::test]
async fn metadata_name_endpoints_that_answer() {
    let world = World::new();
    let metadata = world.get("/.well-known/openid-configuration").await.ok();
    assert_eq!(metadata["issuer"], ENVIRONMENT);
    for (name, path) in [
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("jwks_uri", "/keys"),
        ("end_session_endpoint", "/oidc/logout"),
    ] {
        assert_eq!(metadata[name], format!("{ENVIRONMENT}{path}"));
    }
    let scopes = metadata["scopes_supported"].as_array().unwrap();
    assert!(!scopes.contains(&json!("offline_access")));
    let keys = world.get("/keys").await.ok();
    assert_eq!(keys["keys"][0]["alg"], "RS256");
    assert!(keys["keys"][0].get("d").is_none());
}

#[tokio::test]
async fn each_selector_leads_to_its_idp() {
    let world = World::new();
    for (name, value, connection) in [
        ("connection_id", "conn_beta", "conn_beta"),
        ("organization_id", "org_acme", "conn_acme"),
        ("domain_hint", "example.org", "conn_beta"),
        ("domain", "EXAMPLE.com", "conn_acme"),
        ("login_hint", "alice@example.com", "conn_acme"),
        ("provider", "google", "conn_beta"),
    ] {
        let page = world.authorize(&[(name, value)]).await;
        assert_eq!(page.status, 200, "{name}");
        let shown = format!("id=\"connection\">{connection}<");
        assert!(page.body.contains(&shown), "{name}: {}", page.body);
    }
    let both = [
        ("connection_id", "conn_beta"),
        ("organization_id", "org_acme"),
    ];
    let page = world.authorize(&both).await;
    assert!(page.body.contains("id=\"connection\">conn_beta<"));
}

#[tokio::test]
async fn the_hinted_person_is_chosen_already() {
    let world = World::new();
    let chosen = |page: &Answer, user: &str| {
        let input = format!("value=\"conn_acme;{user}\" checked");
        page.body.contains(&input)
    };
    let page = world.authorize(&[("connection_id", "conn_acme")]).await;
    assert!(chosen(&page, "alice") && page.body.contains("Acme’s OKTA"));
    let hint = [
        ("connection_id", "conn_acme"),
        ("login_hint", "Gone@example.com"),
    ];
    let page = world.authorize(&hint).await;
    assert!(chosen(&page, "gone") && !chosen(&page, "alice"));
    assert!(!page.body.contains("carol"), "of another customer");
}

#[tokio::test]
async fn what_selects_nothing_is_an_error_with_the_state() {
    let world = World::new();
    for (query, error) in [
        (&[][..], "invalid_connection_selector"),
        (&[("connection_id", "conn_x")], "invalid_connection_id"),
        (&[("connection_id", "conn_off")], "connection_not_active"),
        (&[("connection_id", "conn_draft")], "connection_not_active"),
        (&[("organization_id", "org_x")], "invalid_organization_id"),
        (&[("organization_id", "org_new")], "no_active_connections"),
        (&[("domain", "nowhere.example")], "domain_not_found"),
        (&[("provider", "github")], "no_configured_connections"),
    ] {
        let answer = world.authorize(query).await;
        assert_eq!(answer.refused(), error);
        assert_eq!(answer.callback().get("state"), Some("the-state"));
    }
}

#[tokio::test]
async fn nobody_is_sent_to_what_is_not_registered() {
    let world = World::new();
    for uri in [
        "https://evil.example/auth/callback",
        "https://app.example/auth/callback/",
        "https://app.example/auth/callback?x=1",
        "",
    ] {
        let fields = [
            ("client_id", "skc_1"),
            ("redirect_uri", uri),
            ("response_type", "code"),
            ("scope", "openid"),
            ("connection_id", "conn_acme"),
        ];
        let path = format!("/oauth/authorize?{}", form(&fields));
        let page = world.get(&path).await;
        assert_eq!(page.status, 400, "{uri}");
        assert!(!page.headers.contains_key(header::LOCATION));
        assert!(page.body.contains("invalid_redirect_uri"));
    }
}

#[tokio::test]
async fn a_person_of_the_idp_gets_a_code_and_nobody_else() {
    let world = World::new();
    let answer = world.sign_in("conn_acme;alice").await;
    let params = answer.callback();
    assert_eq!(params.get("state"), Some("the-state"));
    assert!(params.get("code").is_some() && params.get("error").is_none());
    assert!(params.get("connection_id").is_none());

    let page = world.authorize(&[("connection_id", "conn_acme")]).await;
    let interaction = page.hidden("interaction");
    for user in ["conn_beta;carol", "conn_acme;mallory", ""] {
        let fields = [("interaction", &*interaction), ("user", user)];
        assert_eq!(world.post("/idp/login", &fields).await.status, 400);
    }
    world.clock.advance(Duration::from_secs(30 * 60));
    let fields = [("interaction", &*interaction), ("user", "conn_acme;alice")];
    assert_eq!(world.post("/idp/login", &fields).await.status, 400);
}

#[tokio::test]
async fn the_rules_of_the_customer_hold() {
    let world = World::new();
    for (subject, error) in [
        ("conn_acme;nameless", "mandatory_attribute_missing"),
        ("conn_acme;gone", "user_not_active"),
        ("conn_beta;stray", "invalid_user_domain"),
    ] {
        assert_eq!(world.sign_in(subject).await.refused(), error);
    }
    let other_domain = world.sign_in("conn_acme;bob;x").await;
    assert!(other_domain.callback().get("code").is_some());
    let own_domain = world.sign_in("conn_beta;carol").await;
    assert!(own_domain.callback().get("code").is_some());
}

#[tokio::test]
async fn the_person_can_cancel_and_the_idp_can_fail() {
    let world = World::new();
    let page = world.authorize(&[("connection_id", "conn_acme")]).await;
    let interaction = page.hidden("interaction");
    let answer = async |fields: &[(&str, &str)]| {
        let fields = [fields, &[("interaction", &interaction)]].concat();
        world.post("/idp/login", &fields).await.refused()
    };
    assert_eq!(answer(&[("answer", "cancel")]).await, "access_denied");
    let mut failures = 0;
    for (code, _) in catalogue::of_idps() {
        assert!(page.body.contains(&format!("<option>{code}</option>")));
        let fields = [("answer", "error"), ("error", code)];
        assert_eq!(answer(&fields).await, code);
        failures += 1;
    }
    assert!(failures >= 12);
}

#[tokio::test]
async fn a_person_can_sign_in_by_themselves() {
    let world = World::new();
    let silent = [("connection_id", "conn_acme"), ("prompt", "none")];
    let answer = world.authorize(&silent).await;
    assert_eq!(answer.refused(), "user_login_required");
    world.handle().set_default_login("conn_acme;alice");
    let answer = world.authorize(&silent).await;
    assert!(answer.callback().get("code").is_some());
    let other = world.authorize(&[("connection_id", "conn_beta")]).await;
    assert_eq!(other.status, 200, "who is of another IdP is asked");
    world.handle().set_default_login(None);
    let page = world.authorize(&[("connection_id", "conn_acme")]).await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn the_callback_gets_hints_where_they_are_switched_on() {
    let world = World::with(|builder| builder.callback_hints(Some("/from/idp")));
    let params = world.sign_in("conn_acme;alice").await.callback();
    assert_eq!(params.get("connection_id"), Some("conn_acme"));
    assert_eq!(params.get("relay_state"), Some("/from/idp"));
    let world = World::with(|builder| builder.callback_hints(None));
    let params = world.sign_in("conn_acme;alice").await.callback();
    assert_eq!(params.get("connection_id"), Some("conn_acme"));
    assert_eq!(params.get("relay_state"), None);
}

#[tokio::test]
async fn a_connection_that_is_switched_off_lets_nobody_in() {
    let world = World::new();
    assert!(world.handle().enable_connection("conn_acme", false));
    assert!(!world.handle().enable_connection("conn_x", false));
    let answer = world.authorize(&[("connection_id", "conn_acme")]).await;
    assert_eq!(answer.refused(), "connection_not_active");
    world.handle().enable_connection("conn_off", true);
    let page = world.authorize(&[("organization_id", "org_acme")]).await;
    assert!(page.body.contains("id=\"connection\">conn_off<"));
}
