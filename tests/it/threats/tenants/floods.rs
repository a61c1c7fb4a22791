//! 11, 22, 37: made-up names, a database of tenants in trouble, and tenants in each other's way.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::tenant::{TenantBy, TenantFrom, from_fn};
use tower_sso::{Error, ErrorKind, Sso};

use super::{Way, ask, location};
use crate::support::TenantApp;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Well,
    /// Answers after a few polls.
    Slow,
    Hangs,
    Fails,
    PanicsAtOnce,
    PanicsLater,
}

/// A database that counts what it is asked for.
#[derive(Clone)]
struct Database {
    asked: Arc<Mutex<HashMap<String, usize>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Database {
    fn new(mood: Mood) -> Self {
        Self {
            asked: Arc::default(),
            mood: Arc::new(Mutex::new(mood)),
        }
    }

    fn app(&self, from: TenantFrom) -> TenantApp {
        let database = self.clone();
        let tenants = from_fn(move |by| {
            let name = format!("{by:?}");
            *database.asked.lock().unwrap().entry(name).or_default() += 1;
            let mood = *database.mood.lock().unwrap();
            assert_ne!(mood, Mood::PanicsAtOnce, "at once");
            let found = match by {
                TenantBy::Id(id @ ("acme" | "globex")) => Some(TenantApp::tenant(id)),
                TenantBy::Id("sister") => Some(TenantApp::sister()),
                _ => None,
            };
            Box::pin(async move {
                match mood {
                    Mood::Hangs => pending().await,
                    Mood::Fails => return Err(Error::new(ErrorKind::Store, "down")),
                    Mood::PanicsLater => panic!("later"),
                    Mood::Slow => {
                        for _ in 0..3 {
                            tokio::task::yield_now().await;
                        }
                    }
                    Mood::Well | Mood::PanicsAtOnce => {}
                }
                Ok(found.map(Arc::new))
            })
        });
        TenantApp::from(Sso::for_tenants(tenants), |builder| {
            builder.tenant_from(from)
        })
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self, name: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.get(name).copied().unwrap_or_default()
    }

    fn most(&self) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.values().copied().max().unwrap_or_default()
    }
}

async fn status(app: &TenantApp, url: &str) -> u16 {
    let request = Request::get(url).body(Body::empty()).unwrap();
    ask(app, request).await.status().as_u16()
}

/// Guard: `unknown` in `Tenancy`, apart from the tenants, and with a bound.
#[tokio::test]
async fn threat_11_ten_thousand_made_up_names_push_a_tenant_out() {
    let database = Database::new(Mood::Well);
    let app = database.app(TenantFrom::subdomain_of("app.example.com"));
    let own = "https://acme.app.example.com/t/acme/public";
    assert_eq!(status(&app, own).await, 200);
    let made_up = |number: usize| format!("https://x{number}.app.example.com/");
    for _ in 0..2 {
        for number in 0..10_000 {
            assert_eq!(status(&app, &made_up(number)).await, 421);
        }
        assert_eq!(status(&app, own).await, 200);
    }
    assert_eq!(database.most(), 1, "the database is asked once for each");
    for number in 10_000..18_000 {
        status(&app, &made_up(number)).await;
    }
    status(&app, &made_up(0)).await;
    assert_eq!(database.asked("Id(\"x0\")"), 2, "not all are kept");
    assert_eq!(status(&app, own).await, 200);
    assert_eq!(database.asked("Id(\"acme\")"), 1, "a tenant is");
    app.clock.advance(Duration::from_secs(10));
    status(&app, &made_up(17_999)).await;
    status(&app, &made_up(17_999)).await;
    assert_eq!(database.asked("Id(\"x17999\")"), 2, "and a new one is seen");
}

/// By links to the login endpoint, which anybody can have sent. Guard: `is_known_to_be_unknown`, `LONGEST_NAME`.
#[tokio::test]
async fn threat_11_made_up_names_in_links_are_asked_for_again_and_again() {
    let database = Database::new(Mood::Well);
    let app = database.app(TenantFrom::path("/t/"));
    for _ in 0..3 {
        for number in 0..200 {
            for parameter in [
                format!("tenant=x{number}"),
                format!("organization_id=x{number}"),
                format!("connection_id=x{number}"),
                format!("domain_hint=x{number}.example"),
                format!("login_hint=ada%40x{number}.example"),
                format!("iss=https://x{number}.example"),
            ] {
                let url = format!("{}/auth/login?{parameter}", TenantApp::URL);
                status(&app, &url).await;
            }
        }
    }
    assert_eq!(database.most(), 1);
    let long = format!(
        "{}/auth/login?iss=https://{}",
        TenantApp::URL,
        "x".repeat(300)
    );
    status(&app, &long).await;
    let asked = database.asked.lock().unwrap();
    assert!(asked.keys().all(|name| name.len() < 300), "too long a name");
}

