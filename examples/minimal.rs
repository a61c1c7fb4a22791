//! The ten lines of the README: `SSO_ISSUER=… SSO_CLIENT_ID=… SSO_BASE_URL=http://127.0.0.1:3000 cargo run --example minimal`.

use axum::{Router, routing::get};
use tower_sso::{BoxError, Policy, RequireLayer, Sso, User};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let sso = Sso::from_env()?;
    let app = Router::new()
        .route(
            "/payroll",
            get(hello).layer(RequireLayer::new(Policy::mfa())),
        )
        .route("/", get(hello))
        .layer(sso.layer());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}

async fn hello(user: User) -> String {
    format!("hello {}", user.email().unwrap_or(user.subject()))
}
