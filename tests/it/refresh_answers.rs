//! What a refresh may answer, and what the session makes of it.

use std::time::Duration;

use serde_json::json;
use tower_sso::simulator::Fault;
use tower_sso::{Policy, RequireLayer};

use crate::support::App;

/// What becomes of the session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Becomes {
    /// It goes on, and the scope `email` is still granted.
    Live,
    /// It goes on, with fewer scopes.
    Poorer,
    Over,
}

async fn answered_with(faults: &[Fault]) -> App {
    let app = App::with(|builder| builder.scopes(["openid", "email", "offline_access"]));
    let scope = RequireLayer::new(Policy::login().scope("email"));
    let routes = axum::Router::new().route(
        "/mail",
        axum::routing::get(|| async { "mail" }).layer(scope),
    );
    app.serve(app.sso.into_axum(app.routes().merge(routes)));
    app.sign_in("/mail").await;
    for fault in faults {
        app.idp().set_fault(fault.clone());
    }
    app.clock.advance(Duration::from_secs(3540));
    app
}

#[tokio::test]
async fn each_answer_to_a_refresh() {
    use Becomes::{Live, Over, Poorer};
    let sub = |sub| Fault::IdTokenClaim("sub".into(), Some(json!(sub)));
    let expires_in = |value| vec![Fault::ExpiresIn(value)];
    let rows = [
        (vec![], Live),
        (vec![Fault::NoIdToken], Live),
        (vec![sub("bob")], Over),
        (vec![Fault::IdTokenClaim("sub".into(), None)], Over),
        (
            vec![Fault::IdTokenClaim(
                "iss".into(),
                Some(json!("https://evil.example")),
            )],
            Over,
        ),
        (vec![Fault::Scope("openid".into())], Poorer),
        (
            vec![Fault::Scope("openid".into()), Fault::NoIdToken],
            Poorer,
        ),
        (vec![Fault::Scope("email openid more".into())], Live),
        (vec![Fault::NoRefreshToken], Live),
        (vec![Fault::NoIdToken, Fault::NoRefreshToken], Live),
        (expires_in(None), Live),
        (expires_in(Some(json!(-1))), Live),
        (expires_in(Some(json!(u64::MAX))), Live),
        (expires_in(Some(json!("3600"))), Live),
        (expires_in(Some(json!("an hour"))), Live),
        (expires_in(Some(json!([60]))), Live),
    ];
    for (faults, becomes) in rows {
        let app = answered_with(&faults).await;
        let mail = app.visit("/mail").no_follow().await.status;
        let home = app.visit("/").await.html();
        let expected = match becomes {
            Live => (200, "alice"),
            Poorer => (403, "alice"),
            Over => (303, "nobody"),
        };
        assert_eq!((mail.as_u16(), &*home), expected, "{faults:?}");
        assert_eq!(app.idp().refresh_grants(), 1, "{faults:?}: once");
        // Whatever it was, what it left is good for a next time.
        app.idp().clear_faults();
        app.clock.advance(Duration::from_secs(3500));
        if becomes != Over {
            let page = app.visit("/protected").no_follow().await;
            assert_eq!(page.status, 200, "{faults:?}: {}", page.html());
        }
        assert_eq!(app.idp().reuse_detected(), 0, "{faults:?}");
    }
}
