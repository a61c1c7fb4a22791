//! Claims that are to be fetched elsewhere (OpenID Connect Core 5.6.2) are kept as they came, and not
//! fetched: a provider does not choose whom this server calls.

use serde_json::json;
use tower_sso::simulator::Fault;

use super::recorded;

#[tokio::test]
async fn are_kept_and_not_followed() {
    let sources =
        json!({"src1": {"endpoint": "https://bank.example.net/claims", "access_token": "x"}});
    let more = json!({"_claim_names": {"credit_score": "src1"}, "_claim_sources": sources});
    let (app, wire) = recorded();
    app.idp().set_fault(Fault::UserInfoClaims(more));
    let claims = app.sign_in("/protected").await.json()["claims"].clone();
    assert_eq!(claims["_claim_names"]["credit_score"], "src1");
    assert_eq!(claims["_claim_sources"], sources);

    let paths: Vec<_> = wire
        .sent()
        .iter()
        .map(|call| call.uri().path().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "/.well-known/openid-configuration",
            "/token",
            "/jwks",
            "/userinfo"
        ]
    );
}
