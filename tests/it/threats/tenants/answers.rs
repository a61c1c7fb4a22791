//! 8, 12: answers of providers that reach another tenant, and starts by other sites.

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tower_sso::simulator::{Endpoint, Fault};
use url::Url;

use super::{Way, has_session};
use crate::support::{Page, TenantApp};

const CALLBACK: &str = "https://app.example.com/auth/callback/";

/// Until the provider of a tenant sends the browser back.
async fn answered(way: Way, app: &TenantApp, tenant: &str) -> (Page, Url) {
    let origin = way.origin(tenant);
    let page = app
        .visit(&format!("{origin}/t/{tenant}/protected"))
        .stop_before(&format!("{origin}/auth/callback"))
        .await;
    let callback = page.location().unwrap();
    (page, callback)
}

fn nothing_came_of_it(app: &TenantApp, page: &Page, at: &str) {
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{at}");
    assert!(!has_session(app), "{at}");
    for idp in [&app.acme, &app.globex] {
        assert_eq!(idp.handle().requests(Endpoint::Token), 0, "{at}");
    }
}

/// RFC 9700 section 2.1: each issuer comes back to a redirect URI of its own. Guard: `callback() == segment` in
/// `for_attempt`.
#[tokio::test]
async fn threat_08_an_answer_to_one_tenant_is_taken_at_anothers_redirect_uri() {
    for to in [
        "/auth/callback/globex",
        "/auth/callback/sister",
        "/auth/callback",
        "/auth/callback/",
        "/auth/callback/nobody",
        "/auth/callback/Acme",
        "/auth/callback/%61cme",
        "/auth/callback/acme/",
        "/auth/callback/acme/x",
        "/auth/callback/acme%2f",
        "/auth/callback/acme;x",
        "/auth/callback/globex/../acme",
        "/auth/callback//acme",
        "/auth/callback/acme%00",
    ] {
        let app = Way::Path.app();
        let (page, callback) = answered(Way::Path, &app, "acme").await;
        assert!(callback.as_str().starts_with(CALLBACK));
        let url = format!("{}{to}?{}", TenantApp::URL, callback.query().unwrap());
        // As it is written: the URL parser of a browser would resolve dots.
        let service = app.service();
        let cookies: Vec<_> = app
            .browser
            .cookies()
            .into_iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        let request = http::Request::get(&url).header("cookie", cookies.join("; "));
        let request = request.body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(service, request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{to}");
        assert!(!answer.headers().contains_key("location"), "{to}");
        for idp in [&app.acme, &app.globex] {
            assert_eq!(idp.handle().requests(Endpoint::Token), 0, "{to}");
        }
        let page = page.follow_redirect().await;
        assert_eq!(page.status, 200, "{to}: and the right one is not used up");
    }
}

/// With the attempt's cookie, as a thief of cookies has it. Guard: `is_named` and `is_here` in `for_attempt`.
#[tokio::test]
async fn threat_08_an_answer_to_one_tenant_is_taken_at_another_host() {
    for way in [Way::Subdomain, Way::Host] {
        for other in ["globex", "sister", ""] {
            let app = way.app();
            let (_, callback) = answered(way, &app, "acme").await;
            let origin = match other {
                "" => TenantApp::URL.to_owned(),
                _ => way.origin(other),
            };
            for cookie in app.browser.cookies() {
                let line = format!("{}={}; Path=/; Secure", cookie.name, cookie.value);
                app.browser.set_cookie(&origin, &line).unwrap();
            }
            let path = &callback[url::Position::BeforePath..];
            let page = app.visit(&format!("{origin}{path}")).no_follow().await;
            nothing_came_of_it(&app, &page, &origin);
            let page = app.visit(callback.as_str()).await;
            assert_eq!(page.status, 200, "{way:?}: at its own it is");
        }
    }
}

/// Where something else than the host names the tenant. Guard: `is_named` in `for_attempt`.
#[tokio::test]
async fn threat_08_an_answer_to_one_tenant_is_taken_in_the_name_of_another() {
    let app = Way::Header.app();
    let url = format!("{}/t/acme/protected", TenantApp::URL);
    let start = app.visit(&url).header("x-tenant", "acme");
    let callback = start.stop_before(CALLBACK).await.location().unwrap();
    let taken = async |tenant: &str| {
        let answer = app.visit(callback.as_str()).header("x-tenant", tenant);
        answer.no_follow().await
    };
    nothing_came_of_it(&app, &taken("globex").await, "globex");
    nothing_came_of_it(&app, &taken("sister").await, "sister");
    assert_eq!(taken("acme").await.status, 303);
    assert!(has_session(&app));
}

/// An attacker’s provider sends the browser on to the honest one, whose code then comes back with the attacker’s state:
/// it must not go to the attacker’s token endpoint.
#[tokio::test]
async fn threat_08_the_code_of_an_honest_provider_goes_to_an_attackers() {
    let app = Way::Path.app();
    app.no_provider_names_itself();
    let start = app.visit("/t/globex/protected").no_follow().await;
    let at_evil = start.location().unwrap();
    let of = |url: &Url, name: &str| {
        let mut pairs = url.query_pairs();
        pairs.find(|(own, _)| own == name).unwrap().1.into_owned()
    };
    // What the attacker asks the honest provider for.
    let mut honest = Url::parse(&format!("{}/authorize", TenantApp::ACME)).unwrap();
    let honest_start = app.visit("/t/acme/protected").no_follow().await;
    honest.set_path(honest_start.location().unwrap().path());
    for (name, value) in at_evil.query_pairs() {
        let value = match &*name {
            "redirect_uri" => format!("{CALLBACK}acme"),
            _ => value.into_owned(),
        };
        honest.query_pairs_mut().append_pair(&name, &value);
    }
    let back = app.browser.visit_from(TenantApp::GLOBEX, honest.as_str());
    let back = back.stop_before(CALLBACK).await;
    let callback = back.location().unwrap();
    assert_eq!(of(&callback, "state"), of(&at_evil, "state"));
    assert!(callback.query_pairs().any(|(name, _)| name == "code"));
    let page = back.follow_redirect().no_follow().await;
    nothing_came_of_it(&app, &page, "the honest redirect URI");
    // The attacker moves it to their own redirect URI.
    let code = of(&callback, "code");
    let url = format!(
        "{CALLBACK}globex?code={code}&state={}",
        of(&at_evil, "state")
    );
    let page = app.visit(&url).no_follow().await;
    assert_ne!(page.status, 303);
    assert!(!has_session(&app));
}

/// RFC 9207. Guard: `check_response_issuer` in `sign_in::finish`, by the tenant's own provider.
#[tokio::test]
async fn threat_08_the_answer_names_the_issuer_of_another_tenant() {
    let app = Way::Path.app();
    for iss in [TenantApp::GLOBEX, "https://evil.example", ""] {
        let wrong = Fault::IssParameter(Some(iss.to_owned()));
        app.acme.handle().set_fault(wrong);
        let page = app.visit("/t/acme/protected").await;
        assert_ne!(page.status, 200, "{iss}");
        assert!(!has_session(&app), "{iss}");
        assert_eq!(app.acme.handle().requests(Endpoint::Token), 0, "{iss}");
        app.acme.handle().clear_faults();
    }
}

/// Guard: `check_selected` and `admit`, and the issuer and audience of the ID token.
#[tokio::test]
async fn threat_10_an_id_token_of_another_tenant_is_taken() {
    for (claim, value) in [
        ("iss", TenantApp::GLOBEX),
        ("aud", "sister"),
        ("azp", "sister"),
    ] {
        let app = Way::Path.app();
        let wrong = Fault::IdTokenClaim(claim.to_owned(), Some(value.into()));
        app.acme.handle().set_fault(wrong);
        let page = app.visit("/t/acme/protected").await;
        assert_ne!(page.status, 200, "{claim}");
        assert!(!has_session(&app), "{claim}");
    }
}

async fn evil_page(app: &TenantApp) -> Page {
    let page = Router::new().route("/", get(|| async { "evil" }));
    app.browser.serve("https://evil.example", page);
    app.browser.visit("https://evil.example/").await
}

/// Whoever sets a tenant up chooses its provider, which signs everybody in at once. Guard: `elsewhere::may_be_left`
/// and `Attempt::unasked`.
#[tokio::test]
async fn threat_12_a_link_on_another_site_leaves_a_session_for_another_tenant() {
    for way in [Way::Path, Way::Header] {
        let app = way.app();
        way.sign_in(&app, "acme").await;
        let before = app.browser.cookie("__Host-sso").unwrap().value;
        let evil = evil_page(&app).await;
        for path in [
            "/t/globex/protected",
            "/t/globex/user",
            "/auth/login?tenant=globex&return_to=/t/globex/protected",
            "/auth/login?domain_hint=globex.example",
            "/auth/login?login_hint=bob@globex.example&prompt=login",
        ] {
            let url = format!("{}{path}", TenantApp::URL);
            evil.follow(&url).header("x-tenant", "globex").await;
            evil.follow(&url)
                .header("x-tenant", "globex")
                .post_form(&[("tenant", "globex")])
                .await;
            evil.follow(&url)
                .header("x-tenant", "globex")
                .post_form(&[])
                .by_sandbox()
                .await;
            evil.frame(&url).await;
            let now = app.browser.cookie("__Host-sso").unwrap().value;
            assert_eq!(now, before, "{way:?} {path}");
        }
        assert_eq!(app.globex.handle().code_grants(), 0, "{way:?}");
        let cookie = format!("__Host-sso={before}");
        let answer = way.get(&app, "acme", "/t/acme/protected", &cookie).await;
        assert_eq!(answer.status(), 200, "{way:?}");
    }
}

/// The person is asked, and may go.
#[tokio::test]
async fn who_comes_from_another_site_may_leave_for_another_tenant() {
    let app = Way::Path.app();
    Way::Path.sign_in(&app, "acme").await;
    let evil = evil_page(&app).await;
    let page = evil
        .follow(&format!("{}/t/globex/protected", TenantApp::URL))
        .await;
    assert_eq!(page.status, 200);
    assert!(page.html().contains("Continue as ada@acme.example"));
    let page = page.click("Sign in at the other organization").await;
    assert_eq!(page.url.path(), "/t/globex/protected");
    assert_eq!(page.json()["tenant"], "globex");
}

/// A sign-in that began before there was a session, and is held back until there is one. Guard: `Attempt::unasked`.
#[tokio::test]
async fn threat_12_an_answer_that_was_held_back_replaces_a_session_of_another_tenant() {
    let app = Way::Path.app();
    let (held, _) = answered(Way::Path, &app, "globex").await;
    Way::Path.sign_in(&app, "acme").await;
    let before = app.browser.cookie("__Host-sso").unwrap().value;
    let page = held.follow_redirect().await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.html());
    assert_eq!(app.browser.cookie("__Host-sso").unwrap().value, before);
    assert_eq!(app.visit("/t/acme/protected").await.status, 200);
    let page = page.click("Sign in with the other account").await;
    assert_eq!(page.url.path(), "/t/globex/protected");
    assert_eq!(page.json()["tenant"], "globex", "on purpose it does");
}

/// Guard: the marker that a sign-out leaves, which is the browser's and not a tenant's.
#[tokio::test]
async fn threat_43_another_tenant_signs_somebody_in_silently_after_a_sign_out() {
    for tenant in ["acme", "globex", "sister"] {
        let app = Way::Path.app();
        Way::Path.sign_in(&app, tenant).await;
        Way::Path.sign_in(&app, "acme").await;
        let page = app.visit("/auth/logout").await;
        page.submit(&page.only_form()).await;
        assert!(!has_session(&app));
        let page = app.visit(&format!("/t/{tenant}/silent")).await;
        assert_eq!(page.json()["tenant"], serde_json::Value::Null, "{tenant}");
        assert!(!has_session(&app), "{tenant}");
    }
}
