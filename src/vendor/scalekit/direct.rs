//! Signing in without the layer: for an app with sessions of its own.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{Profile, Scalekit, ScalekitErrorCode};
use crate::clock::SecondsSinceEpoch;
use crate::crypto::random_token;
use crate::oidc::{AuthorizationResponse, Prompt, code_challenge};
use crate::provider::{CodeGrant, Provider as _, Selectors, SignInRequest};
use crate::secret::Secret;
use crate::{Error, Result};

/// How long somebody may take to sign in.
const LIFETIME: Duration = Duration::from_secs(600);

/// What a sign-in without the layer asks for.
///
/// ```
/// use tower_sso::provider::Selectors;
/// use tower_sso::vendor::scalekit::DirectSignIn;
///
/// let mut sign_in = DirectSignIn::new("https://app.example.com/callback");
/// sign_in.selectors = Selectors { organization: Some("org_acme".to_owned()), ..Selectors::default() };
/// assert!(sign_in.login_hint.is_none());
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct DirectSignIn {
    /// Where the browser comes back to: one that is registered at Scalekit.
    pub redirect_uri: String,
    /// Where the person signs in. Default: what the configuration says.
    pub selectors: Selectors,
    /// The address to fill in. Default: none.
    pub login_hint: Option<String>,
    /// `prompt`. Default: left out.
    pub prompt: Vec<Prompt>,
}

impl DirectSignIn {
    /// A sign-in that comes back to `redirect_uri`, with the defaults of each field.
    #[must_use]
    pub fn new(redirect_uri: impl Into<String>) -> Self {
        Self {
            redirect_uri: redirect_uri.into(),
            ..Self::default()
        }
    }
}

/// Where to send the browser, and what to keep until it is back.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartedSignIn {
    /// The URL to redirect to.
    pub url: Url,
    /// What [`Scalekit::authenticate_with_code`] needs.
    pub pending: PendingSignIn,
}

/// A sign-in that is under way. It holds secrets of one browser: keep it in that browser's session or in a cookie that
/// is sealed, `HttpOnly` and `SameSite=Lax`, and throw it away when it is used. With it in another browser, or for
/// ever, somebody could be signed in as somebody else (RFC 9700 section 4.7).
///
/// Serialized, it shows the secrets.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingSignIn {
    issuer: String,
    client_id: String,
    redirect_uri: String,
    state: Secret<String>,
    nonce: Secret<String>,
    code_verifier: Secret<String>,
    connection: Option<String>,
    organization: Option<String>,
    domain: Option<String>,
    identity_provider: Option<String>,
    began_at: SecondsSinceEpoch,
}

impl PendingSignIn {
    /// The `state` that comes back: to find this one, where one browser has several.
    #[must_use]
    pub fn state(&self) -> &Secret<String> {
        &self.state
    }
}

/// Somebody who has signed in, verified.
#[derive(Clone)]
#[non_exhaustive]
pub struct SignInResult {
    /// The person.
    pub user: Profile,
    /// The issuer. With [`Profile::subject`] it says who it is.
    pub issuer: String,
    /// The connection that was used.
    pub connection: String,
    /// The organization that the person signed in for.
    pub organization: Option<String>,
    /// The environment's own session (`sid`).
    pub sid: Option<String>,
    /// The ID token, as the hint of a logout.
    pub id_token: Secret<String>,
    /// The access token.
    pub access_token: Secret<String>,
    /// How long the access token lives from now on.
    pub expires_in: Option<Duration>,
    /// Every claim of the ID token.
    pub claims: Map<String, Value>,
}

/// Why nobody signed in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallbackError {
    /// Scalekit, the customer's identity provider or the person said no.
    Refused {
        /// Why.
        code: ScalekitErrorCode,
        /// Why, in words of the other side: at most 500 characters, to be escaped before it is shown.
        description: Option<String>,
    },
    /// The answer can't be believed, or can't be checked now.
    Failed(Error),
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // An unknown code may be anything that somebody put into the URL.
            Self::Refused { code, .. } if code.explanation().is_some() => {
                write!(f, "the sign-in was refused with \"{code}\"")
            }
            Self::Refused { .. } => f.write_str("the sign-in was refused"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallbackError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused { .. } => None,
            Self::Failed(error) => std::error::Error::source(error),
        }
    }
}

