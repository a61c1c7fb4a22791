//! One call for one session, however many requests and replicas want its result.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use super::outcome::{Renewed, Standing};
use super::slots::{FIRST_PAUSE, Slot};
use crate::flow::Context;
use crate::flow::carried::later;
use crate::session::SessionKey;
use crate::{Error, Result, crypto};

/// A lease outlives the slowest call: at 5 s each a client token, the call, both once more, the keys twice, and the
/// writes.
const LEASE: Duration = Duration::from_secs(45);
/// How long a replica waits for the one that has the lease.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a request waits for a renewal: a permit of the service that it goes to may wait with it.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Joins the work that is under way for `key`, or begins it, and waits. The work runs in a task of its own.
///
/// # Errors
/// That of the work, or that nobody works for a while after a failure; with the time after which another try
/// makes sense.
pub(in crate::flow) async fn join<F>(
    context: &Arc<Context>,
    key: SessionKey,
    work: impl FnOnce(Arc<Context>) -> F,
) -> Result<Arc<Renewed>>
where
    F: Future<Output = Result<Renewed>> + Send + 'static,
{
    let slot = context.refreshes.slot(key, context.clock.now());
    if let Some(recent) = slot.recent(context.clock.now()) {
        return Ok(recent);
    }
    let ticket = slot.flight.join(|| {
        let now = context.clock.now();
        let paused = context.refreshes.pause(&slot, now).is_some();
        let (context, slot) = (Arc::clone(context), Arc::clone(&slot));
        let work = work(Arc::clone(&context));
        (!paused).then(|| {
            let work = async move {
                let renewed = work.await.map(Arc::new);
                settle(&context, &slot, key, &renewed);
                renewed
            };
            work.in_current_span()
        })
    });
    let error = match ticket {
        Some(ticket) => match tokio::time::timeout(LONGEST_WAIT, ticket.result()).await {
            Ok(Ok(renewed)) => return Ok(renewed),
            Ok(Err(error)) => error,
            Err(_) => Error::unavailable("renewing the session does not get done"),
        },
        None => Error::unavailable("renewals pause after a failure"),
    };
    let now = context.clock.now();
    let pause = context.refreshes.pause(&slot, now);
    let left = pause.map_or(FIRST_PAUSE, |pause| pause.left(now));
    Err(Error::unavailable("the session can't be renewed now")
        .with_source(error)
        .with_retry_after(left))
}

/// Remembers a failure, forgets the rest.
fn settle(context: &Context, slot: &Slot, key: SessionKey, renewed: &Result<Arc<Renewed>>) {
    use std::error::Error as _;
    match renewed {
        Ok(renewed) => context
            .refreshes
            .succeeded(slot, key, renewed, context.clock.now()),
        Err(error) => {
            tracing::warn!(%error, cause = error.source(), "a session could not be renewed");
            context.refreshes.failed(slot, error, context.clock.now());
        }
    }
}

/// Work that one of many replicas does.
pub(in crate::flow) trait Work: Sync {
    /// What it is done with.
    type Due: Send;

    /// What the lease is for.
    fn lease(&self) -> [u8; 32];

    /// Whether there is still something to do.
    fn standing(
        &self,
        context: &Context,
    ) -> impl Future<Output = Result<Standing<Self::Due>>> + Send;

    /// Does it.
    fn perform(
        &self,
        context: &Arc<Context>,
        due: Self::Due,
    ) -> impl Future<Output = Result<Renewed>> + Send;
}

/// Does a piece of work under a lease of the store, unless another replica has done it meanwhile.
pub(in crate::flow) async fn under_lease(
    context: &Arc<Context>,
    work: &impl Work,
) -> Result<Renewed> {
    let what = work.lease();
    let holder = crypto::random::<16>();
    let mut waited = Duration::ZERO;
    while !context.sessions.lease(what, holder, LEASE).await? {
        if waited >= PATIENCE {
            return Err(Error::unavailable(
                "another replica is renewing the session and does not get done",
            ));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
        if let Standing::Settled(renewed) = work.standing(context).await? {
            return Ok(renewed);
        }
    }
    let lease = Lease {
        context: Some(Arc::clone(context)),
        what,
        holder,
    };
    let renewed = match work.standing(context).await {
        Ok(Standing::Settled(renewed)) => Ok(renewed),
        Ok(Standing::Due(due)) => work.perform(context, due).await,
        Err(error) => Err(error),
    };
    lease.give_back().await;
    renewed
}

/// A lease that is held. It is given back also where the app's hook panics in the work.
struct Lease {
    /// `None` once it was given back.
    context: Option<Arc<Context>>,
    what: [u8; 32],
    holder: [u8; 16],
}

impl Lease {
    async fn give_back(mut self) {
        if let Some(context) = self.context.take() {
            release(&context, self.what, self.holder).await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(context) = self.context.take() {
            let (what, holder) = (self.what, self.holder);
            later(async move { release(&context, what, holder).await });
        }
    }
}

async fn release(context: &Context, what: [u8; 32], holder: [u8; 16]) {
    if let Err(error) = context.sessions.release(what, holder).await {
        tracing::warn!(%error, "the lease for renewing a session ends by itself only");
    }
}
