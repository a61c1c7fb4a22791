//! The set-up by environment variables.

use std::ffi::OsString;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use super::SsoBuilder;
use crate::session::Lifetime;
use crate::{ClientSecret, CookieKey, Error, Result};

/// Every variable that is read, so that a misspelled one can be told from them.
const KNOWN: &[&str] = &[
    "SSO_ISSUER",
    "SSO_CLIENT_ID",
    "SSO_CLIENT_SECRET",
    "SSO_CLIENT_SECRET_FILE",
    "SSO_BASE_URL",
    "SSO_COOKIE_KEY",
    "SSO_COOKIE_KEY_FILE",
    "SSO_COOKIE_NAME",
    "SSO_SCOPES",
    "SSO_CLIENT_AUTH",
    "SSO_RESPONSE_MODE",
    "SSO_USERINFO",
    "SSO_MAX_AGE",
    "SSO_ACR_VALUES",
    "SSO_MFA_ACR_VALUES",
    "SSO_UI_LOCALES",
    "SSO_REVALIDATION",
    "SSO_SESSION_STORE",
    "SSO_SHARED_DOMAIN",
    "SSO_IDLE_SECONDS",
    "SSO_ABSOLUTE_SECONDS",
    "SSO_AUTH_PATH",
    "SSO_ALLOWED_ORIGINS",
    "SSO_TRUSTED_PROXIES",
    "SSO_FORWARDED_HEADERS",
    "SSO_IDENTITY_HEADERS",
    "SSO_CA_FILE",
];

/// Variables of the examples, which are no misspelling either.
const EXAMPLES: &[&str] = &["SSO_LISTEN", "SSO_DEMO_"];

impl SsoBuilder {
    /// What the `SSO_…` environment variables describe, to be completed in code.
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

    /// As [`SsoBuilder::from_env`], with variables from anywhere.
    ///
    /// ```
    /// use tower_sso::SsoBuilder;
    ///
    /// let sso = SsoBuilder::from_lookup(|name| match name {
    ///     "SSO_ISSUER" => Some("http://127.0.0.1:3001".into()),
    ///     "SSO_CLIENT_ID" => Some("my-app".into()),
    ///     "SSO_BASE_URL" => Some("http://127.0.0.1:3000".into()),
    ///     _ => None,
    /// })
    /// .and_then(SsoBuilder::build);
    /// assert!(sso.is_ok());
    /// ```
    ///
    /// # Errors
    /// As [`SsoBuilder::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let vars = Vars(&lookup);
        let mut builder = Self::new(vars.required("SSO_ISSUER")?);
        builder.client_id = Some(vars.required("SSO_CLIENT_ID")?);
        builder.client_secret = vars.secret("SSO_CLIENT_SECRET")?.map(ClientSecret::new);
        builder.base_url = Some(vars.required("SSO_BASE_URL")?);
        if let Some(keys) = vars.secret("SSO_COOKIE_KEY")? {
            builder.cookie_keys = keys
                .split(',')
                .map(|key| {
                    CookieKey::from_base64(key).map_err(|error| malformed("SSO_COOKIE_KEY", error))
                })
                .collect::<Result<_>>()?;
        }
        builder.cookie_name = vars.text("SSO_COOKIE_NAME")?;
        if let Some(scopes) = vars.words("SSO_SCOPES")? {
            builder.scopes = scopes;
        }
        builder.client_auth = vars.parsed("SSO_CLIENT_AUTH")?.unwrap_or_default();
        builder.response_mode = vars.parsed("SSO_RESPONSE_MODE")?.unwrap_or_default();
        builder.userinfo = vars.switch("SSO_USERINFO")?;
        builder.max_age = vars.seconds("SSO_MAX_AGE")?;
        builder.acr_values = vars.words("SSO_ACR_VALUES")?.unwrap_or_default();
        builder.mfa_acr_values = vars.words("SSO_MFA_ACR_VALUES")?.unwrap_or_default();
        builder.revalidation = vars.parsed("SSO_REVALIDATION")?.unwrap_or_default();
        builder.ui_locales = vars.text("SSO_UI_LOCALES")?;
        let default = Lifetime::default();
        builder.lifetime = Lifetime {
            idle: vars.seconds("SSO_IDLE_SECONDS")?.unwrap_or(default.idle),
            absolute: vars
                .seconds("SSO_ABSOLUTE_SECONDS")?
                .unwrap_or(default.absolute),
        };
        if let Some(path) = vars.text("SSO_AUTH_PATH")? {
            builder.auth_path = path;
        }
        builder.allowed_origins = vars.words("SSO_ALLOWED_ORIGINS")?.unwrap_or_default();
        if let Some(list) = vars.text("SSO_TRUSTED_PROXIES")? {
            builder.trusted_proxies = list.split(',').map(str::to_owned).collect();
        }
        builder.forwarded_headers = vars.parsed("SSO_FORWARDED_HEADERS")?.unwrap_or_default();
        builder.identity_headers = vars.switch("SSO_IDENTITY_HEADERS")?;
        match vars.text("SSO_SESSION_STORE")?.as_deref() {
            None | Some("memory") => {}
            Some(_) => {
                return Err(malformed(
                    "SSO_SESSION_STORE",
                    "this version knows `memory` only",
                ));
            }
        }
        builder.shared_domain = vars.text("SSO_SHARED_DOMAIN")?;
        if let Some(path) = vars.text("SSO_CA_FILE")? {
            builder.extra_ca =
                Some(std::fs::read(path).map_err(|error| malformed("SSO_CA_FILE", error))?);
        }
        Ok(builder)
    }
}

