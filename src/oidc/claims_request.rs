//! Asking for a stronger sign-in by the `claims` parameter.

use serde_json::{Map, Value, json};

/// The `claims` parameter that asks for `acr` and `amr` in the ID token as essential claims
/// (OpenID Connect Core 5.5.1, 5.5.1.1), with the wanted values where there are any.
///
/// A provider must fail an essential `acr` with values that it can't meet; of all else it may leave out
/// what it likes, so what comes back is judged again.
///
/// ```
/// use tower_sso::oidc::claims_request;
///
/// assert_eq!(
///     claims_request(&["urn:example:gold".to_owned()], &[]).to_string(),
///     r#"{"id_token":{"acr":{"essential":true,"values":["urn:example:gold"]},"amr":{"essential":true}}}"#
/// );
/// ```
#[must_use]
pub fn claims_request(acr_values: &[String], amr: &[String]) -> Value {
    json!({ "id_token": { "acr": essential(acr_values), "amr": essential(amr) } })
}

fn essential(values: &[String]) -> Value {
    let mut member = Map::new();
    member.insert("essential".to_owned(), Value::Bool(true));
    if !values.is_empty() {
        member.insert("values".to_owned(), values.into());
    }
    Value::Object(member)
}
