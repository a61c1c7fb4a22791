//! A sign-in whose answer has come from the provider: who came back, and what the app says of them.

use std::net::IpAddr;
use std::time::Duration;

use super::identity_hook::Decision;
use super::{Context, audit, place};
use crate::provider::{CodeGrant, Identity, Selectors};
use crate::secret::Secret;
use crate::session::Session;
use crate::session::login_state::LoginState;
use crate::{Error, Result};

/// An attempt whose answer has come.
pub(super) struct Attempt {
    pub(super) state: LoginState,
    /// The session that the browser has now.
    pub(super) current: Option<Session>,
    /// Whether somebody signed out in the browser, and nobody has signed in since.
    pub(super) signed_out: bool,
    /// Where the browser is, for the audit.
    pub(super) client: Option<IpAddr>,
}

impl Attempt {
    /// The session that was to be re-authenticated silently, if the browser still has it.
    pub(super) fn reauthenticated(&self) -> Option<&Session> {
        let session = self.current.as_ref()?;
        (self.state.silent && self.state.replaces == Some(session.key())).then_some(session)
    }

    /// The session of another tenant that the browser has now, where nobody asked to leave it: a link on any page can
    /// begin a sign-in at a tenant whose provider signs everybody in at once.
    pub(super) fn unasked(&self) -> Option<&Session> {
        let state = &self.state;
        self.current.as_ref().filter(|session| {
            session.tenant() != state.tenant.as_deref() && state.replaces != Some(session.key())
        })
    }

    pub(super) fn is_step_up(&self) -> bool {
        self.state.step_up.is_some()
    }

    pub(super) fn failed(&self, subject: Option<&str>, reason: &dyn std::fmt::Display) {
        audit::sign_in_failed(
            &self.state.issuer,
            subject,
            self.is_step_up(),
            reason,
            self.client,
        );
    }
}

/// Where an attempt was sent to.
pub(crate) fn selected(state: &LoginState) -> Selectors {
    Selectors {
        organization: state.organization.clone(),
        connection: state.connection.clone(),
        domain: state.domain.clone(),
        identity_provider: state.identity_provider.clone(),
    }
}

/// Who came back, verified.
pub(super) async fn verified(
    context: &Context,
    code: Secret<String>,
    Attempt { state, .. }: &Attempt,
) -> Result<Identity> {
    let selectors = selected(state);
    let grant = CodeGrant {
        code,
        redirect_uri: context.callback_url(),
        code_verifier: state.code_verifier(),
        nonce: state.nonce(),
        max_age: state.max_age.map(Duration::from_secs),
        selectors: selectors.clone(),
    };
    let mut identity = context.provider.redeem(grant).await?;
    place::check_selected(&selectors, &identity)?;
    context.place.admit(&mut identity)?;
    Ok(identity)
}

pub(super) async fn decide(context: &Context, identity: &Identity) -> Result<Decision> {
    let Some(hook) = &context.identity_hook else {
        return Ok(Decision::Accept);
    };
    let mut identity = identity.clone();
    identity.tenant = context.place.tenant().map(|tenant| tenant.id().to_owned());
    hook.on_identity(identity)
        .await
        .map_err(|error| Error::store("the app can't tell now who may sign in").with_source(error))
}

pub(super) fn is_same_person(session: &Session, identity: &Identity) -> bool {
    is_of(identity, session.issuer(), session.subject())
}

/// Whether somebody is still of the organization and the connection that a session was made for, as far as the provider
/// says so.
pub(super) fn is_same_place(session: &Session, identity: &Identity) -> bool {
    let fits = |came: &Option<String>, had: Option<&str>| {
        came.is_none() || had.is_none() || came.as_deref() == had
    };
    fits(&identity.organization, session.organization())
        && fits(&identity.connection, session.connection())
}

/// Identity is (iss, sub), never an e-mail address.
pub(super) fn is_of(identity: &Identity, issuer: &str, subject: &str) -> bool {
    identity.claims.issuer.as_str() == issuer && identity.claims.subject == subject
}
