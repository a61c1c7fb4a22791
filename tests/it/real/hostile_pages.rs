//! What pages of other sites, frames, prefetches and the back button do in a real Chromium.

use fantoccini::Locator;
use tower_sso::simulator::Endpoint;

use super::web::Web;

const POST: &str =
    "fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x'})
    .then(() => done('sent'), () => done('failed'))";
const SOCKET: &str = "const socket = new WebSocket(url);
    socket.onopen = () => done('open'); socket.onerror = () => done('refused')";

/// `SameSite=Lax`: a link brings the cookie along, a form, a script and a socket do not.
#[tokio::test]
async fn a_page_of_another_site_can_link_and_not_act() {
    let Some(web) = Web::start(|builder| builder).await else {
        return;
    };
    web.sign_in().await;
    let (app, browser) = (&web.app, &web.browser);
    let socket = format!("{}/socket", app.replace("http:", "ws:"));

    web.open(&web.evil, &format!("<a href={app}/protected?link>go</a>"))
        .await;
    browser.click("a").await;
    browser.wait_for_url(&format!("{app}/protected?link")).await;
    assert_eq!(browser.page_text().await, "the secret of alice");
    let link = web.last_seen("/protected?link").await;
    assert_eq!(link.header("sec-fetch-site"), "cross-site");
    assert!(link.with_session && link.status == 200, "{link:?}");

    let form = format!("<form method=post action={app}/transfer><button>send</button></form>");
    web.open(&web.evil, &form).await;
    assert_eq!(web.script(POST, &format!("{app}/transfer")).await, "sent");
    assert_eq!(web.script(SOCKET, &socket).await, "refused");
    let (posted, opened) = (
        web.last_seen("/transfer").await,
        web.last_seen("/socket").await,
    );
    for request in [&posted, &opened] {
        assert!(
            !request.with_session && request.status == 401,
            "{request:?}"
        );
        assert!(!request.sets_cookie, "{request:?}");
    }
    // A form is a navigation: whoever sent it is asked to sign in, and comes to a safe page.
    browser.click("button").await;
    browser.wait_for_url(&format!("{app}/")).await;
    assert_eq!(browser.page_text().await, "public");
    let sent = web.last_seen("/transfer").await;
    assert!(!sent.with_session && sent.status == 303, "{sent:?}");

    // A host of our own site is another matter: its requests bring the cookie, and are refused for what
    // they are.
    web.forget();
    web.open(&web.sister, &form).await;
    assert_eq!(web.script(POST, &format!("{app}/transfer")).await, "sent");
    assert_eq!(web.script(SOCKET, &socket).await, "refused");
    browser.click("button").await;
    browser.wait_for_url(&format!("{app}/transfer")).await;
    assert!(browser.page_text().await.contains("another site"));
    for path in ["/transfer", "/socket"] {
        for request in web.seen(path) {
            assert!(request.with_session && request.status == 403, "{request:?}");
        }
    }
    assert_eq!(web.seen("/transfer").len(), 2);

    // Our own page may do all of it.
    web.open(app, &form).await;
    assert_eq!(web.script(SOCKET, &socket).await, "open");
    browser.click("button").await;
    browser.wait_for_url(&format!("{app}/transfer")).await;
    assert_eq!(browser.page_text().await, "sent");
}

#[tokio::test]
async fn a_frame_on_another_site_leads_to_a_sign_in_outside_of_it() {
    for embedded in [false, true] {
        let Some(web) = Web::start(|builder| builder.embedded(embedded)).await else {
            return;
        };
        let (app, browser) = (&web.app, &web.browser);
        let frame = format!("<iframe src={app}/protected?tab=2></iframe>");
        web.open(&web.evil, &frame).await;
        browser.client().enter_frame(0).await.unwrap();
        assert_eq!(browser.text("h1").await, "Sign in to see this");
        let framed = web.last_seen("/protected").await;
        assert_eq!(framed.header("sec-fetch-dest"), "iframe");
        assert!(framed.status == 401 && !framed.sets_cookie, "{framed:?}");
        assert_eq!(web.simulator.handle().requests(Endpoint::Authorize), 0);
        browser.click("a").await;
        browser.client().enter_parent_frame().await.unwrap();
        browser
            .wait_for_url(&format!("{app}/protected?tab=2"))
            .await;
        assert_eq!(browser.page_text().await, "the secret of alice");
        let cookies = browser.cookies().await;
        let session = cookies.iter().find(|cookie| cookie.name() == web.cookie);
        let site = session.unwrap().same_site();
        let expected = if embedded { "None" } else { "Lax" };
        assert_eq!(site.unwrap().to_string(), expected);

        // The session is not the frame's: another site shows nobody's page, signed in or not.
        web.open(&web.evil, &frame).await;
        browser.client().enter_frame(0).await.unwrap();
        assert_eq!(browser.text("h1").await, "Sign in to see this");
        // A page of our own site frames what it likes, but for what has a button.
        let button = format!("{frame}<iframe src={app}/auth/logout></iframe>");
        web.open(&web.sister, &button).await;
        browser.client().enter_frame(0).await.unwrap();
        assert_eq!(browser.page_text().await, "the secret of alice");
        browser.client().enter_parent_frame().await.unwrap();
        web.last_seen("/auth/logout").await;
        browser.client().enter_frame(1).await.unwrap();
        let button = browser.client().find(Locator::Css("button")).await;
        let ours = button.is_ok() && browser.page_text().await.contains("signed out");
        assert!(!ours, "a button is shown under somebody else's page");
    }
}

