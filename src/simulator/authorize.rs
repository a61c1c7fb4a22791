//! The authorization endpoint, and the form that its page sends.

mod misbehaviour;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};

use super::answer;
use super::authentication::{self, Factor};
use super::decide::{Decision, LOGIN_REQUIRED, Need, Progress, UNMET, decide, is_out_of_reach};
use super::fault::Fault;
use super::grant::Grant;
use super::html::message;
use super::login_page::{ERRORS, LoginPage};
use super::params::Params;
use super::request::{AuthorizationRequest, ProtocolError, Refusal};
use super::session::{Authentication, Session};
use super::shared::Shared;

/// `GET` and `POST /authorize` (OpenID Connect Core 3.1.2.1).
pub(super) async fn authorize(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let params = if method == Method::POST {
        Params::parse(&body)
    } else {
        Params::parse(query.unwrap_or_default().as_bytes())
    };
    let request = match AuthorizationRequest::read(&params, &shared.clients) {
        Ok(request) => request,
        Err(Refusal::Page(text)) => {
            return message(
                StatusCode::BAD_REQUEST,
                "This request can’t be served",
                text,
            );
        }
        Err(Refusal::Answer(address, (code, description))) => {
            return answer::with_error(&shared, &address, code, Some(description));
        }
    };
    let fault = shared.faults.find(|fault| match fault {
        Fault::AuthorizeError(code, description) => Some((code.clone(), description.clone())),
        _ => None,
    });
    if let Some((code, description)) = fault {
        return answer::with_error(&shared, &request.address, &code, description.as_deref());
    }
    let mut attempt = Attempt::new(&shared, &headers, request, Progress::default());
    let silent = shared.faults.find(|fault| match fault {
        Fault::SilentAnswer(answer) => Some(answer.clone()),
        _ => None,
    });
    if let Some(answer) = silent.filter(|_| attempt.request.prompts.none) {
        return attempt.misbehave(answer).await;
    }
    if shared.faults.has(&Fault::WeakStepUp) && attempt.session.is_some() {
        attempt.request = attempt.request.without_requirements();
    }
    let response = attempt.proceed(None);
    attempt.finish(response)
}

/// `POST /login`: what a person picked on the page.
pub(super) async fn login(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Params::parse(&body);
    let interaction = form
        .get("interaction")
        .and_then(|id| shared.find_interaction(id));
    let Some(interaction) = interaction else {
        return message(
            StatusCode::BAD_REQUEST,
            "This page is too old",
            "Go back to the application and start again.",
        );
    };
    let mut attempt = Attempt::new(&shared, &headers, interaction.request, interaction.progress);
    let response = attempt.submit(&form);
    attempt.finish(response)
}

/// One authorization request on its way to an answer.
struct Attempt<'a> {
    shared: &'a Shared,
    request: AuthorizationRequest,
    progress: Progress,
    cookie: Option<String>,
    session: Option<Session>,
    cookie_is_new: bool,
}

/// What the form says, once it makes sense.
#[derive(Debug, PartialEq, Eq)]
enum Chosen {
    /// Go on with the session as it is.
    Keep,
    /// Authenticate with these methods in `amr`.
    Authenticate(Vec<String>),
}

impl<'a> Attempt<'a> {
    fn new(
        shared: &'a Shared,
        headers: &HeaderMap,
        request: AuthorizationRequest,
        progress: Progress,
    ) -> Self {
        let cookie = shared.cookie.read(headers).map(ToOwned::to_owned);
        let session = cookie
            .as_deref()
            .and_then(|cookie| shared.sessions().find(cookie, shared.now()));
        Self {
            shared,
            request,
            progress,
            cookie,
            session,
            cookie_is_new: false,
        }
    }

