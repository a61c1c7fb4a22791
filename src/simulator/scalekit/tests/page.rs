//! The front page, and what is not shown.

use std::panic::AssertUnwindSafe;

use super::*;

#[tokio::test]
async fn a_person_finds_the_customers_and_three_ways_in() {
    let simulator = ScalekitSimulator::demo("http://127.0.0.1:3001", "http://127.0.0.1:3000/");
    let world = World {
        simulator,
        clock: TestClock::at(START),
    };
    let page = world.get("/").await;
    assert_eq!(page.status, 200);
    let login = "http://127.0.0.1:3000/auth/login";
    for shown in [
        "Example Corp",
        "example.com",
        "example.org",
        "conn_example_okta",
        "disabled",
        "draft",
        "alice@example.com",
        &format!("href=\"{login}?organization_id=org_example\""),
        &format!("href=\"{login}?connection_id=conn_society_entra\""),
        &format!("action=\"{login}\""),
        "value=\"conn_example_okta;alice\"",
        "<option>no_active_connections</option>",
        "id=\"switch-no-id-token\"",
    ] {
        assert!(page.body.contains(shown), "{shown}");
    }
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script-src"));
}

#[tokio::test]
async fn a_switch_holds_until_it_is_turned_back() {
    let world = World::new();
    let press = async |fields: &[(&str, &str)]| {
        let answer = world.post("/switch", fields).await;
        assert_eq!(answer.location(), "/");
    };
    let pressed = async |name: &str| {
        let button = format!("value=\"{name}\" aria-pressed=\"true\"");
        world.get("/").await.body.contains(&button)
    };
    press(&[("switch", "no-organization")]).await;
    assert!(pressed("no-organization").await && !pressed("no-nonce").await);
    for _ in 0..2 {
        let tokens = world.tokens().await;
        let claims = world.claims(&tokens, "id_token").await;
        assert!(claims.get("oid").is_none());
    }
    press(&[("switch", "no-organization")]).await;
    assert!(!pressed("no-organization").await);
    let tokens = world.tokens().await;
    assert_eq!(world.claims(&tokens, "id_token").await["oid"], "org_acme");

    press(&[("error", "user_not_active"), ("hold", "yes")]).await;
    assert!(pressed("error:user_not_active").await);
    let selector = [("connection_id", "conn_acme")];
    assert_eq!(
        world.authorize(&selector).await.refused(),
        "user_not_active"
    );
    press(&[("switch", "no-nonce")]).await;
    press(&[("switch", "clear")]).await;
    assert!(!pressed("no-nonce").await && !pressed("error:user_not_active").await);
    assert_eq!(world.authorize(&selector).await.status, 200);
    for unknown in ["made-up", "error:made_up", ""] {
        let answer = world.post("/switch", &[("switch", unknown)]).await;
        assert_eq!(answer.status, 400, "{unknown}");
    }
}

#[tokio::test]
async fn each_switch_has_a_fault_of_its_own() {
    let mut faults = Vec::new();
    for (name, label, fault) in switches::SWITCHES {
        let fault = fault();
        assert!(!faults.contains(&fault), "{name}");
        assert!(!label.is_empty());
        faults.push(fault);
    }
}

#[tokio::test]
async fn pages_escape_what_they_show() {
    let evil = "<i>\"&";
    let simulator = ScalekitSimulator::builder(ENVIRONMENT)
        .client("<c>", "secret")
        .redirect_uri(CALLBACK)
        .organization(
            ScalekitOrganization::new("<org>")
                .name(evil)
                .domain("<dom>"),
        )
        .connection(
            ScalekitConnection::new("<conn>", "<org>")
                .provider("<prov>")
                .type_("<type>"),
        )
        .user(
            ScalekitUser::new("<conn>", "<user>")
                .email("<mail>")
                .name("<given>", "<family>"),
        )
        .build();
    let world = World {
        simulator,
        clock: TestClock::at(START),
    };
    let fields = [
        ("client_id", "<c>"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("connection_id", "<conn>"),
    ];
    let login = format!("/oauth/authorize?{}", form(&fields));
    let form = "grant_type=client_credentials&client_id=%3Cc%3E&client_secret=secret";
    let request = Request::post("/oauth/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let token = world.send(request.body(Body::from(form)).unwrap()).await;
    let token = text(&token.ok(), "access_token");
    let path = "/api/v1/organizations/%3Corg%3E/portal_links";
    let link = world.call(&token, "PUT", path, "").await.ok();
    let location = text(&link["link"], "location");
    let portal = location.strip_prefix(ENVIRONMENT).unwrap();
    for path in ["/", &login, portal] {
        let page = world.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        for raw in [
            "<i>", "<c>", "<org>", "<dom>", "<conn>", "<prov>", "<type>", "<user>", "<mail>",
            "<given>",
        ] {
            assert!(!page.body.contains(raw), "{raw} on {path}");
        }
        assert!(page.body.contains("&lt;conn&gt;"), "{path}");
    }
}

#[tokio::test]
async fn everything_is_send_and_sync_and_prints_no_secret() {
    fn shared<T: Send + Sync>() {}
    shared::<ScalekitSimulator>();
    shared::<ScalekitHandle>();
    shared::<ScalekitSimulatorBuilder>();
    shared::<ScalekitWebhook>();
    let world = World::with(|builder| builder.webhook_secret("whsec_c2VjcmV0"));
    let webhook = world.handle().webhook("organization.updated", json!({}));
    let printed = format!(
        "{:?} {:?} {:?} {webhook:?}",
        world.simulator,
        world.handle(),
        builder().webhook_secret("whsec_c2VjcmV0")
    );
    for secret in ["s3cr3t", "0th3r", "c2VjcmV0"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn what_does_not_fit_together_is_not_built() {
    let fails = |builder: ScalekitSimulatorBuilder| {
        std::panic::catch_unwind(AssertUnwindSafe(|| builder.build())).is_err()
    };
    let fresh = ScalekitSimulator::builder;
    assert!(fails(fresh("https://acme.example/path")));
    assert!(fails(fresh("acme.example")));
    assert!(fails(fresh("ftp://acme.example")));
    let connection = ScalekitConnection::new("conn_1", "org_1");
    assert!(fails(fresh(ENVIRONMENT).connection(connection)));
    let user = ScalekitUser::new("conn_1", "alice");
    assert!(fails(fresh(ENVIRONMENT).user(user)));
    assert!(fails(fresh(ENVIRONMENT).webhook_secret("nothing")));
    assert!(!fails(fresh("https://acme.example/")));
}
