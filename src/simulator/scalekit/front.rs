//! The page for people: the prepared customers, three ways to sign in, and what can go wrong.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::shared::Environment;
use super::switches::{self, SWITCHES};
use super::tenant::{ScalekitConnection, ScalekitOrganization};
use super::{catalogue, idp_initiated, portal_page};
use crate::simulator::answer::{redirect, with_query};
use crate::simulator::html::{escape, message, page};
use crate::simulator::params::Params;

/// `GET /`.
pub(super) async fn front(State(environment): State<Arc<Environment>>) -> Response {
    let mut organizations = String::new();
    for organization in &environment.organizations {
        organizations.push_str(&card(&environment, organization));
    }
    let main = format!(
        "<h1>Scalekit</h1>\n<p class=\"soft\">A stand-in for an environment: anybody can be anybody here.</p>\n\
         <h2>1. Sign in from the app</h2>\n{}\
         <div class=\"cards\" id=\"organizations\">\n{organizations}</div>\n\
         <h2>2. Sign in from the IdP</h2>\n{}<h2>3. An error</h2>\n{}\
         <h2>Until it is switched off</h2>\n{}\
         <dl><dt>Environment</dt><dd><code>{}</code></dd></dl>",
        by_address(&environment),
        from_the_idp(&environment),
        an_error(),
        switch_list(&environment),
        escape(&environment.url),
    );
    page(StatusCode::OK, "Scalekit", &main)
}

/// The application's login route with a selector.
fn login(environment: &Environment, name: &str, value: &str) -> Option<String> {
    let uri = environment.initiate_login_uri.as_ref()?;
    Some(with_query(uri, &[(name, value.to_owned())]))
}

fn by_address(environment: &Environment) -> String {
    let Some(uri) = &environment.initiate_login_uri else {
        return "<p>No application is registered.</p>\n".to_owned();
    };
    format!(
        "<form id=\"by-address\" method=\"get\" action=\"{}\">\n\
         <label>By an address: <input type=\"text\" name=\"login_hint\" placeholder=\"alice@example.com\">\
         </label></form>\n<p class=\"soft\">Or by organization or connection:</p>\n",
        escape(uri)
    )
}

fn card(environment: &Environment, organization: &ScalekitOrganization) -> String {
    let state = environment.state();
    let domains = state.domains.iter();
    let domains: Vec<&str> = domains
        .filter(|(_, id)| *id == organization.id)
        .map(|(domain, _)| domain.as_str())
        .collect();
    let id = escape(&organization.id);
    let mut html = format!(
        "<section class=\"card\" id=\"{id}\"><h3>{}</h3>\n<p class=\"soft\"><code>{id}</code><br>{}</p>\n",
        escape(&organization.name),
        escape(&domains.join(", ")),
    );
    let connections = state.connections.iter();
    for connection in connections.filter(|known| known.organization == organization.id) {
        html.push_str(&connection_html(environment, connection));
    }
    html.push_str("<div class=\"actions\">");
    if let Some(uri) = login(environment, "organization_id", &organization.id) {
        // Writing to a String does not fail.
        let _ = write!(
            html,
            "<a class=\"button\" id=\"from-app-{id}\" href=\"{}\">Sign in by organization</a>",
            escape(&uri)
        );
    }
    html + "</div></section>\n"
}

fn connection_html(environment: &Environment, connection: &ScalekitConnection) -> String {
    let id = escape(&connection.id);
    let mut html = format!(
        "<p>{} {} <span class=\"badge {}\">{}</span><br><code>{id}</code></p>\n<ul>\n",
        escape(&connection.provider),
        escape(&connection.kind),
        if connection.is_active() { "on" } else { "off" },
        escape(&portal_page::standing(connection)),
    );
    for user in environment.users_of(&connection.id) {
        let _ = writeln!(
            html,
            "<li>{} <small>{}</small></li>",
            escape(user.display_name()),
            escape(user.email.as_deref().unwrap_or("no address")),
        );
    }
    html.push_str("</ul>\n");
    if let Some(uri) = login(environment, "connection_id", &connection.id) {
        let _ = writeln!(
            html,
            "<div class=\"actions\"><a class=\"button\" id=\"from-app-{id}\" href=\"{}\">Sign in by connection</a></div>",
            escape(&uri)
        );
    }
    html
}

