//! How long a session lives.

use std::time::Duration;

use crate::clock::SecondsSinceEpoch;

/// The two clocks of a session, both the server's and both inside the record. Whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// How long a session lives without a request. Default 1 hour.
    pub idle: Duration,
    /// How long it lives at most. Default 12 hours.
    pub absolute: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(60 * 60),
            absolute: Duration::from_secs(12 * 60 * 60),
        }
    }
}

impl Lifetime {
    /// The new idle end if it is worth writing: a slide is written at most once per twentieth of the
    /// idle time, so that a busy session does not write on each request.
    #[must_use]
    pub(crate) fn slide(
        idle: Duration,
        idle_expires_at: SecondsSinceEpoch,
        now: SecondsSinceEpoch,
    ) -> Option<SecondsSinceEpoch> {
        let target = now.plus(idle);
        (target.since(idle_expires_at) > idle / 20).then_some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slide_is_written_once_per_twentieth() {
        let hour = Duration::from_secs(3600);
        let end = SecondsSinceEpoch(3600);
        assert_eq!(Lifetime::slide(hour, end, SecondsSinceEpoch(0)), None);
        assert_eq!(Lifetime::slide(hour, end, SecondsSinceEpoch(180)), None);
        assert_eq!(
            Lifetime::slide(hour, end, SecondsSinceEpoch(181)),
            Some(SecondsSinceEpoch(3781))
        );
    }
}
