//! A handler's access token for calling an API as the signed-in person.

use std::fmt;
use std::time::Duration;

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use super::extract::{Refused, refuse, renewed_session};
use crate::endpoint::Cause;
use crate::flow::revalidation::{Need, is_good};
use crate::layer::Auth;
use crate::policy::{Requirement, Verdict};
use crate::secret::Secret;

/// The access token of the person who is signed in, for a call to an API on their behalf.
///
/// It lives a minute more at least, or a fifth of its life where that is shorter: one that does not is
/// renewed first by the session's refresh token, whatever [`Revalidation`](crate::Revalidation) says. While the
/// provider can't be reached the old one is handed out as long as it lives. Where there is none that lives,
/// and no way to renew it, the request is refused as if nobody were signed in.
///
/// ```
/// use tower_sso::axum::AccessToken;
///
/// async fn invoices(token: AccessToken) -> String {
///     let header = format!("Bearer {}", token.expose());
///     // … call the API with it …
/// #   drop(header);
///     format!("good for {:?}", token.expires_in())
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(invoices));
/// ```
#[derive(Clone)]
pub struct AccessToken {
    token: Secret<String>,
    expires_in: Option<Duration>,
}

impl AccessToken {
    /// The token itself. It is a secret: it goes into an `Authorization` header and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.token.expose()
    }

    /// How long it still lives, counted from when the handler was called; `None` if the provider did not
    /// say (`expires_in`, RFC 6749 section 5.1).
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AccessToken {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let session = renewed_session(parts, Need::AccessToken).await?;
        let now = Auth::of(&parts.extensions).map(Auth::now);
        let good = session
            .record()
            .tokens
            .as_ref()
            .zip(now)
            .filter(|(tokens, now)| is_good(tokens, *now));
        let found = good.and_then(|(tokens, now)| {
            Some(Self {
                token: tokens.access_token.clone()?,
                expires_in: tokens.access_token_expires_at.map(|end| end.since(now)),
            })
        });
        found.ok_or_else(|| {
            let sign_in = Verdict::SignIn(Requirement::default());
            refuse(parts, Cause::Verdict(sign_in))
        })
    }
}
