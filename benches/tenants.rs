//! What many tenants cost: memory, the first request of a tenant, and each request after it.
//!
//! `cargo bench --bench tenants` prints medians of interleaved rounds, and the bytes that live on the heap. Under
//! `cargo test` there is one round, with fewer tenants.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![allow(dead_code, reason = "the other benches use the rest of what is shared")]

#[path = "hot_path/measure.rs"]
mod measure;
#[path = "shared/sign_in.rs"]
mod sign_in;

use std::alloc::System;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::{COOKIE, HOST};
use http::{HeaderValue, Request};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use tower_sso::clock::SystemClock;
use tower_sso::oidc::Issuer;
use tower_sso::provider::{InProcessClient, OidcConfig};
use tower_sso::simulator::{
    Endpoint, LoginChoice, SigningAlgorithm, SimulatedClient, SimulatedUser, Simulator,
};
use tower_sso::tenant::{Tenant, TenantFrom, TenantList};
use tower_sso::{CookieKey, Policy, RequireLayer, Sso};

use measure::{Case, Effort};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BASE: &str = "app.example.com";

/// How many tenants there are, and how many of them somebody is signed in at.
#[derive(Clone, Copy)]
struct Size {
    configured: usize,
    active: usize,
}

fn main() {
    // As criterion tells a bench from a test: only cargo's bench command passes this.
    let (effort, many) = match std::env::args().any(|argument| argument == "--bench") {
        true => (
            Effort::FULL,
            Size {
                configured: 10_000,
                active: 100,
            },
        ),
        false => (
            Effort::SMOKE,
            Size {
                configured: 50,
                active: 3,
            },
        ),
    };
    let one = Size {
        configured: 1,
        active: 1,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = World::new(many.active);
    let (of_one, bytes_of_one) = runtime.block_on(world.app(one));
    let (of_many, bytes_of_many) = runtime.block_on(world.app(many));
    world.assert_each_was_asked_once(many.active);
    let (single, cookie) = runtime.block_on(world.single());
    println!(
        "{} tenants, {} of them active: {:.1} MiB on the heap above one tenant\n",
        many.configured,
        many.active,
        (bytes_of_many - bytes_of_one) as f64 / f64::from(1 << 20),
    );
    let mut cases = vec![
        Case::new("one tenant", of_one.router, of_one.requests),
        Case::new("many tenants", of_many.router, of_many.requests),
        Case::new("a single provider", single, move || request(BASE, &cookie)),
    ];
    println!("{}", measure::table(&runtime, &mut cases, effort));
}

/// The providers of those tenants that somebody signs in at.
struct World {
    simulators: Vec<Simulator>,
}

struct App {
    router: Router,
    requests: Box<dyn Fn() -> Request<Body>>,
}

impl World {
    fn new(count: usize) -> Self {
        let simulator = |index: usize| {
            let mut client = SimulatedClient::new("app");
            for callback in [
                format!("https://t{index}.{BASE}/auth/callback/t{index}"),
                format!("https://{BASE}/auth/callback"),
            ] {
                client = client.add_redirect_uri(&callback);
            }
            let simulator = Simulator::builder(&issuer(index))
                .client(client)
                .user(SimulatedUser::new("alice"))
                .algorithm(SigningAlgorithm::Es256)
                .clock(Arc::new(SystemClock))
                .build();
            let choice = LoginChoice::new("alice").with_amr(["pwd", "otp"]);
            simulator.handle().set_default_login(choice);
            simulator
        };
        Self {
            simulators: (0..count).map(simulator).collect(),
        }
    }

    fn client(&self) -> InProcessClient {
        let host = |index| format!("idp{index}.example.org");
        let routers: HashMap<_, _> = self
            .simulators
            .iter()
            .enumerate()
            .map(|(index, simulator)| (host(index), simulator.router()))
            .collect();
        let routers = Arc::new(routers);
        let net = tower::service_fn(move |request: Request<_>| {
            let router = routers[request.uri().host().unwrap()].clone();
            router.oneshot(request)
        });
        InProcessClient::new(BoxCloneSyncService::new(net))
    }

    /// An app with so many tenants, somebody signed in at each that is active, and the bytes that it took.
    async fn app(&self, size: Size) -> (App, isize) {
        let client = Arc::new(self.client());
        let region = Region::new(&INSTRUMENTED_SYSTEM);
        let tenant = |index| {
            let issuer = Issuer::parse(&issuer(index)).unwrap();
            let mut config = OidcConfig::new(issuer, "app");
            config.client_secret = Some("a secret of thirty-two characters".into());
            config.client_auth = tower_sso::oidc::ClientAuthChoice::None;
            Tenant::new(format!("t{index}"))
                .openid(config)
                .organization(format!("organization-{index}"))
                .domain(format!("customer-{index}.example"))
        };
        let tenants = TenantList::new((0..size.configured).map(tenant)).unwrap();
        let sso = Sso::for_tenants(tenants)
            .tenant_from(TenantFrom::subdomain_of(BASE))
            .base_url(format!("https://{BASE}"))
            .cookie_key(CookieKey::generate())
            .http_client(client)
            .build()
            .unwrap();
        let mut signed_in = Vec::with_capacity(size.active);
        for (index, simulator) in self.simulators[..size.active].iter().enumerate() {
            let host = format!("t{index}.{BASE}");
            let cookie = sign_in::sign_in_at(&sso, simulator, &host).await;
            signed_in.push((host, cookie));
        }
        let router = Router::new()
            .route(
                "/",
                get(async || "hello").layer(RequireLayer::new(Policy::mfa())),
            )
            .layer(sso.layer())
            .with_state(());
        let change = region.change();
        let bytes = change.bytes_allocated as isize - change.bytes_deallocated as isize;
        let turn = Cell::new(0);
        let requests = move || {
            let (host, cookie) = &signed_in[turn.get() % signed_in.len()];
            turn.set(turn.get() + 1);
            request(host, cookie)
        };
        let app = App {
            router,
            requests: Box::new(requests),
        };
        (app, bytes)
    }

    /// The first also serves the app with one tenant.
    fn assert_each_was_asked_once(&self, active: usize) {
        for (index, simulator) in self.simulators[..active].iter().enumerate() {
            let apps = if index == 0 { 2 } else { 1 };
            for endpoint in [Endpoint::Discovery, Endpoint::Jwks] {
                assert_eq!(simulator.handle().requests(endpoint), apps, "{endpoint:?}");
            }
        }
    }

    /// The same without tenants.
    async fn single(&self) -> (Router, HeaderValue) {
        let sso = Sso::builder(issuer(0))
            .public_client("app")
            .base_url(format!("https://{BASE}"))
            .cookie_key(CookieKey::generate())
            .http_client(Arc::new(self.client()))
            .build()
            .unwrap();
        let cookie = sign_in::sign_in_at(&sso, &self.simulators[0], BASE).await;
        let guarded = get(async || "hello").layer(RequireLayer::new(Policy::mfa()));
        let router = Router::new().route("/", guarded).layer(sso.layer());
        (router.with_state(()), cookie)
    }
}

fn issuer(index: usize) -> String {
    format!("https://idp{index}.example.org")
}

fn request(host: &str, cookie: &HeaderValue) -> Request<Body> {
    Request::get("/")
        .header(HOST, host)
        .header("accept", "text/html")
        .header("sec-fetch-mode", "navigate")
        .header(COOKIE, cookie.clone())
        .body(Body::empty())
        .unwrap()
}
