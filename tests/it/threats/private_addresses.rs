//! 37: what a tenant's configuration names is called though only this process can reach it.

use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::Redirect;
use axum::routing::get;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use tower_sso::clock::TestClock;
use tower_sso::oidc::Issuer;
use tower_sso::provider::{
    Addresses, HttpClient, HttpError, HttpOptions, InProcessClient, OidcConfig, OidcProvider,
    Provider as _, ReqwestClient,
};
use tower_sso::tenant::{Tenant, TenantFrom, TenantList};
use tower_sso::{CookieKey, Sso, User};

use super::{builder, deploy};
use crate::support::{App, TenantApp};

const CONFIGURATION: &str = "/.well-known/openid-configuration";

/// Hangs up on whoever connects, and counts them.
struct Inside {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Inside {
    async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inside = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
        };
        let connections = Arc::clone(&inside.connections);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                connections.fetch_add(1, Ordering::SeqCst);
            }
        });
        inside
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn client(addresses: Addresses) -> ReqwestClient {
    let options = HttpOptions {
        addresses,
        ..HttpOptions::default()
    };
    ReqwestClient::new(&options).unwrap()
}

fn provider(issuer: &str, http: ReqwestClient) -> OidcProvider {
    let config = OidcConfig::new(Issuer::parse(issuer).unwrap(), "my-app");
    let clock = TestClock::at(1_800_000_000);
    OidcProvider::new(config, Arc::new(http), Arc::new(clock))
}

#[tokio::test]
async fn threat_37_a_tenants_issuer_is_called_inside() {
    let inside = Inside::listen().await;
    for (scheme, host) in [
        ("https", "127.0.0.1"),
        ("https", "127.1"),
        ("https", "2130706433"),
        ("https", "0x7f.1"),
        ("https", "0177.0.0.1"),
        ("https", "0.0.0.0"),
        ("https", "[::1]"),
        ("https", "[::ffff:127.0.0.1]"),
        ("https", "[::ffff:7f00:1]"),
        ("https", "localhost"),
        ("https", "x.localhost"),
        ("https", "LocalHost."),
        ("http", "127.0.0.1"),
        ("http", "x.localhost"),
    ] {
        let issuer = format!("{scheme}://{host}:{}", inside.port);
        let refused = provider(&issuer, client(Addresses::PublicOnly));
        let error = refused.ready().await.unwrap_err();
        assert_eq!(inside.connections(), 0, "{issuer}");
        assert!(!error.is_temporary(), "no outage: {issuer}");
        assert!(!error.is_configuration(), "not the app's: {issuer}");
        assert!(!error.to_string().contains(host), "{error}");
    }
    for host in ["127.0.0.1", "x.localhost", "2130706433"] {
        let before = inside.connections();
        let issuer = format!("https://{host}:{}", inside.port);
        let allowed = provider(&issuer, client(Addresses::Any));
        allowed.ready().await.unwrap_err();
        assert!(inside.connections() > before, "the listener counts: {host}");
    }
}

/// Each port of the inside looks the same from outside.
#[tokio::test]
async fn threat_37_an_open_port_inside_is_told_from_a_closed_one() {
    let inside = Inside::listen().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = closed.local_addr().unwrap().port();
    let mut errors = Vec::new();
    for port in [inside.port, closed] {
        let issuer = format!("https://127.0.0.1:{port}");
        let refused = provider(&issuer, client(Addresses::PublicOnly));
        let error = refused.ready().await.unwrap_err();
        errors.push((error.kind(), error.to_string(), error.is_temporary()));
    }
    assert_eq!(errors[0], errors[1]);
    assert_eq!(inside.connections(), 0);
}

/// A provider outside that names one endpoint inside, and the client that tenants get for the rest.
#[derive(Clone, Debug)]
struct Traitor {
    outside: InProcessClient,
    inside: ReqwestClient,
    endpoint: &'static str,
    url: String,
}

