//! Rounds, medians, and the table.

use std::convert::Infallible;
use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};
use tokio::runtime::Runtime;
use tower::{Service, ServiceExt};

/// The most requests that are made up ahead of the clock.
const BATCH: u64 = 2_000;

type Batch = Box<dyn FnMut(Vec<Request<Body>>) -> Pin<Box<dyn Future<Output = ()>>>>;

/// An app, and the request that it is asked over and over.
pub(super) struct Case {
    pub(super) name: &'static str,
    request: Box<dyn Fn() -> Request<Body>>,
    batch: Batch,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    rounds: usize,
    requests: u64,
}

impl Effort {
    pub(super) const FULL: Self = Self {
        rounds: 31,
        requests: BATCH,
    };
    pub(super) const SMOKE: Self = Self {
        rounds: 1,
        requests: 10,
    };

    pub(super) fn rounds(self) -> usize {
        self.rounds
    }
}

impl Case {
    /// The service is called as its own type: boxing it would add to what is measured.
    pub(super) fn new<S, B>(
        name: &'static str,
        service: S,
        request: impl Fn() -> Request<Body> + 'static,
    ) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + 'static,
        B: http_body::Body<Data = Bytes> + 'static,
        B::Error: std::fmt::Debug,
    {
        let batch = move |requests: Vec<Request<Body>>| {
            let mut service = service.clone();
            let answered = async move {
                for request in requests {
                    let Ok(ready) = service.ready().await;
                    let Ok(response) = ready.call(request).await;
                    assert_eq!(response.status(), StatusCode::OK);
                    response.into_body().collect().await.unwrap();
                }
            };
            Box::pin(answered) as Pin<Box<dyn Future<Output = ()>>>
        };
        Self {
            name,
            request: Box::new(request),
            batch: Box::new(batch),
        }
    }

    fn requests(&self, count: u64) -> Vec<Request<Body>> {
        (0..count).map(|_| (self.request)()).collect()
    }
}

/// How long `count` requests take, without the making of them.
pub(super) fn time(runtime: &Runtime, case: &mut Case, count: u64) -> Duration {
    let mut total = Duration::ZERO;
    let mut left = count;
    while left > 0 {
        let requests = case.requests(left.min(BATCH));
        left -= left.min(BATCH);
        let start = Instant::now();
        runtime.block_on((case.batch)(requests));
        total += start.elapsed();
    }
    total
}

/// Allocations and bytes of `count` requests, the dropping of the requests' own not counted.
fn allocations(runtime: &Runtime, case: &mut Case, count: u64) -> (usize, usize) {
    let requests = case.requests(count);
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    runtime.block_on((case.batch)(requests));
    let change = region.change();
    (
        change.allocations + change.reallocations,
        change.bytes_allocated,
    )
}

/// All cases in turn, round after round; the first case is what the others are compared with.
pub(super) fn table(runtime: &Runtime, cases: &mut [Case], effort: Effort) -> String {
    let mut nanos = vec![Vec::new(); cases.len()];
    for _ in 0..effort.rounds {
        for (case, nanos) in cases.iter_mut().zip(&mut nanos) {
            let took = time(runtime, case, effort.requests);
            nanos.push(took.as_nanos() / u128::from(effort.requests));
        }
    }
    let medians: Vec<u128> = nanos.into_iter().map(median).collect();
    let mut out = format!(
        "{:<28} {:>10} {:>7} {:>12} {:>10}\n",
        "case", "ns/request", "ratio", "allocations", "bytes"
    );
    for (case, nanos) in cases.iter_mut().zip(&medians) {
        let (allocations, bytes) = allocations(runtime, case, effort.requests);
        let per_request = |total: usize| total as f64 / effort.requests as f64;
        let _ = writeln!(
            out,
            "{:<28} {nanos:>10} {:>7.2} {:>12.1} {:>10.0}",
            case.name,
            *nanos as f64 / medians[0] as f64,
            per_request(allocations),
            per_request(bytes),
        );
    }
    out
}

fn median(mut values: Vec<u128>) -> u128 {
    values.sort_unstable();
    values[values.len() / 2]
}
