//! Request headers that tell an inner service who is signed in: those that came in are removed first.
//!
//! 1. Whatever reads as one of ours to any server is removed. CGI, WSGI and PHP read `X_Forwarded_User` as
//!    `X-Forwarded-User`, some read any other sign so (CVE-2025-64484).
//! 2. `Connection` may not name one of ours: a proxy further in would take it off as hop-by-hop (RFC 9110
//!    section 7.6.1), and the person with it.
//! 3. Who is signed in is told only where a handler would have been told: not to what another site sent.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};

use super::Auth;
use crate::session::Session;

const USER: HeaderName = HeaderName::from_static("x-forwarded-user");
const ISSUER: HeaderName = HeaderName::from_static("x-forwarded-issuer");
const EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
const PREFERRED_USERNAME: HeaderName = HeaderName::from_static("x-forwarded-preferred-username");

/// What no client may send, in its beginnings: ours, and what other proxies of this kind say to the same
/// programs.
const RESERVED: [&str; 8] = [
    "x-forwarded-user",
    "x-forwarded-issuer",
    "x-forwarded-email",
    "x-forwarded-preferred-username",
    "x-forwarded-groups",
    "x-forwarded-access-token",
    "x-auth-request-",
    "remote-user",
];

/// Takes the client's off, and sets ours if somebody is signed in.
pub(super) fn replace<B>(request: &mut Request<B>, auth: &Auth) {
    strip(request.headers_mut());
    tell(request, auth);
}

/// Tells what a renewal of the session has changed since.
pub(super) fn tell_anew<B>(request: &mut Request<B>) {
    if let Some(auth) = Auth::of(request.extensions()).cloned() {
        tell(request, &auth);
    }
}

fn tell<B>(request: &mut Request<B>, auth: &Auth) {
    for name in [USER, ISSUER, EMAIL, PREFERRED_USERNAME] {
        request.headers_mut().remove(name);
    }
    let session = auth.session_for(request.method(), request.headers());
    if let Ok(Some(session)) = session {
        set(request.headers_mut(), session);
    }
}

/// Each sign that some server takes for another is a dash here.
fn is_reserved(name: &str) -> bool {
    let dashed = name.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => byte.to_ascii_lowercase(),
        _ => b'-',
    });
    RESERVED.iter().any(|reserved| {
        let mut start = dashed.clone();
        reserved.bytes().all(|byte| start.next() == Some(byte))
    })
}

fn strip(headers: &mut HeaderMap) {
    let names = headers.keys().filter(|name| is_reserved(name.as_str()));
    let names: Vec<_> = names.cloned().collect();
    for name in names {
        headers.remove(name);
    }
    let named_by = |value: &HeaderValue| {
        let options = value.as_bytes().split(|byte| *byte == b',');
        let mut options = options.filter_map(|option| std::str::from_utf8(option).ok());
        options.any(|option| is_reserved(option.trim()))
    };
    if headers.get_all(header::CONNECTION).iter().any(named_by) {
        keep_connection(headers);
    }
}

/// `Connection` without the options that name a header of ours.
fn keep_connection(headers: &mut HeaderMap) {
    let options = headers.get_all(header::CONNECTION).iter();
    let options = options.filter_map(|value| value.to_str().ok());
    let options = options.flat_map(|value| value.split(',')).map(str::trim);
    let kept: Vec<_> = options
        .filter(|option| !option.is_empty() && !is_reserved(option))
        .collect();
    let kept = HeaderValue::try_from(kept.join(", "));
    headers.remove(header::CONNECTION);
    if let Some(kept) = kept.ok().filter(|kept| !kept.is_empty()) {
        headers.insert(header::CONNECTION, kept);
    }
}

fn set(headers: &mut HeaderMap, session: &Session) {
    let mut claims = session.claims();
    let mut claim = |name: &str| claims.remove(name);
    let text = |value: Option<serde_json::Value>| value?.as_str().map(str::to_owned);
    // Unverified, it is whatever the person typed, and programs take it for who they are.
    let is_verified = claim("email_verified") == Some(true.into());
    let email = text(claim("email")).filter(|_| is_verified);
    let preferred_username = text(claim("preferred_username"));
    for (name, value) in [
        (USER, Some(session.subject())),
        (ISSUER, Some(session.issuer())),
        (EMAIL, email.as_deref()),
        (PREFERRED_USERNAME, preferred_username.as_deref()),
    ] {
        let value = value.and_then(|value| HeaderValue::try_from(encoded(value)).ok());
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
}

/// Percent-encoded where it is not visible ASCII, so that no two texts become one.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_reserved() {
        for name in [
            "x-forwarded-user",
            "X-Forwarded-User",
            "X_Forwarded_User",
            "x_forwarded-user",
            "x.forwarded.user",
            "X-Forwarded~User",
            "x-forwarded-user-id",
            "x-forwarded-issuer",
            "x_forwarded_email",
            "x-forwarded-preferred_username",
            "x-forwarded-groups",
            "x-forwarded-access-token",
            "x-auth-request-user",
            "X_AUTH_REQUEST_EMAIL",
            "remote-user",
            "REMOTE_USER",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in [
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "x-forwarded-use",
            "forwarded",
            "user",
            "xforwardeduser",
            "cookie",
            "",
        ] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn no_two_texts_become_one() {
        for (text, expected) in [
            ("auth0|5f7c", "auth0|5f7c"),
            ("a b", "a%20b"),
            ("a%20b", "a%2520b"),
            ("jörg", "j%C3%B6rg"),
            ("a\r\nx-forwarded-user: b", "a%0D%0Ax-forwarded-user:%20b"),
            ("", ""),
        ] {
            assert_eq!(encoded(text), expected, "{text:?}");
        }
    }

    #[test]
    fn connection_does_not_name_what_we_set() {
        for (sent, left) in [
            (&["close, X-Forwarded-User"][..], Some("close")),
            (&["x_forwarded_email", "Upgrade"], Some("Upgrade")),
            (&["X-Forwarded-User"], None),
            (&["keep-alive, Upgrade"], Some("keep-alive, Upgrade")),
        ] {
            let mut headers = HeaderMap::new();
            for value in sent {
                headers.append(header::CONNECTION, value.parse().unwrap());
            }
            strip(&mut headers);
            let found = headers.get(header::CONNECTION);
            assert_eq!(found.map(|value| value.to_str().unwrap()), left, "{sent:?}");
        }
    }
}
