//! What an authorization request gets: an answer, a page or an error. Pure.

use std::time::Duration;

use super::authentication::ACR_VALUES;
use super::request::{AuthorizationRequest, ProtocolError};
use super::session::{Authentication, Session};
use crate::clock::SecondsSinceEpoch;

/// Why somebody has to look at a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nobody is signed in, or not the person who is meant.
    SignIn,
    /// The authentication is asked to be new, or is too old.
    Again,
    SelectAccount,
    /// The authentication is too weak.
    StepUp,
    Consent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Answer with a code for the session.
    Answer,
    Ask(Need),
    Fail(ProtocolError),
}

/// What happened on the pages of this attempt so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) authenticated: bool,
    pub(super) account_selected: bool,
    pub(super) consented: bool,
}

pub(super) const LOGIN_REQUIRED: ProtocolError = ("login_required", "nobody fitting is signed in");
const INTERACTION_REQUIRED: ProtocolError = (
    "interaction_required",
    "a further factor would be asked for",
);
const CONSENT_REQUIRED: ProtocolError = ("consent_required", "consent would be asked for");
/// OpenID Connect Core Unmet Authentication Requirements 1.0.
pub(super) const UNMET: ProtocolError = (
    "unmet_authentication_requirements",
    "the authentication that was asked for can't be reached",
);

/// `meant` is the subject that an `id_token_hint` or the `claims` parameter names.
pub(super) fn decide(
    request: &AuthorizationRequest,
    session: Option<&Session>,
    progress: Progress,
    meant: Option<&str>,
    now: SecondsSinceEpoch,
) -> Decision {
    let prompts = &request.prompts;
    let ask = |need| match need {
        need if !prompts.none => Decision::Ask(need),
        Need::SignIn | Need::Again | Need::SelectAccount => Decision::Fail(LOGIN_REQUIRED),
        Need::StepUp => Decision::Fail(INTERACTION_REQUIRED),
        Need::Consent => Decision::Fail(CONSENT_REQUIRED),
    };
    let Some(session) = session else {
        return ask(Need::SignIn);
    };
    let authentication = &session.authentication;
    if meant.is_some_and(|subject| subject != authentication.user) {
        // Core 3.1.2.1: somebody else than the hint names is an error, not an answer.
        return if progress.authenticated {
            Decision::Fail(LOGIN_REQUIRED)
        } else {
            ask(Need::SignIn)
        };
    }
    if !progress.authenticated {
        let age = now.since(authentication.auth_time);
        // Core 3.1.2.1: max_age=0 is prompt=login, also within the same second.
        let too_old = request
            .max_age
            .is_some_and(|max| max == 0 || age > Duration::from_secs(max));
        if prompts.login || too_old {
            return ask(Need::Again);
        }
        if prompts.select_account && !progress.account_selected {
            return ask(Need::SelectAccount);
        }
    }
    if !holds_essential(request, authentication)
        || (!progress.authenticated && !holds_voluntary(request, authentication))
    {
        return ask(Need::StepUp);
    }
    let consented = session.consented.contains(&request.client_id);
    if !progress.consented && (prompts.consent || (request.asks_consent && !consented)) {
        return ask(Need::Consent);
    }
    Decision::Answer
}

fn holds_essential(request: &AuthorizationRequest, authentication: &Authentication) -> bool {
    let (acr, amr) = (&request.claims.essential_acr, &request.claims.essential_amr);
    (acr.is_empty() || acr.iter().any(|acr| authentication.holds_acr(acr)))
        && (amr.is_empty() || amr.iter().any(|m| authentication.amr.contains(m)))
}

/// Core 5.5.1.1: `acr_values` are voluntary. It is worth a page only if a page can help.
fn holds_voluntary(request: &AuthorizationRequest, authentication: &Authentication) -> bool {
    let mut asked = request
        .acr_values
        .iter()
        .chain(&request.claims.voluntary_acr)
        .filter(|acr| ACR_VALUES.contains(&&***acr) || authentication.holds_acr(acr))
        .peekable();
    asked.peek().is_none() || asked.any(|acr| authentication.holds_acr(acr))
}

/// Whether no combination of factors on the page gives what is essential.
pub(super) fn is_out_of_reach(request: &AuthorizationRequest) -> bool {
    let (acr, amr) = (&request.claims.essential_acr, &request.claims.essential_amr);
    let no_acr = !acr.is_empty() && !acr.iter().any(|acr| ACR_VALUES.contains(&&**acr));
    let methods = ["pwd", "otp", "hwk", "mfa"];
    let no_amr = !amr.is_empty() && !amr.iter().any(|m| methods.contains(&&**m));
    no_acr || no_amr
}

#[cfg(test)]
mod tests {
    use super::super::client::Clients;
    use super::super::params::Params;
    use super::Decision::{Answer, Ask, Fail};
    use super::*;
    use crate::simulator::session::Sessions;

    const NOW: u64 = 1_000;

    fn request(more: &str) -> AuthorizationRequest {
        let query = format!(
            "client_id=app&redirect_uri=http://localhost/cb&response_type=code&scope=openid&{more}"
        );
        let clients = Clients {
            registered: Vec::new(),
            any: true,
        };
        AuthorizationRequest::read(&Params::parse(query.as_bytes()), &clients).unwrap()
    }

