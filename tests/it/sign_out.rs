//! Signing out, here and at the provider.

use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use tower_sso::clock::TestClock;
use tower_sso::provider::{HttpClient, HttpError, HttpErrorKind};
use tower_sso::session::store::{MemoryStore, SessionStore};
use tower_sso::simulator::{Endpoint, Fault};

use crate::support::App;

async fn sign_out(app: &App) -> crate::support::Page {
    let page = app.visit("/auth/logout").await;
    assert_eq!(page.status, 200);
    page.submit(&page.only_form()).await
}

#[tokio::test]
async fn ends_the_session_here_and_at_the_provider() {
    let app = App::new();
    app.sign_in("/protected").await;
    let thief = app.browser.copy();
    let page = sign_out(&app).await;
    assert_eq!(page.url.path(), "/auth/logged-out", "{}", page.html());
    assert_eq!(page.status, 200);
    assert_eq!(app.session_cookie(), None);
    assert_eq!(app.idp().requests(Endpoint::EndSession), 1);
    assert_eq!(app.idp().sessions(), 0);
    let replayed = thief
        .visit("https://app.example.com/protected")
        .no_follow()
        .await;
    assert_eq!(replayed.status, 303, "a replayed cookie opens nothing");
    let left: Vec<_> = app
        .browser
        .cookies()
        .into_iter()
        .map(|cookie| cookie.name)
        .filter(|name| name.starts_with("__Host-"))
        .collect();
    assert_eq!(
        left,
        ["__Host-sso-trips", "__Host-sso-signed-out"],
        "the count of round trips for its minute, and the mark that nobody is signed in silently"
    );
}

#[tokio::test]
async fn the_logout_at_the_provider_names_the_session_and_the_way_back() {
    let app = App::new();
    app.sign_in("/protected").await;
    let page = app.visit("/auth/logout").await;
    let page = page.submit(&page.only_form()).no_follow().await;
    let url = page.location().unwrap();
    let names: Vec<_> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    for name in ["id_token_hint", "post_logout_redirect_uri", "state"] {
        assert!(names.iter().any(|own| own == name), "{name} in {names:?}");
    }
    assert_eq!(
        app.session_cookie(),
        None,
        "signed out here before the provider is asked"
    );
}

#[tokio::test]
async fn a_get_or_a_post_from_elsewhere_signs_nobody_out() {
    let app = App::new();
    app.sign_in("/protected").await;
    app.visit("/auth/logout").await;
    assert!(app.session_cookie().is_some());
    app.browser.serve(
        "https://evil.example",
        axum::Router::new().route("/", axum::routing::get(|| async { "evil" })),
    );
    let evil = app.browser.visit("https://evil.example/").await;
    let page = evil
        .follow("https://app.example.com/auth/logout")
        .method(http::Method::POST)
        .post_form(&[])
        .await;
    assert_eq!(page.status, 403);
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
}

/// Signed out here, told so, and the copied cookie opens nothing; the provider was not bothered.
async fn signs_out_here_only(app: &App) {
    let thief = app.browser.copy();
    let page = sign_out(app).await;
    assert_eq!(page.url.path(), "/auth/logged-out", "{}", page.html());
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("You are signed out"),
        "{}",
        page.text()
    );
    assert!(page.hop(App::IDP).is_none(), "the provider was not asked");
    assert_eq!((app.session_cookie(), app.attempts()), (None, 0));
    let waiting = app.browser.cookie("__Host-sso-logout");
    assert!(waiting.is_none(), "nobody comes back");
    let replayed = thief.visit(&format!("{}/protected", App::URL)).no_follow();
    assert_ne!(replayed.await.status, 200, "the session is over");
}

#[tokio::test]
async fn a_provider_without_a_logout_keeps_nobody_signed_in() {
    let app = App::new();
    app.idp()
        .set_fault(Fault::DiscoveryField("end_session_endpoint".into(), None));
    app.sign_in("/protected").await;
    signs_out_here_only(&app).await;
    assert_eq!(app.idp().sessions(), 1, "the one there lives on");
}

/// A process that was started while the provider is down, over the sessions of one before it.
#[tokio::test]
async fn a_provider_that_was_never_reached_keeps_nobody_signed_in() {
    let clock = TestClock::at(1_800_000_000);
    let store: Arc<dyn SessionStore> = Arc::new(MemoryStore::new(Arc::new(clock)));
    let mut app = App::with(|builder| builder.session_store(Arc::clone(&store)));
    app.sign_in("/protected").await;
    let down = App::with(|builder| {
        let clock = Arc::new(app.clock.clone());
        let builder = builder.clock(clock).http_client(Arc::new(Unreachable));
        builder.session_store(Arc::clone(&store))
    });
    app.sso = down.sso;
    app.serve(app.sso.into_axum(app.routes()));
    assert!(app.sso.ready().await.unwrap_err().is_temporary());
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    signs_out_here_only(&app).await;
}

/// A network without a provider in it.
#[derive(Debug)]
struct Unreachable;

impl HttpClient for Unreachable {
    fn call(&self, _: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, HttpError>> {
        Box::pin(async { Err(HttpError::new(HttpErrorKind::Connect)) })
    }
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_so_and_the_provider_is_left_alone() {
    let app = App::new();
    app.sign_in("/protected").await;
    app.browser.clear_cookies();
    let page = sign_out(&app).await;
    assert_eq!(
        (page.status.as_u16(), page.url.path()),
        (200, "/auth/logged-out")
    );
    assert_eq!(app.idp().requests(Endpoint::EndSession), 0);
}

#[tokio::test]
async fn the_page_after_a_sign_out_takes_no_answer_that_nothing_was_asked_for() {
    let app = App::new();
    assert_eq!(
        app.visit("/auth/logged-out").await.status,
        200,
        "nothing was under way"
    );
    assert_eq!(app.visit("/auth/logged-out?state=x").await.status, 400);
}

#[tokio::test]
async fn goes_on_to_a_page_of_the_app_only() {
    for (asked, reached) in [
        ("/?bye", "/?bye"),
        ("https://evil.example/", "/auth/logged-out"),
        ("//evil.example", "/auth/logged-out"),
    ] {
        let app = App::new();
        app.sign_in("/protected").await;
        let page = app.visit("/auth/logout").await;
        let page = page
            .follow("/auth/logout")
            .method(http::Method::POST)
            .post_form(&[("return_to", asked)])
            .await;
        assert!(
            page.url
                .as_str()
                .starts_with(&format!("{}{reached}", App::URL)),
            "{asked} → {}",
            page.url
        );
    }
}
