//! A session is renewed by its refresh token, and goes on under the refreshed ID token.

use tower_sso::simulator::Endpoint;

use super::{renewable, token_ends};

#[tokio::test]
async fn renews() {
    let app = renewable().await;
    token_ends(&app);
    let page = app.visit("/protected").no_follow().await;
    assert_eq!(page.status, 200, "{}", page.html());
    assert_eq!(app.idp().refresh_grants(), 1);
    assert_eq!(app.idp().requests(Endpoint::UserInfo), 2, "asked again");
    let again = app.visit("/protected").no_follow().await;
    assert_eq!(again.status, 200, "{}", again.html());
    assert_eq!(app.idp().refresh_grants(), 1, "the new token is young");
}
