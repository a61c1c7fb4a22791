//! The layers among other tower layers: what was polled ready is what is called, and what was reserved
//! and not used is given back.

use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use futures_core::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;
use tower_http::trace::TraceLayer;
use tower_sso::test_util::SignedIn;
use tower_sso::{Policy, Rejection, RejectionKind, RequireLayer, SsoBody};

use super::soon;
use crate::support::App;

/// Panics when it is called without having been polled ready; a clone has not been.
#[derive(Debug, Default)]
struct Strict {
    is_ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<Body>> for Strict {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(self.is_ready, "called without being polled ready");
        self.is_ready = false;
        ready(Ok(Response::new(Body::from("in"))))
    }
}

async fn signed_in(app: &App) -> String {
    app.sso.sign_in(SignedIn::new("ada")).await.unwrap()
}

fn request(path: &str, cookie: &str) -> Request<Body> {
    Request::get(path)
        .header(header::COOKIE, cookie)
        .body(Body::empty())
        .unwrap()
}

fn login() -> RequireLayer {
    RequireLayer::new(Policy::login())
}

/// An endpoint, nobody, somebody: what the layers answer themselves, and what goes through them.
async fn each_way<S, B>(service: &mut S, cookie: &str) -> [StatusCode; 3]
where
    S: Service<Request<Body>, Response = Response<SsoBody<B>>>,
    S::Error: std::fmt::Debug,
{
    let mut statuses = [StatusCode::OK; 3];
    let ways = [("/auth/nothing", cookie), ("/", ""), ("/", cookie)];
    for (status, (path, cookie)) in statuses.iter_mut().zip(ways) {
        let service = soon(service.ready()).await.unwrap();
        *status = service.call(request(path, cookie)).await.unwrap().status();
    }
    statuses
}

const WAYS: [StatusCode; 3] = [
    StatusCode::NOT_FOUND,
    StatusCode::UNAUTHORIZED,
    StatusCode::OK,
];

#[tokio::test]
async fn the_service_that_was_polled_ready_is_called() {
    let app = App::new();
    let cookie = signed_in(&app).await;
    let mut service = ServiceBuilder::new()
        .layer(app.sso.layer())
        .layer(login())
        .service(Strict::default());
    for _ in 0..2 {
        assert_eq!(each_way(&mut service, &cookie).await, WAYS);
    }
}

#[tokio::test]
async fn the_service_that_was_polled_ready_is_called_after_a_load_too() {
    let (app, store) = App::with_remote_store();
    let cookie = signed_in(&app).await;
    let mut service = ServiceBuilder::new()
        .layer(app.sso.layer())
        .layer(login())
        .service(Strict::default());
    for _ in 0..2 {
        assert_eq!(each_way(&mut service, &cookie).await, WAYS);
    }
    assert_eq!(store.loads(), 2);
}