    /// Alice, 100 seconds ago, with a password.
    fn session() -> Session {
        let authentication = Authentication {
            user: "alice".to_owned(),
            amr: vec!["pwd".to_owned()],
            acr: None,
            auth_time: SecondsSinceEpoch(NOW - 100),
        };
        let mut sessions = Sessions::default();
        let cookie = sessions.sign_in(None, authentication, Duration::from_secs(3600));
        sessions.find(&cookie, SecondsSinceEpoch(NOW)).unwrap()
    }

    fn decided(more: &str, session: Option<&Session>, progress: Progress) -> Decision {
        decide(
            &request(more),
            session,
            progress,
            None,
            SecondsSinceEpoch(NOW),
        )
    }

    const ESSENTIAL: &str = r#"claims={"id_token":{"acr":{"essential":true,"values":["mfa"]}}}"#;

    #[test]
    fn without_a_session() {
        assert_eq!(decided("", None, Progress::default()), Ask(Need::SignIn));
        let silent = decided("prompt=none", None, Progress::default());
        assert_eq!(silent, Fail(LOGIN_REQUIRED));
    }

    #[test]
    fn with_a_session() {
        let essential_amr = r#"claims={"id_token":{"amr":{"essential":true,"values":["mfa"]}}}"#;
        for (more, expected) in [
            ("", Answer),
            ("prompt=none", Answer),
            ("prompt=login", Ask(Need::Again)),
            ("prompt=select_account", Ask(Need::SelectAccount)),
            ("prompt=consent", Ask(Need::Consent)),
            ("max_age=100", Answer),
            ("max_age=99", Ask(Need::Again)),
            ("max_age=99&prompt=none", Fail(LOGIN_REQUIRED)),
            ("acr_values=urn:example:silver", Answer),
            ("acr_values=urn:example:gold", Ask(Need::StepUp)),
            ("acr_values=urn:example:gold+urn:example:silver", Answer),
            ("acr_values=urn:unknown", Answer),
            ("acr_values=mfa&prompt=none", Fail(INTERACTION_REQUIRED)),
            (ESSENTIAL, Ask(Need::StepUp)),
            (essential_amr, Ask(Need::StepUp)),
        ] {
            let decision = decided(more, Some(&session()), Progress::default());
            assert_eq!(decision, expected, "{more}");
        }
    }

    #[test]
    fn max_age_zero_asks_again_in_the_same_second() {
        let mut session = session();
        session.authentication.auth_time = SecondsSinceEpoch(NOW);
        let decision = decided("max_age=0", Some(&session), Progress::default());
        assert_eq!(decision, Ask(Need::Again));
    }

    #[test]
    fn right_after_the_page() {
        let session = session();
        let progress = Progress {
            authenticated: true,
            ..Progress::default()
        };
        for (more, expected) in [
            ("prompt=login", Answer),
            ("max_age=0", Answer),
            ("prompt=select_account", Answer),
            ("acr_values=mfa", Answer),
            (ESSENTIAL, Ask(Need::StepUp)),
            ("prompt=login+consent", Ask(Need::Consent)),
        ] {
            assert_eq!(decided(more, Some(&session), progress), expected, "{more}");
        }
    }

    #[test]
    fn somebody_else_than_the_hint_names() {
        let (session, now) = (session(), SecondsSinceEpoch(NOW));
        let decide = |more, progress, meant| {
            decide(&request(more), Some(&session), progress, Some(meant), now)
        };
        let fresh = Progress {
            authenticated: true,
            ..Progress::default()
        };
        assert_eq!(decide("prompt=none", Progress::default(), "alice"), Answer);
        let silent = decide("prompt=none", Progress::default(), "bob");
        assert_eq!(silent, Fail(LOGIN_REQUIRED));
        assert_eq!(decide("", Progress::default(), "bob"), Ask(Need::SignIn));
        assert_eq!(decide("", fresh, "bob"), Fail(LOGIN_REQUIRED));
    }

    #[test]
    fn consent_is_asked_once() {
        let mut request = request("");
        request.asks_consent = true;
        let mut session = session();
        let now = SecondsSinceEpoch(NOW);
        let decide = |request: &_, session: &_| {
            decide(request, Some(session), Progress::default(), None, now)
        };
        assert_eq!(decide(&request, &session), Ask(Need::Consent));
        request.prompts.none = true;
        assert_eq!(decide(&request, &session), Fail(CONSENT_REQUIRED));
        session.consented.insert("app".to_owned());
        assert_eq!(decide(&request, &session), Answer);
    }

    #[test]
    fn out_of_reach_is_what_no_factor_gives() {
        let asks = |claim: &str, value: &str| {
            is_out_of_reach(&request(&format!(
                r#"claims={{"id_token":{{"{claim}":{{"essential":true,"value":"{value}"}}}}}}"#
            )))
        };
        assert!(asks("acr", "urn:unknown") && asks("amr", "iris"));
        assert!(!asks("acr", "phr") && !asks("amr", "mfa"));
    }
}
