//! An ID token that belongs to another access token is rejected.

use tower_sso::simulator::Fault;

use super::rejects;

#[tokio::test]
async fn is_rejected() {
    rejects(Fault::AtHashWrong, "at_hash does not fit").await;
}
