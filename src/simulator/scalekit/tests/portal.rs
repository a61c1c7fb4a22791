//! The admin portal.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// A link for these features, as path.
async fn link(world: &World, query: &str) -> String {
    let token = world.management_token().await;
    let path = format!("/api/v1/organizations/org_acme/portal_links{query}");
    let body = world.call(&token, "PUT", &path, "").await.ok();
    let link = &body["link"];
    assert!(text(link, "id").starts_with("lnk_"));
    assert_eq!(link["expire_time"], "2027-01-15T08:01:00Z");
    let location = text(link, "location");
    let path = location.strip_prefix(ENVIRONMENT).unwrap();
    path.to_owned()
}

/// The events that a page posts at once, and to whom.
#[track_caller]
fn posted(page: &Answer) -> (Value, Vec<Value>) {
    let (_, script) = page.body.split_once("<script>").unwrap();
    let (origins, rest) = script
        .strip_prefix("const post = event => ")
        .and_then(|rest| rest.split_once(".forEach"))
        .unwrap();
    let (_, rest) = rest.split_once("));\n").unwrap();
    let (events, _) = rest.split_once(".forEach(post)").unwrap();
    let events: Value = serde_json::from_str(events).unwrap();
    let events = events.as_array().unwrap().clone();
    (serde_json::from_str(origins).unwrap(), events)
}

#[track_caller]
fn event_types(page: &Answer) -> Vec<String> {
    let (_, events) = posted(page);
    events
        .iter()
        .map(|event| text(event, "event_type"))
        .collect()
}

#[tokio::test]
async fn a_link_opens_once() {
    let world = World::new();
    let link = link(&world, "?features=sso").await;
    let page = world.get(&link).await;
    assert_eq!(page.status, 200);
    assert_eq!(event_types(&page), ["PORTAL_LOAD_SUCCESS"]);
    assert!(!page.hidden("session").is_empty());
    let again = world.get(&link).await;
    assert_eq!(again.status, 410);
    let (_, events) = posted(&again);
    assert_eq!(events[0]["event_type"], "PORTAL_LOAD_FAILURE");
    assert_eq!(events[0]["data"]["error_code"], "SESSION_EXPIRED");
    assert_eq!(events[0]["organization_id"], "org_acme");
    assert!(!again.body.contains("name=\"session\""));
    let unknown = world.get("/magicLink/made-up").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(event_types(&unknown), ["PORTAL_LOAD_FAILURE"]);
    assert_eq!(world.handle().requests(ScalekitEndpoint::Portal), 3);
}

#[tokio::test]
async fn a_link_is_good_for_a_minute() {
    let world = World::new();
    let (good, late) = (link(&world, "").await, link(&world, "").await);
    world.clock.advance(59 * SECOND);
    assert_eq!(world.get(&good).await.status, 200);
    world.clock.advance(SECOND);
    let answer = world.get(&late).await;
    assert_eq!(answer.status, 410);
    assert_eq!(event_types(&answer), ["PORTAL_LOAD_FAILURE"]);
}

