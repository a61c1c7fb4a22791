//! Asking without a page: who hangs up meanwhile is asked again, or sees the page without.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tower_sso::simulator::Endpoint;
use tower_sso::{Policy, RequireLayer, Revalidation, SilentLayer, User};

use super::World;
use crate::support::{App, drop_at_each_await};

async fn world() -> World {
    serve(World::new())
}

fn serve(world: World) -> World {
    let greet = |user: Option<User>| async move {
        user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
    };
    let routes = Router::new()
        .route("/optional", get(greet).layer(SilentLayer::new()))
        .route(
            "/protected",
            get(greet).layer(RequireLayer::new(Policy::login())),
        );
    world.app.serve(world.app.sso.into_axum(routes));
    world
}

/// Somebody is signed in at the provider, and not here.
async fn signed_in_elsewhere() -> World {
    let world = world().await;
    world.app.visit("/auth/login").stop_before(App::URL).await;
    let cookies = world.app.browser.cookies().into_iter();
    for cookie in cookies.filter(|cookie| cookie.name.starts_with(App::COOKIE)) {
        let removal = format!("{}=; Path=/; Secure; Max-Age=0", cookie.name);
        world.app.browser.set_cookie(App::URL, &removal).unwrap();
    }
    world
}

/// Whoever was not told to go to the provider is told the next time, and whoever was is not again.
#[tokio::test]
async fn the_start() {
    let points = drop_at_each_await(
        world,
        async |world| world.app.visit("/optional").no_follow().await,
        async |world, dropped| {
            let begun = usize::from(dropped.output.is_some());
            assert_eq!(world.app.attempts(), begun, "after {}", dropped.polls);
            let page = world.app.visit("/optional").await;
            assert_eq!(page.html(), "nobody", "after {} polls", dropped.polls);
            let asked = world.app.idp().requests(Endpoint::Authorize);
            assert_eq!(asked, [1, 0][begun], "after {} polls", dropped.polls);
            world.works().await;
        },
    )
    .await;
    assert!(points > 1, "{points}");
}

#[tokio::test]
async fn the_answer() {
    let points = drop_at_each_await(
        async || {
            let world = signed_in_elsewhere().await;
            let callback = world.app.until_callback("/optional").await;
            (world, callback)
        },
        async |(world, callback)| {
            let fetch = world.app.browser.visit_from(App::IDP, callback);
            fetch.no_follow().await
        },
        async |(world, _), dropped| {
            let signed_in = usize::from(dropped.output.is_some());
            let kept = world.store.sessions_of("alice").await;
            assert_eq!(kept, signed_in, "after {} polls", dropped.polls);
            let page = world.app.visit("/optional").no_follow().await;
            assert_eq!(page.html(), ["nobody", "alice"][signed_in]);
            world.works().await;
        },
    )
    .await;
    assert!(points >= 8, "{points}");
}

/// A session that lives is looked at again: whoever hangs up has it as it was or as it is now, under the same
/// cookie, and no other.
#[tokio::test]
async fn the_answer_about_a_session_that_lives() {
    let points = drop_at_each_await(
        async || {
            let by_the_browser = Revalidation::OnTokenExpiry;
            let world = serve(World::with(|builder| builder.revalidation(by_the_browser)));
            world.app.sign_in("/protected").await;
            world.app.clock.advance(Duration::from_secs(3540));
            let callback = world.app.until_callback("/protected").await;
            (world, callback)
        },
        async |(world, callback)| {
            let fetch = world.app.browser.visit_from(App::IDP, callback);
            fetch.no_follow().await
        },
        async |(world, _), dropped| {
            let page = world.app.visit("/protected").no_follow().await;
            assert_eq!(page.html(), "alice", "after {} polls", dropped.polls);
            assert_eq!(world.store.sessions_of("alice").await, 1);
            world.codes_sent();
        },
    )
    .await;
    assert!(points >= 8, "{points}");
}
