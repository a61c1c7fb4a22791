//! What a route wants of a request.

use std::fmt;
use std::sync::Arc;

use http::request;

use crate::endpoint::Unauthenticated;
use crate::flow::revalidation::Need;
use crate::policy::Policy;

/// What a route says to a browser without a session here whom the provider may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whoever {
    /// Only who is signed in here counts.
    Here,
    /// They are greeted if they can be known.
    Greeted,
    /// They have to be known.
    Wanted,
}

/// What a route wants.
#[derive(Clone, Debug)]
pub(crate) enum Demand {
    /// That a policy holds. One pointer: a router clones it with each request.
    Policy(Arc<Asked>),
    /// Nothing; but where nobody is signed in here, the provider is asked once without a page.
    AskSilently,
}

/// A policy, with what its rules were asked once.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) policy: Policy,
    wants_access_token: bool,
    /// What a navigation gets where nobody is signed in.
    pub(crate) unauthenticated: Arc<Unauthenticated>,
    /// Whom somebody else has let in already.
    pub(super) pass_through: Option<PassThrough>,
}

/// Says whether a request goes on without a session of ours.
#[derive(Clone)]
pub(super) struct PassThrough(pub(super) Arc<dyn Fn(&request::Parts) -> bool + Send + Sync>);

impl fmt::Debug for PassThrough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassThrough")
    }
}

impl Asked {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            wants_access_token: policy.wants_access_token(),
            policy,
            unauthenticated: Arc::default(),
            pass_through: None,
        }
    }
}

impl Demand {
    /// What has to be renewed for it where it is due, one after the other.
    pub(super) fn needs(&self) -> &'static [Need] {
        match self {
            Self::Policy(asked) if asked.wants_access_token => &[Need::Session, Need::AccessToken],
            _ => &[Need::Session],
        }
    }

    /// Whether another layer has authenticated this request, by the app's word.
    pub(super) fn passes_through(&self, request: &request::Parts) -> bool {
        match self {
            Self::Policy(asked) => asked
                .pass_through
                .as_ref()
                .is_some_and(|pass| (pass.0)(request)),
            Self::AskSilently => false,
        }
    }

    pub(super) fn whoever(&self) -> Whoever {
        match self {
            Self::Policy(_) => Whoever::Wanted,
            Self::AskSilently => Whoever::Greeted,
        }
    }
}
