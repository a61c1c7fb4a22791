//! A refreshed ID token about somebody else ends the session, and makes nobody else of it.

use serde_json::json;

use super::{claim, ends_the_session};

#[tokio::test]
async fn is_detected() {
    ends_the_session(claim("sub", Some(json!("bob")))).await;
}
