use http::Method;

use super::{browser, sent};

const APP: &str = "https://app.example.com";
const IDP: &str = "https://idp.example.org";

#[tokio::test]
async fn fetch_metadata_tells_who_asks_for_what() {
    let browser = browser();
    let app = browser.visit(APP).await;
    let idp = browser.visit(IDP).await;
    let sister = browser.visit("https://other.example.com/").await;
    let around = "https://idp.example.org/to?303&https://app.example.com/";
    let typed_around = "https://idp.example.org/to?303&https://app.example.com/";
    let table = [
        (browser.visit(APP).await, "none navigate document ?1"),
        (
            browser.visit(typed_around).await,
            "none navigate document ?1",
        ),
        (app.follow("/x").await, "same-origin navigate document ?1"),
        (
            app.follow("/x").by_script().await,
            "same-origin navigate document -",
        ),
        (sister.follow(APP).await, "same-site navigate document ?1"),
        (idp.follow(APP).await, "cross-site navigate document ?1"),
        (app.follow(around).await, "cross-site navigate document ?1"),
        (app.fetch("/x").await, "same-origin cors empty -"),
        (idp.fetch(APP).await, "cross-site cors empty -"),
        (idp.load(APP).await, "cross-site no-cors image -"),
        (idp.frame(APP).await, "cross-site navigate iframe -"),
        (app.frame("/x").await, "same-origin navigate iframe -"),
        (app.prefetch("/x").await, "same-origin navigate document -"),
        (
            app.follow("/x").by_sandbox().await,
            "cross-site navigate document ?1",
        ),
        (app.websocket("wss://app.example.com/").await, "- - - -"),
        (browser.visit("http://app.example.com/").await, "- - - -"),
        (
            browser.visit("http://localhost:3000/").await,
            "none navigate document ?1",
        ),
    ];
    for (at, (page, expected)) in table.iter().enumerate() {
        let names = ["site", "mode", "dest", "user"];
        let values = names
            .map(|name| sent(page, &format!("sec-fetch-{name}")).unwrap_or_else(|| "-".to_owned()));
        assert_eq!(values.join(" "), *expected, "row {at}");
    }
}

#[tokio::test]
async fn a_page_asks_for_html_and_a_script_for_anything() {
    let browser = browser();
    let app = browser.visit(APP).await;
    assert!(sent(&app, "accept").unwrap().starts_with("text/html"));
    assert_eq!(
        sent(&app.fetch("/").await, "accept").as_deref(),
        Some("*/*")
    );
    let json = app.fetch("/").header("accept", "application/json").await;
    assert_eq!(sent(&json, "accept").as_deref(), Some("application/json"));
    assert_eq!(
        sent(&app.prefetch("/").await, "sec-purpose").as_deref(),
        Some("prefetch")
    );
    assert_eq!(sent(&app, "host").as_deref(), Some("app.example.com"));
    let local = browser.visit("http://localhost:3000/").await;
    assert_eq!(sent(&local, "host").as_deref(), Some("localhost:3000"));
}

#[tokio::test]
async fn origin_goes_with_what_may_change_something() {
    let browser = browser();
    let app = browser.visit(APP).await;
    let idp = browser.visit(IDP).await;
    let post = |page: &super::Page, url: &str| page.follow(url).post_form(&[("a", "1")]);
    let bounced = "https://app.example.com/to?307&https://idp.example.org/";
    let table = [
        (app.follow("/").await, None),
        (app.fetch("/").await, None),
        (app.fetch("/").method(Method::DELETE).await, Some(APP)),
        (app.fetch(IDP).await, Some(APP)),
        (post(&app, "/").await, Some(APP)),
        (post(&idp, APP).await, Some(IDP)),
        (post(&idp, "/").by_sandbox().await, Some("null")),
        // A POST that another origin sent on has no origin to speak of.
        (post(&idp, bounced).await, Some("null")),
        (post(&app, "http://app.example.com/").await, Some("null")),
        (app.websocket("wss://app.example.com/").await, Some(APP)),
    ];
    for (at, (page, expected)) in table.iter().enumerate() {
        assert_eq!(sent(page, "origin").as_deref(), *expected, "row {at}");
    }
}

#[tokio::test]
async fn the_referer_keeps_paths_within_the_origin() {
    let browser = browser();
    let app = browser.visit("https://app.example.com/a?b#c").await;
    let table = [
        ("/x", Some("https://app.example.com/a?b")),
        ("https://idp.example.org/", Some("https://app.example.com/")),
        ("http://app.example.com/", None),
    ];
    for (to, expected) in table {
        assert_eq!(
            sent(&app.follow(to).await, "referer").as_deref(),
            expected,
            "{to}"
        );
    }
}

#[tokio::test]
async fn a_redirect_keeps_or_drops_method_and_body_by_its_status() {
    let browser = browser();
    let app = browser.visit(APP).await;
    for (status, method) in [
        (301, "GET"),
        (302, "GET"),
        (303, "GET"),
        (307, "POST"),
        (308, "POST"),
    ] {
        let to = format!("/to?{status}&/end");
        let page = app.follow(&to).post_form(&[("a", "1")]).await;
        assert!(
            page.text().starts_with(&format!("{method} /end")),
            "{status}"
        );
        let kept = sent(&page, "content-type").is_some();
        assert_eq!(kept, method == "POST", "{status}");
    }
}

#[tokio::test]
async fn a_chain_can_be_watched_and_gone_on_with() {
    let browser = browser();
    let start = "https://app.example.com/to?303&https://idp.example.org/login";
    let page = browser.visit(start).stop_before(IDP).await;
    assert_eq!((page.status.as_u16(), page.hops.len()), (303, 1));
    assert_eq!(
        page.location().unwrap().as_str(),
        "https://idp.example.org/login"
    );
    assert_eq!(page.follow_redirect().await.url.path(), "/login");
    let whole = browser.visit(start).await;
    assert_eq!(whole.hop(APP).unwrap().status, 303);
    assert_eq!(whole.hops.len(), 2);
}

#[tokio::test]
#[should_panic(expected = "too many redirects")]
async fn a_loop_of_redirects_ends() {
    browser().visit("https://app.example.com/loop").await;
}
