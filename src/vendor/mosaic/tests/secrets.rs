//! Nothing that opens anything is in `Debug` or in an error.

use serde_json::json;

use super::fake::{
    AUTHENTICATE, CLIENT_SECRET, KEYS, PASSWORD, Reply, SESSION, TOKEN, Vendor, claims_with,
    failed, id_token, signed_in, tokens,
};
use crate::vendor::mosaic::{Attempt, Factor, Identifier};

#[tokio::test]
async fn no_secret_is_shown() {
    let vendor = Vendor::new();
    let mosaic = vendor.mosaic();
    let session = signed_in(&mosaic).await;
    let mut shown = format!("{mosaic:?} {session:?} {:?}", mosaic.0.api);
    let echo = format!(
        r#"{{"message":"{SESSION} hunter2 {CLIENT_SECRET} client-token-1","error_code":"{SESSION}"}}"#
    );
    vendor.on(PASSWORD, Reply::new(400, &echo));
    let factor = Factor::password(Identifier::Username("ada".to_owned()), "hunter2");
    let attempt = mosaic.sign_in(factor).await.unwrap();
    assert!(matches!(attempt, Attempt::Refused(_)));
    shown += &format!("{attempt:?}");
    let wrong = id_token(&claims_with("aud", json!("x")));
    for (path, reply) in [
        (AUTHENTICATE, Reply::new(400, &echo)),
        (AUTHENTICATE, Reply::new(500, &echo)),
        (AUTHENTICATE, Reply::json(&tokens(&wrong))),
        (
            AUTHENTICATE,
            Reply::json(&json!({ "access_token": "at-of-ada\n" })),
        ),
        (TOKEN, Reply::new(400, &echo)),
        (
            TOKEN,
            Reply::new(400, &format!(r#"{{"error":"{CLIENT_SECRET}"}}"#)),
        ),
        (KEYS, Reply::new(500, &echo)),
    ] {
        let vendor = Vendor::new();
        vendor.on(path, reply);
        let error = failed(&vendor.mosaic()).await;
        shown += &format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown += &format!("{cause} {cause:?}");
            source = cause.source();
        }
    }
    for secret in [
        SESSION,
        "hunter2",
        CLIENT_SECRET,
        "client-token-1",
        "at-of-ada",
        "rt-of-ada",
        "eyJ",
    ] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}
