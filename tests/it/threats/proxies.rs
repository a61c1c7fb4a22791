//! Proxies: what a client says in their name, to us and to an inner service.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::routing::any;
use axum::{Json, Router};
use http::{HeaderMap, HeaderName, Request, Response};
use serde_json::Value;
use tower_sso::simulator::Fault;
use tower_sso::{PeerAddress, Policy, RequireLayer, Sso, SsoBuilder};

use super::{body_of, cookie_header};
use crate::support::{App, Log};

const PROXY: [u8; 4] = [10, 0, 0, 1];
const STRANGER: [u8; 4] = [203, 0, 113, 9];

/// An inner service that shows each header as it got it.
fn inner() -> Router {
    Router::new().fallback(any(async |headers: HeaderMap| {
        let mut seen = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in &headers {
            let values = seen.entry(name.to_string()).or_default();
            values.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
        }
        Json(seen)
    }))
}

async fn ask(sso: &Sso, request: Request<Body>) -> (Response<Body>, Value) {
    let service = sso.into_axum(inner());
    let response = tower::ServiceExt::oneshot(service, request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = body_of(Response::new(body)).await;
    let seen = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}: {text}", parts.status));
    (Response::from_parts(parts, Body::empty()), seen)
}

fn with_identity_headers() -> App {
    App::with(|builder| builder.identity_headers(true))
}

const FORGED: &[&str] = &[
    "x-forwarded-user",
    "X-Forwarded-User",
    "x_forwarded_user",
    "X_FORWARDED_USER",
    "x-forwarded_user",
    "x.forwarded.user",
    "x-forwarded-issuer",
    "x-forwarded-email",
    "x_forwarded_email",
    "x-forwarded-preferred-username",
    "x-forwarded-preferred_username",
    "x-forwarded-groups",
    "x_forwarded_access_token",
    "x-auth-request-user",
    "x-auth-request-redirect",
    "remote-user",
    "remote_user",
];

/// A request with each forged header twice, and others that must pass.
fn forged(method: &str, cookie: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri("/any/path");
    for name in FORGED {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request = request.header(&name, "root").header(&name, "admin");
    }
    if !cookie.is_empty() {
        request = request.header("cookie", cookie);
    }
    let request = request.header("x-forwarded-for", "192.0.2.1");
    let request = request.header("connection", "close, X-Forwarded-User, x_forwarded_issuer");
    request.body(Body::empty()).unwrap()
}

fn assert_no_forged(seen: &Value) {
    assert!(!seen.to_string().contains("root"), "{seen}");
    assert!(!seen.to_string().contains("admin"), "{seen}");
    assert_eq!(seen["x-forwarded-for"][0], "192.0.2.1", "others pass");
    assert_eq!(seen["connection"][0], "close");
}

/// oauth2-proxy CVE-2025-64484: `X_Forwarded_User` went through, and the program inside read it as its own.
/// Guard: `identity_headers::strip`.
#[tokio::test]
async fn threat_20_a_stranger_names_itself_to_the_inner_service() {
    let app = with_identity_headers();
    for method in ["GET", "POST", "OPTIONS"] {
        let (_, seen) = ask(&app.sso, forged(method, "")).await;
        assert_no_forged(&seen);
        for name in seen.as_object().unwrap().keys() {
            let dashed = name.replace(['_', '.'], "-");
            assert!(!dashed.starts_with("x-forwarded-user"), "{name}");
        }
    }
}

/// As before, of somebody who is signed in and would be another. Guard: `strip` before `set`.
#[tokio::test]
async fn threat_20_who_is_signed_in_names_another_to_the_inner_service() {
    let app = with_identity_headers();
    app.sign_in("/protected").await;
    let (response, seen) = ask(&app.sso, forged("GET", &cookie_header(&app))).await;
    assert_no_forged(&seen);
    assert_eq!(seen["x-forwarded-user"], serde_json::json!(["alice"]));
    assert_eq!(seen["x-forwarded-issuer"], serde_json::json!([App::IDP]));
    let email = serde_json::json!(["alice@example.com"]);
    assert_eq!(seen["x-forwarded-email"], email);
    assert_eq!(seen.get("x-forwarded-preferred-username"), None);
    let cache = &response.headers()["cache-control"];
    assert_eq!(cache, "private, no-store", "it depends on the session");
    assert_eq!(response.headers()["vary"], "Cookie");
}

