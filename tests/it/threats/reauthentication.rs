//! What may go wrong where a session that lives is looked at again without a page.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_core::future::BoxFuture;
use tokio::sync::Notify;
use tower_sso::session::store::SessionStore as _;
use tower_sso::simulator::{Endpoint, Fault, SilentAnswer};
use tower_sso::{
    AccessToken, BoxError, Decision, Identity, Revalidation, SilentLayer, SsoBuilder, User,
};

use crate::support::{App, Page, RemoteStore, settle};

type Decided = BoxFuture<'static, Result<Decision, BoxError>>;

const DUE: Duration = Duration::from_secs(3540);

fn by_the_browser(builder: SsoBuilder) -> SsoBuilder {
    builder.revalidation(Revalidation::OnTokenExpiry)
}

/// Somebody whose session is due, and the answer of the provider that is on its way.
async fn on_its_way(
    configure: impl FnOnce(SsoBuilder) -> SsoBuilder,
) -> (App, RemoteStore, String) {
    let (app, store, _) = App::far_from_everything(|builder| configure(by_the_browser(builder)));
    let token = |token: AccessToken| async move { token.expose().to_owned() };
    let greet = |user: Option<User>| async move {
        user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
    };
    let more = Router::new()
        .route("/token", get(token))
        .route("/optional", get(greet).layer(SilentLayer::new()));
    app.serve(app.sso.into_axum(app.routes().merge(more)));
    app.sign_in("/protected").await;
    app.clock.advance(DUE);
    let callback = app.until_callback("/protected").await;
    (app, store, callback)
}

async fn back(app: &App, callback: &str) -> Page {
    app.browser.visit_from(App::IDP, callback).no_follow().await
}

async fn sign_out(app: &App) {
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).stop_before(App::IDP).await;
}

async fn step_up(app: &App) {
    app.person("alice", &["pwd", "otp", "mfa"]);
    app.sign_in("/mfa").await;
}

/// The account was changed at the provider, which pays no heed to the hint. Guard: `is_same_person` in
/// `reauthentication::of_identity`.
#[tokio::test]
async fn threat_42_a_session_goes_on_as_somebody_else() {
    let app = App::with(by_the_browser);
    app.sign_in("/protected").await;
    app.clock.advance(DUE);
    let bob = SilentAnswer::CodeFor("bob".into());
    app.idp().set_fault(Fault::SilentAnswer(bob));
    let (old, cookie) = (app.browser.copy(), app.session_cookie());
    let callback = app.until_callback("/protected").await;
    back(&app, &callback).await;
    assert_eq!(app.session_cookie(), cookie, "the browser gets no other");
    for browser in [&app.browser, &old] {
        let page = browser.visit(&format!("{}/", App::URL)).await;
        assert_eq!(page.html(), "nobody");
    }
}

/// Guard: the outcome `login_required` ends the session.
#[tokio::test]
async fn threat_42_who_is_signed_out_at_the_provider_stays_signed_in_here() {
    let app = App::with(by_the_browser);
    app.sign_in("/protected").await;
    app.clock.advance(DUE);
    app.idp().end_sessions();
    app.idp().set_default_login(None);
    app.visit("/protected").await;
    assert_eq!(app.visit("/").await.html(), "nobody");
}

/// Another person signed in by another tab, while the provider was asked about the first. Guard: the session that
/// is bound into the state.
#[tokio::test]
async fn threat_42_an_answer_about_one_session_changes_another() {
    let (app, _, callback) = on_its_way(|builder| builder).await;
    app.person("bob", &["pwd"]);
    app.idp().end_sessions();
    app.visit("/auth/login?prompt=login").await;
    let cookie = app.session_cookie();
    let grants = app.idp().code_grants();
    back(&app, &callback).await;
    assert_eq!(app.session_cookie(), cookie);
    assert_eq!(app.visit("/").await.html(), "bob");
    assert_eq!(app.idp().code_grants(), grants, "the code is not redeemed");
}

/// The same of an answer that would end a session: it is the old one's, which is over. Guard: as before.
#[tokio::test]
async fn threat_13_an_answer_about_one_session_ends_that_of_another_tab() {
    let (app, _, _) = on_its_way(|builder| builder).await;
    app.clock.advance(Duration::from_secs(300));
    let error = SilentAnswer::Error("login_required".into());
    app.idp().set_fault(Fault::SilentAnswer(error));
    let callback = app.until_callback("/protected").await;
    step_up(&app).await;
    back(&app, &callback).await;
    assert_eq!(app.visit("/mfa").no_follow().await.status, 200);
}

/// Guard: the state of a silent attempt that was made for a session makes no other.
#[tokio::test]
async fn threat_18_an_answer_that_comes_after_the_end_signs_in() {
    let (app, store, callback) = on_its_way(|builder| builder).await;
    for (key, _) in store.find_by_subject(App::IDP, "alice").await.unwrap() {
        store.delete(key).await.unwrap();
    }
    back(&app, &callback).await;
    assert_eq!(app.visit("/").await.html(), "nobody");
    assert_eq!(store.sessions_of("alice").await, 0);
}

