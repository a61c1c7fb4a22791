//! Many requests at once, all of one session whose access token is over: how long they wait while one of them
//! renews it at a provider that takes its time.
//!
//! `cargo bench --bench stampede` prints medians over rounds. Under `cargo test` there is one round. In each
//! round everybody is let in, and the provider is asked once.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "shared/sign_in.rs"]
mod sign_in;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderValue, Request};
use tokio::task::JoinSet;
use tower::ServiceExt;
use tower_sso::axum::AxumService;
use tower_sso::clock::TestClock;
use tower_sso::session::Lifetime;
use tower_sso::simulator::{Endpoint, Fault, SimulatorHandle};
use tower_sso::{Policy, RequireLayer, User};

const REQUESTS: usize = 1_000;
/// How long the token endpoint takes.
const ANSWER_TIME: Duration = Duration::from_millis(100);
const ROUNDS: usize = 31;
/// Longer than an access token of the simulator lives.
const TOKEN_LIFE: Duration = Duration::from_secs(3_600);

fn main() {
    // As criterion tells a bench from a test: only cargo's bench command passes this.
    let rounds = match std::env::args().any(|argument| argument == "--bench") {
        true => ROUNDS,
        false => 1,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("{}", runtime.block_on(measure(rounds)));
}

async fn measure(rounds: usize) -> String {
    let crowd = Crowd::new().await;
    let mut waits = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        waits.push(crowd.round().await);
    }
    let middle = median(waits.iter().map(|round| round[REQUESTS / 2]).collect());
    let slowest = median(waits.iter().map(|round| round[REQUESTS - 1]).collect());
    let ratio = |wait: Duration| wait.as_secs_f64() / ANSWER_TIME.as_secs_f64();
    format!(
        "{REQUESTS} requests on one session that is due, {rounds} rounds: 1 call to the provider in each\n\
         waited, with the {ANSWER_TIME:?} of the provider: median {middle:.1?} ({:.2} x), slowest {slowest:.1?} ({:.2} x)",
        ratio(middle),
        ratio(slowest),
    )
}

/// One session, and those who all come with its cookie.
struct Crowd {
    app: AxumService,
    cookie: HeaderValue,
    clock: TestClock,
    provider: SimulatorHandle,
}

impl Crowd {
    async fn new() -> Self {
        let clock = TestClock::at(1_800_000_000);
        let simulator = sign_in::provider(Arc::new(clock.clone()));
        // The session outlives the bench; its access token does not outlive a round.
        let sso = sign_in::app(&simulator, ["openid", "offline_access"])
            .clock(Arc::new(clock.clone()))
            .lifetime(Lifetime {
                idle: TOKEN_LIFE * 2,
                absolute: TOKEN_LIFE * 100,
            })
            .build()
            .unwrap();
        let cookie = sign_in::sign_in(&sso, &simulator).await;
        let provider = simulator.handle().clone();
        provider.set_fault(Fault::Slow(Endpoint::Token, ANSWER_TIME));
        let who = get(async |user: User| user.subject().to_owned());
        let guarded = who.layer(RequireLayer::new(Policy::login()));
        let app = sso.into_axum(Router::new().route("/", guarded));
        Self {
            app,
            cookie,
            clock,
            provider,
        }
    }

    /// How long each waited, sorted, from the moment that all of them were sent.
    async fn round(&self) -> Vec<Duration> {
        self.clock.advance(TOKEN_LIFE);
        let calls = self.provider.requests(Endpoint::Token);
        let mut crowd = JoinSet::new();
        let start = Instant::now();
        for _ in 0..REQUESTS {
            let request = Request::get("/")
                .header("cookie", &self.cookie)
                .body(Body::empty())
                .unwrap();
            let answer = self.app.clone().oneshot(request);
            crowd.spawn(async move {
                let Ok(response) = answer.await;
                assert_eq!(response.status(), 200);
                start.elapsed()
            });
        }
        let mut waits = crowd.join_all().await;
        assert_eq!(self.provider.requests(Endpoint::Token), calls + 1);
        assert_eq!(self.provider.reuse_detected(), 0);
        waits.sort_unstable();
        waits
    }
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values[values.len() / 2]
}
