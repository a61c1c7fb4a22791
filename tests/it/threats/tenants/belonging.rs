//! 39: who belongs to a tenant, where several share an issuer, a provider or a store.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use http::StatusCode;
use tower::ServiceExt as _;
use tower_sso::clock::TestClock;
use tower_sso::oidc::Issuer;
use tower_sso::provider::{OidcConfig, Organizations};
use tower_sso::session::store::MemoryStore;
use tower_sso::simulator::LoginChoice;
use tower_sso::tenant::{Tenant, TenantBy, TenantFrom, TenantList, from_fn};
use tower_sso::{BoxError, CookieKey, Decision, Identity, SignIn, Sso, User};

use super::{Way, has_session};
use crate::support::{BackendIdp, Browser, RemoteStore, TenantApp, settle};

/// A customer at the issuer of `acme`, which says itself who is of which organization.
fn of_organization(id: &str, client: &str) -> Tenant {
    let mut config = OidcConfig::new(Issuer::parse(TenantApp::ACME).unwrap(), client);
    config.client_secret = Some("secret".into());
    config.organizations = Some(Organizations::new("org_id", "organization"));
    Tenant::new(id)
        .openid(config)
        .organization(format!("org_{id}"))
}

/// Two customers share an issuer that has organizations; `cleo` is of one, `ada` of none. Guard: `NamesOfOurs` in `Place`.
#[tokio::test]
async fn threat_39_who_has_an_account_at_the_issuer_is_of_each_tenant_there() {
    for (who, tenant, is_let_in) in [
        ("cleo", "acme", true),
        ("cleo", "sister", false),
        ("ada", "acme", false),
        ("ada", "sister", false),
    ] {
        let tenants = [
            of_organization("acme", "app"),
            of_organization("sister", "sister"),
        ];
        let app = TenantApp::of(tenants, |builder| {
            builder.tenant_from(TenantFrom::path("/t/"))
        });
        app.acme.handle().set_default_login(LoginChoice::new(who));
        let path = format!("/t/{tenant}/protected");
        let start = app.visit(&path).no_follow().await;
        let asked = format!("&organization=org_{tenant}");
        let to = start.location().unwrap();
        assert!(to.as_str().contains(&asked), "{to}");
        let page = app.visit(&path).await;
        let status = if is_let_in { 200 } else { 502 };
        assert_eq!(page.status, status, "{who} at {tenant}: {}", page.html());
        assert_eq!(has_session(&app), is_let_in, "{who} at {tenant}");
    }
}

/// The same address is of both customers, and the app's hook has to know where somebody signs in. Guard: `tenant` in `attempt::decide`.
#[tokio::test]
async fn threat_39_the_apps_hook_is_not_told_of_which_tenant_somebody_shall_be() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let decide = {
        let told = Arc::clone(&told);
        move |identity: Identity| {
            told.lock().unwrap().push(identity.tenant.clone());
            async move {
                Ok::<_, BoxError>(match identity.tenant.as_deref() {
                    Some("acme") => Decision::Accept,
                    _ => Decision::Refuse("not of this customer".into()),
                })
            }
        }
    };
    let app = TenantApp::new(|builder| {
        builder
            .tenant_from(TenantFrom::path("/t/"))
            .on_identity(decide)
    });
    let page = app.visit("/t/globex/protected").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.html());
    app.sign_in("/t/acme/protected").await;
    let told = told.lock().unwrap();
    assert_eq!(*told, [Some("globex".to_owned()), Some("acme".to_owned())]);
}

/// The store has sessions that a tenant's provider vouched for, and the app has no tenants: it had some before, or the
/// store is another's too. Guard: `Context::counts`, where there are no tenants.
#[tokio::test]
async fn threat_39_a_session_of_a_tenant_opens_an_app_without_tenants() {
    let clock = TestClock::at(1_800_000_000);
    let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
    let app = TenantApp::new(|builder| {
        builder
            .tenant_from(TenantFrom::path("/t/"))
            .session_store(store.clone())
    });
    let cookie = Way::Path.sign_in(&app, "acme").await;
    for issuer in [TenantApp::ACME, TenantApp::GLOBEX] {
        let sso = Sso::builder(issuer)
            .client("app", "secret")
            .base_url(TenantApp::URL)
            .cookie_key(CookieKey::generate())
            .clock(Arc::new(clock.clone()))
            .session_store(store.clone())
            .build()
            .unwrap();
        let request = Way::Path.request("acme", "/", &cookie);
        let request = request.body(axum::body::Body::empty()).unwrap();
        let service = sso.into_axum(Router::new().route("/", get(greet)));
        let answer = service.oneshot(request).await.unwrap();
        assert_eq!(super::super::body_of(answer).await, "nobody", "{issuer}");
    }
}

