//! Renewals that are under way, and those that failed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::outcome::Renewed;
use crate::clock::SecondsSinceEpoch;
use crate::provider::flight::Flight;
use crate::session::SessionKey;
use crate::{Error, crypto};

pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long a session that was made of the provider's own is the answer to requests without its cookie:
/// a page sends several at once, and the cookie comes with one of their answers.
const MADE_ANSWERS: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Below so many sessions nobody looks for ones to forget.
const SWEEP_FROM: usize = 1024;

/// Renewals that are under way or failed, by session.
#[derive(Debug)]
pub(crate) struct Refreshes {
    slots: Mutex<Slots>,
    /// How long a refusal that does not end the session (`invalid_client` and its like) is remembered.
    after_refusal: Duration,
}

#[derive(Debug, Default)]
struct Slots {
    by_session: HashMap<SessionKey, Arc<Slot>>,
    sweep_at: usize,
    /// The provider asked to be left alone.
    everybody: Option<Pause>,
}

/// The place of one session.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) flight: Flight<Renewed>,
    pause: Mutex<Option<Pause>>,
    /// A session that was made lately, and until when it is the answer to whoever has not got its cookie yet.
    recent: Mutex<Option<Recent>>,
}

#[derive(Debug)]
struct Recent {
    since: SecondsSinceEpoch,
    until: SecondsSinceEpoch,
    made: Arc<Renewed>,
}

impl Recent {
    fn holds(&self, now: SecondsSinceEpoch) -> bool {
        now < self.until && self.since <= now
    }
}

/// A time in which nobody asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    since: SecondsSinceEpoch,
    until: SecondsSinceEpoch,
    failures: u32,
}

impl Pause {
    /// A clock that was set back does not stretch a pause.
    fn holds(&self, now: SecondsSinceEpoch) -> bool {
        self.since <= now && now < self.until
    }

    /// How long it holds; a second at least.
    pub(super) fn left(&self, now: SecondsSinceEpoch) -> Duration {
        self.until.since(now).max(FIRST_PAUSE)
    }
}

impl Slot {
    fn pause(&self) -> MutexGuard<'_, Option<Pause>> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made_lately(&self) -> MutexGuard<'_, Option<Recent>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session that was made a few seconds ago.
    pub(super) fn recent(&self, now: SecondsSinceEpoch) -> Option<Arc<Renewed>> {
        let mut recent = self.made_lately();
        if !recent.as_ref().is_some_and(|recent| recent.holds(now)) {
            *recent = None;
        }
        recent.as_ref().map(|recent| Arc::clone(&recent.made))
    }
}

