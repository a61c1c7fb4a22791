//! The set-up by environment variables.

use std::ffi::OsString;

use super::{MosaicConfig, Region};
use crate::vars::{Vars, malformed};
use crate::{ClientSecret, Error, Result};

/// Every variable that is read, so that a misspelled one can be told from them.
const KNOWN: &[&str] = &[
    "MOSAIC_REGION",
    "MOSAIC_CLIENT_ID",
    "MOSAIC_CLIENT_SECRET",
    "MOSAIC_CLIENT_SECRET_FILE",
    "MOSAIC_TOKEN_PATH",
    "MOSAIC_JWKS_URI",
    "MOSAIC_RESOURCE",
    "MOSAIC_ORGANIZATION",
    "MOSAIC_TENANT",
    "MOSAIC_LOGIN_PAGE",
    "MOSAIC_API_URL",
    "MOSAIC_ISSUER",
];

impl MosaicConfig {
    /// What the `MOSAIC_…` environment variables describe.
    ///
    /// | variable | default | what it is |
    /// |---|---|---|
    /// | `MOSAIC_REGION` | required | `us`, `eu`, `ca`, `au` or `sandbox` |
    /// | `MOSAIC_CLIENT_ID` | required | the client id |
    /// | `MOSAIC_CLIENT_SECRET` | required | the client secret; `MOSAIC_CLIENT_SECRET_FILE` names a file with it |
    /// | `MOSAIC_TENANT` | none | the tenant that ID tokens must name |
    /// | `MOSAIC_ORGANIZATION` | none | the organization that people sign in for |
    /// | `MOSAIC_RESOURCE` | none | the resource that access tokens are for |
    /// | `MOSAIC_LOGIN_PAGE` | `/login` | the page of the app where people sign in |
    /// | `MOSAIC_API_URL`, `MOSAIC_ISSUER` | those of the region | another API or issuer; with both no region is needed |
    /// | `MOSAIC_JWKS_URI` | `/cis/oidc/jwks` of the API | where the keys are |
    /// | `MOSAIC_TOKEN_PATH` | `/oidc/token` | the path of the client token endpoint |
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration), naming the variable that is missing or
    /// malformed.
    pub fn from_env() -> Result<Self> {
        for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
            if is_misspelled(&name) {
                tracing::warn!(
                    variable = name,
                    "this variable is not known and has no effect"
                );
            }
        }
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// As [`MosaicConfig::from_env`], with variables from anywhere.
    ///
    /// ```
    /// use tower_sso::vendor::mosaic::{MosaicConfig, Region};
    ///
    /// let config = MosaicConfig::from_lookup(|name| match name {
    ///     "MOSAIC_REGION" => Some("eu".into()),
    ///     "MOSAIC_CLIENT_ID" => Some("my-app".into()),
    ///     "MOSAIC_CLIENT_SECRET" => Some("s3cr3t".into()),
    ///     _ => None,
    /// })?;
    /// assert_eq!(config.region, Region::Eu);
    /// # Ok::<(), tower_sso::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`MosaicConfig::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let vars = Vars(&lookup);
        let secret = vars
            .secret("MOSAIC_CLIENT_SECRET")?
            .ok_or_else(|| Error::configuration("MOSAIC_CLIENT_SECRET is missing"))?;
        let mut config = Self::new(
            region(&vars)?,
            vars.required("MOSAIC_CLIENT_ID")?,
            ClientSecret::new(secret),
        );
        if let Some(path) = vars.text("MOSAIC_TOKEN_PATH")? {
            config.token_path = path;
        }
        if let Some(path) = vars.text("MOSAIC_LOGIN_PAGE")? {
            config.login_page = path;
        }
        config.jwks_uri = vars.text("MOSAIC_JWKS_URI")?;
        config.resource = vars.text("MOSAIC_RESOURCE")?;
        config.organization = vars.text("MOSAIC_ORGANIZATION")?;
        config.tenant = vars.text("MOSAIC_TENANT")?;
        config.check()?;
        Ok(config)
    }
}

