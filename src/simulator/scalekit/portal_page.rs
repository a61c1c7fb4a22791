//! The admin portal as it is shown in a frame of the application.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::portal::{Closed, SESSION_LIFETIME, Scope};
use super::portal_events::{About, PortalEvent};
use super::shared::Environment;
use super::tenant::{COMPLETED, ScalekitConnection};
use crate::clock::SecondsSinceEpoch;
use crate::simulator::html::{escape, framed_page};
use crate::simulator::params::Params;

/// How long before its end a session warns.
const WARNING: Duration = Duration::from_secs(5 * 60);
/// Why a link that was used, or that is over, opens nothing.
const OVER: &str = "SESSION_EXPIRED";
const UNKNOWN: &str = "LINK_NOT_FOUND";

/// `GET /magicLink/{link}`.
pub(super) async fn open(
    State(environment): State<Arc<Environment>>,
    Path(link): Path<String>,
) -> Response {
    let now = environment.now();
    let opened = environment.state().portals.open(&link, now);
    match opened {
        Ok((session, scope)) => {
            let events = vec![about(&scope, None).event(PortalEvent::LoadSuccess)];
            portal(&environment, &session, &scope, &events)
        }
        Err(closed) => failure(&environment, &closed, PortalEvent::LoadFailure),
    }
}

/// `POST /portal`: what a button does.
pub(super) async fn act(State(environment): State<Arc<Environment>>, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let session = form.get("session").unwrap_or_default();
    let found = environment
        .state()
        .portals
        .session(session, environment.now());
    let scope = match found {
        Ok(scope) => scope,
        Err(closed) => return failure(&environment, &closed, PortalEvent::SessionExpiry),
    };
    let events: Vec<Value> = perform(&environment, &scope, &form).into_iter().collect();
    portal(&environment, session, &scope, &events)
}

/// Does what a form asks for within the scope, and says which event that is.
fn perform(environment: &Environment, scope: &Scope, form: &Params) -> Option<Value> {
    let mut state = environment.state();
    let own = |known: &&mut ScalekitConnection| known.organization == scope.organization;
    if let Some(name) = form.get("event") {
        let connection = state.connections.iter_mut().find(own).cloned();
        let about = about(scope, connection.as_ref());
        return PortalEvent::find(name).map(|event| about.event(event));
    }
    let (what, id) = form.get("action")?.split_once(' ')?;
    match what {
        "enable" | "disable" if scope.features.sso => {
            let mut mine = state.connections.iter_mut().filter(own);
            let connection = mine.find(|known| known.id == id)?;
            connection.enabled = what == "enable";
            if connection.enabled {
                COMPLETED.clone_into(&mut connection.status);
            }
            let event = if connection.enabled {
                PortalEvent::SsoEnabled
            } else {
                PortalEvent::SsoDisabled
            };
            Some(about(scope, Some(connection)).event(event))
        }
        "directory" if scope.features.dir_sync => {
            let on = id == "enable";
            state.portals.set_directory(&scope.organization, on);
            let event = if on {
                PortalEvent::DirectoryEnabled
            } else {
                PortalEvent::DirectoryDisabled
            };
            Some(about(scope, None).event(event))
        }
        _ => None,
    }
}

fn about<'a>(scope: &'a Scope, connection: Option<&'a ScalekitConnection>) -> About<'a> {
    About {
        organization: Some(&scope.organization),
        connection,
        ends_at: scope.ends_at,
        error_code: OVER,
    }
}

/// The page, which posts `events` at once, and those of its end when that comes.
fn portal(environment: &Environment, session: &str, scope: &Scope, events: &[Value]) -> Response {
    let organization = environment.organization(&scope.organization);
    let name = organization.map_or(&*scope.organization, |known| &*known.name);
    let mut main = format!(
        "<h1>Single sign-on of {}</h1>\n<p class=\"soft\">A stand-in for the admin portal.</p>\n\
         <form method=\"post\" action=\"/portal\">\n<input type=\"hidden\" name=\"session\" value=\"{}\">\n",
        escape(name),
        escape(session)
    );
    main.push_str(&connections(environment, scope));
    main.push_str(&directory(environment, scope));
    main.push_str("<details><summary>Post an event</summary>\n<ul class=\"rows\">\n");
    for event in PortalEvent::ALL {
        // Writing to a String does not fail.
        let _ = writeln!(
            main,
            "<li><button id=\"{0}\" name=\"event\" value=\"{0}\"><code>{0}</code></button></li>",
            event.name()
        );
    }
    main.push_str("</ul>\n</details>\n</form>");
    let later = [
        (scope.ends_at.minus(WARNING), PortalEvent::SessionWarning),
        (scope.ends_at, PortalEvent::SessionExpiry),
    ];
    let now = environment.now();
    let about = about(scope, None);
    let later: Vec<Value> = later
        .into_iter()
        .map(|(at, event)| json!([at.since(now).as_millis() as u64, about.event(event)]))
        .collect();
    let script = script(&environment.portal_origins, events, &later);
    let origins = &environment.portal_origins;
    framed_page(StatusCode::OK, "Admin portal", &main, &script, origins)
}

