//! The routes of one app, with the login handlers of the example: password, code, e-mail link.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_sso::provider::BackendSession;
use tower_sso::session::ReturnTo;
use tower_sso::vendor::mosaic::{Attempt, Channel, EmailLink, Factor, Identifier, Mosaic};
use tower_sso::{AccessToken, Policy, RequireLayer, Session, SignIn, SilentLayer, User};

#[derive(Clone)]
struct App {
    origin: &'static str,
    mosaic: Mosaic,
}

pub(super) fn routes(origin: &'static str, mosaic: &Mosaic) -> Router {
    let guarded = |policy| get(who).post(who).layer(RequireLayer::new(policy));
    Router::new()
        .route("/", get(greet))
        .route("/greeting", get(greet).layer(SilentLayer::new()))
        .route("/protected", guarded(Policy::login()))
        .route("/mfa", guarded(Policy::mfa()))
        .route("/otp", guarded(Policy::login().amr_any(["eotp", "sms"])))
        .route("/both", guarded(Policy::login().amr_all(["pwd", "eotp"])))
        .route("/token", get(token))
        .route("/login", get(page).post(password))
        .route("/login/code", post(send_code))
        .route("/login/otp", post(otp))
        .route("/login/mail", post(send_link))
        .route("/login/link", get(link))
        .with_state(App {
            origin,
            mosaic: mosaic.clone(),
        })
}

async fn who(session: Session) -> Json<Value> {
    Json(json!({
        "sub": session.subject(),
        "amr": session.amr().collect::<Vec<_>>(),
        "auth_time": session.auth_time().map(|time| time.0),
        "sid": session.sid(),
        "public_id": session.public_id(),
    }))
}

async fn greet(user: Option<User>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.subject().to_owned())
}

async fn token(token: AccessToken) -> String {
    token
        .expires_in()
        .map_or(0, |left| left.as_secs())
        .to_string()
}

async fn page() -> &'static str {
    "sign in"
}

#[derive(Deserialize)]
#[serde(default)]
struct Typed {
    username: String,
    password: String,
    channel: String,
    passcode: String,
    return_to: String,
}

impl Default for Typed {
    fn default() -> Self {
        Self {
            username: String::new(),
            password: String::new(),
            channel: "email".to_owned(),
            passcode: String::new(),
            return_to: "/".to_owned(),
        }
    }
}

impl Typed {
    fn channel(&self, user: &User) -> (Channel, Identifier) {
        match (&*self.channel, user.email()) {
            ("email", Some(email)) => (Channel::Email, Identifier::Email(email.to_owned())),
            _ => (Channel::Sms, Identifier::UserId(user.subject().to_owned())),
        }
    }
}

async fn password(State(app): State<App>, sign_in: SignIn, Form(typed): Form<Typed>) -> Response {
    let who = Identifier::Username(typed.username);
    let factor = Factor::password(who, typed.password).client(sign_in.client().clone());
    finish(sign_in, app.mosaic.sign_in(factor).await, &typed.return_to).await
}

async fn send_code(State(app): State<App>, user: User, Form(typed): Form<Typed>) -> Response {
    let (channel, who) = typed.channel(&user);
    sent(app.mosaic.send_otp(channel, &who).await)
}

async fn otp(
    State(app): State<App>,
    user: User,
    sign_in: SignIn,
    Form(typed): Form<Typed>,
) -> Response {
    let Some(session_id) = sign_in.session_id().cloned() else {
        return Redirect::to("/login").into_response();
    };
    let factor = Factor::otp(typed.channel(&user).1, typed.passcode)
        .on_session(session_id, user.subject())
        .client(sign_in.client().clone());
    finish(sign_in, app.mosaic.sign_in(factor).await, &typed.return_to).await
}

/// The state of a link, bound to the browser that asked for it.
const LINK: &str = "__Host-link";
const STATE: &str = "state-of-a-link";

async fn send_link(State(app): State<App>, Form(typed): Form<Typed>) -> Response {
    let link = EmailLink::new(typed.username, format!("{}/login/link", app.origin), STATE);
    let mut answer = sent(app.mosaic.send_email_link(&link).await);
    let cookie = format!("{LINK}={STATE}; Secure; HttpOnly; SameSite=Lax; Path=/");
    answer
        .headers_mut()
        .append(header::SET_COOKIE, cookie.parse().unwrap());
    answer
}

#[derive(Deserialize)]
struct Came {
    code: String,
    state: String,
}

async fn link(
    State(app): State<App>,
    sign_in: SignIn,
    headers: HeaderMap,
    Query(came): Query<Came>,
) -> Response {
    let own = format!("{LINK}={}", came.state);
    let cookies = headers.get(header::COOKIE).map(|it| it.to_str().unwrap());
    if !cookies.unwrap_or_default().split("; ").any(|it| it == own) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let factor = Factor::email_link(came.code).client(sign_in.client().clone());
    finish(sign_in, app.mosaic.sign_in(factor).await, "/protected").await
}

fn sent(outcome: tower_sso::Result<Attempt<()>>) -> Response {
    match outcome {
        Ok(Attempt::Done(())) => "sent".into_response(),
        Ok(_) => StatusCode::CONFLICT.into_response(),
        Err(error) => failed(&error),
    }
}

async fn finish(
    sign_in: SignIn,
    came: tower_sso::Result<Attempt<BackendSession>>,
    return_to: &str,
) -> Response {
    let finished = match came {
        Ok(Attempt::Done(session)) => sign_in.finish(session).await,
        Ok(Attempt::Refused(_)) => return StatusCode::UNAUTHORIZED.into_response(),
        Ok(Attempt::SessionNotFound) => return Redirect::to("/login").into_response(),
        Err(error) => Err(error),
    };
    match finished {
        Ok(_) => {
            let back = ReturnTo::parse(return_to).unwrap_or_else(ReturnTo::root);
            Redirect::to(back.as_str()).into_response()
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &tower_sso::Error) -> Response {
    match error.is_temporary() {
        true => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        false => StatusCode::BAD_GATEWAY.into_response(),
    }
}
