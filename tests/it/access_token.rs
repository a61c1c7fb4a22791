//! Access tokens for code that has a session and no request, and policies that ask for one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tower::ServiceExt as _;
use tower_sso::clock::Clock as _;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::test_util::SignedIn;
use tower_sso::{AccessToken, ErrorKind, Policy, RequireLayer, Revalidation, Session, SsoBuilder};

use crate::support::App;

fn offline(builder: SsoBuilder) -> SsoBuilder {
    builder.scopes(["openid", "offline_access"])
}

/// An app with a route that wants a token, and one that hands its session to a task.
async fn app(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> (App, Session) {
    let app = App::with(configure);
    let kept: Arc<Mutex<Option<Session>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let handler = |session: Session| async move {
        keep.lock().unwrap().replace(session);
    };
    let with_token = RequireLayer::new(Policy::login().access_token());
    let or_role = RequireLayer::new(Policy::login().role("x").or(Policy::login().access_token()));
    let routes = Router::new()
        .route("/keep", get(handler))
        .route("/api", get(|| async { "called" }).layer(with_token))
        .route("/either", get(|| async { "called" }).layer(or_role));
    app.serve(app.sso.into_axum(app.routes().merge(routes)));
    app.sign_in("/keep").await;
    let session = kept.lock().unwrap().take().unwrap();
    (app, session)
}

fn seconds(app: &App, seconds: u64) {
    app.clock.advance(Duration::from_secs(seconds));
}

#[tokio::test]
async fn a_session_alone_leads_to_a_token_that_lives_for_the_margin() {
    let (app, session) = app(|builder| offline(builder).revalidation(Revalidation::Never)).await;
    let first = app.sso.access_token(&session).await.unwrap();
    seconds(&app, 3539);
    let same = app.sso.access_token(&session).await.unwrap();
    assert_eq!(same.expose(), first.expose());
    assert_eq!(
        session.access_token(app.clock.now()).unwrap().expose(),
        first.expose()
    );
    seconds(&app, 1);
    assert!(
        session.access_token(app.clock.now()).is_none(),
        "it ends within the minute"
    );
    let second = app.sso.access_token(&session).await.unwrap();
    assert_ne!(second.expose(), first.expose());
    assert_eq!(second.expires_in(), Some(Duration::from_secs(3600)));
    // The session in hand is of before the renewal: the next one is not made from it.
    let third = app.sso.access_token(&session).await.unwrap();
    assert_eq!(third.expose(), second.expose());
    assert_eq!(
        (app.idp().refresh_grants(), app.idp().reuse_detected()),
        (1, 0)
    );
}

#[tokio::test]
async fn while_the_provider_is_down_the_old_token_serves_as_long_as_it_lives() {
    let (app, session) = app(offline).await;
    app.idp()
        .set_fault(Fault::Status(Endpoint::Token, 503, None));
    seconds(&app, 3599);
    app.visit("/keep").await;
    assert!(app.sso.access_token(&session).await.is_ok());
    seconds(&app, 1);
    let error = app.sso.access_token(&session).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.retry_after().is_some());
}

#[tokio::test]
async fn who_is_signed_out_or_has_none_gets_no_token() {
    let denied = async |app: &App, session: &Session| {
        let error = app.sso.access_token(session).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
    };
    let (without, session) = app(|builder| builder).await;
    assert!(without.sso.access_token(&session).await.is_ok());
    seconds(&without, 3540);
    without.visit("/protected").await;
    seconds(&without, 60);
    denied(&without, &session).await;

    let (revoked, session) = app(offline).await;
    revoked.idp().revoke_refresh_tokens();
    seconds(&revoked, 3540);
    denied(&revoked, &session).await;
    assert_eq!(revoked.visit("/").await.html(), "nobody");

    let (left, session) = app(offline).await;
    let page = left.visit("/auth/logout").await;
    page.submit(&page.only_form()).stop_before(App::IDP).await;
    denied(&left, &session).await;
}

#[tokio::test]
async fn a_policy_renews_the_token_that_it_asks_for() {
    for path in ["/api", "/either"] {
        let (app, _) = app(|builder| offline(builder).revalidation(Revalidation::Never)).await;
        seconds(&app, 3539);
        assert_eq!(app.visit(path).no_follow().await.status, 200);
        assert_eq!(app.idp().refresh_grants(), 0, "{path}");
        seconds(&app, 1);
        app.visit("/protected").await;
        assert_eq!(app.idp().refresh_grants(), 0, "nobody asks for a token");
        assert_eq!(app.visit(path).no_follow().await.status, 200);
        assert_eq!(app.idp().refresh_grants(), 1, "{path}");
    }
}

/// What the option says holds on such a route, too.
#[tokio::test]
async fn a_policy_that_asks_for_a_token_is_revalidated_as_any_other() {
    let every = Revalidation::Every(Duration::from_secs(100));
    let (app, _) = app(|builder| offline(builder).revalidation(every)).await;
    seconds(&app, 100);
    assert_eq!(app.visit("/api").no_follow().await.status, 200);
    assert_eq!(app.idp().refresh_grants(), 1);
}

#[tokio::test]
async fn a_policy_asks_for_a_sign_in_where_no_token_can_be_had() {
    let (app, _) = app(|builder| builder).await;
    seconds(&app, 3599);
    assert_eq!(app.visit("/api").no_follow().await.status, 200);
    seconds(&app, 1);
    let open = app.visit("/protected").no_follow().await;
    assert_eq!(open.status, 200, "a sign-in alone is enough elsewhere");
    assert_eq!(open.fetch("/api").await.status, 401);
    let page = app.visit("/api").await;
    assert_eq!((page.url.path(), &*page.html()), ("/api", "called"));
    assert!(!page.hop(App::IDP).unwrap().url.as_str().contains("prompt="));
}

#[tokio::test]
async fn a_handler_is_tested_with_a_token_at_hand() {
    let handler = |token: AccessToken| async move { token.expose().to_owned() };
    let guarded = get(handler).layer(RequireLayer::new(Policy::login().access_token()));
    let router: Router = Router::new().route("/", guarded);
    let minute = Duration::from_secs(60);
    let past = SignedIn::new("ada").lifetime(10 * minute, 10 * minute);
    let long_ago = tower_sso::clock::SystemClock.now().minus(2 * minute);
    for (person, status) in [
        (SignedIn::new("ada").access_token("opaque"), 200),
        (SignedIn::new("ada").access_token_for("opaque", minute), 200),
        (past.at(long_ago).access_token_for("opaque", minute), 401),
        (SignedIn::new("ada"), 401),
    ] {
        let request = Request::get("/").extension(person.auth());
        let request = request.body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status);
    }
}
