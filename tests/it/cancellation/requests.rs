//! What goes through the layers to the app, and what waits for the end of a session.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response};
use tokio_stream::StreamExt as _;
use tower::limit::ConcurrencyLimitLayer;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_sso::AccessToken;
use tower_sso::simulator::Fault;
use tower_sso::test_util::SignedIn;
use tower_sso::{Auth, Policy, RequireLayer};

use super::World;
use crate::support::{drop_after, drop_at_each_await};

/// A handler that takes a while, and there is room for one request only.
#[tokio::test]
async fn a_request_gives_its_room_back() {
    let points = drop_at_each_await(
        async || {
            let world = World::new();
            let cookie = world.app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
            let service = ServiceBuilder::new()
                .layer(world.app.sso.layer())
                .layer(RequireLayer::new(Policy::login()))
                .layer(ConcurrencyLimitLayer::new(1))
                .service(service_fn(|_: Request<Body>| async {
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(Response::new(Body::empty()))
                }));
            // Its idle end is moved on the way.
            world.app.clock.advance(Duration::from_secs(600));
            (world, service, cookie)
        },
        async |(_, service, cookie)| {
            let request = Request::get("/").header("cookie", cookie);
            let answer = service
                .clone()
                .oneshot(request.body(Body::empty()).unwrap());
            answer.await.unwrap().status()
        },
        async |(_, service, cookie), dropped| {
            assert!(dropped.output.is_none_or(|status| status == 200));
            for _ in 0..2 {
                let request = Request::get("/").header("cookie", cookie);
                let next = service
                    .clone()
                    .oneshot(request.body(Body::empty()).unwrap());
                let next = drop_after(50, next).await.expect("there is room");
                assert_eq!(next.unwrap().status(), 200, "after {}", dropped.polls);
            }
        },
    )
    .await;
    assert!(points > 2, "{points}");
}

/// A form that comes byte by byte, at each endpoint that reads one.
#[tokio::test]
async fn a_body_that_is_still_coming() {
    for path in ["/auth/callback", "/auth/login", "/auth/logout"] {
        let points = drop_at_each_await(
            async || {
                let world = World::new();
                world.app.sign_in("/protected").await;
                world
            },
            async |world| {
                let bytes = tokio_stream::iter("return_to=%2Fx".bytes()).then(async |byte| {
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(Bytes::copy_from_slice(&[byte]))
                });
                let request = Request::post(path)
                    .header("cookie", world.cookies())
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(Body::from_stream(Box::pin(bytes)))
                    .unwrap();
                world.send(request).await.status()
            },
            async |world, dropped| {
                let signed_out = path == "/auth/logout" && dropped.output.is_some();
                if dropped.polls <= "return_to=%2Fx".len() {
                    assert_eq!(dropped.output, None);
                    assert_eq!(world.store.sessions_of("alice").await, 1, "{path}");
                }
                if signed_out {
                    assert_eq!(world.store.sessions_of("alice").await, 0, "{path}");
                }
                world.works().await;
            },
        )
        .await;
        assert!(points >= 14, "{path}: {points}");
    }
}

/// An event stream whose reader goes away stops waiting, and others still learn of the end.
#[tokio::test(start_paused = true)]
async fn a_wait_for_the_end_of_a_session() {
    let world = World::new();
    let cookie = world.app.sso.sign_in(SignedIn::new("ada")).await.unwrap();
    let service = ServiceBuilder::new()
        .layer(world.app.sso.layer())
        .service(service_fn(|request: Request<Body>| async move {
            let session = Auth::of(request.extensions()).unwrap().session().cloned();
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(session.unwrap());
            Ok::<_, Infallible>(response)
        }));
    let request = Request::get("/").header("cookie", &cookie);
    let answer = service.oneshot(request.body(Body::empty()).unwrap()).await;
    let session = answer.unwrap().extensions_mut().remove().unwrap();

    let ended = || world.app.sso.ended(&session);
    for millis in [0, 500, 1_000, 1_001, 2_500] {
        let patience = Duration::from_millis(millis);
        let left = tokio::time::timeout(patience, ended()).await;
        assert!(left.is_err(), "it lives");
    }
    world.store.hold();
    let left = tokio::time::timeout(Duration::from_secs(3), ended()).await;
    assert!(left.is_err(), "gone in the middle of a look");
    world.store.let_go();
    let sign_out = Request::post("/auth/logout")
        .header("cookie", cookie)
        .header("sec-fetch-site", "same-origin");
    world.send(sign_out.body(Body::empty()).unwrap()).await;
    let noticed = tokio::time::timeout(Duration::from_secs(3), ended()).await;
    assert!(noticed.is_ok());
}

/// A request that renews its session first, whoever wants it: the refresh token is sent once, and the new
/// one is kept.
#[tokio::test]
async fn a_request_that_renews_its_session() {
    for path in ["/protected", "/extractor", "/", "/token"] {
        let points = drop_at_each_await(
            renewable,
            async |world| world.app.visit(path).no_follow().await.status,
            async |world, dropped| {
                assert!(dropped.output.is_none_or(|status| status == 200));
                let page = world.app.visit(path).no_follow().await;
                assert_eq!(page.status, 200, "{path} after {} polls", dropped.polls);
                assert_eq!(world.app.idp().refresh_grants(), 1, "{path}");
                world.app.clock.advance(Duration::from_secs(61));
                let page = world.app.visit("/protected").no_follow().await;
                assert_eq!(page.status, 200, "{path} after {} polls", dropped.polls);
                assert_eq!(world.app.idp().refresh_grants(), 2);
                assert_eq!(world.app.idp().reuse_detected(), 0);
            },
        )
        .await;
        assert!(points > 5, "{path}: {points}");
    }
}

/// Signed in with a refresh token, and the access token is over.
async fn renewable() -> World {
    let world = World::with(|builder| builder.scopes(["openid", "offline_access"]));
    let token = |token: AccessToken| async move { token.expose().len().to_string() };
    let routes = world.app.routes().route("/token", get(token));
    world.app.serve(world.app.sso.into_axum(routes));
    let short = Fault::ExpiresIn(Some(60.into()));
    world.app.idp().set_fault(short);
    world.app.sign_in("/protected").await;
    world.app.clock.advance(Duration::from_secs(61));
    world
}
