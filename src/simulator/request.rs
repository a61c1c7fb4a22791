//! The authorization request (RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2.1), read and validated.

use serde_json::Value;

use super::client::Clients;
use super::params::Params;
use crate::crypto::from_base64url;

/// An error code of the protocol with its description.
pub(super) type ProtocolError = (&'static str, &'static str);

/// Where, and how, the answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReturnAddress {
    pub(super) redirect_uri: String,
    pub(super) form_post: bool,
    pub(super) state: Option<String>,
}

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Told to the person: nobody is redirected to an address that the client did not register
    /// (RFC 6749 section 4.1.2.1).
    Page(&'static str),
    /// Told to the client.
    Answer(ReturnAddress, ProtocolError),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Prompts {
    pub(super) none: bool,
    pub(super) login: bool,
    pub(super) consent: bool,
    pub(super) select_account: bool,
}

/// What the `claims` parameter asks for (OpenID Connect Core 5.5).
#[derive(Clone, Debug, Default)]
pub(super) struct ClaimsRequest {
    pub(super) id_token: Vec<String>,
    pub(super) userinfo: Vec<String>,
    /// The subject that must answer.
    pub(super) sub: Option<String>,
    /// One of these must hold.
    pub(super) essential_acr: Vec<String>,
    /// One of these should hold.
    pub(super) voluntary_acr: Vec<String>,
    /// One of these must be in `amr`.
    pub(super) essential_amr: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) address: ReturnAddress,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
    pub(super) prompts: Prompts,
    /// Seconds, as they are on the wire.
    pub(super) max_age: Option<u64>,
    pub(super) acr_values: Vec<String>,
    pub(super) claims: ClaimsRequest,
    pub(super) login_hint: Option<String>,
    pub(super) id_token_hint: Option<String>,
    pub(super) asks_consent: bool,
}

impl AuthorizationRequest {
    pub(super) fn read(params: &Params, clients: &Clients) -> Result<Self, Refusal> {
        for name in ["client_id", "redirect_uri"] {
            if params.repeats(name) {
                return Err(Refusal::Page("client_id or redirect_uri comes twice."));
            }
        }
        let client_id = params.get("client_id").unwrap_or_default();
        let Some(client) = clients.find(client_id) else {
            return Err(Refusal::Page("This client_id is not registered here."));
        };
        let Some(redirect_uri) = params.get("redirect_uri") else {
            return Err(Refusal::Page("The redirect_uri is missing."));
        };
        if !client.allows_redirect(redirect_uri) {
            return Err(Refusal::Page(
                "This redirect_uri is not registered for the client.",
            ));
        }

        let address = ReturnAddress {
            redirect_uri: redirect_uri.to_owned(),
            form_post: params.get("response_mode") == Some("form_post"),
            state: params.get("state").map(ToOwned::to_owned),
        };
        let refuse = |error| Refusal::Answer(address.clone(), error);
        check_protocol(params).map_err(refuse)?;
        let code_challenge = read_challenge(params, client.must_use_pkce()).map_err(refuse)?;
        let prompts = read_prompts(params.get("prompt").unwrap_or_default()).map_err(refuse)?;
        let claims = read_claims(params.get("claims")).map_err(refuse)?;
        let max_age = match params.get("max_age").map(str::parse) {
            None => None,
            Some(Ok(seconds)) => Some(seconds),
            Some(Err(_)) => {
                return Err(refuse((
                    "invalid_request",
                    "max_age is no number of seconds",
                )));
            }
        };

        Ok(Self {
            client_id: client_id.to_owned(),
            scope: params.get("scope").unwrap_or_default().to_owned(),
            nonce: params.get("nonce").map(ToOwned::to_owned),
            code_challenge,
            prompts,
            max_age,
            acr_values: words(params.get("acr_values").unwrap_or_default()),
            claims,
            login_hint: params.get("login_hint").map(ToOwned::to_owned),
            id_token_hint: params.get("id_token_hint").map(ToOwned::to_owned),
            asks_consent: client.asks_consent(),
            address,
        })
    }

    /// The `acr` values that were asked for in any way, the most wanted first.
    pub(super) fn asked_acr(&self) -> Vec<String> {
        let claims = &self.claims;
        [
            &claims.essential_acr,
            &claims.voluntary_acr,
            &self.acr_values,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
    }

    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scope.split_ascii_whitespace().any(|one| one == scope)
    }

