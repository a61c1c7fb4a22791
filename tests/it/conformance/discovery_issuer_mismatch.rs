//! Metadata of another issuer is not used: nobody is sent anywhere.

use tower_sso::simulator::{Endpoint, Fault};

use super::app;

#[tokio::test]
async fn stops() {
    let app = app();
    app.idp().set_fault(Fault::DiscoveryIssuer(
        "https://other.example.org".to_owned(),
    ));
    let page = app.visit("/protected").no_follow().await;
    assert!(page.status.is_server_error(), "{}", page.status);
    assert!(
        page.text().contains("https://other.example.org"),
        "{}",
        page.text()
    );
    assert_eq!((page.location(), app.session_cookie()), (None, None));
    assert_eq!(app.attempts(), 0);
    for endpoint in [Endpoint::Jwks, Endpoint::Authorize, Endpoint::Token] {
        assert_eq!(app.idp().requests(endpoint), 0, "{endpoint:?}");
    }
}
