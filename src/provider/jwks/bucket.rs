//! How often an unknown key id may cause a fetch: pure.

use std::time::Duration;

use crate::clock::SecondsSinceEpoch;

const BURST: u64 = 4;
const ONE_MORE_EACH: Duration = Duration::from_secs(30);

/// A token bucket: four at once, then one more each 30 s.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: u64,
    /// The time up to which tokens have been paid in.
    paid_until: SecondsSinceEpoch,
}

impl Bucket {
    pub(super) fn full(now: SecondsSinceEpoch) -> Self {
        Self {
            tokens: BURST,
            paid_until: now,
        }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: SecondsSinceEpoch) -> bool {
        self.pay_in(now);
        if self.tokens == 0 {
            return false;
        }
        self.tokens -= 1;
        true
    }

    /// How long until there is a token.
    pub(super) fn wait(&self, now: SecondsSinceEpoch) -> Duration {
        if self.tokens > 0 {
            return Duration::ZERO;
        }
        ONE_MORE_EACH.saturating_sub(now.since(self.paid_until))
    }

    fn pay_in(&mut self, now: SecondsSinceEpoch) {
        // A clock that was set back must not close the bucket until it has caught up.
        self.paid_until = self.paid_until.min(now);
        let due = now.since(self.paid_until).as_secs() / ONE_MORE_EACH.as_secs();
        if self.tokens.saturating_add(due) >= BURST {
            *self = Self::full(now);
        } else {
            self.tokens += due;
            self.paid_until = SecondsSinceEpoch(self.paid_until.0 + due * ONE_MORE_EACH.as_secs());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &mut Bucket, at: u64) -> usize {
        (0..100)
            .filter(|_| bucket.take(SecondsSinceEpoch(at)))
            .count()
    }

    #[test]
    fn four_at_once_then_one_each_thirty_seconds() {
        let mut bucket = Bucket::full(SecondsSinceEpoch(1_000));
        for (at, tokens) in [
            (1_000, 4),
            (1_029, 0),
            (1_030, 1),
            (1_059, 0),
            (1_060, 1),
            (1_120, 2),
            (9_000, 4),
            (9_029, 0),
        ] {
            assert_eq!(taken(&mut bucket, at), tokens, "at {at}");
        }
    }

    #[test]
    fn partial_waiting_is_not_lost() {
        let mut bucket = Bucket::full(SecondsSinceEpoch(0));
        assert_eq!(taken(&mut bucket, 0), 4);
        assert_eq!(taken(&mut bucket, 45), 1);
        assert_eq!(bucket.wait(SecondsSinceEpoch(45)), Duration::from_secs(15));
        assert_eq!(taken(&mut bucket, 60), 1);
    }

    #[test]
    fn a_clock_set_back_does_not_close_it() {
        let mut bucket = Bucket::full(SecondsSinceEpoch(9_000));
        assert_eq!(taken(&mut bucket, 9_000), 4);
        assert_eq!(taken(&mut bucket, 1_000), 0);
        assert_eq!(taken(&mut bucket, 1_030), 1);
    }
}
