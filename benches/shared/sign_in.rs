//! A sign-in at a simulated provider, for sessions that have tokens.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request};
use tower::ServiceExt;
use tower_sso::clock::Clock;
use tower_sso::provider::InProcessClient;
use tower_sso::simulator::{LoginChoice, SimulatedClient, SimulatedUser, Simulator};
use tower_sso::{CookieKey, Sso, SsoBuilder};

const IDP: &str = "https://idp.example.org";
const APP: &str = "https://app.example.com";
const CALLBACK: &str = "https://app.example.com/auth/callback";

/// A provider in this process, which signs the same person in whenever somebody comes.
pub(crate) fn provider(clock: Arc<dyn Clock>) -> Simulator {
    let client = SimulatedClient::new("app").add_redirect_uri(CALLBACK);
    let simulator = Simulator::builder(IDP)
        .client(client)
        .user(SimulatedUser::new("alice"))
        .clock(clock)
        .build();
    let choice = LoginChoice::new("alice").with_amr(["pwd", "otp"]);
    simulator.handle().set_default_login(choice);
    simulator
}

/// An app there, with refresh tokens.
pub(crate) fn app(simulator: &Simulator) -> SsoBuilder {
    Sso::builder(IDP)
        .public_client("app")
        .base_url(APP)
        .cookie_key(CookieKey::generate())
        .scopes(["openid", "offline_access"])
        .http_client(Arc::new(InProcessClient::new(simulator.router())))
}

/// Signs in as a browser would; answers the session's `Cookie` line.
pub(crate) async fn sign_in(sso: &Sso, simulator: &Simulator) -> HeaderValue {
    let app: Router = sso.routes();
    let begun = get(&app, "/auth/login", None).await;
    let attempt = cookie_of(begun.headers());
    let back = get(&simulator.router(), location(&begun), None).await;
    let signed_in = get(&app, location(&back), Some(attempt)).await;
    cookie_of(signed_in.headers())
}

async fn get(service: &Router, url: &str, cookie: Option<HeaderValue>) -> Response {
    let mut request = Request::get(url)
        .header("sec-fetch-mode", "navigate")
        .body(Body::empty())
        .unwrap();
    request
        .headers_mut()
        .extend(cookie.map(|value| (COOKIE, value)));
    let Ok(response) = service.clone().oneshot(request).await;
    response
}

fn location(response: &Response) -> &str {
    response.headers()[LOCATION].to_str().unwrap()
}

/// The `Cookie` line that answers the `Set-Cookie` lines.
pub(crate) fn cookie_of(headers: &HeaderMap) -> HeaderValue {
    let lines = headers.get_all(SET_COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()?.split(';').next());
    HeaderValue::from_str(&pairs.collect::<Vec<_>>().join("; ")).unwrap()
}