#[tokio::test]
async fn threat_43_an_answer_that_comes_after_the_sign_out_signs_in() {
    let (app, store, callback) = on_its_way(|builder| builder).await;
    sign_out(&app).await;
    back(&app, &callback).await;
    assert_eq!(app.visit("/optional").no_follow().await.html(), "nobody");
    assert_eq!(store.sessions_of("alice").await, 0);
}

/// A hook of the app that waits for the test, at the second identity.
fn waits(seen: &Arc<Notify>, go_on: &Arc<Notify>) -> impl Fn(Identity) -> Decided + use<> {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let (seen, go_on) = (Arc::clone(seen), Arc::clone(go_on));
    move |_| {
        let second = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1;
        let (seen, go_on) = (Arc::clone(&seen), Arc::clone(&go_on));
        Box::pin(async move {
            if second {
                seen.notify_one();
                go_on.notified().await;
            }
            Ok(Decision::Accept)
        })
    }
}

/// The code is redeemed and the session about to be written when another tab signs out, or steps up. Guards: the
/// compare-and-swap of `reauthentication::write`.
#[tokio::test]
async fn threat_18_a_session_that_ended_meanwhile_is_written_again() {
    for leaves in [true, false] {
        let (seen, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let hook = waits(&seen, &go_on);
        let (app, store, callback) = on_its_way(|builder| builder.on_identity(hook)).await;
        let other = app.browser.copy();
        let tab = app.clone();
        let answer = tokio::spawn(async move { back(&tab, &callback).await.status.as_u16() });
        seen.notified().await;
        if leaves {
            sign_out(&app).await;
        } else {
            step_up(&app).await;
        }
        go_on.notify_one();
        assert_eq!(answer.await.unwrap(), 303);
        settle().await;
        let token = other
            .visit(&format!("{}/token", App::URL))
            .no_follow()
            .await;
        assert_eq!(
            token.status,
            303,
            "no token for the old id: {}",
            token.html()
        );
        if leaves {
            assert_eq!(store.sessions_of("alice").await, 0);
        } else {
            assert_eq!(app.visit("/mfa").no_follow().await.status, 200);
        }
    }
}

/// What the provider says stays unsaid, or can't be read: who asks again at each page goes round for ever. Guard:
/// `Silent::may_ask` for sessions that live.
#[tokio::test]
async fn threat_32_a_session_that_can_t_be_looked_at_goes_round() {
    let app = App::with(by_the_browser);
    app.sign_in("/protected").await;
    app.clock.advance(DUE);
    let error = SilentAnswer::Error("interaction_required".into());
    app.idp().set_fault(Fault::SilentAnswer(error));
    for _ in 0..5 {
        assert_eq!(app.visit("/protected").await.status, 200);
    }
    assert_eq!(app.idp().requests(Endpoint::Authorize), 2);
}

/// Two people, two apps with scopes of their own, one store, all due at the same moment: each gets what is theirs
/// (CVE-2025-67490). Guard: flights are by session.
#[tokio::test(start_paused = true)]
async fn threat_22_one_gets_the_token_of_another() {
    let scopes = [
        &["openid", "offline_access"][..],
        &["openid", "email", "offline_access"],
    ];
    let apps = scopes.map(|scopes| {
        let app = App::with(|builder| builder.scopes(scopes.iter().copied()));
        let token = |token: AccessToken| async move { token.expose().to_owned() };
        let token = Router::new().route("/token", get(token));
        app.serve(app.sso.into_axum(app.routes().merge(token)));
        app
    });
    let mut waiting = Vec::new();
    for app in &apps {
        for (person, browser) in [
            ("alice", app.browser.clone()),
            ("bob", app.browser.stranger()),
        ] {
            app.person(person, &["pwd"]);
            app.idp().end_sessions();
            let page = browser.visit(&format!("{}/protected", App::URL)).await;
            assert_eq!(page.json()["sub"], person);
            waiting.push((app, person, browser));
        }
        app.clock.advance(DUE);
        let slow = Fault::Slow(Endpoint::Token, Duration::from_secs(1));
        app.idp().set_fault(slow);
    }
    let tasks: Vec<_> = waiting
        .into_iter()
        .flat_map(|both| std::iter::repeat_n(both, 5))
        .map(|(app, person, browser)| {
            let (app, url) = (app.clone(), format!("{}/token", App::URL));
            let fetch = tokio::spawn(async move { browser.visit(&url).no_follow().await.html() });
            (app, person, fetch)
        })
        .collect();
    for ((app, person, fetch), scopes) in tasks.into_iter().zip(scopes.iter().flat_map(|s| [s; 10]))
    {
        let token = fetch.await.unwrap();
        let claims = userinfo(&app, &token).await;
        assert_eq!(claims["sub"], person);
        assert_eq!(claims["email"].is_string(), scopes.contains(&"email"));
        assert_eq!(app.idp().refresh_grants(), 2);
    }
}

/// Whose token it is, as the provider says.
async fn userinfo(app: &App, token: &str) -> serde_json::Value {
    let request = http::Request::get(format!("{}/userinfo", App::IDP))
        .header("authorization", format!("Bearer {token}"))
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(app.simulator.router(), request)
        .await
        .unwrap();
    let body = http_body_util::BodyExt::collect(answer.into_body())
        .await
        .unwrap();
    serde_json::from_slice(&body.to_bytes()).unwrap()
}
