//! The set-up by environment variables.

use std::ffi::OsString;

use super::SsoBuilder;
use crate::provider::Organizations;
use crate::session::Lifetime;
use crate::vars::{Vars, malformed};
use crate::{ClientSecret, CookieKey, Result};

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
    "SSO_ORGANIZATION_CLAIM",
    "SSO_ORGANIZATION_PARAMETER",
    "SSO_ENTRA_TENANTS",
    "SSO_TENANT_SECONDS",
    "SSO_REVALIDATION",
    "SSO_SILENT_SECONDS",
    "SSO_REFUSAL_SECONDS",
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
        warn_of_misspelled();
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
        Self::new(vars.required("SSO_ISSUER")?)
            .of_openid_provider(&vars)?
            .of_app(&vars)
    }

    /// What the `SSO_…` environment variables say of the app itself, for a provider that is made already
    /// ([`Sso::with_provider`](crate::Sso::with_provider)): its address, its cookies and their key, its sessions,
    /// proxies and paths. Those that speak of an OpenID Provider have no effect.
    ///
    /// # Errors
    /// As [`SsoBuilder::from_env`].
    pub fn with_env(self) -> Result<Self> {
        warn_of_misspelled();
        self.with_lookup(|name| std::env::var_os(name))
    }

    /// As [`SsoBuilder::with_env`], with variables from anywhere.
    ///
    /// ```
    /// # fn builder() -> tower_sso::SsoBuilder { tower_sso::Sso::builder("https://idp.example.com").public_client("app") }
    /// let builder = builder().with_lookup(|name| match name {
    ///     "SSO_BASE_URL" => Some("http://127.0.0.1:3000".into()),
    ///     _ => None,
    /// })?;
    /// assert!(builder.build().is_ok());
    /// # Ok::<(), tower_sso::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`SsoBuilder::from_env`].
    pub fn with_lookup(self, lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        self.of_app(&Vars(&lookup))
    }

    fn of_openid_provider(mut self, vars: &Vars<'_>) -> Result<Self> {
        self.client_id = Some(vars.required("SSO_CLIENT_ID")?);
        self.client_secret = vars.secret("SSO_CLIENT_SECRET")?.map(ClientSecret::new);
        if let Some(scopes) = vars.words("SSO_SCOPES")? {
            self.scopes = scopes;
        }
        self.client_auth = vars.parsed("SSO_CLIENT_AUTH")?.unwrap_or_default();
        self.response_mode = vars.parsed("SSO_RESPONSE_MODE")?.unwrap_or_default();
        self.userinfo = vars.switch("SSO_USERINFO")?;
        self.max_age = vars.seconds("SSO_MAX_AGE")?;
        self.acr_values = vars.words("SSO_ACR_VALUES")?.unwrap_or_default();
        self.mfa_acr_values = vars.words("SSO_MFA_ACR_VALUES")?.unwrap_or_default();
        self.ui_locales = vars.text("SSO_UI_LOCALES")?;
        let claim = vars.text("SSO_ORGANIZATION_CLAIM")?;
        let parameter = vars.text("SSO_ORGANIZATION_PARAMETER")?;
        self.organizations = match (claim, parameter) {
            (Some(claim), parameter) => {
                let parameter = parameter.unwrap_or_else(|| "organization_id".to_owned());
                Some(Organizations::new(claim, parameter))
            }
            (None, None) => None,
            (None, Some(_)) => {
                let why = "the claim is missing (SSO_ORGANIZATION_CLAIM)";
                return Err(malformed("SSO_ORGANIZATION_PARAMETER", why));
            }
        };
        self.entra_tenants = vars.parsed("SSO_ENTRA_TENANTS")?;
        if let Some(path) = vars.text("SSO_CA_FILE")? {
            self.extra_ca =
                Some(std::fs::read(path).map_err(|error| malformed("SSO_CA_FILE", error))?);
        }
        Ok(self)
    }

    fn of_app(mut self, vars: &Vars<'_>) -> Result<Self> {
        self.base_url = Some(vars.required("SSO_BASE_URL")?);
        if let Some(keys) = vars.secret("SSO_COOKIE_KEY")? {
            self.cookie_keys = keys
                .split(',')
                .map(|key| {
                    CookieKey::from_base64(key).map_err(|error| malformed("SSO_COOKIE_KEY", error))
                })
                .collect::<Result<_>>()?;
        }
        self.cookie_name = vars.text("SSO_COOKIE_NAME")?;
        self.revalidation = vars.parsed("SSO_REVALIDATION")?.unwrap_or_default();
        if let Some(interval) = vars.seconds("SSO_SILENT_SECONDS")? {
            self.silent_interval = interval;
        }
        if let Some(time) = vars.seconds("SSO_REFUSAL_SECONDS")? {
            self.after_refusal = time;
        }
        if let Some(fresh) = vars.seconds("SSO_TENANT_SECONDS")? {
            self.tenant_freshness = fresh;
        }
        let default = Lifetime::default();
        self.lifetime = Lifetime {
            idle: vars.seconds("SSO_IDLE_SECONDS")?.unwrap_or(default.idle),
            absolute: vars
                .seconds("SSO_ABSOLUTE_SECONDS")?
                .unwrap_or(default.absolute),
        };
        if let Some(path) = vars.text("SSO_AUTH_PATH")? {
            self.auth_path = path;
        }
        self.allowed_origins = vars.words("SSO_ALLOWED_ORIGINS")?.unwrap_or_default();
        if let Some(list) = vars.text("SSO_TRUSTED_PROXIES")? {
            self.trusted_proxies = list.split(',').map(str::to_owned).collect();
        }
        self.forwarded_headers = vars.parsed("SSO_FORWARDED_HEADERS")?.unwrap_or_default();
        self.identity_headers = vars.switch("SSO_IDENTITY_HEADERS")?;
        self.shared_domain = vars.text("SSO_SHARED_DOMAIN")?;
        match vars.text("SSO_SESSION_STORE")?.as_deref() {
            None | Some("memory") => Ok(self),
            Some(_) => Err(malformed(
                "SSO_SESSION_STORE",
                "this version knows `memory` only",
            )),
        }
    }
}

fn warn_of_misspelled() {
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        if is_misspelled(&name) {
            tracing::warn!(
                variable = name,
                "this variable is not known and has no effect"
            );
        }
    }
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
            ("SSO_SILENT_SECONDS", "0"),
            ("SSO_SILENT_SECONDS", "5m"),
            ("SSO_REFUSAL_SECONDS", "0"),
            ("SSO_SESSION_STORE", "redis://127.0.0.1"),
            ("SSO_ORGANIZATION_PARAMETER", "organization"),
            ("SSO_ENTRA_TENANTS", "not a tenant"),
            ("SSO_ENTRA_TENANTS", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"),
            ("SSO_TENANT_SECONDS", "0"),
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
