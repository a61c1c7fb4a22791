//! The loop breaker: five finished sign-ins within a minute are a person's doing, the next start is a loop's.

use std::time::Duration;

use http::Method;
use tower_sso::simulator::Endpoint;

use crate::support::{App, Page};

const COUNT: &str = "__Host-sso-trips";
const MOST: u64 = 5;

/// Signs in anew, as a person who presses "use another account" does.
async fn once_more(app: &App) -> Page {
    app.visit("/auth/login?prompt=login&return_to=/protected")
        .await
}

/// Signs in as often as is allowed.
async fn to_the_brim(app: &App) {
    for time in 1..=MOST {
        let page = once_more(app).await;
        assert_eq!(page.status, 200, "time {time}: {}", page.html());
    }
}

/// The session goes, the count stays: what a store that forgets looks like to the browser.
fn lose_the_session(app: &App) {
    let gone = format!("{}=; Max-Age=0; Path=/; Secure", App::COOKIE);
    app.browser.set_cookie(App::URL, &gone).unwrap();
    assert_eq!(app.session_cookie(), None);
}

fn assert_stopped(app: &App, page: &Page) {
    assert_eq!(page.status, 403, "{}", page.html());
    assert!(page.text().contains("round in circles"), "{}", page.text());
    assert_eq!(page.location(), None);
    assert_eq!(
        page.header("cache-control").as_deref(),
        Some("private, no-store")
    );
    assert_eq!(page.set_cookies(), [""; 0], "nothing is begun");
    assert_eq!(app.attempts(), 0);
}

#[tokio::test]
async fn the_sixth_start_within_a_minute_is_stopped() {
    let app = App::new();
    to_the_brim(&app).await;
    let asked = app.idp().requests(Endpoint::Authorize);
    assert_eq!(asked, MOST);
    assert_stopped(&app, &once_more(&app).await);
    lose_the_session(&app);
    assert_stopped(&app, &app.visit("/protected").no_follow().await);
    let head = app.visit("/protected").method(Method::HEAD);
    assert_eq!(head.no_follow().await.status, 403);
    let home = app.visit("/").await;
    let form = home.follow("/transfer").post_form(&[]).no_follow().await;
    assert_stopped(&app, &form);
    assert_eq!(app.idp().requests(Endpoint::Authorize), asked);
}

/// It is a minute from the first of them, to the second.
#[tokio::test]
async fn a_minute_after_the_first_all_is_forgotten() {
    let app = App::new();
    once_more(&app).await;
    app.clock.advance(Duration::from_secs(30));
    for _ in 1..MOST {
        assert_eq!(once_more(&app).await.status, 200);
    }
    app.clock.advance(Duration::from_secs(29));
    assert_stopped(&app, &once_more(&app).await);
    app.clock.advance(Duration::from_secs(1));
    to_the_brim(&app).await;
    assert_stopped(&app, &once_more(&app).await);
}

/// The window is not carried on by what happens in it, or who signs in every half minute would be stopped.
#[tokio::test]
async fn who_signs_in_every_thirteen_seconds_is_never_stopped() {
    let app = App::new();
    for time in 0..20 {
        assert_eq!(once_more(&app).await.status, 200, "time {time}");
        app.clock.advance(Duration::from_secs(13));
    }
}

/// The server's clock was set back: a count from the future holds nobody up.
#[tokio::test]
async fn a_clock_that_is_set_back_stops_nobody() {
    let app = App::new();
    to_the_brim(&app).await;
    lose_the_session(&app);
    app.clock.set(1_800_000_000 - 1);
    assert_eq!(app.visit("/protected").no_follow().await.status, 303);
}

#[tokio::test]
async fn only_what_goes_to_the_provider_is_stopped() {
    let app = App::new();
    to_the_brim(&app).await;
    assert_eq!(
        app.visit("/protected").no_follow().await.status,
        200,
        "signed in"
    );
    let home = app.visit("/").await;
    lose_the_session(&app);
    let script = home.fetch("/protected").await;
    assert_eq!(script.status, 401);
    assert!(script.json()["login_url"].is_string());
    assert_eq!(home.websocket("/protected").await.status, 401);
    let ahead = app.visit("/protected").header("sec-purpose", "prefetch");
    assert_eq!(ahead.no_follow().await.status, 401);
    let framed = home.frame("/protected").await;
    assert_eq!(framed.status, 401);
    assert_stopped(
        &app,
        &home.follow(&framed.links()[0].href).no_follow().await,
    );
    assert_eq!(app.visit("/").await.status, 200, "public pages are");
}

#[tokio::test]
async fn what_is_not_finished_does_not_count() {
    let app = App::new();
    for _ in 0..2 * MOST {
        app.until_callback("/protected").await;
        app.until_callback("/auth/login?prompt=login").await;
        app.visit("/auth/callback?code=x&state=unknown").await;
        let ahead = app.visit("/auth/login").header("sec-purpose", "prefetch");
        ahead.no_follow().await;
    }
    assert_eq!(app.browser.cookie(COUNT).map(|count| count.value), None);
    app.sign_in("/protected").await;
}

/// Step-ups go round as well.
#[tokio::test]
async fn a_step_up_counts() {
    let app = App::new();
    app.sign_in("/protected").await;
    app.person("alice", &["pwd", "otp", "mfa"]);
    let page = app.visit("/mfa").await;
    assert_eq!(page.status, 200);
    for _ in 2..MOST {
        assert_eq!(once_more(&app).await.status, 200);
    }
    assert_stopped(&app, &once_more(&app).await);
}

/// It is sealed, so nobody counts for another: not a sister host, not another app on this one.
#[tokio::test]
async fn the_count_is_sealed_private_and_short_lived() {
    let app = App::new();
    to_the_brim(&app).await;
    let count = app.browser.cookie(COUNT).unwrap();
    assert!(count.http_only && count.secure);
    assert!(!count.value.contains("1800000000"), "{}", count.value);

    let other = App::new();
    let planted = format!("{COUNT}={}; Path=/; Secure; HttpOnly", count.value);
    other.browser.set_cookie(App::URL, &planted).unwrap();
    assert_eq!(other.visit("/protected").no_follow().await.status, 303);

    app.clock.advance(Duration::from_secs(60));
    assert!(
        app.browser.cookie(COUNT).is_none(),
        "the browser forgets it, too"
    );

    let neighbour = App::new();
    to_the_brim(&neighbour).await;
    neighbour.browser.clear_cookies();
    assert_eq!(neighbour.visit("/protected").no_follow().await.status, 303);
}
