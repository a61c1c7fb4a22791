//! Two apps on one backend, at Transmit Security Mosaic: `cargo run --example mosaic`, then open
//! <http://127.0.0.1:3000>. Sign in there, then open the other app on <http://127.0.0.1:3002>: no page asks
//! who you are. `/mfa` wants a second factor, which is added to the same session. Signing out ends both.
//!
//! It takes its set-up from the `MOSAIC_…` variables. Without `MOSAIC_CLIENT_ID` it starts a stand-in for
//! Mosaic on 127.0.0.1:3001, whose front page shows the people, and the codes that they were sent.
//!
//! Its own variables: `SSO_LISTEN` (default `127.0.0.1:3000`), `SSO_DEMO_SECOND_LISTEN` (default
//! `127.0.0.1:3002`) and `SSO_DEMO_SIMULATOR_LISTEN` (default `127.0.0.1:3001`).

mod app;
mod login;
mod page;

use std::env;
use std::sync::Arc;

use tokio::net::TcpListener;
use tower_sso::clock::SystemClock;
use tower_sso::session::directory::MemoryDirectory;
use tower_sso::simulator::{MosaicSimulator, MosaicUser};
use tower_sso::vendor::mosaic::{Mosaic, MosaicConfig, Region};
use tower_sso::{BoxError, CookieKey, Sso};

use app::App;

const CLIENT: (&str, &str) = ("mosaic-example", "the secret of the example");

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .init();

    let (config, stand_in) = if env::var_os("MOSAIC_CLIENT_ID").is_some() {
        (MosaicConfig::from_env()?, None)
    } else {
        let (config, url) = start_simulator().await?;
        (config, Some(url))
    };
    let mosaic = Mosaic::new(config)?;
    // What makes two apps sisters: both find a browser's session at Mosaic in here.
    let directory = Arc::new(MemoryDirectory::new(Arc::new(SystemClock)));

    let first = TcpListener::bind(variable("SSO_LISTEN", "127.0.0.1:3000")).await?;
    let second = TcpListener::bind(variable("SSO_DEMO_SECOND_LISTEN", "127.0.0.1:3002")).await?;
    let addresses = [first.local_addr()?, second.local_addr()?];
    let names = ["Orders", "Invoices"];
    let app = |own: usize| {
        let sso = Sso::with_provider(mosaic.clone())
            .base_url(format!("http://{}", addresses[own]))
            .cookie_key(CookieKey::generate())
            .session_directory(directory.clone())
            .build()?;
        let app = App {
            mosaic: mosaic.clone(),
            name: names[own],
            sister: format!("http://{}", addresses[1 - own]),
            sister_name: names[1 - own],
            stand_in: stand_in.clone(),
        };
        Ok::<_, BoxError>(app::app(&sso, app))
    };
    let (orders, invoices) = (app(0)?, app(1)?);

    println!("open http://{}", addresses[0]);
    println!("and  http://{}", addresses[1]);
    tokio::try_join!(
        axum::serve(first, orders).into_future(),
        axum::serve(second, invoices).into_future(),
    )?;
    Ok(())
}

/// Its set-up, and its front page.
async fn start_simulator() -> Result<(MosaicConfig, String), BoxError> {
    let listener =
        TcpListener::bind(variable("SSO_DEMO_SIMULATOR_LISTEN", "127.0.0.1:3001")).await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!(
        "no MOSAIC_CLIENT_ID: a stand-in for Mosaic serves {url}, with people and their codes"
    );
    let simulator = MosaicSimulator::builder(&url)
        .client(CLIENT.0, CLIENT.1)
        .user(
            MosaicUser::new("alice")
                .with_password("wonderland")
                .with_email("alice@example.com"),
        )
        .user(
            MosaicUser::new("bob")
                .with_password("builder")
                .with_email("bob@example.com"),
        )
        .build();
    tokio::spawn(simulator.serve(listener));
    let region = Region::custom(&url, &url)?;
    Ok((MosaicConfig::new(region, CLIENT.0, CLIENT.1), url))
}

fn variable(name: &str, default: &str) -> String {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| default.to_owned())
}
