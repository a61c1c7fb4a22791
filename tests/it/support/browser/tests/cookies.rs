use std::time::Duration;

use http::Method;
use tower::service_fn;
use tower_sso::clock::TestClock;

use super::super::{Browser, Redirects, Refusal, SameSite};
use super::{browser, echo, sent};

const APP: &str = "https://app.example.com";
const IDP: &str = "https://idp.example.org";

#[test]
fn a_set_cookie_line_is_kept_or_refused_by_the_rules() {
    let huge = format!("a={}", "x".repeat(4096));
    let table: &[(&str, &str, Result<(), Refusal>)] = &[
        ("https://app.example.com/", "a=1", Ok(())),
        ("https://app.example.com/", "=", Err(Refusal::Malformed)),
        (
            "https://app.example.com/",
            "a=1\u{0}",
            Err(Refusal::Malformed),
        ),
        ("https://app.example.com/", &huge, Err(Refusal::TooLarge)),
        (
            "https://app.example.com/",
            "a=1; Domain=example.com",
            Ok(()),
        ),
        (
            "https://app.example.com/",
            "a=1; Domain=.EXAMPLE.com",
            Ok(()),
        ),
        (
            "https://app.example.com/",
            "a=1; Domain=example.org",
            Err(Refusal::ForeignDomain),
        ),
        (
            "https://app.example.com/",
            "a=1; Domain=b.app.example.com",
            Err(Refusal::ForeignDomain),
        ),
        (
            "https://app.example.com/",
            "a=1; Domain=com",
            Err(Refusal::PublicSuffix),
        ),
        (
            "http://app.localhost/",
            "a=1; Domain=localhost",
            Err(Refusal::PublicSuffix),
        ),
        ("http://localhost/", "a=1; Domain=localhost", Ok(())),
        ("http://127.0.0.1/", "a=1; Domain=127.0.0.1", Ok(())),
        (
            "http://127.0.0.1/",
            "a=1; Domain=0.0.1",
            Err(Refusal::ForeignDomain),
        ),
        (
            "http://app.example.com/",
            "a=1; Secure",
            Err(Refusal::SecureFromInsecure),
        ),
        ("http://localhost/", "a=1; Secure", Ok(())),
        (
            "https://app.example.com/",
            "a=1; SameSite=None",
            Err(Refusal::NoneWithoutSecure),
        ),
        (
            "https://app.example.com/",
            "a=1; SameSite=None; Secure",
            Ok(()),
        ),
        (
            "https://app.example.com/",
            "a=1; Partitioned",
            Err(Refusal::PartitionedWithoutSecure),
        ),
        (
            "https://app.example.com/",
            "__Host-a=1; Secure; Path=/",
            Ok(()),
        ),
        (
            "https://app.example.com/",
            "__Host-a=1; Path=/",
            Err(Refusal::Prefix),
        ),
        (
            "https://app.example.com/",
            "__Host-a=1; Secure; Path=/b",
            Err(Refusal::Prefix),
        ),
        (
            "https://app.example.com/",
            "__hOST-a=1; Secure; Path=/; Domain=example.com",
            Err(Refusal::Prefix),
        ),
        (
            "http://localhost/",
            "__Host-a=1; Secure; Path=/",
            Err(Refusal::Prefix),
        ),
        (
            "https://app.example.com/",
            "=__Host-a=1; Secure; Path=/",
            Err(Refusal::Prefix),
        ),
        (
            "https://app.example.com/",
            "__Secure-a=1; Secure; Domain=example.com",
            Ok(()),
        ),
        (
            "https://app.example.com/",
            "__Secure-a=1",
            Err(Refusal::Prefix),
        ),
    ];
    for (url, line, expected) in table {
        assert_eq!(
            Browser::new().set_cookie(url, line),
            *expected,
            "{url} {line:.60}"
        );
    }
}

#[tokio::test]
async fn a_cookie_goes_where_its_domain_path_and_scheme_say() {
    let table = [
        (
            "https://app.example.com/a/b",
            "a=1",
            "https://app.example.com/a/c",
            true,
        ),
        (
            "https://app.example.com/a/b",
            "a=1",
            "https://app.example.com/ab",
            false,
        ),
        (
            "https://app.example.com/a/b",
            "a=1; Path=/",
            "https://app.example.com/",
            true,
        ),
        (
            "https://app.example.com/",
            "a=1; Path=/a",
            "https://app.example.com/a/b",
            true,
        ),
        (
            "https://app.example.com/",
            "a=1; Path=/a",
            "https://app.example.com/ab",
            false,
        ),
        (
            "https://app.example.com/",
            "a=1",
            "https://other.example.com/",
            false,
        ),
        (
            "https://app.example.com/",
            "a=1; Domain=example.com",
            "https://other.example.com/",
            true,
        ),
        (
            "https://app.example.com/",
            "a=1",
            "http://app.example.com/",
            true,
        ),
        (
            "https://app.example.com/",
            "a=1; Secure",
            "http://app.example.com/",
            false,
        ),
        (
            "http://localhost:3000/",
            "a=1",
            "http://localhost:3001/",
            true,
        ),
        (
            "http://localhost:3000/",
            "a=1; Secure",
            "http://localhost:3001/",
            true,
        ),
        (
            "https://app.example.com/",
            "a=1; Max-Age=0",
            "https://app.example.com/",
            false,
        ),
        (
            "https://app.example.com/",
            "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "https://app.example.com/",
            false,
        ),
        (
            "https://app.example.com/",
            "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=9",
            "https://app.example.com/",
            true,
        ),
    ];
    for (from, line, to, expected) in table {
        let browser = browser();
        browser.set_cookie(from, line).unwrap();
        let page = browser.visit(to).await;
        assert_eq!(
            sent(&page, "cookie").is_some(),
            expected,
            "{line} from {from} to {to}"
        );
    }
}

