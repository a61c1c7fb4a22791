//! The example of two apps at one Mosaic, as a newcomer runs it.

use super::example::Example;

/// Both apps and what stands in for Mosaic, on free ports; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct MosaicExample {
    /// The URL of the first app.
    pub(crate) orders: String,
    /// The URL of the second app.
    pub(crate) invoices: String,
    /// The front page of the stand-in, where people and codes are.
    pub(crate) mosaic: String,
    example: Example,
}

impl MosaicExample {
    /// `None` where the example is not built.
    pub(crate) fn start() -> Option<Self> {
        let variables = [
            ("SSO_LISTEN", "127.0.0.1:0"),
            ("SSO_DEMO_SECOND_LISTEN", "127.0.0.1:0"),
            ("SSO_DEMO_SIMULATOR_LISTEN", "127.0.0.1:0"),
        ];
        let mut urls = Vec::new();
        let example = Example::start("mosaic", &variables, |line| {
            let url = line
                .split([' ', ','])
                .find(|word| word.starts_with("http://"));
            urls.extend(url.map(str::to_owned));
            line.starts_with("and ")
        })?;
        let [mosaic, orders, invoices] = urls.try_into().unwrap();
        Some(Self {
            orders,
            invoices,
            mosaic,
            example,
        })
    }

    /// As [`Example::log_until`].
    pub(crate) async fn log_until(&self, last: &str) -> String {
        self.example.log_until(last).await
    }
}
