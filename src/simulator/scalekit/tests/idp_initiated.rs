//! Sign-ins that begin at the customer's IdP.

use super::*;
use crate::simulator::ForgedAlg;

const ALICE: &str = "conn_acme;alice";

#[tokio::test]
async fn the_token_names_customer_connection_and_person() {
    let world = World::new();
    let token = world.handle().idp_initiated_token(ALICE, None);
    assert!(world.verifies(&token).await);
    let expected = json!({
        "iss": ENVIRONMENT,
        "iat": START,
        "nbf": START,
        "exp": START + 300,
        "organization_id": "org_acme",
        "connection_id": "conn_acme",
        "login_hint": "alice@example.com",
    });
    assert_eq!(part(&token, 1), expected);
    let hostile = Some("//evil.example/\"<>");
    let token = world.handle().idp_initiated_token(ALICE, hostile);
    assert_eq!(part(&token, 1)["relay_state"], "//evil.example/\"<>");
}

#[tokio::test]
async fn no_two_tokens_are_the_same() {
    let world = World::new();
    let tokens: Vec<String> = (0..3)
        .map(|_| world.handle().idp_initiated_token(ALICE, None))
        .collect();
    for (at, token) in tokens.iter().enumerate() {
        assert_eq!(part(token, 1)["nbf"], START, "good at once");
        assert!(!tokens[at + 1..].contains(token));
        assert_ne!(part(token, 1)["exp"], part(&tokens[(at + 1) % 3], 1)["exp"]);
    }
}

#[tokio::test]
async fn each_fault_of_the_token() {
    let world = World::new();
    let handle = world.handle();
    let token = |fault: ScalekitFault| {
        handle.clear_faults();
        handle.set_fault(fault);
        handle.idp_initiated_token(ALICE, None)
    };
    let expired = token(ScalekitFault::IdpInitiatedExpired);
    assert_eq!(part(&expired, 1)["exp"], START - 3600);
    assert!(world.verifies(&expired).await);
    let early = token(ScalekitFault::IdpInitiatedNotYetValid);
    assert_eq!(part(&early, 1)["nbf"], START + 3600);
    let issuer = Some(json!("https://other.example"));
    let other = token(ScalekitFault::IdpInitiatedClaim("iss".to_owned(), issuer));
    assert_eq!(part(&other, 1)["iss"], "https://other.example");
    let none = token(ScalekitFault::IdpInitiatedAlg(ForgedAlg::None(
        "none".to_owned(),
    )));
    assert!(part(&none, 0)["alg"] == "none" && none.ends_with('.'));
    let hmac = token(ScalekitFault::IdpInitiatedAlg(
        ForgedAlg::Hs256WithPublicKeyPem,
    ));
    assert_eq!(part(&hmac, 0)["alg"], "HS256");
    let stranger = token(ScalekitFault::IdpInitiatedUnknownKid);
    assert!(!world.verifies(&stranger).await);
    let broken = token(ScalekitFault::IdpInitiatedBadSignature);
    assert!(!world.verifies(&broken).await);
    handle.clear_faults();
    let good = handle.idp_initiated_token(ALICE, None);
    assert!(world.verifies(&good).await);
    let id_token = text(&world.tokens().await, "id_token");
    assert!(world.verifies(&id_token).await, "of another kind");
}

#[tokio::test]
async fn the_browser_goes_to_the_login_route_with_it() {
    let world = World::new();
    let fields = [("user", ALICE), ("relay_state", "/reports?x=1")];
    let answer = world.post("/idp/start", &fields).await;
    let url = Url::parse(answer.location()).unwrap();
    assert_eq!(url.path(), "/auth/login", "beside the callback");
    let (name, token) = url.query_pairs().next().unwrap();
    assert_eq!(name, "idp_initiated_login");
    assert_eq!(part(&token, 1)["relay_state"], "/reports?x=1");
    let nobody = world.post("/idp/start", &[("user", "conn_acme;x")]).await;
    assert_eq!(nobody.status, 400);

    let world = World::with(|builder| builder.initiate_login_uri(CALLBACK));
    let url = world.handle().idp_initiated_url(ALICE, None);
    assert!(url.starts_with(&format!("{CALLBACK}?idp_initiated_login=")));
}

#[tokio::test]
async fn a_failure_at_the_idp_is_told_at_the_login_route() {
    let world = World::new();
    let fields = [("error", "assertion_expired")];
    let answer = world.post("/idp/error", &fields).await;
    let url = Url::parse(answer.location()).unwrap();
    assert_eq!(url.path(), "/auth/login");
    let params = Params::parse(url.query().unwrap().as_bytes());
    assert_eq!(params.get("error"), Some("assertion_expired"));
    assert!(params.get("error_description").is_some());
    let made_up = world.post("/idp/error", &[("error", "made_up")]).await;
    assert_eq!(made_up.status, 400);
}
