//! An ID token without a signature is rejected, though the provider says that it makes such.

use tower_sso::simulator::{Fault, ForgedAlg};

use super::{app, rejects_the_id_token, signs_with};

#[tokio::test]
async fn is_rejected() {
    let app = app();
    app.idp().set_fault(signs_with(&["RS256", "none"]));
    app.idp()
        .set_fault(Fault::IdTokenAlg(ForgedAlg::None("none".to_owned())));
    rejects_the_id_token(&app, "an algorithm that is not accepted").await;
}
