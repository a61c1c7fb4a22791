//! Two apps whose customers bring identity providers of their own, at Scalekit: `cargo run --example scalekit`, then
//! open <http://127.0.0.1:3000>.
//!
//! The first app has its sessions from this crate. A work address says where somebody signs in; who has no single
//! sign-on signs in by the app's own password. Administrators set single sign-on up at `/admin`. The second app, on
//! <http://127.0.0.1:3002>, keeps its own users and its own sessions, and takes identities only.
//!
//! It takes its set-up from the `SCALEKIT_…` variables, and `SCALEKIT_WEBHOOK_SECRET`. Without `SCALEKIT_CLIENT_ID`
//! it starts a stand-in for a Scalekit environment on <http://localhost:3001>, whose front page has the customers, three
//! ways to sign in, and what can go wrong.
//!
//! Its own variables: `SSO_LISTEN` (default `127.0.0.1:3000`), `SSO_DEMO_SECOND_LISTEN` (`127.0.0.1:3002`),
//! `SSO_DEMO_SIMULATOR_LISTEN` (`127.0.0.1:3001`), `SSO_DEMO_HOST` (`127.0.0.1`) and `SSO_DEMO_SIMULATOR_HOST`
//! (`localhost`), the names by which browsers reach them, `SSO_DEMO_ORGANIZATION` (`org_example`), whose page
//! `/organization` is, and `SSO_DEMO_ADMINS`, the subjects of administrators, separated by spaces.

mod admin;
mod app;
mod login;
mod own_app;
mod own_sessions;
mod page;

use std::env;
use std::sync::Arc;

use tokio::net::TcpListener;
use tower_sso::simulator::ScalekitSimulator;
use tower_sso::vendor::scalekit::{
    Scalekit, ScalekitConfig, ScalekitManagement, WebhookSecret, Webhooks,
};
use tower_sso::{BoxError, CookieKey, Sso};

use admin::{Admins, Journal};
use app::App;
use own_sessions::OwnSessions;

/// Who may set single sign-on up, at the stand-in.
const ADMINS: &str = "conn_example_okta;alice conn_society_entra;carol";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .init();

    let host = variable("SSO_DEMO_HOST", "127.0.0.1");
    let first = TcpListener::bind(variable("SSO_LISTEN", "127.0.0.1:3000")).await?;
    let second = TcpListener::bind(variable("SSO_DEMO_SECOND_LISTEN", "127.0.0.1:3002")).await?;
    let url = |listener: &TcpListener| {
        let port = listener.local_addr()?.port();
        Ok::<_, std::io::Error>(format!("http://{host}:{port}"))
    };
    let (first_url, second_url) = (url(&first)?, url(&second)?);

    let environment = if env::var_os("SCALEKIT_CLIENT_ID").is_some() {
        Environment::hosted()?
    } else {
        Environment::simulated(&first_url, &second_url).await?
    };
    let scalekit = Scalekit::new(environment.config)?;
    let app = |name, url: &str, other: (&'static str, &str)| App {
        scalekit: scalekit.clone(),
        management: environment.management.clone(),
        webhooks: environment.webhooks.clone(),
        own: OwnSessions::new(&format!("own-session-{name}")),
        journal: Journal::default(),
        name,
        url: url.to_owned(),
        other: (other.0, other.1.to_owned()),
        stand_in: environment.stand_in.clone(),
        organization: Arc::from(variable("SSO_DEMO_ORGANIZATION", "org_example")),
    };
    let timesheets = app("Timesheets", &first_url, ("Archive", &second_url));
    let archive = app("Archive", &second_url, ("Timesheets", &first_url));

    let sso = |url: &str| {
        Sso::with_provider(scalekit.clone())
            .base_url(url)
            .cookie_key(CookieKey::generate())
    };
    let admins = environment.admins.clone();
    let timesheets_sso = sso(&first_url)
        .on_identity(move |identity| admins.clone().role_of(identity))
        .build()?;
    let own = archive.own.clone();
    let archive_sso = sso(&second_url)
        .on_identity(move |identity| own.clone().take(identity))
        .build()?;

    println!("open {first_url}");
    println!("and  {second_url}");
    tokio::try_join!(
        axum::serve(first, app::app(&timesheets_sso, timesheets)?).into_future(),
        axum::serve(second, own_app::app(&archive_sso, archive)).into_future(),
    )?;
    Ok(())
}

/// Where customers' people sign in.
struct Environment {
    config: ScalekitConfig,
    management: ScalekitManagement,
    webhooks: Option<Webhooks>,
    admins: Admins,
    /// The front page of the stand-in.
    stand_in: Option<String>,
}

impl Environment {
    fn hosted() -> Result<Self, BoxError> {
        Ok(Self {
            config: ScalekitConfig::from_env()?,
            management: ScalekitManagement::from_env()?,
            webhooks: match env::var("SCALEKIT_WEBHOOK_SECRET") {
                Ok(secret) => Some(Webhooks::new([WebhookSecret::parse(&secret)?])?),
                Err(_) => None,
            },
            admins: Admins::named(&variable("SSO_DEMO_ADMINS", "")),
            stand_in: None,
        })
    }

    async fn simulated(first: &str, second: &str) -> Result<Self, BoxError> {
        let listen = variable("SSO_DEMO_SIMULATOR_LISTEN", "127.0.0.1:3001");
        let listener = TcpListener::bind(listen).await?;
        let host = variable("SSO_DEMO_SIMULATOR_HOST", "localhost");
        let url = format!("http://{host}:{}", listener.local_addr()?.port());
        println!("no SCALEKIT_CLIENT_ID: a stand-in for Scalekit serves {url}, with customers");
        let mut builder = ScalekitSimulator::demo_builder(&url, first)
            .redirect_uri(&format!("{second}/auth/callback"))
            .post_logout_redirect_uri(&format!("{second}/signed-out"));
        if let Ok(secret) = env::var("SCALEKIT_WEBHOOK_SECRET") {
            builder = builder.webhook_secret(secret);
        }
        let simulator = builder.build();
        let secret = WebhookSecret::parse(simulator.handle().webhook_secret().expose())?;
        tokio::spawn(simulator.serve(listener));
        Ok(Self {
            config: ScalekitConfig::new(&url, "skc_demo", "demo-secret"),
            management: ScalekitManagement::new(&url, "skc_demo", "demo-secret")?,
            webhooks: Some(Webhooks::new([secret])?),
            admins: Admins::named(&variable("SSO_DEMO_ADMINS", ADMINS)),
            stand_in: Some(url),
        })
    }
}

fn variable(name: &str, default: &str) -> String {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| default.to_owned())
}
