//! [`Tenants`]: where tenants are looked up.

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::Tenant;
use crate::Result;

/// What a tenant is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TenantBy<'a> {
    /// Its id: a subdomain or a path names it, a session or a sign-in under way remembers it.
    Id(&'a str),
    /// The host that the browser asked for, in lower case, with the port if there is one.
    Host(&'a str),
    /// A connection that a sign-in was asked for with (`connection_id`).
    Connection(&'a str),
    /// An organization that a sign-in was asked for with (`organization_id`).
    Organization(&'a str),
    /// The domain of a person's address (`domain_hint`, `login_hint`), in lower case.
    Domain(&'a str),
    /// The issuer that a third party wants a sign-in at (OpenID Connect Core section 4, `iss`).
    Issuer(&'a str),
}

/// Knows the tenants of an app: a database, or a service that does. [`TenantList`](super::TenantList) has them all in
/// memory, [`from_fn`] takes a function.
///
/// What is found, and what is not, is remembered for a minute
/// ([`SsoBuilder::tenant_freshness`](crate::SsoBuilder::tenant_freshness)), so this is no part of an ordinary request.
/// Names come from strangers: answer for exactly this one, and for nothing like it.
pub trait Tenants: Send + Sync + fmt::Debug {
    /// The tenant with this name, if there is one.
    ///
    /// # Errors
    /// It can't be told now. What was known before serves on for an hour; without that the answer is 503.
    fn find<'a>(&'a self, by: TenantBy<'a>) -> BoxFuture<'a, Result<Option<Arc<Tenant>>>>;
}

/// Tenants that a function finds.
///
/// ```
/// use std::sync::Arc;
/// use tower_sso::tenant::{Tenant, TenantBy, Tenants, from_fn};
///
/// /// What the app's database says.
/// async fn organization_of(subdomain: &str) -> tower_sso::Result<Option<String>> {
///     Ok((subdomain == "acme").then(|| "org_acme".to_owned()))
/// }
///
/// let tenants = from_fn(|by| {
///     Box::pin(async move {
///         let TenantBy::Id(id) = by else {
///             return Ok(None);
///         };
///         let found = organization_of(id).await?;
///         Ok(found.map(|organization| Arc::new(Tenant::new(id).organization(organization))))
///     })
/// });
/// # let _: &dyn Tenants = &tenants;
/// ```
pub fn from_fn<F>(find: F) -> impl Tenants + 'static
where
    F: for<'a> Fn(TenantBy<'a>) -> BoxFuture<'a, Result<Option<Arc<Tenant>>>>
        + Send
        + Sync
        + 'static,
{
    FromFn(find)
}

struct FromFn<F>(F);

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tenants")
    }
}

impl<F> Tenants for FromFn<F>
where
    F: for<'a> Fn(TenantBy<'a>) -> BoxFuture<'a, Result<Option<Arc<Tenant>>>> + Send + Sync,
{
    fn find<'a>(&'a self, by: TenantBy<'a>) -> BoxFuture<'a, Result<Option<Arc<Tenant>>>> {
        (self.0)(by)
    }
}
