//! Rows 35 to 37: the link into the admin portal, the page around it, and what comes out of it.

use std::sync::Arc;

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;
use tower_sso::clock::Clock as _;
use tower_sso::test_util::SignedIn;
use tower_sso::vendor::scalekit::{
    PortalEventType, PortalEvents, PortalFeature, PortalPage, ScalekitManagement,
};
use tower_sso::{CookieKey, ErrorKind, Policy, RequireLayer, Sso, User};

use super::fake::{FakeScalekit, LINKS, Reply};

const URL: &str = "https://app.example.com";
const LOCATION: &str = "https://acme.scalekit.dev/magicLink/2cbe56de_p";
const EVENT: &str = r#"{"event_type":"ORGANIZATION_SSO_ENABLED","organization_id":"org_2"}"#;

fn link_to(location: &str) -> Reply {
    Reply::json(&json!({ "link": {
        "id": "lnk_1", "location": location, "expire_time": "2027-01-15T08:01:00Z",
    } }))
}

/// The settings of an app whose administrators set up single sign-on by themselves.
struct Settings {
    sso: Sso,
    app: Router,
}

impl Settings {
    fn new(scalekit: &FakeScalekit) -> Self {
        let sso = Sso::builder("https://idp.example.com")
            .public_client("app")
            .base_url(URL)
            .cookie_key(CookieKey::generate())
            .clock(Arc::new(scalekit.clock.clone()))
            .build()
            .unwrap();
        let admins = || RequireLayer::new(Policy::login().role("admin"));
        let app = Router::new()
            .route("/settings/sso", get(portal).layer(admins()))
            .route("/settings/sso/events", post(take_event).layer(admins()))
            .layer(Extension(scalekit.client()))
            .layer(sso.layer());
        Self { sso, app }
    }

    async fn admin(&self, organization: &str) -> String {
        let who = SignedIn::new("ada")
            .role("admin")
            .organization(organization);
        self.sso.sign_in(who.at(now())).await.unwrap()
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn open(&self, cookie: &str, query: &str) -> (StatusCode, String) {
        let request = Request::get(format!("/settings/sso{query}")).header("cookie", cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, cookie: &str, origin: Option<&str>) -> StatusCode {
        let mut request = Request::post("/settings/sso/events").header("cookie", cookie);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request.body(Body::from(EVENT)).unwrap()).await.0
    }
}

fn now() -> tower_sso::clock::SecondsSinceEpoch {
    FakeScalekit::new().clock.now()
}

async fn portal(
    Extension(scalekit): Extension<ScalekitManagement>,
    user: User,
) -> Result<Response<String>, StatusCode> {
    let organization = user.organization().ok_or(StatusCode::FORBIDDEN)?;
    let link = scalekit
        .portal_link(organization, &[PortalFeature::Sso])
        .await;
    let link = link.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let page = PortalPage::new(&link).events_to("/settings/sso/events");
    Ok(page
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
        .render())
}

async fn take_event(user: User, headers: HeaderMap, body: Bytes) -> Result<String, StatusCode> {
    let events = PortalEvents::from_pages_at(URL).unwrap();
    let origin = headers
        .get("origin")
        .and_then(|origin| origin.to_str().ok());
    let event = events
        .check(origin, &body)
        .map_err(|_| StatusCode::FORBIDDEN)?;
    Ok(format!("{} of {:?}", event.event_type, user.organization()))
}

#[tokio::test]
async fn row_35_an_administrator_gets_the_portal_of_their_own_organization() {
    let scalekit = FakeScalekit::new();
    scalekit.on(LINKS, [link_to(LOCATION)]);
    let settings = Settings::new(&scalekit);
    let cookie = settings.admin("org_1").await;
    let (status, page) = settings
        .open(&cookie, "?organization=org_2&organization_id=org_2")
        .await;
    assert_eq!(status, 200);
    assert!(page.contains(&format!("src=\"{LOCATION}\"")), "{page}");
    let call = &scalekit.calls(LINKS)[0];
    assert_eq!(call.uri().query(), Some("features=sso"));
    assert_eq!(call.headers()["authorization"], "Bearer token-1");
    settings.open(&cookie, "").await;
    assert_eq!(
        scalekit.calls(LINKS).len(),
        2,
        "a link opens once: each page has its own"
    );
}

#[tokio::test]
async fn row_35_nobody_else_gets_a_link() {
    let scalekit = FakeScalekit::new();
    let settings = Settings::new(&scalekit);
    let member = SignedIn::new("bob").organization("org_1").at(now());
    let member = settings.sso.sign_in(member).await.unwrap();
    assert_eq!(settings.open(&member, "").await.0, 403);
    let nowhere = SignedIn::new("eve").role("admin").at(now());
    let nowhere = settings.sso.sign_in(nowhere).await.unwrap();
    assert_eq!(settings.open(&nowhere, "").await.0, 403);
    assert_eq!(settings.open("a=b", "").await.0, 401);
    assert!(scalekit.all_calls().is_empty());
}

#[tokio::test]
async fn row_35_a_link_says_where_it_leads_and_until_when() {
    let scalekit = FakeScalekit::new();
    scalekit.on(LINKS, [link_to(LOCATION)]);
    let features = [PortalFeature::Sso, PortalFeature::DirectorySync];
    let link = scalekit
        .client()
        .portal_link("org_1", &features)
        .await
        .unwrap();
    assert_eq!(link.location.as_str(), LOCATION);
    assert_eq!(link.id.as_deref(), Some("lnk_1"));
    assert_eq!(link.expires_at.0, 1_800_000_060);
    assert_eq!(
        scalekit.calls(LINKS)[0].uri().query(),
        Some("features=sso&features=dir_sync")
    );
}

/// It becomes a frame in the app's own page.
#[tokio::test]
async fn row_35_a_link_that_leads_elsewhere_is_not_handed_out() {
    let scalekit = FakeScalekit::new();
    let client = scalekit.client();
    for bad in [
        "https://evil.example/x",
        "http://acme.scalekit.dev/x",
        "javascript:alert(1)",
    ] {
        scalekit.on(LINKS, [link_to(bad)]);
        let error = client.portal_link("org_1", &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Provider, "{bad}");
        assert!(!error.to_string().contains("evil"), "{error}");
    }
    scalekit.on(LINKS, [link_to("https://sso.example.com/x")]);
    client.portal_link("org_1", &[]).await.unwrap_err();
    let client = client.add_portal_origin("https://sso.example.com").unwrap();
    client.portal_link("org_1", &[]).await.unwrap();
    for bad in [
        "http://sso.example.com",
        "https://sso.example.com/x",
        "*",
        "null",
    ] {
        assert!(client.clone().add_portal_origin(bad).is_err(), "{bad}");
    }
}

#[test]
fn row_36_the_page_lets_in_the_portal_and_nothing_else() {
    let page = PortalPage::at(LOCATION)
        .unwrap()
        .events_to("/events")
        .unwrap()
        .render();
    let headers = page.headers();
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["cache-control"], "private, no-store");
    assert_eq!(headers["vary"], "Cookie");
    assert_eq!(headers["referrer-policy"], "strict-origin");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let html = page.body();
    let inside = |tag: &str| {
        let from = html.split(&format!("<{tag}>")).nth(1).unwrap();
        from.split(&format!("</{tag}>")).next().unwrap()
    };
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    assert_eq!(
        headers["content-security-policy"].to_str().unwrap(),
        format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; \
             frame-src https://acme.scalekit.dev; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
            hash(inside("script")),
            hash(inside("style"))
        )
    );
    assert!(html.contains("allow=\"clipboard-write\""), "{html}");
    assert!(inside("style").contains("min-height:600px"));
    assert!(html.contains("data-origin=\"https://acme.scalekit.dev\""));
    assert!(html.contains("data-events=\"/events\""));
}

