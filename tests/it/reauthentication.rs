//! Sessions without a refresh token that their browser renews, by `prompt=none`.

use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tower_sso::simulator::{Endpoint, Fault, SilentAnswer};
use tower_sso::{
    AccessToken, BoxError, Decision, Enrichment, Identity, Policy, RequireLayer, Revalidation,
    Session, SsoBuilder,
};

use crate::support::{App, Page};

/// When the access token of a sign-in is about to end: it lives an hour.
const DUE: Duration = Duration::from_secs(3540);
const INTERVAL: Duration = Duration::from_secs(300);

/// Somebody who is signed in without a refresh token, and what the app shows of their session.
async fn signed_in(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> App {
    let app = App::with(|builder| configure(builder.revalidation(Revalidation::OnTokenExpiry)));
    let times = |session: Session| async move {
        Json(json!({
            "public_id": session.public_id(),
            "began": session.created_at().0,
            "ends": session.absolute_expires_at().0,
            "idle": session.idle_expires_at().0,
            "auth_time": session.auth_time().map(|time| time.0),
        }))
    };
    let left =
        |token: AccessToken| async move { token.expires_in().unwrap().as_secs().to_string() };
    let login = || RequireLayer::new(Policy::login());
    let routes = Router::new()
        .route("/times", get(times).layer(login()))
        .route("/left", get(left).layer(login()));
    app.serve(app.sso.into_axum(app.routes().merge(routes)));
    app.sign_in("/protected").await;
    app
}

async fn due(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> App {
    let app = signed_in(configure).await;
    app.clock.advance(DUE);
    app
}

fn asked(app: &App) -> u64 {
    app.idp().requests(Endpoint::Authorize)
}

fn claim(name: &str, value: impl Into<Value>) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), Some(value.into()))
}

fn silent(code: &str) -> Fault {
    Fault::SilentAnswer(SilentAnswer::Error(code.to_owned()))
}

fn assert_at(page: &Page, path: &str) {
    let here = format!("{}{path}", App::URL);
    assert_eq!(
        (page.url.as_str(), page.status),
        (&*here, StatusCode::OK),
        "{}",
        page.html()
    );
}

#[tokio::test]
async fn a_navigation_renews_the_session_in_its_place() {
    let app = signed_in(|builder| builder).await;
    let (cookie, before) = (app.session_cookie(), app.visit("/times").await.json());
    app.clock.advance(DUE - Duration::from_secs(1));
    assert_at(&app.visit("/left").no_follow().await, "/left");
    app.clock.advance(Duration::from_secs(1));
    let page = app.visit("/left?a=b").await;
    assert_at(&page, "/left?a=b");
    assert_eq!(page.html(), "3600", "with a new access token");
    let asks = page.hop(App::IDP).unwrap().url.to_string();
    assert!(
        asks.contains("prompt=none") && asks.contains("id_token_hint="),
        "{asks}"
    );
    assert_eq!(app.session_cookie(), cookie);
    let mut after = app.visit("/times").no_follow().await.json();
    after["idle"] = before["idle"].clone();
    assert_eq!(after, before, "the same session, with its old end");
    assert_eq!((asked(&app), app.idp().code_grants()), (2, 2));
}

#[tokio::test]
async fn what_is_no_navigation_is_served_as_before() {
    let app = due(|builder| builder).await;
    let open = app.visit("/static").await;
    for page in [
        open.fetch("/protected").await,
        open.frame("/protected").await,
        open.prefetch("/protected").await,
        open.load("/protected").await,
        open.follow("/protected").header("hx-request", "true").await,
        open.follow("/transfer").post_form(&[]).await,
        app.visit("/").await,
    ] {
        assert_eq!(page.status, 200, "{}", page.html());
        assert!(page.hop(App::IDP).is_none());
    }
    assert_eq!(asked(&app), 1);
    assert_at(&app.visit("/extractor").await, "/extractor");
    assert_eq!(asked(&app), 2, "an extractor protects, too");
}

