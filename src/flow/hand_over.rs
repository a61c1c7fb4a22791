//! What a task made, given to whoever waits for it, with a receipt.

use tokio::sync::oneshot;

/// The task's end.
#[derive(Debug)]
pub(crate) struct Giver<T>(oneshot::Sender<(T, oneshot::Sender<()>)>);

/// The end of the one who waits, and who may go away at any time.
#[derive(Debug)]
pub(crate) struct Taker<T>(oneshot::Receiver<(T, oneshot::Sender<()>)>);

pub(crate) fn hand_over<T>() -> (Giver<T>, Taker<T>) {
    let (giver, taker) = oneshot::channel();
    (Giver(giver), Taker(taker))
}

impl<T> Giver<T> {
    /// Whether nobody waits any more.
    pub(crate) fn is_alone(&self) -> bool {
        self.0.is_closed()
    }

    /// Gives the value; whether it was taken. What was sent can still be dropped on its way, so only the
    /// receipt tells.
    pub(crate) async fn give(self, value: T) -> bool {
        let (receipt, taken) = oneshot::channel();
        self.0.send((value, receipt)).is_ok() && taken.await.is_ok()
    }
}

impl<T> Taker<T> {
    /// The value; `None` if the task died without one.
    pub(crate) async fn take(self) -> Option<T> {
        let (value, receipt) = self.0.await.ok()?;
        // The giver only wants to know, and does not wait for ever.
        receipt.send(()).ok();
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_was_taken_counts_as_given() {
        let (giver, taker) = hand_over();
        assert!(!giver.is_alone());
        let (given, taken) = tokio::join!(giver.give(7), taker.take());
        assert_eq!((given, taken), (true, Some(7)));

        let (giver, taker) = hand_over::<u8>();
        drop(taker);
        assert!(giver.is_alone());
        assert!(!giver.give(7).await);

        let (giver, taker) = hand_over();
        let (given, ()) = tokio::join!(giver.give(7), async { drop(taker) });
        assert!(!given, "it was sent, and dropped on its way");

        let (giver, taker) = hand_over::<u8>();
        drop(giver);
        assert_eq!(taker.take().await, None);
    }
}
