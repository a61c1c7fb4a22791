//! The access token goes to UserInfo in the header, and nowhere else (RFC 6750 section 2.1).

use super::recorded;

#[tokio::test]
async fn is_where_the_token_is() {
    let (app, wire) = recorded();
    app.sign_in("/protected").await;
    let call = wire.only_call("/userinfo");
    let header = call.headers()["authorization"].to_str().unwrap();
    assert!(header.starts_with("Bearer ") && header.len() > "Bearer ".len());
    assert_eq!(call.method(), "GET");
    assert_eq!((call.uri().query(), call.body().len()), (None, 0));
}