impl From<Error> for CallbackError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Scalekit {
    /// The URL that starts a sign-in, with a `state`, a `nonce` and a PKCE challenge of its own.
    ///
    /// ```no_run
    /// use tower_sso::vendor::scalekit::{CallbackError, DirectSignIn, PendingSignIn, Scalekit};
    ///
    /// # fn redirect(_: url::Url, _: PendingSignIn) {}
    /// # async fn login(scalekit: Scalekit) -> tower_sso::Result<()> {
    /// let sign_in = DirectSignIn::new("https://app.example.com/callback");
    /// let started = scalekit.authorization_url_for(sign_in).await?;
    /// redirect(started.url, started.pending); // `pending` stays in this browser's session
    /// # Ok(())
    /// # }
    ///
    /// async fn callback(scalekit: Scalekit, pending: PendingSignIn, query: &str) -> Result<(), CallbackError> {
    ///     let result = scalekit.authenticate_with_code(pending, query).await?;
    ///     println!("hello {}, of {:?}", result.user.subject, result.organization);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Provider::authorization_url`](crate::provider::Provider::authorization_url).
    pub async fn authorization_url_for(&self, sign_in: DirectSignIn) -> Result<StartedSignIn> {
        let selectors = self.effective(&sign_in.selectors);
        let pending = PendingSignIn {
            issuer: self.0.issuer.as_str().to_owned(),
            client_id: self.0.config.client_id.clone(),
            redirect_uri: sign_in.redirect_uri,
            state: random_token().into(),
            nonce: random_token().into(),
            code_verifier: random_token().into(),
            connection: selectors.connection.clone(),
            organization: selectors.organization.clone(),
            domain: selectors.domain.clone(),
            identity_provider: selectors.identity_provider.clone(),
            began_at: self.0.clock.now(),
        };
        let request = SignInRequest {
            redirect_uri: pending.redirect_uri.clone(),
            state: pending.state.expose().clone(),
            nonce: pending.nonce.expose().clone(),
            code_challenge: code_challenge(pending.code_verifier.expose()),
            prompt: sign_in.prompt,
            login_hint: sign_in.login_hint,
            selectors,
            ..SignInRequest::default()
        };
        let url = self.authorization_url(&request).await?;
        Ok(StartedSignIn { url, pending })
    }

    /// Who signed in, from the query that the browser came back with (without `?`). A sign-in may take ten minutes.
    /// The code is sent once, whatever happens.
    ///
    /// # Errors
    /// [`CallbackError::Refused`]: the answer is an error. [`CallbackError::Failed`], of kind
    /// [`Request`](crate::ErrorKind::Request): it is none to this sign-in, which began at another environment or for
    /// another client, or it is too late; otherwise as
    /// [`Provider::redeem`](crate::provider::Provider::redeem).
    pub async fn authenticate_with_code(
        &self,
        pending: PendingSignIn,
        query: &str,
    ) -> Result<SignInResult, CallbackError> {
        self.check_began_here(&pending)?;
        let response = AuthorizationResponse::parse(query.as_bytes())?;
        pending.check(response.state(), self.0.clock.now())?;
        self.check_response_issuer(response.iss()).await?;
        let code = match response {
            AuthorizationResponse::Code { code, .. } => code,
            AuthorizationResponse::Error {
                error, description, ..
            } => {
                return Err(CallbackError::Refused {
                    code: error.as_str().into(),
                    description,
                });
            }
        };
        Ok(self.sign_in_result(pending.grant(code)).await?)
    }

    /// One environment's code and verifier are nothing for another's token endpoint (RFC 9700 section 4.4).
    fn check_began_here(&self, pending: &PendingSignIn) -> Result<()> {
        let (issuer, client_id) = (self.0.issuer.as_str(), &self.0.config.client_id);
        if pending.issuer != issuer || pending.client_id != *client_id {
            return Err(Error::request("the sign-in began at another environment"));
        }
        Ok(())
    }

    async fn sign_in_result(&self, grant: CodeGrant) -> Result<SignInResult> {
        let identity = self.redeem(grant).await?;
        let missing = || Error::provider("the token endpoint gave no id_token");
        Ok(SignInResult {
            user: Profile::of(&identity.claims.all),
            issuer: identity.claims.issuer.as_str().to_owned(),
            connection: identity.connection.unwrap_or_default(),
            organization: identity.organization,
            sid: identity.claims.sid,
            id_token: identity.tokens.id_token.ok_or_else(missing)?,
            access_token: identity.tokens.access_token,
            expires_in: identity.tokens.expires_in,
            claims: identity.claims.all,
        })
    }
}

impl PendingSignIn {
    /// Whether the answer is one to this sign-in. An error may come without `state`: it signs nobody in.
    fn check(&self, state: Option<&str>, now: SecondsSinceEpoch) -> Result<()> {
        if state.is_some_and(|state| Secret::from(state) != self.state) {
            return Err(Error::request("the answer is none to this sign-in"));
        }
        if now >= self.began_at.plus(LIFETIME) {
            return Err(Error::request("the sign-in took too long"));
        }
        Ok(())
    }

    fn grant(self, code: Secret<String>) -> CodeGrant {
        CodeGrant {
            code,
            redirect_uri: self.redirect_uri,
            code_verifier: self.code_verifier,
            nonce: self.nonce.expose().clone(),
            max_age: None,
            selectors: Selectors {
                connection: self.connection,
                organization: self.organization,
                domain: self.domain,
                identity_provider: self.identity_provider,
            },
        }
    }
}

// Who is signing in, and by which secrets, stays out of logs.

impl fmt::Debug for DirectSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectSignIn")
            .field("redirect_uri", &self.redirect_uri)
            .field("selectors", &self.selectors)
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignIn")
            .field("redirect_uri", &self.redirect_uri)
            .field("began_at", &self.began_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SignInResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInResult")
            .field("user", &self.user)
            .field("connection", &self.connection)
            .field("organization", &self.organization)
            .finish_non_exhaustive()
    }
}
