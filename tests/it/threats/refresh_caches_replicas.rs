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
