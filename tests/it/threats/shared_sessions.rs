//! Sessions at the provider that backends share: who must not get in by them, and who must not be thrown out.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tower_sso::session::store::MemoryStore;
use tower_sso::{BoxError, CookieKey, Decision, Identity, Policy, RequireLayer, Sso};

use crate::support::{Browser, LIFE, Sisters, Trouble, drop_at_each_await, settle};

fn at(origin: &str, path: &str) -> String {
    format!("{origin}{path}")
}

async fn signed_in() -> Sisters {
    let sisters = Sisters::new();
    sisters.sign_in("ada").await;
    sisters
}

/// A browser with nothing but this handle.
fn with_handle(sisters: &Sisters, handle: &str) -> Browser {
    let browser = Browser::with_clock(&sisters.clock);
    sisters.serve(&browser);
    let line = format!(
        "{}={handle}; Domain=example.com; Path=/; Secure",
        Sisters::HANDLE
    );
    browser.set_cookie(Sisters::ONE, &line).unwrap();
    browser
}

fn handle(sisters: &Sisters) -> String {
    sisters.browser.cookie(Sisters::HANDLE).unwrap().value
}

/// The session that a handle stands for answers for somebody else one day. Guard: `is_of` before a session is
/// made of it.
#[tokio::test]
async fn threat_42_a_handle_signs_another_person_in() {
    let sisters = signed_in().await;
    let kept = handle(&sisters);
    sisters.idp.trouble(Trouble::AnotherPerson);
    let page = sisters
        .visit(&at(Sisters::TWO, "/protected"))
        .no_follow()
        .await;
    assert_eq!(page.status, 303);
    assert!(page.location().unwrap().path() == "/login");
    assert!(sisters.browser.cookie(Sisters::HANDLE).is_none());
    sisters.idp.trouble(None);
    let no_refusal_is_remembered_as_long = 31;
    sisters.seconds(no_refusal_is_remembered_as_long);
    let thief = with_handle(&sisters, &kept);
    let page = thief
        .visit(&at(Sisters::TWO, "/protected"))
        .no_follow()
        .await;
    assert_eq!(page.status, 303);
    assert_eq!(sisters.idp.asked(), 1, "the handle is forgotten");
}

/// The same at the renewal of a live session. Guard: `is_of` before a session is renewed by it.
#[tokio::test]
async fn threat_42_a_renewal_turns_a_session_into_another_persons() {
    let sisters = signed_in().await;
    sisters.seconds(LIFE.as_secs());
    sisters.idp.trouble(Trouble::AnotherPerson);
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 303);
    sisters.idp.trouble(None);
    let page = sisters.visit(&at(Sisters::ONE, "/")).await;
    assert_eq!(page.text(), "nobody");
}

/// A person adds a factor, and the provider's answer is for somebody else. Guard: `own_page` compares both
/// where the session at the provider is the same.
#[tokio::test]
async fn threat_42_a_factor_of_somebody_else_is_added() {
    let sisters = signed_in().await;
    let before = sisters.visit(&at(Sisters::ONE, "/protected")).await.json();
    let id = sisters.idp.only_session();
    sisters.idp.becomes("mallory", &id);
    let page = sisters
        .post(Sisters::ONE, "/login?subject=mallory&method=otp&add=1")
        .await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    let after = sisters.visit(&at(Sisters::ONE, "/protected")).await.json();
    assert_eq!(after, before);
}

