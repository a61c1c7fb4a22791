//! The provider makes a new key right before it signs: the keys that are already here are fetched again.

use tower_sso::simulator::{Endpoint, Fault};

use super::app;

#[tokio::test]
async fn is_seen_at_once() {
    let app = app();
    app.sso.ready().await.unwrap();
    assert_eq!(app.idp().requests(Endpoint::Jwks), 1);
    app.idp().set_fault(Fault::RotateJustBeforeSigning);
    app.sign_in("/protected").await;
    assert_eq!(app.idp().requests(Endpoint::Jwks), 2);
}
