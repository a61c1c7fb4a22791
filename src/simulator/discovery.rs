//! What the provider publishes: metadata (OpenID Connect Discovery 3), keys, and a page for people.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};

use super::authentication::ACR_VALUES;
use super::fault::{Endpoint, Fault};
use super::html::{escape, page};
use super::jwt::set;
use super::shared::Shared;

/// `GET /.well-known/openid-configuration`.
pub(super) async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    let mut metadata = metadata(&shared);
    for (name, value) in shared.faults.all(|fault| match fault {
        Fault::DiscoveryIssuer(issuer) => Some(("issuer".to_owned(), Some(json!(issuer)))),
        Fault::DiscoveryField(name, value) => Some((name.clone(), value.clone())),
        _ => None,
    }) {
        set(&mut metadata, name, value);
    }
    json_response(&Value::Object(metadata))
}

/// `GET /jwks`.
pub(super) async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    let document = shared.keys().jwks(&shared.faults);
    json_response(&document)
}

fn json_response(document: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, document.to_string()).into_response()
}

fn metadata(shared: &Shared) -> Map<String, Value> {
    let document = json!({
        "issuer": shared.issuer,
        "authorization_endpoint": shared.url(Endpoint::Authorize),
        "token_endpoint": shared.url(Endpoint::Token),
        "userinfo_endpoint": shared.url(Endpoint::UserInfo),
        "jwks_uri": shared.url(Endpoint::Jwks),
        "end_session_endpoint": shared.url(Endpoint::EndSession),
        "scopes_supported": ["openid", "profile", "email", "phone", "address", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "acr_values_supported": ACR_VALUES,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [shared.algorithm.name()],
        "userinfo_signing_alg_values_supported": [shared.algorithm.name()],
        "token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "claims_supported": [
            "iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid",
            "at_hash", "name", "given_name", "family_name", "email", "email_verified", "groups"
        ],
    });
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `GET /`: who can sign in, and who is.
pub(super) async fn front(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let session = shared
        .cookie
        .read(&headers)
        .and_then(|cookie| shared.sessions().find(cookie, shared.now()));
    let current = session
        .and_then(|session| shared.user(&session.authentication.user))
        .map(|user| escape(user.display_name()).into_owned());
    let status = match current {
        Some(name) => format!(
            "<p>{name} is signed in here. <a href=\"{}\">Sign out</a></p>",
            escape(&shared.path(Endpoint::EndSession))
        ),
        None => "<p>Nobody is signed in here.</p>".to_owned(),
    };
    let mut people = String::new();
    for user in &shared.users {
        let groups = user.groups().collect::<Vec<_>>().join(", ");
        // Writing to a String does not fail.
        let _ = writeln!(
            people,
            "<li>{} <span class=\"soft\">{}</span></li>",
            escape(user.display_name()),
            escape(&groups)
        );
    }
    let metadata = shared.path(Endpoint::Discovery);
    let main = format!(
        "<h1>OpenID Provider</h1>\n<p class=\"soft\">A simulator: anybody can be anybody here.</p>\n\
         {status}\n<h2>People</h2>\n<ul>\n{people}</ul>\n\
         <dl><dt>Issuer</dt><dd><code>{}</code></dd>\
         <dt>Metadata</dt><dd><a href=\"{1}\"><code>{1}</code></a></dd></dl>",
        escape(&shared.issuer),
        escape(&metadata),
    );
    page(StatusCode::OK, "OpenID Provider", &main)
}
