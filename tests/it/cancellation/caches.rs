//! One call for many: who made it begin goes away, and the others get what it brings.

use std::sync::Arc;

use tower_sso::oidc::Issuer;
use tower_sso::provider::{JwksCache, JwksSource, OidcConfig, OidcProvider, Origin};
use tower_sso::simulator::Endpoint;

use super::World;
use crate::support::{App, drop_after, drop_at_each_await};

fn keys(world: &World) -> (JwksCache, JwksSource) {
    let (http, clock) = (world.wire.clone(), world.app.clock.clone());
    let uri = format!("{}/jwks", App::IDP).parse().unwrap();
    let source = JwksSource::new(&Issuer::parse(App::IDP).unwrap(), uri);
    (JwksCache::new(Arc::new(http), Arc::new(clock)), source)
}

#[tokio::test]
async fn who_leads_a_first_load_of_keys() {
    for leads in 0..20 {
        let world = World::new();
        let (cache, source) = keys(&world);
        let load = || cache.keys_for(&source, None, Origin::OwnCall);
        let (leader, follower) = tokio::join!(drop_after(leads, load()), load());
        assert!(!follower.unwrap().is_empty(), "after {leads} polls");
        assert_eq!(cache.fetches(), 1, "after {leads} polls");
        if let Some(outcome) = leader {
            assert!(leads > 2 && outcome.is_ok());
            return;
        }
    }
    panic!("it hangs");
}

/// Four fetches for unknown keys at once, however many of those who asked went away.
#[tokio::test]
async fn a_token_of_the_bucket_is_spent_on_a_fetch_or_kept() {
    let points = drop_at_each_await(
        async || {
            let world = World::new();
            let (cache, source) = keys(&world);
            (world, cache, source)
        },
        async |(_, cache, source)| cache.keys_for(source, Some("odd"), Origin::Stranger).await,
        async |(world, cache, source), dropped| {
            let asked = u64::from(dropped.polls > 0);
            assert_eq!(world.app.idp().requests(Endpoint::Jwks), asked);
            for _ in 0..10 {
                let keys = cache.keys_for(source, Some("odd"), Origin::Stranger).await;
                assert!(!keys.unwrap().is_empty());
            }
            assert_eq!(world.app.idp().requests(Endpoint::Jwks), 4);
            assert_eq!(cache.fetches(), 4, "after {} polls", dropped.polls);
            let own = cache.keys_for(source, Some("odd"), Origin::OwnCall).await;
            assert!(!own.unwrap().is_empty());
            assert_eq!(cache.fetches(), 5, "the other bucket is full");
        },
    )
    .await;
    assert!(points > 1, "{points}");
}

#[tokio::test]
async fn who_leads_the_fetch_of_the_metadata() {
    for leads in 0..20 {
        let world = World::new();
        let config = OidcConfig::new(Issuer::parse(App::IDP).unwrap(), App::CLIENT);
        let (http, clock) = (world.wire.clone(), world.app.clock.clone());
        let provider = OidcProvider::new(config, Arc::new(http), Arc::new(clock));
        let (leader, follower) =
            tokio::join!(drop_after(leads, provider.metadata()), provider.metadata());
        follower.unwrap();
        assert_eq!(world.app.idp().requests(Endpoint::Discovery), 1);
        if let Some(outcome) = leader {
            assert!(leads > 2 && outcome.is_ok());
            return;
        }
    }
    panic!("it hangs");
}
