//! `/auth/callback`: the browser comes back from the provider, by query or by `form_post`.
//!
//! It never starts a sign-in by itself: where something is missing it shows a page.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use tower_cookies::Cookies;

use super::page::{Page, PageKind};
use super::query::Query;
use super::{Shared, cookie_fields, initiated, provider_error, respond};
use crate::flow::attempt::selected;
use crate::flow::audit;
use crate::flow::sign_in::{self, Finished};
use crate::flow::silent;
use crate::oidc::{AuthorizationResponse, UNMET_AUTHENTICATION_REQUIREMENTS};
use crate::session::Session;
use crate::{Error, Result};

pub(super) async fn answer(
    shared: &Arc<Shared>,
    cookies: &Cookies,
    request: &Request<Bytes>,
    segment: Option<&str>,
) -> Result<Response<Bytes>> {
    let context = &shared.context;
    let text = parameters(request)?;
    if let Some(token) = begun_elsewhere(text)? {
        return initiated::answer(shared, cookies, request, &token).await;
    }
    let response = AuthorizationResponse::parse(text)?;
    let fields = || cookie_fields(request.headers());
    let current = context.sessions.find(fields()).await?;

    let found = response.state().and_then(|state| {
        let own = silent::own_state(state);
        context.login_states.find(&context.sealer, fields(), own)
    });
    let Some((name, state)) = found else {
        let back = response
            .state()
            .and_then(|state| silent::path_in_state(&context.sealer, state));
        return Ok(match back {
            // A silent attempt of a browser that keeps no cookies.
            Some(back) => respond::see_other(back.as_str()),
            None if response.state().is_none()
                && provider_error::explained(shared, &response).is_some() =>
            {
                return provider_error::without_attempt(shared, text);
            }
            None => unknown_attempt(shared, request, current.as_ref()),
        });
    };
    // Whose it is stands in the sealed state, and not in this request.
    let shared = shared.for_attempt(&state, segment).await?;
    let context = &shared.context;
    // Whatever comes of it, this attempt is over for this browser.
    cookies.add(context.login_states.removal(name));
    let earlier = state.round_trips;
    let client = shared.client_address(request);
    let (was_silent, return_to) = (state.silent, state.return_to());
    let login = shared.login_path_at(&return_to, &selected(&state));
    let signed_out = context.silent.is_signed_out(fields());
    if was_silent && signed_out {
        // Somebody signed out by another tab while the provider was asked.
        return Ok(respond::see_other(return_to.as_str()));
    }
    let finished = sign_in::finish(
        context,
        response,
        state,
        current.clone(),
        signed_out,
        client,
    )
    .await;
    let finished = match finished {
        Err(error) if was_silent => {
            tracing::warn!(%error, "a silent sign-in failed; the page shows without");
            Finished::NotSilently(return_to)
        }
        // Nobody asked to be signed in: why they were not is no answer to what they asked for.
        Ok(finished) if was_silent && !matches!(finished, Finished::SignedIn { .. }) => {
            Finished::NotSilently(return_to)
        }
        Err(error) => return Ok(respond::error_with(&shared, &error, &login)),
        Ok(finished) => finished,
    };
    // A session of the app's own may fail to stick as well as one of ours.
    if matches!(
        finished,
        Finished::SignedIn { .. } | Finished::OwnSession { .. }
    ) {
        if !was_silent && signed_out {
            cookies.add(context.silent.signed_in());
        }
        cookies.add(context.round_trips.one_more(
            &context.sealer,
            fields(),
            context.clock.now(),
            earlier,
        ));
    }
    Ok(finish(&shared, cookies, finished, current.as_ref(), &login))
}

/// The token of a sign-in that began at the provider: some send it to the redirect URI.
fn begun_elsewhere(text: &[u8]) -> Result<Option<String>> {
    // What is malformed is refused below, in the words of the protocol.
    let Ok(query) = Query::parse(text) else {
        return Ok(None);
    };
    if query.one("state")?.is_some() {
        return Ok(None);
    }
    Ok(query.one(initiated::PARAMETER)?.map(str::to_owned))
}

