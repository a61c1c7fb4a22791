//! The cells. A row is what a client sends, byte for byte; a column is why it is refused.

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_sso::clock::SecondsSinceEpoch;
use tower_sso::simulator::{Endpoint, Fault, LoginChoice};
use tower_sso::test_util::SignedIn;

use super::answer::Gets::{
    self, Bare, Bare503, Grpc, Htmx, Link, Page403, Page503, Problem, Problem403, Redirect,
};
use super::answer::{Why, check};
use crate::support::{App, RemoteStore};

type Headers = &'static [(&'static str, &'static str)];

/// A page of ours that sends or loads what is refused.
const PAGE: (&str, &str) = ("referer", "https://app.example.com/list?p=2");

/// Where a sign-in returns to.
#[derive(Clone, Copy, Debug)]
enum Back {
    /// The URL that was asked for.
    Here,
    /// The page that asked, [`PAGE`].
    Page,
    /// The start page, where nothing names the page that asked.
    Home,
}
use Back::{Here, Home, Page};

struct Row {
    name: &'static str,
    method: Method,
    headers: Headers,
    back: Back,
    /// No session, session too weak, not allowed, store down.
    gets: [Gets; 4],
}

const fn row(
    name: &'static str,
    method: Method,
    headers: Headers,
    back: Back,
    gets: [Gets; 4],
) -> Row {
    Row {
        name,
        method,
        headers,
        back,
        gets,
    }
}

