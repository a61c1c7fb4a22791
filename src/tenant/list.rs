//! [`TenantList`].

use std::collections::HashMap;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::one::At;
use super::{Tenant, TenantBy, Tenants};
use crate::{Error, Result};

/// All tenants, known from the start.
///
/// ```
/// use tower_sso::tenant::{Tenant, TenantList};
///
/// let acme = || Tenant::new("acme").host("acme.example.com").organization("org_acme");
/// assert!(TenantList::new([acme(), Tenant::new("globex").organization("org_globex")]).is_ok());
/// assert!(TenantList::new([acme(), acme()]).is_err());
/// ```
#[derive(Debug)]
pub struct TenantList {
    by_id: HashMap<Arc<str>, Arc<Tenant>>,
    by_host: Index,
    by_connection: Index,
    by_organization: Index,
    by_domain: Index,
    /// Only where a single tenant has it: else it says nothing of who is meant.
    by_issuer: HashMap<Box<str>, Option<Arc<Tenant>>>,
}

type Index = HashMap<Box<str>, Arc<Tenant>>;

impl TenantList {
    /// The tenants of the app.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): an id, a host, a domain, or an organization or
    /// connection of the same provider is there twice, or something of a tenant is malformed.
    pub fn new(tenants: impl IntoIterator<Item = Tenant>) -> Result<Self> {
        let mut list = Self {
            by_id: HashMap::new(),
            by_host: Index::new(),
            by_connection: Index::new(),
            by_organization: Index::new(),
            by_domain: Index::new(),
            by_issuer: HashMap::new(),
        };
        for tenant in tenants {
            tenant.check()?;
            list.add(&Arc::new(tenant))?;
        }
        Ok(list)
    }

    fn add(&mut self, tenant: &Arc<Tenant>) -> Result<()> {
        if self
            .by_id
            .insert(tenant.shared_id(), Arc::clone(tenant))
            .is_some()
        {
            return Err(twice("id", tenant));
        }
        let unique = [
            ("host", &mut self.by_host, tenant.own_host()),
            (
                "connection",
                &mut self.by_connection,
                tenant.own_connection(),
            ),
        ];
        for (what, index, name) in unique {
            if let Some(name) = name
                && index.insert(name.into(), Arc::clone(tenant)).is_some()
            {
                return Err(twice(what, tenant));
            }
        }
        for domain in &tenant.domains {
            let before = self
                .by_domain
                .insert(domain.as_str().into(), Arc::clone(tenant));
            if before.is_some() {
                return Err(twice("domain", tenant));
            }
        }
        // Several connections of an organization may be tenants of their own; then its name alone leads to none.
        if let Some(organization) = tenant.own_organization()
            && tenant.own_connection().is_none()
            && self
                .by_organization
                .insert(organization.into(), Arc::clone(tenant))
                .is_some()
        {
            return Err(twice("organization", tenant));
        }
        let issuer = match tenant.at() {
            At::Ours => None,
            At::OpenId(config) => Some(config.issuer.as_str()),
            At::Made(provider) => Some(provider.issuer().as_str()),
        };
        if let Some(issuer) = issuer {
            self.by_issuer
                .entry(issuer.into())
                .and_modify(|of_several| *of_several = None)
                .or_insert_with(|| Some(Arc::clone(tenant)));
        }
        Ok(())
    }

    /// The number of tenants.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

fn twice(what: &str, tenant: &Tenant) -> Error {
    Error::configuration(format!(
        "the {what} of the tenant {} is another one’s already",
        tenant.id()
    ))
}

impl Tenants for TenantList {
    fn find<'a>(&'a self, by: TenantBy<'a>) -> BoxFuture<'a, Result<Option<Arc<Tenant>>>> {
        let found = match by {
            TenantBy::Id(id) => self.by_id.get(id),
            TenantBy::Host(host) => self.by_host.get(host),
            TenantBy::Connection(id) => self.by_connection.get(id),
            TenantBy::Organization(id) => self.by_organization.get(id),
            TenantBy::Domain(domain) => self.by_domain.get(domain),
            TenantBy::Issuer(issuer) => self.by_issuer.get(issuer).and_then(Option::as_ref),
        };
        Box::pin(std::future::ready(Ok(found.cloned())))
    }
}
