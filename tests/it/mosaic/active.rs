//! Row 49: who signs in at the app's own page has their session at Mosaic kept, on the server.

use serde_json::json;
use tower_sso::simulator::MosaicEndpoint;

use crate::support::{Log, MosaicApps, Page};

/// The session's id, as the last silent sign-in sent it.
fn session_id(apps: &MosaicApps) -> String {
    let silent = apps.sent_to("/cis/v1/auth/session/authenticate").pop();
    let id = silent.unwrap()["session_id"].as_str().unwrap().to_owned();
    assert!(id.len() > 20);
    id
}

/// All that a browser got: lines, cookies, bodies.
fn seen(page: &Page) -> String {
    let mut seen = page.text();
    for hop in &page.hops {
        seen.push_str(&format!("{} {:?}\n", hop.url, hop.headers));
    }
    seen
}

#[tokio::test]
async fn row_49_a_password_makes_a_session_that_the_other_app_finds() {
    let apps = MosaicApps::new();
    let page = apps.sign_in(MosaicApps::ONE, "alice").await;
    assert_eq!(
        (page.url.path(), &page.json()["sub"]),
        ("/protected", &json!("alice"))
    );
    assert_eq!(apps.idp().requests(MosaicEndpoint::Password), 1);
    assert_eq!(apps.asked(), 0, "the answer itself is the session");
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
}

#[tokio::test]
async fn row_49_an_email_link_signs_in_the_browser_that_asked_for_it() {
    let apps = MosaicApps::new();
    let asked = [("username", "alice@example.com")];
    let page = apps.post(MosaicApps::ONE, "/login/mail", &asked).await;
    assert_eq!(page.status, 200);
    let code = apps.idp().last_code("alice").unwrap();
    let sent = apps.sent_to("/cis/v1/auth/link/email/send").remove(0);
    let state = sent["state"].as_str().unwrap();
    let link = format!("{}/login/link?code={code}&state={state}", MosaicApps::ONE);
    assert_eq!(apps.stranger().visit(&link).await.status, 403);
    let page = apps.browser.visit(&link).await;
    assert_eq!(page.json()["amr"], json!(["eml"]));
    assert_eq!(apps.status(MosaicApps::TWO, "/protected").await, 200);
}

#[tokio::test]
async fn row_49_each_sign_in_is_a_new_session_and_a_new_handle() {
    let apps = MosaicApps::new();
    let both = || (apps.session_cookie(MosaicApps::ONE), apps.handle());
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let first = both();
    apps.sign_in(MosaicApps::ONE, "alice").await;
    let second = both();
    assert!(first.0.is_some() && first.1.is_some());
    assert!(first.0 != second.0 && first.1 != second.1);
}

#[tokio::test]
async fn row_49_what_does_not_fit_signs_nobody_in() {
    let apps = MosaicApps::new();
    for password in ["", "wonder", "wonderland-behind-the-glas"] {
        let fields = [("username", "alice"), ("password", password)];
        let page = apps.post(MosaicApps::ONE, "/login", &fields).await;
        assert_eq!(page.status, 401, "{password}");
    }
    assert!(apps.browser.cookies().is_empty());
    assert_eq!(apps.idp().sessions(), 0);
}

#[tokio::test]
async fn row_49_the_session_id_stays_on_the_server() {
    let log = Log::start();
    let apps = MosaicApps::new();
    let mut pages = vec![
        apps.sign_in(MosaicApps::ONE, "alice").await,
        apps.ask(MosaicApps::TWO, "/protected").await,
        apps.ask(MosaicApps::TWO, "/mfa").await,
        apps.add_code(MosaicApps::TWO, "sms", "/mfa").await,
        apps.ask(MosaicApps::TWO, "/auth/session").await,
        apps.ask(MosaicApps::TWO, "/token").await,
    ];
    apps.until_renewal();
    pages.push(apps.ask(MosaicApps::ONE, "/protected").await);
    let id = session_id(&apps);
    pages.push(apps.sign_out(MosaicApps::ONE).await);
    let hidden = |text: &str| !text.contains(&id) && !text.contains(&id[..20]);
    for page in &pages {
        assert!(hidden(&seen(page)), "{} shows it", page.url);
    }
    for cookie in apps.browser.cookies() {
        assert!(hidden(&cookie.value), "{} has it", cookie.name);
    }
    let lines = log.take();
    assert!(lines.len() > 10);
    for line in &lines {
        assert!(hidden(&format!("{line:?}")), "{line:?}");
    }
    let printed = format!(
        "{:?} {:?} {:?} {:?}",
        apps.one, apps.mosaic, apps.directory, apps.two
    );
    assert!(hidden(&printed), "{printed}");
    // The code stays as hidden as the id.
    let code = apps.idp().last_code("alice").unwrap();
    let shown = |text: &str| {
        text.split(|c: char| !c.is_ascii_digit())
            .any(|it| it == code)
    };
    assert!(!pages.iter().any(|page| shown(&seen(page))));
    assert!(!lines.iter().any(|line| shown(&format!("{line:?}"))));
    // It was there to be found: in what went to Mosaic.
    let told = apps.sent_to("/cis/v1/auth/session/logout").remove(0);
    assert_eq!(told["session_id"], json!(id));
}
