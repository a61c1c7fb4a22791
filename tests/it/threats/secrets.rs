//! What must be read nowhere: pages, problem documents, `Debug`, logs.

use std::sync::{Arc, Mutex};

use http::Method;
use tower::Layer as _;
use tower_sso::AccessToken;
use tower_sso::session::store::MemoryStore;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::{Auth, BoxError, Decision, Identity, Policy, RequireLayer, Session, User};

use super::known_secrets::{Log, Secrets, key, known_secrets};
use super::{Mood, Wiretap, builder, deploy, on_hostile_store, tapped};
use crate::support::App;

/// Tokens, codes and cookies have been found in the logs of most systems of this field. Guard: `Secret`,
/// spans and events that name a path and never a query.
#[tokio::test]
async fn threat_21_a_secret_is_in_a_log_or_a_page() {
    let log = Log::default();
    let listening = log.listen();
    let (app, tap) = tapped(|builder| {
        builder.cookie_key(key()).userinfo(true).scopes([
            "openid",
            "profile",
            "email",
            "offline_access",
        ])
    });
    let mut secrets = known_secrets();
    secrets.add("query of the app", "6f1c0b9e2d7a48f35b");
    let mut pages = vec![app.visit("/auth/login").no_follow().await];
    pages.push(app.visit("/protected?token=6f1c0b9e2d7a48f35b").await);
    let home = app.visit("/").await;
    pages.push(home.fetch("/mfa").await);
    pages.push(home.fetch("/admin").await);
    pages.push(home.frame("/mfa").no_follow().await);
    pages.push(app.visit("/admin").await);
    pages.push(app.visit("/auth/session").await);
    app.person("alice", &["pwd", "otp", "mfa"]);
    pages.push(app.visit("/mfa").await);
    app.idp().set_fault(Fault::WeakStepUp);
    pages.push(app.visit("/acr").await);
    app.idp().set_fault(Fault::IgnoreIdTokenHint);
    app.person("bob", &["pwd", "hwk"]);
    app.idp().clear_faults();

    // Failures of all kinds, with an attempt under way and a code in the URL.
    for fault in [
        Fault::BadSignature,
        Fault::NoIdToken,
        Fault::UserInfoSub("evil".into()),
        Fault::Garbage(Endpoint::Token),
        Fault::Garbage(Endpoint::UserInfo),
        Fault::Status(Endpoint::Token, 500, None),
        Fault::Status(Endpoint::Token, 400, None),
        Fault::IssParameter(None),
        Fault::DuplicateCode,
        Fault::WrongState,
        Fault::OmitState,
        Fault::AuthorizeError("access_denied".into(), None),
        Fault::IdTokenClaim("nonce".into(), Some("another".into())),
    ] {
        app.idp().set_fault(fault);
        pages.push(app.visit("/auth/login?prompt=login").await);
        app.idp().clear_faults();
        app.clock.advance(std::time::Duration::from_secs(13));
    }
    // The provider refuses a grant and repeats it.
    tap.forge(|token| format!("not.a.{token}"));
    pages.push(app.visit("/auth/login?prompt=login").await);
    let callback = pages.last().unwrap().url.clone();
    pages.push(app.browser.stranger().visit(callback.as_str()).await);
    pages.push(app.browser.visit(callback.as_str()).await);
    let logout = app.visit("/auth/logout").await;
    pages.push(logout.submit(&logout.only_form()).await);
    pages.push(logout);
    pages.push(home);
    drop(listening);

    pages.iter().for_each(|page| secrets.add_page(page));
    secrets.add_calls(&tap);
    for name in [
        "code",
        "state",
        "nonce",
        "code_verifier",
        "access_token",
        "id_token",
        "refresh_token",
        "credentials",
        "cookie __Host-sso",
        "cookie __Host-sso-trips",
        "cookie __Host-sso-logout",
    ] {
        assert!(secrets.has(name), "the test has seen no {name}");
    }
    let text = log.text();
    for event in ["signed in", "sign-in failed", "refused", "signed out"] {
        assert!(text.contains(event), "the log is at work: {event}");
    }
    secrets.assert_absent(&text, "the log");
    let ours = pages
        .iter()
        .filter(|page| page.url.as_str().starts_with(App::URL));
    for page in ours {
        let by_the_app = page.status == 200 && !page.url.path().starts_with("/auth/");
        let secrets = secrets.but(if by_the_app { "nonce" } else { "" });
        secrets.assert_absent(&page.html(), &format!("the page {}", page.url.path()));
        for (name, value) in &page.headers {
            if !matches!(name.as_str(), "set-cookie" | "location") {
                let value = String::from_utf8_lossy(value.as_bytes());
                secrets.assert_absent(&value, &format!("the header {name}"));
            }
        }
    }
}

