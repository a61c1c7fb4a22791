//! What goes well, and what becomes of it later.

use axum::routing::get;
use tower_sso::simulator::{Endpoint, Fault, LoginChoice};
use tower_sso::{Policy, RequireLayer, SilentLayer, Unauthenticated, User};

use super::{Mood, Scenario, Stage, serve_routes};
use crate::support::App;

/// All that goes well, and the way out.
pub(super) fn successes() -> Vec<Scenario> {
    vec![
        Scenario::new("a sign-in, a step-up and a sign-out", |stage| {
            Box::pin(async {
                let mut pages = vec![stage.app.sign_in("/protected?token=none").await];
                let choice = LoginChoice::new("alice").with_amr(["pwd", "otp", "mfa"]);
                stage.idp.set_default_login(choice);
                pages.push(stage.app.sign_in("/mfa").await);
                pages.push(stage.app.visit("/admin").await);
                pages.push(stage.app.visit("/auth/session").await);
                let asked = stage.app.visit("/auth/logout").await;
                pages.push(asked.submit(&asked.only_form()).await);
                pages.push(asked);
                pages
            })
        }),
        Scenario::new("another account at a step-up", |stage| {
            Box::pin(async {
                let mut pages = vec![stage.app.sign_in("/protected").await];
                let bob = Fault::IdTokenClaim("sub".into(), Some("bob".into()));
                stage.idp.set_fault(bob);
                let choice = LoginChoice::new("alice").with_amr(["pwd", "otp", "mfa"]);
                stage.idp.set_default_login(choice);
                pages.push(stage.app.visit("/mfa").await);
                pages
            })
        }),
    ]
}

/// A session that is renewed, and three that can't be.
pub(super) fn renewals() -> Vec<Scenario> {
    let row = |name: &str, spoil: fn(&Stage)| {
        Scenario::new(name, move |stage| {
            Box::pin(async move {
                let short = Fault::ExpiresIn(Some(60.into()));
                stage.idp.set_fault(short);
                let mut pages = vec![stage.app.sign_in("/protected").await];
                let calls = stage.tap.calls("/token").len();
                stage.app.clock.advance(std::time::Duration::from_secs(61));
                spoil(stage);
                pages.push(stage.app.visit("/protected").await);
                assert!(stage.tap.calls("/token").len() > calls, "it was tried");
                pages
            })
        })
    };
    vec![
        row("a renewal", |_| ()),
        row("a renewal that is refused", |stage| {
            stage.idp.revoke_refresh_tokens();
        }),
        row("a renewal at a provider that is down", |stage| {
            let down = Fault::Status(Endpoint::Token, 503, None);
            stage.idp.set_fault(down);
        }),
        row("a renewal with a token that is forged", |stage| {
            stage.idp.set_fault(Fault::BadSignature);
        }),
    ]
}

/// Attempts without a page, by somebody who is signed in at the provider, and what becomes of them.
pub(super) fn silent_attempts() -> Vec<Scenario> {
    let row = |name: &str, spoil: fn(&Stage) -> bool| {
        Scenario::new(name, move |stage| {
            Box::pin(async move {
                let app = &stage.app;
                let greet = async |user: Option<User>| user.is_some().to_string();
                let own = RequireLayer::new(Policy::login())
                    .unauthenticated(Unauthenticated::SilentThenPage("/welcome".to_owned()));
                let routes = axum::Router::new()
                    .route("/silent", get(greet).layer(SilentLayer::new()))
                    .route("/own", get(greet).layer(own))
                    .route("/welcome", get(greet));
                serve_routes(app, routes);
                let mut pages = vec![app.visit("/auth/login").stop_before(App::URL).await];
                let expected = spoil(stage);
                let callback = app.until_callback("/silent?token=none").await;
                let copy = app.browser.copy();
                let page = app.browser.visit_from(App::IDP, &callback).await;
                assert_eq!(page.html() == "true", expected, "{}", page.html());
                pages.push(page);
                pages.push(copy.visit_from(App::IDP, &callback).await);
                let without_cookies = app.browser.stranger();
                pages.push(without_cookies.visit_from(App::IDP, &callback).await);
                pages.push(app.visit("/own").await);
                pages
            })
        })
    };
    vec![
        row("a silent attempt", |_| true),
        row("a silent attempt of nobody", |stage| {
            stage.idp.end_sessions();
            stage.idp.set_default_login(None);
            false
        }),
        row("a silent attempt with an odd error", |stage| {
            let odd = Fault::AuthorizeError(App::SECRET.into(), Some(App::SECRET.into()));
            stage.idp.set_fault(odd);
            false
        }),
        row("a silent attempt with a token that is forged", |stage| {
            stage.idp.set_fault(Fault::BadSignature);
            false
        }),
        row("a silent attempt at a provider that is down", |stage| {
            let down = Fault::Status(Endpoint::Token, 503, None);
            stage.idp.set_fault(down);
            false
        }),
        row("a silent attempt at a store that fails", |stage| {
            stage.store.set(Mood::Fails);
            false
        }),
    ]
}
