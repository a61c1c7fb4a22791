//! [`SignIn`]: the app's own sign-in page.

use http::request;

use super::Auth;
use crate::Result;
use crate::endpoint::Cause;
use crate::flow::backend_session::AtOwnPage;
use crate::provider::{BackendSession, ClientAttributes};
use crate::secret::Secret;
use crate::session::Session;

/// A sign-in at the app's own page, for a provider without one
/// ([`Provider::login_page`](crate::provider::Provider::login_page)): the handler asks the provider, and what
/// comes of it is finished here. In axum it is an argument of the handler.
///
/// 1. It is to be had only in a request that a page of this app sent, so that nobody is signed in by somebody
///    else's form.
/// 2. The session id is new at each sign-in and each added factor. The cookies leave with the answer to this
///    request; one that never leaves undoes the sign-in.
/// 3. Who adds a factor must be who is signed in; somebody else replaces them, with a session of their own.
///
/// ```
/// use tower_sso::provider::BackendSession;
/// use tower_sso::{Result, SignIn};
///
/// // As `POST /login`.
/// async fn log_in(sign_in: SignIn) -> Result<String> {
///     let came: BackendSession = ask_the_provider(sign_in.session_id()).await?;
///     let session = sign_in.finish(came).await?;
///     Ok(format!("hello {}", session.subject()))
/// }
/// # async fn ask_the_provider(_: Option<&tower_sso::Secret>) -> Result<BackendSession> { unimplemented!() }
/// # let _ = log_in;
/// ```
#[derive(Debug)]
pub struct SignIn {
    auth: Auth,
    page: AtOwnPage,
    client: ClientAttributes,
}

impl SignIn {
    /// Of a request; `None` where there is no [`SsoLayer`](crate::SsoLayer), where a page of another site sent
    /// it, and where nobody knows who is signed in.
    #[must_use]
    pub fn of(request: &request::Parts) -> Option<Self> {
        Self::begin(Auth::of(&request.extensions)?, request).ok()
    }

    pub(crate) fn begin(auth: &Auth, request: &request::Parts) -> Result<Self, Cause> {
        let page = auth.own_page(request)?;
        Ok(Self {
            client: auth.client(&request.headers),
            auth: auth.clone(),
            page,
        })
    }

    /// The session of who is signed in already.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.page.current.as_ref()
    }

    /// The id of that session at the provider, to add a factor to it. It is a credential: it goes to the
    /// provider and nowhere else.
    #[must_use]
    pub fn session_id(&self) -> Option<&Secret<String>> {
        self.session()?.record().backend_session_id()
    }

    /// What the provider may want to know of the browser.
    #[must_use]
    pub fn client(&self) -> &ClientAttributes {
        &self.client
    }

    /// Makes the session.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied): the app's hook refuses, or the session was signed out
    /// meanwhile. [`ErrorKind::Provider`](crate::ErrorKind::Provider): the identity is not the provider's, or
    /// its session is over. [`ErrorKind::Store`](crate::ErrorKind::Store): the store, or the app's hook, fails
    /// now. Nothing has changed then.
    pub async fn finish(self, signed_in: BackendSession) -> Result<Session> {
        self.auth.finish_at_own_page(self.page, signed_in).await
    }
}
