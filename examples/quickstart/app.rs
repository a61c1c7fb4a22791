//! The routes, each with its policy.

use std::convert::Infallible;
use std::env;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tower_sso::AccessToken;
use tower_sso::axum::AxumService;
use tower_sso::{BoxError, Policy, RequireLayer, Session, SilentLayer, Sso, User};

use crate::page;

/// What `/acr` and `/protected` ask for.
pub(crate) struct Demands {
    acr: Vec<String>,
    protected: Policy,
}

impl Demands {
    pub(crate) fn from_env() -> Result<Self, BoxError> {
        let words = |name: &str| -> Vec<String> {
            let text = env::var(name).unwrap_or_default();
            text.split_whitespace().map(str::to_owned).collect()
        };
        let mut acr = words("SSO_DEMO_ACR");
        if acr.is_empty() {
            acr.push("urn:example:gold".to_owned());
        }
        let mut protected = Policy::login();
        let (methods, classes) = (
            words("SSO_DEMO_PROTECTED_AMR"),
            words("SSO_DEMO_PROTECTED_ACR"),
        );
        if !methods.is_empty() {
            protected = protected.amr_all(methods);
        }
        if !classes.is_empty() {
            protected = protected.acr(classes);
        }
        if let Some(seconds) = words("SSO_DEMO_PROTECTED_MAX_AGE").first() {
            let seconds = seconds
                .parse()
                .map_err(|_| "SSO_DEMO_PROTECTED_MAX_AGE must be a whole number of seconds")?;
            protected = protected.max_age(Duration::from_secs(seconds));
        }
        Ok(Self { acr, protected })
    }
}

pub(crate) fn app(sso: &Sso, demands: &Demands) -> AxumService {
    let require = RequireLayer::new;
    let router = Router::new()
        .route("/", get(home))
        .route(
            "/protected",
            get(identity).layer(require(demands.protected.clone())),
        )
        .route("/mfa", get(identity).layer(require(Policy::mfa())))
        .route(
            "/recent",
            get(identity).layer(require(Policy::login().max_age(Duration::from_secs(60)))),
        )
        .route(
            "/acr",
            get(identity).layer(require(Policy::login().acr(demands.acr.clone()))),
        )
        .route("/optional", get(optional).layer(SilentLayer::new()))
        .route("/token", get(token))
        .route("/api/me", get(identity))
        .route("/events", get(events).layer(require(Policy::login())))
        .with_state(sso.clone());
    sso.into_axum(router)
}

async fn home(user: Option<User>) -> impl IntoResponse {
    Html(page::home(user.as_ref()))
}

async fn identity(session: Session) -> Json<Value> {
    Json(describe(&session))
}

async fn optional(session: Option<Session>) -> Json<Value> {
    Json(json!({
        "signed_in": session.is_some(),
        "sub": session.as_ref().map(Session::subject),
    }))
}

/// What can be told of an access token without giving it away.
async fn token(token: AccessToken) -> Json<Value> {
    let hash = Sha256::digest(token.expose());
    Json(json!({
        "access_token_sha256": hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "expires_in": token.expires_in().map(|left| left.as_secs()),
    }))
}

/// One event a second, until the session ends.
async fn events(State(sso): State<Sso>, session: Session) -> impl IntoResponse {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Event, Infallible>>(1);
    tokio::spawn(async move {
        let ticking = async {
            for tick in 0_u64.. {
                if sender
                    .send(Ok(Event::default().data(tick.to_string())))
                    .await
                    .is_err()
                {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            () = ticking => {}
            () = sso.ended(&session) => {}
        }
    });
    Sse::new(tokio_stream::wrappers::ReceiverStream::new(receiver))
}

/// The named fields, then every other claim. A claim never takes a named field's place.
fn describe(session: &Session) -> Value {
    let mut claims = session.claims();
    let mut fields = Map::new();
    fields.insert("iss".into(), session.issuer().into());
    fields.insert("sub".into(), session.subject().into());
    fields.insert(
        "email".into(),
        claims.remove("email").unwrap_or(Value::Null),
    );
    fields.insert("amr".into(), session.amr().collect::<Vec<_>>().into());
    fields.insert("acr".into(), session.acr().into());
    fields.insert(
        "auth_time".into(),
        session.auth_time().map(|time| time.0).into(),
    );
    fields.insert("sid".into(), session.sid().into());
    fields.insert("org".into(), session.organization().into());
    fields.insert("connection".into(), session.connection().into());
    for (name, value) in claims {
        fields.entry(name).or_insert(value);
    }
    Value::Object(fields)
}
