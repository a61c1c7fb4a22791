//! Any OpenID Provider, through the protocol alone.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use url::Url;

use super::capability::{
    CodeGrant, Identity, LogoutRequest, Provider, RefreshGrant, Refreshed, SignInRequest,
};
use super::config::OidcConfig;
use super::discovery::Discovery;
use super::http::HttpClient;
use super::jwks::{JwksCache, JwksSource, Origin};
use super::token_endpoint::TokenEndpoint;
use super::urls;
use super::userinfo::{self, UserInfo};
use crate::clock::Clock;
#[cfg(feature = "scalekit")]
use crate::oidc::KeySet;
use crate::oidc::{
    ClientAuth, CompactJwt, EntraIssuers, IdTokenCheck, IdTokenClaims, Issuer, LEEWAY,
    OriginalClaims, ProviderMetadata, TokenResponse, UserInfoCheck, is_multi_factor,
};
use crate::{Error, Result, Secret};

/// An OpenID Provider. Makes no call before it is used, and heals by itself when the provider does.
///
/// ```no_run
/// use std::sync::Arc;
/// use tower_sso::clock::SystemClock;
/// use tower_sso::oidc::Issuer;
/// use tower_sso::provider::{HttpOptions, OidcConfig, OidcProvider, Provider, ReqwestClient};
///
/// # fn main() -> tower_sso::Result<()> {
/// let config = OidcConfig::new(Issuer::parse("https://idp.example.com")?, "my-app");
/// let http = Arc::new(ReqwestClient::new(&HttpOptions::default())?);
/// let provider = OidcProvider::new(config, http, Arc::new(SystemClock));
/// assert_eq!(provider.issuer().as_str(), "https://idp.example.com");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OidcProvider {
    config: Arc<OidcConfig>,
    /// Where the provider speaks for many issuers; an error where the configuration says so wrongly.
    tenants: Option<Result<EntraIssuers>>,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    discovery: Discovery,
    jwks: JwksCache,
    #[cfg(feature = "scalekit")]
    vendor: VendorRules,
}

/// Where a vendor differs from the protocol.
#[cfg(feature = "scalekit")]
#[derive(Clone, Debug, Default)]
pub(crate) struct VendorRules {
    /// Whether ID tokens may leave `nonce` out; one that is there must be the one that was sent.
    pub(crate) nonce_is_optional: bool,
    /// Where the provider's session ends, if the metadata does not say.
    pub(crate) end_session_endpoint: Option<Url>,
}

impl OidcProvider {
    /// A provider with a key cache of its own.
    #[must_use]
    pub fn new(config: OidcConfig, http: Arc<dyn HttpClient>, clock: Arc<dyn Clock>) -> Self {
        let tenants = config
            .entra_tenants
            .clone()
            .map(|tenants| EntraIssuers::new(&config.issuer, tenants));
        Self {
            discovery: Discovery::new(
                config.issuer.clone(),
                tenants.clone().and_then(Result::ok),
                Arc::clone(&http),
                Arc::clone(&clock),
            ),
            tenants,
            jwks: JwksCache::new(Arc::clone(&http), Arc::clone(&clock)),
            config: Arc::new(config),
            http,
            clock,
            #[cfg(feature = "scalekit")]
            vendor: VendorRules::default(),
        }
    }

    /// The same provider, by the rules of a vendor.
    #[cfg(feature = "scalekit")]
    pub(crate) fn with_vendor_rules(mut self, vendor: VendorRules) -> Self {
        self.vendor = vendor;
        self
    }

    /// The keys to verify a token with that anybody may have sent.
    #[cfg(feature = "scalekit")]
    pub(crate) async fn keys_for_stranger(&self, kid: Option<&str>) -> Result<Arc<KeySet>> {
        let metadata = self.metadata().await?;
        let source = self.source(&metadata);
        self.jwks.keys_for(&source, kid, Origin::Stranger).await
    }

    /// The same provider with a key cache that it shares with others.
    #[must_use]
    pub fn with_jwks_cache(mut self, jwks: JwksCache) -> Self {
        self.jwks = jwks;
        self
    }

    /// The key cache.
    #[must_use]
    pub fn jwks_cache(&self) -> &JwksCache {
        &self.jwks
    }

