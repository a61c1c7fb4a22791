//! Metadata: lazy, one fetch at a time, kept while the provider fails.

use std::time::Duration;

use serde_json::json;

use super::fake::{CONFIGURATION, Idp, NOW, Reply, metadata, metadata_with};
use crate::ErrorKind;
use crate::provider::{HttpErrorKind, OidcProvider, Provider as _};

async fn fetched_behind(idp: &Idp, calls: usize) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(idp.http.calls(CONFIGURATION).len(), calls);
}

async fn fails(provider: &OidcProvider) -> (ErrorKind, Option<u64>) {
    let error = provider.metadata().await.unwrap_err();
    (
        error.kind(),
        error.retry_after().map(|after| after.as_secs()),
    )
}

#[tokio::test]
async fn nothing_is_fetched_before_it_is_needed() {
    let idp = Idp::new();
    let provider = idp.provider();
    assert_eq!(idp.http.calls(CONFIGURATION).len(), 0);
    provider.ready().await.unwrap();
    provider.ready().await.unwrap();
    assert_eq!(idp.http.calls(CONFIGURATION).len(), 1);
}

/// Threat 27.
#[tokio::test]
async fn idp_down_at_start_heals_by_itself() {
    let idp = Idp::new();
    idp.http
        .on(CONFIGURATION, Reply::Fail(HttpErrorKind::Connect));
    let provider = idp.provider();
    assert_eq!(fails(&provider).await, (ErrorKind::Unavailable, Some(2)));
    idp.http.on(CONFIGURATION, Reply::json(&metadata()));
    idp.advance(2);
    provider.ready().await.unwrap();
}

#[tokio::test]
async fn a_dead_idp_is_not_hammered() {
    let idp = Idp::new();
    idp.http
        .on(CONFIGURATION, Reply::text(503, "text/plain", "down"));
    let provider = idp.provider();
    for _ in 0..1_000 {
        assert_eq!(fails(&provider).await, (ErrorKind::Unavailable, Some(2)));
    }
    assert_eq!(idp.http.calls(CONFIGURATION).len(), 1);
    idp.advance(1);
    assert_eq!(fails(&provider).await, (ErrorKind::Unavailable, Some(1)));
    assert_eq!(idp.http.calls(CONFIGURATION).len(), 1);
    idp.advance(1);
    assert_eq!(fails(&provider).await, (ErrorKind::Unavailable, Some(2)));
    assert_eq!(idp.http.calls(CONFIGURATION).len(), 2);
}

