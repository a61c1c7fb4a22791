//! Claims that the provider collected elsewhere (OpenID Connect Core 5.6.2) are kept as they came: who
//! signed them is not checked, so they are no claims of the session.

use serde_json::json;
use tower_sso::simulator::Fault;

use super::app;

#[tokio::test]
async fn are_kept_and_not_taken_over() {
    let names = json!({"department": "src1"});
    let sources = json!({"src1": {"JWT": "eyJhbGciOiJub25lIn0.eyJkZXBhcnRtZW50IjoiZmluYW5jZSJ9."}});
    let app = app();
    app.idp().set_fault(Fault::UserInfoClaims(
        json!({"_claim_names": names, "_claim_sources": sources}),
    ));
    let claims = app.sign_in("/protected").await.json()["claims"].clone();
    assert_eq!(claims["_claim_names"], names);
    assert_eq!(claims["_claim_sources"], sources);
    assert_eq!(claims.get("department"), None);
}
