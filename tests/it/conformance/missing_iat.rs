//! An ID token without the time of its issue is rejected.

use super::{claim, rejects};

#[tokio::test]
async fn is_rejected() {
    rejects(claim("iat", None), "the token has no iat").await;
}
