//! What a route wants of a request.

use std::sync::Arc;

use super::auth::Whoever;
use crate::endpoint::Unauthenticated;
use crate::flow::revalidation::Need;
use crate::policy::Policy;

/// What a route wants.
#[derive(Clone, Debug)]
pub(crate) enum Demand {
    /// That a policy holds, and what a navigation gets where nobody is signed in.
    Policy(Arc<Asked>, Arc<Unauthenticated>),
    /// Nothing; but where nobody is signed in here, the provider is asked once without a page.
    AskSilently,
}

/// A policy, with what its rules were asked once.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) policy: Policy,
    wants_access_token: bool,
}

impl Asked {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            wants_access_token: policy.wants_access_token(),
            policy,
        }
    }
}

impl Demand {
    /// What has to be renewed for it where it is due, one after the other.
    pub(super) fn needs(&self) -> &'static [Need] {
        match self {
            Self::Policy(asked, _) if asked.wants_access_token => {
                &[Need::Session, Need::AccessToken]
            }
            _ => &[Need::Session],
        }
    }

    pub(super) fn whoever(&self) -> Whoever {
        match self {
            Self::Policy(..) => Whoever::Wanted,
            Self::AskSilently => Whoever::Greeted,
        }
    }
}
