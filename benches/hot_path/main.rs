//! What a request costs on its way through the layers, beside the same app without them.
//!
//! `cargo bench --bench hot_path` prints a table (medians of interleaved rounds, so that a busy
//! machine slows all cases alike; allocations per request) and then criterion's own figures. Under
//! `cargo test` each case runs once.
//!
//! To compare with another commit, build both with `cargo bench --bench hot_path --no-run`, each in a work tree
//! of its own, and run what it names in turn: `target/release/deps/hot_path-… --bench nothing` prints the table
//! alone.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![allow(missing_docs, reason = "criterion's macros make public items")]

mod apps;
mod measure;
mod ours;
#[path = "../shared/sign_in.rs"]
mod sign_in;

use std::alloc::System;

use criterion::{BenchmarkId, Criterion};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use measure::{Case, Effort};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ours = runtime.block_on(ours::Ours::with_sessions(10_000));
    let mut cases = runtime.block_on(apps::cases());
    cases.extend(ours.cases());
    // As criterion tells a bench from a test: only cargo's bench command passes this.
    let effort = match std::env::args().any(|argument| argument == "--bench") {
        true => Effort::FULL,
        false => Effort::SMOKE,
    };
    println!("{}", measure::table(&runtime, &mut cases, effort));
    println!("{}", ours.gets(effort));
    with_criterion(&runtime, &mut cases);
}

fn with_criterion(runtime: &tokio::runtime::Runtime, cases: &mut [Case]) {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("hot_path");
    for case in cases {
        group.bench_function(BenchmarkId::from_parameter(case.name), |bencher| {
            bencher.iter_custom(|count| measure::time(runtime, case, count));
        });
    }
    group.finish();
    criterion.final_summary();
}
