//! Scalekit as a provider.

use futures_core::future::BoxFuture;
use url::Url;

use super::{Scalekit, ScalekitErrorCode, WinningSelector, identity};
use crate::Result;
use crate::oidc::Issuer;
use crate::provider::{
    CodeGrant, Explanation, Identity, InitiatedSignIns, LogoutRequest, Provider, RefreshGrant,
    Refreshed, Selectors, SignInRequest,
};

impl Scalekit {
    /// The request as Scalekit reads it: one selector, by its own names.
    fn addressed(&self, request: &SignInRequest) -> SignInRequest {
        let mut request = request.clone();
        let selectors = self.effective(&std::mem::take(&mut request.selectors));
        let login_hint = request.login_hint.take();
        let winner = WinningSelector::of(&selectors, login_hint.as_deref());
        if let Some(winner) = winner {
            request.extra.extend(winner.parameters());
            request.login_hint = (login_hint.clone()).filter(|hint| winner.takes_hint(hint));
        }
        request
    }

    async fn refreshed(&self, grant: RefreshGrant) -> Result<Refreshed> {
        let original = grant.claims.clone();
        let Refreshed { tokens, identity } = self.0.oidc.refresh(grant).await?;
        let placed = |one: Option<Identity>| {
            let placed = one.map(|one| identity::of_refresh(one, &original));
            Ok(placed.transpose()?)
        };
        Ok(Refreshed {
            identity: identity.and_then(placed),
            tokens,
        })
    }
}

impl Provider for Scalekit {
    fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        self.0.oidc.ready()
    }

    fn authorization_url<'a>(&'a self, request: &'a SignInRequest) -> BoxFuture<'a, Result<Url>> {
        Box::pin(async {
            let request = self.addressed(request);
            self.0.oidc.authorization_url(&request).await
        })
    }

    fn check_response_issuer<'a>(&'a self, iss: Option<&'a str>) -> BoxFuture<'a, Result<()>> {
        self.0.oidc.check_response_issuer(iss)
    }

    fn redeem(&self, grant: CodeGrant) -> BoxFuture<'_, Result<Identity>> {
        Box::pin(async move {
            let asked = self.effective(&grant.selectors);
            let identity = self.0.oidc.redeem(grant).await?;
            Ok(identity::of_sign_in(identity, &asked)?)
        })
    }

    fn refresh(&self, grant: RefreshGrant) -> BoxFuture<'_, Result<Refreshed>> {
        Box::pin(self.refreshed(grant))
    }

    fn logout_url<'a>(&'a self, request: &'a LogoutRequest) -> BoxFuture<'a, Result<Option<Url>>> {
        self.0.oidc.logout_url(request)
    }

    fn wants_selectors(&self) -> bool {
        self.effective(&Selectors::default()).is_empty()
    }

    fn initiated_sign_ins(&self) -> Option<&dyn InitiatedSignIns> {
        let is_off = (self.0.config.initiated_issuers.as_ref()).is_some_and(Vec::is_empty);
        (!is_off).then_some(self)
    }

    fn explain(&self, code: &str) -> Option<Explanation> {
        ScalekitErrorCode::from(code).explanation()
    }
}
