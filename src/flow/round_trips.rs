//! Breaks loops: a browser that comes back from the provider again and again within a minute is stopped.
//!
//! A trip counts on from where it began, not from where it ends: ten tabs that begin together are one trip
//! each, and only what begins after another has ended makes a loop.

use std::time::Duration;

use tower_cookies::Cookie;

use crate::clock::SecondsSinceEpoch;
use crate::crypto::{Purpose, Sealer};
use crate::session::cookie::{self, CookieSettings, Found};

/// So many finished sign-ins within the window are a person's doing; one more redirect is a loop's.
const MOST: u64 = 5;
/// The window.
const WINDOW: Duration = Duration::from_secs(60);

/// A sealed count of the sign-ins that this browser finished lately.
#[derive(Debug)]
pub(crate) struct RoundTrips {
    name: String,
    settings: CookieSettings,
}

impl RoundTrips {
    pub(crate) fn new(session: &str, settings: CookieSettings) -> Self {
        Self {
            name: format!("{session}-trips"),
            settings,
        }
    }

    /// Whether a further redirect to the provider would go on with a loop.
    pub(crate) fn is_loop<'a>(
        &self,
        sealer: &Sealer,
        fields: impl Iterator<Item = &'a [u8]>,
        now: SecondsSinceEpoch,
    ) -> bool {
        self.count(sealer, fields, now)
            .is_some_and(|(_, count)| count >= MOST)
    }

    /// How many trips this browser finished lately, one after the other.
    pub(crate) fn so_far<'a>(
        &self,
        sealer: &Sealer,
        fields: impl Iterator<Item = &'a [u8]>,
        now: SecondsSinceEpoch,
    ) -> u64 {
        self.count(sealer, fields, now)
            .map_or(0, |(_, count)| count)
    }

    /// The cookie that counts one more finished sign-in, which began after `earlier` others.
    pub(crate) fn one_more<'a>(
        &self,
        sealer: &Sealer,
        fields: impl Iterator<Item = &'a [u8]>,
        now: SecondsSinceEpoch,
        earlier: u64,
    ) -> Cookie<'static> {
        let (since, count) = self.count(sealer, fields, now).unwrap_or((now, 0));
        // What began in a minute that is over since counts no more.
        let count = count.max(earlier.min(count).saturating_add(1));
        let value = sealer.seal(
            Purpose::SignInCount,
            &self.name,
            format!("{} {count}", since.0).as_bytes(),
        );
        self.settings.set(&self.name, &value, Some(WINDOW))
    }

    fn count<'a>(
        &self,
        sealer: &Sealer,
        fields: impl Iterator<Item = &'a [u8]>,
        now: SecondsSinceEpoch,
    ) -> Option<(SecondsSinceEpoch, u64)> {
        let Found::One(value) = cookie::find(fields, &self.name) else {
            return None;
        };
        let text = String::from_utf8(sealer.open(Purpose::SignInCount, &self.name, value)?).ok()?;
        let (since, count) = text.split_once(' ')?;
        let since = SecondsSinceEpoch(since.parse().ok()?);
        (since <= now && now < since.plus(WINDOW)).then_some((since, count.parse().ok()?))
    }
}
