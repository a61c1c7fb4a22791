//! What is answered in the place of a handler: the table "who gets what when not (sufficiently) signed in".

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request};
use serde_json::{Value, json};
use tower_cookies::Cookies;

use super::page::{Page, PageKind};
use super::request_kind::RequestKind;
use super::{Rejection, RejectionKind, Shared, cookie_fields, respond};
use crate::flow::sign_in::{self, Start};
use crate::flow::{BaseUrl, audit};
use crate::policy::{Reason, Requirement, Verdict};
use crate::session::{ReturnTo, Session};
use crate::{Error, ErrorKind};

/// A request that did not reach its handler, with what is needed to answer it. It travels in the
/// response's extensions from where it was refused to the outer layer, which answers.
#[derive(Clone)]
pub(crate) struct Refusal(Arc<Refused>);

struct Refused {
    cause: Cause,
    session: Option<Session>,
    method: Method,
    /// Path and query as the browser asked for them, before any router stripped something.
    target: String,
    headers: HeaderMap,
}

/// Why a request was refused.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// What the policy said.
    Verdict(Verdict),
    /// An unsafe request with the session cookie came from another site.
    CrossSite,
    /// The store or the provider failed: whether somebody is signed in is not known.
    Unknown(Error),
}

impl Cause {
    /// Why, for the audit.
    fn text(&self) -> &str {
        match self {
            Self::Verdict(Verdict::StepUp(_, reason) | Verdict::Forbidden(reason)) => reason.text(),
            Self::Verdict(_) => "sign-in is required",
            Self::CrossSite => "an unsafe request came from another site",
            Self::Unknown(error) if error.kind() == ErrorKind::Store => {
                "the session store does not answer"
            }
            Self::Unknown(_) => "the provider can't renew the session now",
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl Refusal {
    pub(crate) fn new(
        cause: Cause,
        session: Option<Session>,
        target: String,
        request: &request::Parts,
    ) -> Self {
        Self(Arc::new(Refused {
            cause,
            session,
            method: request.method.clone(),
            target,
            headers: request.headers.clone(),
        }))
    }

    /// What outer layers are told.
    pub(crate) fn rejection(&self) -> Rejection {
        match &self.0.cause {
            Cause::Verdict(Verdict::StepUp(_, reason)) => {
                Rejection::new(RejectionKind::StepUp, Some(reason.clone()))
            }
            Cause::Verdict(Verdict::Forbidden(reason)) => {
                Rejection::new(RejectionKind::Forbidden, Some(reason.clone()))
            }
            Cause::Verdict(_) => Rejection::new(RejectionKind::SignIn, None),
            Cause::CrossSite => Rejection::new(RejectionKind::CrossSite, None),
            Cause::Unknown(_) => Rejection::new(RejectionKind::Unavailable, None),
        }
    }

    /// The status that a response has until the outer layer answers, and keeps where there is none.
    pub(crate) fn status(&self) -> StatusCode {
        match self.rejection().kind() {
            RejectionKind::SignIn | RejectionKind::StepUp => StatusCode::UNAUTHORIZED,
            RejectionKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            RejectionKind::NoLayer => StatusCode::INTERNAL_SERVER_ERROR,
            RejectionKind::Forbidden | RejectionKind::CrossSite => StatusCode::FORBIDDEN,
        }
    }

    /// The path that was asked for, without its query.
    pub(crate) fn path(&self) -> &str {
        self.0.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn method(&self) -> &Method {
        &self.0.method
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }
}

/// What a refused request gets.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// 303 to the provider.
    Redirect { step_up: bool },
    /// A page with a link that signs in outside of the frame.
    LinkOutside,
    /// 401 with a bare body: nothing is stored, nobody is sent anywhere.
    Unauthorized,
    /// 401 with a problem document that names where to sign in.
    Problem,
    /// 403: a page, a problem document or a gRPC status, as the request can use it.
    Forbidden,
    /// 403 because a step-up has just come back too weak.
    Vain,
    /// 403 because the browser goes round in circles.
    Loop,
    /// 503.
    Unavailable,
}

/// The table. `vain`: this session has just come back from this step-up. `looping`: this browser has been
/// to the provider too often within a minute.
fn decide(cause: &Cause, kind: RequestKind, vain: bool, looping: bool) -> Answer {
    use RequestKind::{
        FormPost, FramedNavigation, Grpc, Htmx, Navigation, Prefetch, Script, Stream,
    };
    let step_up = match cause {
        Cause::Unknown(_) => return Answer::Unavailable,
        Cause::CrossSite | Cause::Verdict(Verdict::Forbidden(_)) => return Answer::Forbidden,
        Cause::Verdict(Verdict::StepUp(..)) => true,
        Cause::Verdict(_) => false,
    };
    match kind {
        Navigation | FramedNavigation | FormPost if step_up && vain => Answer::Vain,
        Navigation | FormPost if looping => Answer::Loop,
        Navigation | FormPost => Answer::Redirect { step_up },
        FramedNavigation => Answer::LinkOutside,
        Prefetch | Stream => Answer::Unauthorized,
        Script | Htmx | Grpc => Answer::Problem,
    }
}

pub(super) async fn answer(
    shared: &Shared,
    cookies: &Cookies,
    refusal: &Refusal,
) -> Response<Bytes> {
    let refused = &*refusal.0;
    let context = &shared.context;
    let now = context.clock.now();
    let kind = RequestKind::of(&refused.method, &refused.headers);
    let session = refused.session.as_ref();
    let (requirement, reason) = match &refused.cause {
        Cause::Verdict(Verdict::SignIn(requirement)) => (requirement.clone(), None),
        Cause::Verdict(Verdict::StepUp(requirement, reason)) => (requirement.clone(), Some(reason)),
        Cause::Verdict(Verdict::Forbidden(reason)) => (Requirement::default(), Some(reason)),
        _ => (Requirement::default(), None),
    };
    let vain = session.zip(reason).is_some_and(|(session, reason)| {
        sign_in::was_in_vain(session, &requirement, reason.missing(), now)
    });
    let looping =
        context
            .round_trips
            .is_loop(&context.sealer, cookie_fields(&refused.headers), now);
    let verdict = decide(&refused.cause, kind, vain, looping);
    audit::refused(
        session,
        refusal.rejection().kind().as_str(),
        refused.cause.text(),
    );
    let return_to = return_to(&context.base_url, kind, refused);
    match verdict {
        Answer::Redirect { step_up } => {
            for surplus in context
                .login_states
                .surplus(cookie_fields(&refused.headers), now)
            {
                cookies.add(surplus);
            }
            let start = Start {
                return_to,
                requirement,
                session,
                step_up,
                prompt: Vec::new(),
                login_hint: None,
                ui_locales: None,
            };
            match sign_in::start(context, start).await {
                Ok(started) => {
                    cookies.add(started.cookie);
                    respond::see_other(&started.location)
                }
                Err(error) => respond::error(shared, &error),
            }
        }
        Answer::LinkOutside => shared.page(
            &Page::new(
                PageKind::SignInOutside,
                StatusCode::UNAUTHORIZED,
                "Sign in to see this",
                "The sign-in page can’t be shown inside of another page.",
            )
            .add_top_link("Sign in", login_path(shared, &return_to, &requirement)),
        ),
        Answer::Unauthorized => respond::plain(StatusCode::UNAUTHORIZED, "sign-in is required"),
        Answer::Problem if kind == RequestKind::Grpc => grpc(16, "sign-in is required"),
        Answer::Problem => problem(shared, kind, &return_to, &requirement, reason),
        Answer::Forbidden => forbidden(shared, kind, &refused.cause, reason),
        Answer::Vain => vain_page(shared, &return_to, &requirement, reason),
        Answer::Loop => respond::round_in_circles(shared),
        Answer::Unavailable => unavailable(shared, kind, &refused.cause),
    }
}

/// 503 for whoever asks: the browser a page, the rest a line, gRPC a status.
fn unavailable(shared: &Shared, kind: RequestKind, cause: &Cause) -> Response<Bytes> {
    let after = match cause {
        Cause::Unknown(error) => error.retry_after(),
        _ => None,
    };
    match kind {
        RequestKind::Grpc => grpc(14, "sessions are not available now"),
        RequestKind::Navigation | RequestKind::FramedNavigation | RequestKind::FormPost => {
            let error = Error::store("whether you are signed in can't be told now");
            respond::error(
                shared,
                &match after {
                    Some(after) => error.with_retry_after(after),
                    None => error,
                },
            )
        }
        _ => respond::with_retry_after(
            respond::plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "sessions are not available now",
            ),
            after,
        ),
    }
}

/// Where the browser comes back to after it signed in: the page itself for a navigation; for what a page
/// sends or loads, that page. Never the URL of an API.
fn return_to(base: &BaseUrl, kind: RequestKind, refused: &Refused) -> ReturnTo {
    let named = |name: &str| {
        let value = refused.headers.get(name)?.to_str().ok()?;
        base.same_origin_path(value)
    };
    match kind {
        RequestKind::Navigation | RequestKind::FramedNavigation if refused.method.is_safe() => {
            ReturnTo::parse(&base.public_path(&refused.target))
        }
        RequestKind::Htmx => named("hx-current-url").or_else(|| named("referer")),
        _ => named("referer"),
    }
    .unwrap_or_else(|| {
        ReturnTo::parse(&format!("{}/", base.prefix())).unwrap_or_else(ReturnTo::root)
    })
}

/// The login endpoint with what the policy wants, for those who can't be redirected there.
fn login_path(shared: &Shared, return_to: &ReturnTo, requirement: &Requirement) -> String {
    let mut path = shared.login_path(return_to);
    let query = super::login::requirement_query(requirement);
    if !query.is_empty() {
        path.push('&');
        path.push_str(&query);
    }
    path
}

fn problem(
    shared: &Shared,
    kind: RequestKind,
    return_to: &ReturnTo,
    requirement: &Requirement,
    reason: Option<&Reason>,
) -> Response<Bytes> {
    let login_url = login_path(shared, return_to, requirement);
    let mut body = json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": reason.map_or("sign-in is required", Reason::text),
        "login_url": login_url,
    });
    if reason.is_some() {
        // RFC 9470 section 3, in the body: the header is for routes that take bearer tokens.
        body["error"] = "insufficient_user_authentication".into();
        if !requirement.acr_values.is_empty() {
            body["acr_values"] = requirement.acr_values.join(" ").into();
        }
        body["max_age"] = requirement
            .max_age
            .map_or(Value::Null, |age| age.as_secs().into());
    }
    let mut response = respond::json(StatusCode::UNAUTHORIZED, "application/problem+json", &body);
    if kind == RequestKind::Htmx
        && let Ok(location) = HeaderValue::try_from(login_url)
    {
        response.headers_mut().insert("hx-redirect", location);
    }
    response
}

