//! An ID token for nobody is rejected.

use serde_json::json;

use super::{claim, rejects};

#[tokio::test]
async fn is_rejected() {
    for aud in [None, Some(json!([]))] {
        rejects(claim("aud", aud), "the token has no aud").await;
    }
}
