//! The same for two apps at Mosaic: session ids, client token and secret, passwords, codes, tokens, handles.

use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::Response;
use serde_json::{Value, json};
use tower_sso::provider::{HttpOptions, ReqwestClient};
use tower_sso::simulator::{ForgedAlg, MosaicEndpoint, MosaicFault};

use super::Wiretap;
use crate::support::{MosaicApps, Page};
use crate::threats::known_secrets::{Log, Secrets};

const ONE: &str = MosaicApps::ONE;
const TWO: &str = MosaicApps::TWO;

/// Two apps at Mosaic, with everything that passes written down.
struct Stage {
    apps: MosaicApps,
    tap: Wiretap,
}

impl Stage {
    /// In this process: a time-out passes at once.
    fn new() -> Self {
        let mut tap = None;
        let apps = MosaicApps::tapped(|wire| Arc::new(tap.insert(Wiretap::new(wire)).clone()));
        let tap = tap.unwrap();
        Self { apps, tap }
    }

    /// Over loopback: what libraries write counts as well.
    async fn over_sockets() -> Self {
        let tap = Wiretap::new(ReqwestClient::new(&HttpOptions::default()).unwrap());
        let apps = MosaicApps::over(Arc::new(tap.clone())).await;
        Self { apps, tap }
    }

    async fn log_in(&self) -> Page {
        let fields = [
            ("username", "alice"),
            ("password", MosaicApps::PASSWORD),
            ("return_to", "/protected"),
        ];
        self.apps.post(ONE, "/login", &fields).await
    }

    async fn mail_a_link(&self) -> Vec<Page> {
        let asked = [("username", "alice@example.com")];
        let mut pages = vec![self.apps.post(ONE, "/login/mail", &asked).await];
        let code = self.apps.idp().last_code("alice").unwrap();
        let link = format!("{ONE}/login/link?code={code}&state=state-of-a-link");
        pages.push(self.apps.browser.visit(&link).await);
        pages.push(self.apps.browser.visit(&link).await);
        pages
    }

    /// Every rung and every end, whatever each of them comes to.
    async fn whole_way(&self) -> Vec<Page> {
        let apps = &self.apps;
        let mut pages = vec![
            self.log_in().await,
            apps.ask(TWO, "/protected?token=none").await,
            apps.ask(TWO, "/mfa").await,
            apps.ask(TWO, "/auth/session").await,
            apps.ask(TWO, "/token").await,
            apps.post(TWO, "/login/code", &[("channel", "sms")]).await,
        ];
        let code = apps.idp().last_code("alice").unwrap_or_default();
        let fields = [("channel", "sms"), ("passcode", &*code)];
        pages.push(apps.post(TWO, "/login/otp", &fields).await);
        apps.until_renewal();
        for (origin, path) in [(ONE, "/protected"), (TWO, "/token"), (TWO, "/mfa")] {
            pages.push(apps.ask(origin, path).await);
            let page = apps.browser.visit(&format!("{origin}/")).await;
            pages.push(page.fetch(path).await);
        }
        pages.push(apps.sign_out(TWO).await);
        pages.push(apps.ask(ONE, "/protected").await);
        pages
    }
}

type Act = Box<dyn Fn(&Stage) -> BoxFuture<'_, Vec<Page>>>;

fn act(act: impl Fn(&Stage) -> BoxFuture<'_, Vec<Page>> + 'static) -> Act {
    Box::new(act)
}

/// A fault from the first call on, and one that comes after the sign-in.
fn with_fault(fault: MosaicFault) -> [(String, Act); 2] {
    let late = fault.clone();
    [
        (
            format!("{fault:?} from the start"),
            act(move |stage| {
                stage.apps.idp().set_fault(fault.clone());
                Box::pin(stage.whole_way())
            }),
        ),
        (
            format!("{late:?} after the sign-in"),
            act(move |stage| {
                let fault = late.clone();
                Box::pin(async move {
                    let mut pages = vec![stage.log_in().await];
                    stage.apps.idp().set_fault(fault);
                    pages.push(stage.apps.ask(TWO, "/protected").await);
                    stage.apps.seconds(MosaicApps::LIFE);
                    pages.push(stage.apps.ask(ONE, "/protected").await);
                    pages.push(stage.apps.sign_out(ONE).await);
                    pages
                })
            }),
        ),
    ]
}

fn faults() -> Vec<MosaicFault> {
    use MosaicEndpoint::{Jwks, Password, Refresh, SessionAuthenticate, SessionLogout, Token};

    let odd = || "0123456789abcdef-odd".to_owned();
    let mut faults = vec![
        MosaicFault::ClientTokenRefused,
        MosaicFault::ClientTokenRefusedOnce,
        MosaicFault::ErrorsAsList,
        MosaicFault::NoIdToken,
        MosaicFault::NoRefreshToken,
        MosaicFault::OtherSub("bob".to_owned()),
        MosaicFault::BadSignature,
        MosaicFault::UnknownKid,
        MosaicFault::IdTokenAlg(ForgedAlg::None("none".to_owned())),
        MosaicFault::IdTokenAlg(ForgedAlg::Hs256WithClientSecret),
        MosaicFault::IdTokenClaim("iss".to_owned(), Some(odd().into())),
        MosaicFault::IdTokenClaim("tid".to_owned(), Some(odd().into())),
        MosaicFault::Answer("session_id".to_owned(), Some(json!(7))),
        MosaicFault::Answer("access_token".to_owned(), None),
        MosaicFault::ExpiresIn(Some(odd().into())),
    ];
    for endpoint in [
        Token,
        Jwks,
        Password,
        SessionAuthenticate,
        Refresh,
        SessionLogout,
    ] {
        faults.extend([
            MosaicFault::Status(endpoint, 500, None),
            MosaicFault::Status(endpoint, 429, Some(1)),
            MosaicFault::Error(endpoint, 400, "Session not found".to_owned()),
            MosaicFault::Error(endpoint, 403, odd()),
            MosaicFault::Garbage(endpoint),
            MosaicFault::Redirect(endpoint),
        ]);
    }
    faults
}

