//! Policy: who it is that is signed in.

use std::sync::Arc;

use tower_sso::CookieKey;
use tower_sso::oidc::ResponseMode;
use tower_sso::provider::InProcessClient;
use tower_sso::session::store::MemoryStore;
use tower_sso::simulator::{Fault, LoginChoice, SimulatedClient, SimulatedUser, Simulator};

use super::{builder, deploy};
use crate::support::App;

/// Account mix: a step-up is answered by another account and the two become one. Guard: `is_same_person` in
/// `sign_in::redeem`, compared by issuer and subject.
#[tokio::test]
async fn threat_42_a_step_up_by_another_account_is_merged() {
    // A form from another site comes without the session's Lax cookie.
    for mode in [ResponseMode::Query, ResponseMode::FormPost] {
        let app = App::with(|builder| builder.response_mode(mode));
        let by_form = mode == ResponseMode::FormPost;
        let page = app.visit("/protected").await;
        if by_form {
            page.auto_submit().await;
        }
        let before = app.visit("/protected").no_follow().await.json();
        let cookie = app.session_cookie();
        app.idp().set_fault(Fault::IgnoreIdTokenHint);
        app.idp()
            .set_default_login(LoginChoice::new("bob").with_amr(["pwd", "otp", "mfa"]));
        let mut page = app.visit("/mfa").await;
        if by_form {
            page = page.auto_submit().await;
        }
        assert_eq!(page.status, 403, "{mode:?}");
        assert!(page.html().contains("alice@example.com"), "{}", page.html());
        assert!(page.html().contains("bob@example.com"));
        assert_eq!(app.session_cookie(), cookie, "{mode:?}");
        assert_eq!(app.visit("/protected").await.json(), before);
        assert_eq!(
            app.visit("/mfa").no_follow().await.status,
            303,
            "no stronger than before"
        );
    }
}

/// nOAuth: an e-mail address that another account claims too. Guard: `Sessions::make` and `is_same_person`
/// compare `(iss, sub)`.
#[tokio::test]
async fn threat_31_the_same_address_is_the_same_person() {
    let app = App::new();
    let alice = app.sign_in("/protected").await.json();
    let old = app.browser.copy();
    app.person("bob", &["pwd"]);
    app.idp().set_fault(Fault::IdTokenClaim(
        "email".into(),
        Some("alice@example.com".into()),
    ));
    app.visit("/auth/login?prompt=login").await;
    let bob = app.visit("/protected").await.json();
    assert_eq!(bob["claims"]["email"], "alice@example.com");
    assert_eq!(bob["sub"], "bob");
    assert_ne!(bob["public_id"], alice["public_id"]);
    let url = format!("{}/protected", App::URL);
    let page = old.visit(&url).no_follow().await;
    assert_eq!(page.status, 303, "another person's session ends at once");
}

/// As before: the same `sub` of another provider. Guard: the comparison of issuers in `Sessions::make`.
#[tokio::test]
async fn threat_31_the_same_subject_of_another_provider_is_the_same_person() {
    let mut app = App::new();
    let store = Arc::new(MemoryStore::new(Arc::new(app.clock.clone())));
    let sso = builder(&app)
        .session_store(Arc::clone(&store) as _)
        .build()
        .unwrap();
    deploy(&mut app, sso);
    let here = app.sign_in("/protected").await.json();
    let old = app.browser.copy();

    let other = "https://other.example.net";
    let simulator = Simulator::builder(other)
        .client(
            SimulatedClient::new(App::CLIENT)
                .with_secret(App::SECRET)
                .add_redirect_uri(&format!("{}/auth/callback", App::URL)),
        )
        .user(SimulatedUser::new("alice").with_email("alice@example.com"))
        .clock(Arc::new(app.clock.clone()))
        .build();
    simulator
        .handle()
        .set_default_login(LoginChoice::new("alice"));
    app.browser.serve(other, simulator.router());
    let sso = tower_sso::Sso::builder(other)
        .client(App::CLIENT, App::SECRET)
        .base_url(App::URL)
        .cookie_key(CookieKey::generate())
        .clock(Arc::new(app.clock.clone()))
        .http_client(Arc::new(InProcessClient::new(simulator.router())))
        .session_store(store)
        .build()
        .unwrap();
    deploy(&mut app, sso);
    app.visit("/auth/login?return_to=/protected").await;
    let there = app.visit("/protected").await.json();
    assert_eq!(
        (&there["iss"], &there["sub"]),
        (&other.into(), &"alice".into())
    );
    assert_ne!(there["public_id"], here["public_id"]);
    let url = format!("{}/protected", App::URL);
    let page = old.visit(&url).no_follow().await;
    assert_eq!(
        page.status, 303,
        "the session of the other provider's alice is over"
    );
}