#[tokio::test]
async fn only_who_asks_for_it_by_name_sends_people_round() {
    let every = Revalidation::Every(Duration::from_secs(600));
    for (option, after, times) in [
        (Revalidation::Auto, 3599, 1),
        (Revalidation::default(), 3599, 1),
        (Revalidation::Never, 3599, 1),
        (every, 599, 1),
        (every, 600, 2),
    ] {
        let app = signed_in(|builder| builder.revalidation(option)).await;
        app.clock.advance(Duration::from_secs(after));
        assert_at(&app.visit("/protected").await, "/protected");
        assert_eq!(asked(&app), times, "{option:?} {after}");
    }
}

#[tokio::test]
async fn new_claims_are_judged_at_the_way_back() {
    let hook = |identity: Identity| async move {
        let groups = identity.claims.all.get("groups").map(Value::to_string);
        let admin = groups.is_some_and(|groups| groups.contains("admin"));
        let role = if admin { "admin" } else { "nobody" };
        Ok::<_, BoxError>(Decision::Enrich(Enrichment::new().add_role(role)))
    };
    let app = due(|builder| builder.on_identity(hook)).await;
    app.idp().set_fault(claim("groups", json!(["staff"])));
    assert_eq!(app.visit("/admin").await.status, 403);
    assert_at(&app.visit("/protected").no_follow().await, "/protected");
}

/// Unlike at a refresh (Core 12.2), the provider speaks of an authentication that it sees now.
#[tokio::test]
async fn auth_time_is_that_of_the_new_id_token() {
    let app = due(|builder| builder).await;
    let now = 1_800_000_000 + DUE.as_secs();
    app.idp().set_fault(claim("auth_time", now));
    app.visit("/protected").await;
    assert_at(&app.visit("/recent").no_follow().await, "/recent");
}

/// A page that wants a stronger sign-in gets that, which brings new tokens by itself.
#[tokio::test]
async fn a_step_up_is_not_preceded_by_a_silent_round() {
    let app = due(|builder| builder).await;
    app.person("alice", &["pwd", "otp", "mfa"]);
    assert_at(&app.visit("/mfa").await, "/mfa");
    assert_eq!(asked(&app), 2);
}

#[tokio::test]
async fn what_says_nothing_of_the_session_leaves_it_as_it_was() {
    for fault in [
        silent("interaction_required"),
        silent("consent_required"),
        silent("account_selection_required"),
        silent("server_error"),
        silent("temporarily_unavailable"),
        silent("access_denied"),
        silent("invalid_request"),
        silent("whatever"),
        Fault::Status(Endpoint::Token, 500, None),
        Fault::Garbage(Endpoint::Token),
        Fault::TokenError("invalid_grant".into()),
        claim("nonce", "another"),
        Fault::BadSignature,
        Fault::IssParameter(Some("https://evil.example".into())),
        Fault::WrongState,
        Fault::OmitState,
    ] {
        let app = due(|builder| builder).await;
        let cookie = app.session_cookie();
        app.idp().set_fault(fault.clone());
        app.visit("/protected").await;
        assert_at(&app.visit("/protected").no_follow().await, "/protected");
        assert_eq!(app.session_cookie(), cookie, "{fault:?}");
        assert_eq!(asked(&app), 2, "{fault:?}: once");
        app.idp().clear_faults();
        app.clock.advance(INTERVAL - Duration::from_secs(1));
        assert_at(&app.visit("/protected").no_follow().await, "/protected");
        app.clock.advance(Duration::from_secs(1));
        assert_at(&app.visit("/protected").await, "/protected");
        assert_eq!(asked(&app), 3, "{fault:?}: again after the interval");
        assert_eq!(app.session_cookie(), cookie, "{fault:?}");
    }
}

