//! What all requests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use url::Url;

use super::builder::SimulatorBuilder;
use super::fault::{Endpoint, Fault};
use super::handle::LoginChoice;

pub(super) struct State {
    pub(super) issuer: String,
    /// The issuer's path, without a slash at its end; empty for none.
    pub(super) base_path: String,
    pub(super) faults: Faults,
    pub(super) counters: Counters,
    default_login: Mutex<Option<LoginChoice>>,
}

impl State {
    pub(super) fn new(builder: SimulatorBuilder) -> Self {
        let issuer = builder.issuer.clone();
        let url = Url::parse(&issuer).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.query().is_none()
                && url.fragment().is_none()
        });
        let url = url.expect("the issuer is an http or https URL without query and fragment");
        Self {
            base_path: url.path().trim_end_matches('/').to_owned(),
            issuer,
            faults: Faults::default(),
            counters: Counters::default(),
            default_login: Mutex::default(),
        }
    }

    pub(super) fn rotate_keys(&self) {}
    pub(super) fn drop_old_keys(&self) {}
    pub(super) fn set_default_login(&self, choice: Option<LoginChoice>) {
        *lock(&self.default_login) = choice;
    }
    pub(super) fn sessions(&self) -> usize {
        0
    }
    pub(super) fn end_sessions(&self) {}
    pub(super) fn revoke_refresh_tokens(&self) {}
}

/// A lock that a panicking test can't poison for the others.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        lock(&self.0).push(fault);
    }

    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// The first thing that `pick` finds in the faults that are set.
    pub(super) fn find<T>(&self, pick: impl FnMut(&Fault) -> Option<T>) -> Option<T> {
        lock(&self.0).iter().find_map(pick)
    }

    /// Everything that `pick` finds in the faults that are set.
    pub(super) fn all<T>(&self, pick: impl FnMut(&Fault) -> Option<T>) -> Vec<T> {
        lock(&self.0).iter().filter_map(pick).collect()
    }

    pub(super) fn has(&self, fault: &Fault) -> bool {
        lock(&self.0).contains(fault)
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: [AtomicU64; Endpoint::COUNT],
    code_grants: AtomicU64,
    refresh_grants: AtomicU64,
    reuse_detected: AtomicU64,
}

impl Counters {
    pub(super) fn count_request(&self, endpoint: Endpoint) {
        self.requests[endpoint as usize].fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn count_code_grant(&self) {
        self.code_grants.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn count_refresh_grant(&self) {
        self.refresh_grants.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn count_reuse(&self) {
        self.reuse_detected.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn requests(&self, endpoint: Endpoint) -> u64 {
        self.requests[endpoint as usize].load(Ordering::SeqCst)
    }

    pub(super) fn code_grants(&self) -> u64 {
        self.code_grants.load(Ordering::SeqCst)
    }

    pub(super) fn refresh_grants(&self) -> u64 {
        self.refresh_grants.load(Ordering::SeqCst)
    }

    pub(super) fn reuse_detected(&self) -> u64 {
        self.reuse_detected.load(Ordering::SeqCst)
    }
}
