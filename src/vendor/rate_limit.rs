//! After a 429 nobody calls for a while: vendors limit the rate of calls, for all of a client's people at
//! once, and who goes on calling stays shut out.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::StatusCode;

use crate::clock::{Clock, SecondsSinceEpoch};
use crate::provider::http::{answer, send};
use crate::provider::{HttpClient, HttpError, HttpErrorKind};
use crate::{Error, Result};

/// The pause after a 429 without `Retry-After`; it doubles while that repeats.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether calls may go out.
#[derive(Debug, Default)]
pub(super) struct RateLimit(Mutex<Option<Pause>>);

#[derive(Clone, Copy, Debug)]
struct Pause {
    since: SecondsSinceEpoch,
    until: SecondsSinceEpoch,
    /// How many there were before it without a call that got through.
    before: u32,
}

impl Pause {
    /// A clock that was set back does not stretch a pause.
    fn holds(&self, now: SecondsSinceEpoch) -> bool {
        self.since <= now && now < self.until
    }
}

impl RateLimit {
    fn pause(&self) -> MutexGuard<'_, Option<Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long no call may go out.
    pub(super) fn left(&self, now: SecondsSinceEpoch) -> Option<Duration> {
        let pause = (*self.pause()).filter(|pause| pause.holds(now))?;
        Some(pause.until.since(now))
    }

    /// Takes note of a 429 that asked for a pause, or named none.
    fn limited(&self, now: SecondsSinceEpoch, asked: Option<Duration>) {
        let mut pause = self.pause();
        let last = *pause;
        let standing = last.filter(|last| last.holds(now));
        // Calls that were under way when the pause began are one refusal, not many.
        let before = match (standing, last) {
            (Some(standing), _) => standing.before,
            (None, Some(last)) => last.before.saturating_add(1),
            (None, None) => 0,
        };
        let growing = FIRST_PAUSE
            .saturating_mul(1 << before.min(5))
            .min(LONGEST_PAUSE);
        let wait = asked.unwrap_or(growing).max(Duration::from_secs(1));
        let until = now.plus(wait);
        *pause = Some(Pause {
            since: now,
            until: standing.map_or(until, |standing| until.max(standing.until)),
            before,
        });
    }

    /// Takes note of another answer. One that was under way when a pause began does not end it.
    fn got_through(&self, now: SecondsSinceEpoch) {
        let mut pause = self.pause();
        if !pause.is_some_and(|pause| pause.holds(now)) {
            *pause = None;
        }
    }
}

/// A client that keeps to the limit, whoever uses it: API, client token and keys.
#[derive(Clone)]
pub(super) struct LimitedClient {
    /// Whose limit it is, for messages.
    pub(super) vendor: &'static str,
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limit: Arc<RateLimit>,
}

impl LimitedClient {
    pub(super) fn new(
        vendor: &'static str,
        http: Arc<dyn HttpClient>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            vendor,
            http,
            clock,
            limit: Arc::default(),
        }
    }

    /// The error of a call that may not go out.
    fn limited(&self) -> Option<Error> {
        let left = self.limit.left(self.clock.now())?;
        let message = format!("{} limits the rate of calls", self.vendor);
        Some(Error::unavailable(message).with_retry_after(left))
    }

    /// One call, as it is; none while the rate is limited.
    pub(super) async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>> {
        if let Some(error) = self.limited() {
            return Err(error);
        }
        let answer = send(self, request).await?;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS
            && let Some(error) = self.limited()
        {
            return Err(error);
        }
        Ok(answer)
    }
}

impl HttpClient for LimitedClient {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        Box::pin(async move {
            if let Some(error) = self.limited() {
                return Err(HttpError::new(HttpErrorKind::Other).with_source(error));
            }
            let answer = self.http.call(request).await?;
            let now = self.clock.now();
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                let error = answer::unavailable(answer.status(), answer.headers(), "API");
                self.limit.limited(now, error.retry_after());
                tracing::warn!(
                    vendor = self.vendor,
                    pause = ?self.limit.left(now),
                    "the rate of calls is limited; none goes out for a while"
                );
            } else {
                self.limit.got_through(now);
            }
            Ok(answer)
        })
    }

    fn total_timeout(&self) -> Duration {
        self.http.total_timeout()
    }
}

impl fmt::Debug for LimitedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitedClient")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_000);

    fn after(seconds: u64) -> SecondsSinceEpoch {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_pause_doubles_while_it_repeats_and_follows_retry_after() {
        let limit = RateLimit::default();
        assert_eq!(limit.left(NOW), None);
        let mut now = NOW;
        for expected in [10, 20, 40, 60, 60] {
            limit.limited(now, None);
            let left = limit.left(now).unwrap();
            assert_eq!(left.as_secs(), expected);
            let last = now.plus(left - Duration::from_secs(1));
            assert_eq!(limit.left(last), Some(Duration::from_secs(1)));
            now = now.plus(left);
            assert_eq!(limit.left(now), None);
        }
        limit.limited(now, Some(Duration::from_secs(7)));
        assert_eq!(limit.left(now), Some(Duration::from_secs(7)));
        now = now.plus(Duration::from_secs(7));
        limit.limited(now, Some(Duration::ZERO));
        assert_eq!(limit.left(now), Some(Duration::from_secs(1)));
    }

    #[test]
    fn calls_under_way_neither_end_a_pause_nor_stretch_it() {
        let limit = RateLimit::default();
        limit.limited(NOW, None);
        limit.limited(NOW, None);
        limit.got_through(after(1));
        assert_eq!(limit.left(after(1)), Some(Duration::from_secs(9)));
        limit.got_through(after(10));
        limit.limited(after(11), None);
        assert_eq!(limit.left(after(11)), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_clock_that_was_set_back_ends_a_pause() {
        let limit = RateLimit::default();
        limit.limited(NOW, None);
        assert_eq!(limit.left(NOW.minus(Duration::from_secs(1))), None);
    }
}
