//! 39, 3: the host that a request names, in each spelling.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request, Version};
use tower::ServiceExt as _;
use tower_sso::{Auth, PeerAddress};

use super::super::body_of;
use super::{Directory, Way};
use crate::support::TenantApp;

/// What came of a request: the status, and for whom the app was asked, if it was.
async fn asked(app: &TenantApp, request: Request<Body>) -> (u16, Option<String>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let handler = {
        let calls = Arc::clone(&calls);
        move |auth: axum::Extension<Auth>| async move {
            calls.fetch_add(1, Ordering::SeqCst);
            auth.tenant().unwrap_or("nobody").to_owned()
        }
    };
    let service = app.sso.into_axum(Router::new().fallback(handler));
    let answer = service.oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = body_of(answer).await;
    (status, (calls.load(Ordering::SeqCst) > 0).then_some(body))
}

fn with_host(host: &[u8]) -> Request<Body> {
    let host = HeaderValue::from_bytes(host).unwrap();
    let request = Request::get("/page").header("host", host);
    request.body(Body::empty()).unwrap()
}

/// Guard: `host::of_request`, `Wiring::without_own_port` and `from::label`.
#[tokio::test]
async fn threat_03_a_host_that_looks_like_a_tenants_is_served() {
    for (way, base) in [
        (Way::Subdomain, "app.example.com"),
        (Way::Host, "example.net"),
    ] {
        let app = way.app();
        let own = format!("acme.{base}");
        for host in [
            format!("evil.{base}"),
            format!("x.acme.{base}"),
            format!("acme-{base}"),
            format!("acme{base}"),
            format!("acmeX{base}"),
            format!("{own}.evil.example"),
            format!("{own}."),
            format!(".{own}"),
            format!("{own}:444"),
            format!("{own}:"),
            format!("{own}:x"),
            format!("{own}:443:443"),
            format!("{own}:65979"),
            format!("user@{own}"),
            format!("{own}@evil.example"),
            format!("{own}:x@evil.example"),
            format!("evil.example/{own}"),
            format!("evil.example#{own}"),
            format!("{own}/../"),
            format!("{own}?"),
            format!("{own} "),
            format!("{own}\t"),
            format!("{own},evil.example"),
            format!("a%63me.{base}"),
            format!("acme%2e{base}"),
            format!("xn--acme.{base}"),
            "127.0.0.1".to_owned(),
            "2130706433".to_owned(),
            "[::1]".to_owned(),
            "localhost".to_owned(),
            base.replace("app.", ""),
            "ACME".to_owned(),
            "acme".to_owned(),
            String::new(),
            format!("{}.{base}", "a".repeat(64)),
            format!("{}.{base}", "a".repeat(5_000)),
        ] {
            let answer = asked(&app, with_host(host.as_bytes())).await;
            assert_eq!(answer, (421, None), "{way:?} {host:?}");
        }
        for host in ["acmé.", "ａｃｍｅ.", "acme\u{3002}", "\u{feff}acme."] {
            let host = format!("{host}{base}");
            let answer = asked(&app, with_host(host.as_bytes())).await;
            assert_eq!(answer, (421, None), "{way:?} {host:?}");
        }
        for host in [own.clone(), own.to_uppercase(), format!("{own}:443")] {
            let answer = asked(&app, with_host(host.as_bytes())).await;
            assert_eq!(answer, (200, Some("acme".to_owned())), "{way:?} {host}");
        }
        let answer = asked(&app, with_host(b"app.example.com")).await;
        assert_eq!(answer, (200, Some("nobody".to_owned())), "{way:?}");
    }
}

