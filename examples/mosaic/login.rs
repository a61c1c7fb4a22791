//! The app's own sign-in page: Mosaic has none.
//!
//! It is asked for with `return_to`, and with what a route wants besides a sign-in, as `multi_factor=true`.

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
    #[serde(default)]
    login_hint: String,
    prompt: Option<String>,
    max_age: Option<String>,
}

/// The page: for a password, or for a code where somebody is signed in and has to be sure.
pub(crate) async fn ask(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    user: Option<User>,
) -> Response {
    let return_to = back(&asked.return_to);
    // Somebody who is signed in, and has to show anew who they are.
    let anew = asked.prompt.is_some() || asked.max_age.is_some();
    match user {
        Some(user) if asked.multi_factor => offer_code(&app, &user, &return_to),
        Some(user) if !anew => Html(page::signed_in(&app, &user, &return_to)).into_response(),
        _ => Html(page::password(&app, &return_to, &asked.login_hint, None)).into_response(),
    }
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
    let return_to = back(&form.return_to);
    let factor = Factor::password(Identifier::Username(form.username.clone()), form.password);
    let factor = factor.client(sign_in.client().clone());
    match app.mosaic.sign_in(factor).await {
        Ok(Attempt::Done(session)) => match sign_in.finish(session).await {
            Ok(_) => Redirect::to(return_to.as_str()).into_response(),
            Err(error) => failed(&app, &error),
        },
        Ok(_) => {
            // Not which of the two is wrong: that would tell a stranger who has an account.
            let complaint = Some("User name and password do not fit together.");
            let again = page::password(&app, &return_to, &form.username, complaint);
            (StatusCode::UNAUTHORIZED, Html(again)).into_response()
        }
        Err(error) => failed(&app, &error),
    }
}

fn offer_code(app: &App, user: &User, return_to: &ReturnTo) -> Response {
    match user.email() {
        Some(email) => Html(page::offer_code(app, email, return_to)).into_response(),
        None => no_address(app),
    }
}

#[derive(Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    passcode: String,
    #[serde(default)]
    return_to: String,
}

/// Has a code sent to the address that Mosaic knows. The page that asks for it is another one, so that loading
/// it again sends nothing.
pub(crate) async fn send_code(
    State(app): State<App>,
    user: User,
    Form(form): Form<Code>,
) -> Response {
    let Some(email) = user.email() else {
        return no_address(&app);
    };
    let who = Identifier::Email(email.to_owned());
    match app.mosaic.send_otp(Channel::Email, &who).await {
        Ok(Attempt::Done(())) => {
            let query = page::query(&back(&form.return_to));
            Redirect::to(&format!("/login/code?{query}")).into_response()
        }
        Ok(_) => {
            let text = "No code could be sent to your address.";
            let page = page::message(&app, "No code was sent", text);
            (StatusCode::CONFLICT, Html(page)).into_response()
        }
        Err(error) => failed(&app, &error),
    }
}

pub(crate) async fn ask_code(
    State(app): State<App>,
    user: User,
    Query(asked): Query<Asked>,
) -> Response {
    match user.email() {
        Some(email) => Html(page::code(&app, email, &back(&asked.return_to), None)).into_response(),
        None => no_address(&app),
    }
}

/// Adds the factor to the session that is there: its id stays on the server.
pub(crate) async fn otp(
    State(app): State<App>,
    user: User,
    sign_in: SignIn,
    Form(form): Form<Code>,
) -> Response {
    let return_to = back(&form.return_to);
    let from_the_start = || {
        let query = page::query(&return_to);
        Redirect::to(&format!("/login?prompt=login&{query}")).into_response()
    };
    let (Some(email), Some(session_id)) = (user.email(), sign_in.session_id()) else {
        return from_the_start();
    };
    // A code that was copied out of a mail brings a blank along.
    let factor = Factor::otp(Identifier::Email(email.to_owned()), form.passcode.trim())
        .on_session(session_id.clone(), user.subject())
        .client(sign_in.client().clone());
    match app.mosaic.sign_in(factor).await {
        Ok(Attempt::Done(session)) => match sign_in.finish(session).await {
            Ok(_) => Redirect::to(return_to.as_str()).into_response(),
            Err(error) => failed(&app, &error),
        },
        Ok(Attempt::SessionNotFound) => from_the_start(),
        Ok(Attempt::Refused(_)) => {
            let again = page::code(&app, email, &return_to, Some("That is not the code."));
            (StatusCode::UNAUTHORIZED, Html(again)).into_response()
        }
        Err(error) => failed(&app, &error),
    }
}

/// To where the person came from: a path of this app, whatever the form or the URL says.
fn back(return_to: &str) -> ReturnTo {
    ReturnTo::parse(return_to).unwrap_or_else(ReturnTo::root)
}

fn no_address(app: &App) -> Response {
    let text = "Mosaic knows no e-mail address of yours that a code could be sent to.";
    let page = page::message(app, "No second factor", text);
    (StatusCode::CONFLICT, Html(page)).into_response()
}

fn failed(app: &App, error: &tower_sso::Error) -> Response {
    tracing::warn!(%error, "nobody was signed in");
    let status = if error.is_temporary() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::BAD_GATEWAY
    };
    let page = page::message(
        app,
        "You were not signed in",
        "Please try again in a moment.",
    );
    (status, Html(page)).into_response()
}