fn forbidden(
    shared: &Shared,
    kind: RequestKind,
    cause: &Cause,
    reason: Option<&Reason>,
) -> Response<Bytes> {
    let text = match (cause, reason) {
        (Cause::CrossSite, _) => "This request was sent by a page of another site.".to_owned(),
        (_, Some(reason)) => sentence(reason.text()),
        (_, None) => "Your account may not see this.".to_owned(),
    };
    match kind {
        RequestKind::Grpc => grpc(7, "permission denied"),
        RequestKind::Navigation | RequestKind::FramedNavigation | RequestKind::FormPost => shared
            .page(
                &Page::new(
                    PageKind::Forbidden,
                    StatusCode::FORBIDDEN,
                    "You may not see this",
                    text,
                )
                .add_link("Go to the start page", shared.home()),
            ),
        _ => respond::json(
            StatusCode::FORBIDDEN,
            "application/problem+json",
            &json!({ "type": "about:blank", "title": "Forbidden", "status": 403, "detail": text }),
        ),
    }
}

fn vain_page(
    shared: &Shared,
    return_to: &ReturnTo,
    requirement: &Requirement,
    reason: Option<&Reason>,
) -> Response<Bytes> {
    let mut page = Page::new(
        PageKind::Forbidden,
        StatusCode::FORBIDDEN,
        "A stronger sign-in is needed",
        reason.map_or_else(String::new, |reason| sentence(reason.text())),
    )
    .add_link(
        "Sign in again",
        format!(
            "{}&prompt=login",
            login_path(shared, return_to, requirement)
        ),
    )
    .add_link("Go to the start page", shared.home());
    if requirement.multi_factor {
        page = page.with_detail(Some(respond::MFA_HINT.to_owned()));
    }
    shared.page(&page)
}

/// A reason as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!(
            "{}{}.",
            first.to_uppercase(),
            chars.as_str().trim_end_matches('.')
        )
    })
}

/// A gRPC status in the trailers-only form: all in the header fields of a 200.
fn grpc(code: u8, message: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert("grpc-status", HeaderValue::from(u16::from(code)));
    headers.insert("grpc-message", HeaderValue::from_static(message));
    response
}
