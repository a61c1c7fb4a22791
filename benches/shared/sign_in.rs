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

/// An app there, which asks for these scopes; `offline_access` brings refresh tokens.
pub(crate) fn app(simulator: &Simulator, scopes: [&str; 2]) -> SsoBuilder {
    Sso::builder(IDP)
        .public_client("app")
        .base_url(APP)
        .cookie_key(CookieKey::generate())
        .scopes(scopes)
        .http_client(Arc::new(InProcessClient::new(simulator.router())))
}

/// Signs in as a browser would; answers the session's `Cookie` line.
pub(crate) async fn sign_in(sso: &Sso, simulator: &Simulator) -> HeaderValue {
    sign_in_at(sso, simulator, "app.example.com").await
}

/// The same at another host of the app.
pub(crate) async fn sign_in_at(sso: &Sso, simulator: &Simulator, host: &str) -> HeaderValue {
    let app: Router = sso.routes();
    let begun = get(&app, host, "/auth/login", None).await;
    let attempt = cookie_of(begun.headers(), "__Host-sso-login-");
    let back = get(&simulator.router(), "idp", location(&begun), None).await;
    let signed_in = get(&app, host, location(&back), Some(attempt)).await;
    cookie_of(signed_in.headers(), "__Host-sso=")
}

async fn get(service: &Router, host: &str, url: &str, cookie: Option<HeaderValue>) -> Response {
    let mut request = Request::get(url)
        .header("host", host)
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

/// The `Cookie` line that answers the `Set-Cookie` line that starts so.
pub(crate) fn cookie_of(headers: &HeaderMap, start: &str) -> HeaderValue {
    let mut lines = headers.get_all(SET_COOKIE).iter();
    let line = lines.find_map(|line| line.to_str().ok().filter(|line| line.starts_with(start)));
    let (pair, _) = line.unwrap().split_once(';').unwrap();
    HeaderValue::from_str(pair).unwrap()
}
