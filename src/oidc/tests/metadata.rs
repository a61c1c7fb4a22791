//! What a provider says about itself, each member of every JSON type.

use serde_json::json;

use super::testing::issuer;
use super::*;

const ENDPOINTS: [(&str, bool); 5] = [
    ("authorization_endpoint", true),
    ("token_endpoint", true),
    ("jwks_uri", true),
    ("userinfo_endpoint", false),
    ("end_session_endpoint", false),
];
const LISTS: [&str; 6] = [
    "token_endpoint_auth_methods_supported",
    "response_modes_supported",
    "code_challenge_methods_supported",
    "acr_values_supported",
    "scopes_supported",
    "prompt_values_supported",
];
const FLAGS: [&str; 2] = [
    "authorization_response_iss_parameter_supported",
    "claims_parameter_supported",
];
const ALGORITHMS: &str = "id_token_signing_alg_values_supported";

fn good() -> Value {
    json!({
        "issuer": issuer().as_str(),
        "authorization_endpoint": "https://idp.example.com/authorize",
        "token_endpoint": "https://idp.example.com/token",
        "jwks_uri": "https://keys.example.com/",
    })
}

fn read(document: &Value) -> crate::Result<ProviderMetadata> {
    ProviderMetadata::parse(document.to_string().as_bytes(), &issuer())
}

fn member() -> impl Strategy<Value = String> {
    let names = ENDPOINTS
        .map(|(name, _)| name)
        .into_iter()
        .chain(LISTS)
        .chain(FLAGS)
        .chain([ALGORITHMS, "issuer", "registration_endpoint", "x"]);
    prop::sample::select(names.map(str::to_owned).collect::<Vec<_>>())
}

/// Values of any type, with more of those that could fit.
fn value() -> impl Strategy<Value = Value> {
    let url = "(https|HTTPS|http|ftp|javascript|)(://|:|:/|//|)(idp\\.example\\.com|\\[::1\\]|é\\.example|a b|)(:443|:99999|)(/x|)";
    // Nearly right: one part of it may be wrong.
    let nearly =
        "https://((a|:b|a:b)@)?idp\\.example\\.com(/x)?(\\?q)?(#f?)?|http://idp\\.example\\.com/x?";
    let words = prop::sample::select(&["RS256", "EdDSA", "none", "HS256", "new"][..]);
    prop_oneof![
        2 => any_json(),
        1 => url.prop_map(Value::from),
        2 => nearly.prop_map(Value::from),
        1 => vec(words, 0..4).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
    ]
}

/// An absolute https URL that names a host and neither a user nor a fragment (Discovery section 3, RFC 8414
/// section 2), by what its text looks like.
fn is_endpoint(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else {
        return false;
    };
    let authority = text.split(['?', '#']).next().unwrap_or_default();
    text.get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
        && url.has_host()
        && !text.contains('#')
        && !authority.contains('@')
}

fn strings(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// Whether a good document stays good with this member. `null` says as little as no member.
fn may_be(name: &str, value: &Value) -> bool {
    if name == "issuer" {
        return value == issuer().as_str();
    }
    if let Some((_, required)) = ENDPOINTS.iter().find(|(own, _)| *own == name) {
        return value
            .as_str()
            .map_or(value.is_null() && !required, is_endpoint);
    }
    let ours = |alg: &&str| ["RS256", "EdDSA"].contains(alg);
    value.is_null()
        || match name {
            ALGORITHMS => strings(value).is_some_and(|names| names.iter().any(ours)),
            _ if LISTS.contains(&name) => strings(value).is_some(),
            _ if FLAGS.contains(&name) => value.is_boolean(),
            _ => true,
        }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_member_of_any_type_is_right_or_refused_by_its_name(name in member(), value in value()) {
        let mut document = good();
        document[&name] = value.clone();
        let verdict = read(&document);
        prop_assert_eq!(verdict.is_ok(), may_be(&name, &value), "{}: {}", name, value);
        if let Err(error) = verdict {
            let shown = error.to_string();
            prop_assert!(shown.contains(&name) && shown.len() < 500, "{shown}");
            prop_assert!(!shown.contains(char::is_control), "{shown:?}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_taken_is_https_and_ours(members in vec((member(), value()), 0..8)) {
        let mut document = good();
        for (name, value) in members {
            document[&name] = value;
        }
        let Ok(metadata) = read(&document) else { return Ok(()) };
        prop_assert_eq!(&metadata.issuer, &issuer());
        let optional = [metadata.userinfo_endpoint, metadata.end_session_endpoint];
        let required = [metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri];
        for url in required.iter().chain(optional.iter().flatten()) {
            prop_assert!(url.scheme() == "https" && url.has_host() && url.fragment().is_none(), "{url}");
            prop_assert!(url.username().is_empty() && url.password().is_none(), "{url}");
        }
        let algorithms = metadata.id_token_signing_alg_values_supported;
        prop_assert!(!algorithms.is_empty());
        prop_assert!(algorithms.iter().all(|alg| [Algorithm::RS256, Algorithm::EdDSA].contains(alg)));
    }

    #[test]
    fn a_member_that_comes_twice_is_refused(name in member(), value in value(), first in any::<bool>()) {
        let mut document = good();
        if document.get(&name).is_none() {
            document[&name] = Value::Null;
        }
        let body = with_member(&document, &name, &value, first);
        prop_assert!(ProviderMetadata::parse(body.as_bytes(), &issuer()).is_err());
    }
}

#[test]
fn a_deep_document_is_refused() {
    for value in deep() {
        let body = good()
            .to_string()
            .replacen('{', &format!("{{\"x\":{value},"), 1);
        assert!(ProviderMetadata::parse(body.as_bytes(), &issuer()).is_err());
    }
}
