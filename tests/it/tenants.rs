//! Many tenants: each signs in at its own provider, and none opens another's door.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use tower_sso::oidc::Issuer;
use tower_sso::provider::OidcConfig;
use tower_sso::simulator::Endpoint;
use tower_sso::tenant::{Tenant, TenantBy, TenantFrom, TenantList, from_fn};
use tower_sso::{Error, Sso};
use url::Url;

use crate::support::TenantApp;

fn by_path() -> TenantApp {
    TenantApp::new(|builder| builder.tenant_from(TenantFrom::path("/t/")))
}

fn by_subdomain() -> TenantApp {
    TenantApp::new(|builder| builder.tenant_from(TenantFrom::subdomain_of("app.example.com")))
}

fn by_host() -> TenantApp {
    let tenant = |id: &str| TenantApp::tenant(id).host(format!("{id}.example.net"));
    TenantApp::of([tenant("acme"), tenant("globex")], |builder| {
        builder.tenant_from(TenantFrom::host())
    })
}

#[tokio::test]
async fn each_tenant_signs_in_at_its_own_provider() {
    for (app, acme, globex) in [
        (by_path(), "/t/acme/protected", "/t/globex/protected"),
        (
            by_subdomain(),
            "https://acme.app.example.com/protected",
            "https://globex.app.example.com/protected",
        ),
        (
            by_host(),
            "https://acme.example.net/protected",
            "https://globex.example.net/protected",
        ),
    ] {
        let page = app.sign_in(acme).await;
        assert_eq!(page.json()["iss"], TenantApp::ACME);
        assert_eq!(page.json()["tenant"], "acme");
        assert_eq!(page.json()["asked"], "acme");
        assert_eq!(app.globex.handle().requests(Endpoint::Discovery), 0);
        let page = app.sign_in(globex).await;
        assert_eq!(page.json()["iss"], TenantApp::GLOBEX);
        assert_eq!(page.json()["tenant"], "globex");
    }
}

#[tokio::test]
async fn a_session_of_one_tenant_counts_as_none_at_another() {
    let app = by_path();
    app.sign_in("/t/acme/protected").await;
    // The provider of the other knows the same name.
    let page = app.visit("/t/globex/protected").no_follow().await;
    assert!(
        page.location()
            .unwrap()
            .as_str()
            .starts_with(TenantApp::GLOBEX)
    );
    let page = app.visit("/t/globex/public").no_follow().await;
    assert_eq!(page.json()["tenant"], serde_json::Value::Null);
    let page = app.visit("/t/acme/protected").no_follow().await;
    assert_eq!(page.status, 200, "and it still counts where it was made");
    let page = app.visit("/").no_follow().await;
    assert_eq!(page.html(), "ada", "and where nobody is named");
}

#[tokio::test]
async fn a_cookie_that_is_carried_to_another_host_opens_nothing() {
    let app = by_subdomain();
    app.sign_in("https://acme.app.example.com/protected").await;
    let cookie = app.browser.cookie("__Host-sso").unwrap();
    let page = app
        .visit("https://globex.app.example.com/protected")
        .header("cookie", &format!("__Host-sso={}", cookie.value))
        .no_follow()
        .await;
    assert!(
        page.location()
            .unwrap()
            .as_str()
            .starts_with(TenantApp::GLOBEX)
    );
}

#[tokio::test]
async fn who_nobody_is_named_for_is_asked_for_their_address() {
    let app = by_path();
    let page = app.visit("/protected").await;
    assert_eq!(page.url.path(), "/auth/login");
    assert_eq!(page.status, 200);
    assert!(
        page.html().contains("name=\"login_hint\""),
        "{}",
        page.html()
    );
    let page = app
        .visit("/auth/login?return_to=/protected&login_hint=ada%40Acme.Example")
        .await;
    assert_eq!(
        (page.status, page.url.path()),
        (StatusCode::OK, "/protected")
    );
    assert_eq!(page.json()["tenant"], "acme");
    let stranger = app.browser.stranger();
    let page = stranger
        .visit(&format!(
            "{}/auth/login?login_hint=eve%40evilacme.example",
            TenantApp::URL
        ))
        .await;
    assert!(
        page.html().contains("Nobody with this address"),
        "{}",
        page.html()
    );
}

/// A parameter of a URL; none where it is not there.
fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

