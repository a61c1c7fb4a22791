//! The keys of providers, fetched as rarely as can be.
//!
//! 1. A known `kid` never waits for the network while its set is kept (1 h after it was fetched).
//! 2. A set is fresh for 10 minutes, or as long as `Cache-Control` says (1 min to 1 h); after that the
//!    next lookup refreshes it in the background, at most once in 30 s.
//! 3. An unknown `kid` fetches, out of a token bucket: four at once, then one more each 30 s. There are
//!    two buckets per issuer ([`Origin`]), so that a flood of made-up key ids from outside does not hide
//!    a rotation from a sign-in. Failures and empty sets cost as much as any other fetch.
//! 4. One fetch at a time per issuer, in a task of its own. Who meets one under way waits for it, and
//!    may begin one more after it: the first may have been answered before the token was signed.
//! 5. An expired or badly signed token never fetches; but a vendor whose answers call for it may have the
//!    keys fetched anew for a token of its own answer ([`JwksCache::keys_after`]), out of the same bucket.
//! 6. A key that the provider removed vanishes with the next set that is fetched: within the set's
//!    freshness, or within 1 h if the provider fails. A set without a usable key counts as a failure and
//!    removes nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use url::Url;

use self::state::{Fetched, Lookup, State};
use super::flight::{Flight, Ticket};
use super::http::{HttpClient, answer, send};
use crate::clock::Clock;
use crate::oidc::{Issuer, KeySet};
use crate::{Error, Result};

mod bucket;
mod state;

/// How long a set is fresh unless `Cache-Control` says otherwise.
const FRESH: Duration = Duration::from_secs(600);
const FRESH_BOUNDS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(3600);
/// How many issuers are kept, as many as tenants are wired; beyond that the one that was used longest ago goes.
const MAX_ISSUERS: u64 = 10_000;

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JwksSource {
    issuer: Arc<str>,
    uri: Url,
}

impl JwksSource {
    /// The keys of `issuer`, at the `jwks_uri` of its metadata.
    #[must_use]
    pub fn new(issuer: &Issuer, uri: Url) -> Self {
        Self {
            issuer: issuer.arc(),
            uri,
        }
    }
}

/// Who brought a token: each origin has a budget of its own for fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// It came in the answer to our own call to the provider.
    OwnCall,
    /// Anybody may have sent it: a bearer token, a logout token, a sign-in that began at the provider.
    Stranger,
}

/// The keys of one or many issuers. Cheap to clone, and the clones share what they know.
///
/// ```no_run
/// use std::sync::Arc;
/// use tower_sso::clock::SystemClock;
/// use tower_sso::provider::{HttpOptions, JwksCache, ReqwestClient};
///
/// # fn main() -> tower_sso::Result<()> {
/// let http = Arc::new(ReqwestClient::new(&HttpOptions::default())?);
/// let keys = JwksCache::new(http, Arc::new(SystemClock));
/// assert_eq!(keys.fetches(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JwksCache {
    shared: Arc<Shared>,
    entries: Cache<JwksSource, Arc<Entry>>,
}

#[derive(Debug)]
struct Shared {
    http: Arc<dyn HttpClient>,
    clock: Arc<dyn Clock>,
    fetches: AtomicU64,
}

/// What is known of one issuer. The lock is held for the time of a decision, never over a fetch.
#[derive(Debug)]
struct Entry {
    state: Mutex<State>,
    flight: Flight<KeySet>,
}

