//! The management API.

use super::*;

const CONNECTIONS: &str = "/api/v1/connections";
const DOMAINS: &str = "/api/v1/organizations/org_acme/domains";

fn refusal(answer: &Answer) -> (u16, Value, Value) {
    let body = answer.json();
    assert!(!text(&body, "message").is_empty());
    let error_code = body["details"][0]["error_code"].clone();
    (answer.status.as_u16(), body["code"].clone(), error_code)
}

async fn ids(world: &World, query: &str) -> Vec<String> {
    let token = world.management_token().await;
    let path = format!("{CONNECTIONS}?{query}");
    let body = world.call(&token, "GET", &path, "").await.ok();
    let found = body["connections"].as_array().unwrap().iter();
    found.map(|connection| text(connection, "id")).collect()
}

#[tokio::test]
async fn connections_are_found_by_domain_and_organization() {
    let world = World::new();
    for (query, expected) in [
        ("domain=example.com", &["conn_acme"][..]),
        ("domain=EXAMPLE.com&include=all", &["conn_acme", "conn_off"]),
        ("domain=nowhere.example", &[]),
        ("domain=evil-example.com&include=all", &[]),
        ("organization_id=org_beta", &["conn_beta"]),
        ("organization_id=org_beta&domain=example.com", &[]),
        (
            "organization_id=org_acme&domain=example.com",
            &["conn_acme"],
        ),
        ("organization_id=org_new", &["conn_draft"]),
        ("", &["conn_acme", "conn_beta", "conn_draft"]),
    ] {
        assert_eq!(ids(&world, query).await, expected, "{query}");
    }
    let token = world.management_token().await;
    let path = format!("{CONNECTIONS}?domain=example.org");
    let body = world.call(&token, "GET", &path, "").await.ok();
    let expected = json!({"connections": [{
        "id": "conn_beta", "provider": "GOOGLE", "type": "SAML", "status": "COMPLETED", "enabled": true,
        "organization_id": "org_beta", "organization_name": "org_beta", "domains": ["example.org"],
    }]});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_api_wants_a_token_of_its_own() {
    let world = World::new();
    let unauthenticated = (401, json!(16), json!("UNAUTHENTICATED"));
    assert_eq!(refusal(&world.get(CONNECTIONS).await), unauthenticated);
    let answer = world.call("made-up", "GET", CONNECTIONS, "").await;
    assert_eq!(refusal(&answer), unauthenticated);
    let of_a_person = text(&world.tokens().await, "access_token");
    for (method, path) in [
        ("GET", CONNECTIONS),
        ("PUT", "/api/v1/organizations/org_acme/portal_links"),
        ("GET", DOMAINS),
        ("POST", DOMAINS),
    ] {
        let answer = world.call(&of_a_person, method, path, "{}").await;
        assert_eq!(refusal(&answer), unauthenticated, "{method} {path}");
    }
    let token = world.management_token().await;
    let claims = part(&token, 1);
    assert_eq!(claims["sub"], "skc_1");
    assert!(world.verifies(&token).await);
    world.clock.advance(86_398 * SECOND);
    assert_eq!(world.call(&token, "GET", CONNECTIONS, "").await.status, 200);
    world.clock.advance(SECOND);
    let answer = world.call(&token, "GET", CONNECTIONS, "").await;
    assert_eq!(refusal(&answer), unauthenticated);
}

#[tokio::test]
async fn a_token_can_be_refused_once_or_always() {
    let world = World::new();
    let token = world.management_token().await;
    world
        .handle()
        .set_fault(ScalekitFault::ManagementTokenRefusedOnce);
    for _ in 0..2 {
        let answer = world.call(&token, "GET", CONNECTIONS, "").await;
        assert_eq!(answer.status, 401, "the token is dead");
    }
    let token = world.management_token().await;
    assert_eq!(world.call(&token, "GET", CONNECTIONS, "").await.status, 200);
    world
        .handle()
        .set_fault(ScalekitFault::ManagementTokenRefused);
    let token = world.management_token().await;
    for _ in 0..2 {
        assert_eq!(world.call(&token, "GET", CONNECTIONS, "").await.status, 401);
    }
    world.handle().clear_faults();
    assert_eq!(world.call(&token, "GET", CONNECTIONS, "").await.status, 200);
    assert_eq!(world.handle().management_tokens(), 3);
}

#[tokio::test]
async fn domains_are_listed_and_added() {
    let world = World::new();
    let token = world.management_token().await;
    let list = async || {
        let body = world.call(&token, "GET", DOMAINS, "").await.ok();
        let found = body["domains"].as_array().unwrap().clone();
        found
            .iter()
            .map(|known| text(known, "domain"))
            .collect::<Vec<_>>()
    };
    assert_eq!(list().await, ["example.com"]);
    let body = json!({"domain": "New.Example"}).to_string();
    let added = world.call(&token, "POST", DOMAINS, &body).await.ok();
    assert_eq!(added["domain"]["domain"], "new.example");
    assert_eq!(added["domain"]["organization_id"], "org_acme");
    assert!(text(&added["domain"], "id").starts_with("dom_"));
    assert_eq!(list().await, ["example.com", "new.example"]);
    let page = world.authorize(&[("domain", "new.example")]).await;
    assert!(page.body.contains("id=\"connection\">conn_acme<"));
    assert_eq!(ids(&world, "domain=new.example").await, ["conn_acme"]);
}

#[tokio::test]
async fn each_refusal_has_its_status() {
    let world = World::new();
    let token = world.management_token().await;
    let of_nobody = "/api/v1/organizations/org_x";
    let taken = json!({"domain": "example.org"}).to_string();
    let invalid = (400, json!(3), json!("INVALID_ARGUMENT"));
    let missing = (404, json!(5), json!("NOT_FOUND"));
    let conflict = (409, json!(6), json!("ALREADY_EXISTS"));
    let links = "/api/v1/organizations/org_acme/portal_links";
    for (method, path, body, expected) in [
        ("GET", format!("{CONNECTIONS}?include=some"), "", &invalid),
        (
            "GET",
            format!("{CONNECTIONS}?organization_id=org_x"),
            "",
            &missing,
        ),
        ("PUT", format!("{of_nobody}/portal_links"), "", &missing),
        ("PUT", format!("{links}?features=billing"), "", &invalid),
        ("GET", format!("{of_nobody}/domains"), "", &missing),
        ("POST", format!("{of_nobody}/domains"), &taken, &missing),
        ("POST", DOMAINS.to_owned(), "x", &invalid),
        ("POST", DOMAINS.to_owned(), "{}", &invalid),
        ("POST", DOMAINS.to_owned(), r#"{"domain":"x"}"#, &invalid),
        ("POST", DOMAINS.to_owned(), &taken, &conflict),
    ] {
        let answer = world.call(&token, method, &path, body).await;
        assert_eq!(refusal(&answer), *expected, "{method} {path} {body}");
    }
    world.handle().set_fault(ScalekitFault::RateLimited(
        ScalekitEndpoint::Connections,
        Some(7),
    ));
    let answer = world.call(&token, "GET", CONNECTIONS, "").await;
    let limited = (429, json!(8), json!("RATE_LIMITED"));
    assert_eq!(refusal(&answer), limited);
    assert_eq!(answer.headers[header::RETRY_AFTER], "7");
    assert_eq!(world.call(&token, "GET", DOMAINS, "").await.status, 200);
}
