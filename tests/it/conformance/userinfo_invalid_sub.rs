//! UserInfo about somebody else is rejected, and the sign-in with it.

use tower_sso::simulator::{Endpoint, Fault};

use super::{app, assert_rejected};

#[tokio::test]
async fn is_rejected() {
    let app = app();
    app.idp()
        .set_fault(Fault::UserInfoSub("mallory".to_owned()));
    let page = app.visit("/protected").await;
    assert_rejected(&app, &page, "userinfo is about another subject").await;
    assert_eq!(app.idp().requests(Endpoint::UserInfo), 1);
}

#[tokio::test]
async fn is_rejected_when_signed() {
    let app = app();
    app.idp()
        .set_fault(Fault::UserInfoSub("mallory".to_owned()));
    app.idp().set_fault(Fault::UserInfoSigned);
    let page = app.visit("/protected").await;
    assert_rejected(&app, &page, "about another subject").await;
}
