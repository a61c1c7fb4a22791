//! Rows 38 and 39: an organization's domains, and where an address leads.

use std::error::Error as _;

use serde_json::{Value, json};
use tower_sso::ErrorKind;
use tower_sso::provider::HttpErrorKind;
use tower_sso::vendor::scalekit::{ConnectionFilter, ManagementRefusal, ScalekitManagement};

use super::fake::{ADD_DOMAIN, CONNECTIONS, DOMAINS, FakeScalekit, Reply, TOKEN};

fn connection(id: &str, enabled: bool, status: &str) -> Value {
    json!({
        "id": id, "provider": "OKTA", "type": "OIDC", "status": status, "enabled": enabled,
        "organization_id": "org_1", "domains": ["acme.com"],
    })
}

fn connections(list: &[Value]) -> Reply {
    Reply::json(&json!({ "connections": list }))
}

fn domain(number: usize) -> Value {
    json!({
        "id": format!("dom_{number}"), "domain": format!("d{number}.acme.com"), "organization_id": "org_1",
        "domain_type": "ORGANIZATION_DOMAIN", "verification_status": "VERIFIED",
    })
}

#[tokio::test]
async fn row_38_an_organizations_domains_are_listed_page_by_page() {
    let scalekit = FakeScalekit::new();
    let all: Vec<Value> = (0..130).map(domain).collect();
    let pages = [&all[..100], &all[100..]].map(|page| Reply::json(&json!({ "domains": page })));
    scalekit.on(DOMAINS, pages);
    let domains = scalekit.client().domains("org_1").await.unwrap();
    assert_eq!(domains.len(), 130);
    assert_eq!(domains[129].domain, "d129.acme.com");
    assert_eq!(domains[0].verification_status.as_deref(), Some("VERIFIED"));
    let calls = scalekit.calls(DOMAINS);
    let queries: Vec<_> = calls
        .iter()
        .map(|call| call.uri().query().unwrap())
        .collect();
    assert_eq!(
        queries,
        ["page_size=100&page_number=0", "page_size=100&page_number=1"]
    );
}

/// An endpoint that knows of no pages gives the same at each, and one that never ends gives ever more.
#[tokio::test]
async fn row_38_the_list_of_domains_ends() {
    let scalekit = FakeScalekit::new();
    let all: Vec<Value> = (0..100).map(domain).collect();
    scalekit.on(DOMAINS, [Reply::json(&json!({ "domains": all }))]);
    assert_eq!(scalekit.client().domains("org_1").await.unwrap().len(), 100);
    assert_eq!(scalekit.calls(DOMAINS).len(), 2);

    let endless = (0..20).map(|page| {
        let page: Vec<Value> = (page * 100..page * 100 + 100).map(domain).collect();
        Reply::json(&json!({ "domains": page }))
    });
    let scalekit = FakeScalekit::new();
    scalekit.on(DOMAINS, endless);
    assert_eq!(
        scalekit.client().domains("org_1").await.unwrap().len(),
        1_000
    );
}

#[tokio::test]
async fn row_38_a_domain_is_added_to_lead_to_the_connection() {
    let scalekit = FakeScalekit::new();
    scalekit.on(ADD_DOMAIN, [Reply::json(&json!({ "domain": domain(1) }))]);
    let added = scalekit
        .client()
        .add_domain("org_1", "D1.Acme.com")
        .await
        .unwrap();
    assert_eq!(added.id, "dom_1");
    let call = &scalekit.calls(ADD_DOMAIN)[0];
    assert_eq!(call.headers()["content-type"], "application/json");
    assert_eq!(call.headers()["authorization"], "Bearer token-1");
    let body: Value = serde_json::from_slice(call.body()).unwrap();
    assert_eq!(
        body,
        json!({ "domain": "d1.acme.com", "domain_type": "ORGANIZATION_DOMAIN" })
    );
    for bad in ["", "acme", "ada@acme.com", "acme.com/x", "127.0.0.1"] {
        let error = scalekit
            .client()
            .add_domain("org_1", bad)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{bad}");
    }
    assert_eq!(scalekit.calls(ADD_DOMAIN).len(), 1);
}