#[tokio::test]
async fn retry_after_is_honoured_and_bounded() {
    for (header, pause) in [("30", 30), ("0", 2), ("86400", 300), ("soon", 2)] {
        let idp = Idp::new();
        let busy = Reply::text(429, "text/plain", "").with_header("retry-after", header);
        idp.http.on(CONFIGURATION, busy);
        let provider = idp.provider();
        let expected = (ErrorKind::Unavailable, Some(pause));
        assert_eq!(fails(&provider).await, expected, "{header}");
        idp.advance(pause - 1);
        fails(&provider).await;
        assert_eq!(idp.http.calls(CONFIGURATION).len(), 1, "{header}");
        idp.advance(1);
        fails(&provider).await;
        assert_eq!(idp.http.calls(CONFIGURATION).len(), 2, "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_make_one_call_and_none_can_cancel_it() {
    let idp = Idp::new();
    let slow = Reply::After(Duration::from_secs(1), Box::new(Reply::json(&metadata())));
    idp.http.on(CONFIGURATION, slow);
    let provider = idp.provider();
    // The first caller begins the call, and goes away in the middle of it.
    let first = tokio::time::timeout(Duration::from_millis(100), provider.metadata());
    assert!(first.await.is_err());
    let others: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn({
                let provider = provider.clone();
                async move { provider.metadata().await.map(drop) }
            })
        })
        .collect();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(idp.http.calls(CONFIGURATION).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_is_given_up() {
    let idp = Idp::new();
    idp.http.on(CONFIGURATION, Reply::Hang);
    let before = tokio::time::Instant::now();
    assert_eq!(fails(&idp.provider()).await.0, ErrorKind::Unavailable);
    assert_eq!(before.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn stale_metadata_serves_and_is_refreshed_behind() {
    for (header, fresh) in [
        (None, 3_600),
        (Some("max-age=7200"), 7_200),
        (Some("public, max-age=1"), 300),
        (Some("no-store"), 300),
        (Some("max-age=999999"), 86_400),
    ] {
        let idp = Idp::new();
        let mut reply = Reply::json(&metadata());
        if let Some(header) = header {
            reply = reply.with_header("cache-control", header);
        }
        idp.http.on(CONFIGURATION, reply);
        let provider = idp.provider();
        provider.metadata().await.unwrap();
        idp.advance(fresh - 1);
        provider.metadata().await.unwrap();
        fetched_behind(&idp, 1).await;
        idp.advance(1);
        provider.metadata().await.unwrap();
        fetched_behind(&idp, 2).await;
        provider.metadata().await.unwrap();
        fetched_behind(&idp, 2).await;
    }
}

#[tokio::test]
async fn stale_metadata_is_kept_while_the_idp_fails_with_longer_and_longer_pauses() {
    let idp = Idp::new();
    let provider = idp.provider();
    provider.metadata().await.unwrap();
    idp.http
        .on(CONFIGURATION, Reply::text(500, "text/plain", ""));
    idp.advance(3_600);
    for (calls, pause) in (2..).zip([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
        provider.metadata().await.unwrap();
        fetched_behind(&idp, calls).await;
        idp.advance(pause - 1);
        provider.metadata().await.unwrap();
        fetched_behind(&idp, calls).await;
        idp.advance(1);
    }
    idp.http.on(CONFIGURATION, Reply::json(&metadata()));
    provider.metadata().await.unwrap();
    fetched_behind(&idp, 12).await;
    idp.advance(3_599);
    provider.metadata().await.unwrap();
    fetched_behind(&idp, 12).await;
}

#[tokio::test]
async fn what_is_no_metadata_is_not_taken() {
    use ErrorKind::{Provider, Unavailable};
    let redirect =
        Reply::text(302, "text/html", "").with_header("location", "https://evil.example/");
    for (name, reply, kind) in [
        ("5xx", Reply::text(500, "text/plain", ""), Unavailable),
        ("404", Reply::text(404, "text/plain", ""), Unavailable),
        (
            "201",
            Reply::text(201, "application/json", &metadata().to_string()),
            Unavailable,
        ),
        ("redirect", redirect, Unavailable),
        (
            "a proxy's page",
            Reply::text(200, "text/html", "<html>"),
            Unavailable,
        ),
        (
            "too large",
            Reply::Fail(HttpErrorKind::TooLarge),
            Unavailable,
        ),
        ("timeout", Reply::Fail(HttpErrorKind::Timeout), Unavailable),
        (
            "another issuer",
            Reply::json(&metadata_with("issuer", json!("https://evil.example"))),
            Provider,
        ),
        (
            "the issuer with a slash",
            Reply::json(&metadata_with("issuer", json!("https://idp.example.com/"))),
            Provider,
        ),
        (
            "no key set",
            Reply::json(&metadata_with("jwks_uri", json!(null))),
            Provider,
        ),
    ] {
        let idp = Idp::new();
        idp.http.on(CONFIGURATION, reply);
        assert_eq!(fails(&idp.provider()).await.0, kind, "{name}");
        assert_eq!(idp.http.calls(CONFIGURATION).len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_clock_set_back_stretches_no_pause() {
    let idp = Idp::new();
    idp.http
        .on(CONFIGURATION, Reply::Fail(HttpErrorKind::Connect));
    let provider = idp.provider();
    fails(&provider).await;
    idp.http.on(CONFIGURATION, Reply::json(&metadata()));
    idp.clock.set(NOW - 86_400);
    provider.metadata().await.unwrap();
}

#[tokio::test]
async fn a_clock_set_back_keeps_no_metadata_fresh_for_longer() {
    let idp = Idp::new();
    let provider = idp.provider();
    provider.metadata().await.unwrap();
    idp.clock.set(NOW - 2 * 86_400);
    provider.metadata().await.unwrap();
    fetched_behind(&idp, 2).await;
}
