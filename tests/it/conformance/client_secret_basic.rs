//! Id and secret go to the token endpoint in the header, form-encoded first (RFC 6749 section 2.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{metadata, recorded};

#[tokio::test]
async fn is_in_the_header_only() {
    let (app, wire) = recorded();
    app.idp().set_fault(metadata(
        "token_endpoint_auth_methods_supported",
        json!(["client_secret_basic"]),
    ));
    app.sign_in("/protected").await;
    let call = wire.only_call("/token");
    let pair = STANDARD.encode("app:the-secret-of-the-app%3Awith%2Fodd+chars");
    assert_eq!(call.headers()["authorization"], format!("Basic {pair}"));
    let sends_it = |name: &str| form_urlencoded::parse(call.body()).any(|(own, _)| own == name);
    assert!(sends_it("code") && !sends_it("client_secret"));
}
