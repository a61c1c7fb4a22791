//! A small web for a real Chromium: an app, its provider, a page of another site and one of the same
//! site, each on a port of its own in this process, so that a test sees what each request brought along.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Query, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse};
use axum::routing::{any, get, post};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_sso::provider::InProcessClient;
use tower_sso::simulator::{LoginChoice, SigningAlgorithm, SimulatedUser, Simulator};
use tower_sso::{Policy, RequireLayer, Sso, SsoBuilder, User};

use crate::support::Chromium;

/// What reached the app.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Path and query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) status: u16,
    /// Whether the browser sent the session's cookie.
    pub(super) with_session: bool,
    pub(super) sets_cookie: bool,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) struct Web {
    pub(super) browser: Chromium,
    pub(super) simulator: Simulator,
    /// `http://app.localhost:…`, and so on.
    pub(super) app: String,
    pub(super) evil: String,
    /// A host of the app's own site.
    pub(super) sister: String,
    /// The name of the session's cookie.
    pub(super) cookie: String,
    seen: watch::Sender<Vec<Seen>>,
}

#[derive(Deserialize)]
struct Markup {
    #[serde(default)]
    html: String,
}

/// Whatever the test wants to have on a page.
async fn reflect(Query(markup): Query<Markup>) -> Html<String> {
    Html(markup.html)
}

impl Web {
    /// `None` where Chromium is not installed.
    pub(super) async fn start(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> Option<Self> {
        let browser = Chromium::start().await?;
        let (app_listener, app) = listen("app.localhost").await;
        let (idp_listener, idp) = listen("idp.localhost").await;
        let (pages_listener, evil) = listen("evil.localhost").await;
        let sister = evil.replace("evil.", "sister.app.");
        let cookie = format!("sso-{}", app.rsplit(':').next().unwrap());
        let simulator = Simulator::builder(&idp)
            .any_client()
            .user(SimulatedUser::new("alice"))
            .algorithm(SigningAlgorithm::Es256)
            .build();
        let handle = simulator.handle();
        handle.set_default_login(LoginChoice::new("alice"));
        let builder = Sso::builder(&idp)
            .public_client("app")
            .base_url(&app)
            .http_client(Arc::new(InProcessClient::new(simulator.router())));
        let sso = configure(builder).build().unwrap();
        let seen = watch::Sender::new(Vec::new());
        let watched = from_fn_with_state((seen.clone(), cookie.clone()), note);
        let app_routes = routes(&sso).layer(sso.layer()).layer(watched);
        for (listener, router) in [
            (app_listener, app_routes),
            (idp_listener, simulator.router()),
            (pages_listener, Router::new().fallback(reflect)),
        ] {
            tokio::spawn(axum::serve(listener, router).into_future());
        }
        Some(Self {
            browser,
            simulator,
            app,
            evil,
            sister,
            cookie,
            seen,
        })
    }

    /// Opens a page of `origin` with this on it.
    pub(super) async fn open(&self, origin: &str, html: &str) {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("html", html)
            .finish();
        self.browser.goto(&format!("{origin}/page?{query}")).await;
    }

    /// Goes to the app's protected page and through the sign-in.
    pub(super) async fn sign_in(&self) {
        self.browser.goto(&format!("{}/protected", self.app)).await;
        assert_eq!(self.browser.page_text().await, "the secret of alice");
    }

    /// Runs a script that hands its result to `done`.
    pub(super) async fn script(&self, script: &str, url: &str) -> Value {
        let script = format!("const [url, done] = arguments; {script}");
        let client = self.browser.client();
        let result = client.execute_async(&script, vec![url.into()]).await;
        result.unwrap()
    }

    /// The requests to this path so far.
    pub(super) fn seen(&self, path: &str) -> Vec<Seen> {
        let all = self.seen.borrow();
        let mine = all.iter().filter(|seen| seen.target.starts_with(path));
        mine.cloned().collect()
    }

    /// The last request to this path, waited for.
    ///
    /// # Panics
    /// If none comes.
    pub(super) async fn last_seen(&self, path: &str) -> Seen {
        let mut watcher = self.seen.subscribe();
        let came = watcher.wait_for(|all| all.iter().any(|seen| seen.target.starts_with(path)));
        let came = tokio::time::timeout(std::time::Duration::from_secs(15), came).await;
        assert!(came.is_ok(), "nobody asked for {path}");
        drop(came);
        self.seen(path).pop().unwrap()
    }

    pub(super) fn forget(&self) {
        self.seen.send_replace(Vec::new());
    }
}

fn routes(sso: &Sso) -> Router {
    let login = || RequireLayer::new(Policy::login());
    let secret = |user: User| async move { Html(format!("<p>the secret of {}", user.subject())) };
    let socket = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(async |_| ()) };
    Router::new()
        .route("/", get(|| async { Html("<h1>public</h1>") }))
        .route("/page", get(reflect))
        .route("/protected", get(secret).layer(login()))
        .route("/transfer", post(|| async { "sent" }).layer(login()))
        .route("/socket", any(socket).layer(login()))
        .with_state(sso.clone())
}

async fn note(
    State((sender, cookie)): State<(watch::Sender<Vec<Seen>>, String)>,
    request: Request,
    next: Next,
) -> impl IntoResponse {
    let headers = request.headers().clone();
    let target = request.uri().to_string();
    let named = format!("{cookie}=");
    let sent = headers.get_all("cookie").iter();
    let mut sent = sent.flat_map(|line| line.to_str().unwrap().split("; "));
    let with_session = sent.any(|pair| pair.starts_with(&named));
    let response = next.run(request).await;
    let seen = Seen {
        target,
        headers,
        status: response.status().as_u16(),
        with_session,
        sets_cookie: response.headers().contains_key("set-cookie"),
    };
    sender.send_modify(|all| all.push(seen));
    response
}

/// A port of this machine, under a name that is a site of its own.
async fn listen(host: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("http://{host}:{port}"))
}
