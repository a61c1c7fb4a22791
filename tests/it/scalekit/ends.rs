//! Rows 30 and 40: the selectors of the test organizations, and the way out.

use std::time::Duration;

use tower_sso::Revalidation;
use tower_sso::simulator::{ScalekitEndpoint as At, ScalekitFault as Fault};

use crate::support::{Page, ScalekitApp, Setting, parameters, settle};

/// By each of them somebody comes to the page of their IdP, and in.
#[tokio::test]
async fn row_30_each_test_selector_leads_in() {
    for (query, organization, person) in [
        (
            "login_hint=alice@example.com",
            "Example Corp",
            ScalekitApp::ALICE,
        ),
        (
            "login_hint=ALICE@EXAMPLE.COM",
            "Example Corp",
            ScalekitApp::ALICE,
        ),
        (
            "login_hint=dave@example.org",
            "Example Society",
            "conn_society_entra;dave",
        ),
        (
            "domain_hint=example.com",
            "Example Corp",
            ScalekitApp::ALICE,
        ),
        (
            "domain_hint=example.org",
            "Example Society",
            ScalekitApp::CAROL,
        ),
        (
            "connection_id=conn_society_entra",
            "Example Society",
            ScalekitApp::CAROL,
        ),
        (
            "organization_id=org_example",
            "Example Corp",
            ScalekitApp::ALICE,
        ),
        (
            "organization_id=org_example&login_hint=bob@example.com",
            "Example Corp",
            ScalekitApp::BOB,
        ),
    ] {
        let app = ScalekitApp::new();
        let page = app
            .visit(&format!("/auth/login?{query}&return_to=/protected"))
            .await;
        assert!(
            page.text().contains(organization),
            "{query}: {}",
            page.text()
        );
        let page = page.submit(&page.form("sign-in").press("sign-in")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.html());
        assert_eq!(page.json()["sub"], person, "{query}");
    }
}

/// Hosts are compared whole.
#[tokio::test]
async fn row_30_a_domain_that_only_looks_like_one_leads_nowhere() {
    let app = ScalekitApp::new();
    for domain in [
        "evil-example.com",
        "example.com.evil",
        "sub.example.com",
        "examplexcom",
        "example.com.",
    ] {
        for query in [
            format!("domain_hint={domain}"),
            format!("login_hint=alice@{domain}"),
        ] {
            let page = app.visit(&format!("/auth/login?{query}")).await;
            assert_eq!(page.status, 404, "{query}: {}", page.html());
        }
    }
}

/// What a customer switches off in the portal is off at the next sign-in.
#[tokio::test]
async fn row_30_a_connection_that_is_switched_off_lets_nobody_in() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    app.idp().enable_connection("conn_example_okta", false);
    app.browser.clear_cookies();
    for (query, status) in [
        ("connection_id=conn_example_okta", 403),
        ("organization_id=org_example", 404),
    ] {
        let page = app.visit(&format!("/auth/login?{query}")).await;
        assert_eq!(page.status, status, "{query}");
    }
    app.idp().enable_connection("conn_example_okta", true);
    app.sign_in(ScalekitApp::ALICE).await;
}

async fn sign_out(app: &ScalekitApp) -> Page {
    let page = app.visit("/auth/logout").await;
    assert!(app.session_cookie().is_some(), "a GET signs nobody out");
    page.submit(&page.only_form()).await
}

#[tokio::test]
async fn row_40_a_sign_out_goes_by_the_environment() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    let page = sign_out(&app).await;
    let hop = page
        .hop(&format!("{}/oidc/logout?", ScalekitApp::ENVIRONMENT))
        .unwrap();
    let sent = parameters(&hop.url);
    assert_eq!(
        sent.keys().collect::<Vec<_>>(),
        // The first is RP-Initiated Logout 1.0's own (section 2), and optional.
        [
            "client_id",
            "id_token_hint",
            "post_logout_redirect_uri",
            "state"
        ]
    );
    assert_eq!(
        sent["post_logout_redirect_uri"],
        "https://app.example.com/auth/logged-out"
    );
    assert!(
        page.url
            .as_str()
            .starts_with("https://app.example.com/auth/logged-out")
    );
    assert_eq!(page.status, 200);
    assert_eq!(app.idp().logouts(), 1);
    assert_eq!((app.signed_in().await, app.session_cookie()), (None, None));
}

