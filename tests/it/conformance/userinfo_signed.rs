//! UserInfo as a JWT (OpenID Connect Core 5.3.2) is read, once its signature is verified.

use serde_json::json;
use tower_sso::simulator::Fault;

use super::{app, assert_rejected};

#[tokio::test]
async fn is_read() {
    let app = app();
    app.idp().set_fault(Fault::UserInfoSigned);
    app.idp()
        .set_fault(Fault::UserInfoClaims(json!({"department": "finance"})));
    let page = app.sign_in("/protected").await;
    assert_eq!(page.json()["claims"]["department"], "finance");
}

#[tokio::test]
async fn is_verified() {
    let app = app();
    app.idp().set_fault(Fault::UserInfoBadSignature);
    let page = app.visit("/protected").await;
    assert_rejected(&app, &page, "the token's signature is wrong").await;
}

#[tokio::test]
async fn is_for_this_client() {
    let app = app();
    app.idp().set_fault(Fault::UserInfoSigned);
    app.idp()
        .set_fault(Fault::UserInfoClaims(json!({"aud": "other"})));
    let page = app.visit("/protected").await;
    assert_rejected(&app, &page, "the token is for another audience").await;
}
