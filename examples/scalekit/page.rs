//! The pages.

use tower_sso::User;
use tower_sso::session::ReturnTo;
use tower_sso::vendor::scalekit::Connection;

use crate::admin;
use crate::app::App;
use crate::own_sessions::Account;

/// Who is signed in, as a page shows it.
pub(crate) struct Who {
    name: String,
    organization: Option<String>,
    is_admin: bool,
}

impl From<&Account> for Who {
    fn from(account: &Account) -> Self {
        Self {
            name: account.name.clone(),
            organization: account.organization.clone(),
            is_admin: false,
        }
    }
}

impl From<&User> for Who {
    fn from(user: &User) -> Self {
        Self {
            name: user.email().unwrap_or(user.subject()).to_owned(),
            organization: user.organization().map(str::to_owned),
            is_admin: user.has_role(admin::ROLE),
        }
    }
}

/// A page of an app, and what it wants.
type Entry = (&'static str, &'static str);

/// The first app's pages.
pub(crate) const FIRST: &[Entry] = &[
    ("/protected", "wants you signed in, by whatever way"),
    ("/organization", "is for one customer's people"),
    ("/admin", "is for administrators: their single sign-on"),
];
/// The second app's pages.
pub(crate) const SECOND: &[Entry] = &[("/protected", "wants a session of the app's own")];

pub(crate) fn home(app: &App, who: Option<&Who>, pages: &[Entry]) -> String {
    let greeting = match who {
        Some(who) => signed_in(who),
        None => format!(
            "<p>Nobody is signed in.</p>{}",
            address_form(&ReturnTo::root())
        ),
    };
    let pages: String = pages.iter().map(entry).collect();
    let (name, url) = (escape(app.other.0), escape(&app.other.1));
    let content = format!(
        "{greeting}\n<ul>\n{pages}<li><a id=\"other\" href=\"{url}/\">{name}</a><span>the other app</span></li>\n</ul>{}",
        stand_in(app)
    );
    shell(app, "Welcome", &content)
}

fn entry((path, what): &Entry) -> String {
    format!("<li><a href=\"{path}\">{path}</a><span>{what}</span></li>\n")
}

fn signed_in(who: &Who) -> String {
    let of = who.organization.as_ref().map_or_else(String::new, |id| {
        format!(" of <strong id=\"organization\">{}</strong>", escape(id))
    });
    let role = if who.is_admin {
        ", an administrator"
    } else {
        ""
    };
    format!(
        "<p>Signed in as <strong id=\"who\">{}</strong>{of}{role}.</p>\n\
         <form method=\"post\" action=\"/sign-out\"><button id=\"sign-out\">Sign out</button></form>",
        escape(&who.name)
    )
}

pub(crate) fn address(app: &App, return_to: &ReturnTo) -> String {
    shell(
        app,
        "Sign in",
        &format!("{}{}", address_form(return_to), stand_in(app)),
    )
}

fn address_form(return_to: &ReturnTo) -> String {
    format!(
        "<form id=\"by-address\" method=\"post\" action=\"/login\">{}\
         <label>Work e-mail<input type=\"email\" name=\"email\" autocomplete=\"email\" placeholder=\"alice@example.com\" required></label>\
         <button class=\"first\">Continue</button></form>",
        hidden(return_to)
    )
}

pub(crate) fn password(
    app: &App,
    return_to: &ReturnTo,
    username: &str,
    complaint: Option<&str>,
) -> String {
    let complaint = complaint.map_or_else(String::new, |text| {
        format!("<p class=\"bad\" role=\"alert\">{}</p>", escape(text))
    });
    let content = format!(
        "<p>Your company has no single sign-on here.</p>{complaint}\
         <form method=\"post\" action=\"/password\">{}\
         <label>E-mail<input name=\"username\" autocomplete=\"username\" value=\"{}\" required></label>\
         <label>Password<input type=\"password\" name=\"password\" autocomplete=\"current-password\" autofocus required></label>\
         <button class=\"first\">Sign in</button></form>{}",
        hidden(return_to),
        escape(username),
        note(
            app,
            "Somebody with a password here is <strong>erin@example.net</strong>, with <strong>newcomer</strong>."
        ),
    );
    shell(app, "Your password", &content)
}

pub(crate) fn admin(
    app: &App,
    organization: &str,
    connections: &[Connection],
    journal: &[String],
) -> String {
    let connections: String = connections.iter().map(connection).collect();
    let lines = journal
        .iter()
        .map(|line| format!("<li>{}</li>\n", escape(line)));
    let lines: String = lines.collect();
    let content = format!(
        "<p>The organization <strong id=\"organization\">{}</strong> signs in by:</p>\n\
         <ul id=\"connections\">\n{connections}</ul>\n\
         <p><a class=\"button first\" id=\"portal\" href=\"/admin/sso\">Set it up</a></p>\n\
         <p>What the portal and webhooks told, newest first:</p>\n<ul id=\"journal\">\n{lines}</ul>\n\
         <a class=\"button\" href=\"/\">To the start</a>",
        escape(organization)
    );
    shell(app, "Single sign-on", &content)
}

fn connection(connection: &Connection) -> String {
    let standing = if connection.is_usable() {
        "on"
    } else {
        "off, or not set up"
    };
    let provider = connection.provider.as_deref().unwrap_or("a provider");
    format!(
        "<li><strong>{}</strong><span>{}, {standing}</span></li>\n",
        escape(provider),
        escape(&connection.id)
    )
}

/// One sentence, and the way on.
pub(crate) fn message(app: &App, title: &str, text: &str) -> String {
    let text = escape(text);
    shell(
        app,
        title,
        &format!("<p>{text}</p><a class=\"button first\" href=\"/\">To the start</a>"),
    )
}

fn hidden(return_to: &ReturnTo) -> String {
    format!(
        "<input type=\"hidden\" name=\"return_to\" value=\"{}\">",
        escape(return_to.as_str())
    )
}

/// Where a newcomer finds the customers that a real app has.
fn stand_in(app: &App) -> String {
    let url = app.stand_in.as_deref().map(escape).unwrap_or_default();
    note(
        app,
        &format!(
            "The customers: <a id=\"stand-in\" href=\"{url}/\">{url}</a>, which stands in for Scalekit here."
        ),
    )
}

/// What only the stand-in has. The text is HTML.
fn note(app: &App, text: &str) -> String {
    match app.stand_in {
        Some(_) => format!("<p class=\"note\">{text}</p>"),
        None => String::new(),
    }
}

fn shell(app: &App, title: &str, content: &str) -> String {
    let (title, name) = (escape(title), escape(app.name));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · {name}</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n<main>\n\
         <header>{name}</header>\n<h1>{title}</h1>\n{content}\n</main>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
