//! The options that speak of several customers.

use std::sync::Arc;
use std::time::Duration;

use super::SsoBuilder;
use crate::oidc::EntraTenants;
use crate::provider::Organizations;
use crate::tenant::{TenantFrom, Tenants};

impl SsoBuilder {
    /// How the provider speaks of organizations: the claim of the ID token, and the parameter that asks for one. With
    /// it [`Policy::organization`](crate::Policy::organization), `organization_id` at `/auth/login` and
    /// [`Tenant::organization`](crate::tenant::Tenant::organization) work with a provider that has such, as Auth0
    /// (`org_id`, `organization`). Default: it has none.
    pub fn organizations(mut self, claim: impl Into<String>, parameter: impl Into<String>) -> Self {
        self.organizations = Some(Organizations::new(claim, parameter));
        self
    }

    /// Which tenants of Microsoft Entra may sign people in, where the issuer speaks for many (`…/organizations/v2.0`,
    /// `…/common/v2.0`). Default: none, and such an issuer is refused.
    pub fn entra_tenants(mut self, tenants: EntraTenants) -> Self {
        self.entra_tenants = Some(tenants);
        self
    }

    /// Customers who sign in at a provider of their own, or through a connection of their own at this one; see
    /// [`tenant`](crate::tenant). Default none.
    pub fn tenants(mut self, tenants: impl Tenants + 'static) -> Self {
        self.tenants = Some(Arc::new(tenants));
        self
    }

    /// Which part of a request names its tenant; may be said several times, and all that name one must name the
    /// same. Default: none does, and a tenant is named at the sign-in alone.
    pub fn tenant_from(mut self, from: TenantFrom) -> Self {
        self.tenant_from.push(from);
        self
    }

    /// How long it is good what was found of a tenant: a change is seen within that time. After it the next request
    /// starts another look, and is served by what was known; up to an hour, where the look fails. Whole seconds, one
    /// at least. Default 1 minute. That there is no such tenant is good for 10 s.
    pub fn tenant_freshness(mut self, fresh: Duration) -> Self {
        self.tenant_freshness = fresh;
        self
    }
}
