//! The same app with single sign-on: around the whole router, and as a layer of it.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::routing::get;
use http::HeaderValue;
use tower_sso::clock::SystemClock;
use tower_sso::session::SessionKey;
use tower_sso::session::store::{MemoryStore, SessionStore};
use tower_sso::test_util::SignedIn;
use tower_sso::{Policy, RequireLayer, Sso, User};

use super::apps::request;
use super::measure::{Case, Effort};
use super::sign_in;

/// As many sessions as a busy app has; one of them is asked for over and over.
pub(super) struct Ours {
    sso: Sso,
    store: Arc<MemoryStore>,
    cookies: Vec<String>,
    /// Of a session that came without a refresh token.
    lasting: HeaderValue,
    /// Of one that came with it, and is not due yet.
    renewable: HeaderValue,
}

impl Ours {
    pub(super) async fn with_sessions(count: usize) -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
        let simulator = sign_in::provider(Arc::new(SystemClock));
        let sso = |scopes| {
            let store = store.clone();
            let builder = sign_in::app(&simulator, scopes).session_store(store);
            builder.build().unwrap()
        };
        let (sso, renewing) = (
            sso(["openid", "profile"]),
            sso(["openid", "offline_access"]),
        );
        let mut cookies = Vec::with_capacity(count);
        for index in 0..count {
            let person = SignedIn::new(format!("person-{index}")).amr(["pwd", "otp"]);
            cookies.push(sso.sign_in(person).await.unwrap());
        }
        let lasting = sign_in::sign_in(&sso, &simulator).await;
        let renewable = sign_in::sign_in(&renewing, &simulator).await;
        Self {
            sso,
            store,
            cookies,
            lasting,
            renewable,
        }
    }

    pub(super) fn cases(&self) -> Vec<Case> {
        let open = || Router::new().route("/", get(async || "hello"));
        let guarded = get(async || "hello").layer(RequireLayer::new(Policy::mfa()));
        let guarded = Router::new().route("/", guarded);
        let named = Router::new().route("/", get(async |_: User| "hello"));
        let around = |router: Router| self.sso.into_axum(router.with_state(()));
        let within = |router: Router| router.layer(self.sso.layer()).with_state(());
        let nobody = || request(None);
        let with = |cookie: &HeaderValue| {
            let cookie = cookie.clone();
            move || request(Some(&cookie))
        };
        let somebody = || with(&self.lasting);
        let renewable = || with(&self.renewable);
        vec![
            Case::new("around, nobody", around(open()), nobody),
            Case::new("around, signed in", around(open()), somebody()),
            Case::new("around, RequireLayer", around(guarded.clone()), somebody()),
            Case::new(
                "RequireLayer, refresh token",
                around(guarded.clone()),
                renewable(),
            ),
            Case::new("around, User", around(named.clone()), somebody()),
            Case::new("User, refresh token", around(named), renewable()),
            Case::new("layer, nobody", within(open()), nobody),
            Case::new("layer, signed in", within(open()), somebody()),
            Case::new("layer, RequireLayer", within(guarded), somebody()),
        ]
    }

    /// What finding a session costs, once the cookie's key is known and with it.
    pub(super) fn gets(&self, effort: Effort) -> String {
        let mut values = self
            .cookies
            .iter()
            .map(|cookie| value_of(cookie))
            .collect::<Vec<_>>();
        // In another order than they were put in.
        values.sort_unstable();
        let keys: Vec<_> = values
            .iter()
            .map(|value| SessionKey::of_cookie(value))
            .collect();
        let mut out = String::new();
        let found =
            |key: SessionKey| matches!(self.store.load_local(black_box(key)), Some(Some(_)));
        let map = effort.median_of(keys.len(), || keys.iter().all(|key| found(*key)));
        let all = effort.median_of(keys.len(), || {
            values
                .iter()
                .all(|value| found(SessionKey::of_cookie(value)))
        });
        let _ = writeln!(
            out,
            "get of {} sessions: {map} ns; with the hash of the cookie: {all} ns",
            keys.len()
        );
        out
    }
}

fn value_of(cookie: &str) -> &str {
    cookie.split_once('=').unwrap().1
}

impl Effort {
    /// The median, over the rounds, of what one of `count` steps of `all` takes, in ns.
    fn median_of(self, count: usize, all: impl Fn() -> bool) -> u128 {
        let mut nanos: Vec<u128> = (0..self.rounds())
            .map(|_| {
                let start = Instant::now();
                assert!(all(), "a session is not found");
                start.elapsed().as_nanos() / count as u128
            })
            .collect();
        nanos.sort_unstable();
        nanos[nanos.len() / 2]
    }
}