/// RFC 6749 section 4.1.2: by query; OAuth 2.0 Form Post Response Mode section 2: by form.
pub(crate) fn parameters(request: &Request<Bytes>) -> Result<&[u8]> {
    if request.method() != Method::POST {
        return Ok(request.uri().query().unwrap_or_default().as_bytes());
    }
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| {
            essence
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
    if is_form {
        Ok(request.body())
    } else {
        Err(Error::request("an answer by POST must be a form"))
    }
}

fn unknown_attempt(
    shared: &Shared,
    request: &Request<Bytes>,
    current: Option<&Session>,
) -> Response<Bytes> {
    if current.is_some() {
        return respond::see_other(&shared.home());
    }
    let issuer = shared.context.provider.issuer().as_str();
    audit::sign_in_failed(
        issuer,
        None,
        false,
        &"the attempt is not known in this browser",
        shared.client_address(request),
    );
    let no_cookies = cookie_fields(request.headers()).next().is_none();
    let text = if no_cookies {
        "This browser sent no cookies. Signing in needs them: allow cookies for this site, then sign in again."
    } else {
        "This sign-in is not known in this browser. It may have taken too long, or it began elsewhere."
    };
    // Where it began under another name (localhost for 127.0.0.1) or without TLS, the cookie stayed there,
    // and nothing of this request shows it. So the right address is named always, and no other.
    let address = shared.context.base_url.join("/");
    shared.page(
        &Page::new(
            PageKind::UnknownAttempt,
            StatusCode::BAD_REQUEST,
            "This sign-in can’t be finished",
            text,
        )
        .with_detail(Some(format!(
            "The address of this app is {address} and a sign-in works from there only."
        )))
        .add_link("Sign in", shared.context.endpoint_path("login")),
    )
}

fn finish(
    shared: &Shared,
    cookies: &Cookies,
    finished: Finished,
    current: Option<&Session>,
    login: &str,
) -> Response<Bytes> {
    match finished {
        Finished::SignedIn { made, return_to } => {
            cookies.add(made.cookie);
            respond::see_other(return_to.as_str())
        }
        Finished::Answered(response) => response,
        Finished::OwnSession { headers, return_to } => {
            if current.is_some() {
                cookies.add(shared.context.sessions.removal());
            }
            with_headers_of_app(respond::see_other(return_to.as_str()), headers)
        }
        Finished::Refused(reason) => shared.page(
            &Page::new(PageKind::Forbidden, StatusCode::FORBIDDEN, "Sign-in refused", reason)
                .add_link("Go to the start page", shared.home()),
        ),
        Finished::NotSilently(return_to) => respond::see_other(return_to.as_str()),
        Finished::UsedBefore(return_to) if current.is_some() => respond::see_other(return_to.as_str()),
        Finished::UsedBefore(_) => try_again(
            shared,
            StatusCode::BAD_REQUEST,
            "This sign-in was used already",
            "Each sign-in works once.",
            login,
        ),
        Finished::TooLate => try_again(
            shared,
            StatusCode::BAD_REQUEST,
            "This sign-in took too long",
            "A sign-in must be finished within ten minutes.",
            login,
        ),
        Finished::SignedOutMeanwhile => try_again(
            shared,
            StatusCode::FORBIDDEN,
            "You were signed out",
            "Your session was ended while you signed in.",
            login,
        ),
        Finished::AnotherAccount { signed_in, came_back } => shared.page(
            &Page::new(
                PageKind::Forbidden,
                StatusCode::FORBIDDEN,
                "That was another account",
                format!("You are signed in here as {signed_in}, and came back from the sign-in service as {came_back}. Nothing was changed."),
            )
            .add_link(&format!("Go on as {signed_in}"), shared.home())
            .add_link("Sign in with the other account", format!("{login}&prompt=select_account"))
            .add_link("Sign out", shared.context.endpoint_path("logout")),
        ),
        Finished::StepUpRefused { code, return_to } => shared.page(
            &Page::new(
                PageKind::Forbidden,
                StatusCode::FORBIDDEN,
                "A stronger sign-in is needed",
                "The sign-in service could not confirm who you are as strongly as this page needs it.",
            )
            .with_detail(Some(step_up_detail(code)))
            .add_link("Try again", return_to.as_str())
            .add_link("Go to the start page", shared.home()),
        ),
        Finished::ProviderSaid { code, description } => provider_error::said(shared, &code, description, login),
    }
}

/// The answer with what the app's hook says: but where to go on is the strict parser's word, and the message is our
/// own. Taken over from some other answer, what speaks of a body or a connection would let the next reader lose its
/// place (RFC 9112 section 6.3, RFC 9110 section 7.6.1).
fn with_headers_of_app(mut response: Response<Bytes>, mut headers: HeaderMap) -> Response<Bytes> {
    for not_theirs in [
        header::LOCATION,
        header::REFRESH,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::CONTENT_TYPE,
        header::TRANSFER_ENCODING,
        header::TRAILER,
        header::CONNECTION,
        header::UPGRADE,
    ] {
        headers.remove(not_theirs);
    }
    response.headers_mut().extend(headers);
    response
}

/// A provider that can't reach what was asked may only lack the right name for it.
fn step_up_detail(code: String) -> String {
    if code == UNMET_AUTHENTICATION_REQUIREMENTS {
        format!("{code}. {}", respond::MFA_HINT)
    } else {
        code
    }
}

fn try_again(
    shared: &Shared,
    status: StatusCode,
    title: &str,
    text: &str,
    login: &str,
) -> Response<Bytes> {
    shared.page(
        &Page::new(PageKind::SignInFailed, status, title, text).add_link("Sign in again", login),
    )
}