/// Who signs out means it, though the session at the provider can't be ended now. Guards: the directory
/// forgets first, the browser loses the handle, and the mark of the sign-out keeps this rung away.
#[tokio::test]
async fn threat_43_a_handle_signs_in_after_the_sign_out() {
    let sisters = signed_in().await;
    let old = handle(&sisters);
    sisters.idp.trouble(Trouble::Down { retry_after: None });
    sisters.post(Sisters::ONE, "/auth/logout").await;
    sisters.idp.trouble(None);
    assert_eq!(
        sisters.idp.sessions(),
        1,
        "the provider did not hear of it yet"
    );
    assert!(sisters.browser.cookie(Sisters::HANDLE).is_none());
    for origin in [Sisters::ONE, Sisters::TWO] {
        assert_eq!(
            sisters.status(&at(origin, "/protected")).await,
            303,
            "{origin}"
        );
        let thief = with_handle(&sisters, &old);
        let page = thief.visit(&at(origin, "/protected")).no_follow().await;
        assert_eq!(page.status, 303, "{origin}");
    }
    assert_eq!(sisters.idp.asked(), 0);
}

/// Somebody signed out at one app, and somebody else signs in at its sister: the first app stays
/// signed out until somebody signs in there. Guard: rung 2 looks for the mark.
#[tokio::test]
async fn threat_43_a_sign_in_at_a_sister_revokes_the_sign_out_here() {
    let sisters = signed_in().await;
    sisters.post(Sisters::ONE, "/auth/logout").await;
    sisters
        .post(Sisters::TWO, "/login?subject=bob&method=pwd")
        .await;
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 303);
    assert_eq!(sisters.idp.asked(), 0);
    sisters
        .post(Sisters::ONE, "/login?subject=bob&method=pwd")
        .await;
    sisters.seconds(3600);
    assert_eq!(sisters.status(&at(Sisters::ONE, "/protected")).await, 200);
}

/// A host under the shared domain plants a second handle. Guard: two of them mean none.
#[tokio::test]
async fn threat_12_a_planted_handle_beside_the_own_one_counts() {
    let sisters = signed_in().await;
    let line = format!(
        "{}={}; Path=/protected; Secure",
        Sisters::HANDLE,
        handle(&sisters)
    );
    sisters
        .browser
        .set_cookie(&at(Sisters::TWO, "/protected"), &line)
        .unwrap();
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 303);
    assert_eq!(sisters.idp.asked(), 0);
}

/// A handle that was planted before the person signed in opens nothing afterwards. Guards: it is new at each
/// sign-in and each added factor, and the one before is forgotten.
#[tokio::test]
async fn threat_12_a_planted_handle_is_worth_something_after_the_sign_in() {
    let sisters = Sisters::new();
    let planted = "planted";
    let line = format!(
        "{}={planted}; Domain=example.com; Path=/; Secure",
        Sisters::HANDLE
    );
    sisters.browser.set_cookie(Sisters::ONE, &line).unwrap();
    let mut old = planted.to_owned();
    for path in [
        "/login?subject=ada&method=pwd",
        "/login?subject=ada&method=otp&add=1",
    ] {
        sisters.post(Sisters::ONE, path).await;
        settle().await;
        assert_ne!(handle(&sisters), old);
        let thief = with_handle(&sisters, &old);
        let page = thief
            .visit(&at(Sisters::TWO, "/protected"))
            .no_follow()
            .await;
        assert_eq!(page.status, 303, "{path}");
        old = handle(&sisters);
    }
}

/// Somebody else's form signs a browser in as who they like. Guard: `SignIn` is to be had in a request of
/// this app's own pages only.
#[tokio::test]
async fn threat_12_a_form_on_another_site_signs_in_at_the_own_page() {
    let sisters = Sisters::new();
    let url = at(Sisters::ONE, "/login?subject=mallory&method=pwd");
    for from in ["https://evil.example", Sisters::TWO] {
        let page = sisters
            .browser
            .visit_from(from, &url)
            .post_form(&[])
            .no_follow()
            .await;
        assert_eq!(page.status, 403, "{from}");
        assert_eq!(page.set_cookies(), Vec::<String>::new(), "{from}");
    }
    assert_eq!(sisters.idp.sessions(), 0, "the handler did not run");
}

