//! What a navigation gets that has to sign in first.

use crate::session::ReturnTo;

/// What a browser gets that goes to a protected page where nobody is signed in. Scripts, frames and the
/// rest get what the table of the crate says, whatever is chosen here.
///
/// A page is a path of this app under the base URL, and public. It is asked for with `return_to`, to be
/// handed to `/auth/login?return_to=…` by its button.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unauthenticated {
    /// It is sent to the provider. The default.
    #[default]
    SignIn,
    /// It is sent to a page of the app, as `/welcome`.
    Page(String),
    /// The provider is asked without a page (`prompt=none`, at most once in five minutes) whether somebody is
    /// signed in there; if not, the browser is sent to a page of the app.
    SilentThenPage(String),
}

impl Unauthenticated {
    pub(crate) fn page(&self) -> Option<&str> {
        match self {
            Self::SignIn => None,
            Self::Page(page) | Self::SilentThenPage(page) => Some(page),
        }
    }

    /// Whether the page, if there is one, is plainly a path of this app.
    pub(crate) fn is_sound(&self) -> bool {
        self.page()
            .is_none_or(|page| ReturnTo::parse(page).is_some())
    }
}
