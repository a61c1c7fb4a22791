//! Every value that went over a wire, looked for in all that is written down: over real sockets, at every
//! level, of every library, in each scenario of the table.

mod going_badly;
mod going_well;
mod mosaic;

use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::Response;
use tokio::net::TcpListener;
use tower_sso::provider::{HttpOptions, ReqwestClient};
use tower_sso::simulator::{
    Endpoint, Fault, LoginChoice, SigningAlgorithm, SimulatedClient, SimulatedUser, Simulator,
    SimulatorHandle,
};
use tower_sso::{BoxError, ClientSecret, Decision, Identity, Sso};

use super::known_secrets::{Log, key, known_secrets};
use super::{HostileStore, Mood, Wiretap, deploy, serve_routes, tapped};
use crate::support::{App, Page};
use going_badly::{echoes, faults, refusals};
use going_well::{renewals, silent_attempts, successes};

/// An app that calls its provider over loopback, with everything that passes written down.
struct Stage {
    app: App,
    idp: SimulatorHandle,
    tap: Wiretap,
    store: Arc<HostileStore>,
}

type Act = Box<dyn Fn(&Stage) -> BoxFuture<'_, Vec<Page>>>;

/// One thing that happens on a stage; answers the pages that the browser saw.
struct Scenario {
    name: String,
    act: Act,
}

impl Scenario {
    fn new(
        name: impl Into<String>,
        act: impl Fn(&Stage) -> BoxFuture<'_, Vec<Page>> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            act: Box::new(act),
        }
    }

    /// A sign-in at a provider with this fault.
    fn fault(fault: Fault) -> Self {
        let name = format!("{fault:?}");
        Self::new(name, move |stage| {
            let fault = fault.clone();
            Box::pin(async move {
                stage.idp.set_fault(fault);
                let page = stage.app.visit("/protected").await;
                vec![page.reload().await, page]
            })
        })
    }

    /// A sign-in whose calls to `path` are answered by somebody who repeats what was sent.
    fn echo(path: &'static str, status: u16, fields: fn(&str) -> serde_json::Value) -> Self {
        Self::new(format!("echo of {path} with {status}"), move |stage| {
            stage.tap.answer_with(move |call| {
                let said = format!("{} {}", call.authorization, call.request);
                let text = |value: serde_json::Value| Bytes::from(value.to_string());
                (call.path == path).then(|| {
                    let mut answer = Response::new(text(fields(&said)));
                    *answer.status_mut() = status.try_into().unwrap();
                    answer
                })
            });
            Box::pin(async { vec![stage.app.visit("/protected").await] })
        })
    }
}

async fn hook(identity: Identity) -> Result<Decision, BoxError> {
    match identity.claims.subject.as_str() {
        "bob" => Err(format!("nobody knows {identity:?}").into()),
        "carol" => Ok(Decision::Refuse("the account is closed".to_owned())),
        "dave" => panic!("on purpose, with {identity:#?}"),
        _ => Ok(Decision::Accept),
    }
}

async fn stage() -> Stage {
    let mut app = App::with_keys(SigningAlgorithm::Es256, |builder| builder);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let client = SimulatedClient::new(App::CLIENT)
        .with_secret(App::SECRET)
        .add_redirect_uri(&format!("{}/auth/callback", App::URL))
        .add_post_logout_redirect_uri(&format!("{}/auth/logged-out", App::URL));
    let mut builder = Simulator::builder(&issuer)
        .client(client)
        .algorithm(SigningAlgorithm::Es256)
        .clock(Arc::new(app.clock.clone()));
    for user in ["alice", "bob", "carol", "dave"] {
        builder = builder.user(SimulatedUser::new(user));
    }
    let simulator = builder.build();
    tokio::spawn(axum::serve(listener, simulator.router()).into_future());
    simulator
        .handle()
        .set_default_login(LoginChoice::new("alice").with_amr(["pwd"]));
    let client = ReqwestClient::new(&HttpOptions::default()).unwrap();
    let tap = Wiretap::new(client);
    let store = Arc::new(HostileStore::new(Arc::new(app.clock.clone())));
    let sso = Sso::builder(&issuer)
        .client(App::CLIENT, ClientSecret::from(App::SECRET))
        .base_url(App::URL)
        .cookie_key(key())
        .clock(Arc::new(app.clock.clone()))
        .http_client(Arc::new(tap.clone()))
        .session_store(Arc::clone(&store) as _)
        .scopes(["openid", "profile", "offline_access"])
        .userinfo(true)
        .on_identity(hook)
        .build()
        .unwrap();
    deploy(&mut app, sso);
    let idp = simulator.handle().clone();
    Stage {
        app,
        idp,
        tap,
        store,
    }
}