#[tokio::test]
async fn pages_of_the_application_may_frame_it_and_no_others() {
    let world = World::with(|builder| builder.portal_origin("https://admin.example"));
    let page = world.get(&link(&world, "").await).await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    let ancestors = "frame-ancestors https://admin.example https://app.example;";
    assert!(policy.contains(ancestors), "{policy}");
    assert!(!page.headers.contains_key(header::X_FRAME_OPTIONS));
    let (origins, _) = posted(&page);
    assert_eq!(
        origins,
        json!(["https://admin.example", "https://app.example"])
    );
    let login = world.authorize(&[("connection_id", "conn_acme")]).await;
    let policy = login.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn a_connection_is_switched_and_the_page_around_is_told() {
    let world = World::new();
    let page = world.get(&link(&world, "?features=sso").await).await;
    let session = page.hidden("session");
    let press = async |button: &str| {
        let fields = [("session", &*session), ("action", button)];
        world.post("/portal", &fields).await
    };
    assert!(page.body.contains("value=\"disable conn_acme\""));
    let page = press("disable conn_acme").await;
    let (_, events) = posted(&page);
    assert_eq!(events[0]["event_type"], "ORGANIZATION_SSO_DISABLED");
    let data = json!({
        "connection_type": "SSO", "id": "conn_acme", "type": "OIDC", "provider": "OKTA", "enabled": false,
    });
    assert_eq!((events.len(), &events[0]["data"]), (1, &data));
    let refused = world.authorize(&[("connection_id", "conn_acme")]).await;
    assert_eq!(refused.refused(), "connection_not_active");
    let page = press("enable conn_acme").await;
    assert_eq!(event_types(&page), ["ORGANIZATION_SSO_ENABLED"]);
    let page = world.authorize(&[("connection_id", "conn_acme")]).await;
    assert_eq!(page.status, 200);

    for of_others in [
        "disable conn_beta",
        "disable conn_x",
        "directory enable",
        "x",
    ] {
        assert!(event_types(&press(of_others).await).is_empty());
    }
    let page = world.authorize(&[("connection_id", "conn_beta")]).await;
    assert_eq!(page.status, 200, "of another customer");
}

#[tokio::test]
async fn a_directory_is_switched_where_the_link_is_for_it() {
    let world = World::new();
    let query = "?features=dir_sync";
    let page = world.get(&link(&world, query).await).await;
    assert!(!page.body.contains("conn_acme"));
    let session = page.hidden("session");
    for (button, event) in [
        ("directory enable", "ORGANIZATION_DIRECTORY_ENABLED"),
        ("directory disable", "ORGANIZATION_DIRECTORY_DISABLED"),
    ] {
        assert!(event.to_ascii_lowercase().contains("directory"));
        let fields = [("session", &*session), ("action", button)];
        let page = world.post("/portal", &fields).await;
        assert_eq!(event_types(&page), [event]);
        let on = page.body.contains("id=\"status-directory\">enabled<");
        assert_eq!(
            on,
            button.ends_with("enable") && !button.ends_with("disable")
        );
    }
    let fields = [("session", &*session), ("action", "disable conn_acme")];
    let page = world.post("/portal", &fields).await;
    assert!(event_types(&page).is_empty(), "not for connections");
    let both = link(&world, "?features=sso&features=dir_sync").await;
    let page = world.get(&both).await.body;
    assert!(page.contains("conn_acme") && page.contains("status-directory"));
}

#[tokio::test]
async fn each_event_has_a_button() {
    let world = World::new();
    let page = world.get(&link(&world, "").await).await;
    let session = page.hidden("session");
    for name in [
        "ORGANIZATION_SSO_ENABLED",
        "ORGANIZATION_SSO_DISABLED",
        "ORGANIZATION_DIRECTORY_ENABLED",
        "ORGANIZATION_DIRECTORY_DISABLED",
        "PORTAL_LOAD_SUCCESS",
        "PORTAL_LOAD_FAILURE",
        "PORTAL_SESSION_WARNING",
        "PORTAL_SESSION_EXPIRY",
    ] {
        assert!(page.body.contains(&format!("id=\"{name}\"")), "{name}");
        let fields = [("session", &*session), ("event", name)];
        let page = world.post("/portal", &fields).await;
        let (_, events) = posted(&page);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["event_type"], name);
        assert_eq!(events[0]["organization_id"], "org_acme");
        for member in ["object", "message", "data"] {
            assert!(events[0].get(member).is_some(), "{name} has {member}");
        }
    }
}

#[tokio::test]
async fn a_session_warns_and_ends() {
    let world = World::new();
    let page = world.get(&link(&world, "").await).await;
    let session = page.hidden("session");
    let warning = format!("[{},{{", (6 * 3600 - 300) * 1000);
    let expiry = format!("[{},{{", 6 * 3600 * 1000);
    assert!(page.body.contains(&warning) && page.body.contains(&expiry));
    world.clock.advance(6 * HOUR - SECOND);
    let fields = [("session", &*session), ("action", "disable conn_acme")];
    assert_eq!(world.post("/portal", &fields).await.status, 200);
    world.clock.advance(SECOND);
    let fields = [("session", &*session), ("action", "enable conn_acme")];
    let page = world.post("/portal", &fields).await;
    assert_eq!(page.status, 410);
    assert_eq!(event_types(&page), ["PORTAL_SESSION_EXPIRY"]);
    let refused = world.authorize(&[("connection_id", "conn_acme")]).await;
    assert_eq!(refused.refused(), "connection_not_active");
    let made_up = world.post("/portal", &[("session", "made-up")]).await;
    assert_eq!(made_up.status, 404);
}

#[tokio::test]
async fn the_end_of_a_link_can_be_in_camel_case() {
    let world = World::new();
    world.handle().set_fault(ScalekitFault::CamelCaseExpireTime);
    let token = world.management_token().await;
    let path = "/api/v1/organizations/org_acme/portal_links";
    let link = world.call(&token, "PUT", path, "").await.ok()["link"].clone();
    assert_eq!(link["expireTime"], "2027-01-15T08:01:00Z");
    assert!(link.get("expire_time").is_none());
}
