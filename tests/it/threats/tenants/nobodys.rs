//! Requests that name nobody, and tenants that nobody can tell of: the app itself is not a tenant's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::{Request, StatusCode, header};
use tower::ServiceExt as _;
use tower_sso::clock::TestClock;
use tower_sso::session::store::MemoryStore;
use tower_sso::tenant::{TenantFrom, TenantList, from_fn};
use tower_sso::{Auth, Error, ErrorKind, Policy, RequireLayer, Session, Sso, SsoBuilder, User};

use super::super::body_of;
use super::{Directory, Way, location};

use crate::support::{RemoteStore, TenantApp, settle};

/// A staff site at the app's own host and provider, and customers at hosts of their own, whose people carry their cookie
/// over. Guard: `is_where_serves`.
#[tokio::test]
async fn threat_39_a_session_of_a_tenant_opens_the_apps_own_host() {
    for is_remote in [false, true] {
        let tenants = TenantList::new([TenantApp::tenant("acme")]).unwrap();
        let builder = Sso::builder(TenantApp::GLOBEX)
            .client("own", "secret")
            .tenants(tenants);
        let app = TenantApp::from(builder, |builder| {
            let builder = builder.tenant_from(TenantFrom::subdomain_of("app.example.com"));
            let clock = TestClock::at(1_800_000_000);
            match is_remote {
                true => builder.session_store(Arc::new(RemoteStore::new(&clock))),
                false => builder,
            }
        });
        let cookie = Way::Subdomain.sign_in(&app, "acme").await;
        let at_own = async |path: &str| Way::Path.get(&app, "", path, &cookie).await;
        let answer = at_own("/protected").await;
        let to = location(&answer);
        assert!(
            to.starts_with(TenantApp::GLOBEX),
            "{} {to}",
            answer.status()
        );
        assert!(!to.contains("id_token_hint"), "{to}");
        assert_eq!(body_of(at_own("/").await).await, "nobody");
        let told = body_of(at_own("/auth/session").await).await;
        assert!(told.contains("\"signed_in\":false"), "{told}");
        let to = location(&at_own("/auth/login?return_to=/protected").await).to_owned();
        assert!(to.starts_with(TenantApp::GLOBEX), "{to}");
        let page = app.sign_in("https://acme.app.example.com/protected").await;
        assert_eq!(
            page.json()["tenant"],
            "acme",
            "and it counts where it is from"
        );
    }
}

/// nextjs-auth0 CVE-2025-48947: who is signed in decides of which tenant a page is, and a proxy keeps the page. Guard:
/// `mark_read` in `Auth::tenant`.
#[tokio::test]
async fn threat_15_a_page_that_reads_the_tenant_of_a_session_is_kept_by_a_cache() {
    // Headers that tell who is signed in would mark it by themselves.
    let app = Directory::new(Way::Path).app(|builder| builder.identity_headers(false));
    let cookie = Way::Path.sign_in(&app, "acme").await;
    let say = |auth: Extension<Auth>| async move { auth.tenant().unwrap_or("none").to_owned() };
    let routes = Router::new().route("/brand", get(say));
    for (cookie, says) in [(cookie.as_str(), "acme"), ("", "none")] {
        let request = Request::get(format!("{}/brand", TenantApp::URL)).header("cookie", cookie);
        let request = request.body(Body::empty()).unwrap();
        let answer = app.sso.into_axum(routes.clone()).oneshot(request).await;
        let answer = answer.unwrap();
        let kept = answer.headers().get(header::CACHE_CONTROL);
        assert_eq!(kept.unwrap(), "private, no-store", "{says}");
        assert_eq!(body_of(answer).await, says);
    }
}

