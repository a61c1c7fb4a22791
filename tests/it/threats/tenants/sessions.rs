//! 39, 31: a session of one tenant at another one. Each provider knows the same `sub` and the same address.

use axum::body::Body;
use http::{Method, StatusCode};
use tower_sso::simulator::Endpoint;

use super::super::body_of;
use super::{Way, ask, door, location};
use crate::support::TenantApp;

/// Whose session, and where it is carried to; of the first two pairs the issuer is one and the same.
const CROSSINGS: [(&str, &str); 3] = [("acme", "sister"), ("sister", "acme"), ("acme", "globex")];

/// Guard: `Context::counts`, which looks at the tenant and not at who somebody is.
#[tokio::test]
async fn threat_39_a_session_of_one_tenant_opens_a_page_of_another() {
    for way in Way::ALL {
        for (own, other) in CROSSINGS {
            let app = way.app();
            let cookie = way.sign_in(&app, own).await;
            for page in ["protected", "user", "session", "token", "mfa"] {
                let path = format!("/t/{other}/{page}");
                let answer = way.get(&app, other, &path, &cookie).await;
                let to = location(&answer);
                let (issuer, client) = door(other);
                assert_eq!(answer.status(), 303, "{way:?} {own} at {path}");
                assert!(to.starts_with(issuer), "{way:?} {own} at {path}: {to}");
                assert!(to.contains(client), "{way:?} {own} at {path}: {to}");
                assert!(!to.contains("id_token_hint"), "{way:?} {to}");
                assert!(!to.contains("login_hint"), "{way:?} {to}");
            }
            let path = format!("/t/{other}/public");
            let answer = body_of(way.get(&app, other, &path, &cookie).await).await;
            assert!(answer.contains("\"tenant\":null"), "{way:?} {answer}");
            let path = format!("/t/{other}/headers");
            let told = body_of(way.get(&app, other, &path, &cookie).await).await;
            assert_eq!(told, "", "{way:?} {own} at {other}");

            let path = format!("/t/{own}/protected");
            let answer = way.get(&app, own, &path, &cookie).await;
            assert_eq!(answer.status(), 200, "{way:?}: and it opens its own");
            let path = format!("/t/{own}/headers");
            let told = body_of(way.get(&app, own, &path, &cookie).await).await;
            assert_eq!(told, "ada", "{way:?}");
        }
    }
}

/// Guard: `counts` in `session::answer`.
#[tokio::test]
async fn threat_39_a_page_of_another_tenant_is_told_who_is_signed_in() {
    for way in [Way::Subdomain, Way::Host, Way::Header] {
        for (own, other) in CROSSINGS {
            let app = way.app();
            let cookie = way.sign_in(&app, own).await;
            for (tenant, expected) in [(own, true), (other, false)] {
                let answer = way.get(&app, tenant, "/auth/session", &cookie).await;
                let answer = body_of(answer).await;
                let is_told = answer.contains("\"signed_in\":true");
                assert_eq!(is_told, expected, "{way:?} {own} at {tenant}: {answer}");
            }
        }
    }
}

/// Guard: `Context::counts` in `sign_out`, and `logout::whose`.
#[tokio::test]
async fn threat_39_the_id_token_of_one_tenant_goes_to_the_provider_of_another() {
    for way in Way::ALL {
        let app = way.app();
        let cookie = way.sign_in(&app, "acme").await;
        let mut request = way.request("globex", "/auth/logout", &cookie);
        request = request.header("origin", way.origin("globex"));
        let mut request = request.body(Body::empty()).unwrap();
        *request.method_mut() = Method::POST;
        let answer = ask(&app, request).await;
        let to = location(&answer).to_owned();
        assert!(!to.starts_with(TenantApp::GLOBEX), "{way:?}: {to}");
        assert!(to.starts_with(TenantApp::ACME), "{way:?}: {to}");
        assert!(to.contains("id_token_hint="), "{way:?}: {to}");
        let path = "/t/acme/protected";
        let answer = way.get(&app, "acme", path, &cookie).await;
        assert_eq!(answer.status(), 303, "{way:?}: signed out");
    }
}

/// Renewals, step-ups and silent attempts. Guard: `Context::counts` in `signed_in`.
#[tokio::test]
async fn threat_39_a_refresh_token_of_one_tenant_goes_to_another() {
    for way in Way::ALL {
        for (own, other) in CROSSINGS {
            let app = way.app();
            let cookie = way.sign_in(&app, own).await;
            let token = |tenant| door_of(&app, tenant).handle().requests(Endpoint::Token);
            let (at_acme, at_globex) = (token("acme"), token("globex"));
            // The access token is over, and so is what is known of the tenants.
            app.clock.advance(std::time::Duration::from_secs(3_570));
            for page in ["token", "silent", "mfa", "protected"] {
                let path = format!("/t/{other}/{page}");
                let answer = way.get(&app, other, &path, &cookie).await;
                let to = location(&answer);
                assert_ne!(answer.status(), 200, "{way:?} {path}");
                assert!(!to.contains("id_token_hint"), "{way:?} {path}: {to}");
                assert!(!to.contains("login_hint"), "{way:?} {path}: {to}");
            }
            assert_eq!(token("acme"), at_acme, "{way:?} {own} at {other}");
            assert_eq!(token("globex"), at_globex, "{way:?} {own} at {other}");
            // It is renewed where it belongs.
            let before = door_of(&app, own).handle().refresh_grants();
            let answer = way
                .get(&app, own, &format!("/t/{own}/token"), &cookie)
                .await;
            assert_eq!(answer.status(), StatusCode::OK, "{way:?} {own}");
            assert_eq!(door_of(&app, own).handle().refresh_grants(), before + 1);
        }
    }
}

fn door_of<'a>(app: &'a TenantApp, tenant: &str) -> &'a tower_sso::simulator::Simulator {
    match door(tenant).0 {
        TenantApp::ACME => &app.acme,
        _ => &app.globex,
    }
}

/// What an app holds while it waits: an event stream, a task. Guard: `of_session` in `Sso::access_token`.
#[tokio::test]
async fn threat_39_a_task_renews_a_session_at_another_tenant() {
    use axum::Router;
    use axum::routing::get;
    use std::sync::{Arc, Mutex};
    use tower::ServiceExt as _;
    use tower_sso::Session;

    let way = Way::Path;
    let app = way.app();
    let cookie = way.sign_in(&app, "globex").await;
    let kept: Arc<Mutex<Option<Session>>> = Arc::default();
    let keep = {
        let kept = Arc::clone(&kept);
        move |session: Session| {
            *kept.lock().unwrap() = Some(session);
            async {}
        }
    };
    let routes = Router::new().route("/t/{tenant}/keep", get(keep));
    let request = way.request("globex", "/t/globex/keep", &cookie);
    let request = request.body(Body::empty()).unwrap();
    let answer = app.sso.into_axum(routes).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let session = kept.lock().unwrap().take().unwrap();
    app.clock.advance(std::time::Duration::from_secs(3_570));
    app.sso.access_token(&session).await.unwrap();
    assert_eq!(app.globex.handle().refresh_grants(), 1);
    assert_eq!(app.acme.handle().requests(Endpoint::Token), 0);
}
