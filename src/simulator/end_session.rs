//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;

use super::answer::{self, redirect, with_query};
use super::fault::Endpoint;
use super::html::{escape, message, page};
use super::params::Params;
use super::shared::Shared;

/// What a valid `id_token_hint` says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hint {
    subject: String,
    client_id: String,
    sid: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Refuse(&'static str),
    /// Section 2: without a hint, or with one about somebody else, the person is asked.
    Confirm,
    End,
}

/// `GET` and `POST /end_session`.
pub(super) async fn end_session(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let params = if method == Method::POST {
        Params::parse(&body)
    } else {
        Params::parse(query.unwrap_or_default().as_bytes())
    };
    let hint = params.get("id_token_hint");
    let hint = hint.and_then(|token| read_hint(&shared.keys().verified_payload(token)?));
    let client_id = params
        .get("client_id")
        .or(hint.as_ref().map(|hint| hint.client_id.as_str()));
    let back = params.get("post_logout_redirect_uri");
    let back_allowed = back.is_none_or(|uri| {
        client_id
            .and_then(|id| shared.clients.find(id))
            .is_some_and(|client| client.allows_post_logout(uri))
    });
    let session = shared
        .cookie
        .read(&headers)
        .and_then(|cookie| shared.sessions().find(cookie, shared.now()));
    let confirmed = method == Method::POST && params.get("confirm") == Some("yes");
    let decision = decide(
        hint.as_ref(),
        params.get("client_id"),
        back_allowed,
        session.as_ref().map(|s| s.authentication.user.as_str()),
        confirmed,
    );
    match decision {
        Decision::Refuse(text) => message(StatusCode::BAD_REQUEST, "Sign-out failed", text),
        Decision::Confirm => confirm_page(&shared, &params),
        Decision::End => {
            let hinted = hint.and_then(|hint| hint.sid);
            for sid in session.map(|session| session.sid).into_iter().chain(hinted) {
                shared.end_session(&sid);
            }
            signed_out(&shared, back, params.get("state"))
        }
    }
}

fn read_hint(payload: &Value) -> Option<Hint> {
    Some(Hint {
        subject: payload["sub"].as_str()?.to_owned(),
        client_id: payload["aud"].as_str()?.to_owned(),
        sid: payload["sid"].as_str().map(ToOwned::to_owned),
    })
}

fn decide(
    hint: Option<&Hint>,
    client_id: Option<&str>,
    back_allowed: bool,
    current: Option<&str>,
    confirmed: bool,
) -> Decision {
    if let (Some(hint), Some(client_id)) = (hint, client_id)
        && hint.client_id != client_id
    {
        return Decision::Refuse("client_id is not the client that the id_token_hint is for.");
    }
    if !back_allowed {
        return Decision::Refuse("This post_logout_redirect_uri is not registered.");
    }
    let about_current = match (hint, current) {
        (Some(hint), Some(current)) => hint.subject == current,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if about_current || confirmed {
        Decision::End
    } else {
        Decision::Confirm
    }
}

fn confirm_page(shared: &Shared, params: &Params) -> Response {
    let mut inputs = String::new();
    for (name, value) in params.iter() {
        // Writing to a String does not fail.
        let _ = writeln!(
            inputs,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escape(name),
            escape(value)
        );
    }
    let main = format!(
        "<h1>Sign out?</h1>\n<p>You will be signed out of this provider.</p>\n\
         <form id=\"sign-out\" method=\"post\" action=\"{}\">\n{inputs}\
         <div class=\"actions\"><button class=\"primary\" id=\"submit\" name=\"confirm\" value=\"yes\">\
         Sign out</button></div>\n</form>",
        escape(&shared.path(Endpoint::EndSession))
    );
    page(StatusCode::OK, "Sign out?", &main)
}

fn signed_out(shared: &Shared, back: Option<&str>, state: Option<&str>) -> Response {
    let mut response = match back {
        Some(uri) => {
            let state = answer::state(shared, state);
            redirect(&with_query(uri, state.as_slice()))
        }
        None => message(
            StatusCode::OK,
            "Signed out",
            "You are signed out of this provider.",
        ),
    };
    if let Some(removal) = shared.cookie.remove() {
        response.headers_mut().append(header::SET_COOKIE, removal);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_and_who_is_refused() {
        let hint = Hint {
            subject: "alice".to_owned(),
            client_id: "app".to_owned(),
            sid: None,
        };
        let hint = Some(&hint);
        let refused = |decision| matches!(decision, Decision::Refuse(_));
        assert_eq!(
            decide(hint, None, true, Some("alice"), false),
            Decision::End
        );
        assert_eq!(decide(hint, Some("app"), true, None, false), Decision::End);
        assert!(refused(decide(hint, Some("other"), true, None, true)));
        assert!(refused(decide(hint, None, false, Some("alice"), true)));
        let other = decide(hint, None, true, Some("bob"), false);
        assert_eq!(other, Decision::Confirm);
        assert_eq!(decide(None, None, true, None, false), Decision::Confirm);
        assert_eq!(decide(None, None, true, Some("bob"), true), Decision::End);
    }
}