#[test]
fn row_36_what_a_page_is_made_of_is_never_script() {
    let hostile = "</script><script>alert(1)</script>\"'&";
    let location = format!("https://acme.scalekit.dev/?{hostile}#{hostile}");
    let page = PortalPage::at(&location).unwrap().title(hostile);
    let page = page
        .events_to("/e?\"onload=\"alert(1)\"><script>")
        .unwrap()
        .render();
    let html = page.body();
    for tag in [
        "<script", "</script", "<iframe", "</iframe", "<title", "</title",
    ] {
        assert_eq!(html.matches(tag).count(), 1, "{tag}: {html}");
    }
    assert!(!html.contains("\"onload"), "{html}");
    let plain = PortalPage::at(LOCATION).unwrap().render();
    let script = |html: &str| html.split("<script>").nth(1).unwrap().to_owned();
    assert_eq!(
        script(html),
        script(plain.body()),
        "the script is the same on every page"
    );
}

#[tokio::test]
async fn row_37_an_event_comes_from_the_apps_own_page() {
    let scalekit = FakeScalekit::new();
    let settings = Settings::new(&scalekit);
    let cookie = settings.admin("org_1").await;
    assert_eq!(settings.post(&cookie, Some(URL)).await, 200);
    for origin in [
        Some("https://evil.example"),
        Some("https://acme.scalekit.dev"),
        Some("https://app.example.com.evil.example"),
        Some("http://app.example.com"),
        Some("null"),
        None,
    ] {
        assert_eq!(settings.post(&cookie, origin).await, 403, "{origin:?}");
    }
    assert_ne!(settings.post("a=b", Some(URL)).await, 200);
    let events = PortalEvents::from_pages_at(URL).unwrap();
    let event = events.check(Some(URL), EVENT.as_bytes()).unwrap();
    assert_eq!(event.event_type, PortalEventType::SsoEnabled);
    assert_eq!(
        event.organization_id.as_deref(),
        Some("org_2"),
        "what the browser says"
    );
    assert!(PortalEvents::from_pages_at("https://app.example.com/path").is_err());
}
