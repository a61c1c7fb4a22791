//! What a policy says about a session.

use std::borrow::Cow;
use std::fmt;

use super::Requirement;

/// What a [`Policy`](super::Policy) says about a session.
///
/// ```
/// use tower_sso::clock::{Clock, SystemClock};
/// use tower_sso::{Policy, Verdict};
///
/// let verdict = Policy::login().judge(None, SystemClock.now());
/// assert!(matches!(verdict, Verdict::SignIn(requirement) if requirement.is_empty()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a verdict that nobody acts on protects nothing"]
#[non_exhaustive]
pub enum Verdict {
    /// Pass.
    Allow,
    /// Nobody is signed in, or only a new sign-in brings the access token that the policy asks for. The
    /// requirement holds everything that the policy will ask, so that one sign-in is enough.
    SignIn(Requirement),
    /// Somebody is signed in, too weakly or too long ago; a new authentication can mend it. The
    /// requirement holds everything that the policy will ask, also what this session already meets: the
    /// new authentication takes its place.
    StepUp(Requirement, Reason),
    /// Somebody is signed in and may not pass; the same person signing in again does not change it.
    Forbidden(Reason),
}

impl Verdict {
    /// Whether it is [`Verdict::Allow`].
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow)
    }
}

/// Why a session does not pass: one kind for programs and one sentence for people.
///
/// The sentence names what the policy wants and never what the session holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    missing: Missing,
    text: Cow<'static, str>,
}

impl Reason {
    pub(crate) fn new(missing: Missing, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            missing,
            text: text.into(),
        }
    }

    /// What is missing, for programs.
    #[must_use]
    pub fn missing(&self) -> Missing {
        self.missing
    }

    /// What is missing, as a sentence without capital and full stop: "this page needs a second
    /// factor". Plain text: escape it before it goes into a page.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a session does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// A sign-in.
    SignIn,
    /// A second factor.
    MultiFactor,
    /// A method of authentication (`amr`, RFC 8176).
    Amr,
    /// An authentication context class (`acr`, OpenID Connect Core 2).
    Acr,
    /// A recent authentication (`auth_time`, OpenID Connect Core 2).
    MaxAge,
    /// A scope (RFC 6749 section 3.3).
    Scope,
    /// A role.
    Role,
    /// A claim.
    Claim,
    /// An attribute of the identity hook.
    Attribute,
    /// An organization.
    Organization,
    /// A connection.
    Connection,
    /// Any alternative at all: the policy is an empty [`Policy::any_of`](super::Policy::any_of).
    Alternative,
}

impl Missing {
    /// The kind in one word of lower-case letters and `_`, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::MultiFactor => "multi_factor",
            Self::Amr => "amr",
            Self::Acr => "acr",
            Self::MaxAge => "max_age",
            Self::Scope => "scope",
            Self::Role => "role",
            Self::Claim => "claim",
            Self::Attribute => "attribute",
            Self::Organization => "organization",
            Self::Connection => "connection",
            Self::Alternative => "alternative",
        }
    }
}
