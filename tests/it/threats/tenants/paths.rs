//! 39, 28: each spelling of a path, as a real router reads it.

use axum::body::Body;
use axum::extract::Path;
use axum::routing::any;
use axum::{Extension, Router};
use http::{Request, Uri};
use proptest::prelude::{ProptestConfig, proptest};
use tower::ServiceExt as _;
use tower_sso::{Auth, User};

use super::super::body_of;
use super::Way;
use crate::support::TenantApp;

/// The tenant by the router, by the request, and of the session.
async fn seen(Path(path): Path<Vec<(String, String)>>, auth: Extension<Auth>) -> String {
    let of_session = auth.user();
    format!(
        "{}|{}|{}",
        path[0].1,
        auth.tenant().unwrap_or("nobody"),
        of_session
            .as_ref()
            .and_then(User::tenant)
            .unwrap_or("nobody")
    )
}

fn router() -> Router {
    let nested = Router::new().route("/nested", any(seen));
    Router::new()
        .route("/t/{tenant}", any(seen))
        .route("/t/{tenant}/", any(seen))
        .nest("/t/{tenant}/in", nested)
        .route("/t/{tenant}/page/{*rest}", any(seen))
        .fallback(|| async { "other" })
}

/// What the app says to a request with this cookie; nothing where it was not asked.
async fn asked(app: &TenantApp, path: &str, cookie: &str) -> Option<String> {
    let uri: Uri = path.parse().ok()?;
    let request = Request::get(uri).header("cookie", cookie);
    let request = request
        .header("host", "app.example.com")
        .body(Body::empty())
        .unwrap();
    for service in [
        app.sso.into_axum(router()).boxed_clone(),
        app.sso
            .into_axum(router().layer(app.sso.layer()))
            .boxed_clone(),
    ] {
        let mut copy = Request::get(request.uri().clone());
        copy.headers_mut().unwrap().clone_from(request.headers());
        let answer = service
            .oneshot(copy.body(Body::empty()).unwrap())
            .await
            .unwrap();
        if answer.status() == 200 {
            return Some(body_of(answer).await);
        }
    }
    None
}

fn is_not_crossed(path: &str, said: Option<String>) {
    let Some(said) = said.filter(|said| said != "other") else {
        return;
    };
    let [by_router, asked, of_session] = said.split('|').collect::<Vec<_>>()[..] else {
        panic!("{path:?}: {said}");
    };
    assert_eq!(by_router, asked, "{path:?}");
    assert!(
        [by_router, "nobody"].contains(&of_session),
        "{path:?}: {said}"
    );
}

#[tokio::test]
async fn threat_28_a_spelling_of_a_path_leads_to_another_tenant() {
    let app = Way::Path.app();
    let cookie = Way::Path.sign_in(&app, "acme").await;
    for (path, expected) in [
        ("/t/acme", Some("acme|acme|acme")),
        ("/t/acme/in/nested?x", Some("acme|acme|acme")),
        ("/t/acme/page/%2e%2e%20x", Some("acme|acme|acme")),
        ("/t/globex", Some("globex|globex|nobody")),
        ("/t/globex/page/t/acme", Some("globex|globex|nobody")),
        ("/t/globex?/t/acme", Some("globex|globex|nobody")),
        ("/t/%67lobex", None),
        ("/t/globe%78/", None),
        ("//t/globex", None),
        ("/t//globex", None),
        ("/T/globex", None),
        ("/t/globex;acme", None),
        ("/t/acme/../globex", None),
        ("/t/acme/page/../../globex", None),
        ("/t/acme%2f..%2fglobex", None),
        ("/t/globex%2f", None),
        ("/t/Globex", None),
        ("/t/nobody", None),
        ("/t", Some("other")),
        ("/files/t/globex", Some("other")),
    ] {
        let said = asked(&app, path, &cookie).await;
        assert_eq!(said.as_deref(), expected, "{path}");
        is_not_crossed(path, said);
    }
}

const PIECES: [&str; 30] = [
    "/",
    "//",
    "/t/",
    "t",
    "T",
    "%74",
    "acme",
    "globex",
    "%67lobex",
    "Globex",
    ".",
    "..",
    "/../",
    "/./",
    "%2e",
    "%2e%2e",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    ";",
    ";x",
    "?",
    "page/",
    "in/nested",
    "%",
    "%00",
    "%25",
    "x",
    "sister",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of each path that the router takes to a tenant, the session is of that tenant or there is none.
    #[test]
    fn threat_28_any_path_leads_to_the_tenant_of_the_session(
        paths in proptest::collection::vec(
            (proptest::bool::ANY, proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..7)),
            60,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = Way::Path.app();
            let cookie = Way::Path.sign_in(&app, "acme").await;
            for (under, pieces) in paths {
                let start = if under { "/t/" } else { "/" };
                let path = format!("{start}{}", pieces.concat());
                is_not_crossed(&path, asked(&app, &path, &cookie).await);
            }
        });
    }
}
