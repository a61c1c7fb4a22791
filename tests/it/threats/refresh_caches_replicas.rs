//! Refresh, caches, replicas.

use std::time::Duration;

use tower_sso::simulator::{Endpoint, Fault};

use crate::support::App;

/// Many libraries fetch the metadata when the app starts, and die or stay broken if they can't. Guard:
/// `Discovery` and `JwksCache` fetch on use, and `State::record` lets a failure end by itself.
#[tokio::test(start_paused = true)]
async fn threat_27_an_app_that_starts_before_its_provider_stays_broken() {
    let broken = [
        Fault::Status(Endpoint::Discovery, 503, None),
        Fault::Status(Endpoint::Discovery, 404, None),
        Fault::Garbage(Endpoint::Discovery),
        Fault::HugeBody(Endpoint::Discovery),
        Fault::Redirect(Endpoint::Discovery),
        Fault::Hang(Endpoint::Discovery),
        Fault::DiscoveryField("token_endpoint".into(), None),
        Fault::DiscoveryIssuer("https://evil.example".into()),
        Fault::Status(Endpoint::Jwks, 500, None),
        Fault::Garbage(Endpoint::Jwks),
        Fault::Hang(Endpoint::Jwks),
        Fault::JwksEmpty,
        Fault::Status(Endpoint::Token, 502, Some(7)),
        Fault::Hang(Endpoint::Token),
    ];
    for fault in broken {
        let app = App::new();
        app.idp().set_fault(fault.clone());
        assert_eq!(app.visit("/").await.html(), "nobody", "{fault:?}");
        assert_eq!(app.visit("/static").await.status, 200, "{fault:?}");
        let page = app.visit("/protected").await;
        let wrong = matches!(fault, Fault::DiscoveryField(..) | Fault::DiscoveryIssuer(_));
        if wrong {
            assert_eq!(page.status, 502, "{fault:?}: {}", page.html());
        } else {
            assert_eq!(page.status, 503, "{fault:?}: {}", page.html());
            let seconds: u64 = page.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=300).contains(&seconds), "{fault:?}: {seconds}");
        }
        assert_eq!(app.session_cookie(), None, "{fault:?}");
        let at_token = matches!(
            fault,
            Fault::Status(Endpoint::Token, ..) | Fault::Hang(Endpoint::Token)
        );
        assert_eq!(app.sso.ready().await.is_err(), !at_token, "{fault:?}");

        app.idp().clear_faults();
        app.clock.advance(Duration::from_secs(30));
        app.sign_in("/protected").await;
        app.sso.ready().await.unwrap();
    }
}

/// As before, the other way round: who is signed in does not need the provider. Guard: `SsoService::call`
/// asks the session alone.
#[tokio::test]
async fn threat_27_a_provider_that_goes_down_takes_the_sessions_with_it() {
    let app = App::new();
    app.sign_in("/protected").await;
    for endpoint in [
        Endpoint::Discovery,
        Endpoint::Jwks,
        Endpoint::Token,
        Endpoint::Authorize,
    ] {
        app.idp().set_fault(Fault::Status(endpoint, 500, None));
    }
    for _ in 0..24 {
        app.clock.advance(Duration::from_secs(1_700));
        assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    }
}

/// Somebody who is signed in with a refresh token, at the moment when it is due.
async fn due() -> App {
    let app = App::with(|builder| builder.scopes(["openid", "offline_access"]));
    app.sign_in("/protected").await;
    app.clock.advance(Duration::from_secs(3_540));
    app
}

/// The provider shortens its own session, and the app goes on. Guard: `session_expiry` in
/// `record::after_refresh`.
#[tokio::test]
async fn threat_25_an_end_that_the_provider_sets_later_does_not_count() {
    for (end, left) in [(0, 0), (1, 1), (100, 100)] {
        let app = due().await;
        let end = Fault::IdTokenClaim("session_expiry".into(), Some((1_800_003_540 + end).into()));
        app.idp().set_fault(end);
        if left > 0 {
            assert_eq!(app.visit("/protected").no_follow().await.status, 200);
            app.clock.advance(Duration::from_secs(left - 1));
            assert_eq!(app.visit("/protected").no_follow().await.status, 200);
            app.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(app.visit("/protected").no_follow().await.status, 303);
        assert_eq!(app.idp().refresh_grants(), 1);
    }
}

/// A key that this replica has not seen yet says nothing of the person. Guard: `UnknownKey` in
/// `refresh::judge`.
#[tokio::test]
async fn threat_26_a_key_that_is_not_known_yet_ends_a_session() {
    let app = due().await;
    app.idp().set_fault(Fault::UnknownKid);
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    assert_eq!(app.idp().refresh_grants(), 1);
    app.idp().clear_faults();
    app.clock.advance(Duration::from_secs(45));
    assert_eq!(app.visit("/protected").no_follow().await.status, 200);
    assert_eq!(app.idp().refresh_grants(), 2);
    assert_eq!(app.idp().reuse_detected(), 0, "the new one was kept");
}
