use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use tower::service_fn;
use url::Url;

use super::super::answer::sources_allow;
use super::super::{Browser, html};
use super::{browser, echo};

const LOGIN: &str = r#"<!doctype html><title>Not text</title>
<!-- <form id="hidden"> -->
<form id=login method="post" action='/login?a=1&amp;b=2'>
  <p>Who are you?</p>
  <input type="hidden" name="csrf" value="&lt;&quot;x&#39;&#x41;>">
  <input name="user" value="">
  <label><input type="radio" name="acr" value="silver" checked> Silver</label>
  <label><input type="radio" name="acr" value="gold"> Gold</label>
  <input type="checkbox" name="amr" value="pwd" checked>
  <input type="checkbox" name="amr" value="otp">
  <select name="group"><option value="a">A</option><option>B</option></select>
  <textarea name="note">n &amp; m</textarea>
  <input name="off" value="x" disabled>
  <button name="do" value="in">Sign <b>in</b></button>
  <button name="do" value="cancel">Cancel</button>
  <button type="button" name="do" value="never">Never</button>
</form>
<a href="/other?x=1&amp;y=2">Some <i>other</i>  way</a>
<script>"<form id=script>"</script>"#;

fn pairs(form: &html::Form) -> String {
    let pairs = form.pairs();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

#[test]
fn a_form_sends_what_a_person_left_in_it() {
    let form = html::parse(LOGIN).forms.remove(0);
    assert_eq!(
        (form.method.as_str(), form.action.as_str()),
        ("POST", "/login?a=1&b=2")
    );
    assert_eq!(
        pairs(&form),
        "csrf=<\"x'A>&user=&acr=silver&amr=pwd&group=a&note=n & m&do=in"
    );
    let filled = form
        .fill("user", "alice")
        .fill("acr", "gold")
        .fill("amr", "otp")
        .untick("nothing")
        .fill("group", "B")
        .press("Cancel");
    assert_eq!(
        pairs(&filled),
        "csrf=<\"x'A>&user=alice&acr=gold&amr=pwd&amr=otp&group=B&note=n & m&do=cancel"
    );
    assert_eq!(filled.untick("amr").value("amr"), None);
}

#[test]
#[should_panic(expected = "takes no acr=platinum")]
fn a_choice_that_is_not_there_cannot_be_made() {
    let _ = html::parse(LOGIN).forms.remove(0).fill("acr", "platinum");
}

#[test]
fn comments_and_scripts_hold_no_forms_and_text_is_what_is_read() {
    let document = html::parse(LOGIN);
    assert_eq!(document.forms.len(), 1);
    assert_eq!(document.links.len(), 1);
    assert_eq!(document.links[0].href, "/other?x=1&y=2");
    assert_eq!(document.links[0].text, "Some other way");
    assert!(
        document.text.starts_with("Who are you? Silver Gold"),
        "{}",
        document.text
    );
    assert!(!document.text.contains("script"), "{}", document.text);
}

#[tokio::test]
async fn forms_and_links_are_resolved_against_their_page() {
    let browser = browser();
    browser.serve("https://login.example.com", service_fn(login));
    let page = browser.visit("https://login.example.com/a/").await;
    let form = page.form("login").fill("user", "a b&c");
    let answer = page.submit(&form).no_follow().await;
    assert_eq!(
        answer.url.as_str(),
        "https://login.example.com/login?a=1&b=2"
    );
    assert!(answer.html().contains("user=a+b%26c"), "{}", answer.html());
    let other = page.click("Some other way").await;
    assert_eq!(
        other.url.as_str(),
        "https://login.example.com/other?x=1&y=2"
    );
}

/// The login page, and whatever is posted to it.
async fn login(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let body = axum::body::to_bytes(request.into_body(), 10_000)
        .await
        .unwrap();
    let html = if body.is_empty() { LOGIN.into() } else { body };
    let response = Response::builder().header("content-security-policy", "form-action 'self'");
    Ok(response.body(Body::from(html)).unwrap())
}

#[test]
fn form_action_is_asked_at_each_step() {
    let page = Url::parse("https://app.example.com/out").unwrap();
    for (policy, to, expected) in [
        ("'self'", "https://app.example.com/x", true),
        ("'self'", "https://idp.example.org/", false),
        ("'none'", "https://app.example.com/x", false),
        (
            "'self' https://idp.example.org",
            "https://idp.example.org/end",
            true,
        ),
        ("'self' https:", "http://idp.example.org/end", false),
        ("*", "https://idp.example.org/", true),
    ] {
        let to = Url::parse(to).unwrap();
        assert_eq!(sources_allow(policy, &page, &to), expected, "{policy} {to}");
    }
}

#[tokio::test]
#[should_panic(expected = "does not allow a form to go to https://idp.example.org/")]
async fn form_action_stops_a_redirect_of_the_submission() {
    let browser = browser();
    browser.serve("https://login.example.com", service_fn(leave));
    let page = browser.visit("https://login.example.com/").await;
    page.submit(&page.only_form()).await;
}

async fn leave(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let response = match request.method().as_str() {
        "POST" => Response::builder()
            .status(303)
            .header("location", "https://idp.example.org/")
            .body(Body::empty()),
        _ => Response::builder()
            .header(
                "content-security-policy",
                "default-src 'none'; form-action 'self'",
            )
            .body(Body::from("<form method=post></form>")),
    };
    Ok(response.unwrap())
}

#[tokio::test]
async fn framing_is_refused_by_either_header() {
    let framed_by = "https://evil.example.net/";
    for (name, value, expected) in [
        ("x-other", "x", true),
        ("x-frame-options", "DENY", false),
        ("x-frame-options", "SAMEORIGIN", false),
        ("content-security-policy", "frame-ancestors 'none'", false),
        ("content-security-policy", "frame-ancestors 'self'", false),
        (
            "content-security-policy",
            "frame-ancestors https://evil.example.net",
            true,
        ),
    ] {
        let browser = Browser::new();
        let service = service_fn(move |_: Request<Body>| async move {
            let response = Response::builder().header(name, value);
            Ok::<_, Infallible>(response.body(Body::empty()).unwrap())
        });
        browser.serve("https://app.example.com", service);
        let page = browser.visit("https://app.example.com/").await;
        assert_eq!(
            page.can_be_framed_by(framed_by),
            expected,
            "{name}: {value}"
        );
    }
}

#[tokio::test]
async fn what_listens_on_loopback_is_reached_by_name() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = axum::Router::new().fallback_service(service_fn(echo));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let page = Browser::new()
        .visit(&format!("http://idp.localhost:{port}/x"))
        .await;
    assert!(
        page.text().contains(&format!("host: idp.localhost:{port}")),
        "{}",
        page.text()
    );
    server.abort();
}
