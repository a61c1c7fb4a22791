//! Signing in: the start, which sends the browser to the provider, and the finish, when it comes back.

mod start;
mod vain;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use tracing::Instrument as _;

use super::attempt::{Attempt, decide, is_same_person, verified};
use super::hand_over::{Giver, hand_over};
use super::identity_hook::{Decision, Enrichment};
use super::{Context, audit, reauthentication, record};
use crate::oidc::{
    AuthorizationResponse, SilentRefusal, UNMET_AUTHENTICATION_REQUIREMENTS, is_error_code,
};
use crate::provider::Identity;
use crate::secret::Secret;
use crate::session::login_state::{LIFETIME, LoginState};
use crate::session::sessions::{Made, NewSession};
use crate::session::{ReturnTo, Session};
use crate::tenant::Tenant;
use crate::{Error, Result};

pub(super) use start::LONGEST_HINT;
pub(crate) use start::{Start, knows_where, start};
pub(crate) use vain::was_in_vain;

/// How a callback ended.
#[derive(Debug)]
pub(crate) enum Finished {
    /// A session lives; the browser keeps its cookie and goes on.
    SignedIn {
        made: Box<NewSession>,
        return_to: ReturnTo,
    },
    /// The app's hook answers by itself.
    Answered(http::Response<Bytes>),
    /// The app's hook made a session of its own: the browser keeps what it says and goes on.
    OwnSession {
        headers: HeaderMap,
        return_to: ReturnTo,
    },
    /// The app's hook refused, with a reason for the person.
    Refused(String),
    /// This state was used before: a reload, a second click, or a copied cookie jar. No code was sent.
    UsedBefore(ReturnTo),
    /// The attempt is older than its ten minutes.
    TooLate,
    /// A step-up came back for another person; nothing was changed.
    AnotherAccount {
        signed_in: String,
        came_back: String,
    },
    /// The provider could not or the person would not reach what a step-up asked for.
    StepUpRefused { code: String, return_to: ReturnTo },
    /// A silent attempt signed nobody in, for whatever reason, or was for a session that lives: the browser
    /// goes on with the cookie that it has.
    NotSilently(ReturnTo),
    /// The provider answered with an error.
    ProviderSaid {
        code: String,
        description: Option<String>,
    },
    /// The session was ended, by the provider or in another tab, while the sign-in was under way.
    SignedOutMeanwhile,
}

/// Finishes an attempt whose state was found in this browser. `current` is the session that the browser
/// has now, `signed_out` whether somebody signed out in it and nobody has signed in since, `client` its address.
///
/// What must not be done by half when the client hangs up (the state is used, the code redeemed, the session
/// made) runs in a task of its own.
pub(crate) async fn finish(
    context: &Arc<Context>,
    response: AuthorizationResponse,
    state: LoginState,
    current: Option<Session>,
    signed_out: bool,
    client: Option<IpAddr>,
) -> Result<Finished> {
    let attempt = Attempt {
        state,
        current,
        signed_out,
        client,
    };
    let state = &attempt.state;
    if state.is_over(context.clock.now()) {
        attempt.failed(None, &"the attempt took too long");
        return Ok(Finished::TooLate);
    }
    let tenant = context.place.tenant().map(Tenant::id);
    if state.issuer != context.provider.issuer().as_str() || state.tenant.as_deref() != tenant {
        return Err(Error::request(
            "this sign-in was started with another provider",
        ));
    }
    // RFC 9207 section 2.4: before anything of the answer is used, an error included.
    context
        .provider
        .check_response_issuer(response.iss())
        .await
        .inspect_err(|error| attempt.failed(None, error))?;
    let context = Arc::clone(context);
    let (browser, finished) = hand_over();
    let work = async move {
        let finished = use_answer(&context, response, &attempt, &browser).await;
        if let Err(error) = &finished {
            attempt.failed(None, error);
        }
        let made = match &finished {
            Ok(Finished::SignedIn { made, .. }) => Some(made.clone()),
            _ => None,
        };
        if !browser.give(finished).await
            && let Some(made) = made
        {
            take_back(&context, &attempt, &made).await;
        }
    };
    tokio::spawn(work.in_current_span());
    finished
        .take()
        .await
        .unwrap_or_else(|| Err(Error::unavailable("the sign-in was interrupted")))
}

const WENT_AWAY: &str = "the browser went away before it was signed in";

/// A session whose cookie reached nobody is in the way of the one that the browser still has.
async fn take_back(context: &Context, attempt: &Attempt, made: &NewSession) {
    attempt.failed(Some(made.session.subject()), &WENT_AWAY);
    if let Err(error) = context.sessions.take_back(made).await {
        tracing::warn!(%error, "a session that nobody has could not be removed");
    }
}

