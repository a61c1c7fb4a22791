//! Things that are remembered until a time, up to a number of them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::clock::SecondsSinceEpoch;

/// How much longer than asked things are kept: a clock that jumps ahead and is set right again must not
/// make a used login state new, nor a logout unheard of.
const CLOCK_MAY_JUMP: Duration = Duration::from_secs(2 * 60 * 60);

#[derive(Debug)]
pub(in crate::session) struct Remembered<V> {
    values: HashMap<[u8; 32], (SecondsSinceEpoch, V)>,
    ends: BTreeSet<(SecondsSinceEpoch, [u8; 32])>,
    limit: usize,
}

impl<V: Clone> Remembered<V> {
    pub(in crate::session) fn up_to(limit: usize) -> Self {
        Self {
            values: HashMap::new(),
            ends: BTreeSet::new(),
            limit,
        }
    }

    /// What was put; the second in which it ends still counts.
    pub(in crate::session) fn get(&self, what: &[u8; 32], now: SecondsSinceEpoch) -> Option<V> {
        self.values
            .get(what)
            .filter(|(until, _)| now <= *until)
            .map(|(_, value)| value.clone())
    }

    pub(in crate::session) fn put(
        &mut self,
        what: [u8; 32],
        value: V,
        until: SecondsSinceEpoch,
        now: SecondsSinceEpoch,
    ) {
        self.forget(&what);
        while let Some((end, oldest)) = self.ends.first().copied() {
            if end.plus(CLOCK_MAY_JUMP) >= now && self.ends.len() < self.limit {
                break;
            }
            self.forget(&oldest);
        }
        self.values.insert(what, (until, value));
        self.ends.insert((until, what));
    }

    pub(in crate::session) fn forget(&mut self, what: &[u8; 32]) {
        if let Some((until, _)) = self.values.remove(what) {
            self.ends.remove(&(until, *what));
        }
    }

    /// Forgets each value that fits.
    pub(in crate::session) fn forget_all(&mut self, fits: impl Fn(&V) -> bool) {
        let ends = &mut self.ends;
        self.values.retain(|what, (until, value)| {
            let stays = !fits(value);
            if !stays {
                ends.remove(&(*until, *what));
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> SecondsSinceEpoch {
        SecondsSinceEpoch(seconds)
    }

    #[test]
    fn remembers_through_the_last_second() {
        let mut things = Remembered::up_to(10);
        things.put([1; 32], 'a', at(100), at(0));
        assert_eq!(things.get(&[1; 32], at(99)), Some('a'));
        assert_eq!(things.get(&[1; 32], at(100)), Some('a'));
        assert_eq!(things.get(&[1; 32], at(101)), None);
        assert_eq!(things.get(&[2; 32], at(0)), None);
    }

    #[test]
    fn what_has_ended_takes_no_room() {
        let mut things = Remembered::up_to(10);
        for n in 0..5 {
            things.put([n; 32], (), at(100), at(0));
        }
        things.put([9; 32], (), at(20_000), at(100 + 7_201));
        assert_eq!((things.values.len(), things.ends.len()), (1, 1));
    }

    #[test]
    fn a_clock_that_jumps_ahead_and_back_makes_nothing_new() {
        let mut things = Remembered::up_to(10);
        things.put([1; 32], (), at(100), at(0));
        things.put([2; 32], (), at(7_000), at(3_600));
        assert_eq!(things.get(&[1; 32], at(3_600)), None);
        assert_eq!(things.get(&[1; 32], at(50)), Some(()));
    }

    #[test]
    fn a_full_one_forgets_what_ends_first() {
        let mut things = Remembered::up_to(3);
        for n in 0..4 {
            things.put([n; 32], n, at(100 + u64::from(n)), at(0));
        }
        let left: Vec<_> = (0..4).filter_map(|n| things.get(&[n; 32], at(0))).collect();
        assert_eq!(left, [1, 2, 3]);
        assert_eq!(things.ends.len(), 3);
    }

    #[test]
    fn putting_again_moves_the_end() {
        let mut things = Remembered::up_to(3);
        things.put([1; 32], 'a', at(10), at(0));
        things.put([1; 32], 'b', at(20), at(0));
        assert_eq!(things.get(&[1; 32], at(15)), Some('b'));
        assert_eq!(things.ends.len(), 1);
    }
}
