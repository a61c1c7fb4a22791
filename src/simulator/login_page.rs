//! The page on which a person picks who to be, and with which factors.

use std::fmt::Write as _;

use axum::response::Response;
use http::StatusCode;

use super::authentication::Factor;
use super::decide::Need;
use super::fault::Endpoint;
use super::html::{escape, page};
use super::request::AuthorizationRequest;
use super::session::Session;
use super::shared::Shared;
use super::user::SimulatedUser;

/// The errors that a person can make this provider answer with.
pub(super) const ERRORS: [&str; 9] = [
    "access_denied",
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
    "unmet_authentication_requirements",
    "invalid_request",
    "server_error",
    "temporarily_unavailable",
];

/// What the page is about.
pub(super) struct LoginPage<'a> {
    pub(super) shared: &'a Shared,
    pub(super) interaction: &'a str,
    pub(super) request: &'a AuthorizationRequest,
    pub(super) session: Option<&'a Session>,
    pub(super) need: Need,
    /// What was wrong with what the person sent before.
    pub(super) fault: Option<&'static str>,
}

impl LoginPage<'_> {
    pub(super) fn render(&self) -> Response {
        let (title, submit) = match self.need {
            Need::SignIn => ("Sign in", "Sign in"),
            Need::Again => ("Sign in again", "Sign in"),
            Need::SelectAccount => ("Choose an account", "Continue"),
            Need::StepUp => ("One more factor", "Confirm"),
            Need::Consent => ("Allow access?", "Allow"),
        };
        let status = match self.fault {
            Some(_) => StatusCode::BAD_REQUEST,
            None => StatusCode::OK,
        };
        let mut main = format!(
            "<h1>{title}</h1>\n<p class=\"soft\">to continue to <code>{}</code></p>\n",
            escape(&self.request.client_id)
        );
        if let Some(note) = self.note() {
            push(
                &mut main,
                format_args!("<p class=\"note\" id=\"note\">{note}</p>\n"),
            );
        }
        if let Some(fault) = self.fault {
            let fault = escape(fault);
            let html =
                format_args!("<p class=\"note alarm\" id=\"fault\" role=\"alert\">{fault}</p>\n");
            push(&mut main, html);
        }
        push(
            &mut main,
            format_args!(
                "<form id=\"sign-in\" method=\"post\" action=\"{}\">\n\
                 <input type=\"hidden\" name=\"interaction\" value=\"{}\">\n{}{}{}</form>",
                escape(&self.shared.path(Endpoint::Login)),
                escape(self.interaction),
                self.people(),
                self.factors(),
                self.actions(submit),
            ),
        );
        page(status, title, &main)
    }

    /// Why the page is shown, as HTML.
    fn note(&self) -> Option<String> {
        let asked = self.request.asked_acr();
        let mut notes = Vec::new();
        if self.need == Need::Again {
            notes.push("The application wants you to authenticate now.".to_owned());
        }
        if self.need == Need::StepUp
            && let Some(session) = self.session
        {
            let shown = session.authentication.amr.join(", ");
            notes.push(format!(
                "So far you have shown <code>{}</code>.",
                escape(&shown)
            ));
        }
        if self.need != Need::Consent {
            if !asked.is_empty() {
                let list = codes(&asked);
                notes.push(format!("The application asks for {list}."));
            }
            if !self.request.claims.essential_amr.is_empty() {
                let list = codes(&self.request.claims.essential_amr);
                notes.push(format!("It insists on {list}."));
            }
        }
        if self.need == Need::Consent {
            let scopes: Vec<String> = self
                .request
                .scope
                .split_ascii_whitespace()
                .map(ToOwned::to_owned)
                .collect();
            notes.push(format!("It gets {}.", codes(&scopes)));
        }
        (!notes.is_empty()).then(|| notes.join(" "))
    }

    /// Who is preselected: the person that the request hints at, who is signed in, or the first.
    fn preselected(&self) -> Option<&str> {
        let users = &self.shared.users;
        let hinted = self
            .request
            .login_hint
            .as_deref()
            .and_then(|hint| users.iter().find(|user| user.is_meant_by(hint)))
            .map(SimulatedUser::subject);
        let current = self.session.map(|s| s.authentication.user.as_str());
        let first = users.first().map(SimulatedUser::subject);
        match self.need {
            Need::SignIn | Need::SelectAccount => hinted.or(current).or(first),
            Need::Again | Need::StepUp | Need::Consent => current.or(hinted).or(first),
        }
    }

    fn people(&self) -> String {
        let preselected = self.preselected();
        let mut html = String::from("<fieldset>\n<legend>Who are you?</legend>\n");
        for user in &self.shared.users {
            let subject = user.subject();
            if self.need == Need::Consent && preselected != Some(subject) {
                continue;
            }
            let groups = user.groups().collect::<Vec<_>>().join(", ");
            let details: Vec<&str> = [user.text("email").unwrap_or_default(), &groups]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect();
            push(
                &mut html,
                format_args!(
                    "<label class=\"choice\"><input type=\"radio\" name=\"user\" id=\"user-{0}\" \
                     value=\"{0}\"{1}><span>{2}<small>{3}</small></span></label>\n",
                    escape(subject),
                    checked(preselected == Some(subject)),
                    escape(user.display_name()),
                    escape(&details.join(" · ")),
                ),
            );
        }
        html.push_str("</fieldset>\n");
        html
    }

    fn factors(&self) -> String {
        if self.need == Need::Consent {
            return String::new();
        }
        let legend = match self.need {
            Need::StepUp => "What else do you show?",
            Need::SelectAccount => "With what? Nothing, for who is signed in already.",
            _ => "With what?",
        };
        let password = matches!(self.need, Need::SignIn | Need::Again);
        let mut html = format!("<fieldset>\n<legend>{legend}</legend>\n");
        for factor in Factor::ALL {
            let name = match factor {
                Factor::Password => "Password",
                Factor::Otp => "One-time code",
                Factor::SecurityKey => "Security key",
            };
            push(
                &mut html,
                format_args!(
                    "<label class=\"choice\"><input type=\"checkbox\" name=\"factor\" id=\"factor-{0}\" \
                     value=\"{0}\"{1}><span>{name}</span><small><code>{2}</code></small></label>\n",
                    factor.form_value(),
                    checked(password && factor == Factor::Password),
                    factor.amr(),
                ),
            );
        }
        html.push_str("</fieldset>\n");
        html
    }

    fn actions(&self, submit: &str) -> String {
        let (refusal, label) = match self.need {
            Need::StepUp => ("unmet_authentication_requirements", "I can’t"),
            _ => ("access_denied", "Deny"),
        };
        let mut html = format!(
            "<div class=\"actions\"><button class=\"primary\" id=\"submit\">{submit}</button>\
             <button id=\"deny\" name=\"deny\" value=\"{refusal}\">{label}</button></div>\n\
             <details><summary>Answer with an error</summary>\n<div class=\"actions\">\
             <label class=\"hidden-label\" for=\"error\">Error</label>\
             <select id=\"error\" name=\"error\">\n"
        );
        for code in ERRORS {
            push(&mut html, format_args!("<option>{code}</option>\n"));
        }
        html.push_str(
            "</select>\n<button id=\"send-error\" name=\"deny\" value=\"selected\">Answer</button></div>\n\
             </details>\n",
        );
        html
    }
}

fn checked(yes: bool) -> &'static str {
    if yes { " checked" } else { "" }
}

fn codes(values: &[String]) -> String {
    let codes: Vec<String> = values
        .iter()
        .map(|value| format!("<code>{}</code>", escape(value)))
        .collect();
    codes.join(" or ")
}

fn push(html: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = html.write_fmt(text);
}
