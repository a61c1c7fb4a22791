//! The app that a newcomer runs: `cargo run --example quickstart`, then open <http://127.0.0.1:3000>.
//!
//! It takes its set-up from the `SSO_…` variables. Without `SSO_ISSUER` it starts an OpenID Provider of its
//! own on 127.0.0.1:3001 and signs people in there.
//!
//! Its own variables: `SSO_LISTEN` (default `127.0.0.1:3000`), `SSO_DEMO_SIMULATOR_LISTEN` (default
//! `127.0.0.1:3001`), and what the routes ask for: `SSO_DEMO_ACR`, `SSO_DEMO_PROTECTED_AMR`,
//! `SSO_DEMO_PROTECTED_ACR`, `SSO_DEMO_PROTECTED_MAX_AGE`.

mod app;
mod page;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tower_sso::simulator::Simulator;
use tower_sso::{BoxError, SsoBuilder};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .init();

    let listener = TcpListener::bind(variable("SSO_LISTEN", "127.0.0.1:3000")).await?;
    let base_url = variable(
        "SSO_BASE_URL",
        &format!("http://{}", listener.local_addr()?),
    );

    let sso = if set("SSO_ISSUER").is_some() {
        SsoBuilder::from_env()?
    } else {
        let issuer = start_simulator().await?;
        SsoBuilder::from_lookup(|name| {
            set(name).or_else(|| demo_default(name, &issuer, &base_url))
        })?
    }
    .build()?;

    println!("open {base_url}");
    axum::serve(listener, app::app(&sso, &app::Demands::from_env()?)).await?;
    Ok(())
}

async fn start_simulator() -> Result<String, BoxError> {
    let listener =
        TcpListener::bind(variable("SSO_DEMO_SIMULATOR_LISTEN", "127.0.0.1:3001")).await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    println!("no SSO_ISSUER: people sign in at a simulated provider, {issuer}");
    tokio::spawn(Simulator::quickstart(&issuer).serve(listener));
    Ok(issuer)
}

fn demo_default(name: &str, issuer: &str, base_url: &str) -> Option<OsString> {
    match name {
        "SSO_ISSUER" => Some(issuer.into()),
        "SSO_CLIENT_ID" => Some("quickstart".into()),
        "SSO_BASE_URL" => Some(base_url.into()),
        _ => None,
    }
}

fn variable(name: &str, default: &str) -> String {
    set(name)
        .and_then(|value| value.into_string().ok())
        .unwrap_or_else(|| default.to_owned())
}

/// The value of a variable; an empty one counts as not set.
fn set(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
