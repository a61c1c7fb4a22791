//! Every value that went over a wire, looked for in all that is written down: over real sockets, at every
//! level, of every library, in each scenario of the table.

use std::sync::Arc;

use axum::routing::get;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::Response;
use serde_json::json;
use tokio::net::TcpListener;
use tower_sso::provider::{HttpOptions, ReqwestClient};
use tower_sso::simulator::{
    Endpoint, Fault, ForgedAlg, LoginChoice, SigningAlgorithm, SimulatedClient, SimulatedUser,
    Simulator, SimulatorHandle,
};
use tower_sso::{
    BoxError, ClientSecret, Decision, Identity, Policy, RequireLayer, SilentLayer, Sso,
    Unauthenticated, User,
};

use super::secrets::{Log, key, known_secrets};
use super::{HostileStore, Mood, Wiretap, deploy, serve_routes, tapped};
use crate::support::{App, Page};

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

/// All that goes well, and the way out.
fn successes() -> Vec<Scenario> {
    vec![
        Scenario::new("a sign-in, a step-up and a sign-out", |stage| {
            Box::pin(async {
                let mut pages = vec![stage.app.sign_in("/protected?token=none").await];
                let choice = LoginChoice::new("alice").with_amr(["pwd", "otp", "mfa"]);
                stage.idp.set_default_login(choice);
                pages.push(stage.app.sign_in("/mfa").await);
                pages.push(stage.app.visit("/admin").await);
                pages.push(stage.app.visit("/auth/session").await);
                let asked = stage.app.visit("/auth/logout").await;
                pages.push(asked.submit(&asked.only_form()).await);
                pages.push(asked);
                pages
            })
        }),
        Scenario::new("another account at a step-up", |stage| {
            Box::pin(async {
                let mut pages = vec![stage.app.sign_in("/protected").await];
                let bob = Fault::IdTokenClaim("sub".into(), Some("bob".into()));
                stage.idp.set_fault(bob);
                let choice = LoginChoice::new("alice").with_amr(["pwd", "otp", "mfa"]);
                stage.idp.set_default_login(choice);
                pages.push(stage.app.visit("/mfa").await);
                pages
            })
        }),
    ]
}

/// What the callback refuses, and what stands behind it.
fn refusals() -> Vec<Scenario> {
    let mut rows = vec![
        Scenario::new(
            "a callback of another browser, twice, and too late",
            |stage| {
                Box::pin(async {
                    let app = &stage.app;
                    let callback = app.until_callback("/protected").await;
                    let copy = app.browser.copy();
                    let mut pages = vec![app.browser.stranger().visit(&callback).await];
                    pages.push(app.browser.visit(&callback).await);
                    pages.push(copy.visit(&callback).await);
                    let late = app.until_callback("/auth/login?prompt=login").await;
                    app.clock.advance(std::time::Duration::from_secs(601));
                    pages.push(app.browser.visit(&late).await);
                    for odd in ["code=%", "iss=x", "code=again"] {
                        let url = format!("{callback}&{odd}");
                        pages.push(app.browser.visit(&url).await);
                    }
                    pages
                })
            },
        ),
        Scenario::new("a description with the client's secret", |stage| {
            Box::pin(async {
                let echo = Fault::AuthorizeError(App::SECRET.into(), Some(App::SECRET.into()));
                stage.idp.set_fault(echo);
                stage.app.visit("/protected").await;
                Vec::new()
            })
        }),
    ];
    for mood in [Mood::Fails, Mood::Forgets] {
        rows.push(Scenario::new(
            format!("a store that is {mood:?}"),
            move |stage| {
                Box::pin(async move {
                    let mut pages = vec![stage.app.sign_in("/protected").await];
                    let callback = stage.app.until_callback("/auth/login?prompt=login").await;
                    stage.store.set(mood);
                    pages.push(stage.app.visit("/protected").await);
                    pages.push(stage.app.browser.visit(&callback).await);
                    let logout = stage.app.visit("/auth/logout").await;
                    pages.push(logout.submit(&logout.only_form()).await);
                    pages
                })
            },
        ));
    }
    for user in ["bob", "carol", "dave"] {
        rows.push(Scenario::new(
            format!("the app's hook, with {user}"),
            move |stage| {
                stage.idp.set_default_login(LoginChoice::new(user));
                Box::pin(async { vec![stage.app.visit("/protected").await] })
            },
        ));
    }
    rows
}