/// A body that repeats what was said.
type Fields = fn(&str) -> Value;

/// Mosaic, or somebody in its place, that repeats what it was sent wherever there is room for it.
fn echoes() -> Vec<(String, Act)> {
    let rows: [(u16, Fields); 7] = [
        (400, |said| json!({"message": said, "error_code": said})),
        (400, |said| json!({"message": [said], "error_code": 400})),
        (403, |said| json!({"message": said, "error": said})),
        (
            401,
            |said| json!({"error": said, "error_description": said}),
        ),
        (500, |said| json!({"message": said})),
        (200, |said| json!({"access_token": said, "id_token": said})),
        (
            200,
            |said| json!({"access_token": "x", "id_token": said, "session_id": said}),
        ),
    ];
    let paths = [
        "/oidc/token",
        "/cis/v1/auth/password/authenticate",
        "/cis/v1/auth/session/authenticate",
        "/cis/v1/auth/token/refresh",
        "/cis/v1/auth/otp/authenticate",
        "/cis/v1/auth/session/logout",
    ];
    let mut echoes = Vec::new();
    for path in paths {
        for (status, fields) in rows {
            let echo = act(move |stage| {
                stage.tap.answer_with(move |call| {
                    let said = format!("{} {}", call.authorization, call.request);
                    (call.path == path).then(|| {
                        let text = fields(&said).to_string();
                        let mut answer = Response::new(Bytes::from(text));
                        *answer.status_mut() = status.try_into().unwrap();
                        answer
                    })
                });
                Box::pin(stage.whole_way())
            });
            echoes.push((format!("echo of {path} with {status}"), echo));
        }
    }
    echoes
}

fn successes() -> Vec<(String, Act)> {
    vec![
        (
            "all well".to_owned(),
            act(|stage| Box::pin(stage.whole_way())),
        ),
        (
            "a link".to_owned(),
            act(|stage| Box::pin(stage.mail_a_link())),
        ),
    ]
}

/// Looks for every value that passed, in all that was written down; answers them.
fn assert_unseen(name: &str, stage: &Stage, pages: &[Page], log: &str) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add("client secret", MosaicApps::SECRET);
    pages.iter().for_each(|page| secrets.add_page(page));
    secrets.add_mosaic_calls(&stage.tap);
    assert!(log.contains("tower_sso"), "{name}");
    secrets.assert_absent(log, &format!("the log of {name}"));
    for page in pages {
        for hop in &page.hops {
            let printed = format!("{:?}", hop.headers);
            secrets.assert_absent(&printed, &format!("printed headers of {name}"));
        }
        secrets.assert_absent(&page.html(), &format!("a page of {name}"));
    }
    for call in stage.tap.all_calls() {
        secrets.assert_absent(&call.printed, &format!("a printed call of {name}"));
    }
    let apps = &stage.apps;
    let printed = format!(
        "{:?} {:#?} {:?} {:?}",
        apps.one, apps.two, apps.mosaic, apps.directory
    );
    secrets.assert_absent(&printed, &format!("Debug after {name}"));
    secrets
}

/// What must have been there to be found, if all goes well.
const EACH: [&str; 7] = [
    "session_id",
    "client token",
    "client secret",
    "password",
    "access_token",
    "refresh_token",
    "cookie __Secure-sso-handle",
];

/// Guards: `Secret`, `sensitive` header values, a message of Mosaic is in no error, and of its codes only
/// digits.
#[tokio::test(start_paused = true)]
async fn threat_21_a_secret_of_mosaic_is_in_a_log_or_a_page() {
    let badly = faults().into_iter().flat_map(with_fault).chain(echoes());
    for (name, act) in successes().into_iter().chain(badly) {
        let log = Log::default();
        let listening = log.listen();
        let stage = Stage::new();
        let pages = act(&stage).await;
        drop(listening);
        let secrets = assert_unseen(&name, &stage, &pages, &log.text());
        if name == "all well" {
            let there = |one: &&str| secrets.has(one);
            assert!(EACH.iter().all(there), "something is not looked for");
        }
    }
}

/// As before, with what libraries write. Guard: header values that are `sensitive`.
#[tokio::test]
async fn threat_21_a_secret_of_mosaic_is_in_the_log_of_a_library() {
    for (name, act) in successes() {
        let log = Log::default();
        let listening = log.listen();
        let stage = Stage::over_sockets().await;
        let pages = act(&stage).await;
        drop(listening);
        let text = log.text();
        assert!(text.contains("reqwest"), "{name}");
        assert_unseen(&name, &stage, &pages, &text);
    }
}
