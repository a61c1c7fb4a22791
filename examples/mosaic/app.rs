//! The routes of one app.

use axum::extract::State;
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{self, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tower_sso::axum::AxumService;
use tower_sso::vendor::mosaic::Mosaic;
use tower_sso::{Policy, RequireLayer, Session, SilentLayer, Sso, User};

use crate::{login, page};

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) mosaic: Mosaic,
    pub(crate) name: &'static str,
    /// Where the other app is.
    pub(crate) sister: String,
    pub(crate) sister_name: &'static str,
    /// The front page of the stand-in for Mosaic, where there is one.
    pub(crate) stand_in: Option<String>,
}

pub(crate) fn app(sso: &Sso, app: App) -> AxumService {
    let guarded = |policy| get(identity).layer(RequireLayer::new(policy));
    let router = Router::new()
        .route("/", get(home).layer(SilentLayer::new()))
        .route("/protected", guarded(Policy::login()))
        .route("/mfa", guarded(Policy::mfa()))
        .route("/login", get(login::ask).post(login::password))
        .route("/login/code", get(login::ask_code).post(login::send_code))
        .route("/login/otp", post(login::otp))
        .route("/style.css", get(style))
        .layer(map_response(with_headers))
        .with_state(app);
    sso.into_axum(router)
}

/// What each page should tell a browser. The pages under `/auth` bring their own.
const HEADERS: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: a browser then says `Origin: null` with a form, which counts as another site's.
    (header::REFERRER_POLICY, "same-origin"),
];

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

async fn style() -> impl IntoResponse {
    let css = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (css, include_str!("style.css"))
}

async fn home(State(app): State<App>, user: Option<User>) -> impl IntoResponse {
    Html(page::home(&app, user.as_ref()))
}

async fn identity(State(app): State<App>, session: Session) -> Json<Value> {
    Json(json!({
        "app": app.name,
        "iss": session.issuer(),
        "sub": session.subject(),
        "email": session.claims().get("email"),
        "amr": session.amr().collect::<Vec<_>>(),
        "auth_time": session.auth_time().map(|time| time.0),
        "sid": session.sid(),
    }))
}