/// Beside the design line by line.
#[rustfmt::skip]
const TABLE: [Row; 22] = [
    row("a navigation", Method::GET,
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none")],
        Here, [Redirect, Redirect, Page403, Page503]),
    row("a navigation by a link elsewhere", Method::GET,
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "cross-site"),
          ("referer", "https://elsewhere.example/")],
        Here, [Redirect, Redirect, Page403, Page503]),
    row("a navigation by HEAD", Method::HEAD,
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
        Here, [Redirect, Redirect, Page403, Page503]),
    row("an old browser", Method::GET,
        &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")],
        Here, [Redirect, Redirect, Page403, Page503]),
    row("an iframe", Method::GET,
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "cross-site")],
        Here, [Link, Link, Page403, Page503]),
    row("a frame of a frameset", Method::GET,
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "frame"), ("sec-fetch-site", "same-origin")],
        Here, [Link, Link, Page403, Page503]),
    row("a form sent in a frame", Method::POST,
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "same-origin"), PAGE],
        Page, [Link, Link, Page403, Page503]),
    row("a prefetch", Method::GET,
        &[("sec-purpose", "prefetch"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-site", "same-origin"), PAGE],
        Page, [Bare, Bare, Problem403, Bare503]),
    row("a prerender", Method::GET,
        &[("sec-purpose", "prefetch;prerender"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
        Here, [Bare, Bare, Problem403, Bare503]),
    row("an old browser's prefetch", Method::GET,
        &[("purpose", "prefetch"), ("accept", "text/html")],
        Here, [Bare, Bare, Problem403, Bare503]),
    row("a form", Method::POST,
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "same-origin"), PAGE],
        Page, [Redirect, Redirect, Page403, Page503]),
    row("a form of an old browser, whose page is not told", Method::POST,
        &[("accept", "text/html"), ("content-type", "application/x-www-form-urlencoded")],
        Home, [Redirect, Redirect, Page403, Page503]),
    row("fetch", Method::GET,
        &[("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin"), ("accept", "*/*"), PAGE],
        Page, [Problem, Problem, Problem403, Bare503]),
    row("fetch by POST", Method::POST,
        &[("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin"), ("content-type", "application/json"), PAGE],
        Page, [Problem, Problem, Problem403, Bare503]),
    row("fetch by a page elsewhere", Method::GET,
        &[("sec-fetch-mode", "cors"), ("sec-fetch-site", "cross-site"), ("referer", "https://elsewhere.example/x")],
        Home, [Problem, Problem, Problem403, Bare503]),
    row("XHR of an old browser", Method::GET,
        &[("x-requested-with", "XMLHttpRequest"), ("accept", "text/html"), PAGE],
        Page, [Problem, Problem, Problem403, Bare503]),
    row("a program", Method::GET, &[("accept", "application/json")],
        Home, [Problem, Problem, Problem403, Bare503]),
    row("htmx", Method::GET,
        &[("hx-request", "true"), ("hx-current-url", "https://app.example.com/list?p=2"), ("sec-fetch-mode", "cors"),
          ("sec-fetch-site", "same-origin"), ("referer", "https://app.example.com/")],
        Page, [Htmx, Htmx, Problem403, Bare503]),
    row("a WebSocket", Method::GET,
        &[("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
          ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("origin", "https://app.example.com")],
        Home, [Bare, Bare, Problem403, Bare503]),
    row("SSE", Method::GET,
        &[("accept", "text/event-stream"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin")],
        Home, [Bare, Bare, Problem403, Bare503]),
    row("gRPC", Method::POST, &[("content-type", "application/grpc"), ("te", "trailers")],
        Home, [Grpc(16), Grpc(16), Grpc(7), Grpc(14)]),
    row("gRPC-Web", Method::POST,
        &[("content-type", "application/grpc-web"), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "same-origin")],
        Home, [Grpc(16), Grpc(16), Grpc(7), Grpc(14)]),
];

struct Table {
    app: App,
    store: RemoteStore,
    /// Signed in by a password, an hour ago.
    cookie: String,
}

impl Table {
    async fn new() -> Self {
        let (app, store) = App::with_remote_store();
        let alice = SignedIn::new("alice")
            .issuer(App::IDP)
            .amr(["pwd"])
            .auth_time(SecondsSinceEpoch(1_800_000_000 - 3600));
        let cookie = app.sso.sign_in(alice).await.unwrap();
        let strong = LoginChoice::new("alice")
            .with_amr(["pwd", "otp", "mfa"])
            .with_acr("urn:example:gold");
        app.idp().set_default_login(strong);
        Self { app, store, cookie }
    }

    async fn send(&self, request: Request<Body>) -> Response<Bytes> {
        let service = self.app.sso.into_axum(self.app.routes());
        let response = service.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Response::from_parts(parts, body)
    }

    async fn ask(&self, row: &Row, path: &str, signed_in: bool) -> Response<Bytes> {
        let mut request = Request::builder()
            .method(row.method.clone())
            .uri(format!("{path}?tab=1"));
        for (name, value) in row.headers {
            request = request.header(*name, *value);
        }
        if signed_in {
            request = request.header(header::COOKIE, &self.cookie);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Asks, and checks the whole of what it `gets`.
    async fn cell(&self, row: &Row, why: Why, gets: Gets) {
        let signed_in = !matches!(why, Why::Nobody | Why::ProviderDown);
        let handled = self.app.handled();
        let response = self.ask(row, why.path(), signed_in).await;
        println!("{}, {why:?}: {response:?}", row.name);
        let back = match row.back {
            Here => format!("{}?tab=1", why.path()),
            Page => "/list?p=2".to_owned(),
            Home => "/".to_owned(),
        };
        let sent = row.headers.iter().find(|(name, _)| *name == "content-type");
        let content_type = sent.map_or("", |(_, value)| value);
        // RFC 9110 section 9.3.2: what a HEAD gets is a GET's answer without its content.
        if row.method == Method::HEAD && gets != Redirect {
            assert_eq!(response.body(), "");
            let get = Row {
                method: Method::GET,
                ..*row
            };
            let response = self.ask(&get, why.path(), signed_in).await;
            check(gets, why, &back, content_type, &response);
        } else {
            check(gets, why, &back, content_type, &response);
        }
        assert_eq!(self.app.handled(), handled, "no handler ran");
        if gets == Redirect {
            assert_eq!(self.comes_back_to(&response, signed_in).await, back);
        }
    }

    /// Where the browser is sent after the provider has signed the person in.
    async fn comes_back_to(&self, redirect: &Response<Bytes>, signed_in: bool) -> String {
        let to_provider = redirect.headers()[header::LOCATION].to_str().unwrap();
        let request = Request::get(to_provider).body(Body::empty()).unwrap();
        let answer = self.app.simulator.router().oneshot(request).await.unwrap();
        let callback = answer.headers()[header::LOCATION].to_str().unwrap();
        let set = redirect.headers()[header::SET_COOKIE].to_str().unwrap();
        let mut cookies = set.split(';').next().unwrap().to_owned();
        if signed_in {
            cookies = format!("{cookies}; {}", self.cookie);
        }
        let request = Request::get(callback).header(header::COOKIE, cookies);
        let back = self.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(back.status(), 303, "{back:?}");
        let to = back.headers()[header::LOCATION].to_str().unwrap();
        to.strip_prefix(App::URL).unwrap_or(to).to_owned()
    }
}

/// Without this the table would hold for an app that lets nobody in.
#[tokio::test]
async fn each_row_reaches_its_handler_when_it_may() {
    let table = Table::new().await;
    for (count, row) in TABLE.iter().enumerate() {
        let response = table.ask(row, "/protected", true).await;
        assert_eq!(response.status(), 200, "{}", row.name);
        assert_eq!(table.app.handled(), count + 1, "{}", row.name);
    }
}

#[tokio::test]
async fn nobody_is_signed_in() {
    let table = Table::new().await;
    for row in &TABLE {
        table.cell(row, Why::Nobody, row.gets[0]).await;
    }
}

#[tokio::test]
async fn the_session_is_too_weak() {
    for row in &TABLE {
        for path in ["/acr", "/recent", "/mfa"] {
            // A step-up ends the session that it began from.
            let table = Table::new().await;
            table.cell(row, Why::Weak(path), row.gets[1]).await;
        }
    }
}

#[tokio::test]
async fn the_person_may_not() {
    let table = Table::new().await;
    for row in &TABLE {
        table.cell(row, Why::NotAllowed, row.gets[2]).await;
    }
    assert_eq!(table.app.idp().requests(Endpoint::Authorize), 0);
}

#[tokio::test]
async fn the_store_is_down() {
    let table = Table::new().await;
    table.store.set_failing(true);
    for row in &TABLE {
        table.cell(row, Why::StoreDown, row.gets[3]).await;
    }
    assert_eq!(table.app.idp().requests(Endpoint::Authorize), 0);
}

/// Who is signed in needs no provider. Who is not can't be sent there; whoever would not have been sent
/// there gets what there is to get.
#[tokio::test]
async fn the_provider_is_down() {
    let table = Table::new().await;
    let down = Fault::Status(Endpoint::Discovery, 503, None);
    table.app.idp().set_fault(down);
    for row in &TABLE {
        let gets = match row.gets[0] {
            Redirect => Page503,
            other => other,
        };
        table.cell(row, Why::ProviderDown, gets).await;
        let let_in = table.ask(row, "/protected", true).await;
        assert_eq!(let_in.status(), 200, "{}", row.name);
    }
}
