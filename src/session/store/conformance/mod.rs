//! What every [`SessionStore`] must do, as checks that each implementation runs (feature `test-util`).
//!
//! ```
//! use std::sync::Arc;
//! use tower_sso::clock::TestClock;
//! use tower_sso::session::store::{MemoryStore, conformance};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let clock = TestClock::started_now();
//! let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
//! conformance::check_store(|| store.clone(), &clock, async |time| clock.advance(time)).await;
//! # }
//! ```

mod logouts;
mod marks;
mod records;

use std::sync::Arc;
use std::time::Duration;

use super::{Created, SessionStore};
use crate::clock::Clock;
use crate::crypto;
use crate::session::{Record, SessionKey};
use crate::test_util::SignedIn;

const ISSUER: &str = "https://idp.example.com";
const OTHER_ISSUER: &str = "https://other.example.com";

/// Runs all checks.
///
/// `store` answers a handle to the store: the same one, or one more replica over the same data at each
/// call. `clock` is the store's clock and `pass` lets time go by on it: a
/// [`TestClock`](crate::clock::TestClock) is advanced, a real one is slept on, for some seconds in all.
/// All names are random, so a store that is in use can be checked.
///
/// # Panics
/// At the first rule that the store breaks.
pub async fn check_store(
    store: impl Fn() -> Arc<dyn SessionStore>,
    clock: &dyn Clock,
    pass: impl AsyncFn(Duration),
) {
    records::what_is_created_is_loaded(&store, clock).await;
    records::a_swap_needs_the_version(&store, clock).await;
    records::one_of_many_swaps_wins(&store, clock).await;
    records::a_touch_only_moves_the_idle_end_later(&store, clock).await;
    records::a_deleted_session_stays_deleted(&store, clock).await;
    logouts::a_logout_by_sid_ends_its_sessions_only(&store, clock).await;
    logouts::a_logout_by_subject_ends_its_sessions_only(&store, clock).await;
    logouts::a_logout_wins_over_a_sign_in_that_is_under_way(&store, clock).await;
    marks::what_is_used_once_is_used_up(&store, clock).await;
    marks::a_lease_has_one_holder(&store, &pass).await;
}

type Stores<'a> = &'a dyn Fn() -> Arc<dyn SessionStore>;

struct Person {
    key: SessionKey,
    subject: String,
    sid: String,
}

impl Person {
    fn new() -> Self {
        Self {
            key: SessionKey(crypto::random()),
            subject: crypto::random_token(),
            sid: crypto::random_token(),
        }
    }

    fn record(&self, issuer: &str, clock: &dyn Clock) -> Record {
        SignedIn::new(&self.subject)
            .issuer(issuer)
            .sid(&self.sid)
            .at(clock.now())
            .into_record()
    }

    async fn sign_in(&self, issuer: &str, store: Stores<'_>, clock: &dyn Clock) -> Arc<Record> {
        let created = store()
            .create(self.key, self.record(issuer, clock), clock.now())
            .await
            .expect("create works");
        match created {
            Created::Done(record) => record,
            Created::SignedOut => panic!("a sign-in that no logout concerns is kept"),
        }
    }

    async fn is_signed_in(&self, store: Stores<'_>) -> bool {
        let store = store();
        let loaded = store.load(self.key).await.expect("load works");
        if let Some(local) = store.load_local(self.key) {
            assert_eq!(
                local.is_some(),
                loaded.is_some(),
                "load_local agrees with load"
            );
        }
        loaded.is_some()
    }
}
