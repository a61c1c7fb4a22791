//! `User` and `Session` as arguments of handlers.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use tower::ServiceExt;
use tower_sso::test_util::SignedIn;
use tower_sso::{Policy, Rejection, RejectionKind, RequireLayer, Session, User};

use crate::support::App;

const EACH: [&str; 4] = ["/user", "/session", "/maybe/user", "/maybe/session"];

/// A route for each extractor, the optional ones under `/maybe`.
fn routes() -> Router {
    async fn user(user: User) -> String {
        user.subject().to_owned()
    }
    async fn session(session: Session) -> String {
        session.subject().to_owned()
    }
    async fn maybe_user(user: Option<User>) -> String {
        user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
    }
    async fn maybe_session(session: Option<Session>) -> String {
        session.map_or_else(
            || "nobody".to_owned(),
            |session| session.subject().to_owned(),
        )
    }
    Router::new()
        .route("/user", get(user))
        .route("/session", get(session))
        .route("/maybe/user", get(maybe_user))
        .route("/maybe/session", get(maybe_session))
}

#[tokio::test]
async fn each_names_who_is_signed_in() {
    let app = App::new();
    app.sign_in("/protected").await;
    app.serve(app.sso.into_axum(routes()));
    for path in EACH {
        let page = app.visit(path).await;
        assert_eq!(page.html(), "alice", "{path}");
        assert_eq!(
            page.header("cache-control").as_deref(),
            Some("private, no-store"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_the_optional_ones_let_a_stranger_in() {
    let app = App::new();
    app.serve(app.sso.into_axum(routes()));
    for path in EACH {
        let page = app.visit(path).no_follow().await;
        if path.starts_with("/maybe") {
            assert_eq!(page.html(), "nobody", "{path}");
        } else {
            assert_eq!(page.status, 303, "{path}");
            let script = page.fetch(path).await;
            assert_eq!(script.status, 401, "{path}");
        }
        assert_eq!(
            page.header("cache-control").as_deref(),
            Some("private, no-store"),
            "{path}"
        );
    }
    let back = app.visit("/user").await;
    assert_eq!((back.url.path(), back.html().as_str()), ("/user", "alice"));
}

#[tokio::test]
async fn a_failing_store_is_503_for_each() {
    let (app, store) = App::with_remote_store();
    app.sign_in("/protected").await;
    app.serve(app.sso.into_axum(routes()));
    store.set_failing(true);
    for path in EACH {
        let page = app.visit(path).await;
        assert_eq!(page.status, 503, "{path}");
        assert!(page.header("retry-after").is_some(), "{path}");
        let rejection = page.extensions.get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::Unavailable, "{path}");
    }
}

#[tokio::test]
async fn without_the_layer_each_is_500() {
    for path in EACH {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = routes().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::NoLayer);
    }
}

/// What the feature `test-util` promises: somebody is signed in within two lines, without a network.
#[tokio::test]
async fn a_test_of_the_app_signs_somebody_in_without_a_provider() {
    let admins = RequireLayer::new(Policy::mfa().role("admin"));
    let app = routes().merge(Router::new().route("/admin", get(|| async { "in" }).layer(admins)));
    let ask = |path: &str, person: SignedIn| {
        let request = Request::get(path).extension(person.auth());
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    for path in EACH {
        let answer = ask(path, SignedIn::new("ada")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let ada = SignedIn::new("ada").amr(["pwd", "otp"]);
    let answer = ask("/admin", ada.clone().role("admin")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = ask("/admin", ada).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let answer = ask("/admin", SignedIn::new("ada").role("admin"))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let rejection = answer.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::StepUp);
}
