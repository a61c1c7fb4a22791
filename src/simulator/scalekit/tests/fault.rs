//! Each fault does what it says, and ends.

use super::*;
use crate::simulator::ForgedAlg;

#[tokio::test(start_paused = true)]
async fn faults_of_the_network() {
    let world = World::new();
    let handle = world.handle();
    let token = world.management_token().await;
    let at = ScalekitEndpoint::Connections;
    let path = "/api/v1/connections?domain=example.org";
    let answer = async |fault: ScalekitFault| {
        handle.clear_faults();
        handle.set_fault(fault);
        world.call(&token, "GET", path, "").await
    };
    let down = answer(ScalekitFault::Status(at, 503, Some(7))).await;
    assert_eq!(down.status, 503);
    assert_eq!(down.headers[header::RETRY_AFTER], "7");
    assert_eq!(world.get("/keys").await.status, 200, "another endpoint");
    let page = answer(ScalekitFault::Garbage(at)).await;
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with("<!doctype html>"));
    let huge = answer(ScalekitFault::HugeBody(at)).await;
    assert_eq!(huge.body.len(), 16 * 1024 * 1024);
    let redirect = answer(ScalekitFault::Redirect(at)).await;
    assert_eq!(redirect.status, 307, "the body goes along");
    let to = redirect.headers[header::LOCATION].to_str().unwrap();
    let followed = format!("/api/v1/connections{to}");
    let followed = world.call(&token, "GET", &followed, "").await.ok();
    assert_eq!(followed["connections"][0]["id"], "conn_beta");
    let minute = 60 * SECOND;
    let hangs = tokio::time::timeout(minute, answer(ScalekitFault::Hang(at))).await;
    assert!(hangs.is_err());
    let start = tokio::time::Instant::now();
    assert_eq!(answer(ScalekitFault::Slow(at, minute)).await.status, 200);
    assert!(start.elapsed() >= minute);
    assert_eq!(handle.requests(at), 7);
}

#[tokio::test]
async fn each_endpoint_fails_on_its_own() {
    let world = World::new();
    for (at, method, path) in [
        (
            ScalekitEndpoint::Discovery,
            "GET",
            "/.well-known/openid-configuration",
        ),
        (ScalekitEndpoint::Keys, "GET", "/keys"),
        (ScalekitEndpoint::Authorize, "GET", "/oauth/authorize"),
        (ScalekitEndpoint::IdpLogin, "POST", "/idp/login"),
        (ScalekitEndpoint::Token, "POST", "/oauth/token"),
        (ScalekitEndpoint::Logout, "GET", "/oidc/logout"),
        (ScalekitEndpoint::Connections, "GET", "/api/v1/connections"),
        (
            ScalekitEndpoint::PortalLinks,
            "PUT",
            "/api/v1/organizations/org_acme/portal_links",
        ),
        (
            ScalekitEndpoint::Domains,
            "POST",
            "/api/v1/organizations/org_acme/domains",
        ),
        (ScalekitEndpoint::Portal, "GET", "/magicLink/x"),
    ] {
        world.handle().clear_faults();
        assert_ne!(world.call("", method, path, "").await.status, 418);
        world
            .handle()
            .set_fault(ScalekitFault::Status(at, 418, None));
        assert_eq!(world.call("", method, path, "").await.status, 418, "{at:?}");
        assert_eq!(world.handle().requests(at), 2);
    }
}

#[tokio::test]
async fn every_error_of_the_catalogue_can_be_had() {
    let world = World::new();
    let selector = [("connection_id", "conn_acme")];
    for (code, description) in catalogue::ALL {
        world.handle().clear_faults();
        let fault = ScalekitFault::AuthorizeError((*code).to_owned(), None);
        world.handle().set_fault(fault);
        let params = world.authorize(&selector).await.callback();
        assert_eq!(params.get("error"), Some(*code));
        assert_eq!(params.get("error_description"), Some(*description));
        assert_eq!(params.get("state"), Some("the-state"));
    }
    world.handle().clear_faults();
    let text = Some("<b>words</b>".to_owned());
    let fault = ScalekitFault::AuthorizeError("made_up".to_owned(), text);
    world.handle().set_fault(fault);
    let params = world.authorize(&selector).await.callback();
    assert_eq!(params.get("error_description"), Some("<b>words</b>"));
    world.handle().clear_faults();
    assert_eq!(world.authorize(&selector).await.status, 200);
}

#[tokio::test]
async fn the_state_can_be_lost_or_changed() {
    let world = World::new();
    world.handle().set_fault(ScalekitFault::WrongState);
    let params = world.sign_in("conn_acme;alice").await.callback();
    assert_eq!(params.get("state"), Some("wrong-state"));
    world.handle().clear_faults();
    world.handle().set_fault(ScalekitFault::OmitState);
    let params = world.sign_in("conn_acme;alice").await.callback();
    assert!(params.get("state").is_none() && params.get("code").is_some());
}