fn region(vars: &Vars<'_>) -> Result<Region> {
    let api = vars.text("MOSAIC_API_URL")?;
    let issuer = vars.text("MOSAIC_ISSUER")?;
    let named = vars.parsed::<Region>("MOSAIC_REGION")?;
    match (api, issuer, named) {
        (None, None, Some(region)) => Ok(region),
        (Some(api), Some(issuer), _) => custom(&api, &issuer),
        (Some(api), None, Some(region)) => custom(&api, region.issuer()),
        (None, Some(issuer), Some(region)) => custom(region.api(), &issuer),
        // No default: it would send credentials to another part of the world.
        (_, _, None) => Err(Error::configuration("MOSAIC_REGION is missing")),
    }
}

fn custom(api: &str, issuer: &str) -> Result<Region> {
    Region::custom(api, issuer).map_err(|error| malformed("MOSAIC_API_URL or MOSAIC_ISSUER", error))
}

fn is_misspelled(name: &str) -> bool {
    name.starts_with("MOSAIC_") && !KNOWN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Result<MosaicConfig> {
        let defaults = [
            ("MOSAIC_REGION", "eu"),
            ("MOSAIC_CLIENT_ID", "app"),
            ("MOSAIC_CLIENT_SECRET", "s3cr3t"),
        ];
        MosaicConfig::from_lookup(|name| {
            let own = vars.iter().rev().chain(&defaults);
            own.clone()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(*value))
        })
    }

    #[test]
    fn a_malformed_variable_is_one_error_that_names_it() {
        for (name, value) in [
            ("MOSAIC_REGION", ""),
            ("MOSAIC_REGION", "europe"),
            ("MOSAIC_CLIENT_ID", ""),
            ("MOSAIC_CLIENT_SECRET", ""),
            ("MOSAIC_CLIENT_SECRET_FILE", "/does/not/exist"),
            ("MOSAIC_TOKEN_PATH", "token-path"),
            ("MOSAIC_LOGIN_PAGE", "//evil.example"),
            ("MOSAIC_JWKS_URI", "http://keys.example"),
            ("MOSAIC_API_URL", "http://api.example"),
            ("MOSAIC_ISSUER", "http://issuer.example"),
        ] {
            let error = config(&[(name, value)]).expect_err(name);
            assert!(error.is_configuration(), "{name}={value}: {error}");
            assert!(error.to_string().contains(name), "{name}={value}: {error}");
            assert!(
                value.is_empty() || !error.to_string().contains(value),
                "{name}: the value is echoed: {error}"
            );
        }
    }

    #[test]
    fn a_url_of_its_own_comes_before_the_regions() {
        let (api, issuer) = ("https://api.example", "https://issuer.example");
        for (vars, expected) in [
            (
                &[("MOSAIC_API_URL", api)][..],
                (api, Region::Eu.issuer().to_owned()),
            ),
            (
                &[("MOSAIC_ISSUER", issuer)],
                (Region::Eu.api(), issuer.to_owned()),
            ),
            (
                &[
                    ("MOSAIC_API_URL", api),
                    ("MOSAIC_ISSUER", issuer),
                    ("MOSAIC_REGION", ""),
                ],
                (api, issuer.to_owned()),
            ),
        ] {
            let region = config(vars).unwrap().region;
            assert_eq!((region.api(), region.issuer().to_owned()), expected);
        }
        config(&[("MOSAIC_API_URL", api), ("MOSAIC_REGION", "")]).unwrap_err();
    }

    #[test]
    fn each_option_has_a_variable() {
        let config = config(&[
            ("MOSAIC_TOKEN_PATH", "/other/token"),
            ("MOSAIC_LOGIN_PAGE", "/sign-in"),
            ("MOSAIC_JWKS_URI", "https://keys.example"),
            ("MOSAIC_RESOURCE", "https://api.example"),
            ("MOSAIC_ORGANIZATION", "org"),
            ("MOSAIC_TENANT", "acme"),
        ])
        .unwrap();
        assert_eq!(config.token_path, "/other/token");
        assert_eq!(config.login_page, "/sign-in");
        assert_eq!(config.jwks_uri.as_deref(), Some("https://keys.example"));
        assert_eq!(config.resource.as_deref(), Some("https://api.example"));
        assert_eq!(config.organization.as_deref(), Some("org"));
        assert_eq!(config.tenant.as_deref(), Some("acme"));
        assert!(is_misspelled("MOSAIC_CLIENTID"));
        assert!(KNOWN.iter().all(|name| !is_misspelled(name)));
    }
}