/// Where nobody is named by host or path, each way of a sign-in to say where is one to name the tenant.
#[tokio::test]
async fn a_sign_in_names_its_tenant_in_each_way() {
    let tenant = |id: &str| {
        TenantApp::tenant(id)
            .organization(format!("org_{id}"))
            .connection(format!("con_{id}"))
    };
    // By its organization alone only where it is not one of several connections.
    let sister = TenantApp::sister().organization("org_sister");
    let app = TenantApp::of([tenant("acme"), tenant("globex"), sister], |builder| {
        builder
    });
    for (query, issuer, id) in [
        ("tenant=globex", TenantApp::GLOBEX, "globex"),
        ("connection_id=con_globex", TenantApp::GLOBEX, "globex"),
        ("organization_id=org_sister", TenantApp::ACME, "sister"),
        ("domain_hint=globex.example", TenantApp::GLOBEX, "globex"),
        (
            "login_hint=bob%40globex.example",
            TenantApp::GLOBEX,
            "globex",
        ),
        (
            "iss=https://idp.globex.example",
            TenantApp::GLOBEX,
            "globex",
        ),
        // What must be comes before what is only a hint.
        (
            "login_hint=ada%40acme.example&connection_id=con_globex",
            TenantApp::GLOBEX,
            "globex",
        ),
        (
            "login_hint=bob%40globex.example&domain_hint=acme.example",
            TenantApp::ACME,
            "acme",
        ),
    ] {
        let page = app.visit(&format!("/auth/login?{query}")).no_follow().await;
        let to = page
            .location()
            .unwrap_or_else(|| panic!("{query}: {}", page.html()));
        assert!(to.as_str().starts_with(issuer), "{query}: {to}");
        assert_eq!(
            parameter(&to, "redirect_uri"),
            Some(format!("{}/auth/callback/{id}", TenantApp::URL)),
            "{query}"
        );
        app.browser.clear_cookies();
    }
    // Two tenants share this issuer, and two ways name two.
    let page = app
        .visit("/auth/login?iss=https://idp.acme.example")
        .no_follow()
        .await;
    assert_eq!(page.location(), None);
    for query in [
        "connection_id=con_acme&organization_id=org_sister",
        "tenant=acme&connection_id=con_globex",
        "connection_id=con_nobody",
        "organization_id=org_acme",
    ] {
        let page = app.visit(&format!("/auth/login?{query}")).no_follow().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
    }

    let page = app
        .visit("/auth/login?connection_id=con_globex&return_to=/protected")
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html());
    let who = page.json();
    assert_eq!(who["tenant"], "globex");
    assert_eq!(who["organization"], "org_globex");
    assert_eq!(who["connection"], "con_globex");
}

/// A tenant's registration has parameters of its own; none of them is in another's sign-in.
#[tokio::test]
async fn each_tenant_asks_by_its_own_registration() {
    let mut config = OidcConfig::new(Issuer::parse(TenantApp::ACME).unwrap(), "app");
    config.client_secret = Some("secret".into());
    config.scopes = vec!["openid".into(), "groups".into()];
    config.acr_values = vec!["urn:gold".into()];
    config.max_age = Some(Duration::from_secs(300));
    config.ui_locales = Some("it".into());
    config.extra = vec![("audience".into(), "https://api.acme.example".into())];
    let app = TenantApp::of(
        [
            Tenant::new("acme").openid(config),
            TenantApp::tenant("globex"),
        ],
        |builder| builder.tenant_from(TenantFrom::path("/t/")),
    );
    let own = [
        ("scope", "openid groups", "openid profile email"),
        ("acr_values", "urn:gold", ""),
        ("max_age", "300", ""),
        ("ui_locales", "it", ""),
        ("audience", "https://api.acme.example", ""),
    ];
    let sent = async |tenant: &str| {
        let page = app.visit(&format!("/t/{tenant}/protected"));
        page.no_follow().await.location().unwrap()
    };
    let (acme, globex) = (sent("acme").await, sent("globex").await);
    for (name, at_acme, at_globex) in own {
        assert_eq!(parameter(&acme, name).as_deref(), Some(at_acme), "{name}");
        let other = parameter(&globex, name).unwrap_or_default();
        assert_eq!(other, at_globex, "{name}");
    }
}

#[test]
fn what_two_tenants_have_names_neither() {
    let list = |one: Tenant, two: Tenant| TenantList::new([one, two]);
    let (one, two) = (|| TenantApp::tenant("one"), || TenantApp::tenant("two"));
    assert_eq!(list(one(), two()).unwrap().len(), 2);
    for (what, tenants) in [
        ("id", list(one(), TenantApp::tenant("one"))),
        (
            "host",
            list(one().host("a.example"), two().host("A.example")),
        ),
        ("domain", list(one(), two().domain("One.Example"))),
        (
            "connection",
            list(one().connection("c"), two().connection("c")),
        ),
        (
            "organization",
            list(one().organization("o"), two().organization("o")),
        ),
        ("malformed id", list(one(), TenantApp::tenant("t/o"))),
        (
            "malformed host",
            list(one(), two().host("https://a.example")),
        ),
        ("no organization", list(one(), two().organization(""))),
    ] {
        let error = tenants.expect_err(what);
        assert!(error.is_configuration(), "{what}: {error}");
    }
    let connection = |tenant: Tenant, id: &str| tenant.organization("o").connection(id);
    list(connection(one(), "c1"), connection(two(), "c2")).expect("two ways into one organization");
}

