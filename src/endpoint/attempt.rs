//! Sending a browser to the provider.

use bytes::Bytes;
use http::{HeaderMap, Response};
use tower_cookies::Cookies;

use super::{cookie_fields, respond};
use crate::Result;
use crate::flow::Context;
use crate::flow::sign_in::{self, Start};

/// Begins an attempt: the browser keeps its state, gives up what is too old or too much of earlier ones, and
/// goes to the provider. `headers` are those of the request.
pub(super) async fn begin(
    context: &Context,
    cookies: &Cookies,
    headers: &HeaderMap,
    mut start: Start<'_>,
) -> Result<Response<Bytes>> {
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
