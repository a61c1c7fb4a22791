//! An error by form POST ends on a page that says so.

use tower_sso::oidc::ResponseMode;
use tower_sso::simulator::{Endpoint, Fault};

use super::{app_with, assert_rejected};

#[tokio::test]
async fn is_shown() {
    let app = app_with(|builder| builder.response_mode(ResponseMode::FormPost));
    app.idp().set_fault(Fault::AuthorizeError(
        "access_denied".to_owned(),
        Some("not today".to_owned()),
    ));
    let form = app.visit("/protected").await;
    let page = form.auto_submit().await;
    assert_rejected(&app, &page, "access_denied: not today").await;
    assert_eq!(app.idp().requests(Endpoint::Token), 0);
}
