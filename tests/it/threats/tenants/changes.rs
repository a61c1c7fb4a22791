//! 39: a tenant that is another one by now, under a session that lives.

use std::time::Duration;

use tower_sso::oidc::Issuer;
use tower_sso::provider::OidcConfig;
use tower_sso::simulator::Endpoint;
use tower_sso::tenant::Tenant;

use super::super::body_of;
use super::{Directory, Way, has_session, location};
use crate::support::{TenantApp, settle};

/// The change is known: the first request after the minute has the app looked at again.
async fn seen(way: Way, app: &TenantApp) {
    app.clock.advance(Duration::from_secs(61));
    way.get(app, "acme", "/t/acme/public", "").await;
    settle().await;
}

fn at(issuer: &str) -> Tenant {
    let mut config = OidcConfig::new(Issuer::parse(issuer).unwrap(), "app");
    config.client_secret = Some("secret".into());
    Tenant::new("acme").openid(config)
}

/// Guard: each line of `Context::counts`.
#[tokio::test]
async fn threat_39_a_session_outlives_what_its_tenant_was() {
    for way in Way::ALL {
        for (what, now, still) in [
            ("nothing", at(TenantApp::ACME).organization("org"), true),
            ("issuer", at(TenantApp::GLOBEX).organization("org"), false),
            (
                "organization",
                at(TenantApp::ACME).organization("other"),
                false,
            ),
            (
                "connection",
                at(TenantApp::ACME).organization("org").connection("new"),
                false,
            ),
        ] {
            let directory = Directory::new(way);
            let app = directory.app(|builder| builder);
            let cookie = way.sign_in(&app, "acme").await;
            directory.put(now);
            seen(way, &app).await;
            let token = app.acme.handle().requests(Endpoint::Token);
            let answer = way.get(&app, "acme", "/t/acme/protected", &cookie).await;
            let expected = if still { 200 } else { 303 };
            assert_eq!(answer.status(), expected, "{way:?} {what}");
            assert!(!location(&answer).contains("id_token_hint"), "{what}");
            let answer = way.get(&app, "acme", "/t/acme/public", &cookie).await;
            let is_known = body_of(answer).await.contains("\"tenant\":\"acme\"");
            assert_eq!(is_known, still, "{way:?} {what}");
            assert_eq!(app.acme.handle().requests(Endpoint::Token), token);
        }
    }
}

/// Guard: `Context::counts` in `sign_out`.
#[tokio::test]
async fn threat_39_an_id_token_is_sent_to_the_provider_that_a_tenant_has_now() {
    let way = Way::Path;
    let directory = Directory::new(way);
    let app = directory.app(|builder| builder);
    way.sign_in(&app, "acme").await;
    let page = app.visit("/auth/logout").await;
    directory.put(at(TenantApp::GLOBEX).organization("org"));
    seen(way, &app).await;
    let page = page.submit(&page.only_form()).no_follow().await;
    let to = page.location().unwrap();
    assert_eq!(to.as_str(), "https://app.example.com/auth/logged-out");
    assert!(!has_session(&app));
}

/// Where nobody is named, too. Guard: `of_session`, which leads to nobody where the tenant is gone.
#[tokio::test]
async fn threat_39_a_session_outlives_its_tenant() {
    for way in Way::ALL {
        let directory = Directory::new(way);
        let app = directory.app(|builder| builder);
        let cookie = way.sign_in(&app, "acme").await;
        directory.remove("acme");
        seen(way, &app).await;
        let status = way
            .get(&app, "acme", "/t/acme/protected", &cookie)
            .await
            .status();
        let gone = match way {
            Way::Host | Way::Subdomain => 421,
            Way::Path | Way::Header => 404,
        };
        assert_eq!(status, gone, "{way:?}");
        let request = http::Request::get(format!("{}/", TenantApp::URL)).header("cookie", &cookie);
        let answer = super::ask(&app, request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(body_of(answer).await, "nobody", "{way:?}");
    }
}

/// The organization's name is changed while somebody is at the provider. Guard: `Place::admit`, and the tenant in the
/// attempt's state.
#[tokio::test]
async fn threat_39_a_sign_in_outlives_its_tenant() {
    let way = Way::Path;
    let directory = Directory::new(way);
    let app = directory.app(|builder| builder);
    app.no_provider_names_itself();
    for (what, change) in [
        ("another issuer", Some(at(TenantApp::GLOBEX))),
        ("gone", None),
    ] {
        let start = app.visit("/t/acme/protected");
        let at_callback = start
            .stop_before("https://app.example.com/auth/callback")
            .await;
        match change {
            Some(tenant) => directory.put(tenant),
            None => directory.remove("acme"),
        }
        seen(way, &app).await;
        let token = app.acme.handle().requests(Endpoint::Token);
        let page = at_callback.follow_redirect().no_follow().await;
        assert_eq!(page.status, 400, "{what}");
        assert!(!has_session(&app), "{what}");
        assert_eq!(app.acme.handle().requests(Endpoint::Token), token, "{what}");
        assert_eq!(app.globex.handle().requests(Endpoint::Token), 0, "{what}");
        directory.put(at(TenantApp::ACME).organization("org"));
        seen(way, &app).await;
    }
}
