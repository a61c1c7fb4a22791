//! 1, 2, 4: links to the login endpoint, and what they can name.

use http::StatusCode;
use tower_sso::Sso;
use tower_sso::tenant::{Tenant, TenantFrom, TenantList};
use url::Url;

use super::super::where_people_are_sent::query;
use super::{Way, has_session};
use crate::support::{Page, TenantApp, payloads};

const PARAMETERS: [&str; 8] = [
    "return_to",
    "tenant",
    "organization_id",
    "connection_id",
    "domain_hint",
    "login_hint",
    "provider",
    "iss",
];

/// Fails if the app sends a browser to anybody but itself, its tenants and their providers.
fn stays_among_us(page: &Page, at: &str) {
    let known = [
        TenantApp::URL,
        TenantApp::ACME,
        TenantApp::GLOBEX,
        "https://acme.app.example.com",
        "https://globex.app.example.com",
        "https://sister.app.example.com",
    ];
    for hop in &page.hops {
        let Some(location) = hop.headers.get("location") else {
            continue;
        };
        let location = hop.url.join(location.to_str().unwrap()).unwrap();
        let origin = location.origin().ascii_serialization();
        assert!(known.contains(&&*origin), "{at}: {location}");
    }
}

/// The authorization request of the last hop has each parameter once, and none but ours.
fn is_as_ours(page: &Page, at: &str) {
    let Some(request) = page
        .location()
        .filter(|url| url.path().contains("authorize"))
    else {
        return;
    };
    let mut names: Vec<_> = request.query_pairs().map(|(name, _)| name).collect();
    names.sort();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before, "{at}: one comes twice: {request}");
    for name in names {
        let ours = [
            "client_id",
            "code_challenge",
            "code_challenge_method",
            "domain_hint",
            "login_hint",
            "nonce",
            "prompt",
            "provider",
            "redirect_uri",
            "response_type",
            "scope",
            "state",
        ];
        assert!(ours.contains(&&*name), "{at}: {name} in {request}");
    }
}

/// Guard: `ReturnTo::parse` in `Asked::read`, and `BaseUrl::join` of the tenant's own base URL in `login::answer`.
#[tokio::test]
async fn threat_02_a_payload_in_a_link_leaves_the_app_and_its_tenants() {
    for way in [Way::Subdomain, Way::Path] {
        let app = way.app();
        for (index, payload) in payloads().into_iter().step_by(97).enumerate() {
            let parameter = PARAMETERS[index % PARAMETERS.len()];
            for tenant in [None, Some("globex")] {
                let mut pairs = vec![(parameter, payload.as_str())];
                if let Some(tenant) = tenant.filter(|_| parameter != "tenant") {
                    pairs.push(("tenant", tenant));
                }
                let url = format!("/auth/login?{}", query(&pairs));
                let page = app.visit(&url).stop_before("https://idp.").await;
                stays_among_us(&page, &url);
                is_as_ours(&page, &url);
                app.browser.clear_cookies();
            }
            let url = format!(
                "/auth/login?{}",
                query(&[("return_to", &payload), ("tenant", "globex")])
            );
            let page = app.visit(&url).await;
            stays_among_us(&page, &url);
            assert!(has_session(&app), "{url}: signed in, and sent on");
            app.browser.clear_cookies();
        }
    }
}

/// At the tenant's own host, after the sign-in. Guard: `ReturnTo::parse` in `LoginState::return_to`.
#[tokio::test]
async fn threat_02_a_return_url_leaves_the_host_of_the_tenant() {
    let app = Way::Subdomain.app();
    for to in [
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "https://globex.app.example.com.evil.example/",
        "https://globex.app.example.com@evil.example/",
        "https://globex.app.example.com/",
        "/%09/evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        ".evil.example",
        "@evil.example",
    ] {
        let url = format!(
            "/auth/login?{}",
            query(&[("return_to", to), ("tenant", "globex")])
        );
        let page = app.visit(&url).await;
        stays_among_us(&page, to);
        let host = page.url.host_str();
        assert_eq!(host, Some("globex.app.example.com"), "{to}");
        app.browser.clear_cookies();
        app.clock.advance(std::time::Duration::from_secs(61));
    }
}

/// Guard: `is_id` and `check_found`: what is no name is not asked for, and leads nowhere.
#[tokio::test]
async fn threat_04_a_name_in_a_link_is_more_than_a_name() {
    let app = Way::Subdomain.app();
    for name in [
        "acme&redirect_uri=https://evil.example",
        "acme.evil.example/",
        "acme/../globex",
        "acme@evil.example",
        "acme#",
        "Acme",
        "acme%00",
        "..",
        "*",
        "evil.example",
    ] {
        let url = format!("/auth/login?{}", query(&[("tenant", name)]));
        let page = app.visit(&url).no_follow().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
        assert!(page.set_cookies().is_empty(), "{name}");
    }
    for twice in [
        "tenant=acme&tenant=globex",
        "tenant=acme&organization_id=x&organization_id=y",
        "domain_hint=acme.example&domain_hint=globex.example",
    ] {
        let page = app.visit(&format!("/auth/login?{twice}")).no_follow().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{twice}");
    }
}

