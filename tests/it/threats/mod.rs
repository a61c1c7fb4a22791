//! Faults that known systems of this field had, each turned into a test that this one must pass. The number
//! in a name is the fault's place in the project's list of threats.

mod cross_site;
mod every_secret;
mod handles_mixed_up;
mod hostile_directory;
mod hostile_store;
mod jwt_and_jwks;
mod key_flood;
mod known_secrets;
mod loops;
mod malformed_input;
mod one_browser_one_flow;
mod own_page;
mod policy;
#[cfg(feature = "aws-lc-rs")]
mod private_addresses;
mod proxies;
mod reauthentication;
mod refresh_caches_replicas;
mod renewals;
mod retired_ids;
mod return_url_payloads;
mod secrets;
mod sessions_and_cookies;
mod sessions_at_odds;
mod shared_sessions;
mod silence;
mod tabs_at_odds;
mod tenants;
mod where_people_are_sent;
mod who_it_is;
mod wiretap;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tower_sso::provider::{HttpClient, InProcessClient};
use tower_sso::{CookieKey, Rejection, RejectionKind, Sso, SsoBuilder};

use crate::support::{App, Page};
use hostile_store::{HostileStore, Mood};
use wiretap::Wiretap;

/// A set-up as [`App::new`] makes it, for the same provider and clock.
fn builder(app: &App) -> SsoBuilder {
    let http = InProcessClient::new(app.simulator.router());
    Sso::builder(App::IDP)
        .client(App::CLIENT, App::SECRET)
        .base_url(App::URL)
        .cookie_key(CookieKey::generate())
        .clock(Arc::new(app.clock.clone()))
        .http_client(Arc::new(http))
}

/// Lets another set-up serve the app's routes from now on.
fn deploy(app: &mut App, sso: Sso) {
    app.sso = sso;
    let service = app.sso.into_axum(app.routes());
    app.browser.serve(App::URL, service);
}

/// An app whose calls to the provider are written down.
fn tapped(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> (App, Wiretap) {
    let mut app = App::new();
    let tap = Wiretap::new(InProcessClient::new(app.simulator.router()));
    let client: Arc<dyn HttpClient> = Arc::new(tap.clone());
    let sso = configure(builder(&app).http_client(client)).build();
    deploy(&mut app, sso.unwrap());
    (app, tap)
}

/// An app over a store that a test can let fail.
fn on_hostile_store() -> (App, Arc<HostileStore>) {
    let mut app = App::new();
    let store = Arc::new(HostileStore::new(Arc::new(app.clock.clone())));
    let sso = builder(&app).session_store(Arc::clone(&store) as _).build();
    deploy(&mut app, sso.unwrap());
    (app, store)
}

/// Puts routes of a test's own in the place of the app's.
fn serve_routes(app: &App, routes: Router) {
    app.browser.serve(App::URL, app.sso.into_axum(routes));
}

/// One request as it is written here: no browser has looked it over.
async fn send(app: &App, request: Request<Body>) -> Response<Body> {
    let service = app.sso.into_axum(app.routes());
    service.oneshot(request).await.unwrap()
}

async fn body_of(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Why a request was refused, by the word that outer layers read.
fn kind(page: &Page) -> Option<RejectionKind> {
    page.extensions.get::<Rejection>().map(Rejection::kind)
}

/// A page of a site that means no good.
async fn evil_page(app: &App, origin: &str) -> Page {
    let page = Router::new().route("/", axum::routing::get(|| async { "evil" }));
    app.browser.serve(origin, page);
    app.browser.visit(&format!("{origin}/")).await
}

/// The `Cookie` header with the jar's cookies of the app.
fn cookie_header(app: &App) -> String {
    let cookies = app.browser.cookies().into_iter();
    let pairs: Vec<_> = cookies
        .filter(|cookie| cookie.name.starts_with("__Host-sso"))
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    pairs.join("; ")
}

/// The only attempt that this browser has under way: name and value of its cookie.
fn attempt(app: &App) -> (String, String) {
    let mut attempts = app.browser.cookies().into_iter();
    let mut attempts = attempts
        .by_ref()
        .filter(|cookie| cookie.name.starts_with("__Host-sso-login-"));
    let attempt = attempts.next().unwrap();
    assert!(attempts.next().is_none(), "several attempts");
    (attempt.name, attempt.value)
}
