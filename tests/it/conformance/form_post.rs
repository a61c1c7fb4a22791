//! An answer by form POST signs in.

use tower_sso::oidc::ResponseMode;

use super::app_with;
use crate::support::App;

#[tokio::test]
async fn signs_in() {
    let app = app_with(|builder| builder.response_mode(ResponseMode::FormPost));
    let form = app.visit("/protected").await;
    let sent: Vec<_> = form.only_form().pairs();
    assert!(sent.iter().any(|(name, _)| name == "code"));
    let page = form.auto_submit().await;
    assert_eq!(page.url.as_str(), format!("{}/protected", App::URL));
    assert_eq!(page.json()["sub"], "alice");
}
