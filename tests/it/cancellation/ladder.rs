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
use tower_sso::clock::TestClock;
use tower_sso::simulator::{Fault, MosaicFault};
use tower_sso::{AccessToken, Policy, RequireLayer, SilentLayer, Unauthenticated, User};

use super::World;
use crate::support::{App, Browser, Fetch, LIFE, MosaicApps, Page, Sisters, drop_at_each_await};

/// What is climbed, from where.
struct Rung {
    name: &'static str,
    before: fn() -> BoxFuture<'static, Ground>,
    path: &'static str,
    /// How often the provider is asked at most: by both tabs and when somebody comes again.
    asks: usize,
    /// It has fewer await points only if it was not climbed.
    at_least: usize,
}

const RUNGS: [Rung; 12] = [
    Rung {
        name: "refresh, for a route",
        before: || Box::pin(renewable()),
        path: "/protected",
        asks: 1,
        at_least: 5,
    },
    Rung {
        name: "refresh, for an extractor",
        before: || Box::pin(renewable()),
        path: "/extractor",
        asks: 1,
        at_least: 5,
    },
    Rung {
        name: "refresh, for a public page",
        before: || Box::pin(renewable()),
        path: "/",
        asks: 1,
        at_least: 5,
    },
    Rung {
        name: "refresh, for an access token",
        before: || Box::pin(renewable()),
        path: "/token",
        asks: 1,
        at_least: 5,
    },
    Rung {
        name: "backend session, where there is none here",
        before: || Box::pin(signed_in_at_a_sister()),
        path: "/protected",
        asks: 1,
        at_least: 3,
    },
    Rung {
        name: "backend session, to renew the one here",
        before: || Box::pin(renewable_by_id()),
        path: "/protected",
        asks: 1,
        at_least: 3,
    },
    Rung {
        name: "Mosaic's session, where there is none here",
        before: || Box::pin(at_mosaic(MosaicApps::TWO, true)),
        path: "/protected",
        asks: 1,
        at_least: 5,
    },
    Rung {
        name: "Mosaic's refresh token",
        before: || Box::pin(at_mosaic(MosaicApps::ONE, true)),
        path: "/protected",
        asks: 1,
        at_least: 5,
    },
    Rung {
        name: "Mosaic's session, to renew the one here",
        before: || Box::pin(at_mosaic(MosaicApps::ONE, false)),
        path: "/protected",
        asks: 1,
        at_least: 5,
    },
    Rung {
        name: "prompt=none, for a public page",
        before: || Box::pin(signed_in_elsewhere()),
        path: "/optional",
        asks: 1,
        at_least: 10,
    },
    Rung {
        name: "prompt=none, before a page of the app's own",
        before: || Box::pin(signed_in_elsewhere()),
        path: "/silent",
        asks: 1,
        at_least: 10,
    },
    Rung {
        name: "interactive",
        before: || Box::pin(signed_in_elsewhere()),
        path: "/protected",
        asks: 3,
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

/// A browser at the foot of a rung.
struct Ground {
    browser: Browser,
    clock: TestClock,
    origin: &'static str,
    /// How long tokens live there.
    life: Duration,
    /// How often the provider was asked so far.
    asked: Box<dyn Fn() -> usize + Send>,
}

impl Ground {
    fn oidc(world: World) -> Self {
        Self {
            browser: world.app.browser.clone(),
            clock: world.app.clock.clone(),
            origin: App::URL,
            life: Duration::from_secs(61),
            // Counts what was sent to the token endpoint, and that none of it was sent twice.
            asked: Box::new(move || world.codes_sent()),
        }
    }

    fn sisters(sisters: &Sisters, origin: &'static str) -> Self {
        let idp = sisters.idp.clone();
        Self {
            browser: sisters.browser.clone(),
            clock: sisters.clock.clone(),
            origin,
            life: LIFE,
            asked: Box::new(move || idp.asked()),
        }
    }

    fn mosaic(apps: MosaicApps, origin: &'static str) -> Self {
        Self {
            browser: apps.browser.clone(),
            clock: apps.clock.clone(),
            origin,
            life: LIFE,
            asked: Box::new(move || {
                assert_eq!(apps.idp().reuse_detected(), 0);
                assert_eq!(apps.idp().client_tokens(), 1);
                usize::try_from(apps.asked() + apps.refreshed()).unwrap()
            }),
        }
    }

    fn visit(&self, path: &str) -> Fetch {
        self.browser.visit(&format!("{}{path}", self.origin))
    }
}

/// Signed in with a refresh token, and the access token is over.
async fn renewable() -> Ground {
    let world = world();
    world.app.sign_in("/protected").await;
    world.app.clock.advance(Duration::from_secs(61));
    Ground::oidc(world)
}

/// Somebody is signed in at the provider, and not here.
async fn signed_in_elsewhere() -> Ground {
    let world = world();
    world.app.visit("/auth/login").stop_before(App::URL).await;
    Ground::oidc(world)
}

/// Somebody is signed in at another app of the same backend, and not here.
async fn signed_in_at_a_sister() -> Ground {
    let sisters = Sisters::with_remote_stores();
    sisters.sign_in("alice").await;
    Ground::sisters(&sisters, Sisters::TWO)
}

/// Somebody is signed in here, by the provider's session, and the access token is over.
async fn renewable_by_id() -> Ground {
    let sisters = Sisters::with_remote_stores();
    sisters.sign_in("alice").await;
    sisters.clock.advance(LIFE);
    Ground::sisters(&sisters, Sisters::ONE)
}

/// Somebody is signed in at the first of two apps at Mosaic, and the access token there is over.
async fn at_mosaic(origin: &'static str, refresh_tokens: bool) -> Ground {
    let apps = MosaicApps::with_remote_stores();
    let life = Some(LIFE.as_secs().into());
    apps.idp().set_fault(MosaicFault::ExpiresIn(life));
    if !refresh_tokens {
        apps.idp().set_fault(MosaicFault::NoRefreshToken);
    }
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.clock.advance(LIFE);
    Ground::mosaic(apps, origin)
}

/// Before the climb, and the browser's other tab.
struct Before {
    ground: Ground,
    other: Mutex<Option<JoinHandle<Page>>>,
    asked: usize,
    at: Instant,
}

async fn before(rung: &Rung) -> Before {
    let ground = (rung.before)().await;
    let other = ground.visit(rung.path);
    Before {
        asked: (ground.asked)(),
        other: Mutex::new(Some(tokio::spawn(async move { other.await }))),
        at: Instant::now(),
        ground,
    }
}

/// A person, or nobody where the page is for both.
fn assert_served(page: &Page, what: &str) {
    let text = page.html();
    assert_eq!(page.status, 200, "{what}: {text}");
    assert!(text.contains("alice") || text == "nobody", "{what}: {text}");
}

/// At the page that was asked for, and known.
fn assert_known(page: &Page, what: &str) {
    let text = page.html();
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/protected"));
    assert!(text.contains("alice"), "{what}: {text}");
}

async fn assert_healed(rung: &Rung, before: &Before, polls: usize) {
    let (ground, what) = (&before.ground, format!("{} after {polls} polls", rung.name));
    let other = before.other.lock().unwrap().take().unwrap();
    assert_served(&other.await.unwrap(), &what);
    assert_served(&ground.visit(rung.path).await, &what);
    let asked = (ground.asked)() - before.asked;
    assert!(asked <= rung.asks, "{what}: asked {asked} times");
    // Whoever is still unknown signs in now.
    assert_known(&ground.visit("/protected").await, &what);
    // What came last is what goes on, once.
    let so_far = (ground.asked)();
    ground.clock.advance(ground.life);
    assert_known(&ground.visit("/protected").no_follow().await, &what);
    assert_eq!((ground.asked)(), so_far + 1, "{what}: renewed");
    // A paused clock goes on only where somebody waits: for a lease's next look 100 ms, for a deadline more.
    let waited = before.at.elapsed();
    assert!(waited < Duration::from_millis(100), "{what}: {waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_tab_that_is_closed_on_any_rung_stops_nobody() {
    for rung in &RUNGS {
        let points = drop_at_each_await(
            async || before(rung).await,
            async |before| before.ground.visit(rung.path).await,
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
