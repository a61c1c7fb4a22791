//! Which tenant answers at an endpoint.

use std::sync::Arc;

use super::Tenancy;
use crate::endpoint::Shared;
use crate::provider::Selectors;
use crate::session::Session;
use crate::session::login_state::LoginState;
use crate::tenant::TenantBy;
use crate::{Error, Result};

/// What a sign-in was asked for with, as far as it can name a tenant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedFor<'a> {
    /// The id of a tenant.
    pub(crate) tenant: Option<&'a str>,
    pub(crate) selectors: &'a Selectors,
    pub(crate) login_hint: Option<&'a str>,
    /// The issuer that a third party names.
    pub(crate) issuer: Option<&'a str>,
}

impl Shared {
    /// Who serves a sign-in: the tenant that the request names; else the one that the sign-in was asked for with, by
    /// the first that leads to one of: its id, a connection, an organization, a domain, an issuer.
    ///
    /// # Errors
    /// Two are named, or a connection or an organization that nobody has, or it can't be told now.
    pub(crate) async fn for_sign_in(self: &Arc<Self>, asked: AskedFor<'_>) -> Result<Arc<Self>> {
        let Some(tenancy) = self.tenancy.upgrade() else {
            return Ok(Arc::clone(self));
        };
        let domain = asked
            .selectors
            .domain
            .as_deref()
            .or_else(|| Some(asked.login_hint?.rsplit_once('@')?.1))
            .map(str::to_ascii_lowercase);
        let must = [
            asked.tenant.map(TenantBy::Id),
            asked
                .selectors
                .connection
                .as_deref()
                .map(TenantBy::Connection),
            asked
                .selectors
                .organization
                .as_deref()
                .map(TenantBy::Organization),
        ];
        let may = [
            domain.as_deref().map(TenantBy::Domain),
            asked.issuer.map(TenantBy::Issuer),
        ];
        let mut chosen = self.named();
        for by in must.into_iter().flatten() {
            let found = tenancy.find(by).await?;
            match (&chosen, found) {
                (Some(chosen), Some(found)) if chosen.tenant_id() != found.tenant_id() => {
                    return Err(Error::request(
                        "a sign-in was asked for at two tenants at once",
                    ));
                }
                (None, Some(found)) => chosen = Some(found),
                (Some(_), _) => {}
                // The app's own provider may know it.
                (None, None) if !self.context.place.is_undecided() && asked.tenant.is_none() => {}
                (None, None) => {
                    return Err(Error::request(
                        "a sign-in was asked for at a tenant that is not known here",
                    ));
                }
            }
        }
        for by in may.into_iter().flatten() {
            if chosen.is_none() {
                chosen = tenancy.find(by).await?;
            }
        }
        Ok(chosen.unwrap_or_else(|| Arc::clone(self)))
    }

    /// Who finishes a sign-in: the tenant that it was begun for, where its answer came to the tenant's own redirect
    /// URI. `segment` is what follows `/auth/callback/`.
    ///
    /// # Errors
    /// The answer came to another one's redirect URI (RFC 9700 section 2.1), the tenant is gone, or it can't be told
    /// now.
    pub(crate) async fn for_attempt(
        self: &Arc<Self>,
        state: &LoginState,
        segment: Option<&str>,
    ) -> Result<Arc<Self>> {
        let elsewhere = || Error::request("this sign-in was started with another provider");
        let shared = match &state.tenant {
            None => self.unnamed(),
            Some(id) => self.of_tenant(id).await?.ok_or_else(elsewhere)?,
        };
        let named = self.named();
        let is_named = named.is_none_or(|named| named.tenant_id() == shared.tenant_id());
        // Its redirect URI is there, and nowhere else.
        if is_named && self.is_where_serves(&shared) && shared.context.place.callback() == segment {
            Ok(shared)
        } else {
            Err(elsewhere())
        }
    }

    /// Who a session belongs to, wherever the request came; nobody's own place where the tenant is gone.
    ///
    /// # Errors
    /// It can't be told now.
    pub(crate) async fn of_session(self: &Arc<Self>, session: &Session) -> Result<Arc<Self>> {
        Ok(match session.tenant() {
            None => self.unnamed(),
            Some(id) => self.of_tenant(id).await?.unwrap_or_else(|| self.unnamed()),
        })
    }

    /// Whether this host is the one where `shared` serves. A tenant with a host of its own is served nowhere else: its
    /// session is nobody's at the host of the app, where another provider may say who is let in.
    pub(crate) fn is_where_serves(&self, shared: &Self) -> bool {
        self.context.base_url.origin() == shared.context.base_url.origin()
    }

    /// As [`of_session`](Self::of_session), where the request itself names nobody and the session is of this host.
    pub(crate) async fn for_session(
        self: &Arc<Self>,
        session: Option<&Session>,
    ) -> Result<Arc<Self>> {
        match session {
            Some(session) if self.context.place.is_unnamed() => {
                let shared = self.of_session(session).await?;
                Ok(match self.is_where_serves(&shared) {
                    true => shared,
                    false => Arc::clone(self),
                })
            }
            _ => Ok(Arc::clone(self)),
        }
    }

    async fn of_tenant(self: &Arc<Self>, id: &str) -> Result<Option<Arc<Self>>> {
        if self.tenant_id() == Some(id) {
            return Ok(Some(Arc::clone(self)));
        }
        match self.tenancy.upgrade() {
            Some(tenancy) => tenancy.find(TenantBy::Id(id)).await,
            None => Ok(None),
        }
    }

    fn tenant_id(&self) -> Option<&str> {
        Some(self.context.place.tenant()?.id())
    }

    fn named(self: &Arc<Self>) -> Option<Arc<Self>> {
        self.tenant_id().map(|_| Arc::clone(self))
    }

    fn unnamed(self: &Arc<Self>) -> Arc<Self> {
        match self.tenancy.upgrade() {
            Some(tenancy) => Arc::clone(tenancy.unnamed()),
            None => Arc::clone(self),
        }
    }
}

impl Tenancy {
    /// What serves where no tenant is named.
    pub(crate) fn unnamed(&self) -> &Arc<Shared> {
        &self.wiring.unnamed
    }
}