/// The faults of the simulator; those that never answer need a time of their own.
fn faults() -> Vec<Scenario> {
    let status = |endpoint, status| Fault::Status(endpoint, status, Some(1));
    let odd = || "0123456789abcdef-odd".to_owned();
    let claim =
        |name: &str, value: Option<serde_json::Value>| Fault::IdTokenClaim(name.into(), value);
    let mut faults = vec![
        claim("nonce", Some(odd().into())),
        claim("iss", Some(odd().into())),
        claim("aud", Some(odd().into())),
        claim("exp", None),
        claim("sub", None),
        Fault::IdTokenAlg(ForgedAlg::None("none".into())),
        Fault::IdTokenAlg(ForgedAlg::Hs256WithClientSecret),
        Fault::IdTokenAlg(ForgedAlg::Hs256WithPublicKeyPem),
        Fault::IdTokenAlg(ForgedAlg::Named("ES512".into())),
        Fault::BadSignature,
        Fault::NoKid,
        Fault::UnknownKid,
        Fault::ExtraHeader("crit".into(), json!(["exp"])),
        Fault::AtHashWrong,
        Fault::CHash(odd()),
        Fault::RotateJustBeforeSigning,
        Fault::ClockSkew(7_200),
        Fault::ClockSkew(-7_200),
        Fault::JwksExtraKeys,
        Fault::JwksSeveralKeysNoKid,
        Fault::JwksEmpty,
        Fault::DiscoveryIssuer(odd()),
        Fault::DiscoveryField("token_endpoint".into(), None),
        Fault::DiscoveryField("userinfo_endpoint".into(), None),
        Fault::UserInfoSub(odd()),
        Fault::UserInfoSigned,
        Fault::UserInfoBadSignature,
        Fault::AuthorizeError("access_denied".into(), Some(odd())),
        Fault::AuthorizeError("server_error".into(), None),
        Fault::IssParameter(None),
        Fault::IssParameter(Some(odd())),
        Fault::OmitState,
        Fault::WrongState,
        Fault::DuplicateCode,
        Fault::WeakStepUp,
        Fault::IgnoreIdTokenHint,
        Fault::ExpiresIn(Some(odd().into())),
        Fault::TokenType(odd()),
        Fault::NoIdToken,
        Fault::NoRefreshToken,
        Fault::Scope(odd()),
        Fault::TokenError(odd()),
        Fault::UserInfoClaims(json!({"sub": ["0123456789abcdef-odd"]})),
    ];
    for endpoint in [
        Endpoint::Discovery,
        Endpoint::Jwks,
        Endpoint::Token,
        Endpoint::UserInfo,
    ] {
        faults.extend([
            status(endpoint, 500),
            status(endpoint, 429),
            status(endpoint, 400),
            status(endpoint, 401),
            Fault::Garbage(endpoint),
            Fault::HugeBody(endpoint),
            Fault::Redirect(endpoint),
        ]);
    }
    faults.into_iter().map(Scenario::fault).collect()
}

/// A provider, or somebody in its place, that repeats what it was sent wherever there is room for it.
fn echoes() -> Vec<Scenario> {
    vec![
        Scenario::echo("/token", 400, |said| json!({"error": said})),
        Scenario::echo("/token", 400, |said| {
            let code = form_urlencoded::parse(said.as_bytes()).find(|(name, _)| name == "code");
            json!({"error": code.unwrap().1})
        }),
        Scenario::echo(
            "/token",
            400,
            |said| json!({"error": "invalid_grant", "error_description": said}),
        ),
        Scenario::echo("/token", 503, |said| json!({"error": said})),
        Scenario::echo("/token", 200, |said| json!(said)),
        Scenario::echo(
            "/token",
            200,
            |said| json!({"access_token": [said], "token_type": "Bearer"}),
        ),
        Scenario::echo(
            "/token",
            200,
            |said| json!({"access_token": said, "token_type": said}),
        ),
        Scenario::echo(
            "/token",
            200,
            |said| json!({"access_token": said, "token_type": "Bearer", "id_token": said}),
        ),
        Scenario::echo("/userinfo", 200, |said| json!({"sub": said})),
        Scenario::echo("/userinfo", 401, |said| json!({"error": said})),
    ]
}