/// As before, for whoever prints a value of ours with `{:?}`. Guard: the `Debug` of `Secret`, `Session`,
/// `Sealer` and of each type that holds one.
#[tokio::test]
async fn threat_21_a_secret_is_in_debug() {
    let printed: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut app = App::new();
    let tap = Wiretap::new(tower_sso::provider::InProcessClient::new(
        app.simulator.router(),
    ));
    let store = Arc::new(MemoryStore::new(Arc::new(app.clock.clone())));
    let by_hook = Arc::clone(&printed);
    let hook = move |identity: Identity| {
        let text = format!("{identity:?} {identity:#?} {:?}", identity.tokens);
        by_hook.lock().unwrap().push(text);
        async { Ok::<_, BoxError>(Decision::Accept) }
    };
    let set_up = builder(&app)
        .cookie_key(key())
        .add_old_cookie_key(key())
        .session_store(Arc::clone(&store) as _)
        .scopes(["openid", "offline_access"])
        .userinfo(true)
        .on_identity(hook)
        .http_client(Arc::new(tap.clone()));
    printed
        .lock()
        .unwrap()
        .push(format!("{set_up:?} {set_up:#?}"));
    let sso = set_up.build().unwrap();
    deploy(&mut app, sso);

    let by_handler = Arc::clone(&printed);
    let handler = move |user: User,
                        session: Session,
                        token: AccessToken,
                        parts: http::request::Parts| async move {
        let auth = Auth::of(&parts.extensions).unwrap();
        let mut printed = by_handler.lock().unwrap();
        printed.push(format!("{token:?} {token:#?}"));
        printed.push(format!(
            "{user:?} {user:#?} {session:#?} {auth:?} {auth:#?}"
        ));
        printed.push(format!("{:?}", parts.extensions));
        printed.push(format!("{:?}", session.public_id()));
        "seen"
    };
    let require = RequireLayer::new(Policy::mfa().role("x").claim_equals("a", "b"));
    let routes = axum::Router::new()
        .route("/seen", axum::routing::get(handler))
        .route(
            "/never",
            axum::routing::get(|| async { "never" }).layer(require.clone()),
        );
    let page_of = |path: &str| app.visit(path);
    super::serve_routes(&app, routes.clone());
    let seen = page_of("/seen").await;
    assert_eq!(seen.html(), "seen");
    let refused = page_of("/never").no_follow().await;
    {
        let mut printed = printed.lock().unwrap();
        printed.push(format!("{:?} {:#?}", app.sso, app.sso));
        printed.push(format!(
            "{:?} {:?}",
            app.sso.layer(),
            app.sso.layer().layer(routes)
        ));
        printed.push(format!("{require:?} {store:?} {:?}", key()));
        printed.push(format!("{:?} {:?}", refused.extensions, seen.extensions));
        printed.push(format!("{:?}", tower_sso::ClientSecret::from(App::SECRET)));
    }
    for (_, record) in
        tower_sso::session::store::SessionStore::find_by_subject(&*store, App::IDP, "alice")
            .await
            .unwrap()
    {
        printed
            .lock()
            .unwrap()
            .push(format!("{record:?} {record:#?}"));
    }
    let mut secrets = known_secrets();
    secrets.add_page(&seen);
    secrets.add_page(&refused);
    secrets.add_calls(&tap);
    assert!(secrets.has("refresh_token") && secrets.has("cookie __Host-sso"));
    let printed = printed.lock().unwrap();
    assert!(printed.len() >= 10, "{}", printed.len());
    for text in printed.iter() {
        secrets.assert_absent(text, "Debug");
    }
}

/// As before, in what errors say, with their causes. Guard: `Error`'s one line, `token_endpoint::interpret`,
/// which repeats nothing of a description.
#[tokio::test]
async fn threat_21_a_secret_is_in_an_error() {
    for fault in [
        Fault::Garbage(Endpoint::Token),
        Fault::BadSignature,
        Fault::Status(Endpoint::Token, 400, None),
        Fault::Status(Endpoint::Token, 503, Some(1)),
        Fault::Redirect(Endpoint::Token),
        Fault::HugeBody(Endpoint::Token),
        Fault::TokenType("x".into()),
    ] {
        let log = Log::default();
        let listening = log.listen();
        let (app, tap) = tapped(|builder| builder.cookie_key(key()));
        app.idp().set_fault(fault.clone());
        let page = app.visit("/protected").await;
        assert!(page.status.is_server_error(), "{fault:?}");
        drop(listening);
        let mut secrets = known_secrets();
        secrets.add_page(&page);
        secrets.add_calls(&tap);
        assert!(
            secrets.has("code") && secrets.has("code_verifier"),
            "{fault:?}"
        );
        secrets.assert_absent(&page.html(), &format!("the page of {fault:?}"));
        secrets.assert_absent(&log.text(), &format!("the log of {fault:?}"));
    }
    let log = Log::default();
    let listening = log.listen();
    let (app, store) = on_hostile_store();
    let page = app.sign_in("/protected").await;
    store.set(Mood::Fails);
    let failed = app.visit("/protected").await;
    app.visit("/auth/logout").method(Method::POST).await;
    drop(listening);
    let mut secrets = Secrets::default();
    secrets.add_page(&page);
    secrets.assert_absent(&log.text(), "the log of a store that fails");
    secrets.assert_absent(&failed.html(), "the page of a store that fails");
    assert!(
        log.text().contains("the session store failed"),
        "{}",
        log.text()
    );
}

/// The session endpoint is for scripts, and a script may be anybody's. Guard: the fields that
/// `endpoint::session::answer` names.
#[tokio::test]
async fn threat_21_the_session_endpoint_gives_tokens_away() {
    let app = App::new();
    let page = app.sign_in("/protected").await;
    let session = app.visit("/auth/session").await.json();
    let mut names: Vec<_> = session.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        ["absolute_seconds", "idle_seconds", "public_id", "signed_in"]
    );
    let cookie = app.session_cookie().unwrap();
    let id = session["public_id"].as_str().unwrap();
    assert!(!cookie.contains(id) && !id.contains(&cookie));
    let line = format!("{}={id}; Path=/; Secure; HttpOnly", App::COOKIE);
    app.browser.set_cookie(App::URL, &line).unwrap();
    let page = page.reload().no_follow().await;
    assert_eq!(page.status, 303, "the public id opens nothing");
    assert_eq!(
        app.browser.document_cookie(App::URL),
        "",
        "no script reads a cookie of ours"
    );
}
