use serde_json::json;

use super::*;
use crate::ErrorKind;

const ISSUER: &str = "https://idp.example.com";

fn with(issuer: &str, changes: &[(&str, Value)]) -> Result<ProviderMetadata> {
    let mut body = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize?tenant=a"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
    });
    for (name, value) in changes {
        body[*name] = value.clone();
    }
    ProviderMetadata::parse(
        body.to_string().as_bytes(),
        &Issuer::parse(issuer).expect("a good issuer"),
    )
}

fn changed(name: &str, value: Value) -> Result<ProviderMetadata> {
    with(ISSUER, &[(name, value)])
}

#[test]
fn defaults_are_those_of_the_specification() {
    let metadata = with(ISSUER, &[]).unwrap();
    assert_eq!(metadata.issuer.as_str(), ISSUER);
    assert_eq!(
        metadata.authorization_endpoint.as_str(),
        "https://idp.example.com/authorize?tenant=a"
    );
    assert_eq!(
        metadata.id_token_signing_alg_values_supported,
        [Algorithm::RS256]
    );
    assert_eq!(
        metadata.token_endpoint_auth_methods_supported,
        ["client_secret_basic"]
    );
    assert_eq!(metadata.response_modes_supported, ["query", "fragment"]);
    assert!(!metadata.authorization_response_iss_parameter_supported);
    assert!(!metadata.claims_parameter_supported);
    assert!(metadata.userinfo_endpoint.is_none() && metadata.end_session_endpoint.is_none());
    assert!(metadata.code_challenge_methods_supported.is_empty());
    assert!(metadata.acr_values_supported.is_empty() && metadata.scopes_supported.is_empty());
    assert!(metadata.prompt_values_supported.is_empty());
}

#[test]
fn what_is_said_is_read() {
    let metadata = with(
        ISSUER,
        &[
            ("userinfo_endpoint", json!("https://other.example/me")),
            (
                "end_session_endpoint",
                json!("https://idp.example.com/logout?x=1"),
            ),
            (
                "id_token_signing_alg_values_supported",
                json!(["none", "HS256", "ES256", "new"]),
            ),
            ("token_endpoint_auth_methods_supported", json!(["none"])),
            (
                "authorization_response_iss_parameter_supported",
                json!(true),
            ),
            ("claims_parameter_supported", json!(true)),
            ("acr_values_supported", json!(["gold"])),
            ("prompt_values_supported", json!(["none"])),
            ("scopes_supported", json!(["openid"])),
            ("response_modes_supported", json!(["form_post"])),
            ("code_challenge_methods_supported", json!(["S256"])),
        ],
    )
    .unwrap();
    assert_eq!(
        metadata.userinfo_endpoint.unwrap().as_str(),
        "https://other.example/me"
    );
    assert_eq!(
        metadata.end_session_endpoint.unwrap().as_str(),
        "https://idp.example.com/logout?x=1"
    );
    assert_eq!(
        metadata.id_token_signing_alg_values_supported,
        [Algorithm::ES256]
    );
    assert_eq!(metadata.token_endpoint_auth_methods_supported, ["none"]);
    assert!(metadata.authorization_response_iss_parameter_supported);
    assert!(metadata.claims_parameter_supported);
    assert_eq!(metadata.acr_values_supported, ["gold"]);
    assert_eq!(metadata.prompt_values_supported, ["none"]);
    assert_eq!(metadata.scopes_supported, ["openid"]);
    assert_eq!(metadata.response_modes_supported, ["form_post"]);
    assert_eq!(metadata.code_challenge_methods_supported, ["S256"]);
}

#[test]
fn another_issuer_is_refused() {
    for other in [
        json!("https://idp.example.com/"),
        json!("https://IDP.example.com"),
        json!("https://evil.example\n"),
        Value::Null,
    ] {
        let error = changed("issuer", other.clone()).expect_err("another issuer");
        assert_eq!(error.kind(), ErrorKind::Provider, "{other}");
        assert!(error.to_string().contains(ISSUER), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn an_unusable_endpoint_is_refused_by_its_name() {
    let required = ["authorization_endpoint", "token_endpoint", "jwks_uri"];
    for name in required {
        assert!(
            changed(name, Value::Null)
                .unwrap_err()
                .to_string()
                .contains(name)
        );
    }
    let optional = ["userinfo_endpoint", "end_session_endpoint"];
    for name in required.into_iter().chain(optional) {
        for bad in [
            json!(""),
            json!("/token"),
            json!("http://idp.example.com/x"),
            json!("http://localhost/x"),
            json!("ftp://idp.example.com/x"),
            json!("https://idp.example.com/x#"),
            json!("https://user@idp.example.com/x"),
            json!("https://:password@idp.example.com/x"),
            json!(7),
        ] {
            let error = changed(name, bad.clone()).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::Provider, "{name} {bad}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

#[test]
fn plain_http_endpoints_are_for_a_plain_http_issuer() {
    assert!(with("http://localhost:3001", &[]).is_ok());
    assert!(
        with("http://idp.example.com", &[]).is_ok(),
        "the builder decides which there may be"
    );
    let http = json!("http://idp.example.com/token");
    assert!(
        changed("token_endpoint", http).is_err(),
        "an https issuer has none"
    );
}

#[test]
fn an_optional_field_of_a_wrong_type_is_refused_by_its_name() {
    for name in [
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "response_modes_supported",
        "code_challenge_methods_supported",
        "acr_values_supported",
        "scopes_supported",
        "prompt_values_supported",
    ] {
        for bad in [json!("x"), json!([1]), json!({})] {
            assert!(changed(name, bad).unwrap_err().to_string().contains(name));
        }
        assert!(changed(name, Value::Null).is_ok(), "{name}");
    }
    for name in [
        "authorization_response_iss_parameter_supported",
        "claims_parameter_supported",
    ] {
        assert!(
            changed(name, json!("true"))
                .unwrap_err()
                .to_string()
                .contains(name)
        );
    }
}

#[test]
fn a_provider_that_signs_with_nothing_we_accept_is_refused() {
    let name = "id_token_signing_alg_values_supported";
    for algorithms in [json!([]), json!(["none"]), json!(["HS256"])] {
        assert!(changed(name, algorithms).is_err());
    }
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let issuer = Issuer::parse(ISSUER).unwrap();
    for body in [
        "",
        "<html>",
        "[]",
        r#"{"issuer":"a","issuer":"https://idp.example.com"}"#,
    ] {
        assert!(
            ProviderMetadata::parse(body.as_bytes(), &issuer).is_err(),
            "{body}"
        );
    }
}
