//! The public page.

use std::fmt::Write as _;

use tower_sso::User;

const LINKS: &[(&str, &str)] = &[
    ("/protected", "wants you signed in"),
    ("/mfa", "wants a second factor"),
    ("/recent", "wants a sign-in within the last minute"),
    ("/acr", "wants a stronger class of sign-in (acr)"),
    ("/optional", "for everybody; says whether you are signed in"),
    (
        "/token",
        "the hash of an access token that lives a while longer",
    ),
    ("/api/me", "an API: JSON for programs"),
    ("/events", "an event stream that ends with your session"),
    ("/auth/session", "how long your session lasts"),
];

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1a1d23;--dim:#5b6370;--paper:#fff;--back:#f2f4f7;--line:#d9dde4;--act:#1f5fd0;--on-act:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#e8eaee;--dim:#a3abb8;--paper:#1d2129;--back:#12151a;--line:#363c47;--act:#7fb0ff;--on-act:#12151a}}\
*{box-sizing:border-box}body{margin:0;padding:3rem 1.5rem;background:var(--back);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}\
main{max-width:40rem;margin:auto;padding:2rem;background:var(--paper);border:1px solid var(--line);border-radius:.75rem}\
h1{margin:0 0 .25rem;font-size:1.5rem}p{margin:0 0 1.25rem;color:var(--dim)}strong{color:var(--ink)}\
ul{list-style:none;margin:0 0 1.5rem;padding:0;border-top:1px solid var(--line)}\
li{display:flex;gap:1rem;padding:.55rem 0;border-bottom:1px solid var(--line)}li a{flex:0 0 9rem}li span{color:var(--dim)}\
a{color:var(--act)}a.button,button{display:inline-block;padding:.55rem 1.1rem;border:1px solid var(--act);border-radius:.5rem;background:none;color:var(--act);font:inherit;text-decoration:none;cursor:pointer}\
a.button{background:var(--act);color:var(--on-act);font-weight:600}\
a:focus-visible,button:focus-visible{outline:3px solid var(--act);outline-offset:2px}";

pub(crate) fn home(user: Option<&User>) -> String {
    let (who, action) = match user {
        Some(user) => (
            format!(
                "Signed in as <strong id=\"who\">{}</strong>",
                escape(user.name().or(user.email()).unwrap_or(user.subject()))
            ),
            "<form method=\"post\" action=\"/auth/logout\"><button id=\"sign-out\">Sign out</button></form>",
        ),
        None => (
            "Nobody is signed in.".to_owned(),
            "<a class=\"button\" id=\"sign-in\" href=\"/auth/login\">Sign in</a>",
        ),
    };
    let mut links = String::new();
    for (path, text) in LINKS {
        let _ = writeln!(
            links,
            "<li><a href=\"{path}\">{path}</a><span>{text}</span></li>"
        );
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>tower-sso quickstart</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>tower-sso quickstart</h1>\n<p>{who}</p>\n<ul>\n{links}</ul>\n{action}\n</main>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
