//! One event for each sign-in, refusal, renewal and sign-out, at target `tower_sso::audit`.
//!
//! Fields: `event` (`sign_in`, `step_up`, `refusal`, `renewal`, `sign_out`), `outcome`, and where they are known
//! `iss`, `sub`, `public_id`, `reason` and `client`, the address of who asked (a renewal is for all who wait). A
//! `refusal` with the outcome `asked_silently` sends a browser to the provider, and the page shows whatever it says.
//! No token, no cookie, no URL.

use std::net::IpAddr;

use crate::session::Session;

/// The target of audit events: `tower_sso::audit`.
pub(crate) const TARGET: &str = "tower_sso::audit";

pub(crate) fn signed_in(session: &Session, step_up: bool, client: Option<IpAddr>) {
    tracing::info!(
        target: TARGET,
        event = attempt(step_up),
        outcome = "success",
        iss = session.issuer(),
        sub = session.subject(),
        public_id = session.public_id(),
        client = client.map(tracing::field::display),
        "signed in"
    );
}

/// The app's hook took the verified identity over: what session it makes is not known here.
pub(crate) fn answered_by_app(issuer: &str, subject: &str, step_up: bool, client: Option<IpAddr>) {
    tracing::info!(
        target: TARGET,
        event = attempt(step_up),
        outcome = "answered_by_app",
        iss = issuer,
        sub = subject,
        client = client.map(tracing::field::display),
        "the app answers a sign-in by itself"
    );
}

pub(crate) fn sign_in_failed(
    issuer: &str,
    subject: Option<&str>,
    step_up: bool,
    reason: &dyn std::fmt::Display,
    client: Option<IpAddr>,
) {
    tracing::warn!(
        target: TARGET,
        event = attempt(step_up),
        outcome = "failure",
        iss = issuer,
        sub = subject,
        reason = %reason,
        client = client.map(tracing::field::display),
        "sign-in failed"
    );
}

fn attempt(step_up: bool) -> &'static str {
    if step_up { "step_up" } else { "sign_in" }
}

pub(crate) fn refused(
    session: Option<&Session>,
    verdict: &str,
    reason: &str,
    client: Option<IpAddr>,
) {
    tracing::info!(
        target: TARGET,
        event = "refusal",
        outcome = verdict,
        iss = session.map(Session::issuer),
        sub = session.map(Session::subject),
        public_id = session.map(Session::public_id),
        reason,
        client = client.map(tracing::field::display),
        "refused"
    );
}

pub(crate) fn signed_out(session: &Session, client: Option<IpAddr>) {
    tracing::info!(
        target: TARGET,
        event = "sign_out",
        outcome = "success",
        iss = session.issuer(),
        sub = session.subject(),
        public_id = session.public_id(),
        client = client.map(tracing::field::display),
        "signed out"
    );
}

pub(crate) fn renewed(session: &Session) {
    tracing::info!(
        target: TARGET,
        event = "renewal",
        outcome = "success",
        iss = session.issuer(),
        sub = session.subject(),
        public_id = session.public_id(),
        "renewed"
    );
}

/// The provider's word, or the app's, ended a session at its renewal.
pub(crate) fn ended(session: &Session, reason: &str) {
    tracing::warn!(
        target: TARGET,
        event = "renewal",
        outcome = "ended",
        iss = session.issuer(),
        sub = session.subject(),
        public_id = session.public_id(),
        reason,
        "session ended"
    );
}
