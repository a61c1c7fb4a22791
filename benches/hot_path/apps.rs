//! The apps that are compared: each answers `GET /` with the same few bytes.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::COOKIE;
use http::{HeaderValue, Request};
use tower::ServiceExt;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use super::measure::Case;
use super::sign_in::cookie_of;

/// The first is what the others are compared with.
pub(super) async fn cases() -> Vec<Case> {
    vec![bare(), tower_sessions().await]
}

fn bare() -> Case {
    let app: Router = Router::new()
        .route("/", get(async || "hello"))
        .with_state(());
    Case::new("bare axum", app, || request(None))
}

/// The session crate that most axum apps use, with one read of its session.
async fn tower_sessions() -> Case {
    const USER: &str = "user";
    let app: Router = Router::new()
        .route(
            "/",
            get(async |session: Session| {
                let user: Option<String> = session.get(USER).await.unwrap();
                assert!(user.is_some(), "the session is not found");
                "hello"
            }),
        )
        .route(
            "/login",
            get(async |session: Session| session.insert(USER, "alice").await.unwrap()),
        )
        .layer(SessionManagerLayer::new(MemoryStore::default()))
        .with_state(());
    let login = Request::get("/login").body(Body::empty()).unwrap();
    let Ok(response) = app.clone().oneshot(login).await;
    let cookie = cookie_of(response.headers(), "id=");
    Case::new("tower-sessions, one read", app, move || {
        request(Some(&cookie))
    })
}

/// What a browser sends for a page.
pub(super) fn request(cookie: Option<&HeaderValue>) -> Request<Body> {
    let mut request = Request::get("/")
        .header("host", "app.example.com")
        .header("accept", "text/html")
        .header("sec-fetch-mode", "navigate")
        .body(Body::empty())
        .unwrap();
    if let Some(cookie) = cookie {
        request.headers_mut().insert(COOKIE, cookie.clone());
    }
    request
}
