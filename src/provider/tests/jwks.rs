//! Keys: how often they are fetched, and when a rotation is seen.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::fake::{ISSUER, Idp, JWKS, Reply, TOKEN, TestKey, claims, grant, key_set, tokens};
use crate::ErrorKind;
use crate::clock::TestClock;
use crate::oidc::Issuer;
use crate::provider::{HttpErrorKind, JwksCache, JwksSource, Origin, Provider as _};

fn source() -> JwksSource {
    let uri = format!("{ISSUER}{JWKS}").parse().unwrap();
    JwksSource::new(&Issuer::parse(ISSUER).unwrap(), uri)
}

fn cache(idp: &Idp) -> JwksCache {
    JwksCache::new(Arc::new(idp.http.clone()), Arc::new(idp.clock.clone()))
}

async fn knows(cache: &JwksCache, kid: &str, origin: Origin) -> bool {
    let keys = cache.keys_for(&source(), Some(kid), origin).await;
    keys.is_ok_and(|keys| keys.knows(kid))
}

async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Threat 34.
#[tokio::test(start_paused = true)]
async fn ten_thousand_random_kids_cost_a_handful_of_fetches() {
    for (name, reply) in [
        ("fails", Reply::text(500, "text/plain", "")),
        ("refuses", Reply::Fail(HttpErrorKind::Connect)),
        ("hangs", Reply::Hang),
        ("is empty", Reply::json(&json!({ "keys": [] }))),
        (
            "has keys for encryption only",
            Reply::json(&json!({ "keys": [{ "kty": "oct", "k": "AA" }] })),
        ),
        ("is a page", Reply::text(200, "text/html", "<html>")),
    ] {
        let idp = Idp::new();
        let cache = cache(&idp);
        assert!(knows(&cache, "k1", Origin::OwnCall).await);
        idp.http.on(JWKS, reply);
        for i in 0..10_000 {
            assert!(!knows(&cache, &format!("random-{i}"), Origin::Stranger).await);
            let before = tokio::time::Instant::now();
            assert!(knows(&cache, "k1", Origin::Stranger).await, "{name}");
            assert!(
                before.elapsed().is_zero(),
                "{name}: a known key waits for nothing"
            );
        }
        assert_eq!(cache.fetches(), 1 + 4, "{name}");
        idp.advance(30);
        for i in 0..100 {
            assert!(!knows(&cache, &format!("other-{i}"), Origin::Stranger).await);
        }
        assert_eq!(cache.fetches(), 1 + 4 + 1, "{name}");
    }
}

/// Not at the fetch, and not when no other is allowed.
#[tokio::test(start_paused = true)]
async fn keys_at_a_forbidden_url_are_no_outage() {
    let idp = Idp::new();
    idp.http.on(JWKS, Reply::Fail(HttpErrorKind::Forbidden));
    let cache = cache(&idp);
    for _ in 0..10 {
        let keys = cache.keys_for(&source(), None, Origin::OwnCall).await;
        assert!(!keys.unwrap_err().is_temporary());
    }
    assert!(cache.fetches() <= 4, "it is not asked for ever");
}

