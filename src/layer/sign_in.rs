//! [`SignIn`]: the app's own sign-in page.

use http::request;

use super::Auth;
use crate::endpoint::{Cause, cross_site};
use crate::flow::backend_session::AtOwnPage;
use crate::provider::{BackendSession, ClientAttributes};
use crate::secret::Secret;
use crate::session::Session;
use crate::{Error, Result};

/// A sign-in at the app's own page, for a provider without one
/// ([`Provider::login_page`](crate::provider::Provider::login_page)): the handler asks the provider, and what
/// comes of it is finished here. In axum it is an argument of the handler.
///
/// 1. It is to be had only in a request that a page of this app sent, or that a link led to; and where the link is
///    on another site's page it signs nobody in, but for [`by_checked_link`](Self::by_checked_link). So nobody
///    is signed in by somebody else's form. A browser without Fetch Metadata does not tell by whose link it comes:
///    sign people in by POST.
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
/// # async fn ask_the_provider(_: Option<&tower_sso::Secret>) -> Result<BackendSession> { std::future::pending().await }
/// # let _ = log_in;
/// ```
#[derive(Debug)]
pub struct SignIn {
    auth: Auth,
    page: AtOwnPage,
    client: ClientAttributes,
    /// The request may be what another site's page had sent.
    is_link_from_elsewhere: bool,
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
            is_link_from_elsewhere: cross_site::is_link_from_elsewhere(
                &request.method,
                &request.headers,
            ),
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

    /// Takes the link that led here for one that this browser asked for, though it is on another site's page, as
    /// one in an e-mail is that is read in a browser. Only after the app has found the link's `state` bound to this
    /// browser, by a cookie that it set when the link was asked for: else whoever sends the link signs the person
    /// in as somebody else.
    ///
    /// ```
    /// # use tower_sso::provider::BackendSession;
    /// # use tower_sso::{Error, ErrorKind, Result, Session, SignIn};
    /// async fn come_by_link(sign_in: SignIn, state: &str, kept: &str) -> Result<Session> {
    ///     if state != kept {
    ///         return Err(Error::new(ErrorKind::Request, "the link was not asked for here"));
    ///     }
    ///     sign_in.by_checked_link().finish(redeem_the_code().await?).await
    /// }
    /// # async fn redeem_the_code() -> Result<BackendSession> { std::future::pending().await }
    /// # let _ = |sign_in| come_by_link(sign_in, "", "");
    /// ```
    #[must_use = "it is what signs in"]
    pub fn by_checked_link(self) -> Self {
        Self {
            is_link_from_elsewhere: false,
            ..self
        }
    }

    /// Makes the session.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`](crate::ErrorKind::Denied): the app's hook refuses, the session was signed out
    /// meanwhile, or a link on another site's page led here.
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): the identity is not the provider's, or its session is
    /// over. [`ErrorKind::Store`](crate::ErrorKind::Store): the store, or the app's hook, fails
    /// now. Nothing has changed then.
    pub async fn finish(self, signed_in: BackendSession) -> Result<Session> {
        if self.is_link_from_elsewhere {
            return Err(Error::denied(
                "a page of another site led to this sign-in; sign people in by POST",
            ));
        }
        self.auth.finish_at_own_page(self.page, signed_in).await
    }
}
