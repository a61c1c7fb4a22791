//! The app's own sign-in page: Mosaic has none.
//!
//! It is asked for with `return_to`, and with `multi_factor=true` where a route wants a second factor.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use tower_sso::session::ReturnTo;
use tower_sso::vendor::mosaic::{Attempt, Channel, Factor, Identifier};
use tower_sso::{SignIn, User};

use crate::app::App;
use crate::page;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    return_to: String,
    #[serde(default)]
    multi_factor: bool,
}

/// The page: for a password, or for a code where somebody is signed in and has to be sure.
pub(crate) async fn ask(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    user: Option<User>,
) -> Html<String> {
    Html(match user {
        Some(user) if asked.multi_factor => page::offer_code(&app, &user, &asked.return_to),
        _ => page::password(&app, &asked.return_to, None),
    })
}

#[derive(Deserialize)]
pub(crate) struct Password {
    username: String,
    password: String,
    #[serde(default)]
    return_to: String,
}

pub(crate) async fn password(
    State(app): State<App>,
    sign_in: SignIn,
    Form(form): Form<Password>,
) -> Response {
    let factor = Factor::password(Identifier::Username(form.username), form.password);
    let factor = factor.client(sign_in.client().clone());
    match app.mosaic.sign_in(factor).await {
        Ok(Attempt::Done(session)) => match sign_in.finish(session).await {
            Ok(_) => back(&form.return_to),
            Err(error) => failed(&error),
        },
        Ok(_) => {
            let again = page::password(&app, &form.return_to, Some("That did not fit. Try again."));
            (StatusCode::UNAUTHORIZED, Html(again)).into_response()
        }
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    passcode: String,
    #[serde(default)]
    return_to: String,
}

/// Has a code sent to the address that Mosaic knows.
pub(crate) async fn send_code(
    State(app): State<App>,
    user: User,
    Form(form): Form<Code>,
) -> Response {
    let Some(email) = user.email() else {
        return (StatusCode::CONFLICT, "there is no address to send it to").into_response();
    };
    let who = Identifier::Email(email.to_owned());
    match app.mosaic.send_otp(Channel::Email, &who).await {
        Ok(Attempt::Done(())) => Html(page::code(&app, &form.return_to, None)).into_response(),
        Ok(_) => (StatusCode::CONFLICT, "no code could be sent").into_response(),
        Err(error) => failed(&error),
    }
}

/// Adds the factor to the session that is there: its id stays on the server.
pub(crate) async fn otp(
    State(app): State<App>,
    user: User,
    sign_in: SignIn,
    Form(form): Form<Code>,
) -> Response {
    let (Some(email), Some(session_id)) = (user.email(), sign_in.session_id()) else {
        return Redirect::to("/login").into_response();
    };
    let factor = Factor::otp(Identifier::Email(email.to_owned()), form.passcode)
        .on_session(session_id.clone(), user.subject())
        .client(sign_in.client().clone());
    match app.mosaic.sign_in(factor).await {
        Ok(Attempt::Done(session)) => match sign_in.finish(session).await {
            Ok(_) => back(&form.return_to),
            Err(error) => failed(&error),
        },
        Ok(Attempt::SessionNotFound) => Redirect::to("/login").into_response(),
        Ok(Attempt::Refused(_)) => {
            let again = page::code(&app, &form.return_to, Some("That is not the code."));
            (StatusCode::UNAUTHORIZED, Html(again)).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// To where the person came from: a path of this app, whatever the form says.
fn back(return_to: &str) -> Response {
    let path = ReturnTo::parse(return_to).unwrap_or_else(ReturnTo::root);
    Redirect::to(path.as_str()).into_response()
}

fn failed(error: &tower_sso::Error) -> Response {
    tracing::warn!(%error, "nobody was signed in");
    let status = if error.is_temporary() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::BAD_GATEWAY
    };
    (
        status,
        "You were not signed in. Please try again in a moment.",
    )
        .into_response()
}
