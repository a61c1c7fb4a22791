use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::Value;
use url::Url;

use super::{assert_showable, plain_object};
use crate::oidc::{CompactJwt, Issuer, KeySet, ProviderMetadata, TokenError, TokenResponse};

const ASYMMETRIC: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A token of this algorithm that nobody signed, with a signature of the right length.
static UNSIGNED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let token = |algorithm: &Algorithm| {
        let header = format!(r#"{{"alg":"{algorithm:?}"}}"#);
        let length = match algorithm {
            Algorithm::ES256 | Algorithm::EdDSA => 64,
            Algorithm::ES384 => 96,
            _ => 256,
        };
        format!(
            "{}.e30.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(vec![0x5a; length])
        )
    };
    ASYMMETRIC.iter().map(token).collect()
});

/// A key set gives a bounded number of keys, public ones for signatures only, and none of them has signed
/// what nobody signed.
pub fn jwks(data: &[u8]) {
    let Ok(set) = KeySet::parse(data) else {
        return;
    };
    let plain = plain_object(data);
    let keys = plain["keys"].as_array().expect("it was read before");
    let (fit, unfit): (Vec<_>, Vec<_>) = keys.iter().partition(|key| may_verify(key));
    assert!(set.len() <= fit.len().min(100));
    for kid in unfit.iter().filter_map(|key| key["kid"].as_str()) {
        let elsewhere = fit.iter().any(|key| key["kid"] == kid);
        assert!(elsewhere || !set.knows(kid), "{kid} can't verify");
    }
    for symmetric in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        assert_eq!(set.candidates(None, symmetric).count(), 0);
    }
    for (algorithm, token) in ASYMMETRIC.iter().zip(UNSIGNED.iter()) {
        let candidates = set.candidates(None, *algorithm);
        assert!(candidates.count() <= 4, "each costs a check");
        let jwt = CompactJwt::parse(token).expect("it is in compact form");
        let first = set.candidates(None, *algorithm).next();
        assert!(first.is_none_or(|key| !key.verify(&jwt)));
    }
    for kid in fit.iter().filter_map(|key| key["kid"].as_str()) {
        let named = set.candidates(Some(kid), Algorithm::RS256).count();
        assert!(named <= fit.iter().filter(|key| key["kid"] == kid).count());
    }
}

/// Registered names for keys of another use (RFC 7518 sections 3.1 and 4.1).
const NOT_FOR_OUR_SIGNATURES: [&str; 26] = [
    "none",
    "HS256",
    "HS384",
    "HS512",
    "ES512",
    "ES256K",
    "RSA1_5",
    "RSA-OAEP",
    "RSA-OAEP-256",
    "RSA-OAEP-384",
    "RSA-OAEP-512",
    "A128KW",
    "A192KW",
    "A256KW",
    "dir",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
    "A128GCMKW",
    "A192GCMKW",
    "A256GCMKW",
    "PBES2-HS256+A128KW",
    "PBES2-HS384+A192KW",
    "PBES2-HS512+A256KW",
    "Ed448",
];

/// Whether a key is one that may verify signatures, by RFC 7517 sections 4.1 to 4.4 and RFC 7518
/// section 6.
fn may_verify(key: &Value) -> bool {
    let purpose = key.get("use").is_none_or(|purpose| purpose == "sig");
    let operations = match &key["key_ops"] {
        Value::Null => true,
        Value::Array(operations) => operations.contains(&Value::from("verify")),
        _ => false,
    };
    let algorithm = match key["alg"].as_str() {
        Some(name) => !NOT_FOR_OUR_SIGNATURES.contains(&name),
        None => true,
    };
    let length = |name: &str| {
        let text = key[name].as_str()?;
        Some(URL_SAFE_NO_PAD.decode(text).ok()?.len())
    };
    let kind = match (key["kty"].as_str(), key["crv"].as_str()) {
        (Some("RSA"), _) => (2048..=8192).contains(&bits(&key["n"])) && length("e").is_some(),
        (Some("EC"), Some("P-256")) => (length("x"), length("y")) == (Some(32), Some(32)),
        (Some("EC"), Some("P-384")) => (length("x"), length("y")) == (Some(48), Some(48)),
        (Some("OKP"), Some("Ed25519")) => length("x") == Some(32),
        _ => false,
    };
    purpose && operations && algorithm && kind
}

/// The length of a number without its leading zeros.
fn bits(number: &Value) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(number.as_str().unwrap_or_default());
    let bytes = bytes.unwrap_or_default();
    match bytes.iter().position(|byte| *byte != 0) {
        Some(at) => (bytes.len() - at - 1) * 8 + bytes[at].ilog2() as usize + 1,
        None => 0,
    }
}

static ISSUERS: LazyLock<[Issuer; 2]> = LazyLock::new(|| {
    ["https://idp.example.com", "http://127.0.0.1:4000"]
        .map(|text| Issuer::parse(text).expect("the issuer is well-formed"))
});

