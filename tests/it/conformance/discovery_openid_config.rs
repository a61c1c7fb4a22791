//! Each endpoint is where the metadata says, with the query that it has there.

use super::moved;

#[tokio::test]
async fn is_followed() {
    let (app, wire) = moved(&[
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/userinfo"),
    ]);
    let start = app
        .visit("/protected")
        .no_follow()
        .await
        .location()
        .unwrap();
    assert_eq!(start.path(), "/tenant/7/authorize");
    let tenants = start.query_pairs().filter(|(name, _)| name == "t");
    assert_eq!(tenants.count(), 1, "{start}");

    app.sign_in("/protected").await;
    for path in ["/tenant/7/token", "/tenant/7/userinfo"] {
        assert_eq!(
            wire.only_call(path).uri().query(),
            Some("t=a%2Fb"),
            "{path}"
        );
    }
}
