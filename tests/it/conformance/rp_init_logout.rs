//! A sign-out goes to the provider and comes back with the state that it left with.

use tower_sso::simulator::Endpoint;

use super::{app, sign_out};

#[tokio::test]
async fn comes_back_signed_out() {
    let app = app();
    app.sign_in("/protected").await;
    let page = sign_out(&app).await;
    assert_eq!(
        (page.status.as_u16(), page.url.path()),
        (200, "/auth/logged-out")
    );
    let state = |url: &url::Url| {
        let mut pairs = url.query_pairs().into_owned();
        pairs.find(|(name, _)| name == "state").map(|pair| pair.1)
    };
    let left = &page.hop("https://idp.example.org/end_session").unwrap().url;
    assert!(state(left).is_some());
    assert_eq!(state(left), state(&page.url));
    assert_eq!(app.idp().requests(Endpoint::EndSession), 1);
    assert_eq!((app.session_cookie(), app.idp().sessions()), (None, 0));
}
