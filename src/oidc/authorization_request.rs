//! The request that sends a browser to the provider.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::{Prompt, ResponseMode};
use crate::secret::Secret;
use crate::{Error, Result};

/// An authorization request of the code flow with PKCE (OpenID Connect Core 3.1.2.1, RFC 7636
/// section 4.3). `response_type=code` and `code_challenge_method=S256` are always sent.
#[derive(Clone, Default)]
pub struct AuthorizationRequest {
    /// Required.
    pub client_id: String,
    /// Required.
    pub redirect_uri: String,
    /// Sent only where it is not the default.
    pub response_mode: ResponseMode,
    /// `openid` is added where it is absent.
    pub scopes: Vec<String>,
    /// Required: unguessable, bound to the browser.
    pub state: String,
    /// Required: unguessable, comes back in the ID token.
    pub nonce: String,
    /// Required: see [`code_challenge`](crate::oidc::code_challenge).
    pub code_challenge: String,
    /// Left out if empty.
    pub prompt: Vec<Prompt>,
    /// Sent in whole seconds.
    pub max_age: Option<Duration>,
    /// Best first; left out if empty.
    pub acr_values: Vec<String>,
    /// The `claims` parameter (OpenID Connect Core 5.5).
    pub claims: Option<Value>,
    /// Whom to sign in.
    pub login_hint: Option<String>,
    /// Who was signed in.
    pub id_token_hint: Option<Secret<String>>,
    /// Languages, best first, separated by spaces.
    pub ui_locales: Option<String>,
    /// Parameters of the provider's own. Those of the protocol are refused.
    pub extra: Vec<(String, String)>,
}

/// What no extra parameter and no endpoint may name: parameters of the request, those that would replace
/// it as a whole (RFC 9101), and those that belong to the answer or to the token endpoint.
const PROTOCOL_PARAMETERS: [&str; 37] = [
    "access_token",
    "acr_values",
    "authorization_details",
    "claims",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "display",
    "dpop_jkt",
    "error",
    "error_description",
    "error_uri",
    "grant_type",
    "id_token",
    "id_token_hint",
    "iss",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "refresh_token",
    "registration",
    "request",
    "request_uri",
    "response",
    "response_mode",
    "response_type",
    "scope",
    "session_state",
    "state",
    "ui_locales",
];

impl AuthorizationRequest {
    /// The URL to send the browser to. The endpoint's own query is kept (RFC 6749 section 3.1).
    ///
    /// # Errors
    /// - [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): a required field is empty, a
    ///   scope or acr value is empty or has a space in it, `prompt` joins `none` with another value, or
    ///   an extra parameter names one of the protocol, comes twice, or has a name outside RFC 6749
    ///   section 8.2.
    /// - [`ErrorKind::Provider`](crate::ErrorKind::Provider): the endpoint's own query names a parameter
    ///   of the protocol.
    pub fn url(&self, endpoint: &Url) -> Result<Url> {
        self.check_required()?;
        check_endpoint(endpoint)?;
        self.check_extra(endpoint)?;
        let scope = self.scope()?;
        let acr_values = space_separated("acr_values", &self.acr_values)?;
        let prompt = self.prompt()?;
        let max_age = self.max_age.map(|age| age.as_secs().to_string());
        let claims = self.claims.as_ref().map(Value::to_string);

        let mut url = endpoint.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", &scope)
            .append_pair("state", &self.state)
            .append_pair("nonce", &self.nonce)
            .append_pair("code_challenge", &self.code_challenge)
            .append_pair("code_challenge_method", "S256");
        if self.response_mode != ResponseMode::default() {
            query.append_pair("response_mode", self.response_mode.as_str());
        }
        let hint = self
            .id_token_hint
            .as_ref()
            .map(|hint| hint.expose().as_str());
        for (name, value) in [
            ("prompt", prompt.as_deref()),
            ("max_age", max_age.as_deref()),
            ("acr_values", acr_values.as_deref()),
            ("claims", claims.as_deref()),
            ("login_hint", self.login_hint.as_deref()),
            ("id_token_hint", hint),
            ("ui_locales", self.ui_locales.as_deref()),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.extend_pairs(&self.extra);
        drop(query);
        Ok(url)
    }

    fn check_required(&self) -> Result<()> {
        let required = [
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &self.code_challenge),
        ];
        match required.iter().find(|(_, value)| value.is_empty()) {
            Some((name, _)) => Err(Error::configuration(format!(
                "an authorization request without {name}"
            ))),
            None => Ok(()),
        }
    }

    fn check_extra(&self, endpoint: &Url) -> Result<()> {
        let mut seen: Vec<String> = endpoint
            .query_pairs()
            .map(|(name, _)| as_a_sloppy_server_reads_it(&name))
            .collect();
        for (name, _) in &self.extra {
            let refuse = |why| Err(Error::configuration(format!("extra parameter {why}")));
            // RFC 6749 section 8.2: param-name.
            let named = !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
            if !named {
                return refuse("with a name that is none");
            }
            let name = as_a_sloppy_server_reads_it(name);
            if is_protocol_parameter(&name) {
                return refuse(&format!("{name} is one of the protocol"));
            }
            if seen.contains(&name) {
                return refuse(&format!("{name} comes twice"));
            }
            seen.push(name);
        }
        Ok(())
    }

    fn scope(&self) -> Result<String> {
        let mut scopes = self.scopes.clone();
        if !scopes.iter().any(|scope| scope == "openid") {
            scopes.insert(0, "openid".to_owned());
        }
        Ok(space_separated("scope", &scopes)?.unwrap_or_default())
    }

    fn prompt(&self) -> Result<Option<String>> {
        if self.prompt.contains(&Prompt::None) && self.prompt.iter().any(|p| *p != Prompt::None) {
            return Err(Error::configuration("prompt none goes with no other value"));
        }
        let values: Vec<&str> = self.prompt.iter().map(|prompt| prompt.as_str()).collect();
        Ok((!values.is_empty()).then(|| values.join(" ")))
    }
}

impl fmt::Debug for AuthorizationRequest {
    /// Without state and nonce, which are secrets of one browser, and without who is being signed in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("scopes", &self.scopes)
            .field("prompt", &self.prompt)
            .field("max_age", &self.max_age)
            .field("acr_values", &self.acr_values)
            .finish_non_exhaustive()
    }
}

fn check_endpoint(endpoint: &Url) -> Result<()> {
    match endpoint
        .query_pairs()
        .map(|(name, _)| as_a_sloppy_server_reads_it(&name))
        .find(|name| is_protocol_parameter(name))
    {
        Some(name) => Err(Error::provider(format!(
            "the authorization endpoint's own query has {name}"
        ))),
        None => Ok(()),
    }
}

/// Names are case-sensitive (RFC 6749 section 3.1), but ASP.NET reads `STATE` as `state` and PHP
/// `redirect.uri` as `redirect_uri`: what any of them takes for a parameter of the protocol is one.
fn as_a_sloppy_server_reads_it(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['.', ' '], "_")
}

fn is_protocol_parameter(name: &str) -> bool {
    PROTOCOL_PARAMETERS.binary_search(&name).is_ok()
}

/// The values of one space-separated parameter; `None` if there are none.
fn space_separated(name: &str, values: &[String]) -> Result<Option<String>> {
    if values
        .iter()
        .any(|value| value.is_empty() || value.contains(char::is_whitespace))
    {
        return Err(Error::configuration(format!(
            "a value of {name} is empty or has a space in it"
        )));
    }
    Ok((!values.is_empty()).then(|| values.join(" ")))
}

#[cfg(test)]
mod tests;