#[tokio::test]
async fn faults_of_the_token_endpoint() {
    let world = World::new();
    let handle = world.handle();
    let code = world.code().await;
    handle.set_fault(ScalekitFault::TokenError("invalid_grant".to_owned()));
    let refused = world.exchange(&code).await;
    assert_eq!(refused.error(), (400, "invalid_grant".to_owned()));
    handle.clear_faults();
    handle.set_fault(ScalekitFault::NoIdToken);
    handle.set_fault(ScalekitFault::ExpiresIn(Some(json!("soon"))));
    let tokens = world.exchange(&code).await.ok();
    assert!(tokens.get("id_token").is_none(), "the code was still good");
    assert_eq!(tokens["expires_in"], "soon");
}

#[tokio::test]
async fn faults_of_claims_are_signed() {
    let world = World::new();
    let handle = world.handle();
    let claims = async |fault: ScalekitFault| {
        handle.clear_faults();
        handle.set_fault(fault);
        let tokens = world.tokens().await;
        (world.claims(&tokens, "id_token").await, tokens)
    };
    for (name, value) in [
        ("oid", Some(json!("org_other"))),
        ("oid", None),
        ("amr", None),
        ("nonce", Some(json!("other"))),
        ("nonce", None),
        ("aud", Some(json!("skc_other"))),
        ("azp", Some(json!("skc_other"))),
        ("iss", Some(json!("https://other.example"))),
    ] {
        let fault = ScalekitFault::IdTokenClaim(name.to_owned(), value.clone());
        let (id, _) = claims(fault).await;
        assert_eq!(id.get(name), value.as_ref(), "{name}");
    }
    let other = ScalekitFault::OtherConnection("conn_other".to_owned());
    let (id, _) = claims(other).await;
    assert_eq!(id["amr"], json!(["conn_other"]));
    assert_eq!(id["sub"], "conn_acme;alice");
    let (id, _) = claims(ScalekitFault::Expired).await;
    assert_eq!(id["exp"], START - 3600);
    let half = |text: &str| base64url(&sha256(text.as_bytes())[..16]);
    let (id, tokens) = claims(ScalekitFault::AtHashWrong).await;
    assert_ne!(id["at_hash"], half(&text(&tokens, "access_token")));
    assert_eq!(id["at_hash"], half("another"));
    let (id, _) = claims(ScalekitFault::CHashWrong).await;
    assert_eq!(id["c_hash"], half("another"));
    let value = Some(json!("https://other.example"));
    let fault = ScalekitFault::AccessTokenClaim("iss".to_owned(), value);
    let (id, tokens) = claims(fault).await;
    assert_eq!(id["iss"], ENVIRONMENT);
    let access = world.claims(&tokens, "access_token").await;
    assert_eq!(access["iss"], "https://other.example");
}

#[tokio::test]
async fn faults_of_signatures() {
    let world = World::new();
    let handle = world.handle();
    let token = async |fault: ScalekitFault| {
        handle.clear_faults();
        handle.set_fault(fault);
        let tokens = world.tokens().await;
        assert!(world.verifies(&text(&tokens, "access_token")).await);
        text(&tokens, "id_token")
    };
    let id = token(ScalekitFault::BadSignature).await;
    assert!(!world.verifies(&id).await);
    let id = token(ScalekitFault::UnknownKid).await;
    assert!(!world.verifies(&id).await);
    let none = ForgedAlg::None("nOnE".to_owned());
    let id = token(ScalekitFault::IdTokenAlg(none)).await;
    assert!(part(&id, 0)["alg"] == "nOnE" && id.ends_with('.'));
    let secret = ForgedAlg::Hs256WithClientSecret;
    let id = token(ScalekitFault::IdTokenAlg(secret)).await;
    let (message, signature) = id.rsplit_once('.').unwrap();
    let key = jsonwebtoken::EncodingKey::from_secret(b"s3cr3t");
    let expected = crate::crypto::sign(Algorithm::HS256, &key, message.as_bytes());
    assert_eq!(from_base64url(signature), expected);
}

#[tokio::test]
async fn keys_rotate_and_old_ones_stay_until_dropped() {
    let world = World::new();
    let old = text(&world.tokens().await, "id_token");
    world.handle().rotate_keys();
    let new = text(&world.tokens().await, "id_token");
    assert!(world.verifies(&old).await && world.verifies(&new).await);
    world.handle().drop_old_keys();
    assert!(!world.verifies(&old).await && world.verifies(&new).await);
}