impl HttpClient for Traitor {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        if request.uri().host() == Some("127.0.0.1") {
            return self.inside.call(request);
        }
        Box::pin(async move {
            let is_configuration = request.uri().path() == CONFIGURATION;
            let answer = self.outside.call(request).await?;
            if !is_configuration {
                return Ok(answer);
            }
            let mut metadata: Value = serde_json::from_slice(answer.body()).unwrap();
            metadata[self.endpoint] = self.url.as_str().into();
            Ok(answer.map(|_| Bytes::from(metadata.to_string())))
        })
    }
}

/// Signs in at an app whose provider names an endpoint inside; how often that was connected to.
async fn connections(endpoint: &'static str, addresses: Addresses) -> usize {
    let inside = Inside::listen().await;
    let mut app = App::new();
    let traitor = Traitor {
        outside: InProcessClient::new(app.simulator.router()),
        inside: client(addresses),
        endpoint,
        url: format!("https://127.0.0.1:{}/x", inside.port),
    };
    let sso = builder(&app).userinfo(true).http_client(Arc::new(traitor));
    let sso = sso.build().unwrap();
    deploy(&mut app, sso);
    let page = app.visit("/protected").await;
    assert_ne!(page.status, 200, "{endpoint}");
    assert!(app.session_cookie().is_none(), "{endpoint}");
    inside.connections()
}

#[tokio::test]
async fn threat_37_a_discovery_document_sends_calls_inside() {
    for endpoint in ["token_endpoint", "jwks_uri", "userinfo_endpoint"] {
        let connected = connections(endpoint, Addresses::PublicOnly).await;
        assert_eq!(connected, 0, "{endpoint}");
        let connected = connections(endpoint, Addresses::Any).await;
        assert!(connected > 0, "the sign-in gets that far: {endpoint}");
    }
}

#[tokio::test]
async fn threat_37_a_redirect_leads_inside() {
    let inside = Inside::listen().await;
    let outside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", outside.local_addr().unwrap());
    let target = format!("http://127.0.0.1:{}/keys", inside.port);
    let redirect = get(move || async move { Redirect::temporary(&target) });
    let router = Router::new().route(CONFIGURATION, redirect);
    tokio::spawn(async move { axum::serve(outside, router).await });
    let error = provider(&issuer, client(Addresses::Any)).ready().await;
    assert!(error.unwrap_err().to_string().contains("307"));
    assert_eq!(inside.connections(), 0);
}

/// A client of the app's own, which would call anything.
#[derive(Clone, Debug, Default)]
struct Anywhere(Arc<Mutex<Vec<String>>>);

impl HttpClient for Anywhere {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        self.0.lock().unwrap().push(request.uri().to_string());
        let nobody = http::Response::builder().status(502).body(Bytes::new());
        Box::pin(ready(Ok(nobody.unwrap())))
    }
}

/// The guard goes by its own name, and not by handing in a client for the app's own provider.
#[tokio::test]
async fn threat_37_a_client_of_the_apps_own_is_handed_a_tenants_address_inside() {
    for (issuer, is_public) in [
        ("https://127.0.0.1", false),
        ("https://169.254.169.254", false),
        ("https://2852039166", false),
        ("https://[fd00::1]", false),
        ("https://x.localhost", false),
        ("http://127.0.0.1", false),
        ("https://idp.acme.example", true),
    ] {
        for allowed in [false, true] {
            let config = OidcConfig::new(Issuer::parse(issuer).unwrap(), "app");
            let tenants = TenantList::new([Tenant::new("acme").openid(config)]).unwrap();
            let client = Anywhere::default();
            let mut builder = Sso::for_tenants(tenants)
                .tenant_from(TenantFrom::path("/t/"))
                .base_url(TenantApp::URL)
                .cookie_key(CookieKey::generate())
                .http_client(Arc::new(client.clone()));
            if allowed {
                builder = builder.dangerous().allow_private_tenant_addresses();
            }
            let routes = Router::new().fallback(|_: User| async {});
            let service = builder.build().unwrap().into_axum(routes);
            let request = http::Request::get("https://app.example.com/t/acme/x")
                .header("accept", "text/html")
                .body(Body::empty());
            let answer = service.oneshot(request.unwrap()).await.unwrap();
            assert!(answer.status().is_server_error(), "{issuer}");
            let called = !client.0.lock().unwrap().is_empty();
            assert_eq!(called, is_public || allowed, "{issuer} {allowed}");
        }
    }
}