#[tokio::test(start_paused = true)]
async fn a_first_load_that_fails_counts_too() {
    let idp = Idp::new();
    idp.http.on(JWKS, Reply::json(&json!({ "keys": [] })));
    let cache = cache(&idp);
    for _ in 0..1_000 {
        let error = cache
            .keys_for(&source(), Some("k1"), Origin::Stranger)
            .await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(cache.fetches(), 4);
    let error = cache
        .keys_for(&source(), Some("k1"), Origin::Stranger)
        .await;
    assert_eq!(
        error.unwrap_err().retry_after(),
        Some(Duration::from_secs(30))
    );
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_at_once_meet_a_hanging_endpoint() {
    let idp = Idp::new();
    idp.http.on(JWKS, Reply::Hang);
    let cache = cache(&idp);
    let callers: Vec<_> = (0..10_000)
        .map(|i| {
            tokio::spawn({
                let cache = cache.clone();
                async move { knows(&cache, &format!("random-{i}"), Origin::Stranger).await }
            })
        })
        .collect();
    let before = tokio::time::Instant::now();
    for caller in callers {
        assert!(!caller.await.unwrap());
    }
    assert_eq!(
        cache.fetches(),
        2,
        "one, and one more that began after they came"
    );
    assert!(before.elapsed() <= Duration::from_secs(10));
}

/// Threat 34, the other half: the buckets are apart.
#[tokio::test]
async fn a_rotation_is_seen_at_sign_in_though_strangers_have_used_up_their_bucket() {
    let idp = Idp::new();
    let provider = idp.provider();
    provider.redeem(grant()).await.unwrap();
    for i in 0..100 {
        let kid = format!("random-{i}");
        assert!(!knows(provider.jwks_cache(), &kid, Origin::Stranger).await);
    }
    assert_eq!(provider.jwks_cache().fetches(), 5);

    let new = TestKey::new("k2");
    idp.http.on(JWKS, key_set(&[&idp.key, &new]));
    assert!(!knows(provider.jwks_cache(), "k2", Origin::Stranger).await);
    idp.http.on(TOKEN, tokens(&new.sign(&claims())));
    provider.redeem(grant()).await.unwrap();
    assert_eq!(provider.jwks_cache().fetches(), 6);
    assert!(knows(provider.jwks_cache(), "k2", Origin::Stranger).await);
}

#[tokio::test]
async fn a_rotation_is_seen_by_strangers_within_thirty_seconds() {
    let idp = Idp::new();
    let cache = cache(&idp);
    for i in 0..10 {
        assert!(!knows(&cache, &format!("random-{i}"), Origin::Stranger).await);
    }
    idp.http.on(JWKS, key_set(&[&TestKey::new("k2")]));
    idp.advance(29);
    assert!(!knows(&cache, "k2", Origin::Stranger).await);
    idp.advance(1);
    assert!(knows(&cache, "k2", Origin::Stranger).await);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_meets_a_fetch_from_before_the_rotation_makes_one_of_its_own() {
    let idp = Idp::new();
    let slow = Reply::After(Duration::from_secs(1), Box::new(key_set(&[&idp.key])));
    idp.http.on(JWKS, slow);
    let cache = cache(&idp);
    let stranger = tokio::spawn({
        let cache = cache.clone();
        async move { knows(&cache, "random", Origin::Stranger).await }
    });
    settle().await;
    idp.http.on(JWKS, key_set(&[&idp.key, &TestKey::new("k2")]));
    assert!(knows(&cache, "k2", Origin::OwnCall).await);
    assert!(!stranger.await.unwrap());
    assert_eq!(cache.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_make_one_fetch_and_none_can_cancel_it() {
    let idp = Idp::new();
    let slow = Reply::After(Duration::from_secs(1), Box::new(key_set(&[&idp.key])));
    idp.http.on(JWKS, slow);
    let cache = cache(&idp);
    let first = knows(&cache, "k1", Origin::OwnCall);
    assert!(
        tokio::time::timeout(Duration::from_millis(10), first)
            .await
            .is_err()
    );
    let callers: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn({
                let cache = cache.clone();
                async move { knows(&cache, "k1", Origin::OwnCall).await }
            })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(cache.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_set_serves_at_once_and_is_refreshed_behind() {
    for (header, fresh) in [
        (None, 600),
        (Some("max-age=1200"), 1_200),
        (Some("max-age=0"), 60),
        (Some("no-cache"), 60),
    ] {
        let idp = Idp::new();
        let mut reply = key_set(&[&idp.key]);
        if let Some(header) = header {
            reply = reply.with_header("cache-control", header);
        }
        idp.http.on(JWKS, reply);
        let cache = cache(&idp);
        assert!(knows(&cache, "k1", Origin::Stranger).await);
        idp.advance(fresh - 1);
        assert!(knows(&cache, "k1", Origin::Stranger).await);
        settle().await;
        assert_eq!(cache.fetches(), 1, "{header:?}");

        let new = key_set(&[&TestKey::new("k2")]);
        idp.http
            .on(JWKS, Reply::After(Duration::from_secs(1), Box::new(new)));
        idp.advance(1);
        let before = tokio::time::Instant::now();
        for _ in 0..10 {
            assert!(knows(&cache, "k1", Origin::Stranger).await);
        }
        assert!(before.elapsed().is_zero());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(cache.fetches(), 2, "{header:?}");
        assert!(knows(&cache, "k2", Origin::Stranger).await);
        assert!(
            !knows(&cache, "k1", Origin::Stranger).await,
            "a key that was removed is gone"
        );
    }
}

#[tokio::test]
async fn a_set_is_kept_for_an_hour_while_the_idp_fails() {
    let idp = Idp::new();
    let cache = cache(&idp);
    assert!(knows(&cache, "k1", Origin::OwnCall).await);
    idp.http.on(JWKS, Reply::json(&json!({ "keys": [] })));
    idp.advance(600);
    for _ in 0..100 {
        assert!(knows(&cache, "k1", Origin::OwnCall).await);
        settle().await;
    }
    assert_eq!(cache.fetches(), 2, "one refresh in 30 s");
    idp.advance(30);
    assert!(knows(&cache, "k1", Origin::OwnCall).await);
    settle().await;
    assert_eq!(cache.fetches(), 3);
    idp.advance(2_969);
    assert!(knows(&cache, "k1", Origin::OwnCall).await);
    settle().await;
    idp.advance(1);
    assert!(!knows(&cache, "k1", Origin::OwnCall).await);
    idp.http.on(JWKS, key_set(&[&idp.key]));
    assert!(knows(&cache, "k1", Origin::OwnCall).await);
}

#[tokio::test]
async fn refreshes_take_nothing_from_the_buckets() {
    let idp = Idp::new();
    let cache = cache(&idp);
    assert!(knows(&cache, "k1", Origin::Stranger).await);
    idp.http.on(JWKS, Reply::text(500, "text/plain", ""));
    idp.advance(600);
    assert!(knows(&cache, "k1", Origin::Stranger).await);
    settle().await;
    assert_eq!(cache.fetches(), 2);
    for i in 0..100 {
        assert!(!knows(&cache, &format!("random-{i}"), Origin::Stranger).await);
    }
    assert_eq!(cache.fetches(), 2 + 4);
}

#[tokio::test]
async fn a_key_that_the_idp_does_not_have_is_told_from_an_idp_that_fails() {
    let idp = Idp::new();
    let cache = cache(&idp);
    for _ in 0..10 {
        let keys = cache
            .keys_for(&source(), Some("k2"), Origin::Stranger)
            .await;
        assert!(
            !keys.unwrap().knows("k2"),
            "the set is there, and the key is not in it"
        );
    }
    idp.http.on(
        JWKS,
        Reply::text(503, "text/plain", "").with_header("retry-after", "7"),
    );
    let error = cache
        .keys_for(&source(), Some("k2"), Origin::OwnCall)
        .await
        .unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let error = cache
        .keys_for(&source(), Some("k2"), Origin::Stranger)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_token_without_a_kid_fetches_only_the_first_time() {
    let idp = Idp::new();
    let cache = cache(&idp);
    for _ in 0..10 {
        cache
            .keys_for(&source(), None, Origin::Stranger)
            .await
            .unwrap();
    }
    assert_eq!(cache.fetches(), 1);
}

#[tokio::test]
async fn issuers_do_not_share_keys_or_buckets() {
    let idp = Idp::new();
    let cache = cache(&idp);
    for i in 0..10 {
        assert!(!knows(&cache, &format!("random-{i}"), Origin::Stranger).await);
    }
    let uri = format!("{ISSUER}{JWKS}").parse().unwrap();
    let other = JwksSource::new(&Issuer::parse("https://other.example").unwrap(), uri);
    let keys = cache
        .keys_for(&other, Some("k1"), Origin::Stranger)
        .await
        .unwrap();
    assert!(keys.knows("k1"));
    assert_eq!(cache.fetches(), 5);
}

#[test]
fn it_can_be_shared() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<JwksCache>();
    shared::<TestClock>();
}