/// A page of a sister app sends a form with the handle. Guard: rung 2 climbs for nobody who may not use a
/// session.
#[tokio::test]
async fn threat_40_a_post_of_another_site_signs_in_by_the_handle() {
    let sisters = signed_in().await;
    for from in ["https://evil.example", Sisters::ONE] {
        let post = sisters
            .browser
            .visit_from(from, &at(Sisters::TWO, "/protected"));
        let page = post.post_form(&[]).no_follow().await;
        assert_ne!(page.status, 200, "{from}");
        assert_eq!(sisters.idp.asked(), 0, "{from}");
    }
    let own = sisters
        .browser
        .visit_from(Sisters::TWO, &at(Sisters::TWO, "/protected"));
    assert_eq!(own.post_form(&[]).no_follow().await.status, 200);
}

/// What a browser fetches ahead signs nobody in. Guard: rung 2 leaves a prefetch alone.
#[tokio::test]
async fn threat_11_a_prefetch_makes_a_session() {
    let sisters = signed_in().await;
    let page = sisters
        .visit(&at(Sisters::TWO, "/protected"))
        .header("sec-purpose", "prefetch")
        .no_follow()
        .await;
    assert_eq!(
        (page.status, sisters.idp.asked()),
        (StatusCode::UNAUTHORIZED, 0)
    );
}

/// Guard: `shared_session` looks at the clock and at the issuer.
#[tokio::test]
async fn threat_14_a_handle_outlives_the_session_that_it_stands_for() {
    let sisters = signed_in().await;
    let two_weeks = 14 * 24 * 3600;
    let kept = handle(&sisters);
    for (later, at_url, expected, asked) in [
        (two_weeks - 1, Sisters::TWO, 200, 1),
        // It slides with each use.
        (two_weeks - 1, Sisters::ONE, 200, 2),
        (two_weeks, Sisters::TWO, 303, 2),
    ] {
        sisters.seconds(later);
        let browser = with_handle(&sisters, &kept);
        let page = browser.visit(&at(at_url, "/protected")).no_follow().await;
        assert_eq!(
            (page.status.as_u16(), sisters.idp.asked()),
            (expected, asked)
        );
    }
}

/// A refusal, or an app that lets somebody in no more, is asked about at each request. Guards: failures and
/// refusals are remembered for half a minute.
#[tokio::test]
async fn threat_26_a_refusal_is_asked_for_at_each_request() {
    let sisters = signed_in().await;
    sisters.idp.trouble(Trouble::Refuses);
    for _ in 0..5 {
        assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 503);
    }
    assert_eq!(sisters.idp.asked(), 1);

    let not_in_two = |_: Identity| async { Ok::<_, BoxError>(Decision::Refuse("no".into())) };
    let refusing = Sso::with_provider(sisters.idp.clone())
        .base_url(Sisters::TWO)
        .cookie_key(CookieKey::generate())
        .clock(Arc::new(sisters.clock.clone()))
        .session_directory(sisters.directory.clone())
        .shared_domain("example.com")
        .on_identity(not_in_two)
        .build()
        .unwrap();
    let routes = Router::new().route(
        "/protected",
        get(|| async { "in" }).layer(RequireLayer::new(Policy::login())),
    );
    sisters
        .browser
        .serve(Sisters::TWO, refusing.into_axum(routes));
    sisters.idp.trouble(None);
    for _ in 0..5 {
        assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 303);
        sisters.seconds(5);
    }
    assert_eq!(sisters.idp.asked(), 2);
    sisters.seconds(5);
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 303);
    assert_eq!(sisters.idp.asked(), 3);
}