/// Metadata is believed only of the issuer that was asked, and leads to no place that is not reached as
/// safely as that one.
pub fn metadata(data: &[u8]) {
    for issuer in &*ISSUERS {
        let Ok(metadata) = ProviderMetadata::parse(data, issuer) else {
            continue;
        };
        let plain = plain_object(data);
        assert_eq!(plain["issuer"], issuer.as_str());
        assert_eq!(metadata.issuer, *issuer);
        let required = [
            ("authorization_endpoint", &metadata.authorization_endpoint),
            ("token_endpoint", &metadata.token_endpoint),
            ("jwks_uri", &metadata.jwks_uri),
        ];
        for (name, url) in required {
            assert_endpoint(issuer, &plain[name], Some(url));
        }
        let optional = [
            ("userinfo_endpoint", &metadata.userinfo_endpoint),
            ("end_session_endpoint", &metadata.end_session_endpoint),
        ];
        for (name, url) in optional {
            assert_endpoint(issuer, &plain[name], url.as_ref());
        }
        assert_lists(&metadata, &plain);
    }
}

fn assert_endpoint(issuer: &Issuer, plain: &Value, url: Option<&Url>) {
    let Some(url) = url else {
        assert!(plain.is_null());
        return;
    };
    assert_eq!(
        Url::parse(plain.as_str().unwrap_or_default()).as_ref(),
        Ok(url)
    );
    let scheme = url.scheme();
    assert!(scheme == "https" || (scheme == "http" && issuer.as_str().starts_with("http://")));
    assert!(url.host_str().is_some_and(|host| !host.is_empty()));
    assert!(!url.as_str().contains('#') && !url.authority().contains('@'));
}

fn assert_lists(metadata: &ProviderMetadata, plain: &Value) {
    let algorithms = &metadata.id_token_signing_alg_values_supported;
    assert!(!algorithms.is_empty());
    let stated = &plain["id_token_signing_alg_values_supported"];
    for algorithm in algorithms {
        let name = Value::from(format!("{algorithm:?}"));
        assert!(ASYMMETRIC.contains(algorithm));
        match stated {
            Value::Array(names) => assert!(names.contains(&name)),
            _ => assert_eq!((stated, name), (&Value::Null, Value::from("RS256"))),
        }
    }
    let lists: [(&str, &[String], &[&str]); 6] = [
        (
            "token_endpoint_auth_methods_supported",
            &metadata.token_endpoint_auth_methods_supported,
            &["client_secret_basic"],
        ),
        (
            "response_modes_supported",
            &metadata.response_modes_supported,
            &["query", "fragment"],
        ),
        (
            "code_challenge_methods_supported",
            &metadata.code_challenge_methods_supported,
            &[],
        ),
        ("acr_values_supported", &metadata.acr_values_supported, &[]),
        ("scopes_supported", &metadata.scopes_supported, &[]),
        (
            "prompt_values_supported",
            &metadata.prompt_values_supported,
            &[],
        ),
    ];
    for (name, read, default) in lists {
        match &plain[name] {
            Value::Null => assert_eq!(read, default, "{name}"),
            stated => assert_eq!(*stated, Value::from(read), "{name}"),
        }
    }
    let name = "authorization_response_iss_parameter_supported";
    let promised = metadata.authorization_response_iss_parameter_supported;
    assert_eq!(plain[name].as_bool().unwrap_or(false), promised);
}

/// Tokens are what RFC 6749 appendix A lets them be; an error is text that can be logged.
pub fn token_response(data: &[u8]) {
    if let Some(error) = TokenError::parse(data) {
        assert!(!error.error.is_empty());
        assert_showable(&error.error, 100);
        if let Some(description) = &error.error_description {
            assert_showable(description, 500);
        }
    }
    let Ok(response) = TokenResponse::parse(data) else {
        return;
    };
    let plain = plain_object(data);
    assert!(
        plain["token_type"]
            .as_str()
            .is_some_and(|kind| kind.to_lowercase() == "bearer")
    );
    let tokens = [
        ("access_token", Some(&response.access_token)),
        ("refresh_token", response.refresh_token.as_ref()),
        ("id_token", response.id_token.as_ref()),
    ];
    for (name, token) in tokens {
        let stated = plain[name].as_str().filter(|text| !text.is_empty());
        assert_eq!(stated, token.map(|token| token.expose().as_str()));
        assert!(plain[name].is_string() || plain[name].is_null());
        // Appendices A.12 and A.17: VSCHAR. Anything else could not stand in an `Authorization` field.
        let visible = |text: &str| text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        assert!(stated.is_none_or(visible), "{name}");
    }
    let expires_in = response.expires_in.map(|time| time.as_secs_f64());
    match &plain["expires_in"] {
        Value::Number(number) => {
            let seconds = number.as_f64().filter(|seconds| *seconds >= 0.0);
            let most = Duration::from_secs(u64::MAX).as_secs_f64();
            assert_eq!(expires_in, seconds.map(|seconds| seconds.trunc().min(most)));
        }
        Value::String(text) => {
            let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
            assert_eq!(expires_in.is_some(), digits);
        }
        _ => assert_eq!(expires_in, None),
    }
    let scope = response.scope.unwrap_or_default();
    assert!(scope.is_empty() || plain["scope"].is_string() || plain["scope"].is_array());
}
