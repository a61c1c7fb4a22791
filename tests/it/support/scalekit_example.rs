//! The example of two apps at one Scalekit environment, as a newcomer runs it, on hosts of their own.

use super::example::Example;

/// What webhooks of the environment are signed with.
const WEBHOOK_SECRET: &str = "whsec_dGhlIGtleSBvZiB0aGUgZXhhbXBsZSdzIHdlYmhvb2tz";

/// Both apps and what stands in for the environment, on free ports; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct ScalekitExample {
    /// The app with sessions of this crate, at `app.localhost`.
    pub(crate) timesheets: String,
    /// The app with sessions of its own, at `app.localhost` too.
    pub(crate) archive: String,
    /// The environment, at `portal.localhost`: another site.
    pub(crate) environment: String,
    example: Example,
}

impl ScalekitExample {
    /// `None` where the example is not built.
    pub(crate) fn start() -> Option<Self> {
        let variables = [
            ("SSO_LISTEN", "127.0.0.1:0"),
            ("SSO_DEMO_SECOND_LISTEN", "127.0.0.1:0"),
            ("SSO_DEMO_SIMULATOR_LISTEN", "127.0.0.1:0"),
            ("SSO_DEMO_HOST", "app.localhost"),
            ("SSO_DEMO_SIMULATOR_HOST", "portal.localhost"),
            ("SCALEKIT_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ];
        let mut urls = Vec::new();
        let example = Example::start("scalekit", &variables, |line| {
            let url = line
                .split([' ', ','])
                .find(|word| word.starts_with("http://"));
            urls.extend(url.map(str::to_owned));
            line.starts_with("and ")
        })?;
        let [environment, timesheets, archive] = urls.try_into().unwrap();
        Some(Self {
            timesheets,
            archive,
            environment,
            example,
        })
    }

    pub(crate) fn webhook_secret(&self) -> &'static str {
        WEBHOOK_SECRET
    }

    /// As [`Example::log_until`].
    pub(crate) async fn log_until(&self, last: &str) -> String {
        self.example.log_until(last).await
    }
}
