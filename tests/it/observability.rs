//! What an operator sees: audit events, spans, and what the provider does; and what nobody may see.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::Method;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::{BoxError, Decision, Identity, SilentLayer};
use tracing::Level;

use crate::support::{App, Line, Log};

/// The fields of an audit event.
fn event<const N: usize>(fields: [(&'static str, &str); N]) -> BTreeMap<&'static str, String> {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}

fn refusal(outcome: &str, reason: &str) -> BTreeMap<&'static str, String> {
    event([
        ("event", "refusal"),
        ("outcome", outcome),
        ("reason", reason),
    ])
}

fn failure(
    event_name: &str,
    subject: Option<&str>,
    reason: &str,
) -> BTreeMap<&'static str, String> {
    let mut fields = event([
        ("event", event_name),
        ("outcome", "failure"),
        ("iss", App::IDP),
        ("reason", reason),
    ]);
    fields.extend(subject.map(|subject| ("sub", subject.to_owned())));
    fields
}

#[tokio::test]
async fn each_step_of_a_person_is_in_the_audit() {
    let log = Log::start();
    let app = App::new();
    let page = app.sign_in("/protected").await.json();
    let public_id = page["public_id"].as_str().unwrap();
    let alice = [
        ("iss", App::IDP),
        ("sub", "alice"),
        ("public_id", public_id),
    ];
    let of_alice = |mut fields: BTreeMap<&'static str, String>| {
        fields.extend(event(alice));
        fields
    };
    let success = |name| of_alice(event([("event", name), ("outcome", "success")]));
    assert_eq!(
        log.audit(),
        [
            refusal("sign_in", "sign-in is required"),
            success("sign_in")
        ]
    );

    app.visit("/admin").await;
    let reason = "this page needs the role admin";
    assert_eq!(log.audit(), [of_alice(refusal("forbidden", reason))]);

    app.person("alice", &["pwd", "otp", "mfa"]);
    app.sign_in("/mfa").await;
    let reason = "this page needs a second factor";
    assert_eq!(
        log.audit(),
        [of_alice(refusal("step_up", reason)), success("step_up")]
    );

    let attack = app.browser.visit_from("https://evil.example/", App::URL);
    let evil = attack.await;
    evil.follow("/transfer")
        .method(Method::POST)
        .header("sec-fetch-site", "cross-site")
        .await;
    let reason = "an unsafe request came from another site";
    assert_eq!(log.audit(), [of_alice(refusal("cross_site", reason))]);

    let asked = app.visit("/auth/logout").await;
    let forged = evil.follow("/auth/logout").post_form(&[]);
    forged.header("sec-fetch-site", "cross-site").await;
    let reason = "a sign-out must be asked for by a page of this site";
    assert_eq!(log.audit(), [refusal("cross_site", reason)]);
    asked.submit(&asked.only_form()).await;
    assert_eq!(log.audit(), [success("sign_out")]);
}

#[tokio::test]
async fn a_failing_store_is_in_the_audit() {
    let log = Log::start();
    let (app, store) = App::with_remote_store();
    app.sign_in("/protected").await;
    log.take();
    store.set_failing(true);
    app.visit("/protected").await;
    assert_eq!(
        log.audit(),
        [refusal("unavailable", "the session store does not answer")]
    );
}

