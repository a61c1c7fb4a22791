//! Signing out, here and at the provider.

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
        ["__Host-sso-trips"],
        "the count of round trips stays for its minute"
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

#[tokio::test]
async fn a_provider_that_is_down_does_not_keep_anybody_signed_in() {
    let app = App::with(|builder| builder);
    app.sign_in("/protected").await;
    app.idp()
        .set_fault(Fault::DiscoveryField("end_session_endpoint".into(), None));
    app.clock.advance(std::time::Duration::from_secs(30 * 60));
    let thief = app.browser.copy();
    let page = app.visit("/auth/logout").await;
    let page = page.submit(&page.only_form()).stop_before(App::IDP).await;
    assert_eq!(app.session_cookie(), None);
    assert!(page.status.is_redirection() || page.url.path() == "/auth/logged-out");
    assert_eq!(
        thief
            .visit("https://app.example.com/protected")
            .no_follow()
            .await
            .status,
        303
    );
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
