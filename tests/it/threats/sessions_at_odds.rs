//! Shared sessions while a sign-out, another tab, a wrong clock or a failing directory comes between.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use http::StatusCode;
use tower_sso::clock::{Clock as _, TestClock};
use tower_sso::session::directory::{HandleKey, SessionDirectory as _, public_sid};
use tower_sso::{
    BoxError, Decision, Identity, Policy, RequireLayer, Secret, Session, SignIn, SilentLayer,
};

use super::hostile_directory::{HostileDirectory, Whim};
use crate::support::{BackendIdp, LIFE, Sisters, Trouble, settle};

const SESSION: &str = "__Host-sso";

fn at(origin: &str, path: &str) -> String {
    format!("{origin}{path}")
}

async fn signed_in() -> Sisters {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    sisters
}

/// Two apps over a directory that can fail, and a browser that is signed in at the first.
async fn on_hostile_directory() -> (Sisters, HostileDirectory) {
    let clock = TestClock::at(1_800_000_000);
    let directory = HostileDirectory::new(Arc::new(clock.clone()));
    let sisters = Sisters::build(clock, |builder| {
        builder.session_directory(Arc::new(directory.clone()))
    });
    sisters.sign_in("ada").await;
    (sisters, directory)
}

async fn handle_opens(sisters: &Sisters, directory: &HostileDirectory) -> bool {
    let handle = sisters.browser.cookie(Sisters::HANDLE);
    let key = handle.map(|handle| HandleKey::of_cookie(&handle.value));
    match key {
        Some(key) => directory.find(key).await.unwrap().is_some(),
        None => false,
    }
}

/// A page where a link signs in as whom it names; `checked` is for one whose state the app has checked.
async fn come(
    State(idp): State<BackendIdp>,
    Query(query): Query<Vec<(String, String)>>,
    sign_in: SignIn,
) -> StatusCode {
    let checked = query.iter().any(|(name, _)| name == "checked");
    let came = idp.authenticate_actively("mallory", "eml", None).unwrap();
    let sign_in = if checked {
        sign_in.by_checked_link()
    } else {
        sign_in
    };
    match sign_in.finish(came).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::FORBIDDEN,
    }
}

/// A link, or a form with GET, on somebody else's page signs a browser in as who they like. Guard: `SignIn` finishes
/// no request that a page of another site led to.
#[tokio::test]
async fn threat_12_a_link_on_another_site_signs_in_at_the_own_page() {
    let sisters = Sisters::new();
    let routes = Router::new()
        .route("/come", get(come))
        .with_state(sisters.idp.clone());
    let service = sisters.one.into_axum(routes);
    sisters.browser.serve(Sisters::ONE, service);
    let url = at(Sisters::ONE, "/come");
    for from in ["https://evil.example", Sisters::TWO] {
        let page = sisters.browser.visit_from(from, &url).await;
        assert_eq!(page.status, 403, "{from}");
        assert_eq!(page.set_cookies(), Vec::<String>::new(), "{from}");
    }
    let checked = at(Sisters::ONE, "/come?checked=1");
    let from = "https://mail.example";
    assert_eq!(sisters.browser.visit_from(from, &checked).await.status, 200);
    for from in [Some(Sisters::ONE), None] {
        let page = match from {
            Some(own) => sisters.browser.visit_from(own, &url).await,
            None => sisters.browser.visit(&url).await,
        };
        assert_eq!(page.status, 200, "{from:?}");
    }
}

/// A renewal was under way when the person added a factor: what it brings makes the id of before as strong. Guard:
/// `keep` looks by what the session that stands is renewed.
#[tokio::test(start_paused = true)]
async fn threat_18_a_renewal_makes_the_id_of_before_a_step_up_stronger() {
    let sisters = signed_in().await;
    sisters.seconds(LIFE.as_secs());
    let thief = sisters.browser.copy();
    sisters.idp.slow(Duration::from_secs(5));
    let renewal = async {
        let page = thief.visit(&at(Sisters::ONE, "/protected")).no_follow();
        page.await.status
    };
    let step_up = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        sisters
            .post(Sisters::ONE, "/login?subject=ada&method=otp&add=1")
            .await
    };
    let (served, _) = tokio::join!(renewal, step_up);
    assert_eq!(served, 200, "it was in flight");
    assert_eq!(sisters.status(&at(Sisters::ONE, "/mfa")).await, 200);
    let page = thief.visit(&at(Sisters::ONE, "/mfa")).no_follow().await;
    assert_eq!(page.status, 303, "the id of before is as weak as it was");
}

