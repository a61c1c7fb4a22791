//! Signing in by a factor, or adding one to a session.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use url::Url;

use super::api::{Answer, Call};
use super::codes::{NotTaken, Sent};
use super::error::ApiError;
use super::refresh::RefreshGrant;
use super::request::Body;
use super::session::{Method, NotAdded};
use super::shared::Mosaic;
use super::tokens::{self, Wanted};
use super::user::{Identifier, MosaicUser};
use crate::simulator::client::is_on_this_machine;

/// How long a passcode or a link is good, in minutes, where the request doesn't say.
const OTP_MINUTES: u64 = 5;
const LINK_MINUTES: u64 = 15;

/// `POST …/password/authenticate`.
pub(super) fn password(mosaic: &Mosaic, call: &Call) -> Answer {
    let body = &call.body;
    let (kind, value) = match body.get("identifier") {
        Some(_) => ("identifier_type", "identifier"),
        None => ("username_type", "username"),
    };
    let check = body
        .check()
        .text(value)
        .text("password")
        .optional_text(kind);
    check.optional_text("session_id").for_tokens().done()?;
    session_lives(mosaic, call)?;
    let identifier = Identifier {
        kind: body.text(kind).unwrap_or("username"),
        value: body.text(value).unwrap_or_default(),
    };
    let tried = body.text("password").unwrap_or_default();
    // The same for an unknown user, or names could be tried out.
    let user = mosaic
        .find_user(&identifier)
        .filter(|user| user.has_password(tried))
        .ok_or(invalid_credentials("Invalid username or password"))?;
    sign_in(mosaic, call, user.id(), Method::Password)
}

/// `POST …/otp/send`.
pub(super) fn send_otp(mosaic: &Mosaic, call: &Call) -> Answer {
    let body = &call.body;
    body.check()
        .one_of("channel", &["sms", "email", "direct"])
        .text("identifier_type")
        .text("identifier")
        .optional_text("custom_email")
        .optional_text("custom_phone_number")
        .optional_number("expires_in")
        .for_client()
        .done()?;
    let identifier = identifier(body);
    let user = mosaic.find_user(&identifier).ok_or(ApiError::coded(
        StatusCode::NOT_FOUND,
        "user_not_found",
        "User not found",
    ))?;
    let channel = body.text("channel").unwrap_or_default();
    let (method, to) = destination(body, channel, user)?;
    let until = mosaic.now().plus(minutes(body, "expires_in", OTP_MINUTES));
    let mut state = mosaic.state();
    let code = state.codes.issue_otp(&identifier, user.id(), method, until);
    if channel == "direct" {
        return Ok(Some(json!({"message": "OTP sent", "code": code})));
    }
    state.codes.send(Sent {
        user: user.id().to_owned(),
        to,
        code,
        link: None,
    });
    Ok(Some(json!({"message": "OTP sent"})))
}

/// Where a passcode goes, and what it proves. One that is handed out directly proves what a mailbox would.
fn destination(
    body: &Body,
    channel: &str,
    user: &MosaicUser,
) -> Result<(Method, String), ApiError> {
    let missing = |code, message| ApiError::coded(StatusCode::NOT_FOUND, code, message);
    let (method, to, missing) = match channel {
        "sms" => (
            Method::SmsOtp,
            body.text("custom_phone_number").or(user.phone()),
            missing("user_phone_number_missing", "User has no phone number"),
        ),
        "email" => (
            Method::EmailOtp,
            body.text("custom_email").or(user.email()),
            missing("user_email_address_missing", "User has no email address"),
        ),
        _ => return Ok((Method::EmailOtp, String::new())),
    };
    Ok((method, to.ok_or(missing)?.to_owned()))
}

/// `POST …/otp/authenticate`.
pub(super) fn otp(mosaic: &Mosaic, call: &Call) -> Answer {
    let body = &call.body;
    body.check()
        .text("passcode")
        .text("identifier_type")
        .text("identifier")
        .optional_text("session_id")
        .for_tokens()
        .done()?;
    session_lives(mosaic, call)?;
    let passcode = body.text("passcode").unwrap_or_default();
    let redeemed = mosaic
        .state()
        .codes
        .redeem_otp(&identifier(body), passcode, mosaic.now());
    let (user, method) = redeemed.map_err(|refused| match refused {
        NotTaken::Wrong => invalid_credentials("Invalid passcode"),
        NotTaken::Expired => ApiError::coded(
            StatusCode::BAD_REQUEST,
            "auth_otp_passcode_expired",
            "Passcode expired",
        ),
        NotTaken::Locked => ApiError::coded(
            StatusCode::FORBIDDEN,
            "auth_locked",
            "Passcode is invalid after multiple failed attempts",
        ),
    })?;
    sign_in(mosaic, call, &user, method)
}