/// A page of another site posts as the person to a program that believes the header. Guard: `session_for` in
/// `identity_headers::replace`.
#[tokio::test]
async fn threat_40_another_site_posts_to_the_inner_service_as_the_person() {
    let app = with_identity_headers();
    app.sign_in("/protected").await;
    for (site, signed_in) in [
        ("cross-site", false),
        ("same-site", false),
        ("same-origin", true),
    ] {
        let mut request = forged("POST", &cookie_header(&app));
        request
            .headers_mut()
            .insert("sec-fetch-site", site.parse().unwrap());
        let (_, seen) = ask(&app.sso, request).await;
        assert_no_forged(&seen);
        assert_eq!(seen.get("x-forwarded-user").is_some(), signed_in, "{site}");
    }
}

/// nOAuth by way of a header: an address that the provider has not checked. Guard: `is_verified` in
/// `identity_headers::set`.
#[tokio::test]
async fn threat_31_an_unverified_address_names_a_person_to_the_inner_service() {
    for (claim, told) in [
        (Some(true.into()), true),
        (Some("true".into()), false),
        (Some(false.into()), false),
        (None, false),
    ] {
        let app = with_identity_headers();
        let verified = Fault::IdTokenClaim("email_verified".into(), claim.clone());
        app.idp().set_fault(verified);
        app.sign_in("/protected").await;
        let (_, seen) = ask(&app.sso, forged("GET", &cookie_header(&app))).await;
        assert_eq!(seen["x-forwarded-user"][0], "alice");
        assert_eq!(seen.get("x-forwarded-email").is_some(), told, "{claim:?}");
    }
}

/// A line break or another script in a claim makes a second header. Guard: `encoded`.
#[tokio::test]
async fn threat_20_a_claim_breaks_out_of_its_header() {
    let app = with_identity_headers();
    let name = "jörg 100%\r\nx-forwarded-user: root";
    let claim = Fault::IdTokenClaim("preferred_username".into(), Some(name.into()));
    app.idp().set_fault(claim);
    app.sign_in("/protected").await;
    let (_, seen) = ask(&app.sso, forged("GET", &cookie_header(&app))).await;
    assert_eq!(seen["x-forwarded-user"], serde_json::json!(["alice"]));
    let sent = "j%C3%B6rg%20100%25%0D%0Ax-forwarded-user:%20root";
    assert_eq!(seen["x-forwarded-preferred-username"][0], sent);
}

/// An address that the provider took back still names the person. Guard: `after_renewal` in
/// `RequireService::judge`.
#[tokio::test]
async fn threat_25_the_inner_service_is_told_what_was_true_before_the_renewal() {
    let app = App::with(|builder| {
        let scopes = ["openid", "profile", "email", "offline_access"];
        builder.identity_headers(true).scopes(scopes)
    });
    app.sign_in("/protected").await;
    let routes = || inner().layer(RequireLayer::new(Policy::login()));
    let service = app.sso.into_axum(routes());
    app.serve(service);
    let seen = app.visit("/").await.json();
    assert_eq!(seen["x-forwarded-email"][0], "alice@example.com");

    let claim = |name: &str, value: Value| Fault::IdTokenClaim(name.into(), Some(value));
    app.idp().set_fault(claim("email_verified", false.into()));
    app.idp()
        .set_fault(claim("preferred_username", "al".into()));
    app.clock.advance(Duration::from_secs(3540));
    let seen = app.visit("/").await.json();
    assert_eq!(app.idp().refresh_grants(), 1);
    assert_eq!(seen["x-forwarded-user"], serde_json::json!(["alice"]));
    assert_eq!(seen.get("x-forwarded-email"), None);
    assert_eq!(seen["x-forwarded-preferred-username"][0], "al");
}