/// A sign-out at a sister app, on a machine whose clock is slow, while a handle signs in here. Guard: the handle is
/// looked at once more when the session is made.
#[tokio::test(start_paused = true)]
async fn threat_41_a_sign_out_by_a_slow_clock_is_overtaken() {
    let sisters = signed_in().await;
    sisters.idp.slow(Duration::from_secs(5));
    let url = at(Sisters::TWO, "/protected");
    let visit = async { sisters.status(&url).await };
    let sign_out = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let sid = public_sid(&Secret::from(sisters.idp.only_session()));
        let earlier = sisters.clock.now().minus(Duration::from_secs(60));
        let end = sisters.directory.end(BackendIdp::ISSUER, &sid, earlier);
        end.await.unwrap();
    };
    let (status, ()) = tokio::join!(visit, sign_out);
    assert_eq!(status, 303);
    assert!(sisters.browser.cookie(SESSION).is_none() || sisters.status(&url).await == 303);
}

/// Somebody else signs in by another tab while a handle signs in: the late answer must not put the first person in
/// their place. Guard: the handle is looked at once more when the session is made.
#[tokio::test(start_paused = true)]
async fn threat_42_a_late_answer_replaces_who_signed_in_meanwhile() {
    let sisters = signed_in().await;
    sisters.idp.slow(Duration::from_secs(5));
    let url = at(Sisters::TWO, "/protected");
    let visit = async { sisters.status(&url).await };
    let sign_in = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        sisters
            .post(Sisters::TWO, "/login?subject=bob&method=pwd")
            .await
    };
    tokio::join!(visit, sign_in);
    assert_eq!(sisters.visit(&at(Sisters::TWO, "/")).await.text(), "bob");
    let shared = sisters.visit(&url).await.json();
    assert_eq!(shared["sub"], "bob");
}

/// A sign-out comes between the session that a handle makes and its way into the directory. Guard: the directory
/// keeps no handle of a session that was ended.
#[tokio::test]
async fn threat_43_a_handle_is_kept_of_a_session_that_was_signed_out() {
    let (sisters, directory) = on_hostile_directory().await;
    directory.set(Whim::EndsBeforePut);
    let page = sisters
        .visit(&at(Sisters::TWO, "/protected"))
        .no_follow()
        .await;
    assert_eq!(page.status, 303);
    directory.set(Whim::Works);
    assert!(!handle_opens(&sisters, &directory).await);
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 303);
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 303);
}

/// Who signs out while the answer of a step-up is on its way has the id of before. Guard: `to_be_ended` looks for the
/// session that followed it.
#[tokio::test]
async fn threat_43_the_id_of_before_a_step_up_signs_out_here_only() {
    let sisters = signed_in().await;
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 200);
    let before = sisters.browser.copy();
    sisters
        .post(Sisters::ONE, "/login?subject=ada&method=otp&add=1")
        .await;
    let url = at(Sisters::ONE, "/auth/logout");
    let page = before.visit_from(Sisters::ONE, &url).post_form(&[]).await;
    assert_eq!(page.status, 200);
    settle().await;
    assert_eq!(sisters.idp.sessions(), 0, "the provider was told");
    for origin in [Sisters::ONE, Sisters::TWO] {
        let status = sisters.status(&at(origin, "/protected")).await;
        assert_eq!(status, 303, "{origin}");
    }
}

/// A public page around a guarded one asks first, in vain. Guard: what a greeting can't find out is not settled for
/// what it is around.
#[tokio::test]
async fn threat_30_a_greeting_that_fails_signs_out_who_is_behind_it() {
    let sisters = signed_in().await;
    let guarded = get(|| async { "in" }).layer(RequireLayer::new(Policy::login()));
    let routes = Router::new()
        .route("/both", guarded)
        .layer(SilentLayer::new());
    let service = sisters.two.into_axum(routes);
    sisters.browser.serve(Sisters::TWO, service);
    sisters.idp.trouble(Trouble::Down { retry_after: None });
    let url = at(Sisters::TWO, "/both");
    assert_eq!(sisters.status(&url).await, 503);
    sisters.idp.trouble(None);
    sisters.seconds(60);
    assert_eq!(sisters.status(&url).await, 200);
}

