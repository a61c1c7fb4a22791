//! An ID token about nobody is rejected.

use super::{claim, rejects};

#[tokio::test]
async fn is_rejected() {
    rejects(claim("sub", None), "the token has no sub").await;
}
