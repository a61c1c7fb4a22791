//! A sign-in that starts at a third party (OpenID Connect Core 4), by GET or by POST, begins a sign-in of
//! our own.

use axum::Router;
use axum::routing::get;

use super::app;
use crate::support::App;

const PORTAL: &str = "https://portal.example.net";

#[tokio::test]
async fn starts_a_login() {
    for by_post in [false, true] {
        let app = app();
        let portal = Router::new().route("/", get(|| async { "a portal" }));
        app.browser.serve(PORTAL, portal);
        let portal = app.browser.visit(PORTAL).await;
        let target = format!("{}/protected", App::URL);
        let fields = [
            ("iss", App::IDP),
            ("login_hint", "alice"),
            ("target_link_uri", target.as_str()),
        ];
        let login = format!("{}/auth/login", App::URL);
        let fetch = if by_post {
            portal.follow(&login).post_form(&fields)
        } else {
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish();
            portal.follow(&format!("{login}?{query}"))
        };
        let page = fetch.await;
        assert_eq!(page.url.as_str(), target, "by POST: {by_post}");
        assert_eq!(page.json()["sub"], "alice");
        let asked = page.hop(&format!("{}/authorize", App::IDP)).unwrap();
        let hint = ("login_hint".into(), "alice".into());
        assert!(asked.url.query_pairs().any(|pair| pair == hint));
    }
}
