//! The admin portal in an iframe of another origin, in a real Chromium: which messages reach the app.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use http::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_sso::vendor::scalekit::PortalPage;

use crate::support::Chromium;

/// What ends each test: it comes last.
const LAST: &str = "PORTAL_SESSION_EXPIRY";

/// Inside the portal: a frame of its own origin and one of another speak to the page around it, then it speaks itself.
const PORTAL: &str = r#"<iframe src="http://portal.localhost:{port}/nested"></iframe>
<iframe src="http://evil.localhost:{port}/nested"></iframe>
<script>addEventListener("load", () => {
  const circle = {}; circle.circle = circle;
  for (const odd of [null, "ORGANIZATION_SSO_ENABLED", [], {}, { event_type: 1 }, { event_type: "<b>" },
      { event_type: "CIRCLE", data: circle }, { event_type: "HUGE", data: { a: "a".repeat(20000) } }]) {
    parent.postMessage(odd, "*");
  }
  parent.postMessage({ event_type: "ORGANIZATION_SSO_ENABLED", object: "connection", organization_id: "org_1",
    message: 7, data: { id: "conn_1" }, extra: "x" }, "*");
  parent.postMessage({ event_type: "PORTAL_SESSION_EXPIRY" }, "*");
});</script>"#;

const NESTED: &str = r#"<script>top.postMessage({ event_type: "NESTED" }, "*");</script>"#;

/// The same window, which goes to another site and comes back.
const LEAVES: &str = r#"<script>parent.postMessage({ event_type: "PORTAL_LOAD_SUCCESS" }, "*");
location = "http://evil.localhost:{port}/returns";</script>"#;
const RETURNS: &str = r#"<script>parent.postMessage({ event_type: "ORGANIZATION_SSO_DISABLED" }, "*");
location = "http://portal.localhost:{port}/last";</script>"#;
const LAST_PAGE: &str =
    r#"<script>parent.postMessage({ event_type: "PORTAL_SESSION_EXPIRY" }, "*");</script>"#;

/// One server for every host: hosts differ in their origins only.
struct Hosts {
    port: u16,
    events: UnboundedReceiver<Value>,
}

#[derive(Clone)]
struct Shared {
    port: u16,
    events: UnboundedSender<Value>,
}

impl Hosts {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, events) = unbounded_channel();
        let page = |text: &'static str| {
            let text = text.replace("{port}", &port.to_string());
            get(|| async { Html(text) })
        };
        let app = Router::new()
            .route("/settings", get(settings))
            .route("/own", get(own))
            .route("/events", post(take_event))
            .route("/portal", page(PORTAL))
            .route("/nested", page(NESTED))
            .route("/leaves", page(LEAVES))
            .route("/returns", page(RETURNS))
            .route("/last", page(LAST_PAGE))
            .with_state(Shared {
                port,
                events: sender,
            });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, events }
    }

    /// What reached the app, up to the last.
    async fn heard(&mut self) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            let next = tokio::time::timeout(Duration::from_secs(15), self.events.recv());
            let event = next
                .await
                .unwrap_or_else(|_| panic!("no end of {heard:?}"))
                .unwrap();
            if event["event_type"] == LAST {
                return heard;
            }
            heard.push(event);
        }
    }
}

async fn settings(State(shared): State<Shared>) -> Response<String> {
    let location = format!("http://portal.localhost:{}/portal", shared.port);
    let page = PortalPage::at(&location)
        .unwrap()
        .events_to("/events")
        .unwrap();
    page.render()
}

/// A page of the app's own, without a policy: its frame may go anywhere.
async fn own(State(shared): State<Shared>) -> Html<String> {
    let origin = format!("http://portal.localhost:{}", shared.port);
    let script = PortalPage::event_listener_script(&origin).unwrap();
    Html(format!(
        "<script>{script}
        let before = Promise.resolve();
        document.addEventListener('scalekit-portal', (event) => {{
            const body = JSON.stringify(event.detail);
            before = before.then(() => fetch('/events', {{ method: 'POST', body }}));
        }});</script><iframe src=\"{origin}/leaves\"></iframe>"
    ))
}

async fn take_event(State(shared): State<Shared>, body: String) {
    shared
        .events
        .send(serde_json::from_str(&body).unwrap())
        .unwrap();
}

#[tokio::test]
async fn row_36_the_portal_is_shown_and_only_its_own_window_is_heard() {
    let Some(browser) = Chromium::start().await else {
        return;
    };
    let mut hosts = Hosts::start().await;
    browser
        .goto(&format!("http://app.localhost:{}/settings", hosts.port))
        .await;
    let expected = json!({
        "event_type": "ORGANIZATION_SSO_ENABLED", "object": "connection", "organization_id": "org_1",
        "data": { "id": "conn_1" },
    });
    assert_eq!(hosts.heard().await, [expected]);
    let height = browser.client().execute(
        "return document.querySelector('iframe').offsetHeight",
        vec![],
    );
    assert!(height.await.unwrap().as_u64().unwrap() >= 600);
}

#[tokio::test]
async fn row_37_a_portal_window_that_went_elsewhere_is_not_heard() {
    let Some(browser) = Chromium::start().await else {
        return;
    };
    let mut hosts = Hosts::start().await;
    browser
        .goto(&format!("http://app.localhost:{}/own", hosts.port))
        .await;
    assert_eq!(
        hosts.heard().await,
        [json!({ "event_type": "PORTAL_LOAD_SUCCESS" })]
    );
}
