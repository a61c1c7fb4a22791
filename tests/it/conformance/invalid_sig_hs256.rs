//! An ID token whose HS256 signature is broken is rejected; so is one with the right signature, for a
//! client secret that signs is known to more than the provider.

use tower_sso::simulator::{Fault, ForgedAlg};

use super::{app, rejects_the_id_token, signs_with};

#[tokio::test]
async fn is_rejected() {
    for broken in [true, false] {
        let app = app();
        app.idp().set_fault(signs_with(&["RS256", "HS256"]));
        app.idp()
            .set_fault(Fault::IdTokenAlg(ForgedAlg::Hs256WithClientSecret));
        if broken {
            app.idp().set_fault(Fault::BadSignature);
        }
        rejects_the_id_token(&app, "an algorithm that is not accepted").await;
    }
}