#[tokio::test]
async fn an_answer_of_our_own_gives_the_permit_back() {
    for remote in [false, true] {
        let app = match remote {
            true => App::with_remote_store().0,
            false => App::new(),
        };
        let own = signed_in(&app).await;
        let limited = ConcurrencyLimit::new(Strict::default(), 1);
        let mut service = ServiceBuilder::new()
            .layer(app.sso.layer())
            .layer(login())
            .service(limited);
        let mut other = service.clone();
        for (path, cookie) in [("/auth/session", ""), ("/", ""), ("/", own.as_str())] {
            let free = soon(service.ready()).await.unwrap();
            free.call(request(path, cookie)).await.unwrap();
            let free = soon(other.ready()).await.unwrap();
            free.call(request("/", &own)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_full_service_holds_back_only_until_it_is_free() {
    let app = App::new();
    let cookie = signed_in(&app).await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    let waits = gate.clone();
    let slow = service_fn(move |_: Request<Body>| {
        let gate = waits.clone();
        async move {
            gate.notified().await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }
    });
    let mut service = app.sso.layer().layer(ConcurrencyLimit::new(slow, 1));
    let mut other = service.clone();
    let first = tokio::spawn(service.ready().await.unwrap().call(request("/", &cookie)));
    std::future::poll_fn(|cx| {
        assert!(Service::<Request<Body>>::poll_ready(&mut other, cx).is_pending());
        Poll::Ready(())
    })
    .await;
    gate.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    soon(other.ready()).await.unwrap();
}

#[tokio::test]
async fn a_buffer_may_be_inside_or_outside() {
    for remote in [false, true] {
        let app = match remote {
            true => App::with_remote_store().0,
            false => App::new(),
        };
        let cookie = signed_in(&app).await;
        let mut inside = ServiceBuilder::new()
            .layer(app.sso.layer())
            .layer(login())
            .buffer(1)
            .service(Strict::default());
        let mut outside = ServiceBuilder::new()
            .buffer(1)
            .layer(app.sso.layer())
            .layer(login())
            .service(Strict::default());
        for _ in 0..3 {
            assert_eq!(each_way(&mut inside, &cookie).await, WAYS);
            assert_eq!(each_way(&mut outside, &cookie).await, WAYS);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_is_the_inner_services_error() {
    let app = App::new();
    let cookie = signed_in(&app).await;
    let never = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let service = ServiceBuilder::new()
        .layer(app.sso.layer())
        .layer(login())
        .timeout(Duration::from_secs(1))
        .service(never);
    let error: BoxError = service
        .clone()
        .oneshot(request("/", &cookie))
        .await
        .unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>());
    assert_eq!(
        service.oneshot(request("/", "")).await.unwrap().status(),
        401
    );
}

#[tokio::test]
async fn load_shed_inside_sheds_what_would_reach_it_and_nothing_else() {
    let app = App::new();
    let cookie = signed_in(&app).await;
    let never = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let service = ServiceBuilder::new()
        .layer(app.sso.layer())
        .layer(login())
        .load_shed()
        .concurrency_limit(1)
        .service(never);
    let busy = tokio::spawn(service.clone().oneshot(request("/", &cookie)));
    tokio::task::yield_now().await;
    let error = service.clone().oneshot(request("/", &cookie)).await;
    assert!(
        error
            .unwrap_err()
            .is::<tower::load_shed::error::Overloaded>()
    );
    let refused = service.clone().oneshot(request("/", "")).await.unwrap();
    assert_eq!(refused.status(), 401);
    let answered = service.oneshot(request("/auth/session", "")).await;
    assert_eq!(answered.unwrap().status(), 200);
    busy.abort();
}

#[tokio::test]
async fn cors_headers_from_in_between_are_kept_on_refusals() {
    let app = App::new();
    let cors = CorsLayer::new()
        .allow_origin(["https://partner.example".parse().unwrap()])
        .allow_credentials(true)
        .allow_methods([Method::POST]);
    let service = ServiceBuilder::new()
        .layer(app.sso.layer())
        .layer(cors)
        .layer(login())
        .service(Strict::default());
    let asks = |method: Method| {
        Request::builder()
            .method(method)
            .uri("/")
            .header(header::ORIGIN, "https://partner.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .body(Body::empty())
            .unwrap()
    };
    let refused = service.clone().oneshot(asks(Method::GET)).await.unwrap();
    assert_eq!(refused.status(), 401);
    let headers = refused.headers();
    assert_eq!(
        headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        "https://partner.example"
    );
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    let vary: Vec<_> = headers.get_all(header::VARY).iter().collect();
    assert!(
        vary.iter()
            .any(|line| line.to_str().unwrap().contains("origin"))
    );
    assert!(vary.iter().any(|line| *line == "Cookie"), "{vary:?}");

    let preflight = service.oneshot(asks(Method::OPTIONS)).await.unwrap();
    assert_eq!(preflight.status(), 200);
    assert_eq!(
        preflight.headers()[header::ACCESS_CONTROL_ALLOW_METHODS],
        "POST"
    );
}

#[tokio::test]
async fn a_trace_layer_outside_sees_why() {
    let app = App::new();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sees = seen.clone();
    let trace = TraceLayer::new_for_http().on_response(
        move |response: &Response<_>, _: Duration, _: &tracing::Span| {
            let rejection = response.extensions().get::<Rejection>();
            sees.lock().unwrap().push(rejection.map(Rejection::kind));
        },
    );
    let service = trace.layer(app.sso.into_axum(app.routes()));
    app.serve(service);
    app.visit("/protected").no_follow().await;
    app.visit("/").await;
    app.sign_in("/protected").await;
    app.visit("/admin").await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen[..2], [Some(RejectionKind::SignIn), None]);
    assert_eq!(seen.last().unwrap(), &Some(RejectionKind::Forbidden));
}

/// Everything that the layers need of an inner service, and no more.
#[tokio::test]
async fn a_boxed_service_is_a_service() {
    let app = App::new();
    let cookie = signed_in(&app).await;
    let inner = service_fn(|_: Request<Body>| -> BoxFuture<'static, _> {
        Box::pin(ready(Ok::<_, BoxError>(Response::new(Body::empty()))))
    });
    let boxed = tower::util::BoxCloneService::new(inner);
    let mut service = app.sso.layer().layer(login().layer(boxed));
    assert_eq!(each_way(&mut service, &cookie).await, WAYS);
}
