//! Rows 43, 44 and 46: the local session first, then the one at Mosaic, by its id, in each app.

use serde_json::json;

use crate::support::MosaicApps;

#[tokio::test]
async fn row_43_no_call_goes_out_while_the_local_token_lives() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.status(MosaicApps::TWO, "/protected").await;
    let calls = apps.calls();
    for _ in 0..(MosaicApps::LIFE - MosaicApps::AHEAD - 1) / 60 {
        apps.seconds(60);
        for origin in [MosaicApps::ONE, MosaicApps::TWO] {
            assert_eq!(apps.status(origin, "/protected").await, 200);
            assert_eq!(apps.known_as(origin).await, "alice");
        }
    }
    assert_eq!(apps.calls(), calls);
}

#[tokio::test]
async fn row_43_mosaic_is_asked_when_the_local_token_is_missing_or_ends() {
    let apps = MosaicApps::new();
    // A browser that nobody knows is sent to the page without a call.
    assert_eq!(apps.status(MosaicApps::ONE, "/protected").await, 303);
    assert_eq!(apps.calls(), 0);
    apps.sign_in(MosaicApps::ONE, "alice").await;
    assert_eq!((apps.asked(), apps.refreshed()), (0, 0));
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    assert_eq!((apps.asked(), apps.refreshed()), (1, 0), "missing");
    apps.until_renewal();
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
    assert_eq!((apps.asked(), apps.refreshed()), (1, 1), "ends");
}

/// A page for everybody is none that needs to know.
#[tokio::test]
async fn row_43_a_public_page_asks_nobody() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let calls = apps.calls();
    assert_eq!(apps.known_as(MosaicApps::TWO).await, "nobody");
    assert_eq!(apps.calls(), calls);
    let greeted = apps.ask(MosaicApps::TWO, "/greeting").await;
    assert_eq!(greeted.text(), "alice");
    assert_eq!(apps.asked(), 1);
}

#[tokio::test]
async fn row_44_silent_sign_in_tells_mosaic_of_the_browser() {
    for (trusted, address) in [(true, Some("192.0.2.7")), (false, Some("198.51.100.1"))] {
        let apps = MosaicApps::with(|builder| match trusted {
            true => builder.trusted_proxies(["198.51.100.0/24"]),
            false => builder,
        });
        apps.come_from("198.51.100.1".parse().unwrap());
        apps.sign_in(MosaicApps::ONE, "alice").await;
        let page = apps
            .ask(MosaicApps::TWO, "/protected")
            .header("x-forwarded-for", "203.0.113.9, 192.0.2.7")
            .await;
        assert_eq!(page.status, 200);
        let told = apps.idp().client_attributes().pop().unwrap();
        let agent = told["user_agent"].as_str().unwrap();
        assert!(agent.starts_with("Mozilla/5.0 "), "{agent}");
        assert_eq!(told["ip_address"], json!(address), "trusted: {trusted}");
    }
}

#[tokio::test]
async fn row_44_what_is_not_known_of_the_browser_is_left_out() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let page = apps.ask(MosaicApps::TWO, "/protected").await;
    assert_eq!(page.status, 200);
    let told = apps.idp().client_attributes().pop().unwrap();
    assert!(told["user_agent"].is_string());
    assert!(told.get("ip_address").is_none(), "{told}");
}

#[tokio::test]
async fn row_44_a_silent_sign_in_shows_no_page_and_sends_no_browser_away() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let page = apps
        .browser
        .visit(&format!("{}/protected", MosaicApps::TWO))
        .await;
    assert_eq!((page.status.as_u16(), page.hops.len()), (200, 1));
    let session = page.json();
    assert_eq!(session["sub"], "alice");
    assert_eq!(session["amr"], json!(["pwd"]));
    assert_eq!(session["auth_time"], 1_800_000_000_u64);
    let body = &apps.sent_to("/cis/v1/auth/session/authenticate")[0];
    assert!(body["session_id"].is_string());
}

/// The first app renews; the person comes to the second for the first time, and to the first again later.
#[tokio::test]
async fn row_46_both_apps_live_on_one_session_at_mosaic() {
    let apps = MosaicApps::new();
    let first = apps.sign_in(MosaicApps::ONE, "alice").await.json();
    let second = apps.ask(MosaicApps::TWO, "/protected").await.json();
    assert_eq!(first["sid"], second["sid"]);
    assert_ne!(first["public_id"], second["public_id"], "each has its own");
    assert_eq!(apps.idp().sessions(), 1);
    let page = apps
        .stranger()
        .visit(&format!("{}/protected", MosaicApps::TWO))
        .no_follow()
        .await;
    assert_eq!(page.status, 303, "another browser is nobody");
    assert_eq!(apps.asked(), 1);
}

/// Somebody else signs in at one app: the other goes on as it was until it ends, and then is theirs too.
#[tokio::test]
async fn row_46_a_handle_replaces_no_live_session_of_another_person() {
    let apps = MosaicApps::new();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    apps.status(MosaicApps::TWO, "/protected").await;
    apps.sign_in(MosaicApps::ONE, "bob").await;
    assert_eq!(apps.known_as(MosaicApps::TWO).await, "alice");
    let page = apps.ask(MosaicApps::TWO, "/protected").await;
    assert_eq!(page.json()["sub"], "alice");
    apps.seconds(MosaicApps::LIFE * 13);
    let page = apps.ask(MosaicApps::TWO, "/protected").await;
    assert_eq!(page.json()["sub"], "bob");
}