#[tokio::test]
async fn a_host_that_no_tenant_has_is_421_and_the_app_is_not_asked() {
    for (app, evil) in [
        (by_subdomain(), "https://evil.app.example.com"),
        (by_host(), "https://evil.example.net"),
    ] {
        for path in ["/", "/protected", "/auth/login", "/auth/session"] {
            let page = app.visit(&format!("{evil}{path}")).no_follow().await;
            assert_eq!(page.status, StatusCode::MISDIRECTED_REQUEST, "{evil}{path}");
        }
    }
    let page = by_path().visit("/t/evil/public").no_follow().await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_sign_out_ends_the_session_at_the_providers_own_tenant() {
    let app = by_path();
    app.sign_in("/t/acme/protected").await;
    let page = app.visit("/auth/logout").await;
    page.submit(&page.only_form()).await;
    assert_eq!(app.acme.handle().requests(Endpoint::EndSession), 1);
    assert_eq!(app.globex.handle().requests(Endpoint::EndSession), 0);
    let page = app.visit("/").await;
    assert_eq!(page.html(), "nobody");
}

#[tokio::test]
async fn a_cold_tenant_costs_one_discovery_and_one_fetch_of_keys() {
    let app = by_subdomain();
    app.sign_in("https://acme.app.example.com/protected").await;
    for _ in 0..3 {
        app.sign_in("https://acme.app.example.com/protected").await;
        app.clock.advance(Duration::from_secs(61));
    }
    let acme = app.acme.handle();
    assert_eq!(acme.requests(Endpoint::Discovery), 1);
    assert_eq!(acme.requests(Endpoint::Jwks), 1);
}

#[tokio::test]
async fn what_the_app_says_of_a_tenant_is_good_for_a_minute() {
    let asked = Arc::new(AtomicUsize::new(0));
    let answer = Arc::new(std::sync::Mutex::new(Ok(true)));
    let tenants = {
        let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
        from_fn(move |by| {
            asked.fetch_add(1, Ordering::SeqCst);
            let answer: Result<bool, Error> = answer.lock().unwrap().clone();
            let id = match by {
                TenantBy::Id(id) => Some(id.to_owned()),
                _ => None,
            };
            Box::pin(async move {
                let is_there = answer?;
                Ok(id
                    .filter(|_| is_there)
                    .map(|id| Arc::new(TenantApp::tenant(&id))))
            })
        })
    };
    let app = TenantApp::from(Sso::for_tenants(tenants), |builder| {
        builder.tenant_from(TenantFrom::path("/t/"))
    });
    let status = async |path: &str| app.visit(path).no_follow().await.status.as_u16();
    app.sign_in("/t/acme/protected").await;
    for _ in 0..5 {
        assert_eq!(status("/t/acme/protected").await, 200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    // The database is down: what was known serves for an hour, and what was not is 503.
    *answer.lock().unwrap() = Err(Error::new(tower_sso::ErrorKind::Store, "down"));
    app.clock.advance(Duration::from_secs(3_000));
    assert_eq!(status("/t/acme/protected").await, 200);
    assert_eq!(status("/t/globex/protected").await, 503);
    app.clock.advance(Duration::from_secs(661));
    assert_eq!(status("/t/acme/protected").await, 503);

    *answer.lock().unwrap() = Ok(true);
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(status("/t/acme/public").await, 200);
    app.sign_in("/t/acme/protected").await;

    // The customer is gone: seen within the minute, by the second request after it.
    *answer.lock().unwrap() = Ok(false);
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(status("/t/acme/protected").await, 200);
    crate::support::settle().await;
    assert_eq!(status("/t/acme/protected").await, 404);
}

#[tokio::test]
async fn an_app_may_say_how_long_its_word_is_good() {
    let asked = Arc::new(AtomicUsize::new(0));
    let tenants = {
        let asked = Arc::clone(&asked);
        from_fn(move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(Some(Arc::new(TenantApp::tenant("acme")))) })
        })
    };
    let app = TenantApp::from(Sso::for_tenants(tenants), |builder| {
        let seconds = |name: &str| (name == "SSO_TENANT_SECONDS").then(|| "600".into());
        let url = |name: &str| (name == "SSO_BASE_URL").then(|| TenantApp::URL.into());
        let builder = builder.with_lookup(|name| seconds(name).or_else(|| url(name)));
        builder.unwrap().tenant_from(TenantFrom::path("/t/"))
    });
    for (seconds, looks) in [(0, 1), (599, 1), (1, 2)] {
        app.clock.advance(Duration::from_secs(seconds));
        app.visit("/t/acme/public").await;
        crate::support::settle().await;
        assert_eq!(asked.load(Ordering::SeqCst), looks, "{seconds}");
    }
}
