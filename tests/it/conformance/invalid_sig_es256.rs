//! An ID token whose ES256 signature is broken is rejected.

use tower_sso::simulator::{Fault, SigningAlgorithm};

use super::{app_with_keys, rejects_the_id_token};

#[tokio::test]
async fn is_rejected() {
    let app = app_with_keys(SigningAlgorithm::Es256);
    app.idp().set_fault(Fault::BadSignature);
    rejects_the_id_token(&app, "the token's signature is wrong").await;
}