#[tokio::test]
async fn each_failed_sign_in_is_in_the_audit_with_its_reason() {
    async fn hook(identity: Identity) -> Result<Decision, BoxError> {
        Ok(match identity.claims.subject.as_str() {
            "bob" => Decision::Refuse("the account is closed".to_owned()),
            _ => Decision::Accept,
        })
    }
    let log = Log::start();
    let app = App::with(|builder| builder.on_identity(hook));
    let failures = || {
        let mut events = log.audit();
        events.retain(|event| event["event"] != "refusal");
        events
    };

    app.idp().set_fault(Fault::BadSignature);
    app.visit("/protected").await;
    let failed = failures();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["outcome"], "failure");
    assert!(failed[0]["reason"].contains("signature"), "{failed:?}");
    app.idp().clear_faults();

    let error = Fault::AuthorizeError("access_denied".into(), None);
    app.idp().set_fault(error);
    app.visit("/protected").await;
    assert_eq!(failures(), [failure("sign_in", None, "access_denied")]);
    app.idp().clear_faults();

    app.idp().end_sessions();
    app.person("bob", &["pwd"]);
    app.visit("/protected").await;
    let refused = failure("sign_in", Some("bob"), "refused by the app");
    assert_eq!(failures(), [refused]);

    app.idp().end_sessions();
    app.person("alice", &["pwd"]);
    let callback = app.until_callback("/protected").await;
    let thief = app.browser.copy();
    let stranger = app.browser.stranger();
    stranger.visit(&callback).await;
    let unknown = "the attempt is not known in this browser";
    assert_eq!(failures(), [failure("sign_in", None, unknown)]);
    app.browser.visit(&callback).await;
    assert_eq!(failures()[0]["outcome"], "success");
    thief.visit(&callback).await;
    let used = "the attempt was used before";
    assert_eq!(failures(), [failure("sign_in", None, used)]);

    let callback = app.until_callback("/mfa").await;
    let cookies = app.browser.cookies().into_iter();
    let cookies: Vec<_> = cookies
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    app.clock.advance(Duration::from_secs(601));
    let hoarder = app.browser.stranger().visit(&callback);
    hoarder.header("cookie", &cookies.join("; ")).await;
    let late = "the attempt took too long";
    assert_eq!(failures(), [failure("step_up", None, late)]);
}

#[tokio::test]
async fn another_account_at_a_step_up_is_in_the_audit() {
    let log = Log::start();
    let app = App::new();
    app.sign_in("/protected").await;
    app.person("alice", &["pwd", "otp", "mfa"]);
    let bob = Fault::IdTokenClaim("sub".into(), Some("bob".into()));
    app.idp().set_fault(bob);
    app.visit("/mfa").await;
    let reason = "another account came back to a step-up";
    let events = log.audit();
    assert_eq!(
        events.last(),
        Some(&failure("step_up", Some("bob"), reason))
    );
}

/// Who would need a page is the outcome of a silent attempt (OpenID Connect Core 3.1.2.6): nothing has failed.
#[tokio::test]
async fn nobody_who_is_asked_silently_is_no_failure() {
    let log = Log::start();
    for (code, fails) in [
        ("login_required", false),
        ("interaction_required", false),
        ("consent_required", false),
        ("account_selection_required", false),
        ("server_error", true),
    ] {
        let app = App::new();
        let silent = get(|| async { "for all" }).layer(SilentLayer::new());
        app.serve(app.sso.into_axum(Router::new().route("/", silent)));
        let refuses = Fault::AuthorizeError(code.to_owned(), None);
        app.idp().set_fault(refuses);
        log.take();
        assert_eq!(app.visit("/").await.html(), "for all");
        let mut events = log.audit();
        events.retain(|event| event["event"] == "sign_in");
        let expected = fails.then(|| failure("sign_in", None, code));
        assert_eq!(events, Vec::from_iter(expected), "{code}");
    }
}

