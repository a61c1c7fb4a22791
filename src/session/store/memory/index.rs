//! Which sessions belong to a person, and to a session at the provider.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::crypto;
use crate::session::{Record, SessionKey};

/// All sessions of a person, or all that belong to one session at the provider: a hash of the issuer
/// and the name, so that a long `sub` takes no more room than a short one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Group(pub(super) [u8; 32]);

impl Group {
    pub(super) fn of_subject(issuer: &str, subject: &str) -> Self {
        Self::new(b"sub", issuer, subject)
    }

    pub(super) fn of_sid(issuer: &str, sid: &str) -> Self {
        Self::new(b"sid", issuer, sid)
    }

    pub(super) fn all_of(record: &Record) -> impl Iterator<Item = Self> {
        let subject = Self::of_subject(record.issuer(), record.subject());
        let sid = record.sid().map(|sid| Self::of_sid(record.issuer(), sid));
        std::iter::once(subject).chain(sid)
    }

    fn new(kind: &[u8; 3], issuer: &str, name: &str) -> Self {
        let mut text = Vec::with_capacity(11 + issuer.len() + name.len());
        text.extend(kind);
        // With its length in front no issuer can run over into the name.
        text.extend((issuer.len() as u64).to_be_bytes());
        text.extend(issuer.as_bytes());
        text.extend(name.as_bytes());
        Self(crypto::sha256(&text))
    }
}

#[derive(Default, Debug)]
pub(super) struct Index {
    members: BTreeSet<(Group, SessionKey)>,
    /// Where the last sweep stopped.
    looked_at: Option<(Group, SessionKey)>,
}

impl Index {
    pub(super) fn add(&mut self, key: SessionKey, record: &Record) {
        self.members
            .extend(Group::all_of(record).map(|group| (group, key)));
    }

    pub(super) fn remove(&mut self, key: SessionKey, record: &Record) {
        for group in Group::all_of(record) {
            self.members.remove(&(group, key));
        }
    }

    pub(super) fn keys_of(&self, group: Group) -> Vec<SessionKey> {
        let first = (group, SessionKey([0; 32]));
        let last = (group, SessionKey([0xff; 32]));
        self.members
            .range(first..=last)
            .map(|(_, key)| *key)
            .collect()
    }

    /// The next few sessions in a round that never ends.
    pub(super) fn next_to_look_at(&mut self, count: usize) -> Vec<SessionKey> {
        let start = self.looked_at.map_or(Bound::Unbounded, Bound::Excluded);
        let next: Vec<_> = self
            .members
            .range((start, Bound::Unbounded))
            .take(count)
            .copied()
            .collect();
        self.looked_at = if next.len() == count {
            next.last().copied()
        } else {
            None
        };
        next.into_iter().map(|(_, key)| key).collect()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }
}
