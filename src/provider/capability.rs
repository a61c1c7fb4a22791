//! What a provider can do for the flows, as small traits: a new vendor implements these and nothing
//! above it changes.

use std::fmt;
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde_json::{Map, Value};
use url::Url;

use super::BackendSessions;
use crate::Result;
use crate::clock::SecondsSinceEpoch;
use crate::oidc::{IdTokenClaims, Issuer, Prompt, TokenResponse};
use crate::secret::Secret;

/// Picks where somebody signs in, at a provider that stands in front of several: a customer's own, say. Each is a
/// name that the provider gave or knows.
///
/// ```
/// use tower_sso::provider::Selectors;
///
/// let of_acme = Selectors { organization: Some("org_acme".to_owned()), ..Selectors::default() };
/// assert!(!of_acme.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors {
    /// One connection to an identity provider (`connection_id`).
    pub connection: Option<String>,
    /// The organization that the person signs in for (`organization_id`).
    pub organization: Option<String>,
    /// The domain of the person's address (`domain_hint`).
    pub domain: Option<String>,
    /// A kind of identity provider, as `google` (`provider`).
    pub identity_provider: Option<String>,
}

impl Selectors {
    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What one sign-in asks of the provider.
#[derive(Clone, Default)]
pub struct SignInRequest {
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    /// Unguessable, bound to this browser (OpenID Connect Core 3.1.2.1).
    pub state: String,
    /// Unguessable, comes back in the ID token.
    pub nonce: String,
    /// The S256 challenge of the PKCE verifier (RFC 7636 section 4.2).
    pub code_challenge: String,
    /// `prompt`; empty leaves it out.
    pub prompt: Vec<Prompt>,
    /// `max_age`.
    pub max_age: Option<Duration>,
    /// `acr_values`, best first; empty leaves it out.
    pub acr_values: Vec<String>,
    /// Multi-factor authentication is wanted: asked for by the provider's acr values for it, or else by
    /// essential `amr` and `acr` claims where it supports the `claims` parameter.
    pub multi_factor: bool,
    /// Methods that the policy names (`amr`), asked for by the `claims` parameter where supported.
    pub amr: Vec<String>,
    /// `login_hint`.
    pub login_hint: Option<String>,
    /// `id_token_hint`.
    pub id_token_hint: Option<Secret<String>>,
    /// `ui_locales`.
    pub ui_locales: Option<String>,
    /// Where the person signs in, among what stands behind this provider.
    pub selectors: Selectors,
    /// Parameters of the provider's own; those of the protocol are refused here.
    pub extra: Vec<(String, String)>,
}

/// What redeems an authorization code, and what its answer must fit.
#[derive(Clone)]
pub struct CodeGrant {
    /// The code.
    pub code: Secret<String>,
    /// The same redirect URI that the sign-in named.
    pub redirect_uri: String,
    /// The PKCE verifier (RFC 7636 section 4.1).
    pub code_verifier: Secret<String>,
    /// The nonce that the sign-in sent.
    pub nonce: String,
    /// The `max_age` that the sign-in asked for: then `auth_time` must be there and fit it
    /// (OpenID Connect Core 3.1.3.7, rule 13).
    pub max_age: Option<Duration>,
    /// What the sign-in selected: an identity of another connection or organization is refused.
    pub selectors: Selectors,
}

/// What refreshes a session's tokens (RFC 6749 section 6), and what its answer must fit.
#[derive(Clone)]
pub struct RefreshGrant {
    /// The refresh token.
    pub refresh_token: Secret<String>,
    /// Whose session it is (`sub`).
    pub subject: String,
    /// When the person last authenticated.
    pub auth_time: Option<SecondsSinceEpoch>,
    /// The claims of the sign-in, as later refreshes left them.
    pub claims: Map<String, Value>,
}

/// What a refresh brought.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The new tokens. Where no refresh token came, the old one stays good.
    pub tokens: TokenResponse,
    /// What the new ID token says, over what was known; `None` where no ID token came.
    ///
    /// An error of kind [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): it can't be verified
    /// now. The new refresh token has to be kept all the same, for the old one may be used up. Any other
    /// error: the answer can't be believed.
    pub identity: Result<Option<Identity>>,
}

/// A verified identity: signature and every claim checked.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The ID token's claims, with those of UserInfo where it is on.
    pub claims: IdTokenClaims,
    /// The tokens, as they came.
    pub tokens: TokenResponse,
    /// Whether this authentication was multi-factor, by this provider's own rule.
    pub multi_factor: bool,
    /// The connection that was used, where the provider has such.
    pub connection: Option<String>,
    /// The organization that the person signed in for, where the provider has such.
    pub organization: Option<String>,
}

/// What a logout tells the provider (OpenID Connect RP-Initiated Logout 1.0 section 2).
#[derive(Clone)]
pub struct LogoutRequest {
    /// The ID token of the session that ends.
    pub id_token_hint: Option<Secret<String>>,
    /// Where the browser comes back to.
    pub post_logout_redirect_uri: String,
    /// Comes back with the browser.
    pub state: String,
}

/// A sign-in that began at the provider: it sent the browser with a signed word of whom to sign in, and where.
///
/// It signs nobody in by itself. An ordinary sign-in is started with what it says.
#[derive(Clone)]
pub struct Initiation {
    /// Tells this token from every other: it is good once.
    pub token_id: String,
    /// Until when the token is good.
    pub expires_at: SecondsSinceEpoch,
    /// Where the person signs in.
    pub selectors: Selectors,
    /// Whom the provider expects.
    pub login_hint: Option<String>,
    /// Where the person wants to go; not checked, and anybody may have chosen it.
    pub relay_state: Option<String>,
}