struct Vars<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Vars<'_> {
    /// The value of a variable; an empty one counts as not set.
    fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = (self.0)(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        value
            .into_string()
            .map(Some)
            .map_err(|_| malformed(name, "it is not UTF-8"))
    }

    fn required(&self, name: &str) -> Result<String> {
        self.text(name)?
            .ok_or_else(|| Error::configuration(format!("{name} is missing")))
    }

    fn parsed<T: FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>> {
        let text = self.text(name)?;
        text.map(|text| text.parse().map_err(|error| malformed(name, error)))
            .transpose()
    }

    fn switch(&self, name: &str) -> Result<bool> {
        match self.text(name)?.as_deref() {
            None | Some("off") => Ok(false),
            Some("on") => Ok(true),
            Some(_) => Err(malformed(name, "use on or off")),
        }
    }

    fn words(&self, name: &str) -> Result<Option<Vec<String>>> {
        let text = self.text(name)?;
        Ok(text.map(|text| text.split_whitespace().map(str::to_owned).collect()))
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        self.text(name)?
            .map(|text| text.parse().map(Duration::from_secs))
            .transpose()
            .map_err(|_| malformed(name, "it must be a whole number of seconds"))
    }

    /// A secret by the variable itself or by the file that `<name>_FILE` names.
    fn secret(&self, name: &str) -> Result<Option<String>> {
        let by_file = format!("{name}_FILE");
        match (self.text(name)?, self.text(&by_file)?) {
            (Some(_), Some(_)) => Err(Error::configuration(format!(
                "{name} and {by_file} are both set: use one"
            ))),
            (Some(value), None) => Ok(Some(value)),
            (None, Some(path)) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| malformed(&by_file, error))?;
                let text = text.trim_end_matches(['\r', '\n']);
                if text.is_empty() {
                    return Err(malformed(&by_file, "the file is empty"));
                }
                Ok(Some(text.to_owned()))
            }
            (None, None) => Ok(None),
        }
    }
}

/// The value is never part of the message: it may be a secret in the wrong place.
fn malformed(name: &str, why: impl Display) -> Error {
    Error::configuration(format!("{name} can't be used: {why}"))
}