    /// Drops what asks for more than the session has.
    pub(super) fn without_requirements(mut self) -> Self {
        self.acr_values.clear();
        self.max_age = None;
        self.prompts.login = false;
        self.claims.essential_acr.clear();
        self.claims.voluntary_acr.clear();
        self.claims.essential_amr.clear();
        self
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace()
        .map(ToOwned::to_owned)
        .collect()
}

fn check_protocol(params: &Params) -> Result<(), ProtocolError> {
    if params.repeats_any() {
        return Err(("invalid_request", "a parameter comes twice"));
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(("unsupported_response_type", "only code is supported")),
        None => return Err(("invalid_request", "response_type is missing")),
    }
    if !matches!(
        params.get("response_mode"),
        None | Some("query" | "form_post")
    ) {
        return Err(("invalid_request", "this response_mode is not supported"));
    }
    // OpenID Connect Core 3.1.2.6 has a code for each of these.
    for (name, code) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        if params.get(name).is_some() {
            return Err((code, "this parameter is not supported"));
        }
    }
    let scope = params.get("scope").unwrap_or_default();
    if !scope.split_ascii_whitespace().any(|one| one == "openid") {
        return Err(("invalid_scope", "the scope openid is missing"));
    }
    Ok(())
}

/// RFC 7636 section 4.3 and 4.4.1: a challenge without a method is `plain`, which is refused too.
pub(super) fn read_challenge(
    params: &Params,
    required: bool,
) -> Result<Option<String>, ProtocolError> {
    let method = params.get("code_challenge_method");
    let Some(challenge) = params.get("code_challenge") else {
        return match (method, required) {
            (Some(_), _) => Err(("invalid_request", "code_challenge is missing")),
            (None, true) => Err(("invalid_request", "a public client must use PKCE")),
            (None, false) => Ok(None),
        };
    };
    if method != Some("S256") {
        return Err(("invalid_request", "code_challenge_method must be S256"));
    }
    if from_base64url(challenge).is_none_or(|hash| hash.len() != 32) {
        return Err((
            "invalid_request",
            "code_challenge is no SHA-256 as base64url",
        ));
    }
    Ok(Some(challenge.to_owned()))
}

fn read_prompts(prompt: &str) -> Result<Prompts, ProtocolError> {
    let mut prompts = Prompts::default();
    for word in prompt.split_ascii_whitespace() {
        match word {
            "none" => prompts.none = true,
            "login" => prompts.login = true,
            "consent" => prompts.consent = true,
            "select_account" => prompts.select_account = true,
            _ => return Err(("invalid_request", "this prompt is not supported")),
        }
    }
    if prompts.none && (prompts.login || prompts.consent || prompts.select_account) {
        return Err(("invalid_request", "prompt=none stands alone"));
    }
    Ok(prompts)
}

fn read_claims(text: Option<&str>) -> Result<ClaimsRequest, ProtocolError> {
    let Some(text) = text else {
        return Ok(ClaimsRequest::default());
    };
    let Ok(claims @ Value::Object(_)) = serde_json::from_str(text) else {
        return Err(("invalid_request", "claims is no JSON object"));
    };
    let names = |part: &str| -> Vec<String> {
        let members = claims[part].as_object();
        members
            .into_iter()
            .flat_map(|m| m.keys().cloned())
            .collect()
    };
    let token = &claims["id_token"];
    let (acr, amr) = (&token["acr"], &token["amr"]);
    let is_essential = |claim: &Value| claim["essential"] == Value::Bool(true);
    let (essential_acr, voluntary_acr) = if is_essential(acr) {
        (values(acr), Vec::new())
    } else {
        (Vec::new(), values(acr))
    };
    Ok(ClaimsRequest {
        id_token: names("id_token"),
        userinfo: names("userinfo"),
        sub: token["sub"]["value"].as_str().map(ToOwned::to_owned),
        essential_acr,
        voluntary_acr,
        essential_amr: if is_essential(amr) {
            values(amr)
        } else {
            Vec::new()
        },
    })
}