/// A row for each thing that can happen.
fn scenarios() -> impl Iterator<Item = Scenario> {
    let well = [successes(), renewals(), silent_attempts()];
    let badly = [refusals(), faults(), echoes()];
    well.into_iter().chain(badly).flatten()
}

/// Guards: `Secret`, spans and events that name no query, `sensitive` header values, `Error`'s one line, and
/// that of a provider's words only an error code is repeated.
#[tokio::test]
async fn threat_21_any_secret_is_in_any_log_or_page() {
    let mut seen = 0;
    for Scenario { name, act } in scenarios() {
        let log = Log::default();
        let listening = log.listen();
        let stage = stage().await;
        let pages = act(&stage).await;
        drop(listening);
        let mut secrets = known_secrets();
        pages.iter().for_each(|page| secrets.add_page(page));
        secrets.add_calls(&stage.tap);
        seen += usize::from(secrets.has("code") && secrets.has("code_verifier"));
        let text = log.text();
        for library in ["tower_sso", "reqwest"] {
            assert!(
                text.contains(library),
                "{name}: {library} is not in the log"
            );
        }
        secrets.assert_absent(&text, &format!("the log of {name}"));
        for page in &pages {
            let headers = page
                .hops
                .iter()
                .filter(|hop| hop.url.as_str().starts_with(App::URL));
            for hop in headers {
                let printed = format!("{:?}", hop.headers);
                secrets.assert_absent(&printed, &format!("printed headers of {name}"));
            }
            let is_ours = page.url.as_str().starts_with(App::URL);
            let by_the_app = page.status == 200 && !page.url.path().starts_with("/auth/");
            if is_ours && !by_the_app {
                secrets.assert_absent(&page.html(), &format!("a page of {name}"));
            }
        }
        for call in stage.tap.all_calls() {
            secrets.assert_absent(&call.printed, &format!("a printed call of {name}"));
        }
        let printed = format!("{:?} {:#?} {:?}", stage.app.sso, stage.app.sso, stage.store);
        secrets.assert_absent(&printed, &format!("Debug after {name}"));
    }
    assert!(seen > 50, "{seen} scenarios sent a code");
}

/// As before, for a provider that never answers.
#[tokio::test(start_paused = true)]
async fn threat_21_a_secret_is_in_the_log_of_a_call_that_hangs() {
    for endpoint in [Endpoint::Jwks, Endpoint::Token, Endpoint::UserInfo] {
        let log = Log::default();
        let listening = log.listen();
        let (app, tap) = tapped(|builder| builder.cookie_key(key()).userinfo(true));
        app.idp().set_fault(Fault::Hang(endpoint));
        let page = app.visit("/protected").await;
        assert_eq!(page.status, 503, "{endpoint:?}");
        drop(listening);
        let mut secrets = known_secrets();
        secrets.add_page(&page);
        secrets.add_calls(&tap);
        assert!(secrets.has("code"), "{endpoint:?}");
        secrets.assert_absent(
            &log.text(),
            &format!("the log of a {endpoint:?} that hangs"),
        );
        secrets.assert_absent(
            &page.html(),
            &format!("the page of a {endpoint:?} that hangs"),
        );
    }
}