    /// The subject that the request insists on; the error when its `id_token_hint` is none of ours.
    fn meant(&self) -> Result<Option<String>, ProtocolError> {
        if self.shared.faults.has(&Fault::IgnoreIdTokenHint) {
            return Ok(None);
        }
        let Some(hint) = &self.request.id_token_hint else {
            return Ok(self.request.claims.sub.clone());
        };
        let payload = self.shared.keys().verified_payload(hint);
        match payload.as_ref().and_then(|payload| payload["sub"].as_str()) {
            Some(subject) => Ok(Some(subject.to_owned())),
            None => Err(("invalid_request", "id_token_hint is no ID token of ours")),
        }
    }

    fn decide(&self) -> Decision {
        match self.meant() {
            Ok(meant) => decide(
                &self.request,
                self.session.as_ref(),
                self.progress,
                meant.as_deref(),
                self.shared.now(),
            ),
            Err(error) => Decision::Fail(error),
        }
    }

    fn proceed(&mut self, fault: Option<&'static str>) -> Response {
        match self.decide() {
            Decision::Answer => self.answer(),
            Decision::Fail(error) => self.fail(error),
            Decision::Ask(need) => match self.shared.default_login() {
                Some(_) if need == Need::Consent => {
                    self.consent();
                    self.proceed(None)
                }
                // The choice was made already, and did not suffice.
                Some(_) if self.progress.authenticated => self.fail(UNMET),
                Some(choice) if self.shared.user(&choice.user).is_some() => {
                    self.authenticate(choice.user, choice.amr, choice.acr);
                    self.proceed(None)
                }
                Some(_) => self.fail(("server_error", "the default login names an unknown user")),
                None if is_out_of_reach(&self.request) => self.fail(UNMET),
                None => self.show(need, fault),
            },
        }
    }

    fn submit(&mut self, form: &Params) -> Response {
        if let Some(refusal) = form.get("deny") {
            let code = match refusal {
                "selected" => form.get("error").unwrap_or("access_denied"),
                code => code,
            };
            let known = ERRORS.into_iter().find(|known| *known == code);
            return self.fail((known.unwrap_or("access_denied"), "the person refused"));
        }
        let need = match self.decide() {
            Decision::Ask(need) => need,
            // Another tab was faster: the form still says who and how.
            Decision::Answer => Need::SelectAccount,
            Decision::Fail(error) => return self.fail(error),
        };
        let user = form.get("user").and_then(|user| self.shared.user(user));
        let Some(user) = user else {
            return self.show(need, Some("Pick who you are."));
        };
        let factors: Vec<Factor> = form.all("factor").filter_map(Factor::from_form).collect();
        let current = self.session.as_ref().map(|session| &session.authentication);
        match choose(need, current, user.subject(), &factors) {
            Err(fault) => return self.show(need, Some(fault)),
            Ok(Chosen::Keep) if need == Need::Consent => self.consent(),
            Ok(Chosen::Keep) => self.progress.account_selected = true,
            Ok(Chosen::Authenticate(amr)) => {
                self.authenticate(user.subject().to_owned(), amr, None);
            }
        }
        let fault = "That is not enough yet: the application insists on more.";
        self.proceed(Some(fault).filter(|_| self.progress.authenticated))
    }

    fn authenticate(&mut self, user: String, amr: Vec<String>, acr: Option<String>) {
        let authentication = Authentication {
            user,
            amr,
            acr,
            auth_time: self.shared.now(),
        };
        let mut sessions = self.shared.sessions();
        let lifetime = self.shared.session_lifetime;
        let cookie = sessions.sign_in(self.cookie.as_deref(), authentication, lifetime);
        self.session = sessions.find(&cookie, self.shared.now());
        self.cookie = Some(cookie);
        self.cookie_is_new = true;
        self.progress.authenticated = true;
    }

    fn consent(&mut self) {
        self.progress.consented = true;
        if let Some(cookie) = &self.cookie {
            let mut sessions = self.shared.sessions();
            sessions.consent(cookie, &self.request.client_id);
        }
    }

    fn show(&self, need: Need, fault: Option<&'static str>) -> Response {
        let interaction = self
            .shared
            .begin_interaction(self.request.clone(), self.progress);
        LoginPage {
            shared: self.shared,
            interaction: &interaction,
            request: &self.request,
            session: self.session.as_ref(),
            need,
            // Where only consent is left, the factors did suffice.
            fault: fault.filter(|_| need != Need::Consent),
        }
        .render()
    }

