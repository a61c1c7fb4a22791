//! The management API: connections, links to the admin portal, domains.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use super::api::{Answer, ApiError, authorize, respond};
use super::fault::ScalekitFault;
use super::portal::Features;
use super::select::{Choice, organization_of};
use super::shared::{Environment, State as Changing};
use super::tenant::ScalekitConnection;
use super::time::rfc3339;
use crate::crypto::{base64url, sha256};
use crate::simulator::params::Params;

/// `GET /api/v1/connections`.
pub(super) async fn connections(
    State(environment): State<Arc<Environment>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    respond(authorize(&environment, &headers).and_then(|()| list(&environment, &params)))
}

/// Those of an organization, by its id or by its domain. An unknown domain is no error: it has none.
fn list(environment: &Environment, params: &Params) -> Answer {
    let all = match params.get("include") {
        None => false,
        Some("all") => true,
        Some(_) => return Err(ApiError::invalid("include is all, or left out")),
    };
    let organization = params.get("organization_id");
    if organization.is_some_and(|id| environment.organization(id).is_none()) {
        return Err(ApiError::not_found("organization"));
    }
    let state = environment.state();
    let by_domain = params.get("domain").map(|domain| {
        let choice = Choice {
            organizations: &[],
            domains: &state.domains,
            connections: &[],
        };
        organization_of(domain, choice)
    });
    let found = state.connections.iter().filter(|known| {
        (all || known.enabled)
            && organization.is_none_or(|id| known.organization == id)
            && by_domain.is_none_or(|id| id == Some(&*known.organization))
    });
    let found: Vec<Value> = found
        .map(|known| described(environment, &state, known))
        .collect();
    Ok(json!({"connections": found}))
}

fn described(
    environment: &Environment,
    state: &Changing,
    connection: &ScalekitConnection,
) -> Value {
    let id = &connection.organization;
    let domains: Vec<&String> = domains_of(state, id).collect();
    json!({
        "id": connection.id,
        "provider": connection.provider,
        "type": connection.kind,
        "status": connection.status,
        "enabled": connection.enabled,
        "organization_id": id,
        "organization_name": environment.organization(id).map(|known| &known.name),
        "domains": domains,
    })
}

fn domains_of<'a>(state: &'a Changing, organization: &'a str) -> impl Iterator<Item = &'a String> {
    let own = state
        .domains
        .iter()
        .filter(move |(_, id)| id == organization);
    own.map(|(domain, _)| domain)
}

/// `PUT /api/v1/organizations/{organization_id}/portal_links`.
pub(super) async fn portal_link(
    State(environment): State<Arc<Environment>>,
    Path(organization): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let authorized = authorize(&environment, &headers);
    respond(authorized.and_then(|()| new_link(&environment, &organization, &params)))
}

fn new_link(environment: &Environment, organization: &str, params: &Params) -> Answer {
    if environment.organization(organization).is_none() {
        return Err(ApiError::not_found("organization"));
    }
    let features = Features::read(params.all("features"))
        .ok_or_else(|| ApiError::invalid("features are sso and dir_sync"))?;
    let now = environment.now();
    let mut state = environment.state();
    let (token, ends_at) = state.portals.link(organization, features, now);
    let camel_case = environment.faults.has(&ScalekitFault::CamelCaseExpireTime);
    let end = if camel_case {
        "expireTime"
    } else {
        "expire_time"
    };
    Ok(json!({"link": {
        "id": format!("lnk_{}", id_of(&token)),
        "location": format!("{}/magicLink/{token}", environment.url),
        end: rfc3339(ends_at),
    }}))
}

/// `GET /api/v1/organizations/{organization_id}/domains`.
pub(super) async fn domains(
    State(environment): State<Arc<Environment>>,
    Path(organization): Path<String>,
    headers: HeaderMap,
) -> Response {
    let authorized = authorize(&environment, &headers);
    respond(authorized.and_then(|()| {
        if environment.organization(&organization).is_none() {
            return Err(ApiError::not_found("organization"));
        }
        let state = environment.state();
        let domains: Vec<Value> = domains_of(&state, &organization)
            .map(|domain| described_domain(domain, &organization))
            .collect();
        Ok(json!({"page_number": 1, "page_size": domains.len(), "domains": domains}))
    }))
}

/// `POST /api/v1/organizations/{organization_id}/domains`.
pub(super) async fn add_domain(
    State(environment): State<Arc<Environment>>,
    Path(organization): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorized = authorize(&environment, &headers);
    respond(authorized.and_then(|()| add(&environment, &organization, &body)))
}

fn add(environment: &Environment, organization: &str, body: &[u8]) -> Answer {
    if environment.organization(organization).is_none() {
        return Err(ApiError::not_found("organization"));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|_| ApiError::invalid("the body is no JSON object"))?;
    let domain = body["domain"].as_str().map(str::to_ascii_lowercase);
    let domain = domain
        .filter(|domain| is_domain(domain))
        .ok_or_else(|| ApiError::invalid("domain is no domain"))?;
    let mut state = environment.state();
    if state.domains.iter().any(|(known, _)| *known == domain) {
        return Err(ApiError::already_exists("a domain"));
    }
    let described = described_domain(&domain, organization);
    state.domains.push((domain, organization.to_owned()));
    Ok(json!({"domain": described}))
}

fn described_domain(domain: &str, organization: &str) -> Value {
    json!({
        "id": format!("dom_{}", id_of(domain)),
        "domain": domain,
        "domain_type": "ORGANIZATION_DOMAIN",
        "organization_id": organization,
    })
}

/// An id that is the same for the same text, and tells no one who knows it the text.
fn id_of(text: &str) -> String {
    base64url(&sha256(text.as_bytes())[..9])
}

/// Labels of letters, digits and hyphens, two at least (RFC 1123 section 2.1).
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_one() {
        for (text, expected) in [
            ("example.com", true),
            ("a-b.example.com", true),
            ("example", false),
            ("example..com", false),
            (".example.com", false),
            ("-a.example.com", false),
            ("https://example.com", false),
            ("a@example.com", false),
            ("", false),
        ] {
            assert_eq!(is_domain(text), expected, "{text}");
        }
    }
}