fn from_the_idp(environment: &Environment) -> String {
    let mut html = String::from(
        "<form id=\"from-idp\" method=\"post\" action=\"/idp/start\">\n\
         <label>Relay state: <input type=\"text\" name=\"relay_state\" placeholder=\"/a/page/of/the/app\"></label>\n\
         <div class=\"cards actions\">",
    );
    for user in &environment.users {
        let subject = user.subject();
        let _ = write!(
            html,
            "<button id=\"from-idp-{}-{}\" name=\"user\" value=\"{}\">{}<br><small>{}</small></button>",
            escape(&user.connection),
            escape(&user.idp_user_id),
            escape(&subject),
            escape(user.display_name()),
            escape(&user.connection),
        );
    }
    html + "</div>\n</form>\n"
}

fn an_error() -> String {
    let mut html = String::from(
        "<form id=\"an-error\" method=\"post\" action=\"/idp/error\">\n<div class=\"actions\">\
         <label class=\"hidden-label\" for=\"error\">Error</label><select id=\"error\" name=\"error\">\n",
    );
    for (code, _) in catalogue::ALL {
        let _ = writeln!(html, "<option>{code}</option>");
    }
    html + "</select>\n<button id=\"send-error\">Send to the login route</button>\n\
            <button id=\"hold-error\" formaction=\"/switch\" name=\"hold\" value=\"yes\">\
            Answer each sign-in with it</button></div>\n</form>\n"
}

fn switch_list(environment: &Environment) -> String {
    let on = environment.state().switches.clone();
    let mut html = String::from(
        "<form id=\"switches\" method=\"post\" action=\"/switch\">\n<div class=\"cards\">\n",
    );
    let known = |name: &str| SWITCHES.iter().any(|(switch, ..)| *switch == name);
    let held = on.iter().filter(|name| !known(name));
    let held = held.map(|code| {
        (
            format!("error:{code}"),
            format!("Each sign-in: {code}"),
            true,
        )
    });
    let listed = SWITCHES.iter().map(|(name, label, _)| {
        let pressed = on.contains(name);
        ((*name).to_owned(), (*label).to_owned(), pressed)
    });
    for (name, label, pressed) in held.chain(listed) {
        let _ = writeln!(
            html,
            "<button id=\"switch-{0}\" name=\"switch\" value=\"{0}\" aria-pressed=\"{pressed}\">{1}</button>",
            escape(&name),
            escape(&label),
        );
    }
    html + "</div>\n<div class=\"actions\"><button id=\"clear\" name=\"switch\" value=\"clear\">\
            Switch all off</button></div>\n</form>\n"
}

/// `POST /switch`: turns a switch over, holds an error, or ends all faults.
pub(super) async fn switch(State(environment): State<Arc<Environment>>, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let held = form.get("error").filter(|_| form.get("hold").is_some());
    let known = match (held, form.get("switch")) {
        (Some(code), _) => switches::toggle(&environment, &format!("error:{code}")),
        (None, Some("clear")) => {
            switches::clear(&environment);
            true
        }
        (None, name) => switches::toggle(&environment, name.unwrap_or_default()),
    };
    if known {
        redirect("/")
    } else {
        let text = "There is no such switch.";
        message(StatusCode::BAD_REQUEST, "Not switched", text)
    }
}

/// `POST /idp/start`: begins a sign-in at the IdP.
pub(super) async fn start(State(environment): State<Arc<Environment>>, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let user = form
        .get("user")
        .and_then(|subject| environment.user(subject));
    let url = user.and_then(|user| {
        let relay_state = form.get("relay_state");
        idp_initiated::url(&environment, user, relay_state)
    });
    match url {
        Some(url) => redirect(&url),
        None => nowhere(),
    }
}

/// `POST /idp/error`: a sign-in that began at the IdP failed; the application is told at its login route.
pub(super) async fn error(State(environment): State<Arc<Environment>>, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let error = form.get("error").and_then(catalogue::find);
    match (error, &environment.initiate_login_uri) {
        (Some((code, description)), Some(uri)) => {
            let fields = [
                ("error", code.to_owned()),
                ("error_description", description.to_owned()),
            ];
            redirect(&with_query(uri, &fields))
        }
        _ => nowhere(),
    }
}

fn nowhere() -> Response {
    let text = "There is nobody to sign in, or no application to send them to.";
    message(StatusCode::BAD_REQUEST, "Nothing to do", text)
}