fn is_misspelled(name: &str) -> bool {
    name.starts_with("SSO_")
        && !KNOWN.contains(&name)
        && !EXAMPLES.iter().any(|example| name.starts_with(example))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;
    use crate::provider::{HttpClient, InProcessClient};

    fn built(vars: &[(&str, &str)]) -> Result<crate::Sso> {
        // No client of its own: with RustCrypto alone that needs a rustls provider from the app.
        builder(vars)?.http_client(nobody()).build()
    }

    fn builder(vars: &[(&str, &str)]) -> Result<SsoBuilder> {
        let defaults = [
            ("SSO_ISSUER", "https://idp.example"),
            ("SSO_CLIENT_ID", "app"),
            ("SSO_BASE_URL", "http://127.0.0.1:3000"),
        ];
        let lookup = |name: &str| {
            let own = vars.iter().rev().chain(&defaults);
            own.clone()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(*value))
        };
        SsoBuilder::from_lookup(lookup)
    }

    fn nobody() -> Arc<dyn HttpClient> {
        let service = tower::service_fn(|_| async {
            Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::default()))
        });
        Arc::new(InProcessClient::new(service))
    }

    #[test]
    fn the_defaults_build() {
        built(&[]).unwrap();
    }

    #[test]
    fn a_malformed_variable_is_one_error_that_names_it() {
        for (name, value) in [
            ("SSO_ISSUER", ""),
            ("SSO_ISSUER", "idp.example"),
            ("SSO_ISSUER", "http://idp.example"),
            ("SSO_CLIENT_ID", ""),
            ("SSO_BASE_URL", ""),
            ("SSO_BASE_URL", "app.example"),
            ("SSO_BASE_URL", "http://app.example"),
            ("SSO_COOKIE_KEY", "c2hvcnQ="),
            ("SSO_COOKIE_KEY", "not base64!"),
            ("SSO_COOKIE_KEY_FILE", "/does/not/exist"),
            ("SSO_CLIENT_SECRET_FILE", "/does/not/exist"),
            ("SSO_CLIENT_AUTH", "basic"),
            ("SSO_CLIENT_AUTH", "client_secret_post"),
            ("SSO_RESPONSE_MODE", "fragment"),
            ("SSO_USERINFO", "yes"),
            ("SSO_MAX_AGE", "1h"),
            ("SSO_MAX_AGE", "-1"),
            ("SSO_IDLE_SECONDS", "0"),
            ("SSO_ABSOLUTE_SECONDS", "0"),
            ("SSO_AUTH_PATH", "auth"),
            ("SSO_AUTH_PATH", "/auth/"),
            ("SSO_AUTH_PATH", "//auth"),
            ("SSO_AUTH_PATH", "/:auth"),
            ("SSO_AUTH_PATH", "/*auth"),
            ("SSO_REVALIDATION", "sometimes"),
            ("SSO_REVALIDATION", "every:0"),
            ("SSO_SESSION_STORE", "redis://127.0.0.1"),
            ("SSO_CA_FILE", "/does/not/exist"),
            ("SSO_COOKIE_NAME", "two words"),
            ("SSO_COOKIE_NAME", "__Host-sso"),
            ("SSO_ALLOWED_ORIGINS", "friend.example"),
            ("SSO_ALLOWED_ORIGINS", "https://friend.example/path"),
            ("SSO_TRUSTED_PROXIES", "10.0.0.0/33"),
            ("SSO_TRUSTED_PROXIES", "10.0.0.1,,10.0.0.2"),
            ("SSO_TRUSTED_PROXIES", "proxy.example"),
            ("SSO_TRUSTED_PROXIES", "127.0.0.1,0.0.0.0/0"),
            ("SSO_FORWARDED_HEADERS", "both"),
            ("SSO_IDENTITY_HEADERS", "yes"),
        ] {
            let error = built(&[(name, value)]).expect_err(name);
            assert!(error.is_configuration(), "{name}={value}: {error}");
            assert!(error.to_string().contains(name), "{name}={value}: {error}");
            assert!(
                value.len() < 6 || !error.to_string().contains(value),
                "{name}: the value is echoed: {error}"
            );
        }
    }

    #[cfg(feature = "aws-lc-rs")]
    #[test]
    fn a_file_without_a_certificate_is_an_error_that_names_the_variable() {
        let error = builder(&[("SSO_CA_FILE", "/dev/null")]).and_then(SsoBuilder::build);
        let error = error.unwrap_err();
        assert!(
            error.is_configuration() && error.to_string().contains("SSO_CA_FILE"),
            "{error}"
        );
    }

    #[test]
    fn no_default_key_away_from_loopback() {
        let error = built(&[("SSO_BASE_URL", "https://app.example")]).unwrap_err();
        assert!(error.to_string().contains("SSO_COOKIE_KEY"), "{error}");
        let key = crate::crypto::base64url(&crate::crypto::random::<32>());
        built(&[
            ("SSO_BASE_URL", "https://app.example"),
            ("SSO_COOKIE_KEY", &key),
        ])
        .unwrap();
    }

    #[test]
    fn a_secret_comes_from_one_place() {
        let error =
            built(&[("SSO_CLIENT_SECRET", "a"), ("SSO_CLIENT_SECRET_FILE", "/x")]).unwrap_err();
        assert!(error.to_string().contains("SSO_CLIENT_SECRET_FILE"));
    }

    #[test]
    fn a_misspelled_variable_is_noticed() {
        assert!(is_misspelled("SSO_CLIENTID"));
        assert!(!is_misspelled("SSO_CLIENT_ID"));
        assert!(!is_misspelled("SSO_LISTEN"));
        assert!(!is_misspelled("SSO_DEMO_ACR"));
        assert!(!is_misspelled("PATH"));
    }
}