#[tokio::test]
async fn what_is_fetched_ahead_starts_no_sign_in() {
    let Some(web) = Web::start(|builder| builder).await else {
        return;
    };
    let (app, browser) = (&web.app, &web.browser);
    let page = r#"
        <link rel=prefetch href=/protected?link>
        <script type=speculationrules>{
            "prefetch": [{"source": "list", "urls": ["/protected?ahead"], "eagerness": "immediate"}],
            "prerender": [{"source": "list", "urls": ["/protected?render"], "eagerness": "immediate"}]
        }</script>
        <a href=/protected?ahead>go</a>"#;
    web.open(app, page).await;
    for (target, purpose) in [
        ("/protected?link", "prefetch"),
        ("/protected?ahead", "prefetch"),
        ("/protected?render", "prefetch;prerender"),
    ] {
        let ahead = web.last_seen(target).await;
        assert_eq!(ahead.header("sec-purpose"), purpose, "{target}");
        assert!(ahead.status == 401 && !ahead.sets_cookie, "{ahead:?}");
    }
    assert!(browser.cookies().await.is_empty());
    assert_eq!(web.simulator.handle().requests(Endpoint::Authorize), 0);

    // The person comes, and is not shown what was kept from before.
    browser.click("a").await;
    browser
        .wait_for_url(&format!("{app}/protected?ahead"))
        .await;
    assert_eq!(browser.page_text().await, "the secret of alice");
    assert_eq!(web.simulator.handle().requests(Endpoint::Authorize), 1);
}

#[tokio::test]
async fn back_reload_and_a_callback_again() {
    let Some(web) = Web::start(|builder| builder).await else {
        return;
    };
    let (app, browser) = (&web.app, &web.browser);
    let idp = web.simulator.handle();
    browser.goto(&format!("{app}/")).await;
    web.sign_in().await;
    let callback = web.last_seen("/auth/callback").await.target;
    let grants = idp.code_grants();

    browser.back().await;
    assert_eq!(browser.current_url().await, format!("{app}/"));
    browser.client().forward().await.unwrap();
    browser.reload().await;
    assert_eq!(browser.page_text().await, "the secret of alice");
    assert_eq!(web.seen("/auth/callback").len(), 1, "it is in no history");

    // The answer once more, while signed in and by a stranger: no code is sent twice.
    browser.goto(&format!("{app}{callback}")).await;
    assert_eq!(browser.current_url().await, format!("{app}/"));
    browser.client().delete_all_cookies().await.unwrap();
    browser.goto(&format!("{app}{callback}")).await;
    browser.reload().await;
    let again = web.last_seen("/auth/callback").await;
    assert!(again.status == 400 && !again.sets_cookie, "{again:?}");
    assert!(
        browser
            .current_url()
            .await
            .starts_with(&format!("{app}/auth/callback"))
    );
    assert_eq!(idp.code_grants(), grants);
    browser.goto(&format!("{app}/protected")).await;

    // By history and by the back/forward cache alike: what was private is not shown after the sign-out.
    browser.goto(&format!("{app}/auth/logout")).await;
    browser.click("button").await;
    browser
        .wait_for_url(&format!("{app}/auth/logged-out"))
        .await;
    idp.set_default_login(None);
    for _ in 0..6 {
        browser.back().await;
        let text = browser.page_text().await;
        assert!(!text.contains("secret"), "{}", browser.current_url().await);
    }
}

/// A browser that restores its tabs asks for all of them at once.
#[tokio::test]
async fn ten_tabs_that_are_restored_at_once_all_end_signed_in() {
    let Some(web) = Web::start(|builder| builder).await else {
        return;
    };
    let (app, browser) = (&web.app, &web.browser);
    browser.goto(&format!("{app}/")).await;
    let open = "for (let tab = 0; tab < 10; tab++) open(url + tab); done('opened')";
    web.script(open, &format!("{app}/protected?tab=")).await;
    let tabs = browser.client().windows().await.unwrap();
    assert_eq!(tabs.len(), 11);
    for tab in &tabs[1..] {
        browser
            .client()
            .switch_to_window(tab.clone())
            .await
            .unwrap();
        browser.wait_for_url(&format!("{app}/protected?tab=")).await;
        assert_eq!(browser.page_text().await, "the secret of alice");
    }
}
