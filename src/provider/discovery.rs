//! What a provider says about itself, fetched when first needed and kept while the provider fails
//! (OpenID Connect Discovery 1.0 section 4).
//!
//! 1. One fetch at a time, in a task of its own: whoever waits for it may go away.
//! 2. Metadata is fresh for 1 h, or as long as `Cache-Control` says (5 min to 24 h); after that the next
//!    use refreshes it in the background. It serves as long as there is none newer: endpoints seldom
//!    move, and the keys have a limit of their own.
//! 3. After a failure nobody asks for a while: 2 s where nothing is known yet, so that an app that
//!    started before its provider heals at once; longer and longer, up to 5 minutes, where old metadata
//!    serves. `Retry-After` is honoured.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::flight::Flight;
use super::http::{HttpClient, answer, send};
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::oidc::{EntraIssuers, Issuer, ProviderMetadata};
use crate::{Error, Result};

const FRESH: Duration = Duration::from_secs(3600);
const FRESH_BOUNDS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(300)..=Duration::from_secs(86_400);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The metadata of one issuer. Cheap to clone, and the clones share what they know.
#[derive(Clone, Debug)]
pub(super) struct Discovery(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: Issuer,
    /// Where the metadata speaks for many.
    tenants: Option<EntraIssuers>,
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    flight: Flight<ProviderMetadata>,
}

#[derive(Debug, Default)]
struct State {
    metadata: Option<Arc<ProviderMetadata>>,
    fresh_until: SecondsSinceEpoch,
    failure: Option<Failure>,
}

#[derive(Debug)]
struct Failure {
    error: Error,
    times: u32,
    next_try: SecondsSinceEpoch,
}

/// What to do for somebody who wants the metadata.
#[derive(Debug)]
enum Lookup {
    Serve(Arc<ProviderMetadata>),
    ServeAndRefresh(Arc<ProviderMetadata>),
    Refuse(Error),
    Fetch,
}

impl State {
    fn look_up(&self, now: SecondsSinceEpoch) -> Lookup {
        // A clock that was set back must not stretch a pause or a freshness beyond what was ever given.
        let is_ahead = |end: SecondsSinceEpoch, most: Duration| now < end && end.since(now) <= most;
        let pause = self
            .failure
            .as_ref()
            .filter(|failure| is_ahead(failure.next_try, LONGEST_PAUSE));
        match (&self.metadata, pause) {
            (Some(metadata), pause)
                if is_ahead(self.fresh_until, *FRESH_BOUNDS.end()) || pause.is_some() =>
            {
                Lookup::Serve(Arc::clone(metadata))
            }
            (Some(metadata), _) => Lookup::ServeAndRefresh(Arc::clone(metadata)),
            (None, Some(failure)) => {
                let wait = failure.next_try.since(now);
                Lookup::Refuse(failure.error.clone().with_retry_after(wait))
            }
            (None, None) => Lookup::Fetch,
        }
    }

    /// Takes note of a fetch, and gives what those who wait for it get.
    fn record(
        &mut self,
        outcome: Result<(Arc<ProviderMetadata>, Duration)>,
        now: SecondsSinceEpoch,
    ) -> Result<Arc<ProviderMetadata>> {
        match outcome {
            Ok((metadata, fresh_for)) => {
                self.metadata = Some(Arc::clone(&metadata));
                self.fresh_until = now.plus(fresh_for);
                self.failure = None;
                Ok(metadata)
            }
            Err(error) => {
                let times = self.failure.as_ref().map_or(0, |failure| failure.times + 1);
                let doublings = if self.metadata.is_some() { times } else { 0 };
                let pause = pause(doublings, error.retry_after());
                let error = error.with_retry_after(pause);
                self.failure = Some(Failure {
                    error: error.clone(),
                    times,
                    next_try: now.plus(pause),
                });
                Err(error)
            }
        }
    }
}

/// How long to wait after a failure: 2 s doubled so many times, at least what the provider asked for, at
/// most 5 minutes.
fn pause(doublings: u32, retry_after: Option<Duration>) -> Duration {
    FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(doublings))
        .max(retry_after.unwrap_or_default())
        .min(LONGEST_PAUSE)
}

impl Discovery {
    pub(super) fn new(
        issuer: Issuer,
        tenants: Option<EntraIssuers>,
        http: Arc<dyn HttpClient>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            issuer,
            tenants,
            http,
            clock,
            state: Mutex::default(),
            flight: Flight::default(),
        }))
    }

    pub(super) fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    /// The metadata: what is kept, or else what a fetch brings.
    pub(super) async fn metadata(&self) -> Result<Arc<ProviderMetadata>> {
        let found = self.look_up();
        match found {
            Lookup::Serve(metadata) => return Ok(metadata),
            Lookup::ServeAndRefresh(metadata) => {
                self.join(|lookup| matches!(lookup, Lookup::ServeAndRefresh(_)));
                return Ok(metadata);
            }
            Lookup::Refuse(error) => return Err(error),
            Lookup::Fetch => {}
        }
        match self.join(|lookup| matches!(lookup, Lookup::Fetch)) {
            Some(ticket) => ticket.result().await,
            None => match self.look_up() {
                Lookup::Serve(metadata) | Lookup::ServeAndRefresh(metadata) => Ok(metadata),
                Lookup::Refuse(error) => Err(error),
                Lookup::Fetch => Err(Error::unavailable("the provider's metadata is not there")),
            },
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_up(&self) -> Lookup {
        self.state().look_up(self.0.clock.now())
    }

    /// Joins the fetch under way, or begins one if that is still called for: between the first look and
    /// this one another fetch may have ended.
    fn join(
        &self,
        still: impl FnOnce(Lookup) -> bool,
    ) -> Option<super::flight::Ticket<ProviderMetadata>> {
        self.0
            .flight
            .join(|| still(self.look_up()).then(|| self.clone().run()))
    }

    async fn run(self) -> Result<Arc<ProviderMetadata>> {
        let outcome = self.get().await;
        match &outcome {
            Ok(_) => tracing::debug!(issuer = %self.issuer(), "fetched the provider's metadata"),
            Err(error) => {
                tracing::warn!(issuer = %self.issuer(), error = error as &dyn std::error::Error, "the provider's metadata can't be fetched");
            }
        }
        let now = self.0.clock.now();
        self.state().record(outcome, now)
    }

    async fn get(&self) -> Result<(Arc<ProviderMetadata>, Duration)> {
        let url = self.issuer().configuration_url();
        let request = http::Request::get(url.as_str())
            .header(http::header::ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|error| {
                Error::configuration("the issuer's URL is unusable").with_source(error)
            })?;
        let answer = send(&*self.0.http, request).await?;
        let (headers, body) = answer::document(answer, "configuration endpoint")?;
        // A page of a proxy or a captive portal is not the provider's word.
        if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
            return Err(Error::unavailable(
                "the provider's configuration endpoint does not answer with JSON",
            ));
        }
        let metadata = match &self.0.tenants {
            Some(tenants) => ProviderMetadata::parse_for_tenants(&body, self.issuer(), tenants),
            None => ProviderMetadata::parse(&body, self.issuer()),
        }?;
        Ok((
            Arc::new(metadata),
            answer::freshness(&headers, FRESH, FRESH_BOUNDS),
        ))
    }
}