    /// What the provider says about itself, fetched if needed.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) with
    /// [`retry_after`](Error::retry_after): the provider can't be reached;
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): it answers with metadata that can't be used;
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): it speaks for many tenants and
    /// [`OidcConfig::entra_tenants`] is not set, or the other way round.
    pub async fn metadata(&self) -> Result<Arc<ProviderMetadata>> {
        self.tenants()?;
        self.discovery.metadata().await
    }

    fn tenants(&self) -> Result<Option<&EntraIssuers>> {
        match &self.tenants {
            None => Ok(None),
            Some(Ok(tenants)) => Ok(Some(tenants)),
            Some(Err(error)) => Err(error.clone()),
        }
    }

    fn source(&self, metadata: &ProviderMetadata) -> JwksSource {
        JwksSource::new(&self.config.issuer, metadata.jwks_uri.clone())
    }

    async fn redeem_code(&self, grant: &CodeGrant) -> Result<Identity> {
        let metadata = self.metadata().await?;
        let mut tokens = self.exchange(&metadata, grant).await?;
        // RFC 6749 section 5.1: a scope that is left out is the one that was asked for.
        tokens
            .scope
            .get_or_insert_with(|| self.config.scopes.clone());
        let id_token = tokens
            .id_token
            .as_ref()
            .ok_or_else(|| Error::provider("the token endpoint gave no id_token"))?;
        let check = IdTokenCheck {
            nonce: self.required_nonce(grant),
            max_age: urls::max_age(&self.config, grant.max_age),
            code: Some(grant.code.expose()),
            ..self.check(&metadata, &tokens)
        };
        let mut claims = self.verify(&metadata, check, id_token).await?;
        #[cfg(feature = "scalekit")]
        if self.vendor.nonce_is_optional {
            claims.check_nonce_where_present(&grant.nonce)?;
        }
        if self.config.userinfo {
            self.add_userinfo(&metadata, &tokens, &mut claims).await?;
        }
        let identity = self.identity(claims, tokens);
        let asked = grant.selectors.organization.as_ref();
        if self.config.organizations.is_some()
            && asked.is_some()
            && identity.organization.as_ref() != asked
        {
            return Err(Error::provider(
                "the ID token is not of the organization that was asked for",
            ));
        }
        Ok(identity)
    }

    /// The nonce that an ID token must have.
    fn required_nonce<'a>(&self, grant: &'a CodeGrant) -> Option<&'a str> {
        #[cfg(feature = "scalekit")]
        if self.vendor.nonce_is_optional {
            return None;
        }
        Some(&grant.nonce)
    }

    async fn redeem_refresh_token(&self, grant: &RefreshGrant) -> Result<Refreshed> {
        let metadata = self.metadata().await?;
        let tokens = self
            .post(
                &metadata,
                &[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", grant.refresh_token.expose()),
                ],
            )
            .await?;
        Ok(Refreshed {
            identity: self.continued(&metadata, grant, &tokens).await,
            tokens,
        })
    }

    /// OpenID Connect Core 12.2.
    async fn continued(
        &self,
        metadata: &ProviderMetadata,
        grant: &RefreshGrant,
        tokens: &TokenResponse,
    ) -> Result<Option<Identity>> {
        let Some(id_token) = &tokens.id_token else {
            return Ok(None);
        };
        let check = self.check(metadata, tokens);
        let mut claims = self.verify(metadata, check, id_token).await?;
        let original = OriginalClaims {
            subject: &grant.subject,
            auth_time: grant.auth_time,
            all: &grant.claims,
        };
        claims.check_continues(original)?;
        if self.config.userinfo {
            self.add_userinfo(metadata, tokens, &mut claims).await?;
        }
        Ok(Some(self.identity(claims.over(original)?, tokens.clone())))
    }

    fn identity(&self, claims: IdTokenClaims, tokens: TokenResponse) -> Identity {
        let organizations = self.config.organizations.as_ref();
        let named = organizations.and_then(|names| claims.all.get(&names.claim)?.as_str());
        Identity {
            organization: named.map(str::to_owned),
            multi_factor: is_multi_factor(
                &claims.amr,
                claims.acr.as_deref(),
                &self.config.mfa_acr_values,
            ),
            claims,
            tokens,
            connection: None,
            tenant: None,
        }
    }

    /// OpenID Connect Core 3.1.3.1, RFC 7636 section 4.5.
    async fn exchange(
        &self,
        metadata: &ProviderMetadata,
        grant: &CodeGrant,
    ) -> Result<TokenResponse> {
        self.post(
            metadata,
            &[
                ("grant_type", "authorization_code"),
                ("code", grant.code.expose()),
                ("redirect_uri", &grant.redirect_uri),
                ("code_verifier", grant.code_verifier.expose()),
            ],
        )
        .await
    }

    async fn post(
        &self,
        metadata: &ProviderMetadata,
        grant: &[(&str, &str)],
    ) -> Result<TokenResponse> {
        let client_secret = self.config.client_secret.as_ref();
        let auth = ClientAuth::choose(
            self.config.client_auth,
            client_secret.is_some(),
            &metadata.token_endpoint_auth_methods_supported,
        )?;
        TokenEndpoint {
            http: &*self.http,
            url: &metadata.token_endpoint,
            auth,
            client_id: &self.config.client_id,
            client_secret,
        }
        .post(grant)
        .await
    }

    /// What each ID token must fit, whichever grant it came for.
    fn check<'a>(
        &'a self,
        metadata: &'a ProviderMetadata,
        tokens: &'a TokenResponse,
    ) -> IdTokenCheck<'a> {
        IdTokenCheck {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce: None,
            max_age: None,
            access_token: Some(tokens.access_token.expose()),
            code: None,
            algorithms: &metadata.id_token_signing_alg_values_supported,
            now: self.clock.now(),
            leeway: LEEWAY,
        }
    }

    async fn verify(
        &self,
        metadata: &ProviderMetadata,
        check: IdTokenCheck<'_>,
        id_token: &Secret<String>,
    ) -> Result<IdTokenClaims> {
        let jwt = CompactJwt::parse(id_token.expose())?;
        let keys = self
            .jwks
            .keys_for(&self.source(metadata), jwt.kid.as_deref(), Origin::OwnCall)
            .await?;
        Ok(match self.tenants()? {
            Some(tenants) => check.verify_for_tenants(&jwt, &keys, tenants),
            None => check.verify(&jwt, &keys),
        }?)
    }

    async fn add_userinfo(
        &self,
        metadata: &ProviderMetadata,
        tokens: &TokenResponse,
        claims: &mut IdTokenClaims,
    ) -> Result<()> {
        let endpoint = metadata.userinfo_endpoint.as_ref().ok_or_else(|| {
            Error::configuration("userinfo is on, and the provider has no userinfo endpoint")
        })?;
        let answer =
            userinfo::fetch(&*self.http, endpoint, &tokens.access_token, &claims.subject).await?;
        let more = match answer {
            UserInfo::Plain(more) => more,
            UserInfo::Signed(token) => {
                let jwt = CompactJwt::parse(token.expose())?;
                let keys = self
                    .jwks
                    .keys_for(&self.source(metadata), jwt.kid.as_deref(), Origin::OwnCall)
                    .await?;
                UserInfoCheck {
                    issuer: &claims.issuer,
                    client_id: &self.config.client_id,
                    subject: &claims.subject,
                    algorithms: &metadata.id_token_signing_alg_values_supported,
                    now: self.clock.now(),
                    leeway: LEEWAY,
                }
                .verify(&jwt, &keys)?
            }
        };
        claims.merge_userinfo(more);
        Ok(())
    }
}

