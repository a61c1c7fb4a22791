//! `/auth/logout` and the page that a browser comes back to.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower_cookies::Cookies;

use super::page::{Page, PageKind};
use super::query::Query;
use super::{RejectionKind, Shared, cookie_fields, cross_site, respond};
use crate::flow::audit;
use crate::flow::sign_out::{self, Leaving, SignedOut};
use crate::session::{ReturnTo, Session};
use crate::{Error, Result};

/// GET: a page with a button. A link, an image or a prefetch signs nobody out.
pub(super) async fn ask(shared: &Arc<Shared>, request: &Request<Bytes>) -> Result<Response<Bytes>> {
    let sessions = &shared.context.sessions;
    // The page shows whatever the store says: its button is pressed all the same.
    let session = match shared.tenancy.strong_count() {
        0 => None,
        _ => sessions
            .find(cookie_fields(request.headers()))
            .await
            .ok()
            .flatten(),
    };
    let shared = whose(shared, session.as_ref()).await;
    let mut page = Page::new(
        PageKind::SignOut,
        StatusCode::OK,
        "Sign out?",
        "You will be signed out here and at the sign-in service.",
    )
    .add_button("Sign out", shared.context.endpoint_path("logout"))
    .add_link("Stay signed in", shared.home());
    // The provider's logout page may be anywhere, and may redirect further.
    page.form_targets = vec!["https:".to_owned()];
    let all_https =
        shared.context.base_url.is_https() && shared.context.provider.issuer().is_https();
    if !all_https {
        page.form_targets.push("http:".to_owned());
    }
    Ok(shared.page(&page))
}

/// Whose provider ends the session, too. Where that can't be told, it ends here.
async fn whose(shared: &Arc<Shared>, session: Option<&Session>) -> Arc<Shared> {
    let Some(session) = session else {
        return Arc::clone(shared);
    };
    shared.of_session(session).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "it can't be told where somebody signed in; they are signed out here");
        Arc::clone(shared)
    })
}

/// POST: signs out here, then sends the browser to the provider.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    cookies: &Cookies,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>> {
    let context = &shared.context;
    let headers = request.headers();
    if !cross_site::may_use_session(
        request.method(),
        headers,
        context.base_url.origin(),
        &context.allowed_origins,
    ) {
        let reason = "a sign-out must be asked for by a page of this site";
        let client = shared.client_address(request);
        audit::refused(None, RejectionKind::CrossSite.as_str(), reason, client);
        return Err(Error::denied(reason));
    }
    let form = Query::parse(request.body())?;
    let return_to = form
        .one("return_to")?
        .and_then(ReturnTo::parse)
        .unwrap_or_else(ReturnTo::root);
    let session = context.sessions.find(cookie_fields(headers)).await?;
    let shared = &whose(shared, session.as_ref()).await;
    let context = &shared.context;
    let handle_cookie = context.shared.as_ref().map(|shared| &shared.cookie);
    let browser = Leaving {
        session,
        handle: handle_cookie
            .and_then(|cookie| cookie.find(cookie_fields(headers)))
            .map(|handle| handle.key()),
        client: shared.client_address(request),
    };
    let cookie = &shared.logout_cookie;
    let outcome = sign_out::sign_out(context, cookie, browser, &return_to).await?;
    cookies.add(context.sessions.removal());
    if let Some(handle) = handle_cookie {
        cookies.add(handle.removal());
    }
    // Also where nobody was signed in any more: whoever pressed the button wants to be nobody.
    cookies.add(context.silent.signed_out());
    Ok(match outcome {
        SignedOut::AtProvider { location, cookie } => {
            cookies.add(*cookie);
            respond::see_other(&location)
        }
        SignedOut::HereOnly | SignedOut::Nobody => {
            // A sign-out before this one may not have come back from the provider.
            cookies.add(shared.logout_cookie.removal());
            respond::see_other(&context.endpoint_path("logged-out"))
        }
    })
}

/// `/auth/logged-out`: the end of a sign-out, at the provider too.
pub(super) fn came_back(
    shared: &Shared,
    cookies: &Cookies,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>> {
    let context = &shared.context;
    let query = Query::parse(request.uri().query().unwrap_or_default().as_bytes())?;
    let checked = shared.logout_cookie.check(
        context,
        cookie_fields(request.headers()),
        query.one("state")?,
    );
    cookies.add(shared.logout_cookie.removal());
    let return_to = checked?.filter(|return_to| *return_to != ReturnTo::root());
    if let Some(return_to) = return_to {
        return Ok(respond::see_other(return_to.as_str()));
    }
    Ok(shared.page(
        &Page::new(
            PageKind::SignedOut,
            StatusCode::OK,
            "You are signed out",
            "Close the browser if others use this computer.",
        )
        .add_link("Go to the start page", shared.home())
        .add_link("Sign in again", context.endpoint_path("login")),
    ))
}
