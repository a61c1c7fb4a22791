//! The keys are where the metadata says.

use super::moved;

#[tokio::test]
async fn are_fetched_there() {
    let (app, wire) = moved(&[("jwks_uri", "/jwks")]);
    app.sign_in("/protected").await;
    let call = wire.only_call("/tenant/7/jwks");
    assert_eq!(call.uri().query(), Some("t=a%2Fb"));
}
