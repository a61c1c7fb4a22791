//! The UserInfo endpoint (OpenID Connect Core 5.3).

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use url::Url;

use super::http::{HttpClient, answer, send, sensitive};
use crate::oidc::userinfo;
use crate::secret::Secret;
use crate::{Error, Result};

/// What the endpoint answered.
#[derive(Debug)]
pub(super) enum UserInfo {
    /// Claims about the subject that was asked for.
    Plain(Map<String, Value>),
    /// A JWT that is still to be verified.
    Signed(Secret<String>),
}

/// Asks what the provider knows about the subject of an access token. The token goes in the header,
/// where no log keeps it (RFC 6750 section 2.1).
///
/// # Errors
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): no answer, 5xx or 429.
/// [`ErrorKind::Provider`](crate::ErrorKind::Provider): any other status than 200, a body that is
/// neither JSON nor a JWT, or claims of another subject.
pub(super) async fn fetch(
    http: &dyn HttpClient,
    endpoint: &Url,
    access_token: &Secret<String>,
    subject: &str,
) -> Result<UserInfo> {
    let bearer = Secret::new(format!("Bearer {}", access_token.expose()));
    let request = http::Request::get(endpoint.as_str())
        .header(ACCEPT, "application/json, application/jwt")
        .header(AUTHORIZATION, sensitive(&bearer)?)
        .body(Bytes::new())
        .map_err(|error| Error::provider("the userinfo endpoint is unusable").with_source(error))?;
    let answer = send(http, request).await?;
    interpret(&answer, subject)
}

fn interpret(answer: &Response<Bytes>, subject: &str) -> Result<UserInfo> {
    let status = answer.status();
    if answer::is_temporary(status) {
        return Err(answer::unavailable(
            status,
            answer.headers(),
            "userinfo endpoint",
        ));
    }
    if status != StatusCode::OK {
        return Err(Error::provider(format!(
            "the userinfo endpoint answered with status {}",
            status.as_u16()
        )));
    }
    if !answer::is_media_type(answer.headers(), "application/jwt") {
        return userinfo::check(answer.body(), subject).map(UserInfo::Plain);
    }
    let jwt =
        std::str::from_utf8(answer.body()).map_err(|_| Error::provider("userinfo is not a JWT"))?;
    Ok(UserInfo::Signed(jwt.trim().into()))
}
