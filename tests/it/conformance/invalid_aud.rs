//! An ID token for another client is rejected.

use serde_json::json;

use super::{claim, rejects};

#[tokio::test]
async fn is_rejected() {
    for aud in [json!("other"), json!(["other", "another"])] {
        rejects(claim("aud", Some(aud)), "for another audience").await;
    }
}
