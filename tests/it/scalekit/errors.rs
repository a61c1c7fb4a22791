//! Row 15: each error of the callback is a page that a person can read.

use http::StatusCode;
use tower_sso::simulator::{ScalekitEndpoint as At, ScalekitFault as Fault};

use crate::support::{ScalekitApp, Setting};

/// The vendor's catalogue, with the status of the page, and whether it offers another try.
const CATALOGUE: [(&str, u16, bool); 31] = [
    ("invalid_redirect_uri", 400, false),
    ("invalid_connection_selector", 400, false),
    ("no_active_connections", 404, false),
    ("connection_not_active", 403, false),
    ("no_configured_connections", 404, false),
    ("invalid_organization_id", 404, false),
    ("invalid_connection_id", 404, false),
    ("domain_not_found", 404, false),
    ("invalid_user_domain", 403, false),
    ("invalid_client", 400, false),
    ("application_not_active", 400, false),
    ("invalid_request", 400, false),
    ("invalid_scope", 400, false),
    ("unauthorized", 403, false),
    ("user_not_active", 403, false),
    ("server_error", 503, true),
    ("access_denied", 403, true),
    ("mandatory_attribute_missing", 403, false),
    ("invalid_id_token", 503, false),
    ("failed_to_exchange_token", 503, false),
    ("user_info_retrieve_failed", 503, false),
    ("invalid_saml_metadata", 503, false),
    ("invalid_saml_response", 503, false),
    ("signature_validation_failed", 503, false),
    ("invalid_acs_url", 503, false),
    ("invalid_status", 503, false),
    ("malformed_saml_response", 503, false),
    ("assertion_expired", 403, true),
    ("response_expired", 403, true),
    ("authentication_not_completed", 403, true),
    ("user_login_required", 403, true),
];

const HOSTILE: &str =
    "</p><script>alert(1)</script><a href=\"https://evil.example\">call \u{202e}+1\u{0007}</a>";

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn row_15_each_code_of_the_catalogue_is_a_readable_page() {
    let app = ScalekitApp::new();
    for (code, status, again) in CATALOGUE {
        app.browser.clear_cookies();
        app.idp()
            .set_fault(Fault::AuthorizeError(code.to_owned(), None));
        let page = app.try_as(ScalekitApp::ALICE, "/protected").await;
        app.idp().clear_faults();
        assert_eq!(page.url.path(), "/auth/callback", "{code}");
        assert_eq!(page.status, status, "{code}");
        assert_eq!(
            page.header("retry-after").is_some(),
            status == 503,
            "{code}"
        );
        assert_eq!(
            page.header("cache-control").as_deref(),
            Some("private, no-store"),
            "{code}"
        );
        assert!(page.text().contains("You were not signed in"), "{code}");
        let links = page.links();
        let tries = links.iter().find(|link| link.text == "Try again");
        assert_eq!(tries.is_some(), again, "{code}");
        assert!(
            links.iter().all(|link| !link.href.starts_with("http")),
            "{code}"
        );
        assert_eq!(app.session_cookie(), None, "{code}");
    }
    assert_eq!(app.requests(At::Token), 0);
}

/// The IdP's own words are shown as text, and no longer than a page can bear.
#[tokio::test]
async fn row_15_what_the_other_side_says_is_escaped_and_bounded() {
    let app = ScalekitApp::new();
    let long = format!("{HOSTILE}{}", "x".repeat(4_000));
    let callback = |state: &str, code: &str, text: &str| {
        format!(
            "/auth/callback?error={}&error_description={}{state}",
            encoded(code),
            encoded(text)
        )
    };
    let back = app.until_callback(ScalekitApp::ALICE).await;
    let state = back.split_once("state=").unwrap().1;
    let state = format!("&state={state}");
    let login = |code: &str, text: &str| {
        format!(
            "/auth/login?error={}&error_description={}",
            encoded(code),
            encoded(text)
        )
    };
    for path in [
        callback(&state, "access_denied", &long),
        callback("", "access_denied", &long),
        login("access_denied", &long),
        login(HOSTILE, &long),
    ] {
        let page = app.visit(&path).await;
        let html = page.html();
        assert!(!page.status.is_success(), "{path}");
        assert!(
            !html.contains("<script") && !html.contains("href=\"https://evil"),
            "{html}"
        );
        assert!(
            !html.contains('\u{202e}') && !html.contains('\u{7}'),
            "{html}"
        );
        assert!(
            html.contains("&lt;script&gt;") || !html.contains("alert(1)"),
            "{html}"
        );
        assert!(html.len() < 6_000, "{}", html.len());
        assert!(page.header("content-security-policy").is_some());
    }
}

