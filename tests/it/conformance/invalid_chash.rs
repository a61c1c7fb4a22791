//! An ID token that belongs to another code is rejected.

use tower_sso::simulator::Fault;

use super::rejects;

#[tokio::test]
async fn is_rejected() {
    let other = "LDktKdoQak3Pk0cnXxCltA".to_owned();
    rejects(Fault::CHash(other), "c_hash does not fit").await;
}
