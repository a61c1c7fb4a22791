//! Policy: what pages of other sites send.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::{Method, Request};
use tower_sso::{RejectionKind, Session, User};

use super::{cookie_header, evil_page, kind, send, serve_routes};
use crate::support::App;

/// Request forgery: a page elsewhere sends what the session's cookie makes valid. Guard:
/// `cross_site::may_use_session` in `Auth::judge`.
#[tokio::test]
async fn threat_40_another_site_sends_an_unsafe_request() {
    for (origin, embedded) in [
        ("https://evil.example.com", false),
        ("https://evil.example", true),
    ] {
        let app = App::with(|builder| builder.embedded(embedded));
        app.sign_in("/protected").await;
        let handled = app.handled();
        let evil = evil_page(&app, origin).await;
        let transfer = format!("{}/transfer", App::URL);
        let protected = format!("{}/protected", App::URL);
        let socket = protected.replace("https", "wss");
        let mut answers = vec![
            evil.follow(&transfer)
                .post_form(&[("amount", "1")])
                .no_follow()
                .await,
            evil.follow(&transfer)
                .post_form(&[])
                .by_sandbox()
                .no_follow()
                .await,
            evil.fetch(&transfer)
                .method(Method::POST)
                .with_credentials()
                .await,
            evil.fetch(&transfer)
                .method(Method::POST)
                .body("text/plain", "{}")
                .with_credentials()
                .await,
            evil.frame(&transfer).post_form(&[]).no_follow().await,
            evil.websocket(&socket).await,
        ];
        // A browser of before Fetch Metadata names the origin, and a proxy may have cut that to `null`.
        for sent_by in [origin, "null"] {
            let old = Request::post("/transfer")
                .header("cookie", cookie_header(&app))
                .header("origin", sent_by);
            let response = send(&app, old.body(Body::empty()).unwrap()).await;
            assert_eq!(response.status(), 403, "{sent_by}");
        }
        for page in answers.drain(..) {
            assert!(!page.status.is_success(), "{origin}: {}", page.status);
            assert_ne!(page.html(), "sent");
        }
        assert_eq!(app.handled(), handled, "{origin}");
        let home = app.visit("/").await;
        let own = home.follow("/transfer").post_form(&[]).await;
        assert_eq!(own.html(), "sent", "our own form works");
    }
}

/// As before, where a handler asks for its user and no policy is around it. Guard:
/// `cross_site::may_use_session` in `Auth::usable_session`, `Auth::judge` in `extract::session`.
#[tokio::test]
async fn threat_40_an_extractor_takes_what_another_site_sends() {
    for origin in ["https://evil.example", "https://evil.example.com"] {
        let app = App::with(|builder| builder.embedded(true));
        let routes = Router::new()
            .route("/user", post(|_: User| async { "sent" }))
            .route("/session", post(|_: Session| async { "sent" }))
            .route(
                "/optional",
                post(|user: Option<User>| async move {
                    user.map_or("nobody", |_| "somebody").to_owned()
                }),
            )
            .merge(app.routes());
        serve_routes(&app, routes);
        app.sign_in("/protected").await;
        let evil = evil_page(&app, origin).await;
        for path in ["/user", "/session"] {
            let url = format!("{}{path}", App::URL);
            let sent = evil.follow(&url).post_form(&[]).no_follow().await;
            assert_eq!(sent.status, 403, "{origin} {path}: {}", sent.html());
            assert_eq!(kind(&sent), Some(RejectionKind::CrossSite));
        }
        let url = format!("{}/optional", App::URL);
        let sent = evil.follow(&url).post_form(&[]).no_follow().await;
        assert_eq!(sent.html(), "nobody", "{origin}");
        let home = app.visit("/").await;
        for (path, answer) in [
            ("/user", "sent"),
            ("/session", "sent"),
            ("/optional", "somebody"),
        ] {
            let own = home.follow(path).post_form(&[]).await;
            assert_eq!(own.html(), answer, "our own form works");
        }
    }
}

/// A page elsewhere spends the calls that the provider grants this app. Guard: `may_use_session` in
/// `Auth::renewal`.
#[tokio::test]
async fn threat_40_another_site_makes_a_session_renew_itself() {
    let app = App::with(|builder| builder.scopes(["openid", "offline_access"]));
    app.sign_in("/protected").await;
    app.clock.advance(std::time::Duration::from_secs(3_540));
    for (origin, status, grants) in [("https://evil.example", 403, 0), (App::URL, 200, 1)] {
        let request = Request::post("/transfer")
            .header("cookie", cookie_header(&app))
            .header("origin", origin);
        let response = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), status, "{origin}");
        assert_eq!(app.idp().refresh_grants(), grants, "{origin}");
    }
}
