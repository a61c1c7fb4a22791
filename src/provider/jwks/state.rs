//! What the key cache of one issuer knows, and what it decides from that: pure.

use std::sync::Arc;
use std::time::Duration;

use super::Origin;
use super::bucket::Bucket;
use crate::clock::SecondsSinceEpoch;
use crate::oidc::KeySet;
use crate::{Error, Result};

/// How long a set serves after it was fetched, if the provider fails meanwhile.
const KEPT: Duration = Duration::from_secs(3600);
/// How long after a background refresh began the next one may.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(30);

/// A set as it came from the provider.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    pub(super) keys: Arc<KeySet>,
    pub(super) at: SecondsSinceEpoch,
    pub(super) fresh_for: Duration,
}

/// What to do for a token.
#[derive(Clone, Debug)]
pub(super) enum Lookup {
    /// The set answers, and is fresh.
    Serve(Arc<KeySet>),
    /// The set answers; somebody should refresh it meanwhile.
    ServeAndRefresh(Arc<KeySet>),
    /// Only a fetch can tell.
    Fetch,
}

#[derive(Debug)]
pub(super) struct State {
    last: Option<Fetched>,
    /// Why the last fetch failed, if it did.
    failure: Option<Error>,
    own_calls: Bucket,
    strangers: Bucket,
    next_refresh: SecondsSinceEpoch,
}

impl State {
    pub(super) fn new(now: SecondsSinceEpoch) -> Self {
        Self {
            last: None,
            failure: None,
            own_calls: Bucket::full(now),
            strangers: Bucket::full(now),
            next_refresh: now,
        }
    }

    /// The set, while it is kept.
    fn kept(&self, now: SecondsSinceEpoch) -> Option<&Fetched> {
        // A clock that was set back must not keep a set longer than it was ever to be kept.
        self.last
            .as_ref()
            .filter(|last| now.since(last.at) < KEPT && last.at.since(now) < KEPT)
    }

    /// A known `kid` never waits while the set is kept; neither does a token that names none, since
    /// nothing but its signature could tell that a key is missing, and a bad signature is no reason to
    /// fetch.
    pub(super) fn look_up(&self, kid: Option<&str>, now: SecondsSinceEpoch) -> Lookup {
        match self.kept(now) {
            Some(set) if kid.is_none_or(|kid| set.keys.knows(kid)) => {
                if set.at <= now && now.since(set.at) < set.fresh_for {
                    Lookup::Serve(Arc::clone(&set.keys))
                } else {
                    Lookup::ServeAndRefresh(Arc::clone(&set.keys))
                }
            }
            _ => Lookup::Fetch,
        }
    }

    /// Whether a token of this origin may cause a fetch now; if so, that is counted. It may not if a fetch
    /// that ended since the last look has brought its key.
    pub(super) fn may_fetch(
        &mut self,
        kid: Option<&str>,
        origin: Origin,
        now: SecondsSinceEpoch,
    ) -> bool {
        matches!(self.look_up(kid, now), Lookup::Fetch)
            && match origin {
                Origin::OwnCall => self.own_calls.take(now),
                Origin::Stranger => self.strangers.take(now),
            }
    }

    /// The set, if it is another than `seen`.
    pub(super) fn after(&self, seen: &Arc<KeySet>, now: SecondsSinceEpoch) -> Option<Arc<KeySet>> {
        let keys = &self.kept(now)?.keys;
        (!Arc::ptr_eq(keys, seen)).then(|| Arc::clone(keys))
    }

    /// Whether one of our own calls may have the set fetched anew; if so, that is counted.
    pub(super) fn may_replace(&mut self, seen: &Arc<KeySet>, now: SecondsSinceEpoch) -> bool {
        self.after(seen, now).is_none() && self.own_calls.take(now)
    }

    /// Whether a background refresh may begin now; if so, that is counted. It takes no token from the
    /// buckets: those are for keys that are not known.
    pub(super) fn may_refresh(&mut self, now: SecondsSinceEpoch) -> bool {
        let due = now >= self.next_refresh || self.next_refresh.since(now) > BETWEEN_REFRESHES;
        if due {
            self.next_refresh = now.plus(BETWEEN_REFRESHES);
        }
        due
    }

    /// Takes note of a fetch. Only a set with a usable key replaces the one that is kept.
    pub(super) fn record(&mut self, outcome: &Result<Fetched>) {
        match outcome {
            Ok(fetched) => {
                self.last = Some(fetched.clone());
                self.failure = None;
            }
            Err(error) => self.failure = Some(error.clone()),
        }
    }

    /// The answer for a token whose key is not known, where no fetch is allowed any more.
    ///
    /// If the provider answered last, then it does not have that key: the set that is kept says so. Else
    /// nobody knows, and the answer is to try again.
    pub(super) fn without_fetch(
        &self,
        origin: Origin,
        now: SecondsSinceEpoch,
    ) -> Result<Arc<KeySet>> {
        if let (Some(set), None) = (self.kept(now), &self.failure) {
            return Ok(Arc::clone(&set.keys));
        }
        Err(self.unavailable(origin, now))
    }

    /// Nobody can tell now, and may not ask before the bucket has a token again.
    pub(super) fn unavailable(&self, origin: Origin, now: SecondsSinceEpoch) -> Error {
        let bucket = match origin {
            Origin::OwnCall => &self.own_calls,
            Origin::Stranger => &self.strangers,
        };
        let error = self
            .failure
            .clone()
            .unwrap_or_else(|| Error::unavailable("the provider's keys can't be fetched now"));
        error.with_retry_after(bucket.wait(now).max(Duration::from_secs(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_000_000);

    /// A set with one key, `k1`: the example of RFC 8037 appendix A.2.
    fn fetched() -> Fetched {
        let set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1",
            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        Fetched {
            keys: Arc::new(KeySet::parse(set).unwrap()),
            at: NOW,
            fresh_for: Duration::from_secs(600),
        }
    }

    fn exhausted(state: &mut State) {
        while state.may_fetch(Some("k2"), Origin::Stranger, NOW) {}
    }

    #[test]
    fn a_key_that_came_meanwhile_costs_no_fetch() {
        let mut state = State::new(NOW);
        state.record(&Ok(fetched()));
        assert!(!state.may_fetch(Some("k1"), Origin::Stranger, NOW));
        assert!(!state.may_fetch(None, Origin::Stranger, NOW));
        assert!(state.may_fetch(Some("k2"), Origin::Stranger, NOW));
    }

    #[test]
    fn a_clock_set_back_keeps_no_set_longer() {
        let mut state = State::new(NOW);
        state.record(&Ok(fetched()));
        assert!(state.may_refresh(NOW));
        for (back, looked_up) in [
            (60, "ServeAndRefresh"),
            (3_599, "ServeAndRefresh"),
            (3_600, "Fetch"),
        ] {
            let now = NOW.minus(Duration::from_secs(back));
            let found = format!("{:?}", state.look_up(Some("k1"), now));
            assert!(found.starts_with(looked_up), "{back} s back: {found}");
        }
        assert!(state.may_refresh(NOW.minus(Duration::from_secs(60))));
    }

    #[test]
    fn a_failure_counts_until_the_next_set() {
        let mut state = State::new(NOW);
        exhausted(&mut state);
        for (outcome, is_known) in [
            (Err(Error::unavailable("down")), false),
            (Ok(fetched()), true),
            (Err(Error::unavailable("down")), false),
            (Ok(fetched()), true),
        ] {
            state.record(&outcome);
            let answer = state.without_fetch(Origin::Stranger, NOW);
            assert_eq!(answer.is_ok(), is_known);
        }
    }
}