    fn fail(&self, (code, description): ProtocolError) -> Response {
        answer::with_error(self.shared, &self.request.address, code, Some(description))
    }

    fn answer(&self) -> Response {
        let Some(session) = &self.session else {
            return self.fail(LOGIN_REQUIRED);
        };
        let request = &self.request;
        let authentication = &session.authentication;
        let grant = Grant {
            client_id: request.client_id.clone(),
            redirect_uri: request.address.redirect_uri.clone(),
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            code_challenge: request.code_challenge.clone(),
            claims: request.claims.clone(),
            user: authentication.user.clone(),
            amr: authentication.amr.clone(),
            acr: authentication.stated_acr(&request.asked_acr()),
            auth_time: authentication.auth_time,
            sid: session.sid.clone(),
            offline: request.has_scope("offline_access"),
        };
        let code = self.shared.grants().issue_code(grant, self.shared.now());
        answer::with_code(self.shared, &request.address, &code)
    }

    fn finish(&self, mut response: Response) -> Response {
        if self.cookie_is_new
            && let Some(cookie) = self.cookie.as_deref()
            && let Some(field) = self.shared.cookie.set(cookie)
        {
            response.headers_mut().append(header::SET_COOKIE, field);
        }
        response
    }
}

/// What a form means, for what the page asked.
fn choose(
    need: Need,
    current: Option<&Authentication>,
    user: &str,
    factors: &[Factor],
) -> Result<Chosen, &'static str> {
    let current = current.filter(|authentication| authentication.user == user);
    if need == Need::Consent {
        return match current {
            Some(_) => Ok(Chosen::Keep),
            None => Err("Pick who is signed in."),
        };
    }
    if factors.is_empty() {
        return match current {
            Some(_) if need == Need::SelectAccount => Ok(Chosen::Keep),
            _ => Err("Pick at least one factor."),
        };
    }
    // A step-up adds to what the session stands for; everything else starts anew.
    let before = match current {
        Some(current) if need == Need::StepUp => current.amr.as_slice(),
        _ => &[],
    };
    Ok(Chosen::Authenticate(authentication::amr(before, factors)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SecondsSinceEpoch;

    #[test]
    fn a_form_means_what_the_page_asked() {
        use Factor::{Otp, Password};
        let alice = Authentication {
            user: "alice".to_owned(),
            amr: vec!["pwd".to_owned()],
            acr: None,
            auth_time: SecondsSinceEpoch(1),
        };
        let amr = |methods: &[&str]| {
            let methods = methods.iter().map(|&m| m.to_owned()).collect();
            Ok(Chosen::Authenticate(methods))
        };
        let (alice, factor) = (Some(&alice), Err("Pick at least one factor."));
        for (need, user, factors, expected) in [
            (Need::SignIn, "bob", &[Password][..], amr(&["pwd"])),
            (Need::SignIn, "bob", &[], factor),
            (Need::Again, "alice", &[Otp], amr(&["otp"])),
            (Need::Again, "alice", &[], Err("Pick at least one factor.")),
            (Need::StepUp, "alice", &[Otp], amr(&["pwd", "otp", "mfa"])),
            (Need::StepUp, "bob", &[Otp], amr(&["otp"])),
            (Need::StepUp, "alice", &[], Err("Pick at least one factor.")),
            (Need::SelectAccount, "alice", &[], Ok(Chosen::Keep)),
            (
                Need::SelectAccount,
                "bob",
                &[],
                Err("Pick at least one factor."),
            ),
            (Need::Consent, "alice", &[], Ok(Chosen::Keep)),
            (
                Need::Consent,
                "bob",
                &[Password],
                Err("Pick who is signed in."),
            ),
        ] {
            let chosen = choose(need, alice, user, factors);
            assert_eq!(chosen, expected, "{need:?} {user}");
        }
    }
}
