//! Drops a future at each of its await points.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// More await points than any future of ours has.
const MOST_POLLS: usize = 300;

/// Polls a future so many times, then drops it; answers its output if it was ready by then. Between two
/// polls everybody else who can goes on by one step.
pub(crate) async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let once = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = once {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// Lets tasks that nobody waits for go on until they are done.
pub(crate) async fn settle() {
    for _ in 0..MOST_POLLS {
        tokio::task::yield_now().await;
    }
}

/// In a fresh world each time, drops `act` after no poll, after one, after two, until it gets to its end.
/// `look` sees each world when everything has settled, with what `act` came to.
///
/// Answers how many await points `act` has.
///
/// # Panics
/// If `act` never gets to its end.
pub(crate) async fn drop_at_each_await<W, T>(
    world: impl AsyncFn() -> W,
    act: impl AsyncFn(&W) -> T,
    look: impl AsyncFn(&W, Dropped<T>),
) -> usize {
    for polls in 0..MOST_POLLS {
        let world = world().await;
        let output = drop_after(polls, act(&world)).await;
        settle().await;
        let is_done = output.is_some();
        look(&world, Dropped { polls, output }).await;
        if is_done {
            return polls - 1;
        }
    }
    panic!("it hangs");
}

/// What came of a future that was polled so many times.
#[derive(Debug)]
pub(crate) struct Dropped<T> {
    pub(crate) polls: usize,
    /// `None` if it was dropped.
    pub(crate) output: Option<T>,
}
