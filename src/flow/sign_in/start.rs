//! The start of a sign-in: the state that the browser keeps, and the provider's URL.

use tower_cookies::Cookie;

use crate::Result;
use crate::flow::{Context, silent};
use crate::oidc::Prompt;
use crate::policy::Requirement;
use crate::provider::{Selectors, SignInRequest};
use crate::session::login_state::LoginState;
use crate::session::{ReturnTo, Session, SessionKey};

/// What starts a sign-in.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) return_to: ReturnTo,
    pub(crate) requirement: Requirement,
    /// The live session of this browser, which the sign-in will replace.
    pub(crate) session: Option<&'a Session>,
    /// The live session of another tenant, which this browser leaves on purpose.
    pub(crate) leaves: Option<SessionKey>,
    /// Whether the session is to become stronger, by the same person.
    pub(crate) step_up: bool,
    pub(crate) prompt: Vec<Prompt>,
    /// Whether no page may be shown: then nobody is signed in if one would be needed.
    pub(crate) silent: bool,
    pub(crate) login_hint: Option<String>,
    /// Where the person signs in, as far as it was asked for.
    pub(crate) selectors: Selectors,
    pub(crate) ui_locales: Option<String>,
    /// How many sign-ins this browser finished lately.
    pub(crate) round_trips: u64,
}

impl Start<'_> {
    /// A plain sign-in that comes back to `return_to`.
    pub(crate) fn new(return_to: ReturnTo) -> Self {
        Self {
            return_to,
            requirement: Requirement::default(),
            session: None,
            leaves: None,
            step_up: false,
            prompt: Vec::new(),
            silent: false,
            login_hint: None,
            selectors: Selectors::default(),
            ui_locales: None,
            round_trips: 0,
        }
    }
}

/// Where a sign-in shall be: as was asked; else where the policy says; else where the session is of that goes on.
fn selected(context: &Context, start: &Start<'_>) -> Result<Selectors> {
    let mut asked = start.selectors.clone();
    if asked.is_empty()
        && let Some(at) = &start.requirement.at
        && context.place.tenant().is_none()
    {
        asked.organization.clone_from(&at.organization);
        asked.connection.clone_from(&at.connection);
    }
    if asked.is_empty()
        && let Some(session) = start.session.filter(|_| start.step_up || start.silent)
    {
        asked.organization = session.organization().map(str::to_owned);
        asked.connection = session.connection().map(str::to_owned);
    }
    context.place.selectors(asked)
}

/// Whether it is known where somebody signs in. If not, they have to be asked.
///
/// # Errors
/// Somebody else's organization or connection was asked for.
pub(crate) fn knows_where(context: &Context, start: &Start<'_>) -> Result<bool> {
    Ok(!context.place.is_undecided()
        && (!context.provider.wants_selectors()
            || start.login_hint.is_some()
            || !selected(context, start)?.is_empty()))
}

/// Where the browser goes, and what it keeps meanwhile.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) location: String,
    pub(crate) cookie: Cookie<'static>,
}

/// Makes the state of an attempt and the provider's URL for it.
pub(crate) async fn start(context: &Context, start: Start<'_>) -> Result<Started> {
    let now = context.clock.now();
    let mut state = LoginState::new(context.provider.issuer().as_str(), now, &start.return_to);
    state.max_age = start.requirement.max_age.map(|age| age.as_secs());
    state.step_up = start.step_up.then(|| start.requirement.fingerprint());
    state.replaces = start.session.map(Session::key).or(start.leaves);
    state.round_trips = start.round_trips;
    state.silent = start.silent;
    state.tenant = context.place.tenant().map(|tenant| tenant.id().to_owned());
    let selectors = selected(context, &start)?;
    state.organization.clone_from(&selectors.organization);
    state.connection.clone_from(&selectors.connection);
    state.domain.clone_from(&selectors.domain);
    state
        .identity_provider
        .clone_from(&selectors.identity_provider);

    let mut prompt = start.prompt;
    let mut public_state = state.state();
    if start.silent {
        prompt = vec![Prompt::None];
        public_state = silent::state_with_path(&context.sealer, &public_state, &start.return_to);
    }
    // A provider that has a session may answer from it without asking for more: a step-up to other
    // methods wants the person in front of it.
    let wants_methods = start.requirement.multi_factor || !start.requirement.amr.is_empty();
    if start.step_up && wants_methods && !prompt.contains(&Prompt::Login) {
        prompt.push(Prompt::Login);
    }
    // The hints show the provider whose session is meant; where the ID token makes the URL too long it is
    // left out and the account is compared at the callback all the same.
    let hinted = start.session.filter(|_| start.step_up || start.silent);
    let id_token_hint = hinted
        .and_then(|session| session.record().tokens.as_ref())
        .and_then(|tokens| tokens.id_token.clone())
        .filter(|token| token.expose().len() <= LONGEST_HINT);
    let login_hint = start.login_hint.or_else(|| {
        let silently = hinted.filter(|_| start.silent && id_token_hint.is_none());
        silently.and_then(login_name)
    });
    let request = SignInRequest {
        redirect_uri: context.callback_url(),
        state: public_state,
        nonce: state.nonce(),
        code_challenge: crate::oidc::code_challenge(state.code_verifier().expose()),
        prompt,
        max_age: start.requirement.max_age,
        acr_values: start.requirement.acr_values,
        multi_factor: start.requirement.multi_factor,
        amr: start.requirement.amr,
        login_hint,
        id_token_hint,
        ui_locales: start.ui_locales,
        selectors,
        extra: Vec::new(),
    };
    let location = context.provider.authorization_url(&request).await?;
    Ok(Started {
        location: location.into(),
        cookie: context.login_states.cookie(&context.sealer, state),
    })
}

/// The longest ID token that is sent as `id_token_hint`: URLs much above 2 kB do not pass everywhere.
pub(in crate::flow) const LONGEST_HINT: usize = 2048;

/// The name that somebody signs in with, as far as the claims tell (OpenID Connect Core 3.1.2.1, `login_hint`).
/// A `sub` is none: providers that don't know it as a name answer `login_required`.
fn login_name(session: &Session) -> Option<String> {
    let text = |claim| session.claim(claim)?.as_str().map(str::to_owned);
    text("email").or_else(|| text("preferred_username"))
}
