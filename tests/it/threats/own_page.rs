//! The app's own sign-in page: whom it must not sign in.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use tower_sso::oidc::Issuer;
use tower_sso::{BoxError, Decision, Identity, SignIn};

use crate::support::{BackendIdp, Sisters};

/// Whom the app refuses gets in by its own page. Guard: the hook is asked there too.
#[tokio::test]
async fn threat_29_whom_the_app_refuses_gets_in_at_its_own_page() {
    let decide = |identity: Identity| async move {
        Ok::<_, BoxError>(match &*identity.claims.subject {
            "bob" => Decision::Refuse("bob is on leave".into()),
            "eve" => Decision::Answer(http::Response::default()),
            _ => Decision::Accept,
        })
    };
    let sisters = Sisters::with(|builder| builder.on_identity(decide));
    for (person, status) in [("bob", 303), ("eve", 303), ("ada", 200)] {
        sisters.sign_in(person).await;
        let page = sisters.status(&format!("{}/protected", Sisters::ONE)).await;
        assert_eq!(page.as_u16(), status, "{person}");
    }
}

/// The page hands over what another provider says, by the same subject. Guard: `make_at_own_page` looks at the issuer.
#[tokio::test]
async fn threat_08_another_provider_signs_in_at_the_own_page() {
    let sisters = Sisters::new();
    let log_in = |State(idp): State<BackendIdp>, sign_in: SignIn| async move {
        let mut came = idp.authenticate_actively("ada", "pwd", None).unwrap();
        came.identity.claims.issuer = Issuer::parse("https://another.example.org").unwrap();
        match sign_in.finish(came).await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::BAD_GATEWAY,
        }
    };
    let routes = Router::new().route("/login", post(log_in));
    let routes = routes.with_state(sisters.idp.clone());
    let app = sisters.one.into_axum(routes);
    sisters.browser.serve(Sisters::ONE, app);
    let page = sisters.post(Sisters::ONE, "/login").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.set_cookies().is_empty(), "{:?}", page.set_cookies());
}
