//! A sign-in that began at the provider, which sends the browser with a signed token (`idp_initiated_login`).
//!
//! The token signs nobody in: it says where and as whom, and is good once. An ordinary sign-in follows, with a state of
//! our own. Who is signed in already goes on to the target, if it is them who are meant, and else is asked first: such a
//! link may be on anybody's page.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use tower_cookies::Cookies;

use super::attempt::{begin_unless_in_circles, is_of};
use super::page::{Page, PageKind, name_of};
use super::request_kind::RequestKind;
use super::tenancy::AskedFor;
use super::wanted::{check_selectors, hint, selection};
use super::{Shared, cookie_fields, respond};
use crate::flow::audit;
use crate::flow::sign_in::Start;
use crate::provider::{Initiation, Selectors};
use crate::secret::Secret;
use crate::session::{ReturnTo, Session};
use crate::{Error, Result};

/// The parameter that has the token.
pub(super) const PARAMETER: &str = "idp_initiated_login";

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

pub(super) async fn answer(
    shared: &Arc<Shared>,
    cookies: &Cookies,
    request: &Request<Bytes>,
    token: &str,
) -> Result<Response<Bytes>> {
    let (context, headers) = (&shared.context, request.headers());
    let looks_ahead = RequestKind::of(request.method(), headers) == RequestKind::Prefetch;
    if looks_ahead || request.method() == Method::HEAD {
        // The token would be used up before the person is here.
        return Ok(respond::plain(
            StatusCode::UNAUTHORIZED,
            "a sign-in is not fetched ahead",
        ));
    }
    // One that is too long is refused below, and not sent round.
    if request.method() == Method::POST && token.len() <= LONGEST {
        // A form on another site comes without the session's `Lax` cookie: who is signed in would be replaced unasked.
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair(PARAMETER, token).finish();
        let login = context.endpoint_path("login");
        return Ok(respond::see_other(&format!("{login}?{query}")));
    }
    let initiation = verified(shared, request, token).await?;
    let session = context.sessions.find(cookie_fields(headers)).await?;
    let target = target(shared, &initiation);
    let Initiation {
        token_id,
        expires_at,
        selectors,
        login_hint,
        ..
    } = initiation;
    let asked = AskedFor {
        tenant: None,
        selectors: &selectors,
        login_hint: None,
        issuer: None,
    };
    let chosen = shared.for_sign_in(asked).await?;
    // Last of what can fail: a token that met an outage is still good.
    let is_first = context
        .sessions
        .use_once(
            &format!("{PARAMETER}\0{token_id}"),
            expires_at.plus(crate::oidc::LEEWAY),
        )
        .await?;
    if let Some(session) = &session {
        let hint = login_hint.as_deref();
        if chosen.context.counts(session) && is_of(session, &selectors) && is_meant(session, hint) {
            return Ok(respond::see_other(target.as_str()));
        }
    }
    let login = login_url(&chosen, &selectors, login_hint.as_deref(), &target);
    if !is_first {
        let text = "The sign-in service sends people over once. Signing in from here works.";
        return Ok(shared.page(
            &Page::new(
                PageKind::SignInFailed,
                StatusCode::BAD_REQUEST,
                "This sign-in was used already",
                text,
            )
            .add_link("Sign in", login),
        ));
    }
    if let Some(session) = &session {
        return Ok(continue_as(shared, session, login_hint.as_deref(), &login));
    }
    if chosen.context.base_url.origin() != context.base_url.origin() {
        return Ok(respond::see_other(&login));
    }
    let start = Start {
        login_hint,
        selectors,
        ..Start::new(target)
    };
    begin_unless_in_circles(&chosen, cookies, headers, start).await
}

async fn verified(shared: &Shared, request: &Request<Bytes>, token: &str) -> Result<Initiation> {
    let provider = &shared.context.provider;
    let door = provider
        .initiated_sign_ins()
        .ok_or_else(|| Error::request("no sign-in begins at the provider of this app"))?;
    let verified = if token.len() > LONGEST {
        Err(Error::request("the token of the sign-in is too long"))
    } else {
        door.verify(&Secret::from(token)).await
    };
    verified.and_then(fitting).inspect_err(|error| {
        let client = shared.client_address(request);
        audit::sign_in_failed(provider.issuer().as_str(), None, false, error, client);
    })
}

/// What it names is asked for as if a link named it: it goes into the same cookie, and into a link of the page
/// that asks.
fn fitting(initiation: Initiation) -> Result<Initiation> {
    check_selectors(&initiation.selectors)?;
    hint(initiation.login_hint.as_deref())?;
    Ok(initiation)
}

/// Where the person wants to go, if that is here.
fn target(shared: &Shared, initiation: &Initiation) -> ReturnTo {
    let base_url = &shared.context.base_url;
    initiation
        .relay_state
        .as_deref()
        .and_then(|relay| {
            base_url
                .same_origin_path(relay)
                .or_else(|| ReturnTo::parse(relay))
        })
        .unwrap_or_else(|| base_url.home())
}

/// Whether it is who is signed in that the provider means.
fn is_meant(session: &Session, hint: Option<&str>) -> bool {
    hint.is_none_or(|hint| {
        let claim = |name| session.claim(name)?.as_str().map(str::to_owned);
        session.subject() == hint
            || ["email", "preferred_username", "username"]
                .into_iter()
                .filter_map(claim)
                .any(|name| name.eq_ignore_ascii_case(hint))
    })
}

fn continue_as(
    shared: &Shared,
    session: &Session,
    hint: Option<&str>,
    login: &str,
) -> Response<Bytes> {
    let email = session.record().email.as_deref();
    let now = name_of(email.unwrap_or(session.subject()));
    let (other, label) = match hint.map(name_of) {
        Some(hint) => (hint.clone(), format!("Sign in as {hint}")),
        None => ("somebody else".to_owned(), "Sign in anew".to_owned()),
    };
    shared.page(
        &Page::new(
            PageKind::ContinueAs,
            StatusCode::OK,
            &format!("Continue as {now}?"),
            format!("You are signed in here as {now}. The sign-in service sent you to sign in as {other}, or for another organization."),
        )
        .add_link(&format!("Continue as {now}"), shared.home())
        .add_link(&label, login),
    )
}

/// The login endpoint with what the token said.
fn login_url(
    shared: &Shared,
    selectors: &Selectors,
    login_hint: Option<&str>,
    target: &ReturnTo,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(selection(selectors));
    query.extend_pairs(login_hint.map(|hint| ("login_hint", hint)));
    query.append_pair("return_to", target.as_str());
    let login = shared.context.endpoint_url("login");
    format!("{login}?{}", query.finish())
}
