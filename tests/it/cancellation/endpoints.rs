//! The start of a sign-in, its end, and the page's question.

use tower_sso::simulator::Endpoint;

use super::World;
use crate::support::drop_at_each_await;

#[tokio::test]
async fn the_start_of_a_sign_in() {
    for path in [
        "/auth/login?return_to=/protected",
        "/protected",
        "/extractor",
    ] {
        let points = drop_at_each_await(
            async || World::new(),
            async |world| world.app.visit(path).no_follow().await,
            async |world, dropped| {
                let begun = usize::from(dropped.output.is_some());
                assert_eq!(world.app.attempts(), begun, "{path}");
                world.works().await;
            },
        )
        .await;
        assert!(points > 1, "{path}: {points}");
    }
}

/// Who is signed in and asks for more is looked up first.
#[tokio::test]
async fn the_start_of_a_step_up() {
    for path in ["/auth/login?multi_factor=true", "/mfa"] {
        let points = drop_at_each_await(
            async || {
                let world = World::new();
                world.app.sign_in("/protected").await;
                world
            },
            async |world| world.app.visit(path).no_follow().await,
            async |world, dropped| {
                let begun = usize::from(dropped.output.is_some());
                assert_eq!(world.app.attempts(), begun, "{path}");
                let page = world.app.visit("/protected").no_follow().await;
                assert_eq!(page.status, 200);
                world.works().await;
            },
        )
        .await;
        assert!(points > 1, "{path}: {points}");
    }
}

/// All ids that a browser has of a session end, or none.
#[tokio::test]
async fn a_sign_out() {
    let points = drop_at_each_await(
        async || {
            let world = World::new();
            world.app.sign_in("/protected").await;
            let first = world.app.browser.copy();
            world.app.visit("/auth/login?return_to=/protected").await;
            let asked = world.app.visit("/auth/logout").await;
            (world, first, asked)
        },
        async |(_, _, asked)| asked.submit(&asked.only_form()).no_follow().await,
        async |(world, first, asked), dropped| {
            let url = asked.url.join("/protected").unwrap();
            let old = first.visit(url.as_str()).no_follow().await.status;
            let new = world.app.visit("/protected").no_follow().await.status;
            assert_eq!(old, new, "half signed out after {} polls", dropped.polls);
            let kept = world.store.sessions_of("alice").await;
            assert_eq!(kept, if new == 200 { 2 } else { 0 });
            if let Some(page) = dropped.output {
                assert_eq!((page.status.as_u16(), new.as_u16()), (303, 303));
            }
            let again = asked.submit(&asked.only_form()).no_follow().await;
            assert_eq!(again.status, 303, "who clicks again is signed out");
            assert_eq!(world.store.sessions_of("alice").await, 0);
            world.works().await;
        },
    )
    .await;
    assert!(points > 6, "{points}");
}

#[tokio::test]
async fn the_question_who_is_signed_in() {
    let points = drop_at_each_await(
        async || {
            let world = World::new();
            world.app.sign_in("/protected").await;
            world
        },
        async |world| world.app.visit("/auth/session").await.json(),
        async |world, dropped| {
            if let Some(answer) = dropped.output {
                assert_eq!(answer["signed_in"], true);
            }
            assert_eq!(world.store.sessions_of("alice").await, 1);
            assert_eq!(world.app.visit("/protected").no_follow().await.status, 200);
        },
    )
    .await;
    assert!(points > 1, "{points}");
}

/// A readiness probe with little patience does not stop the fetches that it began, nor begins more.
#[tokio::test]
async fn a_readiness_probe() {
    let points = drop_at_each_await(
        async || World::new(),
        async |world| world.app.sso.ready().await,
        async |world, dropped| {
            assert!(dropped.output.is_none_or(|outcome| outcome.is_ok()));
            world.app.sso.ready().await.unwrap();
            let requests = |endpoint| world.app.idp().requests(endpoint);
            let fetches = (requests(Endpoint::Discovery), requests(Endpoint::Jwks));
            assert_eq!(fetches, (1, 1), "after {} polls", dropped.polls);
        },
    )
    .await;
    assert!(points > 2, "{points}");
}
