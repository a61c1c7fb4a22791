//! The pages.

use tower_sso::User;
use tower_sso::session::ReturnTo;

use crate::app::App;

pub(crate) fn home(app: &App, user: Option<&User>) -> String {
    let (who, action) = match user {
        Some(user) => (
            format!(
                "Signed in as <strong id=\"who\">{}</strong>",
                escape(name(user))
            ),
            SIGN_OUT,
        ),
        None => (
            "Nobody is signed in.".to_owned(),
            "<a class=\"button first\" id=\"sign-in\" href=\"/auth/login\">Sign in</a>",
        ),
    };
    let (sister, sister_name) = (escape(&app.sister), escape(app.sister_name));
    shell(
        app,
        "Welcome",
        &format!(
            "<p>{who}</p>\n<ul>\n\
             <li><a href=\"/protected\">/protected</a><span>wants you signed in</span></li>\n\
             <li><a href=\"/mfa\">/mfa</a><span>wants a second factor</span></li>\n\
             <li><a id=\"sister\" href=\"{sister}/\">{sister_name}</a><span>the other app; it knows you too</span></li>\n\
             </ul>\n{action}"
        ),
    )
}

const SIGN_OUT: &str = "<form method=\"post\" action=\"/auth/logout\"><button id=\"sign-out\">Sign out of both apps</button></form>";

/// `username` is what stood there before, or what the app that asks guesses.
pub(crate) fn password(
    app: &App,
    return_to: &ReturnTo,
    username: &str,
    complaint: Option<&str>,
) -> String {
    // The cursor goes to what is to be typed.
    let focus = |wanted| if wanted { " autofocus" } else { "" };
    let (at_name, at_password) = (focus(username.is_empty()), focus(!username.is_empty()));
    shell(
        app,
        "Sign in",
        &format!(
            "{}<form method=\"post\" action=\"/login\">{}\
             <label>User name<input name=\"username\" value=\"{}\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\"{at_name} required></label>\
             <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\"{at_password} required></label>\
             <button class=\"first\">Sign in</button></form>{}",
            complain(complaint),
            hidden(return_to),
            escape(username),
            stand_in(app, "Who may sign in"),
        ),
    )
}

/// For somebody who is signed in, and may have come here by a bookmark or to be somebody else.
pub(crate) fn signed_in(app: &App, user: &User, return_to: &ReturnTo) -> String {
    shell(
        app,
        "You are signed in",
        &format!(
            "<p>As <strong id=\"who\">{}</strong>.</p>\n<div class=\"choices\">\
             <a class=\"button first\" id=\"go-on\" href=\"{}\">Go on</a>\
             <a class=\"button\" id=\"anew\" href=\"/login?prompt=login&amp;{}\">Sign in as somebody else</a></div>",
            escape(name(user)),
            escape(return_to.as_str()),
            escape(&query(return_to)),
        ),
    )
}

pub(crate) fn offer_code(app: &App, email: &str, return_to: &ReturnTo) -> String {
    shell(
        app,
        "Is it you?",
        &format!(
            "<p>This page wants a second factor. We send a code to <strong>{}</strong>.</p>\
             <form method=\"post\" action=\"/login/code\">{}<button class=\"first\">Send the code</button></form>",
            escape(email),
            hidden(return_to)
        ),
    )
}

pub(crate) fn code(
    app: &App,
    email: &str,
    return_to: &ReturnTo,
    complaint: Option<&str>,
) -> String {
    shell(
        app,
        "Enter the code",
        &format!(
            "<p>It went to <strong>{}</strong>.</p>{}<form method=\"post\" action=\"/login/otp\">{}\
             <label>Code<input name=\"passcode\" inputmode=\"numeric\" autocomplete=\"one-time-code\" autofocus required></label>\
             <button class=\"first\">Go on</button></form>{}",
            escape(email),
            complain(complaint),
            hidden(return_to),
            stand_in(app, "The mail with the code"),
        ),
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

fn name(user: &User) -> &str {
    user.email().unwrap_or(user.subject())
}

/// The query that carries on where to go afterwards.
pub(crate) fn query(return_to: &ReturnTo) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", return_to.as_str())
        .finish()
}

fn complain(complaint: Option<&str>) -> String {
    complaint.map_or_else(String::new, |text| {
        format!("<p class=\"bad\" role=\"alert\">{}</p>", escape(text))
    })
}

fn hidden(return_to: &ReturnTo) -> String {
    format!(
        "<input type=\"hidden\" name=\"return_to\" value=\"{}\">",
        escape(return_to.as_str())
    )
}

/// Where a newcomer finds what a real person knows, or has in a mailbox.
fn stand_in(app: &App, what: &str) -> String {
    app.stand_in.as_ref().map_or_else(String::new, |url| {
        format!(
            "<p class=\"note\">{what}: <a id=\"stand-in\" href=\"{0}/\" target=\"_blank\">{0}</a>, which stands in for Mosaic here.</p>",
            escape(url)
        )
    })
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
