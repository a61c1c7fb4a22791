//! What is answered in the place of a handler: the table "who gets what when not (sufficiently) signed in".

mod bodies;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, request};
use tower_cookies::Cookies;

use super::elsewhere::may_be_left;
use super::page::{Page, PageKind};
use super::request_kind::RequestKind;
use super::{
    Rejection, RejectionKind, Shared, Unauthenticated, attempt, cookie_fields, grpc, respond,
};
use crate::flow::sign_in::{self, Start};
use crate::flow::{BaseUrl, Context, audit, silent};
use crate::policy::{Requirement, Verdict};
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
    /// What a navigation gets that has to sign in.
    unauthenticated: Arc<Unauthenticated>,
    /// Path and query as the browser asked for them, before any router stripped something.
    target: String,
    headers: HeaderMap,
    client: Option<IpAddr>,
}

/// Why a request was refused.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// What the policy said.
    Verdict(Verdict),
    /// Nobody is signed in here, and somebody may be at the provider; or who is has to be looked at again.
    AskSilently,
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
            Self::AskSilently => "the provider is asked without a page",
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
        unauthenticated: Arc<Unauthenticated>,
        session: Option<Session>,
        target: String,
        request: &request::Parts,
        client: Option<IpAddr>,
    ) -> Self {
        Self(Arc::new(Refused {
            cause,
            session,
            unauthenticated,
            method: request.method.clone(),
            target,
            headers: request.headers.clone(),
            client,
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
            Cause::Verdict(_) | Cause::AskSilently => Rejection::new(RejectionKind::SignIn, None),
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

/// What is known of the browser that asked.
#[derive(Clone, Copy, Debug, Default)]
struct Browser {
    /// Its session has just come back from this step-up.
    vain: bool,
    /// It has been to the provider too often within a minute.
    looping: bool,
    /// The route has a page of its own for who has to sign in.
    own_page: bool,
    /// It may be asked without a page first.
    silently: bool,
}

/// What a refused request gets.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// 303 to the provider.
    Redirect { step_up: bool },
    /// 303 to the provider, which may not show a page.
    AskSilently,
    /// 303 to the app's own page for who has to sign in.
    OwnPage,
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

/// The table.
fn decide(cause: &Cause, kind: RequestKind, browser: Browser) -> Answer {
    let Browser {
        vain,
        looping,
        own_page,
        silently,
    } = browser;
    use RequestKind::{
        FormPost, FramedNavigation, Grpc, Htmx, Navigation, Prefetch, Script, Stream,
    };
    let step_up = match cause {
        Cause::Unknown(_) => return Answer::Unavailable,
        Cause::CrossSite | Cause::Verdict(Verdict::Forbidden(_)) => return Answer::Forbidden,
        Cause::AskSilently => return Answer::AskSilently,
        Cause::Verdict(Verdict::StepUp(..)) => true,
        Cause::Verdict(_) => false,
    };
    match kind {
        Navigation | FramedNavigation | FormPost if step_up && vain => Answer::Vain,
        Navigation | FormPost if looping => Answer::Loop,
        Navigation if silently && !step_up => Answer::AskSilently,
        Navigation | FormPost if own_page && !step_up => Answer::OwnPage,
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
    let unauthenticated = &*refused.unauthenticated;
    let browser = Browser {
        vain,
        looping,
        // The page itself, if it is protected too, must not lead to itself.
        own_page: unauthenticated
            .page()
            .is_some_and(|page| !is_at(context, refusal, page)),
        silently: matches!(unauthenticated, Unauthenticated::SilentThenPage(_))
            && context.may_ask_silently(|| cookie_fields(&refused.headers), &refused.target),
    };
    let verdict = decide(&refused.cause, kind, browser);
    audit::refused(
        session,
        match verdict {
            Answer::AskSilently => "asked_silently",
            _ => refusal.rejection().kind().as_str(),
        },
        refused.cause.text(),
        refused.client,
    );
    let return_to = return_to(&context.base_url, kind, refused);
    match verdict {
        Answer::Redirect { .. } if is_login_page(context, refusal) => {
            let why = "the page where people sign in wants somebody who is signed in";
            respond::error(shared, &Error::configuration(why))
        }
        // The login endpoint looks first: whose session is left, and which tenant the organization is.
        Answer::Redirect { step_up: false }
            if may_be_left(context, &refused.method, &refused.headers)
                || requirement.at.is_some() && context.place.is_unnamed() =>
        {
            respond::see_other(&login_path(shared, &return_to, &requirement))
        }
        Answer::Redirect { step_up } => {
            let start = Start {
                requirement,
                session,
                step_up,
                ..Start::new(return_to)
            };
            attempt::begin(context, cookies, &refused.headers, start)
                .await
                .unwrap_or_else(|error| respond::error(shared, &error))
        }
        Answer::AskSilently => ask_silently(shared, cookies, refused, return_to).await,
        Answer::OwnPage => respond::see_other(&own_page(context, unauthenticated, &return_to)),
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
        Answer::Problem if kind == RequestKind::Grpc => {
            grpc::status(16, "sign-in is required", &refused.headers)
        }
        Answer::Problem => bodies::problem(shared, kind, &return_to, &requirement, reason),
        Answer::Forbidden => bodies::forbidden(shared, kind, refused, reason),
        Answer::Vain => bodies::vain_page(shared, &return_to, &requirement, reason),
        Answer::Loop => respond::round_in_circles(shared),
        Answer::Unavailable => bodies::unavailable(shared, kind, refused),
    }
}

/// Whether the page where people sign in is what they were refused: they could never get there.
fn is_login_page(context: &Context, refusal: &Refusal) -> bool {
    let page = context.provider.login_page();
    page.is_some_and(|page| is_at(context, refusal, page))
}

/// Whether a request was for this page of the app.
fn is_at(context: &Context, refusal: &Refusal, page: &str) -> bool {
    let public = |path| context.base_url.public_path(path);
    page.split('?').next().map(public) == Some(public(refusal.path()))
}

/// To the provider and back to the same page, whatever it says.
async fn ask_silently(
    shared: &Shared,
    cookies: &Cookies,
    refused: &Refused,
    return_to: ReturnTo,
) -> Response<Bytes> {
    let context = &shared.context;
    cookies.add(context.silent.asked());
    let start = Start {
        silent: true,
        // One that lives is re-authenticated, and changes in its place.
        session: refused.session.as_ref(),
        ..Start::new(return_to.clone())
    };
    attempt::begin(context, cookies, &refused.headers, start)
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "the provider can't be asked; the page shows without");
            respond::see_other(silent::marked(&return_to).as_str())
        })
}

fn own_page(context: &Context, unauthenticated: &Unauthenticated, return_to: &ReturnTo) -> String {
    let page = unauthenticated.page().unwrap_or("/");
    let separator = if page.contains('?') { '&' } else { '?' };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", return_to.as_str())
        .finish();
    format!("{}{separator}{query}", context.base_url.public_path(page))
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
    let query = super::wanted::requirement_query(requirement);
    if !query.is_empty() {
        path.push('&');
        path.push_str(&query);
    }
    path
}
