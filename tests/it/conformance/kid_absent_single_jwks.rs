//! An ID token that names no key is verified with the only one.

use tower_sso::simulator::Fault;

use super::app;

#[tokio::test]
async fn signs_in() {
    let app = app();
    app.idp().set_fault(Fault::NoKid);
    app.sign_in("/protected").await;
}
