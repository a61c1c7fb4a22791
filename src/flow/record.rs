//! What a session keeps of a verified identity: at the sign-in, and after a refresh.

use super::Context;
use super::identity_hook::Enrichment;
use crate::clock::SecondsSinceEpoch;
use crate::oidc::{IdTokenClaims, TokenResponse};
use crate::provider::{BackendSession, Identity};
use crate::secret::Secret;
use crate::session::directory::public_sid;
use crate::session::{Record, StepUpMark, Tokens};
use crate::{Error, Result};

/// The record of somebody who has just signed in.
pub(super) fn of_sign_in(
    context: &Context,
    identity: Identity,
    enrichment: Enrichment,
    step_up: Option<u64>,
) -> Result<Record> {
    let now = context.clock.now();
    let mut lifetime = context.sessions.lifetime();
    if let Some(end) = identity.claims.session_expiry {
        if end <= now {
            return Err(Error::provider("the provider's session is over already"));
        }
        lifetime.absolute = lifetime.absolute.min(end.since(now));
    }
    let claims = &identity.claims;
    let mut record = Record::new(claims.issuer.arc(), &claims.subject, now, lifetime);
    record.step_up = step_up.map(|requirement| StepUpMark {
        requirement,
        at: now,
    });
    record.tenant = context.place.tenant().map(|tenant| tenant.id().into());
    let tokens = identity.tokens.clone();
    tell(&mut record, identity, enrichment);
    keep(&mut record, tokens, now);
    Ok(record)
}

/// The same for a session that backends know by an id.
pub(super) fn of_backend_session(
    context: &Context,
    signed_in: BackendSession,
    enrichment: Enrichment,
) -> Result<Record> {
    let mut record = of_sign_in(context, signed_in.identity, enrichment, None)?;
    bind(&mut record, Some(signed_in.session_id));
    Ok(record)
}

/// Binds a record to a session at the provider, if it is not yet. What everybody else calls that session says
/// nothing of its id.
fn bind(record: &mut Record, session_id: Option<Secret<String>>) {
    let Some(tokens) = &mut record.tokens else {
        return;
    };
    if session_id.is_some() {
        tokens.backend_session_id = session_id;
    }
    if let Some(session_id) = &tokens.backend_session_id {
        record.sid = Some(public_sid(session_id).into());
    }
}

/// The record after a renewal or a silent re-authentication: the same session, by what came and for as long as
/// the provider's own session lasts. `None` if that is over. `session_id` is that of the provider's session,
/// where one came.
pub(super) fn renewed(
    standing: &Record,
    tokens: TokenResponse,
    identity: Option<(Identity, Enrichment)>,
    session_id: Option<Secret<String>>,
    now: SecondsSinceEpoch,
) -> Option<Record> {
    let mut record = standing.clone();
    if let Some((identity, enrichment)) = identity {
        if let Some(end) = identity.claims.session_expiry {
            if end <= now {
                return None;
            }
            record.absolute_expires_at = record.absolute_expires_at.min(end);
        }
        tell(&mut record, identity, enrichment);
    }
    if session_id.is_some()
        && let Some(old) = &mut record.tokens
    {
        // A whole new set comes with an authentication: the old token was refused, or is of no more use.
        old.refresh_token = None;
    }
    keep(&mut record, tokens, now);
    bind(&mut record, session_id);
    Some(record)
}

/// Keeps nothing but the new refresh token, before the rest of the answer is used: the old one may be used up
/// (RFC 9700 section 4.14.2).
pub(super) fn with_refresh_token(standing: &Record, tokens: &TokenResponse) -> Record {
    let mut record = standing.clone();
    if let (Some(kept), Some(new)) = (&mut record.tokens, &tokens.refresh_token) {
        kept.refresh_token = Some(new.clone());
    }
    record
}

/// Keeps no refresh token: the one that came may be somebody else's.
pub(super) fn without_refresh_token(standing: &Record) -> Record {
    let mut record = standing.clone();
    if let Some(kept) = &mut record.tokens {
        kept.refresh_token = None;
    }
    record
}

fn tell(record: &mut Record, identity: Identity, enrichment: Enrichment) {
    let Identity {
        claims,
        multi_factor,
        connection,
        organization,
        ..
    } = identity;
    let boxed = |list: Vec<String>| list.into_iter().map(String::into_boxed_str).collect();
    record.email = text(&claims, "email");
    record.name = text(&claims, "name");
    record.claims = json(&claims.all);
    record.sid = claims.sid.map(Into::into);
    record.connection = connection.map(Into::into).or(record.connection.take());
    record.organization = organization.map(Into::into).or(record.organization.take());
    record.amr = boxed(claims.amr);
    record.acr = claims.acr.map(Into::into);
    record.multi_factor = multi_factor;
    record.auth_time = claims.auth_time;
    record.roles = boxed(enrichment.roles);
    record.attributes = (!enrichment.attributes.is_empty()).then(|| json(&enrichment.attributes));
}

/// A token that did not come stays: the ID token as the hint of a logout, the refresh token because it
/// is good for another use (RFC 6749 section 6).
fn keep(record: &mut Record, tokens: TokenResponse, now: SecondsSinceEpoch) {
    if let Some(scopes) = tokens.scope {
        record.scopes = scopes.into_iter().map(String::into_boxed_str).collect();
    }
    let old = record.tokens.take().map(|old| *old).unwrap_or_default();
    record.tokens = Some(Box::new(Tokens {
        id_token: tokens.id_token.or(old.id_token),
        access_token: Some(tokens.access_token),
        refresh_token: tokens.refresh_token.or(old.refresh_token),
        access_token_expires_at: tokens.expires_in.map(|life| now.plus(life)),
        obtained_at: now,
        backend_session_id: old.backend_session_id,
    }));
}

pub(super) fn text(claims: &IdTokenClaims, claim: &str) -> Option<Box<str>> {
    claims.all.get(claim)?.as_str().map(Into::into)
}

fn json(map: &serde_json::Map<String, serde_json::Value>) -> Box<str> {
    serde_json::to_string(map)
        .expect("a JSON object has string keys only")
        .into()
}