/// The `value` and `values` of a claim request; for an array claim each value may itself be an array.
fn values(claim: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest: Vec<&Value> = [claim.get("value"), claim.get("values")]
        .into_iter()
        .flatten()
        .collect();
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(items) => rest.extend(items.iter().rev()),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::client::SimulatedClient;
    use super::*;

    const GOOD: &str = "client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code\
                        &scope=openid&state=s";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn read(query: &str) -> Result<AuthorizationRequest, Refusal> {
        let client = |id: &str| SimulatedClient::new(id).add_redirect_uri("https://app.example/cb");
        let clients = Clients {
            registered: vec![client("app").with_secret("s"), client("public")],
            any: false,
        };
        AuthorizationRequest::read(&Params::parse(query.as_bytes()), &clients)
    }

    fn error(query: &str) -> &'static str {
        match read(query) {
            Err(Refusal::Answer(_, (code, _))) => code,
            Err(Refusal::Page(_)) => "page",
            Ok(_) => "ok",
        }
    }

    #[test]
    fn each_rule_has_its_error() {
        let with = |more: &str| format!("{GOOD}&{more}");
        for (query, expected) in [
            (GOOD.to_owned(), "ok"),
            (GOOD.replace("app&", "other&"), "page"),
            (GOOD.replace("client_id=app&", ""), "page"),
            (GOOD.replace("cb", "cb2"), "page"),
            (GOOD.replace("redirect_uri", "redirect"), "page"),
            (with("client_id=app"), "page"),
            (with("redirect_uri=x"), "page"),
            (with("nonce=1&nonce=2"), "invalid_request"),
            (GOOD.replace("=code", "=token"), "unsupported_response_type"),
            (GOOD.replace("response_type", "x"), "invalid_request"),
            (with("response_mode=form_post"), "ok"),
            (with("response_mode=fragment"), "invalid_request"),
            (with("request=x"), "request_not_supported"),
            (with("request_uri=x"), "request_uri_not_supported"),
            (with("registration=x"), "registration_not_supported"),
            (GOOD.replace("openid", "email"), "invalid_scope"),
            (with("prompt=none"), "ok"),
            (with("prompt=none+login"), "invalid_request"),
            (with("prompt=dance"), "invalid_request"),
            (with("max_age=x"), "invalid_request"),
            (with("max_age=-1"), "invalid_request"),
            (with("max_age=0"), "ok"),
            (with("claims=x"), "invalid_request"),
            (with("claims=[]"), "invalid_request"),
            (with("ui_locales=tlh"), "ok"),
        ] {
            assert_eq!(error(&query), expected, "{query}");
        }
    }

    #[test]
    fn pkce_is_s256_and_public_clients_need_it() {
        let public = GOOD.replace("=app&", "=public&");
        let s256 = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
        for (query, expected) in [
            (format!("{GOOD}&{s256}"), "ok"),
            (format!("{public}&{s256}"), "ok"),
            (public, "invalid_request"),
            (
                format!("{GOOD}&code_challenge={CHALLENGE}"),
                "invalid_request",
            ),
            (
                format!("{GOOD}&{}", s256.replace("S256", "plain")),
                "invalid_request",
            ),
            (
                format!("{GOOD}&code_challenge_method=S256"),
                "invalid_request",
            ),
            (
                format!("{GOOD}&{}", s256.replace(CHALLENGE, "short")),
                "invalid_request",
            ),
        ] {
            assert_eq!(error(&query), expected, "{query}");
        }
    }

    #[test]
    fn claims_are_read_by_name_and_need() {
        let claims = read_claims(Some(
            r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]},
                "amr":{"essential":true,"values":[["mfa"],"hwk"]},"sub":{"value":"alice"},"email":null},
                "userinfo":{"name":null}}"#,
        ))
        .unwrap();
        assert_eq!(claims.essential_acr, ["a", "b"]);
        assert_eq!(claims.essential_amr, ["mfa", "hwk"]);
        assert_eq!(claims.sub.as_deref(), Some("alice"));
        assert!(claims.id_token.contains(&"email".to_owned()));
        assert_eq!(claims.userinfo, ["name"]);
        let claims = read_claims(Some(r#"{"id_token":{"acr":{"value":"a"}}}"#)).unwrap();
        assert!(claims.essential_acr.is_empty());
        assert_eq!(claims.voluntary_acr, ["a"]);
    }
}
