//! Each rung of silent re-authentication, climbed in two tabs of one browser, of which one is closed: at any
//! moment, between two hops as well. The other one gets its answer without waiting, and so does whoever
//! comes next.

use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_core::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower_sso::axum::AccessToken;
use tower_sso::simulator::Fault;
use tower_sso::{Policy, RequireLayer, SilentLayer, Unauthenticated, User};

use super::World;
use crate::support::{App, Page, drop_at_each_await};

/// What is climbed, from where.
struct Rung {
    name: &'static str,
    before: fn() -> BoxFuture<'static, World>,
    path: &'static str,
    /// What it asks, and how often at most: in both tabs and when somebody comes again.
    asks: (&'static str, usize),
    /// It has fewer await points only if it was not climbed.
    at_least: usize,
}

const RUNGS: [Rung; 7] = [
    Rung {
        name: "refresh, for a route",
        before: || Box::pin(renewable()),
        path: "/protected",
        asks: ("/token", 1),
        at_least: 5,
    },
    Rung {
        name: "refresh, for an extractor",
        before: || Box::pin(renewable()),
        path: "/extractor",
        asks: ("/token", 1),
        at_least: 5,
    },
    Rung {
        name: "refresh, for a public page",
        before: || Box::pin(renewable()),
        path: "/",
        asks: ("/token", 1),
        at_least: 5,
    },
    Rung {
        name: "refresh, for an access token",
        before: || Box::pin(renewable()),
        path: "/token",
        asks: ("/token", 1),
        at_least: 5,
    },
    Rung {
        name: "prompt=none, for a public page",
        before: || Box::pin(signed_in_elsewhere()),
        path: "/optional",
        asks: ("/token", 1),
        at_least: 10,
    },
    Rung {
        name: "prompt=none, before a page of the app's own",
        before: || Box::pin(signed_in_elsewhere()),
        path: "/silent",
        asks: ("/token", 1),
        at_least: 10,
    },
    Rung {
        name: "interactive",
        before: || Box::pin(signed_in_elsewhere()),
        path: "/protected",
        asks: ("/token", 3),
        at_least: 10,
    },
];

/// An app whose access tokens live a minute.
fn world() -> World {
    let world = World::with(|builder| builder.scopes(["openid", "offline_access"]));
    let name = |user: User| async move { user.subject().to_owned() };
    let greet = |user: Option<User>| async move {
        user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
    };
    let token = |user: User, _: AccessToken| async move { user.subject().to_owned() };
    let own = Unauthenticated::SilentThenPage("/welcome".to_owned());
    let require = || RequireLayer::new(Policy::login());
    let routes = Router::new()
        .route("/", get(greet))
        .route("/welcome", get(greet))
        .route("/optional", get(greet).layer(SilentLayer::new()))
        .route("/silent", get(name).layer(require().unauthenticated(own)))
        .route("/protected", get(name).layer(require()))
        .route("/extractor", get(name))
        .route("/token", get(token));
    world.app.serve(world.app.sso.into_axum(routes));
    world.app.idp().set_fault(Fault::ExpiresIn(Some(60.into())));
    world
}

/// Signed in with a refresh token, and the access token is over.
async fn renewable() -> World {
    let world = world();
    world.app.sign_in("/protected").await;
    world.app.clock.advance(Duration::from_secs(61));
    world
}

/// Somebody is signed in at the provider, and not here.
async fn signed_in_elsewhere() -> World {
    let world = world();
    world.app.visit("/auth/login").stop_before(App::URL).await;
    world
}

fn calls(world: &World, path: &str) -> usize {
    let sent = world.wire.sent();
    sent.iter().filter(|call| call.uri().path() == path).count()
}

/// A browser before the climb, and its other tab.
struct Before {
    world: World,
    other: Mutex<Option<JoinHandle<Page>>>,
    calls: usize,
    at: Instant,
}

async fn before(rung: &Rung) -> Before {
    let world = (rung.before)().await;
    let (browser, url) = (
        world.app.browser.clone(),
        format!("{}{}", App::URL, rung.path),
    );
    let other = tokio::spawn(async move { browser.visit(&url).await });
    Before {
        calls: calls(&world, rung.asks.0),
        other: Mutex::new(Some(other)),
        at: Instant::now(),
        world,
    }
}

/// A person, or nobody where the page is for both.
fn assert_served(page: &Page, what: &str) {
    let text = page.html();
    assert_eq!(page.status, 200, "{what}: {text}");
    assert!(
        ["alice", "nobody"].contains(&text.as_str()),
        "{what}: {text}"
    );
}

async fn assert_healed(rung: &Rung, before: &Before, polls: usize) {
    let (world, what) = (&before.world, format!("{} after {polls} polls", rung.name));
    let other = before.other.lock().unwrap().take().unwrap();
    assert_served(&other.await.unwrap(), &what);
    assert_served(&world.app.visit(rung.path).await, &what);
    let (asks, at_most) = rung.asks;
    let asked = calls(world, asks) - before.calls;
    assert!(asked <= at_most, "{what}: {asked} calls");
    // Whoever is still unknown signs in now.
    assert_eq!(
        world.app.sign_in("/protected").await.html(),
        "alice",
        "{what}"
    );
    // What came last is what goes on, once.
    let so_far = calls(world, "/token");
    world.app.clock.advance(Duration::from_secs(61));
    let page = world.app.visit("/protected").no_follow().await;
    assert_eq!(
        (page.status.as_u16(), page.html().as_str()),
        (200, "alice"),
        "{what}"
    );
    assert_eq!(calls(world, "/token"), so_far + 1, "{what}: renewed");
    world.codes_sent();
    // On a paused clock only a wait for something that does not come takes time.
    assert_eq!(
        before.at.elapsed(),
        Duration::ZERO,
        "{what}: somebody waited"
    );
}

#[tokio::test(start_paused = true)]
async fn a_tab_that_is_closed_on_any_rung_stops_nobody() {
    for rung in &RUNGS {
        let points = drop_at_each_await(
            async || before(rung).await,
            async |before| before.world.app.visit(rung.path).await,
            async |before, dropped| {
                if let Some(page) = dropped.output {
                    assert_served(&page, rung.name);
                }
                assert_healed(rung, before, dropped.polls).await;
            },
        )
        .await;
        assert!(points >= rung.at_least, "{}: {points}", rung.name);
    }
}
