//! A refreshed ID token of another issuer ends the session, and nothing is done with what came with it.

use serde_json::json;

use super::{claim, ends_the_session};

#[tokio::test]
async fn is_detected() {
    ends_the_session(claim("iss", Some(json!("https://evil.example")))).await;
}