#[tokio::test]
async fn same_site_decides_what_crosses_sites() {
    let kinds = ["typed", "link", "post", "fetch", "frame", "redirect"];
    let table = [
        (
            "a=1; SameSite=Strict",
            [true, false, false, false, false, false],
        ),
        ("a=1; SameSite=Lax", [true, true, false, false, false, true]),
        (
            "a=1; SameSite=None; Secure",
            [true, true, true, true, true, true],
        ),
        // The two minutes of grace.
        ("a=1", [true, true, true, false, false, true]),
    ];
    for (line, expected) in table {
        let browser = browser();
        browser.set_cookie(APP, line).unwrap();
        let app = browser.visit(APP).await;
        let idp = browser.visit(IDP).await;
        let pages = [
            browser.visit(APP).await,
            idp.follow(APP).await,
            idp.follow(APP).post_form(&[]).await,
            idp.fetch(APP).with_credentials().await,
            idp.frame(APP).await,
            app.follow("https://idp.example.org/to?303&https://app.example.com/")
                .await,
        ];
        for ((page, kind), expected) in pages.iter().zip(kinds).zip(expected) {
            assert_eq!(sent(page, "cookie").is_some(), expected, "{line}: {kind}");
        }
        let chromium = browser.with_redirects(Redirects::Ignored);
        let app = chromium.visit(APP).await;
        let page = app
            .follow("https://idp.example.org/to?303&https://app.example.com/")
            .await;
        assert!(
            sent(&page, "cookie").is_some(),
            "{line}: Chromium's redirect"
        );
    }
}

#[tokio::test]
async fn a_frame_inside_another_site_is_cross_site_even_to_its_own() {
    let browser = browser();
    browser.set_cookie(APP, "a=1; SameSite=Lax").unwrap();
    let app = browser.visit(APP).await;
    let foreign = app.frame(IDP).await;
    let inner = foreign.frame(APP).await;
    assert_eq!(sent(&inner, "cookie"), None);
    assert_eq!(sent(&inner.fetch("/").await, "cookie"), None);
    let own = app.frame("https://other.example.com/").await;
    assert!(sent(&own.frame(APP).await, "cookie").is_some());
}

#[tokio::test]
async fn the_grace_of_a_cookie_without_same_site_ends_after_two_minutes() {
    let clock = TestClock::at(1_000);
    let browser = Browser::with_clock(&clock);
    browser.serve(APP, service_fn(echo));
    browser.serve(IDP, service_fn(echo));
    browser.set_cookie(APP, "a=1").unwrap();
    let idp = browser.visit(IDP).await;
    clock.advance(Duration::from_secs(119));
    let page = idp.follow(APP).method(Method::POST).await;
    assert!(sent(&page, "cookie").is_some());
    clock.advance(Duration::from_secs(1));
    let page = idp.follow(APP).method(Method::POST).await;
    assert_eq!(sent(&page, "cookie"), None);
}

#[test]
fn a_cookie_ends_at_its_second_and_session_cookies_with_the_process() {
    let clock = TestClock::at(1_000);
    let browser = Browser::with_clock(&clock);
    browser.set_cookie(APP, "kept=1; Max-Age=60").unwrap();
    browser.set_cookie(APP, "session=1").unwrap();
    browser.restart();
    assert!(browser.cookie("session").is_none());
    clock.advance(Duration::from_secs(59));
    assert!(browser.cookie("kept").is_some());
    clock.advance(Duration::from_secs(1));
    assert!(browser.cookie("kept").is_none());
}

#[test]
fn a_removal_must_repeat_domain_path_and_partition() {
    let line = "a=1; Domain=example.com; Path=/a; Secure; SameSite=None; Partitioned";
    let table = [
        (
            "a=; Max-Age=0; Domain=example.com; Path=/a; Secure; SameSite=None; Partitioned",
            true,
        ),
        (
            "a=; Max-Age=0; Path=/a; Secure; SameSite=None; Partitioned",
            false,
        ),
        (
            "a=; Max-Age=0; Domain=example.com; Path=/; Secure; SameSite=None; Partitioned",
            false,
        ),
        (
            "a=; Max-Age=0; Domain=example.com; Path=/a; Secure; SameSite=None",
            false,
        ),
    ];
    for (removal, works) in table {
        let browser = Browser::new();
        browser.set_cookie(APP, line).unwrap();
        browser.set_cookie(APP, removal).unwrap();
        assert_eq!(browser.cookie("a").is_none(), works, "{removal}");
    }
}