async fn use_answer(
    context: &Context,
    response: AuthorizationResponse,
    attempt: &Attempt,
    browser: &Giver<Result<Finished>>,
) -> Result<Finished> {
    let state = &attempt.state;
    let return_to = state.return_to();
    if !context
        .sessions
        .use_once(&state.state(), state.began_at.plus(LIFETIME))
        .await?
    {
        attempt.failed(None, &"the attempt was used before");
        return Ok(Finished::UsedBefore(return_to));
    }
    if state.silent && (attempt.current.is_some() || state.replaces.is_some()) {
        // Where the session is not the one that this is about, another tab signed in or out meanwhile, on
        // purpose.
        if let Some(session) = attempt.reauthenticated() {
            reauthentication::use_answer(context, response, attempt, session).await?;
        }
        return Ok(Finished::NotSilently(return_to));
    }
    if attempt.is_step_up() && attempt.current.is_none() && attempt.signed_out {
        attempt.failed(None, &"the session was signed out meanwhile");
        return Ok(Finished::SignedOutMeanwhile);
    }
    let (code, description) = match response {
        AuthorizationResponse::Code { code, .. } => {
            return redeem(context, code, attempt, browser).await;
        }
        AuthorizationResponse::Error {
            error, description, ..
        } => (error, description),
    };
    // OpenID Connect Core 3.1.2.6: who would need a page is the outcome of a silent attempt, no failure.
    if state.silent && SilentRefusal::of_code(&code).is_some() {
        return Ok(Finished::NotSilently(return_to));
    }
    let reason = if is_error_code(&code) {
        code.as_str()
    } else {
        "the provider refused, and not with an error code"
    };
    attempt.failed(None, &reason);
    if state.silent {
        return Ok(Finished::NotSilently(return_to));
    }
    let unmet = matches!(
        code.as_str(),
        UNMET_AUTHENTICATION_REQUIREMENTS | "access_denied"
    );
    Ok(if attempt.is_step_up() && unmet {
        Finished::StepUpRefused { code, return_to }
    } else {
        Finished::ProviderSaid { code, description }
    })
}

async fn redeem(
    context: &Context,
    code: Secret<String>,
    attempt: &Attempt,
    browser: &Giver<Result<Finished>>,
) -> Result<Finished> {
    let Attempt { state, current, .. } = attempt;
    let identity = verified(context, code, attempt).await?;
    let return_to = state.return_to();
    let step_up = attempt.is_step_up();
    let failed = |identity: &Identity, reason: &dyn std::fmt::Display| {
        attempt.failed(Some(&identity.claims.subject), reason);
    };

    // A cross-site form_post brings no Lax cookie: then the session that the attempt was bound to is
    // found by the key in the sealed state.
    let bound = match (current, state.replaces) {
        (Some(session), Some(key)) if session.key() == key => None,
        (_, Some(key)) => context.sessions.load(key).await?,
        (_, None) => None,
    };
    let follows = current.as_ref().or(bound.as_ref());
    if let Some(old) = attempt.unasked() {
        failed(&identity, &"the browser is signed in at another tenant");
        return Ok(Finished::AnotherAccount {
            signed_in: name_of(old),
            came_back: name_in(&identity),
        });
    }
    if let Some(old) = follows.filter(|old| step_up && !is_same_person(old, &identity)) {
        failed(&identity, &"another account came back to a step-up");
        return Ok(Finished::AnotherAccount {
            signed_in: name_of(old),
            came_back: name_in(&identity),
        });
    }
    let by_the_app = |identity: &Identity| {
        audit::answered_by_app(
            &state.issuer,
            &identity.claims.subject,
            step_up,
            attempt.client,
        );
    };
    let enrichment = match decide(context, &identity).await? {
        Decision::Accept => Enrichment::default(),
        Decision::Enrich(enrichment) => enrichment,
        Decision::Refuse(reason) => {
            failed(&identity, &"refused by the app");
            return Ok(Finished::Refused(reason));
        }
        Decision::Answer(response) => {
            by_the_app(&identity);
            return Ok(Finished::Answered(response));
        }
        Decision::OwnSession(headers) => {
            // With both, the browser would be two people at once, and the old one again when the app's ends.
            for session in current.iter().chain(&bound) {
                context.sessions.end(session).await?;
            }
            by_the_app(&identity);
            return Ok(Finished::OwnSession { headers, return_to });
        }
    };
    let subject = identity.claims.subject.clone();
    if browser.is_alone() {
        // A new session would reach nobody, and would end the one that the browser still has.
        return Err(Error::request(WENT_AWAY));
    }
    let record = record::of_sign_in(context, identity, enrichment, state.step_up)?;
    // The browser has moved on to another session since: the one that this attempt knew is over. Where that
    // one followed it, as another tab's step-up does, it ends by itself.
    let left = bound.as_ref().zip(current.as_ref());
    if let Some((bound, _)) = left.filter(|(bound, now)| bound.public_id() != now.public_id()) {
        context.sessions.delete(bound.key()).await?;
    }
    Ok(
        match context
            .sessions
            .make(record, follows, state.began_at)
            .await?
        {
            Made::Session(made) => {
                audit::signed_in(&made.session, step_up, attempt.client);
                Finished::SignedIn { made, return_to }
            }
            Made::SignedOut => {
                let reason = "the provider ended the session meanwhile";
                attempt.failed(Some(&subject), &reason);
                Finished::SignedOutMeanwhile
            }
        },
    )
}

fn name_of(session: &Session) -> String {
    session
        .record()
        .email
        .as_deref()
        .unwrap_or(session.subject())
        .to_owned()
}

fn name_in(identity: &Identity) -> String {
    record::text(&identity.claims, "email")
        .map_or_else(|| identity.claims.subject.clone(), Into::into)
}
