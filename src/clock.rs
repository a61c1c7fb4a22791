//! The only place that asks what time it is.
//!
//! Everything that expires compares [`SecondsSinceEpoch`] values that came from one [`Clock`], so a
//! test moves time by hand and no rule depends on how fast a machine is.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time in whole seconds since 1970-01-01T00:00:00Z, as JWT's `NumericDate` counts
/// (RFC 7519 section 2).
///
/// Arithmetic saturates: a hostile `exp` of `u64::MAX` stays in the far future and does not wrap.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct SecondsSinceEpoch(pub u64);

impl SecondsSinceEpoch {
    /// The time `duration` later; whole seconds, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// The time `duration` earlier; whole seconds, saturating at 0.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Debug for SecondsSinceEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

/// Tells the time to everything in this crate.
///
/// ```
/// use tower_sso::clock::{Clock, SecondsSinceEpoch};
///
/// /// For a replay of old traffic.
/// #[derive(Debug)]
/// struct Always(u64);
///
/// impl Clock for Always {
///     fn now(&self) -> SecondsSinceEpoch {
///         SecondsSinceEpoch(self.0)
///     }
/// }
/// assert!(Always(1_000).now() < Always(1_001).now());
/// ```
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time.
    fn now(&self) -> SecondsSinceEpoch;
}

/// The system's wall clock: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SecondsSinceEpoch {
        // A clock before 1970 reads as 0: then nothing has been issued yet and everything is refused.
        SecondsSinceEpoch(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        )
    }
}

/// A clock that stands still until a test moves it (feature `test-util`).
///
/// ```
/// use std::time::Duration;
/// use tower_sso::clock::{Clock, TestClock};
///
/// let clock = TestClock::at(1_000);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().0, 1_060);
/// ```
#[cfg(any(test, feature = "test-util"))]
#[derive(Clone, Debug)]
pub struct TestClock(std::sync::Arc<std::sync::atomic::AtomicU64>);

#[cfg(any(test, feature = "test-util"))]
impl TestClock {
    /// A clock that reads `seconds` since the epoch.
    #[must_use]
    pub fn at(seconds: u64) -> Self {
        Self(std::sync::Arc::new(seconds.into()))
    }

    /// A clock that starts at the system's time, for tests with parts that have a clock of their own.
    #[must_use]
    pub fn started_now() -> Self {
        Self::at(SystemClock.now().0)
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0
            .fetch_add(by.as_secs(), std::sync::atomic::Ordering::SeqCst);
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, seconds: u64) {
        self.0.store(seconds, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(any(test, feature = "test-util"))]
impl Clock for TestClock {
    fn now(&self) -> SecondsSinceEpoch {
        SecondsSinceEpoch(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let end = SecondsSinceEpoch(u64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(SecondsSinceEpoch(1).minus(Duration::from_secs(2)).0, 0);
        assert_eq!(SecondsSinceEpoch(1).since(end), Duration::ZERO);
    }
}