/// It may have been added, and the answer got lost.
#[tokio::test]
async fn row_38_a_domain_is_sent_once_whatever_comes() {
    for reply in [
        Reply::Fail(HttpErrorKind::Timeout),
        Reply::Fail(HttpErrorKind::Other),
        Reply::Fail(HttpErrorKind::TooLarge),
        Reply::status(500, ""),
        Reply::status(200, "<html>"),
        Reply::status(302, ""),
        Reply::limited(5),
    ] {
        let scalekit = FakeScalekit::new();
        scalekit.on(ADD_DOMAIN, [reply.clone()]);
        let error = scalekit
            .client()
            .add_domain("org_1", "acme.com")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{reply:?}");
        assert_eq!(scalekit.calls(ADD_DOMAIN).len(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn row_38_an_organization_id_stays_one_segment_of_the_path() {
    let scalekit = FakeScalekit::new();
    let client = scalekit.client();
    for bad in [
        "",
        ".",
        "..",
        "org/1",
        "a\\b",
        "../../x",
        "org\n1",
        &"o".repeat(256),
    ] {
        for error in [
            client.domains(bad).await.unwrap_err(),
            client.add_domain(bad, "acme.com").await.unwrap_err(),
            client.portal_link(bad, &[]).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Request, "{bad}");
        }
    }
    assert!(scalekit.all_calls().is_empty());
    let odd = "GET /api/v1/organizations/org%3F%231%25/domains";
    scalekit.on(odd, [Reply::json(&json!({ "domains": [] }))]);
    client.domains("org?#1%").await.unwrap();
}

#[tokio::test]
async fn row_38_a_401_fetches_a_new_token_once() {
    let scalekit = FakeScalekit::new();
    let refused = Reply::refusal(401, 16, "UNAUTHENTICATED");
    scalekit.on(
        ADD_DOMAIN,
        [
            refused.clone(),
            Reply::json(&json!({ "domain": domain(1) })),
        ],
    );
    let client = scalekit.client();
    client.add_domain("org_1", "acme.com").await.unwrap();
    let calls = scalekit.calls(ADD_DOMAIN);
    let bearers: Vec<_> = calls
        .iter()
        .map(|call| &call.headers()["authorization"])
        .collect();
    assert_eq!(bearers, ["Bearer token-1", "Bearer token-2"]);
    assert!(bearers.iter().all(|bearer| bearer.is_sensitive()));
    assert_eq!(
        scalekit.calls(TOKEN)[0].body(),
        "grant_type=client_credentials&client_id=skc_1&client_secret=the-s3cr3t"
    );

    scalekit.on(CONNECTIONS, [refused]);
    let error = client
        .connections(&ConnectionFilter::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Provider, Some("UNAUTHENTICATED"))
    );
    assert_eq!(scalekit.calls(CONNECTIONS).len(), 2);
    let refusal = error
        .source()
        .unwrap()
        .downcast_ref::<ManagementRefusal>()
        .unwrap();
    assert_eq!((refusal.status, refusal.code), (401, Some(16)));
    assert!(!format!("{error} {error:?} {refusal:?} {client:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn row_38_a_429_stops_every_call_for_as_long_as_it_says() {
    let scalekit = FakeScalekit::new();
    scalekit.on(CONNECTIONS, [Reply::limited(20)]);
    scalekit.on(DOMAINS, [Reply::json(&json!({ "domains": [] }))]);
    let client = scalekit.client();
    for (seconds, left) in [(0, 20), (19, 1)] {
        scalekit.advance(seconds);
        let error = client
            .connections(&ConnectionFilter::default())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Unavailable, Some("RATE_LIMITED"))
        );
        assert_eq!(error.retry_after().unwrap().as_secs(), left);
    }
    let error = client.clone().domains("org_1").await.unwrap_err();
    assert_eq!(error.code(), Some("RATE_LIMITED"));
    assert_eq!(
        (
            scalekit.calls(CONNECTIONS).len(),
            scalekit.calls(DOMAINS).len()
        ),
        (1, 0)
    );
    scalekit.advance(1);
    client.domains("org_1").await.unwrap();
    scalekit.on(DOMAINS, [Reply::status(503, "")]);
    let down = client.domains("org_1").await.unwrap_err();
    assert_eq!((down.kind(), down.code()), (ErrorKind::Unavailable, None));
}

#[test]
fn row_38_the_set_up_is_checked_at_once() {
    let variables = |environment: &'static str, id: &'static str, secret: &'static str| {
        ScalekitManagement::from_lookup(move |name| match name {
            "SCALEKIT_ENVIRONMENT_URL" => Some(environment.into()),
            "SCALEKIT_CLIENT_ID" => Some(id.into()),
            "SCALEKIT_CLIENT_SECRET" => Some(secret.into()),
            _ => None,
        })
    };
    variables("https://acme.scalekit.dev/", "skc_1", "s").unwrap();
    variables("http://127.0.0.1:3002", "skc_1", "s").unwrap();
    for (environment, id, secret) in [
        ("http://acme.scalekit.dev", "skc_1", "s"),
        ("acme.scalekit.dev", "skc_1", "s"),
        ("https://user@acme.scalekit.dev", "skc_1", "s"),
        ("", "skc_1", "s"),
        ("https://acme.scalekit.dev", "", "s"),
        ("https://acme.scalekit.dev", "skc_1", ""),
    ] {
        let error = variables(environment, id, secret).unwrap_err();
        assert!(error.is_configuration(), "{environment} {id} {secret}");
        assert!(error.to_string().contains("SCALEKIT_"), "{error}");
    }
}

#[tokio::test]
async fn row_39_only_a_usable_connection_is_a_way_to_sign_in() {
    for (list, found) in [
        (
            vec![connection("conn_1", true, "COMPLETED")],
            Some("conn_1"),
        ),
        (vec![connection("conn_1", false, "COMPLETED")], None),
        (vec![connection("conn_1", true, "DRAFT")], None),
        (
            vec![
                connection("conn_1", true, "IN_PROGRESS"),
                connection("conn_2", true, "COMPLETED"),
            ],
            Some("conn_2"),
        ),
        (vec![], None),
        (
            vec![json!({ "enabled": true, "status": "COMPLETED" })],
            None,
        ),
        (vec![json!("conn_1"), json!(null)], None),
    ] {
        let scalekit = FakeScalekit::new();
        scalekit.on(CONNECTIONS, [connections(&list)]);
        let usable = scalekit
            .client()
            .usable_connection("Ada@ACME.com")
            .await
            .unwrap();
        assert_eq!(usable.map(|found| found.id).as_deref(), found, "{list:?}");
        let call = &scalekit.calls(CONNECTIONS)[0];
        assert_eq!(call.uri().query(), Some("domain=acme.com"));
    }
}

/// An endpoint that does not look at the domain would send everybody to the first customer's provider.
#[tokio::test]
async fn row_39_a_connection_of_other_domains_is_no_way_to_sign_in() {
    let scalekit = FakeScalekit::new();
    scalekit.on(
        CONNECTIONS,
        [connections(&[connection("conn_1", true, "COMPLETED")])],
    );
    let client = scalekit.client();
    assert_eq!(
        client.usable_connection("eve@evil.example").await.unwrap(),
        None
    );
    let mut silent = connection("conn_2", true, "COMPLETED");
    silent["domains"] = Value::Null;
    scalekit.on(CONNECTIONS, [connections(&[silent])]);
    let found = client.usable_connection("eve@evil.example").await.unwrap();
    assert_eq!(found.unwrap().id, "conn_2");
}

#[tokio::test]
async fn row_39_what_is_no_address_asks_nobody() {
    let scalekit = FakeScalekit::new();
    for typed in [
        "",
        "ada",
        "ada@",
        "@",
        "a@b@",
        "acme.com&include=all",
        "127.0.0.1",
        "a..b",
    ] {
        let found = scalekit.client().usable_connection(typed).await.unwrap();
        assert_eq!(found, None, "{typed}");
    }
    assert!(scalekit.all_calls().is_empty());
}

/// Else an outage would send everybody to the other login, and a password would do where none may.
#[tokio::test]
async fn row_39_an_outage_is_not_the_absence_of_a_connection() {
    for reply in [
        Reply::status(500, ""),
        Reply::status(200, "<html>"),
        Reply::status(404, "not here"),
        Reply::Fail(HttpErrorKind::Timeout),
    ] {
        let scalekit = FakeScalekit::new();
        scalekit.on(CONNECTIONS, [reply.clone()]);
        let error = scalekit
            .client()
            .usable_connection("acme.com")
            .await
            .unwrap_err();
        assert!(error.is_temporary(), "{reply:?}");
    }
    let scalekit = FakeScalekit::new();
    scalekit.on(TOKEN, [Reply::status(503, "")]);
    assert!(
        scalekit
            .client()
            .usable_connection("acme.com")
            .await
            .unwrap_err()
            .is_temporary()
    );
}

#[tokio::test]
async fn row_39_a_filter_is_encoded_and_may_ask_for_all() {
    let scalekit = FakeScalekit::new();
    scalekit.on(
        CONNECTIONS,
        [connections(&[connection("conn_1", false, "DRAFT")])],
    );
    let filter = ConnectionFilter::domain("acme.com")
        .organization("org&1")
        .also_unfinished();
    let found = scalekit.client().connections(&filter).await.unwrap();
    assert_eq!(
        (found[0].id.as_str(), found[0].is_usable()),
        ("conn_1", false)
    );
    assert_eq!(found[0].protocol.as_deref(), Some("OIDC"));
    let call = &scalekit.calls(CONNECTIONS)[0];
    assert_eq!(
        call.uri().query(),
        Some("domain=acme.com&organization_id=org%261&include=all")
    );
}