/// `POST …/link/email/send`.
pub(super) fn send_link(mosaic: &Mosaic, call: &Call) -> Answer {
    let body = &call.body;
    let check = match body.get("email") {
        Some(_) => body.check().text("email"),
        None => body.check().text("identifier").text("identifier_type"),
    };
    check
        .text("redirect_uri")
        .optional_text("state")
        .optional_number("email_expiration")
        .for_client()
        .done()?;
    let redirect_uri = body.text("redirect_uri").unwrap_or_default();
    let mut link = allowed(mosaic, redirect_uri).ok_or(ApiError::bad_request(
        "redirect_uri is not one of the allowed redirect URIs configured for this app",
    ))?;
    let identifier = body.text("email").map_or_else(
        || identifier(body),
        |value| Identifier {
            kind: "email",
            value,
        },
    );
    let user = mosaic.find_user(&identifier);
    let (user, to) = user
        .and_then(|user| Some((user, user.email()?)))
        .ok_or(ApiError::user_not_found())?;
    let lifetime = minutes(body, "email_expiration", LINK_MINUTES);
    let mut state = mosaic.state();
    let code = state.codes.issue_link(user.id(), lifetime, mosaic.now());
    link.query_pairs_mut().append_pair("code", &code);
    if let Some(value) = body.text("state") {
        link.query_pairs_mut().append_pair("state", value);
    }
    state.codes.send(Sent {
        user: user.id().to_owned(),
        to: to.to_owned(),
        code,
        link: Some(link.into()),
    });
    Ok(Some(json!({"message": "Email sent successfully"})))
}

fn allowed(mosaic: &Mosaic, redirect_uri: &str) -> Option<Url> {
    let registered = mosaic.redirect_uris.iter().any(|uri| uri == redirect_uri);
    if !registered && !is_on_this_machine(redirect_uri) {
        return None;
    }
    Url::parse(redirect_uri).ok()
}

/// `POST …/link/email/authenticate`.
pub(super) fn link(mosaic: &Mosaic, call: &Call) -> Answer {
    let check = call.body.check().text("code");
    check.optional_text("session_id").for_tokens().done()?;
    session_lives(mosaic, call)?;
    let code = call.body.text("code").unwrap_or_default();
    let redeemed = mosaic.state().codes.redeem_link(code, mosaic.now());
    let user = redeemed.ok_or(ApiError::bad_request("Invalid magic link code"))?;
    sign_in(mosaic, call, &user, Method::EmailLink)
}

fn identifier(body: &Body) -> Identifier<'_> {
    Identifier {
        kind: body.text("identifier_type").unwrap_or_default(),
        value: body.text("identifier").unwrap_or_default(),
    }
}

fn minutes(body: &Body, name: &str, default: u64) -> Duration {
    let minutes = body.get(name).and_then(serde_json::Value::as_u64);
    Duration::from_secs(minutes.unwrap_or(default).saturating_mul(60))
}

fn invalid_credentials(message: &'static str) -> ApiError {
    ApiError::coded(StatusCode::BAD_REQUEST, "auth_invalid_credentials", message)
}

/// Looks for the session first, so that a code is not used up for one that is over.
fn session_lives(mosaic: &Mosaic, call: &Call) -> Result<(), ApiError> {
    match call.body.text("session_id") {
        Some(id) if !mosaic.state().sessions.has(id, mosaic.now()) => {
            Err(ApiError::session_not_found())
        }
        _ => Ok(()),
    }
}

/// Starts a session, or adds the factor to the one that the request names.
fn sign_in(mosaic: &Mosaic, call: &Call, user: &str, method: Method) -> Answer {
    let now = mosaic.now();
    let authentication = {
        let sessions = &mut mosaic.state().sessions;
        match call.body.text("session_id") {
            None => sessions.start(user, method, now),
            Some(id) => {
                let added = sessions.add(id, user, method, now);
                added.map_err(|refused| match refused {
                    NotAdded::NotFound => ApiError::session_not_found(),
                    NotAdded::OtherUser => {
                        ApiError::bad_request("Session does not belong to the user")
                    }
                })?
            }
        }
    };
    let grant = RefreshGrant {
        client_id: call.client_id.clone(),
        authentication,
        wanted: Wanted::of(call),
    };
    Ok(Some(tokens::for_user(mosaic, grant, None)))
}