impl Refreshes {
    pub(crate) fn new(after_refusal: Duration) -> Self {
        Self {
            slots: Mutex::default(),
            after_refusal,
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn slot(&self, key: SessionKey, now: SecondsSinceEpoch) -> Arc<Slot> {
        let mut slots = self.slots();
        if slots.by_session.len() >= slots.sweep_at.max(SWEEP_FROM) {
            slots.by_session.retain(|_, slot| {
                Arc::strong_count(slot) > 1
                    || slot.pause().is_some_and(|pause| pause.holds(now))
                    || slot.recent(now).is_some()
            });
            slots.sweep_at = slots.by_session.len() * 2;
        }
        Arc::clone(slots.by_session.entry(key).or_default())
    }

    /// The pause that holds for a session: its own, or everybody's if that is longer.
    pub(super) fn pause(&self, slot: &Slot, now: SecondsSinceEpoch) -> Option<Pause> {
        let own = *slot.pause();
        let everybody = self.slots().everybody;
        own.into_iter()
            .chain(everybody)
            .filter(|pause| pause.holds(now))
            .max_by_key(|pause| pause.until)
    }

    pub(super) fn succeeded(
        &self,
        slot: &Slot,
        key: SessionKey,
        renewed: &Arc<Renewed>,
        now: SecondsSinceEpoch,
    ) {
        *slot.pause() = None;
        let answers = match **renewed {
            Renewed::Made(Some(_), _) => MADE_ANSWERS,
            Renewed::Made(None, _) => self.after_refusal,
            Renewed::Live(_) | Renewed::Ended => {
                self.slots().by_session.remove(&key);
                return;
            }
        };
        *slot.made_lately() = Some(Recent {
            since: now,
            until: now.plus(answers),
            made: Arc::clone(renewed),
        });
    }

    pub(super) fn failed(&self, slot: &Slot, error: &Error, now: SecondsSinceEpoch) {
        let mut own = slot.pause();
        let failures = own.map_or(0, |pause| pause.failures);
        let pause = Pause {
            since: now,
            until: now.plus(self.pause_after(error, failures, crypto::random::<1>()[0])),
            failures: failures.saturating_add(1),
        };
        *own = Some(pause);
        drop(own);
        // RFC 9110 section 10.2.3: it says when the service is there again, whoever asks.
        if error.retry_after().is_some() {
            let mut slots = self.slots();
            // Calls that were under way together do not shorten each other's.
            let longer = |standing: &Pause| standing.holds(now) && standing.until > pause.until;
            slots.everybody = slots.everybody.filter(longer).or(Some(pause));
        }
    }

    /// How long nobody asks again; `dice` is random.
    fn pause_after(&self, error: &Error, failures: u32, dice: u8) -> Duration {
        if let Some(asked) = error.retry_after() {
            return asked.max(FIRST_PAUSE);
        }
        let pause = if error.code().is_some() {
            self.after_refusal
        } else {
            FIRST_PAUSE
                .saturating_mul(1 << failures.min(5))
                .min(LONGEST_PAUSE)
        };
        // Up to a half more, so that replicas do not come back at the same second.
        pause + pause.mul_f64(f64::from(dice) / 512.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refreshes() -> Refreshes {
        Refreshes::new(Duration::from_secs(30))
    }

    fn key(number: u64) -> SessionKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        SessionKey(key)
    }

    #[test]
    fn pauses_grow_to_half_a_minute_and_follow_retry_after() {
        let seconds = Duration::from_secs;
        let down = Error::unavailable("down");
        for (failures, pause) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (99, 30)] {
            assert_eq!(refreshes().pause_after(&down, failures, 0), seconds(pause));
            let longest = refreshes().pause_after(&down, failures, 255);
            assert!(longest > seconds(pause) && longest < seconds(pause).mul_f64(1.5));
        }
        let asked = down.clone().with_retry_after(seconds(77));
        assert_eq!(refreshes().pause_after(&asked, 0, 255), seconds(77));
        let at_once = down.with_retry_after(seconds(0));
        assert_eq!(refreshes().pause_after(&at_once, 9, 0), seconds(1));
        let refused = Error::provider("refused").with_code("invalid_client");
        assert_eq!(refreshes().pause_after(&refused, 0, 0), seconds(30));
    }

    #[test]
    fn a_pause_is_not_stretched_by_a_clock_that_was_set_back() {
        let pause = Pause {
            since: SecondsSinceEpoch(100),
            until: SecondsSinceEpoch(130),
            failures: 1,
        };
        for (now, holds) in [(99, false), (100, true), (129, true), (130, false)] {
            assert_eq!(pause.holds(SecondsSinceEpoch(now)), holds, "{now}");
        }
    }

    #[test]
    fn retry_after_is_for_everybody_and_a_failure_for_one() {
        let now = SecondsSinceEpoch(100);
        let later = now.plus(Duration::from_secs(60));
        for (error, of_another) in [
            (Error::unavailable("down"), false),
            (
                Error::unavailable("busy").with_retry_after(Duration::from_secs(60)),
                true,
            ),
        ] {
            let refreshes = Refreshes::new(Duration::from_secs(30));
            let (one, another) = (refreshes.slot(key(1), now), refreshes.slot(key(2), now));
            refreshes.failed(&one, &error, now);
            assert!(refreshes.pause(&one, now).is_some());
            assert_eq!(refreshes.pause(&another, now).is_some(), of_another);
            assert!(refreshes.pause(&one, later).is_none());
            assert!(refreshes.pause(&another, later).is_none());
        }
    }

    #[test]
    fn a_short_retry_after_does_not_end_a_long_one() {
        let (now, seconds) = (SecondsSinceEpoch(100), Duration::from_secs);
        let refreshes = Refreshes::new(Duration::from_secs(30));
        let slot = refreshes.slot(key(1), now);
        for asked in [60, 1] {
            let error = Error::unavailable("busy").with_retry_after(seconds(asked));
            refreshes.failed(&slot, &error, now);
        }
        let another = refreshes.slot(key(2), now);
        assert!(refreshes.pause(&another, now.plus(seconds(59))).is_some());
        assert!(refreshes.pause(&another, now.plus(seconds(60))).is_none());
    }

    #[test]
    fn failures_of_many_sessions_are_forgotten() {
        let refreshes = Refreshes::new(Duration::from_secs(30));
        for number in 0..10_000_u64 {
            let now = SecondsSinceEpoch(number);
            let slot = refreshes.slot(key(number), now);
            refreshes.failed(&slot, &Error::unavailable("down"), now);
        }
        let kept = refreshes.slots().by_session.len();
        assert!(kept <= 2 * SWEEP_FROM, "{kept}");
    }
}
