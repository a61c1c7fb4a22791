//! Where a browser is sent, from what is configured, asked for and known of the provider: pure.

use std::time::Duration;

use url::Url;

use super::capability::{LogoutRequest, Selectors, SignInRequest};
use super::config::OidcConfig;
use crate::oidc::{AuthorizationRequest, Prompt, ProviderMetadata, ResponseMode, claims_request};
use crate::{Error, Result};

/// The `amr` value that says that more than one factor was used (RFC 8176 section 2).
const MFA: &str = "mfa";

/// The URL that starts a sign-in.
pub(super) fn authorization_url(
    config: &OidcConfig,
    metadata: &ProviderMetadata,
    request: &SignInRequest,
) -> Result<Url> {
    let acr_values = acr_values(config, request);
    let amr = wanted_methods(config, request);
    let claims = (metadata.claims_parameter_supported && !amr.is_empty())
        .then(|| claims_request(&acr_values, &amr));
    let mut extra = config.extra.clone();
    extra.retain(|(name, _)| request.extra.iter().all(|(other, _)| other != name));
    extra.extend_from_slice(&request.extra);
    extra.extend(selected(config, &request.selectors));
    AuthorizationRequest {
        client_id: config.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        response_mode: response_mode(config, request),
        scopes: config.scopes.clone(),
        state: request.state.clone(),
        nonce: request.nonce.clone(),
        code_challenge: request.code_challenge.clone(),
        prompt: request.prompt.clone(),
        max_age: max_age(config, request.max_age),
        acr_values,
        claims,
        login_hint: request.login_hint.clone(),
        id_token_hint: request.id_token_hint.clone(),
        ui_locales: request
            .ui_locales
            .clone()
            .or_else(|| config.ui_locales.clone()),
        extra,
    }
    .url(&metadata.authorization_endpoint)
}

/// What picks where somebody signs in, by the names of our own login endpoint. A provider ignores those that it
/// does not know (OpenID Connect Core 3.1.2.1).
fn selected(config: &OidcConfig, selectors: &Selectors) -> impl Iterator<Item = (String, String)> {
    let of_organization = config
        .organizations
        .as_ref()
        .map_or("organization_id", |names| &*names.parameter);
    let Selectors {
        connection,
        organization,
        domain,
        identity_provider,
    } = selectors.clone();
    [
        ("connection_id", connection),
        (of_organization, organization),
        ("domain_hint", domain),
        ("provider", identity_provider),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// A silent answer comes by query, whatever is configured: a form from another site brings no session's
/// cookie, and nobody could tell that somebody is signed in here meanwhile.
fn response_mode(config: &OidcConfig, request: &SignInRequest) -> ResponseMode {
    if request.prompt == [Prompt::None] {
        ResponseMode::Query
    } else {
        config.response_mode
    }
}

/// The `max_age` of a sign-in: the shorter of what is configured and what is asked for.
pub(super) fn max_age(config: &OidcConfig, asked: Option<Duration>) -> Option<Duration> {
    match (config.max_age, asked) {
        (Some(configured), Some(asked)) => Some(configured.min(asked)),
        (configured, asked) => configured.or(asked),
    }
}

/// The `acr_values` of a sign-in, best first (OpenID Connect Core 3.1.2.1): what is asked for, then what
/// stands for multi-factor if that is wanted. The configured ones go out only if nothing else is wanted:
/// beside a stronger value they would invite the provider to answer with the weaker.
fn acr_values(config: &OidcConfig, request: &SignInRequest) -> Vec<String> {
    let mut values = request.acr_values.clone();
    if request.multi_factor {
        for value in &config.mfa_acr_values {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
    }
    if values.is_empty() {
        values.clone_from(&config.acr_values);
    }
    values
}

/// The methods to ask for by the `claims` parameter: what is asked for, and `mfa` where multi-factor is
/// wanted and no `acr` value stands for it.
fn wanted_methods(config: &OidcConfig, request: &SignInRequest) -> Vec<String> {
    let mut methods = request.amr.clone();
    let by_method = request.multi_factor && config.mfa_acr_values.is_empty();
    if by_method && !methods.iter().any(|method| method == MFA) {
        methods.push(MFA.to_owned());
    }
    methods
}

/// The URL that ends the provider's session (RP-Initiated Logout 1.0 section 2). `client_id` goes with
/// it, so that the provider knows whose `post_logout_redirect_uri` this is when it can't read the hint.
pub(super) fn logout_url(
    config: &OidcConfig,
    endpoint: Option<&Url>,
    request: &LogoutRequest,
) -> Result<Option<Url>> {
    let Some(endpoint) = endpoint else {
        return Ok(None);
    };
    let hint = request.id_token_hint.as_ref();
    let parameters: Vec<(&str, &str)> = hint
        .map(|hint| ("id_token_hint", hint.expose().as_str()))
        .into_iter()
        .chain([
            ("client_id", config.client_id.as_str()),
            (
                "post_logout_redirect_uri",
                request.post_logout_redirect_uri.as_str(),
            ),
            ("state", request.state.as_str()),
        ])
        .collect();
    let is_ours = |name: &str| parameters.iter().any(|(ours, _)| *ours == name);
    if endpoint.query_pairs().any(|(name, _)| is_ours(&name)) {
        return Err(Error::provider(
            "the end_session_endpoint has parameters of the protocol in its query",
        ));
    }
    let mut url = endpoint.clone();
    url.query_pairs_mut().extend_pairs(parameters);
    Ok(Some(url))
}
