//! An ID token with another nonce is rejected.

use serde_json::json;

use super::{claim, rejects};

#[tokio::test]
async fn is_rejected() {
    let fault = claim("nonce", Some(json!("another")));
    rejects(fault, "the token's nonce is another").await;
}