/// What of a request's two hosts counts here may not be what counts to others. Guard: `field`, and the comparison in
/// `host::of_request`.
#[tokio::test]
async fn threat_39_a_request_names_two_hosts() {
    for way in [Way::Subdomain, Way::Host] {
        let app = way.app();
        let host = |tenant: &str| way.origin(tenant)["https://".len()..].to_owned();
        let (acme, globex) = (host("acme"), host("globex"));
        for (target, fields, version, expected) in [
            ("/", vec![&acme, &globex], Version::HTTP_11, None),
            ("/", vec![&acme, &acme], Version::HTTP_11, None),
            ("/", vec![], Version::HTTP_10, None),
            ("acme", vec![&globex], Version::HTTP_11, None),
            ("acme", vec![&globex], Version::HTTP_2, None),
            ("acme", vec![&acme, &acme], Version::HTTP_2, None),
            ("acme", vec![&acme], Version::HTTP_11, Some("acme")),
            ("acme", vec![], Version::HTTP_2, Some("acme")),
            ("globex", vec![], Version::HTTP_2, Some("globex")),
            ("/", vec![&acme], Version::HTTP_11, Some("acme")),
        ] {
            let uri = match target {
                "/" => "/".to_owned(),
                tenant => format!("{}/", way.origin(tenant)),
            };
            let mut request = Request::get(&uri).version(version);
            for field in &fields {
                request = request.header("host", *field);
            }
            let answer = asked(&app, request.body(Body::empty()).unwrap()).await;
            let expected = match expected {
                Some(tenant) => (200, Some(tenant.to_owned())),
                None => (421, None),
            };
            assert_eq!(answer, expected, "{way:?} {uri} {fields:?} {version:?}");
        }
    }
}

/// Guard: `proxies.trusts` in `host::of_request`.
#[tokio::test]
async fn threat_20_a_stranger_says_which_host_was_asked_for() {
    for way in [Way::Subdomain, Way::Host] {
        let proxy = IpAddr::from([10, 0, 0, 1]);
        let stranger = IpAddr::from([203, 0, 113, 9]);
        let app = Directory::new(way).app(|builder| builder.trusted_proxies(["10.0.0.0/8"]));
        let host = |tenant: &str| way.origin(tenant)["https://".len()..].to_owned();
        for (peer, forwarded, expected) in [
            (Some(proxy), host("acme"), Some("acme")),
            (Some(proxy), "evil.example".to_owned(), None),
            (Some(proxy), format!("{}.", host("acme")), None),
            (Some(stranger), host("acme"), Some("globex")),
            (None, host("acme"), Some("globex")),
            (Some(stranger), "evil.example".to_owned(), Some("globex")),
        ] {
            let mut request = with_host(host("globex").as_bytes());
            let value = HeaderValue::from_str(&forwarded).unwrap();
            request.headers_mut().insert("x-forwarded-host", value);
            let also = format!("host={forwarded}").parse().unwrap();
            request.headers_mut().insert("forwarded", also);
            if let Some(peer) = peer {
                request.extensions_mut().insert(PeerAddress::from(peer));
            }
            let expected = match expected {
                Some(tenant) => (200, Some(tenant.to_owned())),
                None => (421, None),
            };
            let answer = asked(&app, request).await;
            assert_eq!(answer, expected, "{way:?} {peer:?} {forwarded}");
        }
    }
}

/// An endpoint is no way around. Guard: `Choice::Nowhere` in `at_endpoint`.
#[tokio::test]
async fn threat_39_an_endpoint_answers_at_a_host_that_nobody_has() {
    for way in [Way::Subdomain, Way::Host] {
        let app = way.app();
        for endpoint in [
            "login",
            "callback",
            "callback/acme",
            "logout",
            "session",
            "logged-out",
            "x",
        ] {
            for host in [
                "evil.example.com",
                "evil.app.example.com",
                "evil.example.net",
            ] {
                let request = Request::get(format!("/auth/{endpoint}")).header("host", host);
                let request = request.body(Body::empty()).unwrap();
                let answer = asked(&app, request).await;
                assert_eq!(answer, (421, None), "{way:?} {endpoint} {host}");
            }
        }
    }
}