/// An error may come without `state`: it is shown, and changes nothing.
#[tokio::test]
async fn row_15_an_error_without_state_is_shown_and_changes_nothing() {
    let app = ScalekitApp::new();
    app.sign_in(ScalekitApp::ALICE).await;
    let before = app.session_cookie();
    for (code, status, _) in CATALOGUE {
        for route in ["callback", "login"] {
            let path = format!("/auth/{route}?error={code}&error_description=because");
            let page = app.visit_from_elsewhere(&path).await;
            assert_eq!(page.status, status, "{route} {code}");
            assert!(page.text().contains("because"), "{route} {code}");
            assert!(page.set_cookies().is_empty(), "{route} {code}");
        }
    }
    assert_eq!(app.session_cookie(), before);
    assert_eq!(app.signed_in().await.as_deref(), Some(ScalekitApp::ALICE));
}

/// An attempt in this browser is not ended by an error without its state, or with another's.
#[tokio::test]
async fn row_15_an_error_of_anybody_ends_no_attempt() {
    let app = ScalekitApp::new();
    let back = app.until_callback(ScalekitApp::ALICE).await;
    for state in ["", "&state=made-up"] {
        let path = format!("/auth/callback?error=access_denied{state}");
        assert!(!app.visit_from_elsewhere(&path).await.status.is_success());
    }
    let page = app.browser.visit(&back).await;
    assert_eq!(page.status, 200, "{}", page.html());
    assert_eq!(page.json()["sub"], ScalekitApp::ALICE);
}

/// Guard: `login_path_at`. Without a selector the environment has nobody to ask.
#[tokio::test]
async fn row_15_another_try_asks_at_the_same_place_and_comes_back() {
    let app = ScalekitApp::new();
    for query in [
        "connection_id=conn_example_okta",
        "organization_id=org_example",
        "domain_hint=example.com",
        "provider=okta",
    ] {
        app.browser.clear_cookies();
        app.idp().set_default_login(ScalekitApp::ALICE);
        let fault = Fault::AuthorizeError("assertion_expired".to_owned(), None);
        app.idp().set_fault(fault);
        let page = app
            .visit(&format!("/auth/login?{query}&return_to=/profile"))
            .await;
        app.idp().clear_faults();
        let page = page.click("Try again").await;
        assert_eq!(
            page.url.as_str(),
            "https://app.example.com/profile",
            "{query}: {}",
            page.html()
        );
        assert_eq!(page.json()["id"], "alice", "{query}");
    }
}

#[tokio::test]
async fn row_15_a_code_that_nobody_knows_is_shown_as_a_failure_of_the_other_side() {
    let app = ScalekitApp::new();
    app.idp()
        .set_fault(Fault::AuthorizeError("brand_new".to_owned(), None));
    let page = app.try_as(ScalekitApp::ALICE, "/protected").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.text().contains("brand_new"));
}

/// The real ways to some of them, without a fault.
#[tokio::test]
async fn row_15_what_the_environment_refuses_is_told() {
    let app = ScalekitApp::with(&Setting {
        environment: &|builder| {
            use tower_sso::simulator::{ScalekitOrganization, ScalekitUser};
            builder
                .organization(ScalekitOrganization::new("org_empty"))
                .user(
                    ScalekitUser::new("conn_example_okta", "left")
                        .email("l@example.com")
                        .inactive(),
                )
                .user(ScalekitUser::new("conn_example_okta", "nameless"))
        },
        ..Setting::default()
    });
    for (query, code, status) in [
        ("connection_id=conn_nowhere", "invalid_connection_id", 404),
        (
            "connection_id=conn_example_old",
            "connection_not_active",
            403,
        ),
        (
            "connection_id=conn_newcomer_google",
            "connection_not_active",
            403,
        ),
        (
            "organization_id=org_nowhere",
            "invalid_organization_id",
            404,
        ),
        ("organization_id=org_newcomer", "no_active_connections", 404),
        (
            "organization_id=org_empty",
            "no_configured_connections",
            404,
        ),
        ("domain_hint=nowhere.example", "domain_not_found", 404),
        ("login_hint=a@nowhere.example", "domain_not_found", 404),
        ("provider=salesforce", "no_configured_connections", 404),
    ] {
        let page = app.visit(&format!("/auth/login?{query}")).await;
        assert_eq!(page.status, status, "{query}: {}", page.html());
        assert!(page.text().contains(code), "{query}: {}", page.text());
    }
    for (subject, code, status) in [
        ("conn_example_okta;left", "user_not_active", 403),
        (
            "conn_example_okta;nameless",
            "mandatory_attribute_missing",
            403,
        ),
    ] {
        let page = app.try_as(subject, "/protected").await;
        assert_eq!(page.status, status, "{code}");
        assert!(page.text().contains(code), "{}", page.text());
    }
}

/// Somebody presses "Cancel" at their IdP, or it fails.
#[tokio::test]
async fn row_15_a_person_who_cancels_is_told_so() {
    for (button, code, status) in [
        ("cancel", "access_denied", 403),
        ("error", "mandatory_attribute_missing", 403),
    ] {
        let app = ScalekitApp::new();
        let page = app.visit("/auth/login?organization_id=org_example").await;
        assert_eq!(page.url.host_str(), Some("acme.scalekit.dev"));
        let page = page.submit(&page.only_form().press(button)).await;
        assert_eq!(page.status, status, "{button}: {}", page.html());
        assert!(page.text().contains(code), "{}", page.text());
    }
}