/// Two replicas are asked by one browser at once. Guards: the lease, and the look for what the other made.
#[tokio::test(start_paused = true)]
async fn threat_23_each_replica_asks_for_itself() {
    let sisters = signed_in().await;
    let store = Arc::new(MemoryStore::new(Arc::new(sisters.clock.clone())));
    let key = CookieKey::generate();
    let replica = || {
        Sso::with_provider(sisters.idp.clone())
            .base_url(Sisters::TWO)
            .cookie_key(key.clone())
            .clock(Arc::new(sisters.clock.clone()))
            .session_directory(sisters.directory.clone())
            .shared_domain("example.com")
            .session_store(store.clone())
            .build()
            .unwrap()
    };
    let routes = || {
        Router::new().route(
            "/protected",
            get(|| async { "in" }).layer(RequireLayer::new(Policy::login())),
        )
    };
    sisters.idp.slow(Duration::from_millis(300));
    let kept = handle(&sisters);
    let visits: tokio::task::JoinSet<_> = (0..50)
        .map(|_| {
            let browser = with_handle(&sisters, &kept);
            browser.serve(Sisters::TWO, replica().into_axum(routes()));
            let visit = browser.visit(&at(Sisters::TWO, "/protected")).no_follow();
            async move { visit.await.status }
        })
        .collect();
    let answers = visits.join_all().await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(sisters.idp.asked(), 1);
}

/// A provider that hangs holds the requests of one browser no longer than ten seconds. Guard: a request waits
/// with a deadline.
#[tokio::test(start_paused = true)]
async fn threat_26_a_provider_that_hangs_holds_requests_for_ever() {
    let sisters = signed_in().await;
    sisters.idp.trouble(Trouble::Hangs);
    let began = tokio::time::Instant::now();
    assert_eq!(sisters.status(&at(Sisters::TWO, "/protected")).await, 503);
    assert!(began.elapsed() <= Duration::from_secs(11));
}

/// The answer that brings the cookies gets lost on its way, after the factor was added. Guard: a session whose
/// cookie no answer took is undone, so the browser's own goes on as before.
#[tokio::test]
async fn threat_18_an_answer_that_is_lost_takes_the_session_with_it() {
    let add = at(Sisters::ONE, "/login?subject=ada&method=otp&add=1");
    let polls = drop_at_each_await(
        signed_in,
        async |sisters| {
            let form = sisters
                .browser
                .visit_from(Sisters::ONE, &add)
                .post_form(&[]);
            form.no_follow().await.status
        },
        async |sisters, dropped| {
            let old_id_is_over = 11;
            sisters.seconds(old_id_is_over);
            let page = sisters
                .visit(&at(Sisters::ONE, "/protected"))
                .no_follow()
                .await;
            assert_eq!(page.status, 200, "{dropped:?}");
            assert_eq!(sisters.idp.asked(), 0, "by its own session: {dropped:?}");
        },
    )
    .await;
    assert!(polls > 0);
}

/// The same where a handle signs in: whoever comes next in that browser gets in, and is asked about once.
#[tokio::test]
async fn threat_18_a_lost_answer_makes_a_session_that_nobody_has() {
    let polls = drop_at_each_await(
        signed_in,
        async |sisters| sisters.status(&at(Sisters::TWO, "/protected")).await,
        async |sisters, dropped| {
            let page = sisters
                .visit(&at(Sisters::TWO, "/protected"))
                .no_follow()
                .await;
            assert_eq!(page.status, 200, "{dropped:?}");
            assert_eq!(sisters.idp.asked(), 1, "{dropped:?}");
            sisters.seconds(11);
            let page = sisters
                .visit(&at(Sisters::TWO, "/protected"))
                .no_follow()
                .await;
            assert_eq!(
                (page.status, sisters.idp.asked()),
                (StatusCode::OK, 1),
                "{dropped:?}"
            );
        },
    )
    .await;
    assert!(polls > 0);
}

/// Who has to sign in is sent to a page that has to be signed in for. Guard: that is said, and not gone round.
#[tokio::test]
async fn threat_32_a_guarded_sign_in_page_leads_to_itself() {
    let sisters = Sisters::new();
    let guarded = get(|| async { "in" }).layer(RequireLayer::new(Policy::login()));
    let routes = Router::new().route("/login", guarded);
    sisters
        .browser
        .serve(Sisters::ONE, sisters.one.into_axum(routes));
    let page = sisters
        .visit(&at(Sisters::ONE, "/login?return_to=/"))
        .no_follow()
        .await;
    assert_eq!(page.status, 500);
}
