//! The callback: a code that is sent once, a session that is there whole or not at all.

use std::time::Duration;

use tower_sso::oidc::ResponseMode;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::{BoxError, Decision, Identity};

use super::World;
use crate::support::{App, Page, drop_at_each_await};

/// The app's own look at who comes takes a while, too.
async fn hook(_: Identity) -> Result<Decision, BoxError> {
    tokio::task::yield_now().await;
    Ok(Decision::Accept)
}

fn world() -> World {
    World::with(|builder| builder.userinfo(true).on_identity(hook))
}

async fn come_back(world: &World, callback: &str) -> Page {
    world
        .app
        .browser
        .visit_from(App::IDP, callback)
        .no_follow()
        .await
}

/// The answer is either still good for a sign-in, or was used up by one that sent its code.
async fn is_unused_or_used_up(world: &World, callback: &str) {
    let sent = world.codes_sent();
    let page = come_back(world, callback).await;
    match page.status.as_u16() {
        303 => assert_eq!(world.codes_sent(), sent + 1),
        400 => {
            assert!(page.html().contains("was used already"), "{}", page.html());
            assert_eq!(sent, 1, "used up, and nobody tried to sign in with it");
        }
        status => panic!("{status}: {}", page.html()),
    }
}

#[tokio::test]
async fn a_first_sign_in() {
    let points = drop_at_each_await(
        async || {
            let world = world();
            let callback = world.app.until_callback("/protected").await;
            (world, callback)
        },
        async |(world, callback)| come_back(world, callback).await,
        async |(world, callback), dropped| {
            let signed_in = usize::from(dropped.output.is_some());
            let kept = world.store.sessions_of("alice").await;
            assert_eq!(kept, signed_in, "kept after {} polls", dropped.polls);
            assert_eq!(world.app.session_cookie().is_some(), signed_in == 1);
            if dropped.output.is_none() {
                is_unused_or_used_up(world, callback).await;
            }
            world.works().await;
        },
    )
    .await;
    assert!(points >= 10, "{points}");
}

/// A step-up retires the id that the browser has. Who hangs up gets that one back.
#[tokio::test]
async fn a_step_up() {
    let points = drop_at_each_await(
        async || {
            let world = world();
            world.app.sign_in("/protected").await;
            world.app.person("alice", &["pwd", "otp", "mfa"]);
            let callback = world.app.until_callback("/mfa").await;
            (world, callback)
        },
        async |(world, callback)| come_back(world, callback).await,
        async |(world, _), dropped| {
            world.app.clock.advance(Duration::from_secs(11));
            let page = world.app.visit("/protected").no_follow().await;
            assert_eq!(page.status, 200, "after {} polls", dropped.polls);
            let kept = world.store.sessions_of("alice").await;
            let retired = usize::from(dropped.output.is_some());
            assert_eq!(kept, 1 + retired, "kept after {} polls", dropped.polls);
            world.app.sign_in("/mfa").await;
            world.codes_sent();
        },
    )
    .await;
    assert!(points >= 10, "{points}");
}

/// The session that is not this person's ends when they are somebody else, and not before there is another.
#[tokio::test]
async fn a_sign_in_as_somebody_else() {
    let points = drop_at_each_await(
        async || {
            let world = world();
            world.app.sign_in("/protected").await;
            world.app.idp().end_sessions();
            world.app.person("bob", &["pwd"]);
            let callback = world.app.until_callback("/auth/login?prompt=login").await;
            (world, callback)
        },
        async |(world, callback)| come_back(world, callback).await,
        async |(world, _), dropped| {
            let (alice, bob) = (
                world.store.sessions_of("alice").await,
                world.store.sessions_of("bob").await,
            );
            match dropped.output {
                Some(_) => assert_eq!((alice, bob), (0, 1)),
                None => assert_eq!(bob, 0, "bob's after {} polls", dropped.polls),
            }
            let page = world.app.visit("/protected").no_follow().await;
            assert_eq!(page.status == 200, alice + bob == 1);
            world.works().await;
        },
    )
    .await;
    assert!(points >= 10, "{points}");
}

#[tokio::test]
async fn an_answer_by_form() {
    let points = drop_at_each_await(
        async || {
            let world = World::with(|builder| builder.response_mode(ResponseMode::FormPost));
            let page = world.app.visit("/protected").await;
            (world, page)
        },
        async |(_, page)| page.auto_submit().no_follow().await,
        async |(world, page), dropped| {
            let signed_in = usize::from(dropped.output.is_some());
            assert_eq!(world.store.sessions_of("alice").await, signed_in);
            let again = page.auto_submit().no_follow().await;
            assert!(
                matches!(again.status.as_u16(), 303 | 400),
                "{}",
                again.status
            );
            assert_eq!(world.codes_sent(), 1);
        },
    )
    .await;
    assert!(points > 6, "{points}");
}

/// What the provider refuses, and what it says no to.
#[tokio::test]
async fn a_sign_in_that_fails() {
    for fault in [
        Fault::BadSignature,
        Fault::Status(Endpoint::Token, 503, None),
        Fault::AuthorizeError("access_denied".into(), None),
    ] {
        let points = drop_at_each_await(
            async || {
                let world = world();
                world.app.idp().set_fault(fault.clone());
                let callback = world.app.until_callback("/protected").await;
                (world, callback)
            },
            async |(world, callback)| come_back(world, callback).await,
            async |(world, _), dropped| {
                if let Some(page) = dropped.output {
                    assert!(page.status.as_u16() >= 400, "{fault:?}");
                }
                assert_eq!(world.store.sessions_of("alice").await, 0, "{fault:?}");
                world.app.idp().clear_faults();
                world.works().await;
            },
        )
        .await;
        assert!(points > 1, "{fault:?}: {points}");
    }
}
