//! Asking the app for a tenant: in time, with no panic of its code in a request, and with a look at the answer.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_core::future::BoxFuture;

use crate::tenant::{Tenant, TenantBy, Tenants};
use crate::{Error, Result};

/// How long the app may take to find a tenant.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// What the app says of a name.
///
/// # Errors
/// It does not say so in time, fails or panics, or what it found has another name.
pub(super) async fn ask(source: &dyn Tenants, by: TenantBy<'_>) -> Result<Option<Arc<Tenant>>> {
    let found = tokio::time::timeout(LOOK_UP_TIMEOUT, without_panics(|| source.find(by)))
        .await
        .map_err(|_| Error::store("the app did not find a tenant in time"))?
        .map_err(|error| Error::store("the app can’t find a tenant now").with_source(error))?;
    found
        .map(|tenant| check_found(by, &tenant).map(|()| tenant))
        .transpose()
}

/// A panic would hang up on the browser, and on each that waits for the same name.
async fn without_panics<'a, T>(find: impl FnOnce() -> BoxFuture<'a, Result<T>>) -> Result<T> {
    let panicked = || Error::store("looking for a tenant panicked");
    let mut finding = catch_unwind(AssertUnwindSafe(find)).map_err(|_| panicked())?;
    poll_fn(move |context| {
        // One that panicked is not polled again.
        catch_unwind(AssertUnwindSafe(|| finding.as_mut().poll(context)))
            .unwrap_or_else(|_| Poll::Ready(Err(panicked())))
    })
    .await
}

/// What a database found by a name must have that name: one that compares loosely (case, blanks, accents) would let a
/// stranger's spelling lead to a tenant.
fn check_found(by: TenantBy<'_>, tenant: &Tenant) -> Result<()> {
    let is_its_own = match by {
        TenantBy::Id(id) => id == tenant.id(),
        TenantBy::Host(host) => tenant.own_host() == Some(host),
        TenantBy::Connection(id) => tenant.own_connection() == Some(id),
        TenantBy::Organization(id) => tenant.own_organization() == Some(id),
        TenantBy::Domain(_) | TenantBy::Issuer(_) => true,
    };
    if is_its_own {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "the tenant {} was found by a name that is not its own",
        tenant.id()
    )))
}
