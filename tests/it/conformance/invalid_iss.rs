//! An ID token of another issuer is rejected; one that is written otherwise is another.

use serde_json::json;

use super::{claim, rejects};

#[tokio::test]
async fn is_rejected() {
    for iss in [
        "https://other.example.org",
        "https://idp.example.org/",
        "https://IDP.example.org",
    ] {
        rejects(claim("iss", Some(json!(iss))), "from another issuer").await;
    }
}
