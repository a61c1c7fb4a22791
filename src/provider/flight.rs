//! One call at a time, however many want its result.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::{Error, Result};

type Outcome<T> = Option<Result<Arc<T>>>;

/// A place for one call under way. Everybody who comes while it runs waits for it.
///
/// The call runs in a task of its own: whoever waits for it may go away, the first one included.
#[derive(Debug)]
pub(crate) struct Flight<T>(Mutex<Option<watch::Receiver<Outcome<T>>>>);

/// A ticket for the result of a call.
#[derive(Debug)]
pub(crate) struct Ticket<T> {
    result: watch::Receiver<Outcome<T>>,
    /// Whether the call began for this ticket. If not, it may show a state of the provider from before
    /// the ticket was taken.
    pub(crate) is_first: bool,
}

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Send + Sync + 'static> Flight<T> {
    /// Joins the call under way; if there is none, starts the one that `begin` gives, if it gives one.
    ///
    /// `begin` runs only when there is nothing to join, and no second call can begin meanwhile.
    pub(crate) fn join<F>(&self, begin: impl FnOnce() -> Option<F>) -> Option<Ticket<T>>
    where
        F: Future<Output = Result<Arc<T>>> + Send + 'static,
    {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(result) = slot.as_ref().filter(|result| is_under_way(result)) {
            return Some(Ticket {
                result: result.clone(),
                is_first: false,
            });
        }
        *slot = None;
        let call = begin()?;
        let (sender, result) = watch::channel(None);
        tokio::spawn(async move {
            let outcome = call.await;
            // Nobody waits for it any more: a background refresh, or everybody has gone.
            sender.send(Some(outcome)).ok();
        });
        *slot = Some(result.clone());
        Some(Ticket {
            result,
            is_first: true,
        })
    }
}

/// A call is over when it has a result, and also when its task died without one.
fn is_under_way<T>(result: &watch::Receiver<Outcome<T>>) -> bool {
    result.borrow().is_none() && result.has_changed().is_ok()
}

impl<T> Ticket<T> {
    /// The result of the call.
    pub(crate) async fn result(mut self) -> Result<Arc<T>> {
        match self.result.wait_for(Option::is_some).await {
            Ok(outcome) => outcome
                .clone()
                .unwrap_or_else(|| Err(Error::unavailable("the call has no result"))),
            Err(gone) => {
                Err(Error::unavailable("the call to the provider broke off").with_source(gone))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_dies_is_over() {
        let flight = Flight::<u8>::default();
        let ticket = flight
            .join(|| Some(async { panic!("on purpose") }))
            .unwrap();
        assert!(ticket.result().await.unwrap_err().is_temporary());
        let ticket = flight.join(|| Some(async { Ok(Arc::new(7)) })).unwrap();
        assert!(ticket.is_first);
        assert_eq!(*ticket.result().await.unwrap(), 7);
    }

    #[tokio::test]
    async fn nothing_begins_where_nothing_may() {
        let flight = Flight::<u8>::default();
        let nothing = || None::<std::future::Ready<Result<Arc<u8>>>>;
        assert!(flight.join(nothing).is_none());
    }
}
