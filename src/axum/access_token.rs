//! [`AccessToken`] as an argument of handlers.

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use super::extract::{Refused, refuse, renewed_session};
use crate::endpoint::Cause;
use crate::flow::revalidation::Need;
use crate::layer::Auth;
use crate::policy::{Requirement, Verdict};
use crate::session::AccessToken;

impl<S: Send + Sync> FromRequestParts<S> for AccessToken {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let session = renewed_session(parts, Need::AccessToken).await?;
        let now = Auth::of(&parts.extensions).map(Auth::now);
        now.and_then(|now| Self::of(&session, now)).ok_or_else(|| {
            let sign_in = Verdict::SignIn(Requirement::default());
            refuse(parts, Cause::Verdict(sign_in))
        })
    }
}
