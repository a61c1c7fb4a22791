//! Reading claims by their types.

use serde_json::{Map, Value};

use super::{CompactJwt, IdTokenFault, KeySet, json};
use crate::clock::SecondsSinceEpoch;

/// The claims of a token whose signature holds: verified first, then parsed, once.
pub(crate) fn verified(
    jwt: &CompactJwt<'_>,
    keys: &KeySet,
    algorithms: &[jsonwebtoken::Algorithm],
) -> Result<Map<String, Value>, IdTokenFault> {
    if !algorithms.contains(&jwt.algorithm) {
        return Err(IdTokenFault::AlgorithmNotAllowed);
    }
    let kid = jwt.kid.as_deref();
    let mut candidates = keys.candidates(kid, jwt.algorithm).peekable();
    // A known kid whose key does not fit the algorithm is not a key to fetch: the token is wrong.
    if candidates.peek().is_none() && !kid.is_some_and(|kid| keys.knows(kid)) {
        return Err(IdTokenFault::UnknownKey);
    }
    if !candidates.any(|key| key.verify(jwt)) {
        return Err(IdTokenFault::BadSignature);
    }
    json::object(&jwt.payload).ok_or(IdTokenFault::NotJson)
}

/// Claims by name; `null` counts as absent.
pub(crate) struct Claims<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Claims<'a> {
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&'a str>, IdTokenFault> {
        self.value(name)
            .map(|value| value.as_str().ok_or(IdTokenFault::MalformedClaim(name)))
            .transpose()
    }

    /// A `NumericDate`: a JSON number, which may have a fraction (RFC 7519 section 2). The fraction is
    /// dropped. A string is no number, and neither is a time before 1970.
    pub(crate) fn time(
        &self,
        name: &'static str,
    ) -> Result<Option<SecondsSinceEpoch>, IdTokenFault> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        value
            .as_u64()
            .or_else(|| {
                let seconds = value.as_f64()?;
                // `as` saturates.
                (seconds >= 0.0).then_some(seconds as u64)
            })
            .map(|seconds| Some(SecondsSinceEpoch(seconds)))
            .ok_or(IdTokenFault::MalformedClaim(name))
    }

    /// One string or a list of strings; empty if absent.
    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<String>, IdTokenFault> {
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or(IdTokenFault::MalformedClaim(name)),
            Some(_) => Err(IdTokenFault::MalformedClaim(name)),
        }
    }
}
