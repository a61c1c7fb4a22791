//! Rows 21 and 24: the person, and where they signed in.

use serde_json::{Value, json};
use tower_sso::simulator::{ScalekitEndpoint as At, ScalekitFault as Fault};

use crate::support::{ScalekitApp, Setting};

fn claim(name: &str, value: impl Into<Value>) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), Some(value.into()))
}

fn without(name: &str) -> Fault {
    Fault::IdTokenClaim(name.to_owned(), None)
}

#[tokio::test]
async fn row_21_the_profile_has_the_same_form_at_every_idp() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    assert_eq!(
        app.visit("/profile").await.json(),
        json!({
            "id": "alice", "email": "alice@example.com", "email_verified": true, "name": "Alice Adams",
            "given_name": "Alice", "family_name": "Adams", "username": "alice",
            "attributes": { "department": "payroll" },
        })
    );
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::CAROL).await;
    let profile = app.visit("/profile").await.json();
    assert_eq!(
        (&profile["id"], &profile["attributes"]),
        (&json!("carol"), &json!({}))
    );
}

#[tokio::test]
async fn row_21_what_is_absent_or_odd_is_nothing() {
    let app = ScalekitApp::new();
    for fault in [
        without("name"),
        without("username"),
        without("preferred_username"),
        claim("given_name", 7),
        claim("family_name", ""),
        claim("email_verified", "true"),
        claim("email", json!(["alice@example.com"])),
    ] {
        app.idp().set_fault(fault);
    }
    app.sign_in(ScalekitApp::ALICE).await;
    let profile = app.visit("/profile").await.json();
    for name in ["name", "username", "given_name", "family_name", "email"] {
        assert_eq!(profile[name], Value::Null, "{name}");
    }
    assert_eq!(profile["email_verified"], false);
}

#[tokio::test]
async fn row_24_the_session_knows_where_the_person_signed_in() {
    let app = ScalekitApp::new();
    let who = app.sign_in(ScalekitApp::ALICE).await.json();
    assert_eq!(who["connection"], "conn_example_okta");
    assert_eq!(who["organization"], "org_example");
    assert_eq!(
        (&who["amr"], &who["multi_factor"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(
        who["claims"]["amr"],
        json!(["conn_example_okta"]),
        "raw, for who wants it"
    );
    assert!(who["sid"].as_str().unwrap().starts_with("ses_"));
    app.browser.clear_cookies();
    app.idp().set_fault(claim("sub", "conn_example_okta;a;b"));
    let page = app.try_as(ScalekitApp::ALICE, "/profile").await;
    assert_eq!(page.json()["id"], "a;b");
}

#[tokio::test]
async fn row_24_another_place_than_was_asked_for_is_refused() {
    let app = ScalekitApp::new();
    for fault in [
        Fault::OtherConnection("conn_society_entra".to_owned()),
        claim("amr", json!(["conn_society_entra", "conn_example_okta"])),
        claim("amr", json!([])),
        claim("amr", json!([""])),
        claim("amr", 7),
        without("amr"),
        claim("sub", "conn_society_entra;alice"),
        claim("sub", "conn_example_okta;"),
        claim("oid", json!(["org_example"])),
    ] {
        let page = app.refused_with(fault.clone()).await;
        assert_eq!(page.status, 502, "{fault:?}: {}", page.html());
    }
}

/// One customer's IdP signs nobody in to another's organization, and nobody out.
#[tokio::test]
async fn row_24_another_organization_than_was_asked_for_leaves_the_session_that_was_there() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::BOB).await;
    let cookie = app.session_cookie();
    app.idp().set_default_login(ScalekitApp::ALICE);
    let organization = "organization_id=org_example";
    let connection = "connection_id=conn_example_okta";
    for (query, fault) in [
        (organization, claim("oid", "org_society")),
        (organization, without("oid")),
        (organization, claim("oid", "")),
        (
            connection,
            Fault::OtherConnection("conn_society_entra".to_owned()),
        ),
        (connection, claim("sub", "conn_society_entra;alice")),
        // They contradict each other, so nothing can be both.
        (
            "connection_id=conn_example_okta&organization_id=org_society",
            claim("x", 1),
        ),
    ] {
        app.idp().set_fault(fault.clone());
        let path = format!("/auth/login?{query}&return_to=/protected");
        let page = app.visit(&path).await;
        app.idp().clear_faults();
        assert_eq!(page.status, 502, "{fault:?}: {}", page.html());
        assert_eq!(app.session_cookie(), cookie, "{fault:?}");
        assert_eq!(
            app.signed_in().await.as_deref(),
            Some(ScalekitApp::BOB),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn row_24_a_policy_reads_connection_and_organization() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    for path in ["/example", "/okta"] {
        assert_eq!(app.visit(path).no_follow().await.status, 200, "{path}");
    }
    app.browser.clear_cookies();
    app.sign_in(ScalekitApp::CAROL).await;
    let handled = app.handled();
    for path in ["/example", "/okta"] {
        assert_eq!(app.visit(path).no_follow().await.status, 403, "{path}");
    }
    assert_eq!(app.handled(), handled, "no handler ran");
}

/// A connection is no factor, whatever it is called.
#[tokio::test]
async fn row_24_no_amr_counts_as_a_method() {
    for amr in [
        json!(["conn_example_okta"]),
        json!(["conn_example_okta", "mfa", "pwd", "otp"]),
    ] {
        let app = ScalekitApp::new();
        app.idp().set_fault(claim("amr", amr.clone()));
        app.sign_in(ScalekitApp::ALICE).await;
        let handled = app.handled();
        for path in ["/mfa", "/okta-as-method", "/password"] {
            let page = app.visit(path).await;
            assert_eq!(page.status, 403, "{amr} {path}: {}", page.html());
            assert_eq!(page.url.path(), path, "{amr}");
        }
        assert_eq!(app.handled(), handled, "no handler ran");
        assert_eq!(app.signed_in().await.as_deref(), Some(ScalekitApp::ALICE));
    }
}

/// A stronger sign-in is asked of the same customer's IdP, and of nobody else's.
#[tokio::test]
async fn row_24_a_step_up_stays_at_the_same_place() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    let page = app
        .visit("/mfa")
        .stop_before(ScalekitApp::ENVIRONMENT)
        .await;
    let sent = crate::support::parameters(&page.location().unwrap());
    assert_eq!(sent["connection_id"], "conn_example_okta");
    assert_eq!(sent["prompt"], "login");
    app.idp()
        .set_fault(Fault::OtherConnection("conn_society_entra".to_owned()));
    let cookie = app.session_cookie();
    let page = page.follow_redirect().await;
    assert_eq!(page.status, 502, "{}", page.html());
    assert_eq!(app.session_cookie(), cookie);
    assert_eq!(app.signed_in().await.as_deref(), Some(ScalekitApp::ALICE));
}

/// Somebody else of the same customer's merges nothing.
#[tokio::test]
async fn row_24_a_step_up_by_somebody_else_changes_nothing() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    let cookie = app.session_cookie();
    app.idp().set_default_login(ScalekitApp::BOB);
    let page = app.visit("/mfa").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("another account"), "{}", page.text());
    assert_eq!(app.session_cookie(), cookie);
}

