//! The page for people: who can sign in with what, and what was sent.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::codes::Sent;
use super::shared::Mosaic;
use super::user::MosaicUser;
use crate::simulator::html::{escape, page};

/// `GET /`.
pub(super) async fn front(State(mosaic): State<Arc<Mosaic>>) -> Response {
    let mut people = String::new();
    for user in &mosaic.users {
        people.push_str(&person(user));
    }
    let (sent, sessions) = {
        let state = mosaic.state();
        let mut list = String::new();
        for sent in state.codes.sent() {
            list.push_str(&message(sent));
        }
        (list, state.sessions.count(mosaic.now()))
    };
    let sent = if sent.is_empty() {
        "<p id=\"sent\">Nothing was sent yet.</p>".to_owned()
    } else {
        format!("<ul id=\"sent\">\n{sent}</ul>")
    };
    let main = format!(
        "<h1>Mosaic</h1>\n<p class=\"soft\">A stand-in for the API. Nothing is really sent: codes and links \
         are here, the newest first.</p>\n<h2>Sent</h2>\n{sent}\n<p><a id=\"again\" href=\"/\">Look again</a></p>\n\
         <h2>People</h2>\n<ul id=\"people\">\n{people}</ul>\n<h2>This tenant</h2>\n<dl><dt>Issuer</dt><dd><code>{}</code></dd><dt>Tenant</dt><dd><code>{}</code></dd>\
         <dt>Sessions</dt><dd id=\"sessions\">{sessions}</dd></dl>",
        escape(&mosaic.issuer),
        escape(&mosaic.tenant),
    );
    page(StatusCode::OK, "Mosaic", &main)
}

fn person(user: &MosaicUser) -> String {
    let password = user.password().map(|password| password.expose().as_str());
    let mut html = format!("<li><strong>{}</strong><dl>", escape(user.id()));
    for (name, value) in [
        ("password", password),
        ("e-mail", user.email()),
        ("phone", user.phone()),
    ] {
        if let Some(value) = value {
            // Writing to a String does not fail.
            let _ = write!(
                html,
                "<dt>{name}</dt><dd><code>{}</code></dd>",
                escape(value)
            );
        }
    }
    html.push_str("</dl></li>\n");
    html
}

fn message(sent: &Sent) -> String {
    let what = match &sent.link {
        Some(link) => format!("<a href=\"{0}\">{0}</a>", escape(link)),
        None => format!("<code>{}</code>", escape(&sent.code)),
    };
    format!(
        "<li>{what} <span class=\"soft\">to {}</span></li>\n",
        escape(&sent.to)
    )
}
