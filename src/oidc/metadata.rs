//! What a provider says about itself.

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use url::Url;

use super::entra::{EntraIssuers, template_of};
use super::text::clean;
use super::{Issuer, algorithm, json};
use crate::{Error, Result};

/// A provider's metadata (OpenID Connect Discovery 1.0 section 3), with the defaults that the
/// specification gives and no others.
#[derive(Clone, Debug)]
pub struct ProviderMetadata {
    /// `issuer`, the same as was asked for.
    pub issuer: Issuer,
    /// `authorization_endpoint`.
    pub authorization_endpoint: Url,
    /// `token_endpoint`.
    pub token_endpoint: Url,
    /// `jwks_uri`.
    pub jwks_uri: Url,
    /// `userinfo_endpoint`.
    pub userinfo_endpoint: Option<Url>,
    /// `end_session_endpoint` (RP-Initiated Logout 1.0 section 2.1).
    pub end_session_endpoint: Option<Url>,
    /// `id_token_signing_alg_values_supported`, those that this crate accepts; default RS256.
    pub id_token_signing_alg_values_supported: Vec<Algorithm>,
    /// `token_endpoint_auth_methods_supported`; default `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// `authorization_response_iss_parameter_supported` (RFC 9207 section 3); default false.
    pub authorization_response_iss_parameter_supported: bool,
    /// `claims_parameter_supported`; default false.
    pub claims_parameter_supported: bool,
    /// `response_modes_supported`; default `query`, `fragment`.
    pub response_modes_supported: Vec<String>,
    /// `code_challenge_methods_supported` (RFC 8414 section 2); empty if absent. S256 is sent anyway: a
    /// server ignores parameters that it does not know (RFC 6749 section 3.1).
    pub code_challenge_methods_supported: Vec<String>,
    /// `acr_values_supported`; empty if absent.
    pub acr_values_supported: Vec<String>,
    /// `scopes_supported`; empty if absent.
    pub scopes_supported: Vec<String>,
    /// `prompt_values_supported` (Initiating User Registration 1.0 section 4); empty if absent.
    pub prompt_values_supported: Vec<String>,
}

impl ProviderMetadata {
    /// Reads the metadata of the issuer that was asked. Endpoints are `https`; `http` only where the
    /// issuer itself is `http` on this machine.
    ///
    /// # Errors
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): no JSON object; an `issuer` that is not
    /// exactly the expected one (Discovery section 4.3), else one provider could speak for another; a
    /// missing or unusable endpoint; an optional field of a wrong type, by its name; no signature
    /// algorithm that this crate accepts.
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): it speaks for every tenant of Entra
    /// ([`parse_for_tenants`](Self::parse_for_tenants)).
    pub fn parse(body: &[u8], expected: &Issuer) -> Result<Self> {
        Self::parse_as(body, expected, expected.as_str())
    }

    /// As [`parse`](Self::parse), for the metadata that speaks for many tenants of Entra. Its `issuer` is that
    /// of the set-up with `{tenantid}` in the tenant's place; [`issuer`](Self::issuer) stays as it was asked for.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn parse_for_tenants(
        body: &[u8],
        expected: &Issuer,
        issuers: &EntraIssuers,
    ) -> Result<Self> {
        Self::parse_as(body, expected, issuers.template())
    }

    fn parse_as(body: &[u8], expected: &Issuer, name: &str) -> Result<Self> {
        let fields = json::object(body)
            .ok_or_else(|| Error::provider("the provider's metadata is not a JSON object"))?;
        let metadata = Fields {
            fields: &fields,
            plain_http: !expected.is_https(),
        };
        let issuer = metadata.text("issuer")?.unwrap_or_default();
        if issuer != name {
            if template_of(expected.as_str()).is_some_and(|template| issuer == template) {
                return Err(Error::configuration(
                    "the issuer speaks for every tenant of Entra: say in entra_tenants which of them are let in",
                ));
            }
            return Err(Error::provider(format!(
                "the provider's metadata is that of issuer \"{}\" and not of \"{name}\"",
                clean(issuer, 200)
            )));
        }
        let list = |name, default: &[&str]| {
            metadata.list(name).map(|list| {
                list.unwrap_or_else(|| default.iter().map(|item| (*item).to_owned()).collect())
            })
        };
        Ok(Self {
            issuer: expected.clone(),
            authorization_endpoint: metadata.required_endpoint("authorization_endpoint")?,
            token_endpoint: metadata.required_endpoint("token_endpoint")?,
            jwks_uri: metadata.required_endpoint("jwks_uri")?,
            userinfo_endpoint: metadata.endpoint("userinfo_endpoint")?,
            end_session_endpoint: metadata.endpoint("end_session_endpoint")?,
            id_token_signing_alg_values_supported: metadata.algorithms()?,
            token_endpoint_auth_methods_supported: list(
                "token_endpoint_auth_methods_supported",
                &["client_secret_basic"],
            )?,
            authorization_response_iss_parameter_supported: metadata
                .flag("authorization_response_iss_parameter_supported")?,
            claims_parameter_supported: metadata.flag("claims_parameter_supported")?,
            response_modes_supported: list("response_modes_supported", &["query", "fragment"])?,
            code_challenge_methods_supported: list("code_challenge_methods_supported", &[])?,
            acr_values_supported: list("acr_values_supported", &[])?,
            scopes_supported: list("scopes_supported", &[])?,
            prompt_values_supported: list("prompt_values_supported", &[])?,
        })
    }
}

struct Fields<'a> {
    fields: &'a Map<String, Value>,
    plain_http: bool,
}

impl<'a> Fields<'a> {
    /// `null` counts as absent.
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>> {
        self.value(name)
            .map(|value| value.as_str().ok_or_else(|| wrong(name, "is not a string")))
            .transpose()
    }

    fn flag(&self, name: &str) -> Result<bool> {
        self.value(name).map_or(Ok(false), |value| {
            value
                .as_bool()
                .ok_or_else(|| wrong(name, "is not a boolean"))
        })
    }

    fn list(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let items = value.as_array().and_then(|items| {
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<_>>()
        });
        items
            .map(Some)
            .ok_or_else(|| wrong(name, "is not a list of strings"))
    }

    fn algorithms(&self) -> Result<Vec<Algorithm>> {
        let name = "id_token_signing_alg_values_supported";
        let Some(names) = self.list(name)? else {
            return Ok(vec![Algorithm::RS256]);
        };
        let ours: Vec<Algorithm> = names
            .iter()
            .filter_map(|name| algorithm::parse(name))
            .collect();
        if ours.is_empty() {
            return Err(wrong(name, "has no algorithm that is accepted"));
        }
        Ok(ours)
    }

    fn required_endpoint(&self, name: &str) -> Result<Url> {
        self.endpoint(name)?
            .ok_or_else(|| wrong(name, "is missing"))
    }

    fn endpoint(&self, name: &str) -> Result<Option<Url>> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let url = Url::parse(text).map_err(|_| wrong(name, "is not an absolute URL"))?;
        if !(url.scheme() == "https" || url.scheme() == "http" && self.plain_http) {
            return Err(wrong(name, "is not an https URL"));
        }
        if url.fragment().is_some() {
            return Err(wrong(name, "has a fragment"));
        }
        // An HTTP client would send them in place of our own client authentication.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(name, "has user information"));
        }
        Ok(Some(url))
    }
}

fn wrong(name: &str, why: &str) -> Error {
    Error::provider(format!("{name} in the provider's metadata {why}"))
}

#[cfg(test)]
mod tests;
