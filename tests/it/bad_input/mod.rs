//! What no well-behaved browser sends, and clocks that are wrong: each is answered clearly, nothing panics,
//! nothing is lost, and the next good request works.

mod bodies;
mod bytes;
mod clocks;
mod headers;

use axum::body::Body;
use http::{Request, Response};
use tower::ServiceExt as _;

use crate::support::App;

/// One request as it is written here: no browser has looked it over.
async fn send(app: &App, request: Request<Body>) -> Response<Body> {
    let service = app.sso.into_axum(app.routes());
    service.oneshot(request).await.unwrap()
}

/// The session's cookie as a header.
fn session(app: &App) -> String {
    format!("{}={}", App::COOKIE, app.session_cookie().unwrap())
}
