//! `User` and `Session` as arguments of handlers.
//!
//! Both want somebody who is signed in and refuse as [`Policy::login`] does: a browser is sent to sign in,
//! a script gets 401. Their `Option`s never send anybody anywhere.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_sso::User;
//!
//! async fn home(user: Option<User>) -> String {
//!     match user {
//!         Some(user) => format!("hello {}", user.name().unwrap_or(user.subject())),
//!         None => "hello stranger".to_owned(),
//!     }
//! }
//! let app: Router = Router::new().route("/", get(home));
//! # let _ = app;
//! ```

use std::sync::LazyLock;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::endpoint::Cause;
use crate::flow::revalidation::Need;
use crate::layer::{Auth, SignIn, Whoever, require};
use crate::policy::Policy;
use crate::session::{Session, User};

/// The rejection of [`User`] and [`Session`]: the outer layer turns it into what the client can use.
#[derive(Debug)]
pub struct Refused(Box<Response>);

impl Refused {
    fn new(response: http::Response<bytes::Bytes>) -> Self {
        Self(Box::new(response.map(Body::from)))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

static LOGIN: LazyLock<Policy> = LazyLock::new(Policy::login);

/// The session of somebody who is signed in, brought up to date.
pub(super) async fn renewed_session(parts: &Parts, need: Need) -> Result<Session, Refused> {
    let auth = renewed(parts, need, Whoever::Wanted).await?;
    match auth.judge(&LOGIN, parts) {
        Err(refusal) => Err(Refused::new(require::refused(&refusal))),
        Ok(()) => match auth.session() {
            Some(session) => Ok(session.clone()),
            None => Err(Refused::new(require::no_layer())),
        },
    }
}

pub(super) fn refuse(parts: &Parts, cause: Cause) -> Refused {
    Refused::new(match Auth::of(&parts.extensions) {
        None => require::no_layer(),
        Some(auth) => require::refused(&auth.refuse(cause, parts)),
    })
}

/// What the layer left, with a session that is due brought up to date before anybody looks at it.
async fn renewed(parts: &Parts, need: Need, whoever: Whoever) -> Result<&Auth, Refused> {
    let Some(auth) = Auth::of(&parts.extensions) else {
        return Err(Refused::new(require::no_layer()));
    };
    if let Some(renewal) = auth.renewal(need, whoever, parts) {
        renewal.await;
    }
    Ok(auth)
}

async fn optional(parts: &Parts) -> Result<Option<Session>, Refused> {
    let auth = renewed(parts, Need::Session, Whoever::Here).await?;
    match auth.usable_session(parts) {
        Ok(session) => Ok(session.cloned()),
        // What a page of another site sends is nobody's.
        Err(Cause::CrossSite) => Ok(None),
        // Whether somebody is signed in is not known: that is neither a yes nor a no.
        Err(cause) => Err(refuse(parts, cause)),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        renewed_session(parts, Need::Session).await
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refused> {
        optional(parts).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        renewed_session(parts, Need::Session).await.map(User::new)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for User {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Refused> {
        Ok(optional(parts).await?.map(User::new))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignIn {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        match Auth::of(&parts.extensions) {
            None => Err(Refused::new(require::no_layer())),
            Some(auth) => SignIn::begin(auth, parts).map_err(|cause| refuse(parts, cause)),
        }
    }
}