fn connections(environment: &Environment, scope: &Scope) -> String {
    if !scope.features.sso {
        return String::new();
    }
    let mut html = String::from("<fieldset>\n<legend>Connections</legend>\n");
    let state = environment.state();
    for connection in &state.connections {
        if connection.organization != scope.organization {
            continue;
        }
        let (action, label, class) = if connection.is_active() {
            ("disable", "Disable", "on")
        } else {
            ("enable", "Enable", "off")
        };
        let id = escape(&connection.id);
        let _ = writeln!(
            html,
            "<div class=\"choice\"><span>{} <small><code>{id}</code> {}</small></span>\
             <span class=\"badge {class}\" id=\"status-{id}\">{}</span>\
             <button id=\"{action}-{id}\" name=\"action\" value=\"{action} {id}\">{label}</button></div>",
            escape(&connection.provider),
            escape(&connection.kind),
            escape(&standing(connection)),
        );
    }
    html + "</fieldset>\n"
}

fn directory(environment: &Environment, scope: &Scope) -> String {
    if !scope.features.dir_sync {
        return String::new();
    }
    let on = environment
        .state()
        .portals
        .has_directory(&scope.organization);
    let (action, label, class, standing) = if on {
        ("disable", "Disable", "on", "enabled")
    } else {
        ("enable", "Enable", "off", "disabled")
    };
    format!(
        "<fieldset>\n<legend>Directory</legend>\n<div class=\"choice\"><span>SCIM</span>\
         <span class=\"badge {class}\" id=\"status-directory\">{standing}</span>\
         <button id=\"{action}-directory\" name=\"action\" value=\"directory {action}\">{label}</button></div>\n\
         </fieldset>\n"
    )
}

/// How things stand with a connection, in words.
pub(super) fn standing(connection: &ScalekitConnection) -> String {
    match (connection.enabled, connection.status == COMPLETED) {
        (true, true) => "enabled".to_owned(),
        (false, true) => "disabled".to_owned(),
        (_, false) => connection.status.to_ascii_lowercase().replace('_', " "),
    }
}

fn failure(environment: &Environment, closed: &Closed, event: PortalEvent) -> Response {
    let (about, status, text) = match closed {
        Closed::Over(scope) => (
            about(scope, None),
            StatusCode::GONE,
            "This link was used before, or it is too old. Ask the application for a new one.",
        ),
        Closed::Unknown => (
            About {
                organization: None,
                connection: None,
                ends_at: SecondsSinceEpoch::default(),
                error_code: UNKNOWN,
            },
            StatusCode::NOT_FOUND,
            "There is no such link.",
        ),
    };
    let main = format!("<h1>Admin portal</h1><p id=\"failure\">{text}</p>");
    let origins = &environment.portal_origins;
    let script = script(origins, &[about.event(event)], &[]);
    framed_page(status, "Admin portal", &main, &script, origins)
}

/// Posts to the page around, if that is of an origin that may know; a browser keeps the message from others.
fn script(origins: &[String], events: &[Value], later: &[Value]) -> String {
    debug_assert!(SESSION_LIFETIME.as_millis() < i32::MAX as u128);
    format!(
        "const post = event => {}.forEach(origin => window.parent.postMessage(event, origin));\n\
         {}.forEach(post);\n\
         {}.forEach(([wait, event]) => setTimeout(post, wait, event));",
        in_script(&json!(origins)),
        in_script(&json!(events)),
        in_script(&json!(later)),
    )
}

/// JSON that can't end the script that it stands in.
fn in_script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_end_the_script() {
        let events = [json!({"organization_id": "</script><b>"})];
        let script = script(&["https://app.example".to_owned()], &events, &[]);
        assert!(!script.contains('<'), "{script}");
        assert!(script.contains(r#"["https://app.example"]"#));
    }
}
