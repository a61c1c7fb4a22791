//! The set-up by environment variables.

use std::ffi::OsString;

use super::ScalekitConfig;
use crate::provider::Selectors;
use crate::vars::Vars;
use crate::{ClientSecret, Error, Result};

impl ScalekitConfig {
    /// What the `SCALEKIT_…` environment variables describe.
    ///
    /// | variable | default | what it is |
    /// |---|---|---|
    /// | `SCALEKIT_ENVIRONMENT_URL` | required | the environment, as `https://acme.scalekit.com` |
    /// | `SCALEKIT_CLIENT_ID` | required | the client id |
    /// | `SCALEKIT_CLIENT_SECRET` | required | the client secret; `SCALEKIT_CLIENT_SECRET_FILE` names a file with it |
    /// | `SCALEKIT_SCOPES` | `openid profile email` | the scopes to ask for, separated by spaces |
    /// | `SCALEKIT_INITIATED_ISSUERS` | the environment | who may begin sign-ins, separated by spaces; `off`: nobody |
    /// | `SCALEKIT_REQUIRE_NONCE` | `off` | `on`: an ID token without `nonce` is refused |
    /// | `SCALEKIT_CONNECTION_ID`, `SCALEKIT_ORGANIZATION_ID`, `SCALEKIT_DOMAIN`, `SCALEKIT_PROVIDER` | none | where people sign in who were sent without a selector |
    /// | `SCALEKIT_AUDIENCES` | the client id | the audiences that access tokens may be for, separated by spaces |
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration), naming the variable that is missing or
    /// malformed.
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// As [`ScalekitConfig::from_env`], with variables from anywhere.
    ///
    /// ```
    /// use tower_sso::vendor::scalekit::ScalekitConfig;
    ///
    /// let config = ScalekitConfig::from_lookup(|name| match name {
    ///     "SCALEKIT_ENVIRONMENT_URL" => Some("https://acme.scalekit.com".into()),
    ///     "SCALEKIT_CLIENT_ID" => Some("skc_1234".into()),
    ///     "SCALEKIT_CLIENT_SECRET" => Some("s3cr3t".into()),
    ///     _ => None,
    /// })?;
    /// assert_eq!(config.client_id, "skc_1234");
    /// # Ok::<(), tower_sso::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`ScalekitConfig::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let vars = Vars(&lookup);
        let secret = vars
            .secret("SCALEKIT_CLIENT_SECRET")?
            .ok_or_else(|| Error::configuration("SCALEKIT_CLIENT_SECRET is missing"))?;
        let mut config = Self::new(
            vars.required("SCALEKIT_ENVIRONMENT_URL")?,
            vars.required("SCALEKIT_CLIENT_ID")?,
            ClientSecret::new(secret),
        );
        if let Some(scopes) = vars.words("SCALEKIT_SCOPES")? {
            config.scopes = scopes;
        }
        config.initiated_issuers = match vars.words("SCALEKIT_INITIATED_ISSUERS")? {
            Some(words) if words == ["off"] => Some(Vec::new()),
            words => words,
        };
        config.require_nonce = vars.switch("SCALEKIT_REQUIRE_NONCE")?;
        config.selectors = Selectors {
            connection: vars.text("SCALEKIT_CONNECTION_ID")?,
            organization: vars.text("SCALEKIT_ORGANIZATION_ID")?,
            domain: vars.text("SCALEKIT_DOMAIN")?,
            identity_provider: vars.text("SCALEKIT_PROVIDER")?,
        };
        config.access_token_audiences = vars.words("SCALEKIT_AUDIENCES")?.unwrap_or_default();
        config.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Result<ScalekitConfig> {
        let defaults = [
            ("SCALEKIT_ENVIRONMENT_URL", "https://acme.scalekit.example"),
            ("SCALEKIT_CLIENT_ID", "skc_1"),
            ("SCALEKIT_CLIENT_SECRET", "s3cr3t"),
        ];
        ScalekitConfig::from_lookup(|name| {
            let mut own = vars.iter().rev().chain(&defaults);
            own.find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(*value))
        })
    }

    #[test]
    fn a_malformed_variable_is_one_error_that_names_it() {
        for (name, value) in [
            ("SCALEKIT_ENVIRONMENT_URL", ""),
            ("SCALEKIT_ENVIRONMENT_URL", "http://evil.example"),
            ("SCALEKIT_ENVIRONMENT_URL", "evil.example"),
            ("SCALEKIT_CLIENT_ID", ""),
            ("SCALEKIT_CLIENT_SECRET", ""),
            ("SCALEKIT_CLIENT_SECRET_FILE", "/does/not/exist"),
            ("SCALEKIT_SCOPES", "openid offline_access"),
            ("SCALEKIT_REQUIRE_NONCE", "perhaps"),
        ] {
            let error = config(&[(name, value)]).expect_err(name);
            assert!(error.is_configuration(), "{name}={value}: {error}");
            assert!(error.to_string().contains(name), "{name}={value}: {error}");
            assert!(!error.to_string().contains("evil"), "{name}: {error}");
        }
    }

    #[test]
    fn each_option_has_a_variable() {
        let text = |value: &str| Some(value.to_owned());
        let plain = config(&[]).unwrap();
        assert_eq!(plain.scopes, ["openid", "profile", "email"]);
        assert!(plain.initiated_issuers.is_none() && !plain.require_nonce);
        assert!(plain.selectors.is_empty() && plain.access_token_audiences.is_empty());
        let config = config(&[
            ("SCALEKIT_SCOPES", "openid email"),
            (
                "SCALEKIT_INITIATED_ISSUERS",
                "https://a.example https://b.example",
            ),
            ("SCALEKIT_REQUIRE_NONCE", "on"),
            ("SCALEKIT_CONNECTION_ID", "conn_1"),
            ("SCALEKIT_ORGANIZATION_ID", "org_1"),
            ("SCALEKIT_DOMAIN", "acme.example"),
            ("SCALEKIT_PROVIDER", "google"),
            ("SCALEKIT_AUDIENCES", "api other"),
        ])
        .unwrap();
        assert_eq!(config.scopes, ["openid", "email"]);
        assert_eq!(
            config.initiated_issuers.unwrap(),
            ["https://a.example", "https://b.example"]
        );
        assert!(config.require_nonce);
        assert_eq!(
            config.selectors,
            Selectors {
                connection: text("conn_1"),
                organization: text("org_1"),
                domain: text("acme.example"),
                identity_provider: text("google"),
            }
        );
        assert_eq!(config.access_token_audiences, ["api", "other"]);
    }

    #[test]
    fn sign_ins_that_begin_elsewhere_can_be_switched_off() {
        let config = config(&[("SCALEKIT_INITIATED_ISSUERS", "off")]).unwrap();
        assert_eq!(config.initiated_issuers.unwrap(), Vec::<String>::new());
    }
}
