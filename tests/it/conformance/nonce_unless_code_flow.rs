//! A nonce is sent, though the code flow could do without, and an ID token without it is rejected.

use super::{app, claim, rejects};

#[tokio::test]
async fn sends_one_and_wants_it_back() {
    let url = app()
        .visit("/protected")
        .no_follow()
        .await
        .location()
        .unwrap();
    assert!(
        url.query_pairs()
            .any(|(name, value)| name == "nonce" && value.len() >= 43)
    );
    rejects(claim("nonce", None), "the token has no nonce").await;
}