/// The id of a session at a provider is a credential there. Guard: `counts` in `sign_out::end`.
#[tokio::test]
async fn threat_39_the_id_of_a_session_is_sent_to_the_provider_that_a_tenant_has_now() {
    let clock = TestClock::at(1_800_000_000);
    let before = BackendIdp::new(&clock);
    let now = BackendIdp::at("https://another-vault.example.org", &clock);
    for is_moved in [false, true] {
        let has = Arc::new(Mutex::new(before.clone()));
        let tenants = {
            let has = Arc::clone(&has);
            from_fn(move |by| {
                let provider = has.lock().unwrap().clone();
                let found = matches!(by, TenantBy::Id("acme"))
                    .then(|| Arc::new(Tenant::new("acme").provider(provider)));
                Box::pin(std::future::ready(Ok(found)))
            })
        };
        let sso = Sso::for_tenants(tenants)
            .tenant_from(TenantFrom::path("/t/"))
            .base_url(TenantApp::URL)
            .cookie_key(CookieKey::generate())
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap();
        let routes = Router::new()
            .route("/t/acme/login", post(log_in))
            .route(
                "/t/acme/user",
                get(async |user: User| user.subject().to_owned()),
            )
            .with_state(before.clone());
        let browser = Browser::with_clock(&clock);
        browser.serve(TenantApp::URL, sso.into_axum(routes));
        let url = |path: &str| format!("{}{path}", TenantApp::URL);
        let login = browser.visit_from(TenantApp::URL, &url("/t/acme/login"));
        assert_eq!(login.post_form(&[]).await.status, StatusCode::OK);
        let page = browser.visit(&url("/t/acme/user")).await;
        assert_eq!(page.html(), "ada");

        let page = browser.visit(&url("/auth/logout")).await;
        if is_moved {
            *has.lock().unwrap() = now.clone();
        }
        clock.advance(std::time::Duration::from_secs(61));
        browser.visit(&url("/t/acme/user")).no_follow().await;
        settle().await;
        let told = before.told_to_end();
        page.submit(&page.only_form()).no_follow().await;
        assert!(
            browser
                .cookies()
                .iter()
                .all(|cookie| cookie.name != "__Host-sso")
        );
        assert_eq!(now.told_to_end(), 0, "another one's credential");
        assert_eq!(before.told_to_end() - told, usize::from(!is_moved));
    }
}

/// Who signs in at another tenant's own page leaves the session that they had: its id is dead, wherever a copy is. Guard:
/// `left` in `AtOwnPage`.
#[tokio::test]
async fn threat_12_a_session_that_was_left_for_another_tenant_lives_on() {
    for is_remote in [false, true] {
        let clock = TestClock::at(1_800_000_000);
        let idp = BackendIdp::new(&clock);
        let tenants = ["acme", "globex"].map(|id| Tenant::new(id).provider(idp.clone()));
        let builder = Sso::for_tenants(TenantList::new(tenants).unwrap())
            .tenant_from(TenantFrom::path("/t/"))
            .base_url(TenantApp::URL)
            .cookie_key(CookieKey::generate())
            .clock(Arc::new(clock.clone()));
        let builder = match is_remote {
            true => builder.session_store(Arc::new(RemoteStore::new(&clock))),
            false => builder,
        };
        let sso = builder.build().unwrap();
        let routes = Router::new()
            .route("/t/{tenant}/login", post(log_in))
            .route("/t/{tenant}/user", get(greet))
            .with_state(idp);
        let browser = Browser::with_clock(&clock);
        browser.serve(TenantApp::URL, sso.into_axum(routes.clone()));
        let mut cookies = Vec::new();
        for tenant in ["acme", "globex"] {
            let url = format!("{}/t/{tenant}/login", TenantApp::URL);
            let page = browser
                .visit_from(TenantApp::URL, &url)
                .post_form(&[])
                .await;
            assert_eq!(page.status, StatusCode::OK);
            let cookie = browser.cookie("__Host-sso").unwrap();
            cookies.push(format!("__Host-sso={}", cookie.value));
        }
        settle().await;
        for (tenant, cookie, who) in [
            ("acme", &cookies[0], "nobody"),
            ("globex", &cookies[1], "ada"),
        ] {
            let request = Way::Path.request(tenant, &format!("/t/{tenant}/user"), cookie);
            let request = request.body(axum::body::Body::empty()).unwrap();
            let answer = sso
                .into_axum(routes.clone())
                .oneshot(request)
                .await
                .unwrap();
            assert_eq!(super::super::body_of(answer).await, who, "{tenant}");
        }
    }
}

async fn greet(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
}

async fn log_in(State(idp): State<BackendIdp>, Query(_): Query<()>, sign_in: SignIn) -> StatusCode {
    let came = idp.authenticate_actively("ada", "pwd", None).unwrap();
    match sign_in.finish(came).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}
