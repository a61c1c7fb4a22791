//! Sending a browser to the provider.

use bytes::Bytes;
use http::{HeaderMap, Response};
use tower_cookies::Cookies;

use super::cross_site::asked_by_this_site;
use super::wanted::requirement_query;
use super::{Shared, cookie_fields, respond};
use crate::flow::Context;
use crate::flow::sign_in::{self, Start};
use crate::provider::Selectors;
use crate::session::Session;
use crate::{Error, Result};

/// The app's own page for a sign-in, with the way back and what is wanted.
fn own_page(context: &Context, page: &str, start: &Start<'_>) -> String {
    let separator = if page.contains('?') { '&' } else { '?' };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", start.return_to.as_str());
    if let Some(hint) = &start.login_hint {
        query.append_pair("login_hint", hint);
    }
    let (query, wanted) = (query.finish(), requirement_query(&start.requirement));
    let and = if wanted.is_empty() { "" } else { "&" };
    let page = context.base_url.public_path(page);
    format!("{page}{separator}{query}{and}{wanted}")
}

/// Begins an attempt: the browser keeps its state, gives up what is too old or too much of earlier ones, and
/// goes to the provider. `headers` are those of the request.
pub(super) async fn begin(
    context: &Context,
    cookies: &Cookies,
    headers: &HeaderMap,
    mut start: Start<'_>,
) -> Result<Response<Bytes>> {
    if !sign_in::knows_where(context, &start)? {
        if start.silent {
            return Err(Error::request("it is not known where to ask"));
        }
        let page = format!("{}/login", context.auth_path);
        return Ok(respond::see_other(&own_page(context, &page, &start)));
    }
    if let Some(page) = context.provider.login_page() {
        return Ok(respond::see_other(&own_page(context, page, &start)));
    }
    if start.session.is_none()
        && context.has_tenants()
        && asked_by_this_site(headers, &context.base_url)
    {
        let left = context.sessions.find(cookie_fields(headers)).await?;
        start.leaves = left.map(|session| session.key());
    }
    let now = context.clock.now();
    for surplus in context.login_states.surplus(cookie_fields(headers), now) {
        cookies.add(surplus);
    }
    start.round_trips = context
        .round_trips
        .so_far(&context.sealer, cookie_fields(headers), now);
    let started = sign_in::start(context, start).await?;
    cookies.add(started.cookie);
    Ok(respond::see_other(&started.location))
}

/// Begins a sign-in, unless the browser goes round in circles.
pub(super) async fn begin_unless_in_circles(
    shared: &Shared,
    cookies: &Cookies,
    headers: &HeaderMap,
    start: Start<'_>,
) -> Result<Response<Bytes>> {
    let context = &shared.context;
    let now = context.clock.now();
    if context
        .round_trips
        .is_loop(&context.sealer, cookie_fields(headers), now)
    {
        return Ok(respond::round_in_circles(shared));
    }
    begin(context, cookies, headers, start).await
}

/// Whether a session is of what was asked for.
pub(super) fn is_of(session: &Session, asked: &Selectors) -> bool {
    let fits =
        |asked: &Option<String>, has: Option<&str>| asked.is_none() || asked.as_deref() == has;
    fits(&asked.organization, session.organization())
        && fits(&asked.connection, session.connection())
}