/// 503, and healed as soon as it is well again. Guard: `without_panics` and `LOOK_UP_TIMEOUT` in `source::ask`.
#[tokio::test(start_paused = true)]
async fn threat_30_a_database_of_tenants_in_trouble_lets_somebody_in_or_hangs_up() {
    for mood in [
        Mood::Hangs,
        Mood::Fails,
        Mood::PanicsAtOnce,
        Mood::PanicsLater,
    ] {
        let database = Database::new(Mood::Well);
        let app = database.app(TenantFrom::path("/t/"));
        let cookie = Way::Path.sign_in(&app, "globex").await;
        database.set(mood);
        let page = async |path: &str| Way::Path.get(&app, "acme", path, &cookie).await;
        for path in [
            "/t/acme/protected",
            "/auth/login?tenant=acme",
            "/auth/login?login_hint=a@b.example",
            "/auth/login?organization_id=org",
        ] {
            assert_eq!(page(path).await.status(), 503, "{mood:?} {path}");
        }
        let own = page("/t/globex/protected").await;
        assert_eq!(own.status(), 200, "{mood:?}: who is known is served");
        app.clock.advance(Duration::from_secs(61));
        for _ in 0..3 {
            let own = page("/t/globex/protected").await;
            assert_eq!(own.status(), 200, "{mood:?}: and serves on");
            crate::support::settle().await;
        }
        database.set(Mood::Well);
        let healed = page("/t/acme/protected").await;
        assert!(location(&healed).starts_with(TenantApp::ACME), "{mood:?}");
    }
}

/// Each that waits for the same name, and not only the one that asked first.
#[tokio::test(start_paused = true)]
async fn threat_30_a_panic_of_the_database_hangs_up_on_those_who_wait_with_it() {
    for mood in [Mood::PanicsAtOnce, Mood::PanicsLater, Mood::Hangs] {
        let database = Database::new(mood);
        let app = database.app(TenantFrom::path("/t/"));
        let url = format!("{}/t/acme/public", TenantApp::URL);
        let (a, b, c) = tokio::join!(status(&app, &url), status(&app, &url), status(&app, &url));
        assert_eq!((a, b, c), (503, 503, 503), "{mood:?}");
        database.set(Mood::Well);
        assert_eq!(status(&app, &url).await, 200, "{mood:?}");
    }
}

/// nextjs-auth0 CVE-2025-67490: what is fetched for one is given to another who asks at the same time. Guard: the keys
/// of `known` and `wired`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threat_22_cold_requests_of_two_tenants_get_each_others_provider() {
    for _ in 0..5 {
        let database = Database::new(Mood::Slow);
        let app = database.app(TenantFrom::path("/t/"));
        let mut tasks = Vec::new();
        for _ in 0..50 {
            for tenant in ["acme", "globex", "sister"] {
                let app = app.clone();
                tasks.push(tokio::spawn(async move {
                    let path = format!("/t/{tenant}/protected");
                    let answer = Way::Path.get(&app, tenant, &path, "").await;
                    let to = location(&answer).to_owned();
                    let (issuer, client) = super::door(tenant);
                    assert!(to.starts_with(issuer), "{tenant}: {to}");
                    assert!(to.contains(client), "{tenant}: {to}");
                    assert!(to.contains(&format!("callback%2F{tenant}&")), "{to}");
                }));
            }
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(database.most(), 1);
        assert_eq!(app.globex.handle().requests(Endpoint::Discovery), 1);
    }
}

