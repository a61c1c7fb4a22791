//! The authorization response (RFC 6749 section 4.1.2, OAuth 2.0 Form Post Response Mode, RFC 9207).

use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::fault::Fault;
use super::html::{escape, message, page_with_script};
use super::request::ReturnAddress;
use super::shared::Shared;

const SUBMIT: &str = "document.forms[0].submit()";

/// Sends the browser back with a code.
pub(super) fn with_code(shared: &Shared, address: &ReturnAddress, code: &str) -> Response {
    let mut fields = vec![("code", code.to_owned())];
    if shared.faults.has(&Fault::DuplicateCode) {
        fields.push(("code", code.to_owned()));
    }
    send(shared, address, fields)
}

/// Sends the browser back with an error.
pub(super) fn with_error(
    shared: &Shared,
    address: &ReturnAddress,
    code: &str,
    description: Option<&str>,
) -> Response {
    let mut fields = vec![("error", code.to_owned())];
    fields.extend(description.map(|text| ("error_description", text.to_owned())));
    send(shared, address, fields)
}

fn send(
    shared: &Shared,
    address: &ReturnAddress,
    mut fields: Vec<(&'static str, String)>,
) -> Response {
    fields.extend(state(shared, address.state.as_deref()));
    let replaced = shared.faults.find(|fault| match fault {
        Fault::IssParameter(iss) => Some(iss.clone()),
        _ => None,
    });
    if let Some(iss) = replaced.unwrap_or_else(|| Some(shared.issuer.clone())) {
        fields.push(("iss", iss));
    }
    if address.form_post {
        form_post(&address.redirect_uri, &fields)
    } else {
        redirect(&with_query(&address.redirect_uri, &fields))
    }
}

/// The `state` to send back, as the faults want it.
pub(super) fn state(shared: &Shared, sent: Option<&str>) -> Option<(&'static str, String)> {
    if shared.faults.has(&Fault::OmitState) {
        return None;
    }
    let wrong = shared.faults.has(&Fault::WrongState);
    sent.map(|sent| ("state", if wrong { "wrong-state" } else { sent }.to_owned()))
}

/// A URI with more query parameters; those that it has are kept (RFC 6749 section 3.1.2).
pub(super) fn with_query(uri: &str, fields: &[(&str, String)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let separator = match uri.split_once('?') {
        _ if query.is_empty() => "",
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{query}")
}

/// 303: a browser that sent a form goes on with GET (RFC 9700 section 4.12).
pub(super) fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => {
            let no_store = HeaderValue::from_static("no-store");
            let headers = [(header::LOCATION, to), (header::CACHE_CONTROL, no_store)];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(_) => message(
            StatusCode::BAD_REQUEST,
            "No way back",
            "The address to go back to is no valid URI.",
        ),
    }
}

fn form_post(uri: &str, fields: &[(&str, String)]) -> Response {
    let mut inputs = String::new();
    for (name, value) in fields {
        // Writing to a String does not fail.
        let _ = writeln!(
            inputs,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escape(value)
        );
    }
    let main = format!(
        "<h1>Back to the application</h1>\n<form method=\"post\" action=\"{}\">\n{inputs}\
         <noscript><p>One more step, as your browser runs no scripts.</p>\
         <div class=\"actions\"><button class=\"primary\" id=\"continue\">Continue</button></div></noscript>\n\
         </form>",
        escape(uri)
    );
    page_with_script("Back to the application", &main, SUBMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_kept_and_values_are_encoded() {
        let fields = [("code", "a b&c".to_owned())];
        for (uri, expected) in [
            ("https://a/cb", "https://a/cb?code=a+b%26c"),
            ("https://a/cb?x=1", "https://a/cb?x=1&code=a+b%26c"),
            ("https://a/cb?", "https://a/cb?code=a+b%26c"),
        ] {
            assert_eq!(with_query(uri, &fields), expected);
        }
        assert_eq!(with_query("https://a/cb", &[]), "https://a/cb");
    }
}
