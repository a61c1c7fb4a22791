//! 39: customers who share the app's own provider, told apart by their organization and connection there.

use http::StatusCode;
use serde_json::json;
use tower_sso::SsoBuilder;
use tower_sso::simulator::{Fault, ScalekitFault};
use tower_sso::tenant::{Tenant, TenantFrom, TenantList};

use super::super::{builder, deploy};
use crate::support::{App, ScalekitApp, Setting, parameters};

/// A sign-in at a tenant of an organization, at a provider that may speak of organizations; whether it let somebody in.
async fn is_let_in(tenant: Tenant, speaks: bool, organization: Option<&str>) -> bool {
    let mut app = App::new();
    let mut set_up = builder(&app).tenants(TenantList::new([tenant]).unwrap());
    if speaks {
        set_up = set_up.organizations("org_id", "organization");
    }
    deploy(&mut app, set_up.build().unwrap());
    if let Some(organization) = organization {
        let claim = Fault::IdTokenClaim("org_id".to_owned(), Some(json!(organization)));
        app.idp().set_fault(claim);
    }
    let page = app
        .visit("/auth/login?tenant=acme&return_to=/protected")
        .await;
    let is_in = app.session_cookie().is_some();
    let status = if is_in {
        StatusCode::OK
    } else {
        StatusCode::BAD_GATEWAY
    };
    assert_eq!(page.status, status, "{}", page.html());
    is_in
}

/// Whom the provider puts nowhere is nobody's. Guard: `Place::admit`.
#[tokio::test]
async fn threat_39_a_provider_that_names_no_organization_lets_people_into_one() {
    let organization = || Tenant::new("acme").organization("org_acme");
    let connection = || Tenant::new("acme").connection("conn_acme");
    assert!(!is_let_in(organization(), false, None).await);
    assert!(!is_let_in(organization(), false, Some("org_acme")).await);
    assert!(!is_let_in(connection(), false, None).await);
    assert!(!is_let_in(connection(), true, Some("org_acme")).await);
    assert!(!is_let_in(organization(), true, None).await);
    assert!(!is_let_in(organization(), true, Some("org_other")).await);
    assert!(is_let_in(organization(), true, Some("org_acme")).await);
}

fn customers(builder: SsoBuilder) -> SsoBuilder {
    let tenants = TenantList::new([
        Tenant::new("example").organization("org_example"),
        Tenant::new("society")
            .organization("org_society")
            .connection("conn_society_entra"),
    ]);
    let by_header = TenantFrom::request(|request| {
        let tenant = request.headers().get("x-tenant")?;
        tenant.to_str().ok().map(str::to_owned)
    });
    builder.tenants(tenants.unwrap()).tenant_from(by_header)
}

/// Two customers of one environment, of one issuer. Guard: `Context::counts` and `Place::selectors`.
#[tokio::test]
async fn threat_39_one_customer_of_a_broker_opens_the_door_of_another() {
    let app = ScalekitApp::with(&Setting {
        configure: &customers,
        ..Setting::default()
    });
    app.idp().set_default_login(ScalekitApp::ALICE);
    for named in ["tenant=example", "organization_id=org_example"] {
        app.browser.clear_cookies();
        let page = app
            .visit(&format!("/auth/login?{named}&return_to=/protected"))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{named}: {}", page.html());
        assert_eq!(page.json()["organization"], "org_example");
        let at = async |tenant: &str| {
            let page = app.visit("/protected").header("x-tenant", tenant);
            page.no_follow().await
        };
        assert_eq!(at("example").await.status, StatusCode::OK, "{named}");
        let handled = app.handled();
        let asked = parameters(&at("society").await.location().unwrap());
        assert_eq!(asked["connection_id"], "conn_society_entra", "{named}");
        assert_eq!(
            asked["redirect_uri"],
            format!("{}/auth/callback", ScalekitApp::URL)
        );
        assert_eq!(app.handled(), handled, "{named}: no handler ran");
    }
    for other in [
        "tenant=society&organization_id=org_example",
        "tenant=example&connection_id=conn_society_entra",
    ] {
        let page = app.visit(&format!("/auth/login?{other}")).no_follow().await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{other}");
    }

    app.idp().set_default_login(ScalekitApp::CAROL);
    let oid = |value| ScalekitFault::IdTokenClaim("oid".to_owned(), value);
    for fault in [
        oid(Some(json!("org_example"))),
        oid(None),
        ScalekitFault::OtherConnection("conn_example_okta".to_owned()),
    ] {
        app.browser.clear_cookies();
        app.idp().set_fault(fault.clone());
        let page = app
            .visit("/auth/login?tenant=society&return_to=/protected")
            .await;
        app.idp().clear_faults();
        assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{fault:?}");
        assert_eq!(app.session_cookie(), None, "{fault:?}");
    }
    let page = app
        .visit("/auth/login?tenant=society&return_to=/protected")
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html());
    assert_eq!(page.json()["connection"], "conn_society_entra");
}