/// Guard: a provider, a bucket for keys and pauses of renewals for each tenant.
#[tokio::test]
async fn threat_27_the_trouble_of_one_tenants_provider_is_anothers() {
    for fault in [
        Fault::Status(Endpoint::Discovery, 503, Some(600)),
        Fault::Garbage(Endpoint::Discovery),
        Fault::Status(Endpoint::Jwks, 429, Some(600)),
        Fault::JwksEmpty,
        Fault::Status(Endpoint::Token, 429, Some(600)),
        Fault::UnknownKid,
    ] {
        let app = Way::Path.app();
        let what = format!("{fault:?}");
        app.acme.handle().set_fault(fault);
        for _ in 0..6 {
            let page = app.visit("/t/acme/protected").await;
            assert_ne!(page.status, 200, "{what}");
        }
        Way::Path.sign_in(&app, "globex").await;
        let page = app.visit("/t/acme/protected").await;
        assert!(!page.status.is_success(), "{what}");
    }
}

/// Guard: `refreshes` in `Context`, which is a tenant's own.
#[tokio::test]
async fn threat_27_one_tenants_provider_asks_for_a_pause_and_another_waits() {
    let way = Way::Path;
    let app = way.app();
    let acme = way.sign_in(&app, "acme").await;
    app.browser.clear_cookies();
    let globex = way.sign_in(&app, "globex").await;
    app.clock.advance(Duration::from_secs(3_570));
    let pause = Fault::Status(Endpoint::Token, 429, Some(600));
    app.acme.handle().set_fault(pause);
    for _ in 0..3 {
        way.get(&app, "acme", "/t/acme/token", &acme).await;
    }
    let asked = app.acme.handle().requests(Endpoint::Token);
    let answer = way.get(&app, "globex", "/t/globex/token", &globex).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(app.globex.handle().refresh_grants(), 1);
    way.get(&app, "acme", "/t/acme/token", &acme).await;
    assert_eq!(
        app.acme.handle().requests(Endpoint::Token),
        asked,
        "it waits"
    );
}

/// A provider that does not answer holds up its own people only.
#[tokio::test(start_paused = true)]
async fn threat_27_one_tenants_provider_hangs_and_another_hangs_with_it() {
    let app = Way::Path.app();
    app.acme
        .handle()
        .set_fault(Fault::Hang(Endpoint::Discovery));
    let waiting = {
        let app = app.clone();
        tokio::spawn(async move { Way::Path.get(&app, "acme", "/t/acme/protected", "").await })
    };
    crate::support::settle().await;
    let before = tokio::time::Instant::now();
    Way::Path.sign_in(&app, "globex").await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(!waiting.is_finished());
    waiting.abort();
}

/// SSRF: who sets a tenant up names what this process calls. Guard: `addresses` of the tenants' client in `build`.
#[cfg(feature = "aws-lc-rs")]
#[tokio::test]
async fn threat_37_a_tenants_issuer_inside_is_called_by_the_app() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tower::ServiceExt as _;
    use tower_sso::CookieKey;
    use tower_sso::oidc::Issuer;
    use tower_sso::provider::OidcConfig;
    use tower_sso::tenant::{Tenant, TenantList};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    for (host, allowed) in [
        ("https://127.0.0.1", false),
        ("https://localhost", false),
        ("https://[::ffff:127.0.0.1]", false),
        ("http://127.0.0.1", false),
        ("https://127.0.0.1", true),
    ] {
        let issuer = Issuer::parse(&format!("{host}:{port}")).unwrap();
        let tenant = Tenant::new("evil").openid(OidcConfig::new(issuer, "app"));
        let mut builder = Sso::for_tenants(TenantList::new([tenant]).unwrap())
            .tenant_from(TenantFrom::path("/t/"))
            .base_url(TenantApp::URL)
            .cookie_key(CookieKey::generate());
        if allowed {
            builder = builder.dangerous().allow_private_tenant_addresses();
        }
        let sso = builder.build().unwrap();
        let routes = axum::Router::new()
            .fallback(|user: tower_sso::User| async move { user.subject().to_owned() });
        let before = connections.load(Ordering::SeqCst);
        for path in ["/t/evil/protected", "/auth/login?tenant=evil"] {
            let request = Way::Path.request("evil", path, "").body(Body::empty());
            let service = sso.into_axum(routes.clone());
            let answer = service.oneshot(request.unwrap()).await.unwrap();
            assert!(answer.status().is_server_error(), "{host} {path}");
        }
        let called = connections.load(Ordering::SeqCst) > before;
        assert_eq!(called, allowed, "{host}");
    }
}
