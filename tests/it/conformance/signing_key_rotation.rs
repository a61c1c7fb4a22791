//! The provider has a new key after the first login: the next login fetches it.

use tower_sso::simulator::Endpoint;

use super::app;

#[tokio::test]
async fn is_seen_at_the_next_login() {
    let app = app();
    app.sign_in("/protected").await;
    app.idp().rotate_keys();
    app.idp().drop_old_keys();
    app.browser.clear_cookies();
    app.sign_in("/protected").await;
    assert_eq!(app.idp().requests(Endpoint::Jwks), 2);
}
