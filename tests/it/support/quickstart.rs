//! The quickstart as a newcomer runs it.

use super::child::free_port;
use super::example::Example;
use super::provider_process::ProviderProcess;

/// A running quickstart; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Quickstart {
    pub(crate) url: String,
    /// Where its simulator is, if it runs one.
    pub(crate) simulator: Option<String>,
    example: Example,
}

impl Quickstart {
    /// With its own simulator, both on free ports; `None` where the example is not built.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Option<Self> {
        let own = [
            ("SSO_LISTEN", "127.0.0.1:0"),
            ("SSO_DEMO_SIMULATOR_LISTEN", "127.0.0.1:0"),
        ];
        Self::spawn(&[own.as_slice(), variables].concat())
    }

    /// With the provider at `issuer`, under `base_url`, whose port must be free.
    pub(crate) fn with_provider(
        issuer: &str,
        base_url: &str,
        variables: &[(&str, &str)],
    ) -> Option<Self> {
        let (_, port) = base_url.rsplit_once(':').unwrap();
        let listen = format!("127.0.0.1:{port}");
        let secret = ProviderProcess::secret("app");
        let own = [
            ("SSO_LISTEN", listen.as_str()),
            ("SSO_ISSUER", issuer),
            ("SSO_CLIENT_ID", "app"),
            ("SSO_CLIENT_SECRET", &secret),
            ("SSO_BASE_URL", base_url),
        ];
        Self::spawn(&[own.as_slice(), variables].concat())
    }

    /// A base URL for [`Self::with_provider`], which the provider has to know before the app starts.
    pub(crate) fn free_url(host: &str) -> String {
        format!("http://{host}:{}", free_port())
    }

    fn spawn(variables: &[(&str, &str)]) -> Option<Self> {
        let (mut url, mut simulator) = (String::new(), None);
        let example = Example::start("quickstart", variables, |line| {
            if let Some((_, issuer)) = line.split_once("a simulated provider, ") {
                simulator = Some(issuer.to_owned());
            }
            let own = line.strip_prefix("open ");
            url.push_str(own.unwrap_or_default());
            own.is_some()
        })?;
        Some(Self {
            url,
            simulator,
            example,
        })
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// As [`Example::log_until`].
    pub(crate) async fn log_until(&self, last: &str) -> String {
        self.example.log_until(last).await
    }
}
