//! A browser that is signed in at one tenant, and that a page of another site sends to sign in at another one.
//!
//! Whoever sets a tenant up chooses its provider, and that may sign everybody in at once: without a question, a link
//! on any page would end somebody's session and go on as whom the provider names.

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};

use super::cross_site::asked_by_this_site;
use super::page::{Page, PageKind, name_of};
use super::query::Query;
use super::{Shared, cookie_fields};
use crate::flow::Context;
use crate::session::Session;
use crate::session::sessions::Lookup;

/// Whether the login endpoint has to look first at who is signed in. A form comes without the session's `Lax` cookie,
/// a GET with it.
pub(super) fn may_be_left(context: &Context, method: &Method, headers: &HeaderMap) -> bool {
    let has_session = || {
        let found = context
            .sessions
            .look_up(cookie_fields(headers), context.clock.now());
        !matches!(found, Lookup::Nobody)
    };
    context.has_tenants()
        && !asked_by_this_site(headers, &context.base_url)
        && (!method.is_safe() || has_session())
}

/// Asks who is signed in whether they go to the other tenant.
pub(super) fn leave_first(chosen: &Shared, session: &Session, query: &Query) -> Response<Bytes> {
    let email = session.record().email.as_deref();
    let name = name_of(email.unwrap_or(session.subject()));
    let text = format!(
        "You are signed in here as {name}. Another site sent you to sign in at another organization."
    );
    let title = format!("Continue as {name}?");
    let login = chosen.context.endpoint_path("login");
    chosen.page(
        &Page::new(PageKind::ContinueAs, StatusCode::OK, &title, text)
            .add_link(&format!("Continue as {name}"), chosen.home())
            .add_link(
                "Sign in at the other organization",
                format!("{login}?{}", query.encoded()),
            ),
    )
}
