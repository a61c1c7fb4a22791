//! The second app: its own users and its own sessions, as they were before. This crate signs people in and makes no
//! session of it; the app's own layer says who a request is from, and policies let those pass.

use axum::extract::State;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use tower_sso::axum::AxumService;
use tower_sso::provider::{LogoutRequest, Provider as _};
use tower_sso::{Policy, RequireLayer, Secret, Sso, Unauthenticated};

use crate::app::{App, of_account, with_headers};
use crate::own_sessions::{Account, authenticate};
use crate::{login, page};

pub(crate) fn app(sso: &Sso, app: App) -> AxumService {
    let own = RequireLayer::new(Policy::login())
        .unauthenticated(Unauthenticated::Page("/login".to_owned()))
        .pass_through(|request| request.extensions.get::<Account>().is_some());
    let router = Router::new()
        .route("/", get(home))
        .route("/protected", get(identity).layer(own))
        .route("/sign-out", post(sign_out))
        .route("/signed-out", get(signed_out))
        .merge(login::routes())
        .layer(from_fn_with_state(app.own.clone(), authenticate))
        .layer(map_response(with_headers))
        .with_state(app);
    sso.into_axum(router)
}

async fn home(State(app): State<App>, account: Option<Extension<Account>>) -> Html<String> {
    let who = account.map(|Extension(account)| page::Who::from(&account));
    Html(page::home(&app, who.as_ref(), page::SECOND))
}

async fn identity(State(app): State<App>, Extension(account): Extension<Account>) -> Json<Value> {
    Json(of_account(&app, &account))
}

/// Ends the session here, and the one at Scalekit where the person came by single sign-on.
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    // A form elsewhere brings no cookie, but what is answered here would remove it.
    if !login::is_of_own_page(&app, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (removal, id_token) = app.own.end(&headers);
    let next = match id_token {
        Some(hint) => provider_logout(&app, hint).await,
        None => None,
    };
    let next = next.unwrap_or_else(|| "/signed-out".to_owned());
    ([(header::SET_COOKIE, removal)], Redirect::to(&next)).into_response()
}

async fn provider_logout(app: &App, id_token: Secret<String>) -> Option<String> {
    let request = LogoutRequest {
        id_token_hint: Some(id_token),
        post_logout_redirect_uri: format!("{}/signed-out", app.url),
        // What comes back changes nothing here, so there is nothing to bind it to.
        state: String::new(),
    };
    match app.scalekit.logout_url(&request).await {
        Ok(url) => url.map(String::from),
        Err(error) => {
            tracing::warn!(%error, "signed out here only");
            None
        }
    }
}

async fn signed_out(State(app): State<App>) -> Html<String> {
    Html(page::message(&app, "Signed out", "You are signed out."))
}