/// Guards: an error of the directory is never "no such session", and a public page shows all the same.
#[tokio::test]
async fn threat_30_a_directory_that_fails_signs_somebody_in_or_out() {
    let (sisters, directory) = on_hostile_directory().await;
    directory.set(Whim::FindFails);
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 200);
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 503);
    for path in ["/", "/greeting"] {
        let page = sisters.visit(&at(Sisters::TWO, path)).await;
        assert_eq!(
            (page.status, page.text().as_str()),
            (StatusCode::OK, "nobody")
        );
    }
    let out = sisters.post(Sisters::TWO, "/auth/logout").await;
    assert_eq!(out.status, 503, "nobody may think that they are signed out");
    assert!(sisters.browser.cookie(Sisters::HANDLE).is_some());
    directory.set(Whim::Works);
    sisters.seconds(60);
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 200);

    directory.set(Whim::PutFails);
    let page = sisters
        .post(Sisters::ONE, "/login?subject=bob&method=pwd")
        .await;
    assert_eq!(page.text(), "bob", "who signed in is signed in here");
    directory.set(Whim::EndFails);
    let out = sisters.post(Sisters::ONE, "/auth/logout").await;
    assert_eq!(out.status, 503, "a sister app may still let them in");
    assert_eq!(sisters.visit(&at(Sisters::ONE, "/")).await.text(), "nobody");
}

/// The provider says that a session is over, and the other apps can't be told. Guard: it is over here all the same.
#[tokio::test]
async fn threat_26_a_session_that_is_over_lives_on_where_no_app_can_be_told() {
    let (sisters, directory) = on_hostile_directory().await;
    sisters.seconds(LIFE.as_secs() - 30);
    sisters.idp.end_sessions();
    directory.set(Whim::EndFails);
    assert_eq!(
        sisters.status(&at(Sisters::ONE, "/protected")).await,
        303,
        "though its token lives"
    );
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 303);
}

/// A clock that was an hour ahead is set right. Guard: a session of the time to come is none that was made a moment
/// ago, and whose cookie is still on its way.
#[tokio::test]
async fn threat_14_a_session_of_the_time_to_come_is_the_answer_without_a_cookie() {
    let sisters = signed_in().await;
    let url = at(Sisters::TWO, "/protected");
    assert_eq!(sisters.status(&url).await, 200);
    let hour = Duration::from_secs(3600);
    sisters.clock.set(sisters.clock.now().minus(hour).0);
    let other_tab = sisters.browser.copy();
    other_tab.clear_cookies();
    let handle = sisters.browser.cookie(Sisters::HANDLE).unwrap().value;
    let line = format!(
        "{}={handle}; Domain=example.com; Path=/; Secure",
        Sisters::HANDLE
    );
    other_tab.set_cookie(&url, &line).unwrap();
    let page = other_tab.visit(&url).no_follow().await;
    assert_eq!(page.status, 200);
    assert!(
        other_tab.cookie(SESSION).is_some(),
        "{:?}",
        page.set_cookies()
    );
}

/// The provider names the id of the session in its claims. Guard: it is taken out of them, before the app's hook or
/// any page sees them.
#[tokio::test]
async fn threat_21_the_id_of_a_session_is_shown_among_the_claims() {
    let sids = Arc::new(Mutex::new(Vec::new()));
    let sisters = Sisters::with(|builder| {
        let sids = Arc::clone(&sids);
        builder.on_identity(move |identity: Identity| {
            sids.lock().unwrap().push(identity.claims.sid);
            async { Ok::<_, BoxError>(Decision::Accept) }
        })
    });
    sisters.sign_in("ada").await;
    let id = sisters.idp.only_session();
    let all = |session: Session| async move {
        format!("{:?} {:?} {session:?}", session.claims(), session.sid())
    };
    for (origin, sso) in [(Sisters::ONE, &sisters.one), (Sisters::TWO, &sisters.two)] {
        let guarded = get(all).layer(RequireLayer::new(Policy::login()));
        let routes = Router::new().route("/claims", guarded);
        sisters.browser.serve(origin, sso.into_axum(routes));
    }
    for (origin, seconds) in [
        (Sisters::ONE, 0),
        (Sisters::TWO, 0),
        (Sisters::ONE, LIFE.as_secs()),
    ] {
        sisters.seconds(seconds);
        let page = sisters.visit(&at(origin, "/claims")).await;
        assert_eq!(page.status, 200, "{origin}");
        assert!(!page.text().contains(&id), "{origin}: {}", page.text());
    }
    assert_eq!(*sids.lock().unwrap(), [None, None, None]);
}
