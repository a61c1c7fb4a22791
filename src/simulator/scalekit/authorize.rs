//! The authorization endpoint, and the form of the page that stands for a customer's IdP.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;

use super::catalogue::{self, SignInError};
use super::codes::Grant;
use super::fault::ScalekitFault;
use super::idp_page;
use super::request::{AuthorizationRequest, Refusal, ReturnAddress, SignIn};
use super::shared::Environment;
use super::tenant::{ScalekitUser, domain_of};
use crate::crypto::random_token;
use crate::simulator::answer::{redirect, with_query};
use crate::simulator::html::message;
use crate::simulator::params::Params;

/// `GET /oauth/authorize`.
pub(super) async fn authorize(
    State(environment): State<Arc<Environment>>,
    RawQuery(query): RawQuery,
) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let read =
        AuthorizationRequest::read(&params, &environment.clients, &environment.redirect_uris);
    let request = match read {
        Ok(request) => request,
        Err(Refusal::Page) => return invalid_redirect_uri(),
        Err(Refusal::Answer(address, error)) => return send_error(&environment, &address, error),
    };
    let forced = environment.faults.find(|fault| match fault {
        ScalekitFault::AuthorizeError(code, text) => Some((code.clone(), text.clone())),
        _ => None,
    });
    if let Some((code, text)) = forced {
        let known = catalogue::find(&code).map(|error| error.1.to_owned());
        let text = text.or(known).unwrap_or_default();
        return send(&environment, &request.address, error_fields(&code, &text));
    }
    let connection = match environment.select(&request.selectors) {
        Ok(connection) => connection,
        Err(error) => return send_error(&environment, &request.address, error),
    };
    ask(
        &environment,
        &SignIn {
            request,
            connection,
        },
    )
}

/// Asks the person at the IdP's page, if no one is to sign in by itself.
fn ask(environment: &Environment, sign_in: &SignIn) -> Response {
    let by_itself = environment.state().default_login.clone();
    let user = by_itself.and_then(|subject| environment.user(&subject));
    if let Some(user) = user.filter(|user| user.connection == sign_in.connection.id) {
        return finish(environment, sign_in, user);
    }
    if sign_in.request.silent {
        let error = catalogue::USER_LOGIN_REQUIRED;
        return send_error(environment, &sign_in.request.address, error);
    }
    let id = environment
        .state()
        .begin(sign_in.clone(), environment.now());
    idp_page::render(environment, &id, sign_in)
}

/// `POST /idp/login`.
pub(super) async fn login(State(environment): State<Arc<Environment>>, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let id = form.get("interaction").unwrap_or_default();
    let Some(sign_in) = environment.state().find(id, environment.now()) else {
        let text = "This page is too old. Begin again at the application.";
        return message(StatusCode::BAD_REQUEST, "Begin again", text);
    };
    let error = match form.get("answer") {
        Some("cancel") => Some(catalogue::ACCESS_DENIED),
        Some("error") => form.get("error").and_then(catalogue::find),
        _ => None,
    };
    if let Some(error) = error {
        return send_error(&environment, &sign_in.request.address, error);
    }
    let user = form
        .get("user")
        .and_then(|subject| environment.user(subject));
    match user.filter(|user| user.connection == sign_in.connection.id) {
        Some(user) => finish(&environment, &sign_in, user),
        None => message(
            StatusCode::BAD_REQUEST,
            "Who is it?",
            "Nobody of this identity provider was chosen.",
        ),
    }
}

/// The IdP has said who it is: a code, unless the customer's rules are against it.
fn finish(environment: &Environment, sign_in: &SignIn, user: &ScalekitUser) -> Response {
    let request = &sign_in.request;
    let domains = environment.state().domains.clone();
    let organization = environment.organization(&sign_in.connection.organization);
    let own_domains_only = organization.is_some_and(|known| known.own_domains_only);
    let own = own_domains_only.then(|| {
        domains
            .iter()
            .filter(|(_, id)| *id == sign_in.connection.organization)
            .map(|(domain, _)| domain.as_str())
            .collect::<Vec<_>>()
    });
    if let Err(error) = admit(user, own.as_deref()) {
        return send_error(environment, &request.address, error);
    }
    let grant = Grant {
        client_id: request.client_id.clone(),
        redirect_uri: request.address.redirect_uri.clone(),
        scope: request.scope.clone(),
        nonce: request.nonce.clone(),
        code_challenge: request.code_challenge.clone(),
        subject: user.subject(),
        connection: sign_in.connection.id.clone(),
        organization: sign_in.connection.organization.clone(),
        sid: format!("ses_{}", random_token()),
    };
    let now = environment.now();
    let code = environment.state().codes.issue(grant, now);
    let mut fields = vec![("code", code)];
    if let Some(hints) = &environment.shapes.callback_hints {
        fields.push(("connection_id", sign_in.connection.id.clone()));
        let relay_state = hints.relay_state.clone();
        fields.extend(relay_state.map(|value| ("relay_state", value)));
    }
    send(environment, &request.address, fields)
}

/// Whether a person may come in; `own_domains` are those that addresses have to be in, if any.
fn admit(user: &ScalekitUser, own_domains: Option<&[&str]>) -> Result<(), SignInError> {
    if !user.active {
        return Err(catalogue::USER_NOT_ACTIVE);
    }
    let Some(email) = &user.email else {
        return Err(catalogue::MANDATORY_ATTRIBUTE_MISSING);
    };
    let domain = domain_of(email).unwrap_or_default();
    match own_domains {
        Some(own) if !own.contains(&&*domain) => Err(catalogue::INVALID_USER_DOMAIN),
        _ => Ok(()),
    }
}

fn error_fields(code: &str, description: &str) -> Vec<(&'static str, String)> {
    vec![
        ("error", code.to_owned()),
        ("error_description", description.to_owned()),
    ]
}

fn send_error(
    environment: &Environment,
    address: &ReturnAddress,
    (code, description): SignInError,
) -> Response {
    send(environment, address, error_fields(code, description))
}

fn send(
    environment: &Environment,
    address: &ReturnAddress,
    mut fields: Vec<(&'static str, String)>,
) -> Response {
    let wrong = environment.faults.has(&ScalekitFault::WrongState);
    let state = match &address.state {
        _ if environment.faults.has(&ScalekitFault::OmitState) => None,
        Some(_) if wrong => Some("wrong-state".to_owned()),
        other => other.clone(),
    };
    fields.extend(state.map(|state| ("state", state)));
    redirect(&with_query(&address.redirect_uri, &fields))
}

fn invalid_redirect_uri() -> Response {
    let (code, description) = catalogue::INVALID_REDIRECT_URI;
    message(StatusCode::BAD_REQUEST, code, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_come_in() {
        let alice = ScalekitUser::new("conn_1", "alice").email("alice@Example.com");
        assert_eq!(admit(&alice, None), Ok(()));
        assert_eq!(admit(&alice, Some(&["example.org", "example.com"])), Ok(()));
        let refused = Err(catalogue::INVALID_USER_DOMAIN);
        assert_eq!(admit(&alice, Some(&["example.org"])), refused);
        assert_eq!(admit(&alice, Some(&[])), refused);
        let nameless = ScalekitUser::new("conn_1", "bob");
        let refused = Err(catalogue::MANDATORY_ATTRIBUTE_MISSING);
        assert_eq!(admit(&nameless, None), refused);
        let refused = Err(catalogue::USER_NOT_ACTIVE);
        assert_eq!(admit(&alice.inactive(), None), refused);
    }
}
