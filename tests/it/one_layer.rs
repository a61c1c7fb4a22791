//! Row 64: the same routes, handlers, policies and extractors behind each system.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::get;
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tower_sso::{AccessToken, Auth, Policy, RequireLayer, Session, Sso, User};

use crate::support::{App, Browser, MosaicApps, ScalekitApp};

type Handled = Extension<Arc<AtomicUsize>>;

/// It knows of no system.
fn routes() -> (Router, Arc<AtomicUsize>) {
    let handled = Arc::new(AtomicUsize::new(0));
    let routes = Router::new()
        .route("/public", get(public))
        .route("/user", get(user))
        .route(
            "/session",
            get(session).layer(RequireLayer::new(Policy::login())),
        )
        .route(
            "/auth-of-the-request",
            get(auth).layer(RequireLayer::new(Policy::login())),
        )
        .route("/token", get(token))
        .route("/mfa", get(session).layer(RequireLayer::new(Policy::mfa())))
        .route(
            "/gold",
            get(session).layer(RequireLayer::new(Policy::login().role("gold"))),
        )
        .layer(Extension(Arc::clone(&handled)));
    (routes, handled)
}

async fn public(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
}

async fn user(user: User, Extension(handled): Handled) -> Json<Value> {
    handled.fetch_add(1, Ordering::SeqCst);
    Json(json!({ "iss": user.issuer(), "sub": user.subject() }))
}

async fn session(session: Session, Extension(handled): Handled) -> Json<Value> {
    handled.fetch_add(1, Ordering::SeqCst);
    Json(json!({ "iss": session.issuer(), "sub": session.subject() }))
}

async fn auth(Extension(auth): Extension<Auth>, Extension(handled): Handled) -> Json<Value> {
    handled.fetch_add(1, Ordering::SeqCst);
    let user = auth.user().unwrap();
    Json(json!({ "iss": user.issuer(), "sub": user.subject() }))
}

async fn token(token: AccessToken, Extension(handled): Handled) -> String {
    handled.fetch_add(1, Ordering::SeqCst);
    token.expose().to_owned()
}

const FOR_ANYBODY: [&str; 4] = ["/user", "/session", "/auth-of-the-request", "/token"];
const FOR_FEWER: [(&str, StatusCode); 2] = [
    ("/mfa", StatusCode::SEE_OTHER),
    ("/gold", StatusCode::FORBIDDEN),
];

/// One system: a browser that is signed in, its app's layer, and who it is.
struct Behind {
    name: &'static str,
    browser: Browser,
    url: &'static str,
    sso: Sso,
    issuer: &'static str,
}

async fn each() -> [Behind; 3] {
    let oidc = App::new();
    oidc.sign_in("/protected").await;
    let mosaic = MosaicApps::new();
    mosaic.sign_in(MosaicApps::ONE, "alice").await;
    let scalekit = ScalekitApp::new();
    scalekit.sign_in(ScalekitApp::ALICE).await;
    [
        Behind {
            name: "OpenID Connect",
            browser: oidc.browser,
            url: App::URL,
            sso: oidc.sso,
            issuer: App::IDP,
        },
        Behind {
            name: "Mosaic",
            browser: mosaic.browser,
            url: MosaicApps::ONE,
            sso: mosaic.one,
            issuer: MosaicApps::ISSUER,
        },
        Behind {
            name: "Scalekit",
            browser: scalekit.browser,
            url: ScalekitApp::URL,
            sso: scalekit.sso,
            issuer: ScalekitApp::ENVIRONMENT,
        },
    ]
}

#[tokio::test]
async fn row_64_one_router_serves_behind_each_system() {
    for Behind {
        name,
        browser,
        url,
        sso,
        issuer,
    } in each().await
    {
        let (routes, handled) = routes();
        browser.serve(url, sso.into_axum(routes));
        let visit =
            |browser: &Browser, path: &str| browser.visit(&format!("{url}{path}")).no_follow();

        let subject = visit(&browser, "/public").await.text();
        assert_ne!(subject, "nobody", "{name}");
        for path in FOR_ANYBODY {
            let page = visit(&browser, path).await;
            assert_eq!(
                page.status,
                StatusCode::OK,
                "{name} {path}: {}",
                page.html()
            );
            if path != "/token" {
                assert_eq!(
                    page.json(),
                    json!({ "iss": issuer, "sub": subject }),
                    "{name} {path}"
                );
            }
            assert_eq!(
                page.header("cache-control").as_deref(),
                Some("private, no-store"),
                "{name} {path}"
            );
        }
        assert_eq!(handled.load(Ordering::SeqCst), FOR_ANYBODY.len(), "{name}");
        for (path, status) in FOR_FEWER {
            assert_eq!(visit(&browser, path).await.status, status, "{name} {path}");
        }

        let stranger = browser.stranger();
        assert_eq!(visit(&stranger, "/public").await.text(), "nobody", "{name}");
        let page = visit(&stranger, "/public").await;
        for path in FOR_ANYBODY
            .into_iter()
            .chain(FOR_FEWER.map(|(path, _)| path))
        {
            assert_eq!(
                visit(&stranger, path).await.status,
                StatusCode::SEE_OTHER,
                "{name} {path}"
            );
            let script = page.fetch(path).await;
            assert_eq!(script.status, StatusCode::UNAUTHORIZED, "{name} {path}");
            let kind = script.header("content-type");
            assert_eq!(
                kind.as_deref(),
                Some("application/problem+json"),
                "{name} {path}"
            );
        }

        let out = browser
            .visit_from(url, &format!("{url}/auth/logout"))
            .post_form(&[]);
        out.no_follow().await;
        assert_eq!(visit(&browser, "/public").await.text(), "nobody", "{name}");
        assert_eq!(
            visit(&browser, "/user").await.status,
            StatusCode::SEE_OTHER,
            "{name}"
        );
        assert_eq!(
            handled.load(Ordering::SeqCst),
            FOR_ANYBODY.len(),
            "{name}: no handler ran"
        );
    }
}
