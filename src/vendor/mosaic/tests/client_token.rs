//! One client token for all calls.

use std::time::Duration;

use serde_json::json;

use super::fake::{
    AUTHENTICATE, Reply, TOKEN, Vendor, claims, client_token, failed, id_token, signed_in, tokens,
};
use crate::ErrorKind;

#[tokio::test(start_paused = true)]
async fn fifty_at_once_fetch_one_token() {
    let vendor = Vendor::new();
    vendor.on(
        TOKEN,
        Reply::After(Duration::from_millis(100), Box::new(client_token(1))),
    );
    let mosaic = vendor.mosaic();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let mosaic = mosaic.clone();
            tokio::spawn(async move { signed_in(&mosaic).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(vendor.calls(TOKEN).len(), 1);
    assert_eq!(vendor.calls(AUTHENTICATE).len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_401_to_many_at_once_fetches_one_new_token() {
    let vendor = Vendor::new();
    vendor.then(
        TOKEN,
        Reply::After(Duration::from_millis(100), Box::new(client_token(2))),
    );
    let slow_401 = Reply::After(Duration::from_millis(10), Box::new(Reply::new(401, "{}")));
    vendor.on(AUTHENTICATE, slow_401.clone());
    for _ in 1..20 {
        vendor.then(AUTHENTICATE, slow_401.clone());
    }
    vendor.then(AUTHENTICATE, Reply::json(&tokens(&id_token(&claims()))));
    let mosaic = vendor.mosaic();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let mosaic = mosaic.clone();
            tokio::spawn(async move { signed_in(&mosaic).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(vendor.calls(TOKEN).len(), 2);
}

/// A late 401 on an old token must not throw away the one that came meanwhile.
#[tokio::test(start_paused = true)]
async fn a_late_401_forgets_no_newer_token() {
    let vendor = Vendor::new();
    vendor.then(TOKEN, client_token(2));
    vendor.then(TOKEN, client_token(3));
    let good = Reply::json(&tokens(&id_token(&claims())));
    vendor.on(
        AUTHENTICATE,
        Reply::After(Duration::from_secs(1), Box::new(Reply::new(401, "{}"))),
    );
    vendor.then(AUTHENTICATE, Reply::new(401, "{}"));
    vendor.then(AUTHENTICATE, good);
    let mosaic = vendor.mosaic();
    let slow = tokio::spawn({
        let mosaic = mosaic.clone();
        async move { signed_in(&mosaic).await }
    });
    tokio::time::advance(Duration::from_millis(500)).await;
    signed_in(&mosaic).await;
    slow.await.unwrap();
    let calls = vendor.calls(AUTHENTICATE);
    let last = calls.last().unwrap();
    assert_eq!(last.headers()["authorization"], "Bearer client-token-2");
    assert_eq!(vendor.calls(TOKEN).len(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_its_end_without_a_wait() {
    let vendor = Vendor::new();
    vendor.then(TOKEN, client_token(2));
    let mosaic = vendor.mosaic();
    let used = || {
        let calls = vendor.calls(AUTHENTICATE);
        let header = &calls.last().unwrap().headers()["authorization"];
        header.to_str().unwrap().to_owned()
    };
    signed_in(&mosaic).await;
    vendor.advance(3_539);
    signed_in(&mosaic).await;
    assert_eq!(vendor.calls(TOKEN).len(), 1);
    vendor.advance(1);
    signed_in(&mosaic).await;
    assert_eq!(used(), "Bearer client-token-1");
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(vendor.calls(TOKEN).len(), 2);
    signed_in(&mosaic).await;
    assert_eq!(used(), "Bearer client-token-2");
}

#[tokio::test]
async fn a_token_that_says_nothing_of_its_life_serves_for_five_minutes() {
    let vendor = Vendor::new();
    vendor.on(TOKEN, Reply::json(&json!({ "access_token": "a" })));
    let mosaic = vendor.mosaic();
    signed_in(&mosaic).await;
    vendor.advance(239);
    signed_in(&mosaic).await;
    assert_eq!(vendor.calls(TOKEN).len(), 1);
    vendor.advance(61);
    signed_in(&mosaic).await;
    assert_eq!(vendor.calls(TOKEN).len(), 2);
}

#[tokio::test]
async fn a_token_that_ends_at_once_is_not_fetched_for_each_call() {
    for life in [json!(0), json!(1), json!("0")] {
        let vendor = Vendor::new();
        let answer = json!({ "access_token": "a", "expires_in": life });
        vendor.on(TOKEN, Reply::json(&answer));
        let mosaic = vendor.mosaic();
        for _ in 0..5 {
            signed_in(&mosaic).await;
        }
        assert_eq!(vendor.calls(TOKEN).len(), 1, "{life}");
        vendor.advance(10);
        signed_in(&mosaic).await;
        assert_eq!(vendor.calls(TOKEN).len(), 2, "{life}");
    }
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_not_asked_at_each_call() {
    let refused = r#"{"error":"invalid_client","error_description":"s3cr3t"}"#;
    for (status, body, kind, pause) in [
        (401, refused, ErrorKind::Provider, 30),
        (500, "", ErrorKind::Unavailable, 1),
    ] {
        let vendor = Vendor::new();
        vendor.on(TOKEN, Reply::new(status, body));
        let mosaic = vendor.mosaic();
        for _ in 0..3 {
            let error = failed(&mosaic).await;
            assert_eq!(error.kind(), kind);
            assert!(!format!("{error} {error:?}").contains("s3cr3t"));
        }
        assert_eq!(vendor.all_calls(), 1, "{status}");
        vendor.on(TOKEN, client_token(1));
        vendor.advance(pause - 1);
        failed(&mosaic).await;
        vendor.advance(1);
        signed_in(&mosaic).await;
    }
}

/// A client that Mosaic gives tokens to and takes none of: a new one for each call would use up its rate.
#[tokio::test]
async fn tokens_that_are_never_taken_are_not_fetched_for_each_call() {
    let vendor = Vendor::new();
    vendor.on(AUTHENTICATE, Reply::new(401, "{}"));
    let mosaic = vendor.mosaic();
    for _ in 0..100 {
        assert!(failed(&mosaic).await.is_temporary());
    }
    assert_eq!(vendor.calls(TOKEN).len(), 2);
    vendor.advance(30);
    failed(&mosaic).await;
    assert_eq!(vendor.calls(TOKEN).len(), 3);

    let good = Reply::json(&tokens(&id_token(&claims())));
    vendor.on(AUTHENTICATE, good.clone());
    signed_in(&mosaic).await;
    vendor.on(AUTHENTICATE, Reply::new(401, "{}"));
    vendor.then(AUTHENTICATE, good);
    signed_in(&mosaic).await;
    assert_eq!(
        vendor.calls(TOKEN).len(),
        4,
        "one that was taken is replaced"
    );
}
