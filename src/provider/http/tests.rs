//! Names that resolve to what must not be called, against a real socket that counts who comes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;

use super::resolver::Resolver;
use super::{Addresses, HttpClient as _, HttpError, HttpErrorKind, HttpOptions, ReqwestClient};
use crate::Error;

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

    /// Calls `host` at this port by a client for which names resolve as `lookup` says.
    async fn call(
        &self,
        addresses: Addresses,
        host: &str,
        lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> HttpError {
        let options = HttpOptions {
            addresses,
            connect_timeout: Duration::from_millis(500),
            ..HttpOptions::default()
        };
        let resolver = Resolver::new(addresses, lookup);
        let client = ReqwestClient::with_resolver(&options, resolver).unwrap();
        let request = http::Request::get(format!("https://{host}:{}/", self.port))
            .body(Bytes::new())
            .unwrap();
        client.call(request).await.unwrap_err()
    }
}

fn loopback(_: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(vec![(Ipv4Addr::LOCALHOST, 0).into()])
}

#[tokio::test]
async fn a_name_that_resolves_to_the_inside_is_not_connected_to() {
    let inside = Inside::listen().await;
    let public = Addresses::PublicOnly;
    let error = inside.call(public, "rebinding.example", loopback).await;
    assert_eq!(error.kind(), HttpErrorKind::Connect);
    assert_eq!(inside.connections(), 0);

    inside
        .call(Addresses::Any, "rebinding.example", loopback)
        .await;
    assert!(inside.connections() > 0, "the listener counts");
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_not_again_to_connect() {
    let inside = Inside::listen().await;
    let lookups = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&lookups);
    // A second lookup would not find the listener.
    let changing = move |name: &str| match seen.fetch_add(1, Ordering::SeqCst) {
        0 => loopback(name),
        _ => Ok(Vec::new()),
    };
    let any = Addresses::Any;
    inside.call(any, "rebinding.example", changing).await;
    assert!(inside.connections() > 0);
    assert_eq!(lookups.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_the_inside_knows_looks_like_what_nobody_knows() {
    let inside = Inside::listen().await;
    let nobody = |_: &str| Err(io::Error::other("no such name"));
    let public = Addresses::PublicOnly;
    let known = inside.call(public, "db.internal", loopback).await;
    let unknown = inside.call(public, "xx.internal", nobody).await;
    let seen = |error: HttpError| {
        let error = Error::from(error);
        (error.kind(), error.to_string())
    };
    assert_eq!(seen(known), seen(unknown));
}

#[test]
fn a_proxy_that_resolves_names_itself_is_refused() {
    let options = HttpOptions {
        addresses: Addresses::PublicOnly,
        proxy_from_environment: true,
        ..HttpOptions::default()
    };
    let refused = ReqwestClient::new(&options).unwrap_err();
    assert!(refused.is_configuration());
    let options = HttpOptions {
        addresses: Addresses::Any,
        ..options
    };
    assert!(ReqwestClient::new(&options).is_ok());
}

#[test]
fn a_forbidden_url_is_no_outage() {
    let error = Error::from(HttpError::new(HttpErrorKind::Forbidden));
    assert!(!error.is_temporary());
    assert!(!error.is_configuration(), "the app's own set-up is right");
}
