//! Pages: escaped, without script, with a Content-Security-Policy that names what is on them by hash.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};

use crate::crypto::sha256;

const STYLE: &str = include_str!("page.css");

/// Text as the content of an element or of a quoted attribute.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// A page without script. `main` is HTML.
pub(super) fn page(status: StatusCode, title: &str, main: &str) -> Response {
    render(status, title, main, None, &[])
}

/// A page with one inline script.
pub(super) fn page_with_script(title: &str, main: &str, script: &str) -> Response {
    render(StatusCode::OK, title, main, Some(script), &[])
}

/// A page with one inline script that pages of these origins may frame.
pub(super) fn framed_page(
    status: StatusCode,
    title: &str,
    main: &str,
    script: &str,
    origins: &[String],
) -> Response {
    render(status, title, main, Some(script), origins)
}

/// A page with one sentence.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    let main = format!("<h1>{}</h1><p>{}</p>", escape(title), escape(text));
    page(status, title, &main)
}

fn render(
    status: StatusCode,
    title: &str,
    main: &str,
    script: Option<&str>,
    frame_ancestors: &[String],
) -> Response {
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} · Simulator</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <main>\n{main}\n</main>\n<footer>A simulator of tower-sso, for development and tests. \
         It asks for no real password.</footer>\n{}</body>\n</html>\n",
        escape(title),
        script.map_or_else(String::new, |code| format!("<script>{code}</script>\n")),
    );
    // No form-action: browsers apply it to the redirect that follows a form too, which leads to the
    // application and from there anywhere.
    let ancestors = if frame_ancestors.is_empty() {
        "'none'".to_owned()
    } else {
        frame_ancestors.join(" ")
    };
    let mut policy = format!(
        "default-src 'none'; base-uri 'none'; frame-ancestors {ancestors}; style-src {}",
        hash_source(STYLE)
    );
    if let Some(code) = script {
        policy.push_str("; script-src ");
        policy.push_str(&hash_source(code));
    }
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let policy = policy.parse().expect("a policy is made of ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: that makes the browser send `Origin: null` with the form_post answer.
        (header::REFERRER_POLICY, "strict-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn hash_source(inline: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(sha256(inline.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_quotes() {
        assert_eq!(escape("plain ü"), "plain ü");
        assert_eq!(escape("<a href='\"&"), "&lt;a href=&#39;&quot;&amp;");
    }
}