fn with_refresh_tokens() -> ScalekitApp {
    ScalekitApp::with(&Setting {
        environment: &|builder| builder.refresh_tokens(),
        ..Setting::default()
    })
}

#[tokio::test]
async fn row_24_a_refresh_keeps_the_place() {
    let app = with_refresh_tokens();
    app.sign_in(ScalekitApp::ALICE).await;
    // OpenID Connect Core 12.2: it may leave out what has not changed.
    app.idp().set_fault(without("oid"));
    app.seconds(3_590);
    let who = app.visit("/protected").no_follow().await;
    assert_eq!(who.status, 200, "{}", who.html());
    assert_eq!(app.idp().refresh_grants(), 1);
    let who = who.json();
    assert_eq!(who["organization"], "org_example");
    assert_eq!(who["connection"], "conn_example_okta");
    assert_eq!(who["amr"], json!([]));
}

#[tokio::test]
async fn row_24_a_refresh_from_another_place_ends_the_session() {
    for fault in [
        claim("oid", "org_society"),
        Fault::OtherConnection("conn_society_entra".to_owned()),
        claim("sub", ScalekitApp::BOB),
        claim("iss", "https://other.example"),
    ] {
        let app = with_refresh_tokens();
        app.sign_in(ScalekitApp::ALICE).await;
        let handled = app.handled();
        app.idp().set_fault(fault.clone());
        app.seconds(3_590);
        let page = app.visit("/protected").no_follow().await;
        assert_eq!(page.status, 303, "{fault:?}: {}", page.html());
        assert_eq!(app.handled(), handled, "{fault:?}");
        app.idp().clear_faults();
        assert_eq!(app.signed_in().await, None, "{fault:?}");
        assert_eq!(app.requests(At::Token), 2, "{fault:?}");
    }
}
