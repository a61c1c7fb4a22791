//! What a person sees, and what is not shown.

use super::*;

#[tokio::test]
async fn a_person_finds_passwords_and_codes() {
    let world = World::new().await;
    let page = world.get("/").await;
    assert_eq!(
        page.headers[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    assert!(page.headers.contains_key(header::CONTENT_SECURITY_POLICY));
    for shown in [
        "alice",
        "wonderland",
        "alice@example.com",
        "+15550100",
        "Nothing was sent yet",
    ] {
        assert!(page.body.contains(shown), "{shown}");
    }
    let first = world.sms_code().await;
    let second = world.sms_code().await;
    let page = world.get("/").await.body;
    let second = page.find(&format!("<code>{second}</code>")).unwrap();
    let first = page.rfind(&format!("<code>{first}</code>")).unwrap();
    assert!(second <= first, "the newest first");
    assert!(page.contains("id=\"sessions\">0<"));
}

#[tokio::test]
async fn the_page_escapes_what_it_shows() {
    let simulator = MosaicSimulator::builder("<iss>")
        .tenant("<tid>")
        .user(
            MosaicUser::new("<b>")
                .with_password("<p>")
                .with_email("<e>"),
        )
        .client("app", "secret")
        .build();
    let world = World {
        simulator,
        clock: TestClock::at(START),
        token: String::new(),
    };
    let token = world.client_token("app", "secret").await;
    let send = json!({
        "channel": "email", "identifier_type": "user_id", "identifier": "<b>",
        "custom_email": "<to>",
    });
    assert_eq!(world.call_as(&token, OTP_SEND, &send).await.status, 200);
    let page = world.get("/").await.body;
    for raw in ["<iss>", "<tid>", "<b>", "<p>S", "<code><p>", "<e>", "<to>"] {
        assert!(!page.contains(raw), "{raw}");
    }
    assert!(page.contains("&lt;to&gt;") && page.contains("&lt;tid&gt;"));
}

#[tokio::test]
async fn everything_is_send_and_sync_and_prints_no_secret() {
    fn shared<T: Send + Sync>() {}
    shared::<MosaicSimulator>();
    shared::<MosaicHandle>();
    shared::<MosaicSimulatorBuilder>();
    let world = World::new().await;
    let session_id = text(&world.alice().await, "session_id");
    let code = world.sms_code().await;
    let builder = MosaicSimulator::builder("x")
        .client("app", "s3cr3t")
        .user(MosaicUser::new("alice").with_password("wonderland"));
    let printed = format!("{:?} {:?} {builder:?}", world.simulator, world.handle());
    for secret in [&*session_id, &*code, "s3cr3t", "wonderland", &*world.token] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
