//! The routes of one app.

use axum::extract::State;
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
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
}

pub(crate) fn app(sso: &Sso, mosaic: &Mosaic, name: &'static str, sister: String) -> AxumService {
    let guarded = |policy| get(identity).layer(RequireLayer::new(policy));
    let router = Router::new()
        .route("/", get(home).layer(SilentLayer::new()))
        .route("/protected", guarded(Policy::login()))
        .route("/mfa", guarded(Policy::mfa()))
        .route("/login", get(login::ask).post(login::password))
        .route("/login/code", post(login::send_code))
        .route("/login/otp", post(login::otp))
        .with_state(App {
            mosaic: mosaic.clone(),
            name,
            sister,
        });
    sso.into_axum(router)
}

async fn home(State(app): State<App>, user: Option<User>) -> impl IntoResponse {
    Html(page::home(&app, user.as_ref()))
}

async fn identity(State(app): State<App>, session: Session) -> Json<Value> {
    Json(json!({
        "app": app.name,
        "iss": session.issuer(),
        "sub": session.subject(),
        "amr": session.amr().collect::<Vec<_>>(),
        "auth_time": session.auth_time().map(|time| time.0),
        "sid": session.sid(),
    }))
}
