//! Sessions that are renewed by their refresh token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, StatusCode};
use serde_json::json;
use tower::ServiceExt as _;
use tower_sso::AccessToken;
use tower_sso::simulator::{Endpoint, Fault};
use tower_sso::{BoxError, Decision, Enrichment, Identity, Revalidation, SsoBuilder};

use crate::support::App;

fn offline(builder: SsoBuilder) -> SsoBuilder {
    builder.scopes(["openid", "profile", "email", "groups", "offline_access"])
}

/// Somebody who is signed in with a refresh token.
async fn signed_in(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> App {
    let app = App::with(|builder| configure(offline(builder)));
    app.sign_in("/protected").await;
    app
}

fn seconds(app: &App, seconds: u64) {
    app.clock.advance(Duration::from_secs(seconds));
}

async fn status(app: &App, path: &str) -> StatusCode {
    app.visit(path).no_follow().await.status
}

fn claim(name: &str, value: serde_json::Value) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), Some(value))
}

#[tokio::test]
async fn a_session_is_renewed_a_minute_ahead_and_keeps_its_cookie() {
    let app = signed_in(|builder| builder).await;
    let cookie = app.session_cookie();
    seconds(&app, 3539);
    assert_eq!(status(&app, "/protected").await, 200);
    assert_eq!(app.idp().refresh_grants(), 0);
    seconds(&app, 1);
    assert_eq!(status(&app, "/static").await, 200);
    assert_eq!(app.idp().refresh_grants(), 0, "nobody asked who it is");
    for path in ["/protected", "/extractor", "/"] {
        assert_eq!(status(&app, path).await, 200, "{path}");
        assert_eq!(app.idp().refresh_grants(), 1, "{path}");
    }
    assert_eq!(app.session_cookie(), cookie);
}

#[tokio::test]
async fn extractors_and_optional_ones_renew_too() {
    for path in ["/extractor", "/"] {
        let app = signed_in(|builder| builder).await;
        seconds(&app, 3540);
        assert_eq!(status(&app, path).await, 200);
        assert_eq!(app.idp().refresh_grants(), 1, "{path}");
    }
}

#[tokio::test]
async fn without_a_refresh_token_a_session_serves_until_its_own_end() {
    let app = App::with(|builder| builder);
    app.sign_in("/protected").await;
    seconds(&app, 3599);
    assert_eq!(status(&app, "/protected").await, 200);
    assert_eq!(app.idp().requests(Endpoint::Token), 1);
}

