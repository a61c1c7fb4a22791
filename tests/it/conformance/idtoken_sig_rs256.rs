//! An ID token that is signed with RS256 signs in.

use tower_sso::simulator::{Fault, SigningAlgorithm};

use super::{app_with_keys, signs_with};

#[tokio::test]
async fn signs_in() {
    let app = app_with_keys(SigningAlgorithm::Rs256);
    app.sign_in("/protected").await;
}

/// It is the default where the metadata is silent (OpenID Connect Core 15.1), and stands beside others.
#[tokio::test]
async fn signs_in_by_default_and_among_others() {
    let silent = Fault::DiscoveryField("id_token_signing_alg_values_supported".to_owned(), None);
    for fault in [silent, signs_with(&["none", "ES256", "RS256"])] {
        let app = app_with_keys(SigningAlgorithm::Rs256);
        app.idp().set_fault(fault);
        app.sign_in("/protected").await;
    }
}
