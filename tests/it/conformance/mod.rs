//! The login and RP-initiated logout cases of the OpenID Foundation's certification for relying parties,
//! each in a module named after it: `oidcc-client-test-nonce-invalid` is `nonce_invalid`. The plain
//! `oidcc-client-test` is `base`, and `oidcc-client-test-3rd-party-init-login` is `third_party_init_login`,
//! for no module begins with a digit.
//!
//! UserInfo is on in every app here: an ID token that is rejected must not lead to that call.
//!
//! Not here yet:
//! - `mtls-endpoint-aliases`, `request-uri-signed-rs256`, `dynamic-registration`: later.
//! - `rp-backchannel-*`, `rp-frontchannel-*`: with those endpoints.
//! - FAPI 2.0: later.

mod aggregated_claims;
mod base;
mod client_secret_basic;
mod discovery_issuer_mismatch;
mod discovery_jwks_uri_keys;
mod discovery_openid_config;
mod distributed_claims;
mod form_post;
mod form_post_error;
mod idtoken_sig_none;
mod idtoken_sig_rs256;
mod invalid_athash;
mod invalid_aud;
mod invalid_chash;
mod invalid_iss;
mod invalid_sig_es256;
mod invalid_sig_hs256;
mod invalid_sig_rs256;
mod kid_absent_multiple_jwks;
mod kid_absent_single_jwks;
mod missing_aud;
mod missing_iat;
mod missing_sub;
mod nonce_invalid;
mod nonce_unless_code_flow;
mod refresh_token;
mod refresh_token_invalid_issuer;
mod refresh_token_invalid_sub;
mod rp_init_logout;
mod rp_init_logout_no_state;
mod rp_init_logout_other_state;
mod scope_userinfo_claims;
mod signing_key_rotation;
mod signing_key_rotation_just_before_signing;
mod third_party_init_login;
mod userinfo_bearer_header;
mod userinfo_invalid_sub;
mod userinfo_signed;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use http::StatusCode;
use serde_json::{Value, json};
use tower_sso::SsoBuilder;
use tower_sso::simulator::{Endpoint, Fault, SigningAlgorithm};

use crate::support::{App, Page, Wire};

/// A relying party that asks UserInfo.
fn app() -> App {
    app_with(|builder| builder)
}

/// The same with options of its own.
fn app_with(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> App {
    App::with(|builder| configure(builder.userinfo(true)))
}

/// The same at a provider that signs with `algorithm`.
fn app_with_keys(algorithm: SigningAlgorithm) -> App {
    App::with_keys(algorithm, |builder| builder.userinfo(true))
}

/// The same, and what it says to the provider.
fn recorded() -> (App, Wire) {
    moved(&[])
}

/// The same at a provider whose metadata names other places for these endpoints, each with a query of its
/// own; at the usual ones nobody answers.
fn moved(endpoints: &[(&str, &str)]) -> (App, Wire) {
    let wire = Wire::default();
    let app = app_with(|builder| builder.http_client(Arc::new(wire.clone())));
    let mut provider = Router::new().nest("/tenant/7", app.simulator.router());
    for (field, path) in endpoints {
        let url = format!("{}/tenant/7{path}?t=a%2Fb", App::IDP);
        app.idp().set_fault(metadata(field, url));
        provider = provider.route(path, any(|| async { StatusCode::NOT_FOUND }));
    }
    let provider = provider.fallback_service(app.simulator.router());
    app.browser.serve(App::IDP, provider.clone());
    wire.connect(provider);
    (app, wire)
}

/// The same, signed in with a refresh token.
async fn renewable() -> App {
    let app = app_with(|builder| builder.scopes(["openid", "profile", "email", "offline_access"]));
    app.sign_in("/protected").await;
    app
}

/// Moves the clock to where the access token is about to end.
fn token_ends(app: &App) {
    app.clock.advance(Duration::from_secs(3600 - 30));
}

/// A refreshed ID token with this fault ends the session, and no further call is made.
async fn ends_the_session(fault: Fault) {
    let app = renewable().await;
    app.idp().set_fault(fault);
    token_ends(&app);
    let calls = app.idp().requests(Endpoint::UserInfo);
    let page = app.visit("/protected").no_follow().await;
    let asks = page.location().unwrap();
    assert!(asks.as_str().starts_with(App::IDP), "{asks}");
    assert_eq!(app.handled(), 1, "at the sign-in only");
    assert_eq!(app.idp().refresh_grants(), 1);
    assert_eq!(
        app.idp().requests(Endpoint::UserInfo),
        calls,
        "no further call"
    );
    app.idp().clear_faults();
    assert_eq!(app.visit("/").await.html(), "nobody", "the session is over");
    assert_eq!(app.idp().refresh_grants(), 1);
}

/// Presses the button that signs out.
async fn sign_out(app: &App) -> Page {
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).await
}

/// Signs in at a provider with this fault, which is rejected because of `reason`.
async fn rejects(fault: Fault, reason: &str) {
    let app = app();
    app.idp().set_fault(fault);
    rejects_the_id_token(&app, reason).await;
}

/// Signs in, which is rejected because of the ID token, before anything is done with the access token.
async fn rejects_the_id_token(app: &App, reason: &str) {
    let page = app.visit("/protected").await;
    assert_rejected(app, &page, reason).await;
    assert_eq!(app.idp().requests(Endpoint::Token), 1, "one exchange");
    assert_eq!(app.idp().requests(Endpoint::UserInfo), 0, "no further call");
}

/// The sign-in ended on a page that names the reason, without a session, and the next protected page
/// asks to sign in again.
async fn assert_rejected(app: &App, page: &Page, reason: &str) {
    assert_eq!(page.url.path(), "/auth/callback", "{}", page.html());
    assert!(
        page.status.is_client_error() || page.status.is_server_error(),
        "{}",
        page.status
    );
    assert!(page.text().contains(reason), "{}", page.text());
    assert_eq!((app.session_cookie(), app.handled()), (None, 0));
    assert_eq!(app.attempts(), 0, "the attempt is over");

    let next = app.visit("/protected").no_follow().await;
    let asks = next.location().unwrap();
    assert!(asks.as_str().starts_with(App::IDP), "{asks}");
}

/// Sets or removes a claim of the ID token.
fn claim(name: &str, value: Option<Value>) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), value)
}

/// Sets a field of the metadata.
fn metadata(name: &str, value: impl Into<Value>) -> Fault {
    Fault::DiscoveryField(name.to_owned(), Some(value.into()))
}

/// The algorithms that the provider says it signs ID tokens with.
fn signs_with(algorithms: &[&str]) -> Fault {
    metadata("id_token_signing_alg_values_supported", json!(algorithms))
}
