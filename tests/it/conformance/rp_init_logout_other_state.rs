//! A sign-out that comes back with another state is not taken for ours; we are signed out all the same.

use tower_sso::simulator::Fault;

use super::{app, sign_out};

#[tokio::test]
async fn is_not_taken_for_ours() {
    let app = app();
    app.sign_in("/protected").await;
    app.idp().set_fault(Fault::WrongState);
    let page = sign_out(&app).await;
    assert_eq!(
        (page.status.as_u16(), page.url.path()),
        (400, "/auth/logged-out")
    );
    assert!(
        page.text()
            .contains("not the answer to a sign-out of this browser")
    );
    assert_eq!(app.session_cookie(), None);
}