/// The old cookie opens nothing, whoever kept it.
#[tokio::test]
async fn row_40_a_copied_cookie_is_dead_after_the_sign_out() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    let thief = app.copied();
    sign_out(&app).await;
    assert_eq!(thief.signed_in().await, None);
}

#[tokio::test]
async fn row_40_a_form_of_another_site_signs_nobody_out() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    let page = app
        .visit_from_elsewhere("/auth/logout")
        .post_form(&[])
        .await;
    assert!(!page.status.is_success(), "{}", page.status);
    assert_eq!(app.signed_in().await.as_deref(), Some(ScalekitApp::ALICE));
    assert_eq!(app.idp().logouts(), 0);
}

/// The URL is the vendor's, and known without metadata; who signs out is signed out here first.
#[tokio::test]
async fn row_40_an_environment_that_is_down_keeps_nobody_signed_in() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    app.seconds(1_800);
    for at in [At::Discovery, At::Keys, At::Logout] {
        app.idp().set_fault(Fault::Status(at, 503, None));
    }
    let page = sign_out(&app).await;
    assert_eq!(page.url.path(), "/oidc/logout", "{}", page.url);
    assert_eq!(app.signed_in().await, None);
}

/// Without a token to show, the environment would refuse and leave the person on its page.
#[tokio::test]
async fn row_40_who_is_not_signed_in_is_not_sent_to_be_refused() {
    let app = ScalekitApp::new();
    let page = app.visit("/auth/logout").await;
    let page = page.submit(&page.only_form()).await;
    assert_eq!(
        page.url.host_str(),
        Some("app.example.com"),
        "{}",
        page.html()
    );
    assert_eq!(page.status, 200);
}

fn asked_again_each_minute() -> ScalekitApp {
    ScalekitApp::with(&Setting {
        configure: &|builder| builder.revalidation(Revalidation::Every(Duration::from_secs(60))),
        ..Setting::default()
    })
}

/// Row 24 in silence: the environment is asked of the place where the person signed in.
#[tokio::test]
async fn row_24_a_silent_attempt_stays_at_the_same_place() {
    let app = asked_again_each_minute();
    app.sign_in(ScalekitApp::ALICE).await;
    app.seconds(61);
    let page = app
        .visit("/protected")
        .stop_before(ScalekitApp::ENVIRONMENT)
        .await;
    let sent = parameters(&page.location().unwrap());
    assert_eq!(
        (&*sent["prompt"], &*sent["connection_id"]),
        ("none", "conn_example_okta")
    );
    assert!(!sent.contains_key("organization_id"));
    let page = page.follow_redirect().await;
    assert_eq!(page.json()["sub"], ScalekitApp::ALICE);
    assert_eq!(page.json()["connection"], "conn_example_okta");
}

/// An answer from another place is none, and changes nothing.
#[tokio::test]
async fn row_24_a_silent_answer_from_another_place_changes_nothing() {
    for fault in [
        Fault::OtherConnection("conn_society_entra".to_owned()),
        Fault::IdTokenClaim("sub".to_owned(), Some("conn_society_entra;alice".into())),
    ] {
        let app = asked_again_each_minute();
        app.sign_in(ScalekitApp::ALICE).await;
        let (cookie, codes) = (app.session_cookie(), app.idp().code_grants());
        app.seconds(61);
        app.idp().set_fault(fault.clone());
        let page = app.visit("/protected").await;
        settle().await;
        assert_eq!(
            app.idp().code_grants(),
            codes + 1,
            "{fault:?}: it was asked"
        );
        assert_eq!(page.status, 200, "{fault:?}: {}", page.html());
        assert_eq!(page.json()["connection"], "conn_example_okta", "{fault:?}");
        assert_eq!(app.session_cookie(), cookie, "{fault:?}");
    }
}