/// Guard: `for_sign_in`, which refuses two tenants at once, and `Place::selectors`.
#[tokio::test]
async fn threat_39_a_link_selects_another_tenant_at_this_ones_host() {
    let tenants = || {
        TenantList::new([
            TenantApp::tenant("acme")
                .organization("org_a")
                .connection("con_a"),
            TenantApp::tenant("globex")
                .organization("org_g")
                .connection("con_g"),
        ])
    };
    let app = TenantApp::from(Sso::for_tenants(tenants().unwrap()), |builder| {
        builder.tenant_from(TenantFrom::subdomain_of("app.example.com"))
    });
    for other in [
        "tenant=globex",
        "connection_id=con_g",
        "organization_id=org_g",
    ] {
        let url = format!("https://acme.app.example.com/auth/login?{other}");
        let page = app.visit(&url).no_follow().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{other}");
        assert_eq!(page.location(), None);
    }
    for own in [
        "tenant=acme",
        "connection_id=con_a",
        // Only a hint: the host has said who is meant.
        "domain_hint=globex.example",
        "login_hint=bob@globex.example",
        "iss=https://idp.acme.example",
    ] {
        let url = format!("https://acme.app.example.com/auth/login?{own}");
        let page = app.visit(&url).no_follow().await;
        let to = page.location().unwrap();
        assert!(to.as_str().starts_with(TenantApp::ACME), "{own}: {to}");
    }
    let url = "https://acme.app.example.com/auth/login?iss=https://idp.globex.example";
    let page = app.visit(url).no_follow().await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

/// Browsers keep a few kilobytes for a host, and proxies refuse more. Guard: `LONGEST_SELECTORS`, `LONGEST_SELECTOR`,
/// `LONGEST_ID` and `LARGEST_COOKIE`.
#[tokio::test]
async fn threat_11_the_longest_names_make_a_cookie_that_is_dropped() {
    let (id, organization, connection) = ("t".repeat(64), "o".repeat(64), "c".repeat(64));
    let tenant = || {
        Tenant::new(&*id)
            .organization(&*organization)
            .connection(&*connection)
    };
    let builder = || {
        Sso::builder(TenantApp::ACME)
            .client("app", "secret")
            .tenants(TenantList::new([tenant()]).unwrap())
    };
    let app = TenantApp::from(builder(), |builder| builder);
    let (domain, long) = ("d".repeat(64), format!("/{}", "p".repeat(1_900)));
    let mut pairs = vec![
        ("tenant", &*id),
        ("organization_id", &organization),
        ("connection_id", &connection),
        ("domain_hint", &domain),
        ("return_to", &long),
    ];
    let url = format!("/auth/login?{}", query(&pairs));
    let page = app.visit(&url).no_follow().await;
    let to = page.location().unwrap();
    assert!(to.as_str().starts_with(TenantApp::ACME), "{to}");
    let cookie = page.set_cookies().remove(0);
    let pair = cookie.split(';').next().unwrap();
    assert!(pair.len() <= 700, "{}", pair.len());
    pairs.push(("provider", "x"));
    let url = format!("/auth/login?{}", query(&pairs));
    let page = app.visit(&url).no_follow().await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "one more is too much");
    for (name, length) in [
        ("tenant", 65),
        ("organization_id", 65),
        ("connection_id", 65),
        ("provider", 65),
        ("domain_hint", 256),
        ("login_hint", 256),
    ] {
        let url = format!("/auth/login?{}", query(&[(name, &"x".repeat(length))]));
        let page = app.visit(&url).no_follow().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
    }
}

/// The page where nobody is named, which shows what a link brought.
#[tokio::test]
async fn threat_05_the_question_for_an_address_shows_a_payload_as_it_is() {
    let app = Way::Path.app();
    for payload in [
        "\"><script>alert(1)</script>@x",
        "'onfocus=alert(1) x=",
        "<img src=x>@nobody.example",
    ] {
        let url = format!(
            "/auth/login?{}",
            query(&[
                ("login_hint", payload),
                ("ui_locales", payload),
                ("return_to", "/x")
            ])
        );
        let page = app.visit(&url).await;
        assert_eq!(page.status, 200);
        for raw in ["<script", "<img", "\"><", "'onfocus"] {
            assert!(!page.html().contains(raw), "{payload}: {}", page.html());
        }
        let form = page.only_form();
        let action = Url::parse(TenantApp::URL)
            .unwrap()
            .join(&form.action)
            .unwrap();
        assert_eq!(action.origin(), page.url.origin());
    }
}
