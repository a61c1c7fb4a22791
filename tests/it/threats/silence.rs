//! Silent sign-ins that come back too late, to the wrong person, or with somebody whom the app refuses.

use axum::Router;
use axum::routing::get;
use tower_sso::oidc::ResponseMode;
use tower_sso::{BoxError, Decision, Identity, SilentLayer, SsoBuilder, User};

use crate::support::{App, Page};

/// The routes of the app, and a public page that asks silently.
fn app(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> App {
    let app = App::with(configure);
    let greet = |user: Option<User>| async move {
        user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
    };
    let optional = Router::new().route("/optional", get(greet).layer(SilentLayer::new()));
    app.serve(app.sso.into_axum(app.routes().merge(optional)));
    app
}

fn lose_the_session(app: &App) {
    app.browser
        .set_cookie(App::URL, "__Host-sso=; Path=/; Secure; Max-Age=0")
        .unwrap();
}

/// Signed out here; the provider's own session lives on.
async fn sign_out(app: &App) {
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).stop_before(App::IDP).await;
}

async fn back_from_the_provider(app: &App, callback: &str) -> Page {
    app.browser.visit_from(App::IDP, callback).await
}

/// The answer to a silent attempt is still on its way when the person signs out in another tab. Guard:
/// the callback looks for the mark of a sign-out.
#[tokio::test]
async fn threat_43_a_silent_answer_that_comes_after_the_sign_out_signs_in() {
    let app = app(|builder| builder);
    app.sign_in("/protected").await;
    lose_the_session(&app);
    let callback = app.until_callback("/optional").await;
    app.sign_in("/protected").await;
    sign_out(&app).await;
    let page = back_from_the_provider(&app, &callback).await;
    assert_eq!((page.url.path(), &*page.html()), ("/optional", "nobody"));
    assert_eq!(app.session_cookie(), None);
    assert_eq!(app.idp().code_grants(), 2, "the silent code is not sent");
}

/// Who presses "sign out" a minute after the session ran out has signed out all the same. Guard: the mark
/// is set whoever was signed in.
#[tokio::test]
async fn threat_43_a_sign_out_after_the_session_ran_out_is_none() {
    let app = app(|builder| builder);
    app.sign_in("/protected").await;
    let page = app.visit("/auth/logout").await;
    app.clock.advance(std::time::Duration::from_secs(3600));
    page.submit(&page.only_form()).await;
    let page = app.visit("/optional").no_follow().await;
    assert_eq!((page.status.as_u16(), &*page.html()), (200, "nobody"));
}

async fn post_back(app: &App, path: &str) -> Page {
    app.visit(path).await.auto_submit().await
}

/// An answer by `form_post` comes from another site, without the `Lax` cookies that tell who is signed in and
/// who signed out.
#[tokio::test]
async fn threat_42_a_silent_answer_by_form_post_replaces_somebody() {
    let app = app(|builder| builder.response_mode(ResponseMode::FormPost));
    post_back(&app, "/protected").await;
    lose_the_session(&app);
    let callback = app.until_callback("/optional").await;
    app.person("bob", &["pwd"]);
    app.idp().end_sessions();
    post_back(&app, "/protected").await;
    let page = back_from_the_provider(&app, &callback).await;
    assert_eq!((page.url.path(), &*page.html()), ("/optional", "bob"));
}

/// As before, of the mark of a sign-out, both ways.
#[tokio::test]
async fn threat_43_a_sign_out_is_not_seen_by_form_post() {
    let app = app(|builder| builder.response_mode(ResponseMode::FormPost));
    post_back(&app, "/protected").await;
    lose_the_session(&app);
    let callback = app.until_callback("/optional").await;
    post_back(&app, "/protected").await;
    sign_out(&app).await;
    let page = back_from_the_provider(&app, &callback).await;
    assert_eq!((page.url.path(), &*page.html()), ("/optional", "nobody"));
    // Somebody signs in on purpose: then silence is welcome again.
    post_back(&app, "/protected").await;
    lose_the_session(&app);
    app.clock.advance(std::time::Duration::from_secs(300));
    assert_eq!(app.visit("/optional").await.html(), "alice");
}

/// Nobody asked for a sign-in, so nobody is told that there was none. Guard: `NotSilently` for each end of a
/// silent attempt but a session.
#[tokio::test]
async fn threat_42_a_silent_attempt_that_signs_nobody_in_is_the_persons_fault() {
    let refuse = |_: Identity| async { Ok::<_, BoxError>(Decision::Refuse("not you".into())) };
    let app = app(|builder| builder.on_identity(refuse));
    app.visit("/protected").await;
    let callback = app.until_callback("/optional").await;
    let left_behind = app.browser.copy();
    for browser in [&app.browser, &left_behind] {
        let page = browser.visit_from(App::IDP, &callback).await;
        assert_eq!((page.url.path(), &*page.html()), ("/optional", "nobody"));
    }
    app.clock.advance(std::time::Duration::from_secs(300));
    let callback = app.until_callback("/optional").await;
    app.clock.advance(std::time::Duration::from_secs(599));
    let page = app.browser.visit_from(App::IDP, &callback).await;
    assert_eq!((page.url.path(), &*page.html()), ("/optional", "nobody"));
}
