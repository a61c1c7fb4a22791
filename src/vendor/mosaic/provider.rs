//! Mosaic as a provider, and its sessions.

use std::time::Duration;

use futures_core::future::BoxFuture;
use serde_json::{Map, Value};
use url::Url;

use super::Mosaic;
use super::answer::{Issued, Said, said};
use super::api::Call;
use crate::oidc::Issuer;
use crate::provider::{
    BackendAnswer, BackendAuthentication, BackendSessions, ClientAttributes, CodeGrant, Identity,
    LogoutRequest, Origin, Provider, RefreshGrant, Refreshed, SignInRequest,
};
use crate::secret::Secret;
use crate::{Error, Result};

const AUTHENTICATE: &str = "/cis/v1/auth/session/authenticate";
const LOGOUT: &str = "/cis/v1/auth/session/logout";
const REFRESH: &str = "/cis/v1/auth/token/refresh";

/// A session lives two weeks after each authentication in it.
const LIFETIME: Duration = Duration::from_secs(14 * 24 * 60 * 60);

impl Mosaic {
    /// The members that each authentication may have.
    pub(super) fn body(&self, client: &ClientAttributes) -> Map<String, Value> {
        let config = &self.0.api.config;
        let mut attributes = Map::new();
        if let Some(agent) = &client.user_agent {
            attributes.insert("user_agent".to_owned(), agent.as_str().into());
        }
        if let Some(address) = client.ip_address {
            attributes.insert("ip_address".to_owned(), address.to_string().into());
        }
        let mut body = Map::new();
        if !attributes.is_empty() {
            body.insert("client_attributes".to_owned(), attributes.into());
        }
        for (name, value) in [
            ("resource", &config.resource),
            ("org_id", &config.organization),
        ] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.as_str().into());
            }
        }
        body
    }

    async fn authenticate_session(&self, request: BackendAuthentication) -> Result<BackendAnswer> {
        let mut body = self.body(&request.client);
        insert_secret(&mut body, "session_id", &request.session_id);
        let answer = self.0.api.call(&Call::post(AUTHENTICATE, body)).await?;
        match said(&answer, false)? {
            Said::Done => {
                let session = self
                    .session(Issued::read(&answer)?, Some(request.session_id))
                    .await?;
                Ok(BackendAnswer::SignedIn(Box::new(session)))
            }
            Said::SessionNotFound => Ok(BackendAnswer::NotFound),
            Said::Refused(refusal) => Err(refusal.into_error("the authentication of a session")),
        }
    }

    async fn end_session(&self, session_id: &Secret<String>) -> Result<()> {
        let mut body = Map::new();
        insert_secret(&mut body, "session_id", session_id);
        let answer = self.0.api.call(&Call::post(LOGOUT, body)).await?;
        match said(&answer, false)? {
            Said::Done | Said::SessionNotFound => Ok(()),
            Said::Refused(refusal) => Err(refusal.into_error("the logout of a session")),
        }
    }

    async fn redeem_refresh_token(&self, grant: &RefreshGrant) -> Result<Refreshed> {
        let mut body = Map::new();
        insert_secret(&mut body, "refresh_token", &grant.refresh_token);
        let answer = self.0.api.call(&Call::post(REFRESH, body)).await?;
        match said(&answer, false)? {
            Said::Done => {
                let tokens = Issued::read(&answer)?.tokens;
                Ok(Refreshed {
                    identity: self.continued(grant, &tokens).await,
                    tokens,
                })
            }
            // RFC 6749 section 5.2, in Mosaic's words.
            Said::SessionNotFound => {
                Err(Error::provider("Mosaic has ended the session").with_code("invalid_grant"))
            }
            Said::Refused(refusal) => Err(refusal.into_error("a refresh token")),
        }
    }
}

pub(super) fn insert_secret(body: &mut Map<String, Value>, name: &str, secret: &Secret<String>) {
    body.insert(name.to_owned(), secret.expose().as_str().into());
}

/// No browser goes to Mosaic here.
fn no_redirects() -> Error {
    Error::configuration("people sign in to Mosaic at the app's own login page")
}

impl Provider for Mosaic {
    fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let (jwks, source) = (&self.0.jwks, &self.0.keys);
            jwks.keys_for(source, None, Origin::OwnCall).await.map(drop)
        })
    }

    fn authorization_url<'a>(&'a self, _: &'a SignInRequest) -> BoxFuture<'a, Result<Url>> {
        Box::pin(async { Err(no_redirects()) })
    }

    fn check_response_issuer<'a>(&'a self, iss: Option<&'a str>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if iss.is_some_and(|iss| iss != self.0.issuer.as_str()) {
                return Err(Error::request("the answer comes from another issuer"));
            }
            Ok(())
        })
    }

    fn redeem(&self, _: CodeGrant) -> BoxFuture<'_, Result<Identity>> {
        Box::pin(async { Err(no_redirects()) })
    }

    fn refresh(&self, grant: RefreshGrant) -> BoxFuture<'_, Result<Refreshed>> {
        Box::pin(async move { self.redeem_refresh_token(&grant).await })
    }

    fn logout_url<'a>(&'a self, _: &'a LogoutRequest) -> BoxFuture<'a, Result<Option<Url>>> {
        Box::pin(async { Ok(None) })
    }

    fn backend_sessions(&self) -> Option<&dyn BackendSessions> {
        Some(self)
    }

    fn login_page(&self) -> Option<&str> {
        Some(&self.0.api.config.login_page)
    }
}

impl BackendSessions for Mosaic {
    fn authenticate(&self, request: BackendAuthentication) -> BoxFuture<'_, Result<BackendAnswer>> {
        Box::pin(self.authenticate_session(request))
    }

    fn logout(&self, session_id: Secret<String>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.end_session(&session_id).await })
    }

    fn lifetime(&self) -> Duration {
        LIFETIME
    }
}