/// A session that is renewed, and three that can't be.
fn renewals() -> Vec<Scenario> {
    let row = |name: &str, spoil: fn(&Stage)| {
        Scenario::new(name, move |stage| {
            Box::pin(async move {
                let short = Fault::ExpiresIn(Some(60.into()));
                stage.idp.set_fault(short);
                let mut pages = vec![stage.app.sign_in("/protected").await];
                let calls = stage.tap.calls("/token").len();
                stage.app.clock.advance(std::time::Duration::from_secs(61));
                spoil(stage);
                pages.push(stage.app.visit("/protected").await);
                assert!(stage.tap.calls("/token").len() > calls, "it was tried");
                pages
            })
        })
    };
    vec![
        row("a renewal", |_| ()),
        row("a renewal that is refused", |stage| {
            stage.idp.revoke_refresh_tokens();
        }),
        row("a renewal at a provider that is down", |stage| {
            let down = Fault::Status(Endpoint::Token, 503, None);
            stage.idp.set_fault(down);
        }),
        row("a renewal with a token that is forged", |stage| {
            stage.idp.set_fault(Fault::BadSignature);
        }),
    ]
}

/// Attempts without a page, by somebody who is signed in at the provider, and what becomes of them.
fn silent_attempts() -> Vec<Scenario> {
    let row = |name: &str, spoil: fn(&Stage) -> bool| {
        Scenario::new(name, move |stage| {
            Box::pin(async move {
                let app = &stage.app;
                let greet = async |user: Option<User>| user.is_some().to_string();
                let own = RequireLayer::new(Policy::login())
                    .unauthenticated(Unauthenticated::SilentThenPage("/welcome".to_owned()));
                let routes = axum::Router::new()
                    .route("/silent", get(greet).layer(SilentLayer::new()))
                    .route("/own", get(greet).layer(own))
                    .route("/welcome", get(greet));
                serve_routes(app, routes);
                let mut pages = vec![app.visit("/auth/login").stop_before(App::URL).await];
                let expected = spoil(stage);
                let callback = app.until_callback("/silent?token=none").await;
                let copy = app.browser.copy();
                let page = app.browser.visit_from(App::IDP, &callback).await;
                assert_eq!(page.html() == "true", expected, "{}", page.html());
                pages.push(page);
                pages.push(copy.visit_from(App::IDP, &callback).await);
                let without_cookies = app.browser.stranger();
                pages.push(without_cookies.visit_from(App::IDP, &callback).await);
                pages.push(app.visit("/own").await);
                pages
            })
        })
    };
    vec![
        row("a silent attempt", |_| true),
        row("a silent attempt of nobody", |stage| {
            stage.idp.end_sessions();
            stage.idp.set_default_login(None);
            false
        }),
        row("a silent attempt with an odd error", |stage| {
            let odd = Fault::AuthorizeError(App::SECRET.into(), Some(App::SECRET.into()));
            stage.idp.set_fault(odd);
            false
        }),
        row("a silent attempt with a token that is forged", |stage| {
            stage.idp.set_fault(Fault::BadSignature);
            false
        }),
        row("a silent attempt at a provider that is down", |stage| {
            let down = Fault::Status(Endpoint::Token, 503, None);
            stage.idp.set_fault(down);
            false
        }),
        row("a silent attempt at a store that fails", |stage| {
            stage.store.set(Mood::Fails);
            false
        }),
    ]
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
