//! The pages.

use tower_sso::User;

use crate::app::App;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1a1d23;--dim:#5b6370;--paper:#fff;--back:#f2f4f7;--line:#d9dde4;--act:#1f5fd0;--on-act:#fff;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ink:#e8eaee;--dim:#a3abb8;--paper:#1d2129;--back:#12151a;--line:#363c47;--act:#7fb0ff;--on-act:#12151a;--bad:#ff8a80}}\
*{box-sizing:border-box}body{margin:0;padding:3rem 1.5rem;background:var(--back);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}\
main{max-width:34rem;margin:auto;padding:2rem;background:var(--paper);border:1px solid var(--line);border-radius:.75rem}\
h1{margin:0 0 .25rem;font-size:1.5rem}p{margin:0 0 1.25rem;color:var(--dim)}strong{color:var(--ink)}p.bad{color:var(--bad)}\
ul{list-style:none;margin:0 0 1.5rem;padding:0;border-top:1px solid var(--line)}\
li{display:flex;gap:1rem;padding:.55rem 0;border-bottom:1px solid var(--line)}li a{flex:0 0 7rem}li span{color:var(--dim)}\
a{color:var(--act)}label{display:block;margin:0 0 1rem}input{display:block;width:100%;margin-top:.25rem;padding:.55rem;border:1px solid var(--line);border-radius:.5rem;background:none;color:inherit;font:inherit}\
a.button,button{display:inline-block;padding:.55rem 1.1rem;border:1px solid var(--act);border-radius:.5rem;background:none;color:var(--act);font:inherit;text-decoration:none;cursor:pointer}\
a.button,button.first{background:var(--act);color:var(--on-act);font-weight:600}\
a:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid var(--act);outline-offset:2px}";

pub(crate) fn home(app: &App, user: Option<&User>) -> String {
    let (who, action) = match user {
        Some(user) => (
            format!(
                "Signed in as <strong id=\"who\">{}</strong>",
                escape(user.email().unwrap_or(user.subject()))
            ),
            "<form method=\"post\" action=\"/auth/logout\"><button id=\"sign-out\">Sign out of both</button></form>",
        ),
        None => (
            "Nobody is signed in.".to_owned(),
            "<a class=\"button\" id=\"sign-in\" href=\"/auth/login\">Sign in</a>",
        ),
    };
    let sister = escape(&app.sister);
    shell(
        app,
        app.name,
        &format!(
            "<p>{who}</p>\n<ul>\n\
             <li><a href=\"/protected\">/protected</a><span>wants you signed in</span></li>\n\
             <li><a href=\"/mfa\">/mfa</a><span>wants a second factor</span></li>\n\
             <li><a id=\"sister\" href=\"{sister}/\">the other app</a><span>knows you without asking</span></li>\n\
             </ul>\n{action}"
        ),
    )
}

pub(crate) fn password(app: &App, return_to: &str, complaint: Option<&str>) -> String {
    shell(
        app,
        "Sign in",
        &format!(
            "{}<form method=\"post\" action=\"/login\">{}\
             <label>User name<input name=\"username\" autocomplete=\"username\" autofocus required></label>\
             <label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\
             <button class=\"first\">Sign in</button></form>",
            complain(complaint),
            hidden(return_to)
        ),
    )
}

pub(crate) fn offer_code(app: &App, user: &User, return_to: &str) -> String {
    shell(
        app,
        "Is it you?",
        &format!(
            "<p>This page wants a second factor. A code goes to <strong>{}</strong>.</p>\
             <form method=\"post\" action=\"/login/code\">{}<button class=\"first\">Send a code</button></form>",
            escape(user.email().unwrap_or("nobody knows where")),
            hidden(return_to)
        ),
    )
}

pub(crate) fn code(app: &App, return_to: &str, complaint: Option<&str>) -> String {
    shell(
        app,
        "Enter the code",
        &format!(
            "{}<form method=\"post\" action=\"/login/otp\">{}\
             <label>Code<input name=\"passcode\" inputmode=\"numeric\" autocomplete=\"one-time-code\" autofocus required></label>\
             <button class=\"first\">Go on</button></form>",
            complain(complaint),
            hidden(return_to)
        ),
    )
}

fn complain(complaint: Option<&str>) -> String {
    complaint.map_or_else(String::new, |text| {
        format!("<p class=\"bad\" role=\"alert\">{}</p>", escape(text))
    })
}

fn hidden(return_to: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"return_to\" value=\"{}\">",
        escape(return_to)
    )
}

fn shell(app: &App, title: &str, content: &str) -> String {
    let (title, name) = (escape(title), escape(app.name));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n{content}\n</main>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
