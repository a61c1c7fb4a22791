//! Rows 35, 38, 39 and 41 once more, at the simulated environment: what it and the client make of each other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tower_sso::ErrorKind;
use tower_sso::simulator::{ScalekitEndpoint as At, ScalekitFault as Fault};
use tower_sso::vendor::scalekit::{
    ConnectionFilter, PortalFeature, Received, ScalekitManagement, WebhookSecret, Webhooks,
};

use crate::support::ScalekitApp;

const SSO: &[PortalFeature] = &[PortalFeature::Sso];

fn management(app: &ScalekitApp) -> ScalekitManagement {
    ScalekitManagement::new(
        ScalekitApp::ENVIRONMENT,
        ScalekitApp::CLIENT,
        ScalekitApp::SECRET,
    )
    .unwrap()
    .with_http_client(Arc::new(app.wire.clone()))
    .with_clock(Arc::new(app.clock.clone()))
}

#[tokio::test]
async fn row_35_a_link_opens_the_portal_once_within_a_minute() {
    let app = ScalekitApp::new();
    let scalekit = management(&app);
    for late in [0, 59, 61] {
        let link = scalekit.portal_link("org_example", SSO).await.unwrap();
        assert_eq!(
            link.location.origin().ascii_serialization(),
            ScalekitApp::ENVIRONMENT
        );
        app.seconds(late);
        let open = || async { app.browser.visit(link.location.as_str()).await.text() };
        let portal = "Single sign-on of Example Corp";
        assert_eq!(open().await.contains(portal), late < 60, "{late}");
        assert!(!open().await.contains(portal), "{late}: it is used");
    }
    assert_eq!(app.idp().management_tokens(), 1);
}

#[tokio::test]
async fn row_35_both_spellings_of_its_end_are_read() {
    let app = ScalekitApp::new();
    let scalekit = management(&app);
    let link = scalekit.portal_link("org_example", SSO).await.unwrap();
    app.idp().set_fault(Fault::CamelCaseExpireTime);
    let same = scalekit.portal_link("org_example", SSO).await.unwrap();
    assert_eq!(
        (link.expires_at, link.expires_at.0),
        (same.expires_at, ScalekitApp::START + 60)
    );
}

#[tokio::test]
async fn row_35_there_is_no_link_for_who_is_not_there() {
    let app = ScalekitApp::new();
    let scalekit = management(&app);
    assert!(scalekit.portal_link("org_nobody", SSO).await.is_err());
    let wrong = ScalekitManagement::new(ScalekitApp::ENVIRONMENT, ScalekitApp::CLIENT, "wrong");
    let wrong = wrong.unwrap().with_http_client(Arc::new(app.wire.clone()));
    let error = wrong
        .portal_link("org_example", SSO)
        .await
        .expect_err("a wrong secret");
    assert!(!format!("{error} {error:?}").contains("wrong"), "{error:?}");
    assert_eq!(
        app.requests(At::PortalLinks),
        1,
        "the wrong client has no token to ask with"
    );
}

#[tokio::test]
async fn row_38_a_domain_that_is_added_leads_to_the_organization() {
    let app = ScalekitApp::new();
    let scalekit = management(&app);
    let page = app.visit("/auth/login?domain_hint=new.example").await;
    assert_eq!(page.status, 404);
    let added = scalekit
        .add_domain("org_example", "new.example")
        .await
        .unwrap();
    assert_eq!(added.domain, "new.example");
    let listed = scalekit.domains("org_example").await.unwrap();
    let names: Vec<_> = listed.iter().map(|domain| domain.domain.as_str()).collect();
    assert_eq!(names, ["example.com", "new.example"]);
    app.idp().set_default_login(ScalekitApp::ALICE);
    let page = app
        .visit("/auth/login?domain_hint=new.example&return_to=/protected")
        .await;
    assert_eq!(
        page.json()["organization"],
        "org_example",
        "{}",
        page.html()
    );
}

#[tokio::test]
async fn row_38_a_token_that_is_refused_is_fetched_anew_once() {
    let app = ScalekitApp::new();
    let scalekit = management(&app);
    scalekit.domains("org_example").await.unwrap();
    app.idp().set_fault(Fault::ManagementTokenRefusedOnce);
    scalekit.domains("org_example").await.unwrap();
    assert_eq!(
        (app.idp().management_tokens(), app.requests(At::Domains)),
        (2, 3)
    );
    app.idp().set_fault(Fault::ManagementTokenRefused);
    assert!(scalekit.domains("org_example").await.is_err());
    assert_eq!(
        (app.idp().management_tokens(), app.requests(At::Domains)),
        (3, 5)
    );
}

