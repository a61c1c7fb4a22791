//! Nobody: where people sign in is not known yet.

use futures_core::future::BoxFuture;
use url::Url;

use super::capability::{
    CodeGrant, Identity, LogoutRequest, Provider, RefreshGrant, Refreshed, SignInRequest,
};
use crate::oidc::Issuer;
use crate::{Error, Result};

/// What stands where a provider would, as long as no tenant is known. Nothing was ever signed by it.
#[derive(Debug)]
pub(crate) struct NoProvider(Issuer);

impl NoProvider {
    pub(crate) fn new() -> Self {
        Self(Issuer::parse("https://nobody.invalid").expect("is an issuer"))
    }
}

fn undecided<T: Send + 'static>() -> BoxFuture<'static, Result<T>> {
    let error = Error::request("a sign-in needs a tenant to sign in at");
    Box::pin(std::future::ready(Err(error)))
}

impl Provider for NoProvider {
    fn issuer(&self) -> &Issuer {
        &self.0
    }

    fn vouches_for(&self, _: &str) -> bool {
        false
    }

    fn ready(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn authorization_url<'a>(&'a self, _: &'a SignInRequest) -> BoxFuture<'a, Result<Url>> {
        undecided()
    }

    fn check_response_issuer<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<()>> {
        undecided()
    }

    fn redeem(&self, _: CodeGrant) -> BoxFuture<'_, Result<Identity>> {
        undecided()
    }

    fn refresh(&self, _: RefreshGrant) -> BoxFuture<'_, Result<Refreshed>> {
        undecided()
    }

    fn logout_url<'a>(&'a self, _: &'a LogoutRequest) -> BoxFuture<'a, Result<Option<Url>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
