//! What an answer of the API means: pure.
//!
//! Nobody is signed out but by 400 with `Session not found`. Any other refusal with a body of the API says
//! something about the call; whatever else comes (401, 429, 5xx, a page, a redirect) says nothing at all.

use std::fmt;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::oidc::text::clean;
use crate::oidc::{TokenResponse, json};
use crate::provider::http::answer;
use crate::secret::Secret;
use crate::vendor::client_token::is_token;
use crate::{Error, Result};

/// The one message that says that somebody has to sign in.
const SESSION_NOT_FOUND: &str = "session not found";
const LONGEST_MESSAGE: usize = 200;
const LONGEST_SESSION_ID: usize = 512;

/// What an endpoint said.
#[derive(Debug)]
pub(super) enum Said {
    /// Done; the body may hold tokens.
    Done,
    SessionNotFound,
    Refused(Refusal),
}

/// Mosaic's no.
///
/// ```
/// use tower_sso::vendor::mosaic::Refusal;
///
/// fn text(refusal: &Refusal) -> &'static str {
///     match refusal.status {
///         403 => "This account is locked.",
///         _ => "That did not fit. Try again.",
///     }
/// }
/// # let _ = text;
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The status of the answer: 400 to 499.
    pub status: u16,
    /// Mosaic's own number for it, where it gave one; else the status.
    pub code: String,
    /// What it says of it, at most 200 characters, in whatever language. It may repeat what was typed: escape
    /// it on a page, and keep it out of logs.
    pub message: Option<String>,
}

impl Refusal {
    /// The refusal in a 4xx answer with a body of the API; `None` for any other body.
    pub(super) fn read(answer: &Response<Bytes>) -> Option<Self> {
        let body = json::object(answer.body())?;
        let status = answer.status().as_u16();
        Some(Self {
            status,
            code: code(&body).unwrap_or_else(|| status.to_string()),
            message: messages(&body)
                .next()
                .map(|text| clean(text, LONGEST_MESSAGE)),
        })
    }

    /// As an error of a call that no person's input went into. The code has it remembered for a while.
    pub(super) fn into_error(self, what: &str) -> Error {
        Error::provider(format!("Mosaic refuses {what} (status {})", self.status))
            .with_code(&self.code)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// Sorts an answer. `of_a_person`: what somebody typed was judged, so a 401 is no word on the client token.
pub(super) fn said(answer: &Response<Bytes>, of_a_person: bool) -> Result<Said> {
    let status = answer.status();
    let unavailable = || answer::unavailable(status, answer.headers(), "API");
    if status.is_success() {
        // A page comes from something in between: nothing was done.
        let is_of_the_api = answer.body().is_empty() || json::object(answer.body()).is_some();
        return is_of_the_api.then_some(Said::Done).ok_or_else(unavailable);
    }
    let says_nothing = !status.is_client_error()
        || answer::is_temporary(status)
        || (status == StatusCode::UNAUTHORIZED && !of_a_person);
    if says_nothing {
        return Err(unavailable());
    }
    let body = json::object(answer.body()).ok_or_else(unavailable)?;
    let not_found = status == StatusCode::BAD_REQUEST
        && messages(&body).any(|text| text.trim().eq_ignore_ascii_case(SESSION_NOT_FOUND));
    if not_found {
        return Ok(Said::SessionNotFound);
    }
    Refusal::read(answer)
        .map(Said::Refused)
        .ok_or_else(unavailable)
}

/// `message`: a string, or a list with strings.
fn messages(body: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let message = body.get("message");
    let list = message.and_then(Value::as_array).into_iter().flatten();
    message.into_iter().chain(list).filter_map(Value::as_str)
}

/// `error_code`: a number, or digits in a string. Anything else has no place in a log, and no word of it may
/// pass for a code of the protocol.
fn code(body: &Map<String, Value>) -> Option<String> {
    let text = match body.get("error_code")? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.as_u64()?.to_string(),
        _ => return None,
    };
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then_some(text)
}

/// What came with a success.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) tokens: TokenResponse,
    pub(super) session_id: Option<Secret<String>>,
}

impl Issued {
    /// Reads the body of a 200 answer.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): no JSON, so something in between answered.
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): no access token, or one of the values is none.
    pub(super) fn read(answer: &Response<Bytes>) -> Result<Self> {
        let body = json::object(answer.body())
            .ok_or_else(|| answer::unavailable(answer.status(), answer.headers(), "API"))?;
        let tokens = TokenResponse::parse_with_optional_type(answer.body())?;
        let all = [
            Some(&tokens.access_token),
            tokens.id_token.as_ref(),
            tokens.refresh_token.as_ref(),
        ];
        all.into_iter().flatten().try_for_each(check_token)?;
        Ok(Self {
            tokens,
            session_id: session_id(&body)?,
        })
    }
}

fn check_token(token: &Secret<String>) -> Result<()> {
    if is_token(token) {
        return Ok(());
    }
    Err(Error::provider("Mosaic's answer has a token that is none"))
}

fn session_id(body: &Map<String, Value>) -> Result<Option<Secret<String>>> {
    match body.get("session_id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if id.is_empty() => Ok(None),
        Some(Value::String(id))
            if id.len() <= LONGEST_SESSION_ID && id.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(id.as_str().into()))
        }
        Some(_) => Err(Error::provider(
            "Mosaic's answer has a session_id that is none",
        )),
    }
}
