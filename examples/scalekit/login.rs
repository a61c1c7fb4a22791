//! The sign-in pages of both apps: an address first, and a password for those whose company has no single sign-on.

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use tower_sso::session::ReturnTo;

use crate::app::App;
use crate::page;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/login", get(ask_address).post(address))
        .route("/password", get(ask_password).post(password))
        .route("/style.css", get(style))
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    return_to: String,
    #[serde(default)]
    login_hint: String,
}

async fn ask_address(State(app): State<App>, Query(asked): Query<Asked>) -> Html<String> {
    Html(page::address(&app, &back(&asked.return_to)))
}

#[derive(Deserialize)]
pub(crate) struct Address {
    email: String,
    #[serde(default)]
    return_to: String,
}

/// Whether the address leads to a connection through which people can sign in: nobody is sent to Scalekit to be told
/// that there is none.
async fn address(State(app): State<App>, Form(form): Form<Address>) -> Response {
    let (email, return_to) = (form.email.trim(), back(&form.return_to));
    let query = |connection: Option<&str>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(connection.map(|id| ("connection_id", id)));
        query.append_pair("login_hint", email);
        query.append_pair("return_to", return_to.as_str()).finish()
    };
    match app.management.usable_connection(email).await {
        Ok(Some(connection)) => {
            let query = query(Some(&connection.id));
            Redirect::to(&format!("/auth/login?{query}")).into_response()
        }
        Ok(None) => Redirect::to(&format!("/password?{}", query(None))).into_response(),
        Err(error) => app.failed(&error),
    }
}

async fn ask_password(State(app): State<App>, Query(asked): Query<Asked>) -> Html<String> {
    let return_to = back(&asked.return_to);
    Html(page::password(&app, &return_to, &asked.login_hint, None))
}

#[derive(Deserialize)]
pub(crate) struct Password {
    username: String,
    password: String,
    #[serde(default)]
    return_to: String,
}

async fn password(
    State(app): State<App>,
    headers: HeaderMap,
    Form(form): Form<Password>,
) -> Response {
    // A form elsewhere would sign people in as somebody else.
    if !is_of_own_page(&app, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let return_to = back(&form.return_to);
    match app.own.account_of(&form.username, &form.password) {
        Some(account) => {
            // Who was signed in by this browser before is not any more.
            app.own.end(&headers);
            let cookie = app.own.begin(&account, None);
            let next = Redirect::to(return_to.as_str());
            ([(header::SET_COOKIE, cookie)], next).into_response()
        }
        None => {
            let complaint = Some("Address and password do not fit together.");
            let again = page::password(&app, &return_to, &form.username, complaint);
            (StatusCode::UNAUTHORIZED, Html(again)).into_response()
        }
    }
}

/// Whether a form stands on a page of this app. Every browser says so in one of two ways; what says neither is none,
/// and has nobody's cookies.
pub(crate) fn is_of_own_page(app: &App, headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => {
            let origin = headers.get(header::ORIGIN);
            origin.is_none_or(|origin| origin == app.url.as_str())
        }
    }
}

async fn style() -> impl IntoResponse {
    let css = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=300"),
    ];
    (css, include_str!("style.css"))
}

/// To where the person came from: a path of this app, whatever the form or the URL says.
fn back(return_to: &str) -> ReturnTo {
    ReturnTo::parse(return_to).unwrap_or_else(ReturnTo::root)
}