/// The person is left at the provider; the app goes on as it was.
#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_send_the_browser_back_ends_nothing() {
    for answer in [SilentAnswer::Page, SilentAnswer::Never] {
        let app = due(|builder| builder).await;
        app.idp().set_fault(Fault::SilentAnswer(answer.clone()));
        let minute = Duration::from_secs(60);
        let left = tokio::time::timeout(minute, app.visit("/protected")).await;
        let page = left
            .ok()
            .map(|page| page.url.origin().ascii_serialization());
        let shown = (answer == SilentAnswer::Page).then(|| App::IDP.to_owned());
        assert_eq!(page, shown, "{answer:?}");
        assert_at(&app.visit("/protected").no_follow().await, "/protected");
    }
}

#[tokio::test]
async fn the_providers_word_ends_the_session() {
    let past = 1_800_000_000 + DUE.as_secs();
    for fault in [
        silent("login_required"),
        Fault::SilentAnswer(SilentAnswer::CodeFor("bob".into())),
        claim("session_expiry", past),
    ] {
        let app = due(|builder| builder).await;
        app.idp().set_fault(fault.clone());
        let old = app.browser.copy();
        let callback = app.until_callback("/protected").await;
        let page = app
            .browser
            .visit_from(App::IDP, &callback)
            .no_follow()
            .await;
        assert_eq!(page.location().unwrap().path(), "/protected", "{fault:?}");
        let home = format!("{}/", App::URL);
        for browser in [&app.browser, &old] {
            assert_eq!(browser.visit(&home).await.html(), "nobody", "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_provider_without_the_person_ends_the_session_and_asks_who_it_is() {
    let app = due(|builder| builder).await;
    app.idp().end_sessions();
    let old = app.session_cookie();
    let page = app.visit("/protected").await;
    assert_at(&page, "/protected");
    assert_ne!(app.session_cookie(), old, "signed in anew");
    assert_eq!(asked(&app), 3, "at the sign-in, silently, by the person");
}

#[tokio::test]
async fn a_person_whom_the_app_refuses_now_is_signed_out() {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let hook = move |_: Identity| {
        let first = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        async move {
            Ok::<_, BoxError>(match first {
                true => Decision::Accept,
                false => Decision::Refuse("gone".into()),
            })
        }
    };
    let app = due(|builder| builder.on_identity(hook)).await;
    assert_eq!(app.visit("/protected").await.status, 403);
    assert_eq!(app.visit("/").await.html(), "nobody");
}

#[tokio::test]
async fn the_end_that_the_provider_names_counts_if_it_is_earlier() {
    let now = 1_800_000_000 + DUE.as_secs();
    let absolute = 1_800_000_000 + 12 * 3600;
    for (named, ends) in [(now + 100, now + 100), (absolute + 1, absolute)] {
        let app = due(|builder| builder).await;
        app.idp().set_fault(claim("session_expiry", named));
        assert_eq!(app.visit("/times").await.json()["ends"], ends);
    }
}

#[tokio::test]
async fn an_id_token_that_makes_the_url_too_long_gives_way_to_a_name() {
    let app = App::with(|builder| builder.revalidation(Revalidation::OnTokenExpiry));
    app.idp().set_fault(claim("long", "x".repeat(2000)));
    app.sign_in("/protected").await;
    app.clock.advance(DUE);
    let page = app.visit("/protected").await;
    assert_at(&page, "/protected");
    let asks = page.hop(App::IDP).unwrap().url.to_string();
    assert!(asks.contains("login_hint=alice%40example.com"), "{asks}");
    assert!(!asks.contains("id_token_hint"), "{asks}");
}

/// What a session keeps of a token is over at once: the browser is asked all the same once in five minutes.
#[tokio::test]
async fn a_provider_whose_tokens_end_at_once_is_not_asked_at_each_page() {
    let app = due(|builder| builder).await;
    app.idp().set_fault(Fault::ExpiresIn(Some(json!(0))));
    for seconds in [11, 11, 277, 1, 11] {
        assert_at(&app.visit("/protected").await, "/protected");
        app.clock.advance(Duration::from_secs(seconds));
    }
    assert_eq!(asked(&app), 3);
}