impl Provider for OidcProvider {
    fn issuer(&self) -> &Issuer {
        &self.config.issuer
    }

    fn vouches_for(&self, issuer: &str) -> bool {
        match &self.tenants {
            None => issuer == self.config.issuer.as_str(),
            Some(tenants) => tenants
                .as_ref()
                .is_ok_and(|tenants| tenants.include(issuer)),
        }
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let metadata = self.metadata().await?;
            let source = self.source(&metadata);
            self.jwks
                .keys_for(&source, None, Origin::OwnCall)
                .await
                .map(drop)
        })
    }

    fn authorization_url<'a>(&'a self, request: &'a SignInRequest) -> BoxFuture<'a, Result<Url>> {
        Box::pin(async {
            let metadata = self.metadata().await?;
            urls::authorization_url(&self.config, &metadata, request)
        })
    }

    fn check_response_issuer<'a>(&'a self, iss: Option<&'a str>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match iss {
                Some(iss) if self.vouches_for(iss) => Ok(()),
                Some(_) => Err(Error::request("the answer comes from another issuer")),
                None => {
                    let metadata = self.metadata().await?;
                    if metadata.authorization_response_iss_parameter_supported {
                        return Err(Error::request("the answer does not name its issuer"));
                    }
                    Ok(())
                }
            }
        })
    }

    fn redeem(&self, grant: CodeGrant) -> BoxFuture<'_, Result<Identity>> {
        Box::pin(async move { self.redeem_code(&grant).await })
    }

    fn refresh(&self, grant: RefreshGrant) -> BoxFuture<'_, Result<Refreshed>> {
        Box::pin(async move { self.redeem_refresh_token(&grant).await })
    }

    fn logout_url<'a>(&'a self, request: &'a LogoutRequest) -> BoxFuture<'a, Result<Option<Url>>> {
        Box::pin(async {
            let metadata = self.metadata().await?;
            let endpoint = metadata.end_session_endpoint.as_ref();
            #[cfg(feature = "scalekit")]
            let endpoint = endpoint.or(self.vendor.end_session_endpoint.as_ref());
            urls::logout_url(&self.config, endpoint, request)
        })
    }
}
