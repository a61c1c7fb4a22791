//! Why a request did not reach its handler, for layers outside of ours.

use crate::policy::Reason;

/// Left in the extensions of a response that this crate gave in the place of a handler's.
///
/// ```
/// use tower_sso::Rejection;
///
/// fn was_refused(response: &http::Response<()>) -> bool {
///     response.extensions().get::<Rejection>().is_some()
/// }
/// # assert!(!was_refused(&http::Response::new(())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    kind: RejectionKind,
    reason: Option<Reason>,
}

/// The kinds of [`Rejection`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// Nobody is signed in.
    SignIn,
    /// Somebody is signed in, too weakly or too long ago.
    StepUp,
    /// Somebody is signed in and may not pass.
    Forbidden,
    /// An unsafe request with the session cookie came from another site.
    CrossSite,
    /// Whether somebody is signed in can't be told now.
    Unavailable,
    /// There is no `SsoLayer` outside: the app is put together wrongly.
    NoLayer,
}

impl RejectionKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::StepUp => "step_up",
            Self::Forbidden => "forbidden",
            Self::CrossSite => "cross_site",
            Self::Unavailable => "unavailable",
            Self::NoLayer => "no_layer",
        }
    }
}

impl Rejection {
    pub(crate) fn new(kind: RejectionKind, reason: Option<Reason>) -> Self {
        Self { kind, reason }
    }

    /// What kind of refusal it was.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// What the policy missed, where a policy was asked.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }
}
