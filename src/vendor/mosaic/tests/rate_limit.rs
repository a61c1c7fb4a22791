//! After a 429 nothing goes out.

use std::time::Duration;

use super::fake::{
    AUTHENTICATE, KEYS, LOGOUT, PASSWORD, Reply, SESSION, TOKEN, Vendor, claims, client_token,
    failed, id_token, signed_in, silent, tokens,
};
use crate::provider::{BackendSessions as _, Provider as _};
use crate::vendor::mosaic::{Factor, Identifier};
use crate::{ErrorKind, Result};

fn waits<T>(outcome: Result<T>, seconds: u64) {
    let error = outcome.err().expect("it may not go out");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
}

#[tokio::test]
async fn a_429_of_any_endpoint_stops_every_call() {
    for path in [TOKEN, AUTHENTICATE, LOGOUT, PASSWORD] {
        let vendor = Vendor::new();
        let mosaic = vendor.mosaic();
        let limited = Reply::new(429, r#"{"message":"Session not found"}"#);
        vendor.on(path, limited.with_header("retry-after", "20"));
        let factor = || Factor::password(Identifier::Username("ada".to_owned()), "x");
        match path {
            LOGOUT => waits(mosaic.logout(SESSION.into()).await, 20),
            PASSWORD => waits(mosaic.sign_in(factor()).await, 20),
            _ => waits(mosaic.authenticate(silent()).await, 20),
        }
        let before = vendor.all_calls();
        vendor.advance(19);
        waits(mosaic.authenticate(silent()).await, 1);
        waits(mosaic.logout(SESSION.into()).await, 1);
        waits(mosaic.sign_in(factor()).await, 1);
        waits(mosaic.revoke_all("ada").await, 1);
        assert!(
            mosaic.ready().await.unwrap_err().is_temporary(),
            "keys neither"
        );
        assert_eq!(vendor.all_calls(), before, "{path}");

        vendor.on(path, Reply::json(&tokens(&id_token(&claims()))));
        if path == TOKEN {
            vendor.on(path, client_token(1));
        }
        vendor.advance(1);
        mosaic.logout(SESSION.into()).await.unwrap();
    }
}

#[tokio::test]
async fn keys_that_are_limited_stop_every_call() {
    let vendor = Vendor::new();
    vendor.on(KEYS, Reply::new(429, ""));
    let mosaic = vendor.mosaic();
    failed(&mosaic).await;
    let before = vendor.all_calls();
    waits(mosaic.authenticate(silent()).await, 10);
    assert_eq!(vendor.all_calls(), before);
}

#[tokio::test]
async fn without_retry_after_the_pause_doubles_to_a_minute() {
    let vendor = Vendor::new();
    vendor.on(AUTHENTICATE, Reply::new(429, ""));
    let mosaic = vendor.mosaic();
    for seconds in [10, 20, 40, 60, 60] {
        waits(mosaic.authenticate(silent()).await, seconds);
        vendor.advance(seconds);
    }
    let good = Reply::json(&tokens(&id_token(&claims())));
    vendor.on(AUTHENTICATE, good);
    signed_in(&mosaic).await;
    vendor.on(AUTHENTICATE, Reply::new(429, ""));
    waits(mosaic.authenticate(silent()).await, 10);
}

#[tokio::test]
async fn clones_share_the_limit() {
    let vendor = Vendor::new();
    vendor.on(AUTHENTICATE, Reply::new(429, ""));
    let mosaic = vendor.mosaic();
    waits(mosaic.clone().authenticate(silent()).await, 10);
    waits(mosaic.authenticate(silent()).await, 10);
    assert_eq!(vendor.calls(AUTHENTICATE).len(), 1);
}
