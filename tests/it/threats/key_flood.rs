//! JWKS: a flood of key ids that nobody has, at its full size.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tower_sso::oidc::{CompactJwt, Issuer};
use tower_sso::provider::{InProcessClient, JwksCache, JwksSource, Origin};
use tower_sso::simulator::{Endpoint, Fault};

use super::{Wiretap, tapped};
use crate::support::App;

/// What a flood may cost: the burst of the token bucket.
const HANDFUL: u64 = 4;

/// A token that the provider really signed.
async fn token(app: &App, tap: &Wiretap) -> String {
    let stranger = app.browser.stranger();
    let page = stranger.visit(&format!("{}/protected", App::URL)).await;
    assert_eq!(page.status, 200, "{}", page.html());
    let answer = tap.calls("/token").pop().unwrap().answer;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["id_token"].as_str().unwrap().to_owned()
}

struct Flooded {
    keys: JwksCache,
    source: JwksSource,
}

impl Flooded {
    fn new(app: &App) -> Self {
        let http = InProcessClient::new(app.simulator.router());
        let issuer = Issuer::parse(App::IDP).unwrap();
        let uri = format!("{}/jwks", App::IDP).parse().unwrap();
        Self {
            keys: JwksCache::new(Arc::new(http), Arc::new(app.clock.clone())),
            source: JwksSource::new(&issuer, uri),
        }
    }

    /// Whether the keys verify this token, which is let in by `origin`.
    async fn verify(&self, token: &str, origin: Origin) -> bool {
        let jwt = CompactJwt::parse(token).unwrap();
        let kid = jwt.kid.as_deref();
        let Ok(keys) = self.keys.keys_for(&self.source, kid, origin).await else {
            return false;
        };
        keys.candidates(kid, jwt.algorithm)
            .any(|key| key.verify(&jwt))
    }

    async fn knows(&self, kid: &str) -> bool {
        let keys = self
            .keys
            .keys_for(&self.source, Some(kid), Origin::Stranger);
        keys.await.is_ok_and(|keys| keys.knows(kid))
    }
}

/// Ten thousand key ids that nobody has, while the endpoint fails. Guard: the token bucket in
/// `State::may_fetch`, with one for our own calls and one for strangers, and that a fetch that failed
/// removes nothing.
#[tokio::test(start_paused = true)]
async fn threat_34_ten_thousand_key_ids_while_the_endpoint_fails() {
    for outage in [
        Fault::Status(Endpoint::Jwks, 500, None),
        Fault::Status(Endpoint::Jwks, 429, Some(1)),
        Fault::Hang(Endpoint::Jwks),
        Fault::Garbage(Endpoint::Jwks),
        Fault::JwksEmpty,
    ] {
        let (app, tap) = tapped(|builder| builder);
        let flooded = Flooded::new(&app);
        let known = token(&app, &tap).await;
        assert!(flooded.verify(&known, Origin::OwnCall).await);
        assert_eq!(flooded.keys.fetches(), 1);

        app.idp().set_fault(outage.clone());
        for hit in 0..10_000 {
            assert!(!flooded.knows(&format!("random-{hit}")).await);
            if hit % 100 == 0 {
                let began = Instant::now();
                assert!(flooded.verify(&known, Origin::Stranger).await, "{outage:?}");
                assert!(began.elapsed().is_zero(), "{outage:?}: at full speed");
            }
        }
        let cost = flooded.keys.fetches() - 1;
        assert!(cost <= HANDFUL, "{outage:?}: {cost}");

        app.idp().clear_faults();
        app.idp().rotate_keys();
        let renewed = token(&app, &tap).await;
        assert!(!flooded.verify(&renewed, Origin::Stranger).await);
        assert!(
            flooded.verify(&renewed, Origin::OwnCall).await,
            "{outage:?}: a rotation is seen at the first token of our own"
        );
        assert!(flooded.verify(&renewed, Origin::Stranger).await);
        assert!(flooded.verify(&known, Origin::Stranger).await);
    }
}

/// As before, all at once. Guard: `Flight`, which makes one call for all who wait.
#[tokio::test(start_paused = true)]
async fn threat_34_ten_thousand_key_ids_at_once() {
    for outage in [
        Fault::Status(Endpoint::Jwks, 500, None),
        Fault::Hang(Endpoint::Jwks),
        Fault::JwksEmpty,
    ] {
        let (app, tap) = tapped(|builder| builder);
        let flooded = Arc::new(Flooded::new(&app));
        let known = token(&app, &tap).await;
        assert!(flooded.verify(&known, Origin::OwnCall).await);
        app.idp().set_fault(outage.clone());
        let mut hits = tokio::task::JoinSet::new();
        for hit in 0..10_000 {
            let flooded = Arc::clone(&flooded);
            hits.spawn(async move { flooded.knows(&format!("random-{hit}")).await });
        }
        let began = Instant::now();
        assert!(hits.join_all().await.iter().all(|known| !known));
        assert!(began.elapsed() <= Duration::from_secs(10), "{outage:?}");
        let cost = flooded.keys.fetches() - 1;
        assert!(cost <= HANDFUL, "{outage:?}: {cost}");
        assert!(flooded.verify(&known, Origin::Stranger).await, "{outage:?}");
    }
}