impl Entry {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JwksCache {
    /// An empty cache. Nothing is fetched before a key is wanted.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>, clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                http,
                clock,
                fetches: AtomicU64::new(0),
            }),
            // By last use: an admission filter would keep newcomers out, and with them their buckets.
            entries: Cache::builder()
                .max_capacity(MAX_ISSUERS)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
        }
    }

    /// The keys to verify a token with: those that are kept if `kid` is among them (or the token names
    /// none), else those of a fetch, as far as `origin` may cause one.
    ///
    /// The set need not have the key: then the provider does not know it.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): the key is not known, and the provider
    /// can't be asked or does not give a key set. [`ErrorKind::Provider`](crate::ErrorKind::Provider): its
    /// URL is one that is never called.
    pub async fn keys_for(
        &self,
        source: &JwksSource,
        kid: Option<&str>,
        origin: Origin,
    ) -> Result<Arc<KeySet>> {
        let entry = self.entry(source).await;
        // A call that was under way may show the keys from before this token; the second one can't.
        for _ in 0..2 {
            let now = self.shared.clock.now();
            let found = entry.state().look_up(kid, now);
            match found {
                Lookup::Serve(keys) => return Ok(keys),
                Lookup::ServeAndRefresh(keys) => {
                    self.refresh(&entry, source);
                    return Ok(keys);
                }
                Lookup::Fetch => {}
            }
            let may = |state: &mut State| state.may_fetch(kid, origin, now);
            let Some(ticket) = self.fetch(&entry, source, may) else {
                break;
            };
            if ticket.is_first {
                return ticket.result().await;
            }
            ticket.result().await.ok();
        }
        let now = self.shared.clock.now();
        let state = entry.state();
        match state.look_up(kid, now) {
            Lookup::Serve(keys) | Lookup::ServeAndRefresh(keys) => Ok(keys),
            Lookup::Fetch => state.without_fetch(origin, now),
        }
    }

    /// The keys that came after `seen`, which verify no token of the provider's own answer though they have
    /// its `kid`: a provider may have put another key under an old name. One fetch out of the bucket of own
    /// calls; `seen` serves everybody else meanwhile.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): no fetch is allowed now, or it failed.
    pub async fn keys_after(&self, source: &JwksSource, seen: &Arc<KeySet>) -> Result<Arc<KeySet>> {
        let entry = self.entry(source).await;
        for _ in 0..2 {
            let now = self.shared.clock.now();
            let newer = entry.state().after(seen, now);
            if let Some(newer) = newer {
                return Ok(newer);
            }
            let may = |state: &mut State| state.may_replace(seen, now);
            let Some(ticket) = self.fetch(&entry, source, may) else {
                break;
            };
            if ticket.is_first {
                return ticket.result().await;
            }
            // One that was under way may have failed, or be from before this token.
            ticket.result().await.ok();
        }
        let now = self.shared.clock.now();
        let state = entry.state();
        state
            .after(seen, now)
            .ok_or_else(|| state.unavailable(Origin::OwnCall, now))
    }

    /// How many fetches have begun, for all issuers.
    #[must_use]
    pub fn fetches(&self) -> u64 {
        self.shared.fetches.load(Ordering::Relaxed)
    }

    async fn entry(&self, source: &JwksSource) -> Arc<Entry> {
        if let Some(entry) = self.entries.get(source).await {
            return entry;
        }
        // The entry goes in before the first fetch and stays when that fails, for the buckets in it must
        // outlive failures.
        let entry = async {
            Arc::new(Entry {
                state: Mutex::new(State::new(self.shared.clock.now())),
                flight: Flight::default(),
            })
        };
        self.entries.get_with(source.clone(), entry).await
    }

    fn refresh(&self, entry: &Arc<Entry>, source: &JwksSource) {
        let now = self.shared.clock.now();
        self.fetch(entry, source, |state| state.may_refresh(now));
    }

    fn fetch(
        &self,
        entry: &Arc<Entry>,
        source: &JwksSource,
        may: impl FnOnce(&mut State) -> bool,
    ) -> Option<Ticket<KeySet>> {
        entry.flight.join(|| {
            may(&mut entry.state()).then(|| {
                self.shared.fetches.fetch_add(1, Ordering::Relaxed);
                run(Arc::clone(&self.shared), Arc::clone(entry), source.clone())
            })
        })
    }
}

async fn run(shared: Arc<Shared>, entry: Arc<Entry>, source: JwksSource) -> Result<Arc<KeySet>> {
    let outcome = get(&shared, &source.uri).await;
    match &outcome {
        Ok(fetched) => {
            tracing::debug!(issuer = %source.issuer, keys = fetched.keys.len(), "fetched the provider's keys");
        }
        Err(error) => {
            tracing::warn!(issuer = %source.issuer, error = error as &dyn std::error::Error, "the provider's keys can't be fetched");
        }
    }
    entry.state().record(&outcome);
    outcome.map(|fetched| fetched.keys)
}

async fn get(shared: &Shared, uri: &Url) -> Result<Fetched> {
    let request = http::Request::get(uri.as_str())
        .header(
            http::header::ACCEPT,
            "application/jwk-set+json, application/json",
        )
        .body(Bytes::new())
        .map_err(|error| Error::provider("the key set's URL is unusable").with_source(error))?;
    let answer = send(&*shared.http, request).await?;
    let (headers, body) = answer::document(answer, "key set")?;
    // What is no key set may be a proxy's page; and keys that are not understood are no better than none.
    let keys = KeySet::parse(&body).map_err(|error| {
        Error::unavailable("the provider's key set can't be read").with_source(error)
    })?;
    if keys.is_empty() {
        return Err(Error::unavailable(
            "the provider's key set has no usable key",
        ));
    }
    Ok(Fetched {
        keys: Arc::new(keys),
        at: shared.clock.now(),
        fresh_for: answer::freshness(&headers, FRESH, FRESH_BOUNDS),
    })
}
