//! The page that stands for a customer's IdP.

use std::fmt::Write as _;

use axum::response::Response;
use http::StatusCode;

use super::catalogue;
use super::fault::ScalekitEndpoint;
use super::request::SignIn;
use super::shared::Environment;
use crate::simulator::html::{escape, page};

pub(super) fn render(environment: &Environment, interaction: &str, sign_in: &SignIn) -> Response {
    let connection = &sign_in.connection;
    let organization = environment.organization(&connection.organization);
    let name = organization.map_or(&*connection.organization, |known| &*known.name);
    let title = format!("Sign in at {name}’s {}", connection.provider);
    let main = format!(
        "<h1>{}</h1>\n<p class=\"soft\">A stand-in for the identity provider behind \
         <code id=\"connection\">{}</code>, to continue to <code>{}</code></p>\n\
         <form id=\"sign-in\" method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"interaction\" value=\"{}\">\n{}{}</form>",
        escape(&title),
        escape(&connection.id),
        escape(&sign_in.request.client_id),
        ScalekitEndpoint::IdpLogin.path(),
        escape(interaction),
        people(environment, sign_in),
        actions(),
    );
    page(StatusCode::OK, &title, &main)
}

fn people(environment: &Environment, sign_in: &SignIn) -> String {
    let hint = sign_in.request.selectors.login_hint.as_deref();
    let users: Vec<_> = environment.users_of(&sign_in.connection.id).collect();
    let hinted = users.iter().position(|user| {
        let email = user.email.as_deref().unwrap_or_default();
        hint.is_some_and(|hint| hint.eq_ignore_ascii_case(email))
    });
    let mut html = String::from("<fieldset>\n<legend>Who are you?</legend>\n");
    for (at, user) in users.iter().enumerate() {
        let checked = at == hinted.unwrap_or_default();
        // Writing to a String does not fail.
        let _ = writeln!(
            html,
            "<label class=\"choice\"><input type=\"radio\" name=\"user\" id=\"user-{}\" value=\"{}\"{}>\
             <span>{}<small>{}</small></span></label>",
            escape(&user.idp_user_id),
            escape(&user.subject()),
            if checked { " checked" } else { "" },
            escape(user.display_name()),
            escape(user.email.as_deref().unwrap_or("no address")),
        );
    }
    if users.is_empty() {
        html.push_str("<p>Nobody is known here.</p>\n");
    }
    html.push_str("</fieldset>\n");
    html
}

fn actions() -> String {
    let mut html = String::from(
        "<div class=\"actions\"><button class=\"primary\" id=\"submit\" name=\"answer\" value=\"sign-in\">\
         Sign in</button><button id=\"cancel\" name=\"answer\" value=\"cancel\">Cancel</button></div>\n\
         <details><summary>Let the identity provider fail</summary>\n<div class=\"actions\">\
         <label class=\"hidden-label\" for=\"error\">Error</label><select id=\"error\" name=\"error\">\n",
    );
    for (code, _) in catalogue::of_idps() {
        let _ = writeln!(html, "<option>{code}</option>");
    }
    html.push_str(
        "</select>\n<button id=\"send-error\" name=\"answer\" value=\"error\">Fail</button></div>\n</details>\n",
    );
    html
}