#[tokio::test]
async fn headers_are_left_alone_where_nobody_asked_for_ours() {
    let app = App::new();
    app.sign_in("/protected").await;
    let (response, seen) = ask(&app.sso, forged("GET", &cookie_header(&app))).await;
    assert_eq!(seen["x-forwarded-user"].as_array().unwrap().len(), 4);
    assert_eq!(response.headers().get("cache-control"), None);
}

#[tokio::test]
async fn the_variable_switches_them_on() {
    for (value, passes) in [("", true), ("off", true), ("on", false)] {
        let sso = SsoBuilder::from_lookup(|name| match name {
            "SSO_ISSUER" => Some(App::IDP.into()),
            "SSO_CLIENT_ID" => Some("app".into()),
            "SSO_BASE_URL" => Some("http://127.0.0.1:3000".into()),
            "SSO_IDENTITY_HEADERS" => Some(value.into()),
            _ => None,
        });
        let sso = sso.and_then(SsoBuilder::build).unwrap();
        let (_, seen) = ask(&sso, forged("GET", "")).await;
        assert_eq!(seen.get("x-forwarded-user").is_some(), passes, "{value}");
    }
}

fn behind_proxies(builder: SsoBuilder) -> SsoBuilder {
    builder.trusted_proxies(["10.0.0.0/8"])
}

/// A request that came by a connection of `peer`, and says that it was forwarded.
fn forwarded(path: &str, peer: [u8; 4]) -> Request<Body> {
    let mut request = Request::get(path)
        .header("host", "evil.example")
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-forwarded-proto", "http")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "for=192.0.2.2;proto=http;host=evil.example")
        .header("sec-fetch-mode", "navigate");
    let extensions = request.extensions_mut().unwrap();
    extensions.insert(PeerAddress::from(std::net::IpAddr::from(peer)));
    request.body(Body::empty()).unwrap()
}

/// A client that says whom it speaks for. Guard: `trusts` in `Proxies::read`.
#[tokio::test]
async fn threat_20_a_stranger_is_believed_to_be_a_proxy() {
    let who = any(async |auth: axum::Extension<tower_sso::Auth>| {
        let address = auth.client_address().map(|address| address.to_string());
        Json(serde_json::json!([
            address,
            auth.forwarded_scheme(),
            auth.forwarded_host()
        ]))
    });
    let log = Log::start();
    let app = App::with(behind_proxies);
    let routes = Router::new().route("/who", who);
    for (peer, expected) in [
        (STRANGER, r#"["203.0.113.9",null,null]"#),
        (PROXY, r#"["192.0.2.1","http","evil.example"]"#),
    ] {
        let service = app.sso.into_axum(routes.clone());
        let request = forwarded("/who", peer);
        let response = tower::ServiceExt::oneshot(service, request).await.unwrap();
        assert_eq!(body_of(response).await, expected);
        super::send(&app, forwarded("/auth/callback?code=a&state=b", peer)).await;
        let client = log.audit()[0]["client"].clone();
        assert!(expected.contains(&client), "{client}");
    }
}

/// Host header attacks: a link, a redirect or the redirect URI is made of a name that the client chose. Even
/// a trusted proxy's word makes no URL. Guard: all URLs are made by `BaseUrl::join`.
#[tokio::test]
async fn threat_20_a_url_is_made_of_a_forwarded_host() {
    let app = App::with(behind_proxies);
    for peer in [STRANGER, PROXY] {
        for path in [
            "/protected",
            "/auth/login",
            "/auth/logout",
            "/auth/callback?code=a&state=b",
            "/nowhere",
        ] {
            let response = super::send(&app, forwarded(path, peer)).await;
            let headers = format!("{:?}", response.headers());
            assert!(!headers.contains("evil"), "{path}: {headers}");
            if let Some(location) = response.headers().get("location") {
                let location = location.to_str().unwrap();
                assert!(location.starts_with(App::IDP), "{location}");
                let redirect_uri = "redirect_uri=https%3A%2F%2Fapp.example.com%2Fauth%2Fcallback";
                assert!(location.contains(redirect_uri), "{location}");
            }
            assert!(!body_of(response).await.contains("evil"), "{path}");
        }
    }
}