/// The app would take a host that is nobody's for its own. Guard: `NotServed::Unknown`.
#[tokio::test]
async fn threat_30_a_host_that_can_not_be_looked_up_is_served() {
    let tenants = from_fn(|_| {
        let down = Error::new(ErrorKind::Store, "down");
        Box::pin(std::future::ready(Err(down)))
    });
    let from = TenantFrom::subdomain_of("app.example.com");
    let app = TenantApp::from(Sso::for_tenants(tenants), |builder| {
        builder.tenant_from(from)
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let routes = Router::new().fallback(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { "public" }
    });
    for (kind, status) in [("text/html", 503), ("application/grpc", 200)] {
        let request = Request::post("https://evil.app.example.com/").header("content-type", kind);
        let request = request.body(Body::empty()).unwrap();
        let answer = app.sso.into_axum(routes.clone()).oneshot(request).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), status, "{kind}");
        if status == 200 {
            assert_eq!(answer.headers()["grpc-status"], "14");
        } else {
            assert!(answer.headers().contains_key(header::RETRY_AFTER));
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

/// A tenant has a host, and hosts name nobody: its sign-in is sent to itself for ever. Guard: `may_name_any_host`.
#[tokio::test]
async fn threat_32_a_sign_in_is_sent_from_host_to_host_in_a_circle() {
    type Configure = fn(SsoBuilder) -> SsoBuilder;
    let ways: [(Configure, StatusCode); 4] = [
        (|builder| builder, StatusCode::INTERNAL_SERVER_ERROR),
        (
            |builder| builder.tenant_from(TenantFrom::path("/t/")),
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
        (
            |builder| builder.tenant_from(TenantFrom::subdomain_of("app.example.com")),
            StatusCode::INTERNAL_SERVER_ERROR,
        ),
        (
            |builder| builder.tenant_from(TenantFrom::host()),
            StatusCode::SEE_OTHER,
        ),
    ];
    for (number, (configure, status)) in ways.into_iter().enumerate() {
        let acme = TenantApp::tenant("acme").host("acme.example.net");
        let app = TenantApp::of([acme], configure);
        let page = app.visit("/auth/login?tenant=acme").no_follow().await;
        assert_eq!(page.status, status, "{number}");
    }
}

/// A proxy leaves the base URL's path where it is, and no tenant is seen behind it. Guard: `under` in `TenantFrom::read`.
#[tokio::test]
async fn threat_28_the_path_of_the_base_url_hides_a_tenant() {
    let clock = TestClock::at(1_800_000_000);
    let store = Arc::new(MemoryStore::new(Arc::new(clock)));
    let from = |base: &'static str| {
        let store = store.clone();
        TenantApp::new(move |builder| {
            builder
                .base_url(format!("{}{base}", TenantApp::URL))
                .tenant_from(TenantFrom::path("/t/"))
                .session_store(store)
        })
    };
    let cookie = Way::Path.sign_in(&from(""), "globex").await;
    let app = from("/app");
    let say = |auth: Extension<Auth>, user: Option<User>| async move {
        format!("{:?} {}", auth.tenant(), user.is_some())
    };
    let routes = Router::new().fallback(say);
    for (path, says) in [
        ("/app/t/acme/x", "Some(\"acme\") false"),
        ("/t/acme/x", "Some(\"acme\") false"),
        ("/app/t/globex/x", "Some(\"globex\") true"),
        ("/app//t/acme/x", ""),
        ("/App/t/acme/x", ""),
    ] {
        let request = Way::Path.request("", path, &cookie);
        let request = request.body(Body::empty()).unwrap();
        let answer = app.sso.into_axum(routes.clone()).oneshot(request).await;
        assert_eq!(body_of(answer.unwrap()).await, says, "{path}");
    }
}

/// Guard: `saturating_add` in `is_too_old`.
#[tokio::test]
async fn threat_06_a_freshness_without_an_end_is_a_panic() {
    let app = Directory::new(Way::Path).app(|builder| builder.tenant_freshness(Duration::MAX));
    Way::Path.sign_in(&app, "acme").await;
    app.clock.advance(Duration::from_secs(3600));
    let answer = Way::Path.get(&app, "acme", "/t/acme/public", "").await;
    assert_eq!(answer.status(), 200);
}

/// An open event stream of a customer who is gone. Guard: `is_elsewhere` in `Sso::ended`.
#[tokio::test(start_paused = true)]
async fn threat_39_a_stream_outlives_its_tenant() {
    let directory = Directory::new(Way::Path);
    let app = directory.app(|builder| builder);
    let cookie = Way::Path.sign_in(&app, "acme").await;
    let kept = Arc::new(Mutex::new(None));
    let keep = {
        let kept = Arc::clone(&kept);
        move |session: Session| async move { *kept.lock().unwrap() = Some(session) }
    };
    let routes = Router::new().route("/t/acme/stream", get(keep));
    let request = Way::Path.request("acme", "/t/acme/stream", &cookie);
    let request = request.body(Body::empty()).unwrap();
    let answer = app.sso.into_axum(routes).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let session = kept.lock().unwrap().take().unwrap();
    let sso = app.sso.clone();
    let stream = tokio::spawn(async move { sso.ended(&session).await });
    let seconds = async |count: u64| {
        for _ in 0..count {
            tokio::time::advance(Duration::from_secs(1)).await;
            settle().await;
        }
    };
    seconds(5).await;
    assert!(!stream.is_finished(), "it lives");
    directory.remove("acme");
    app.clock.advance(Duration::from_secs(61));
    seconds(5).await;
    assert!(stream.is_finished());
}

/// A page for the people of an organization, where no tenant is named: that organization is a tenant's, and its people sign
/// in elsewhere than the app's own. Guard: `requirement.at` in `refusal::answer`.
#[tokio::test]
async fn threat_31_a_page_of_an_organization_asks_the_apps_provider_for_a_tenants_people() {
    let tenants = TenantList::new([TenantApp::tenant("acme").organization("org_acme")]).unwrap();
    let builder = Sso::builder(TenantApp::GLOBEX)
        .client("own", "secret")
        .tenants(tenants);
    let app = TenantApp::from(builder, |builder| builder);
    let say = async |user: User| user.tenant().unwrap_or("none").to_owned();
    let policy = RequireLayer::new(Policy::login().organization("org_acme"));
    let routes = Router::new().route("/of-acme", get(say).layer(policy));
    app.browser.serve(TenantApp::URL, app.sso.into_axum(routes));
    let page = app.visit("/of-acme").await;
    assert_eq!(
        (page.status, page.html()),
        (StatusCode::OK, "acme".to_owned())
    );
}