/// A provider at which sign-ins may begin (`idp_initiated_login`).
pub trait InitiatedSignIns: Send + Sync + fmt::Debug {
    /// Verifies the token that the browser brought: signature, algorithm, issuer and times.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): it can't be believed, or is over.
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): it can't be verified now.
    fn verify<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<Initiation>>;
}

/// What an error code of the provider means to the person who sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The status of the page.
    pub status: http::StatusCode,
    /// One or two sentences for the person.
    pub text: String,
    /// Whether the same sign-in may work at another time, or at another try.
    pub try_again: bool,
}

/// An identity provider that a browser can be sent to.
pub trait Provider: Send + Sync + fmt::Debug {
    /// The issuer whose word is taken.
    fn issuer(&self) -> &Issuer;

    /// Whether a session with this `iss` came from here. Some providers speak for many issuers, one for each
    /// customer.
    fn vouches_for(&self, issuer: &str) -> bool {
        issuer == self.issuer().as_str()
    }

    /// Whether the provider can be used now: its metadata and keys are known, fetched if needed.
    fn ready(&self) -> BoxFuture<'_, Result<()>>;

    /// The URL that starts a sign-in.
    fn authorization_url<'a>(&'a self, request: &'a SignInRequest) -> BoxFuture<'a, Result<Url>>;

    /// Checks who answered the authorization request (RFC 9207 section 2.4): `iss` must be this issuer,
    /// and must be there where the metadata promises it.
    fn check_response_issuer<'a>(&'a self, iss: Option<&'a str>) -> BoxFuture<'a, Result<()>>;

    /// Redeems a code and verifies what comes for it. Never sent twice.
    fn redeem(&self, grant: CodeGrant) -> BoxFuture<'_, Result<Identity>>;

    /// Redeems a refresh token and verifies what comes for it. Never sent twice.
    ///
    /// # Errors
    /// With the code `invalid_grant`: the provider has ended what the token stood for (RFC 6749 section
    /// 5.2). Any other error says nothing about that.
    fn refresh(&self, grant: RefreshGrant) -> BoxFuture<'_, Result<Refreshed>>;

    /// The URL that ends the provider's own session; `None` if it has no such endpoint.
    fn logout_url<'a>(&'a self, request: &'a LogoutRequest) -> BoxFuture<'a, Result<Option<Url>>>;

    /// Whether each sign-in has to select where. Then who comes without any word of it is asked for their address first.
    fn wants_selectors(&self) -> bool {
        false
    }

    /// Sign-ins that begin at the provider, where it has such.
    fn initiated_sign_ins(&self) -> Option<&dyn InitiatedSignIns> {
        None
    }

    /// What an error code of the authorization response means, beyond those of RFC 6749 section 4.1.2.1 and
    /// OpenID Connect Core 3.1.2.6.
    fn explain(&self, code: &str) -> Option<Explanation> {
        let _ = code;
        None
    }

    /// Its sessions that backends know by an id, where it has such.
    fn backend_sessions(&self) -> Option<&dyn BackendSessions> {
        None
    }

    /// The page of the app where people sign in, as `/login`, for a provider without a page of its own. It is
    /// asked for with `return_to`, and at a step-up with what is wanted, by the names of `/auth/login`.
    ///
    /// With it no browser is sent to the provider: [`authorization_url`](Self::authorization_url) and
    /// [`redeem`](Self::redeem) are not called.
    fn login_page(&self) -> Option<&str> {
        None
    }
}

// What is a secret of one browser (state, nonce) or says who it is stays out of logs.

impl fmt::Debug for SignInRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInRequest")
            .field("redirect_uri", &self.redirect_uri)
            .field("prompt", &self.prompt)
            .field("max_age", &self.max_age)
            .field("acr_values", &self.acr_values)
            .field("multi_factor", &self.multi_factor)
            .field("amr", &self.amr)
            .field("ui_locales", &self.ui_locales)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Initiation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initiation")
            .field("expires_at", &self.expires_at)
            .field("selectors", &self.selectors)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CodeGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeGrant")
            .field("redirect_uri", &self.redirect_uri)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RefreshGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshGrant")
            .field("subject", &self.subject)
            .field("auth_time", &self.auth_time)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LogoutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutRequest")
            .field("post_logout_redirect_uri", &self.post_logout_redirect_uri)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_secret_of_one_browser_is_not_shown() {
        let secret = || "s3cr3t".to_owned();
        let sign_in = SignInRequest {
            state: secret(),
            nonce: secret(),
            code_challenge: secret(),
            login_hint: Some(secret()),
            id_token_hint: Some(Secret::new(secret())),
            ..SignInRequest::default()
        };
        let grant = CodeGrant {
            code: Secret::new(secret()),
            redirect_uri: String::new(),
            code_verifier: Secret::new(secret()),
            nonce: secret(),
            max_age: None,
            selectors: Selectors::default(),
        };
        let initiation = Initiation {
            token_id: secret(),
            expires_at: SecondsSinceEpoch(0),
            selectors: Selectors::default(),
            login_hint: Some(secret()),
            relay_state: Some(secret()),
        };
        let refresh = RefreshGrant {
            refresh_token: Secret::new(secret()),
            subject: String::new(),
            auth_time: None,
            claims: Map::from_iter([("email".to_owned(), secret().into())]),
        };
        let logout = LogoutRequest {
            id_token_hint: Some(Secret::new(secret())),
            post_logout_redirect_uri: String::new(),
            state: secret(),
        };
        let shown = format!("{sign_in:?} {grant:?} {initiation:?} {refresh:?} {logout:?}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}