#[tokio::test]
async fn a_partitioned_cookie_stays_under_the_site_where_it_was_set() {
    let browser = browser();
    let framed = "https://idp.example.org/set?a=1; Path=/; Secure; SameSite=None; Partitioned";
    let app = browser.visit(APP).await;
    app.frame(framed).await;
    assert!(sent(&app.frame(IDP).await, "cookie").is_some());
    let sister = browser.visit("https://other.example.com/").await;
    assert!(
        sent(&sister.frame(IDP).await, "cookie").is_some(),
        "same site, other host"
    );
    assert_eq!(
        sent(&browser.visit(IDP).await, "cookie"),
        None,
        "at the top level"
    );
    let elsewhere = browser.visit("http://localhost:3000/").await;
    assert_eq!(
        sent(&elsewhere.frame(IDP).await, "cookie"),
        None,
        "under another site"
    );
}

#[tokio::test]
async fn a_blocked_third_party_has_partitioned_cookies_only() {
    let browser = browser().blocking_third_parties();
    browser
        .set_cookie(IDP, "a=1; Secure; SameSite=None")
        .unwrap();
    let app = browser.visit(APP).await;
    assert_eq!(sent(&app.frame(IDP).await, "cookie"), None);
    assert!(
        sent(&app.follow(IDP).await, "cookie").is_some(),
        "first party again"
    );
    let set = app
        .frame("https://idp.example.org/set?b=1; Secure; SameSite=None")
        .await;
    assert_eq!(
        set.hops[0].set_cookies[0].1,
        Err(Refusal::ThirdPartyBlocked)
    );
    app.frame("https://idp.example.org/set?c=1; Secure; SameSite=None; Partitioned")
        .await;
    assert_eq!(
        sent(&app.frame(IDP).await, "cookie").as_deref(),
        Some("c=1")
    );
}

#[tokio::test]
async fn a_cross_site_frame_or_fetch_can_set_none_cookies_only() {
    let browser = browser();
    let idp = browser.visit(IDP).await;
    let page = idp
        .frame("https://app.example.com/set?a=1; SameSite=Lax")
        .await;
    assert_eq!(
        page.hops[0].set_cookies[0].1,
        Err(Refusal::CrossSiteContext)
    );
    let page = idp
        .follow("https://app.example.com/set?a=1; SameSite=Lax")
        .await;
    assert_eq!(page.hops[0].set_cookies[0].1, Ok(()), "a navigation may");
    let page = idp
        .fetch("https://app.example.com/set?b=1; SameSite=None; Secure")
        .await;
    assert!(
        page.hops[0].set_cookies.is_empty(),
        "without credentials nothing is kept"
    );
}

#[test]
fn a_script_neither_reads_nor_overwrites_http_only() {
    let browser = Browser::new();
    browser.set_cookie(APP, "a=1; HttpOnly").unwrap();
    browser.set_cookie(APP, "b=2").unwrap();
    assert_eq!(browser.document_cookie(APP), "b=2");
    let planted = browser.set_document_cookie(APP, "a=evil");
    assert_eq!(planted, Err(Refusal::HttpOnlyFromScript));
    let planted = browser.set_document_cookie(APP, "c=1; HttpOnly");
    assert_eq!(planted, Err(Refusal::HttpOnlyFromScript));
    assert_eq!(browser.cookie("a").unwrap().value, "1");
}

#[test]
fn plain_http_cannot_shadow_a_secure_cookie() {
    let browser = Browser::new();
    browser
        .set_cookie("https://app.example.com/", "a=1; Secure; Path=/")
        .unwrap();
    for line in [
        "a=evil; Path=/",
        "a=evil; Path=/x",
        "a=evil; Domain=example.com; Path=/",
    ] {
        let planted = browser.set_cookie("http://app.example.com/", line);
        assert_eq!(planted, Err(Refusal::WouldShadowSecure), "{line}");
    }
}

#[tokio::test]
async fn longer_paths_and_older_cookies_come_first() {
    let browser = browser();
    for line in ["a=1; Path=/", "b=2; Path=/", "c=3; Path=/x", "a=4; Path=/"] {
        browser.set_cookie(APP, line).unwrap();
    }
    let page = browser.visit("https://app.example.com/x").await;
    assert_eq!(sent(&page, "cookie").as_deref(), Some("c=3; a=4; b=2"));
    assert_eq!(browser.cookie("a").unwrap().same_site, SameSite::Unset);
}

#[tokio::test]
async fn a_copied_jar_is_another_browser_and_a_stranger_has_none() {
    let browser = browser();
    browser.set_cookie(APP, "a=1").unwrap();
    let thief = browser.copy();
    browser.clear_cookies();
    assert!(sent(&thief.visit(APP).await, "cookie").is_some());
    assert_eq!(sent(&browser.visit(APP).await, "cookie"), None);
    assert_eq!(sent(&thief.stranger().visit(APP).await, "cookie"), None);
}