#[tokio::test]
async fn what_the_provider_does_is_logged() {
    let log = Log::start();
    let app = App::new();
    let of_provider = |level: Level| {
        let lines = log.take().into_iter();
        let lines = lines.filter(|line| line.target.starts_with("tower_sso::provider"));
        let mut lines: Vec<Line> = lines.collect();
        lines.retain(|line| line.level == level);
        for line in &lines {
            assert_eq!(line.fields["issuer"], App::IDP);
        }
        lines
    };
    let down = Fault::Status(Endpoint::Discovery, 503, None);
    app.idp().set_fault(down);
    app.visit("/protected").await;
    let lines = of_provider(Level::WARN);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].fields["error"].contains("503"), "{lines:?}");

    app.idp().clear_faults();
    app.clock.advance(Duration::from_secs(60));
    app.sign_in("/protected").await;
    let lines = of_provider(Level::DEBUG);
    let messages: Vec<_> = lines.iter().map(|line| &*line.fields["message"]).collect();
    assert_eq!(
        messages,
        [
            "fetched the provider's metadata",
            "fetched the provider's keys"
        ]
    );
    assert_eq!(lines[1].fields["keys"], "1");

    app.idp().rotate_keys();
    let down = Fault::Status(Endpoint::Jwks, 500, None);
    app.idp().set_fault(down);
    app.visit("/auth/login?prompt=login").await;
    let lines = of_provider(Level::WARN);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].fields["error"].contains("500"), "{lines:?}");
}

#[tokio::test]
async fn only_what_we_answer_has_a_span_and_that_is_for_debugging() {
    let log = Log::start();
    let app = App::new();
    let spans = || {
        let mut lines = log.take();
        lines.retain(|line| line.is_span);
        let lines = lines.into_iter();
        lines
            .map(|line| {
                assert_eq!(line.level, Level::DEBUG);
                let names: Vec<_> = line.fields.keys().copied().collect();
                assert_eq!(names, ["method", "path"]);
                format!("{} {}", line.fields["method"], line.fields["path"])
            })
            .collect::<Vec<_>>()
    };
    app.sign_in("/protected?tab=2").await;
    assert_eq!(spans(), ["GET /protected", "GET /auth/callback"]);
    let page = app.visit("/protected").await;
    page.follow("/static").await;
    app.visit("/").await;
    let quiet = log.take();
    assert!(quiet.is_empty(), "a request that passes: {quiet:?}");
}

/// Threat 21, for all that is logged at any level.
#[tokio::test]
async fn no_secret_and_no_query_is_logged() {
    let log = Log::start();
    let app = App::new();
    let mut secrets = vec![App::SECRET.to_owned()];
    let mut keep = |url: &str| {
        let url = url::Url::parse(url).unwrap();
        let values = url.query_pairs().map(|(_, value)| value.into_owned());
        secrets.extend(values.filter(|value| value.len() >= 20 && !value.starts_with("https:")));
    };
    let start = app.visit("/protected?token=0123456789").no_follow().await;
    keep(start.location().unwrap().as_str());
    let callback = app.until_callback("/protected?token=0123456789").await;
    keep(&callback);
    let page = app.browser.visit(&callback).await;
    assert_eq!(page.status, 200);
    let cookie = app.session_cookie().unwrap();
    app.visit("/admin").await;
    app.visit("/mfa").await;
    app.browser.visit(&callback).await;
    app.visit("/auth/callback?code=abcdefghijklmno&state=nobodys-state&iss=x")
        .await;
    for fault in [
        Fault::Status(Endpoint::Token, 500, None),
        Fault::Garbage(Endpoint::Token),
        Fault::BadSignature,
    ] {
        app.idp().set_fault(fault);
        app.visit("/auth/login?login_hint=someone-somewhere").await;
        app.idp().clear_faults();
    }
    let asked = app.visit("/auth/logout").await;
    asked.submit(&asked.only_form()).await;

    assert!(secrets.len() >= 5, "{secrets:?}");
    secrets.extend(["0123456789", "abcdefghijklmno", "nobodys-state"].map(str::to_owned));
    secrets.extend(["someone-somewhere", "eyJ", &cookie, "alice@example.com"].map(str::to_owned));
    let lines = log.take();
    assert!(lines.len() > 20, "{}", lines.len());
    for line in lines {
        for (name, value) in &line.fields {
            let leaks = secrets.iter().any(|secret| value.contains(secret.as_str()));
            assert!(!leaks && !value.contains("?"), "{name} of {line:?}");
        }
    }
}