#[tokio::test]
async fn the_option_says_when() {
    let every = Revalidation::Every(Duration::from_secs(100));
    for (option, after, grants) in [
        (Revalidation::Never, 3599, 0),
        (every, 99, 0),
        (every, 100, 1),
    ] {
        let app = signed_in(|builder| builder.revalidation(option)).await;
        seconds(&app, after);
        assert_eq!(status(&app, "/protected").await, 200);
        assert_eq!(app.idp().refresh_grants(), grants, "{option:?} {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_for_a_thousand_requests() {
    let app = signed_in(|builder| builder).await;
    app.idp()
        .set_fault(Fault::Slow(Endpoint::Token, Duration::from_millis(100)));
    seconds(&app, 3599);
    let cookie = format!("{}={}", App::COOKIE, app.session_cookie().unwrap());
    let service = app.sso.into_axum(app.routes());
    let requests: Vec<_> = (0..1000)
        .map(|_| {
            let request = Request::get("/protected")
                .header("cookie", &cookie)
                .body(axum::body::Body::empty())
                .unwrap();
            tokio::spawn(service.clone().oneshot(request))
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(
        app.idp().requests(Endpoint::Token),
        2,
        "sign-in and refresh"
    );
    assert_eq!(app.idp().reuse_detected(), 0);
}

#[tokio::test]
async fn a_revoked_grant_ends_the_session() {
    let app = signed_in(|builder| builder).await;
    app.idp().revoke_refresh_tokens();
    seconds(&app, 3540);
    let page = app.visit("/protected").no_follow().await;
    assert!(page.location().unwrap().as_str().starts_with(App::IDP));
    assert_eq!(app.visit("/").await.html(), "nobody");
    assert_eq!(app.idp().requests(Endpoint::Token), 2, "asked once");
}

#[tokio::test]
async fn threat_26_what_may_pass_ends_nothing() {
    for fault in [
        Fault::Status(Endpoint::Token, 500, None),
        Fault::Status(Endpoint::Token, 429, Some(5)),
        Fault::Status(Endpoint::Token, 404, None),
        Fault::Garbage(Endpoint::Token),
        Fault::HugeBody(Endpoint::Token),
        Fault::Redirect(Endpoint::Token),
        Fault::TokenError("invalid_client".into()),
    ] {
        let app = signed_in(|builder| builder).await;
        app.idp().set_fault(fault.clone());
        seconds(&app, 3540);
        for _ in 0..3 {
            assert_eq!(status(&app, "/protected").await, 200, "{fault:?}: it lives");
        }
        assert_eq!(
            app.idp().requests(Endpoint::Token),
            2,
            "{fault:?}: remembered"
        );
        seconds(&app, 60);
        let page = app.visit("/protected").no_follow().await;
        assert_eq!(page.status, 503, "{fault:?}: {}", page.html());
        let after: u64 = page.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=45).contains(&after), "{fault:?}: {after}");
        app.idp().clear_faults();
        seconds(&app, after);
        assert_eq!(status(&app, "/protected").await, 200, "{fault:?}: healed");
        assert_eq!(app.idp().reuse_detected(), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is_left_alone_by_everybody() {
    let app = signed_in(|builder| builder).await;
    let other = app.browser.stranger();
    let protected = format!("{}/protected", App::URL);
    assert_eq!(other.visit(&protected).await.status, 200);
    let calls = app.idp().requests(Endpoint::Token);
    app.idp()
        .set_fault(Fault::Status(Endpoint::Token, 429, Some(30)));
    seconds(&app, 3540);
    assert_eq!(status(&app, "/protected").await, 200);
    assert_eq!(other.visit(&protected).no_follow().await.status, 200);
    assert_eq!(app.idp().requests(Endpoint::Token), calls + 1);
    seconds(&app, 30);
    assert_eq!(other.visit(&protected).no_follow().await.status, 200);
    assert_eq!(app.idp().requests(Endpoint::Token), calls + 2);
}

#[tokio::test(start_paused = true)]
async fn threat_26_a_provider_that_hangs_ends_nothing() {
    let app = signed_in(|builder| builder).await;
    app.idp()
        .set_fault(Fault::Slow(Endpoint::Token, Duration::from_secs(9)));
    seconds(&app, 3540);
    let patient = app.visit("/protected").no_follow();
    let impatient = tokio::time::timeout(Duration::from_secs(1), app.visit("/protected"));
    let (patient, impatient) = tokio::join!(async { patient.await.status }, impatient);
    assert_eq!(patient, 200);
    assert!(impatient.is_err(), "went away");
    assert_eq!(app.idp().requests(Endpoint::Token), 2);
    assert_eq!(status(&app, "/protected").await, 200);
}

#[tokio::test]
async fn threat_24_a_refreshed_id_token_is_checked_in_full() {
    for (name, value) in [
        ("sub", json!("bob")),
        ("iss", json!("https://evil.example")),
        ("aud", json!("another")),
        ("azp", json!("another")),
        ("nonce", json!("another")),
        ("exp", json!(1)),
        ("at_hash", json!("wrong")),
    ] {
        let app = signed_in(|builder| builder).await;
        app.idp().set_fault(claim(name, value));
        seconds(&app, 3540);
        let page = app.visit("/protected").no_follow().await;
        assert!(page.location().is_some(), "{name}: {}", page.html());
        assert_eq!(app.visit("/").await.html(), "nobody", "{name}");
    }
    let app = signed_in(|builder| builder).await;
    app.idp().set_fault(Fault::BadSignature);
    seconds(&app, 3540);
    assert_eq!(status(&app, "/protected").await, 303);
}

#[tokio::test]
async fn threat_25_new_claims_are_judged_in_the_same_request() {
    let hook = |identity: Identity| async move {
        let groups = identity.claims.all.get("groups");
        let admin = groups.is_some_and(|groups| groups.to_string().contains("admin"));
        Ok::<_, BoxError>(match admin {
            true => Decision::Enrich(Enrichment::new().add_role("admin")),
            false => Decision::Accept,
        })
    };
    let app = signed_in(|builder| builder.on_identity(hook)).await;
    assert_eq!(status(&app, "/admin").await, 200);
    app.idp().set_fault(claim("groups", json!(["staff"])));
    seconds(&app, 3540);
    assert_eq!(status(&app, "/admin").await, 403);
    assert_eq!(status(&app, "/protected").await, 200);
}

#[tokio::test]
async fn a_person_whom_the_app_refuses_at_a_refresh_is_signed_out() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let hook = move |_: Identity| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            Ok::<_, BoxError>(match first {
                true => Decision::Accept,
                false => Decision::Refuse("gone".into()),
            })
        }
    };
    let app = signed_in(|builder| builder.on_identity(hook)).await;
    seconds(&app, 3540);
    assert_eq!(status(&app, "/protected").await, 303);
    assert_eq!(app.visit("/").await.html(), "nobody");
}

#[tokio::test]
async fn threat_44_a_later_auth_time_does_not_satisfy_max_age() {
    let app = signed_in(|builder| builder).await;
    assert_eq!(status(&app, "/recent").await, 200);
    seconds(&app, 3540);
    app.idp()
        .set_fault(claim("auth_time", json!(1_800_003_540)));
    let page = app.visit("/recent").no_follow().await;
    assert!(page.location().unwrap().as_str().contains("max_age=60"));
    assert_eq!(app.idp().refresh_grants(), 1);
    assert_eq!(status(&app, "/protected").await, 200);
}

#[tokio::test]
async fn a_refresh_without_an_id_token_or_a_new_refresh_token_is_enough() {
    for fault in [Fault::NoIdToken, Fault::NoRefreshToken] {
        let app = signed_in(|builder| builder).await;
        app.idp().set_fault(fault.clone());
        for grants in 1..3 {
            seconds(&app, 3540);
            assert_eq!(status(&app, "/protected").await, 200, "{fault:?}");
            assert_eq!(app.idp().refresh_grants(), grants, "{fault:?}");
        }
        assert_eq!(app.idp().reuse_detected(), 0, "{fault:?}");
    }
}

#[tokio::test]
async fn any_lifetime_that_a_refresh_states_is_survived() {
    for value in [
        json!(null),
        json!(-1),
        json!("60"),
        json!("soon"),
        json!(u64::MAX),
        json!(1e300),
    ] {
        let app = signed_in(|builder| builder).await;
        app.idp().set_fault(Fault::ExpiresIn(Some(value.clone())));
        for _ in 0..3 {
            seconds(&app, 3000);
            assert_eq!(status(&app, "/protected").await, 200, "{value}");
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_not_lost_when_the_keys_can_t_be_had() {
    let app = signed_in(|builder| builder).await;
    app.idp().rotate_keys();
    app.idp()
        .set_fault(Fault::Status(Endpoint::Jwks, 500, None));
    seconds(&app, 3540);
    assert_eq!(status(&app, "/protected").await, 200);
    assert_eq!(app.idp().refresh_grants(), 1);
    app.idp().clear_faults();
    seconds(&app, 50);
    assert_eq!(status(&app, "/protected").await, 200);
    assert_eq!(
        (app.idp().refresh_grants(), app.idp().reuse_detected()),
        (2, 0)
    );
}

#[tokio::test]
async fn an_access_token_lives_a_while_longer_whatever_the_option_says() {
    let app = signed_in(|builder| builder.revalidation(Revalidation::Never)).await;
    let handler = |token: AccessToken| async move {
        format!(
            "{} {}",
            token.expose().len(),
            token.expires_in().unwrap().as_secs()
        )
    };
    let routes = axum::Router::new().route("/token", axum::routing::get(handler));
    app.serve(app.sso.into_axum(routes));
    let left = async || {
        let page = app.visit("/token").no_follow().await;
        page.html().split(' ').nth(1).map(str::to_owned)
    };
    seconds(&app, 3539);
    assert_eq!(left().await.as_deref(), Some("61"));
    seconds(&app, 1);
    assert_eq!(left().await.as_deref(), Some("3600"));
    assert_eq!(app.idp().refresh_grants(), 1);
}

#[tokio::test]
async fn an_access_token_that_is_over_and_can_t_be_renewed_is_no_token() {
    let app = App::new();
    app.sign_in("/protected").await;
    let handler = |_: AccessToken| async {};
    let routes = axum::Router::new().route("/token", axum::routing::get(handler));
    app.serve(app.sso.into_axum(routes));
    seconds(&app, 3599);
    assert_eq!(status(&app, "/token").await, 200);
    seconds(&app, 1);
    let page = app.visit("/token").no_follow().await;
    assert_eq!(page.status, 303);
}

#[tokio::test(start_paused = true)]
async fn threat_18_a_sign_out_wins_over_a_refresh_that_is_under_way() {
    let app = signed_in(|builder| builder).await;
    let left_behind = app.browser.copy();
    app.idp()
        .set_fault(Fault::Slow(Endpoint::Token, Duration::from_secs(2)));
    seconds(&app, 3540);
    let renewing = async {
        left_behind
            .visit(&format!("{}/protected", App::URL))
            .no_follow()
            .await
    };
    let leaving = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let page = app.visit("/auth/logout").await;
        page.submit(&page.only_form()).stop_before(App::IDP).await
    };
    let (page, _) = tokio::join!(renewing, leaving);
    assert_eq!(page.status, 303, "{}", page.html());
    assert_eq!(
        left_behind.visit(&format!("{}/", App::URL)).await.html(),
        "nobody"
    );
}

#[tokio::test(start_paused = true)]
async fn two_replicas_make_one_call() {
    let (mut app, store) = App::with_remote_store();
    let _ = &store;
    let replica = |app: &App| {
        let http = tower_sso::provider::InProcessClient::new(app.simulator.router());
        offline(tower_sso::Sso::builder(App::IDP))
            .client(App::CLIENT, App::SECRET)
            .base_url(App::URL)
            .cookie_key(tower_sso::CookieKey::generate())
            .clock(Arc::new(app.clock.clone()))
            .http_client(Arc::new(http))
            .session_store(Arc::new(store.clone()))
            .build()
            .unwrap()
    };
    let (first, second) = (replica(&app), replica(&app));
    app.sso = first.clone();
    app.serve(first.into_axum(app.routes()));
    app.sign_in("/protected").await;
    app.idp()
        .set_fault(Fault::Slow(Endpoint::Token, Duration::from_secs(1)));
    seconds(&app, 3540);
    let cookie = format!("{}={}", App::COOKIE, app.session_cookie().unwrap());
    let mut requests = Vec::new();
    for sso in [first, second] {
        let service = sso.into_axum(app.routes());
        for _ in 0..25 {
            let request = Request::get("/protected")
                .header("cookie", &cookie)
                .body(axum::body::Body::empty())
                .unwrap();
            requests.push(tokio::spawn(service.clone().oneshot(request)));
        }
    }
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(
        (app.idp().refresh_grants(), app.idp().reuse_detected()),
        (1, 0)
    );
}
