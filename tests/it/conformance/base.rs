//! A plain login.

use tower_sso::simulator::Endpoint;

use super::app;
use crate::support::App;

#[tokio::test]
async fn signs_in() {
    let app = app();
    let page = app.sign_in("/protected").await;
    assert_eq!(page.json()["iss"], App::IDP);
    assert_eq!(page.json()["sub"], "alice");
    for endpoint in [Endpoint::Authorize, Endpoint::Token, Endpoint::UserInfo] {
        assert_eq!(app.idp().requests(endpoint), 1, "{endpoint:?}");
    }
}