#[tokio::test]
async fn row_39_only_who_has_a_usable_connection_is_sent_to_it() {
    let app = ScalekitApp::new();
    let scalekit = management(&app);
    for (who, expected) in [
        ("alice@example.com", Some("conn_example_okta")),
        ("EXAMPLE.org", Some("conn_society_entra")),
        ("a@example.net", None),
        ("a@evil-example.com", None),
        ("a@nowhere.example", None),
    ] {
        let found = scalekit.usable_connection(who).await.unwrap();
        assert_eq!(
            found.as_ref().map(|found| found.id.as_str()),
            expected,
            "{who}"
        );
        if let Some(found) = found {
            let query = format!("connection_id={}", found.id);
            app.authorization_request(&query).await;
        }
    }
    app.idp().enable_connection("conn_example_okta", false);
    let found = scalekit
        .usable_connection("alice@example.com")
        .await
        .unwrap();
    assert!(found.is_none(), "{found:?}");
}

#[tokio::test]
async fn row_39_what_is_unfinished_is_told_to_who_asks_for_it() {
    let app = ScalekitApp::new();
    let scalekit = management(&app);
    let ids = |filter: ConnectionFilter| {
        let scalekit = scalekit.clone();
        async move {
            let found = scalekit.connections(&filter).await.unwrap();
            found.into_iter().map(|one| one.id).collect::<Vec<_>>()
        }
    };
    assert!(
        ids(ConnectionFilter::domain("example.net"))
            .await
            .is_empty()
    );
    let all = ConnectionFilter::domain("example.net").also_unfinished();
    assert_eq!(ids(all).await, ["conn_newcomer_google"]);
    let other = ConnectionFilter::domain("example.net")
        .organization("org_example")
        .also_unfinished();
    assert!(ids(other).await.is_empty());
}

#[tokio::test]
async fn row_39_an_outage_of_the_environment_says_nothing_of_connections() {
    let app = ScalekitApp::new();
    let scalekit = management(&app);
    app.idp()
        .set_fault(Fault::RateLimited(At::Connections, Some(7)));
    for _ in 0..3 {
        let error = scalekit
            .usable_connection("alice@example.com")
            .await
            .expect_err("429");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(
        app.requests(At::Connections),
        1,
        "it is left alone for as long as it says"
    );
    app.idp().clear_faults();
    app.seconds(7);
    let found = scalekit
        .usable_connection("alice@example.com")
        .await
        .unwrap();
    assert!(found.is_some());
    app.idp()
        .set_fault(Fault::Status(At::Connections, 500, None));
    let error = scalekit
        .usable_connection("alice@example.com")
        .await
        .expect_err("500");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn row_41_what_the_environment_signs_counts_once() {
    let app = ScalekitApp::new();
    let secret = WebhookSecret::parse(app.idp().webhook_secret().expose()).unwrap();
    let receiver = Webhooks::new([secret])
        .unwrap()
        .with_clock(Arc::new(app.clock.clone()));
    let webhook = || {
        let data = json!({ "id": "conn_example_okta", "organization_id": "org_example" });
        app.idp().webhook("organization.sso_enabled", data)
    };
    let sent = webhook();
    match receiver
        .receive(&sent.headers(), sent.body().as_bytes())
        .await
        .unwrap()
    {
        Received::New { event, message } => {
            assert_eq!(event.event_type, "organization.sso_enabled");
            assert_eq!(event.organization_id.as_deref(), Some("org_example"));
            assert_eq!(message.id, sent.id());
        }
        Received::Again { .. } => panic!("it came for the first time"),
    }
    let again = receiver
        .receive(&sent.headers(), sent.body().as_bytes())
        .await
        .unwrap();
    assert!(matches!(again, Received::Again { .. }));
    let changed = sent.body().replace("org_example", "org_society");
    assert!(
        receiver
            .receive(&sent.headers(), changed.as_bytes())
            .await
            .is_err()
    );
    let foreign = "whsec_YW5vdGhlciBlbnZpcm9ubWVudCdzIGtleQ==";
    let rotated = webhook().also_signed_with(foreign);
    assert!(
        receiver
            .receive(&rotated.headers(), rotated.body().as_bytes())
            .await
            .is_ok()
    );
    for bad in [
        webhook().signed_with(foreign),
        webhook().late(Duration::from_secs(301)),
        webhook().early(Duration::from_secs(301)),
    ] {
        let refused = receiver
            .receive(&bad.headers(), bad.body().as_bytes())
            .await;
        assert_eq!(refused.expect_err("bad").kind(), ErrorKind::Request);
    }
}
