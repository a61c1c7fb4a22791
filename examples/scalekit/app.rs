//! The first app: sessions of this crate for people with single sign-on, its own for those with a password.

use std::sync::Arc;

use axum::extract::State;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tower_sso::axum::AxumService;
use tower_sso::vendor::scalekit::{PortalEvents, Profile, Scalekit, ScalekitManagement, Webhooks};
use tower_sso::{Policy, RequireLayer, Result, Sso, Unauthenticated, User};

use crate::admin::{self, Journal};
use crate::own_sessions::{Account, OwnSessions, authenticate};
use crate::{login, page};

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) scalekit: Scalekit,
    pub(crate) management: ScalekitManagement,
    pub(crate) webhooks: Option<Webhooks>,
    pub(crate) own: OwnSessions,
    pub(crate) journal: Journal,
    pub(crate) name: &'static str,
    pub(crate) url: String,
    /// Name and place of the other app.
    pub(crate) other: (&'static str, String),
    /// The front page of the stand-in for Scalekit, where there is one.
    pub(crate) stand_in: Option<String>,
    /// Whose page `/organization` is.
    pub(crate) organization: Arc<str>,
}

pub(crate) fn app(sso: &Sso, app: App) -> Result<AxumService> {
    // An address is asked for first: without one Scalekit can't tell whose identity provider it is.
    let require = |policy: Policy| {
        RequireLayer::new(policy).unauthenticated(Unauthenticated::Page("/login".to_owned()))
    };
    let either = require(Policy::login())
        .pass_through(|request| request.extensions.get::<Account>().is_some());
    // This one says itself where to sign in.
    let of_customer = RequireLayer::new(Policy::login().organization(&*app.organization));
    let administrators = || require(Policy::login().role(admin::ROLE));
    let events = PortalEvents::from_pages_at(&app.url)?;
    let take_event = post(admin::take_event).with_state((app.clone(), events));
    let router = Router::new()
        .route("/", get(home))
        .route("/protected", get(identity).layer(either))
        .route("/organization", get(identity).layer(of_customer))
        .route("/admin", get(admin::overview).layer(administrators()))
        .route("/admin/sso", get(admin::portal).layer(administrators()))
        .route("/admin/sso/events", take_event.layer(administrators()))
        .route("/webhooks/scalekit", post(admin::webhook))
        .route("/sign-out", post(sign_out))
        .merge(login::routes())
        .layer(from_fn_with_state(app.own.clone(), authenticate))
        .layer(map_response(with_headers))
        .with_state(app);
    Ok(sso.into_axum(router))
}

impl App {
    /// The page for what Scalekit did not answer, or refused.
    pub(crate) fn failed(&self, error: &tower_sso::Error) -> Response {
        tracing::warn!(%error, "Scalekit did not help");
        let status = if error.is_temporary() {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::BAD_GATEWAY
        };
        let text = "Please try again in a moment.";
        let page = page::message(self, "That did not work", text);
        (status, Html(page)).into_response()
    }
}

/// What each page should tell a browser. The pages under `/auth`, and the portal's, bring their own.
///
/// No `form-action`: Chromium asks it of each redirect that follows a form, and a sign-in leads to whatever identity
/// provider the customer has.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // They show who is signed in, or set a cookie: this crate sees to its own sessions only.
    (header::CACHE_CONTROL, "private, no-store"),
    // Not `no-referrer`: a browser then says `Origin: null` with a form, which counts as another site's.
    (header::REFERRER_POLICY, "same-origin"),
];

pub(crate) async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

async fn home(
    State(app): State<App>,
    account: Option<Extension<Account>>,
    user: Option<User>,
) -> Html<String> {
    let who = account.map(|Extension(account)| page::Who::from(&account));
    let who = who.or_else(|| user.as_ref().map(page::Who::from));
    Html(page::home(&app, who.as_ref(), page::FIRST))
}

async fn identity(
    State(app): State<App>,
    account: Option<Extension<Account>>,
    user: Option<User>,
) -> Response {
    let (account, user) = (account.map(|Extension(account)| account), user);
    match (account, user) {
        (Some(account), _) => Json(of_account(&app, &account)).into_response(),
        (None, Some(user)) => Json(of_user(&app, &user)).into_response(),
        // The policy let nobody else in.
        (None, None) => StatusCode::UNAUTHORIZED.into_response(),
    }
}

pub(crate) fn of_account(app: &App, account: &Account) -> Value {
    json!({
        "app": app.name,
        "session": "own",
        "account": account.number,
        "name": account.name,
        "org": account.organization,
    })
}

fn of_user(app: &App, user: &User) -> Value {
    let profile = Profile::of(&user.session().claims());
    json!({
        "app": app.name,
        "session": "single sign-on",
        "iss": user.issuer(),
        "sub": user.subject(),
        "name": profile.name,
        "email": profile.email,
        "org": user.organization(),
        "connection": user.connection(),
        "attributes": profile.attributes,
    })
}

/// Ends the app's own session, and the other one, if there is one, with the provider's.
async fn sign_out(State(app): State<App>, headers: HeaderMap, user: Option<User>) -> Response {
    // A form elsewhere brings no cookie, but what is answered here would remove it.
    if !login::is_of_own_page(&app, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (removal, _) = app.own.end(&headers);
    // 307: it stays a POST, and one of this site.
    let next = match user {
        Some(_) => Redirect::temporary("/auth/logout"),
        None => Redirect::to("/"),
    };
    ([(header::SET_COOKIE, removal)], next).into_response()
}
