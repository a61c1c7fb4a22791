//! What an app tells about its registration at Mosaic.

use super::Region;
use crate::oidc::Issuer;
use crate::secret::ClientSecret;
use crate::{Error, Result};

/// The registration of this app at Mosaic.
///
/// ```
/// use tower_sso::vendor::mosaic::{MosaicConfig, Region};
///
/// let mut config = MosaicConfig::new(Region::Eu, "my-app", "s3cr3t");
/// config.tenant = Some("acme".to_owned());
/// assert_eq!(config.login_page, "/login");
/// assert!(!format!("{config:?}").contains("s3cr3t"));
/// ```
#[derive(Clone, Debug)]
pub struct MosaicConfig {
    /// Where the tenant lives.
    pub region: Region,
    /// The client identifier: ID tokens must be for it (`aud`).
    pub client_id: String,
    /// The client secret.
    pub client_secret: ClientSecret,
    /// The path of the client token endpoint. Default: `/oidc/token`.
    pub token_path: String,
    /// Where the keys are. Default: `/cis/oidc/jwks` of the API. An app with signing keys of its own has
    /// others.
    pub jwks_uri: Option<String>,
    /// The resource that access tokens are for (`resource`). Default: none.
    pub resource: Option<String>,
    /// The organization that people sign in for (`org_id`). An ID token that names another is refused.
    /// Default: none.
    pub organization: Option<String>,
    /// The tenant that ID tokens must name (`tid`). Default: any tenant that the issuer has signed for this
    /// client.
    pub tenant: Option<String>,
    /// The page of the app where people sign in: a path. Default: `/login`.
    pub login_page: String,
}

impl MosaicConfig {
    /// A registration with the defaults of each field.
    #[must_use]
    pub fn new(
        region: Region,
        client_id: impl Into<String>,
        client_secret: impl Into<ClientSecret>,
    ) -> Self {
        Self {
            region,
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            token_path: "/oidc/token".to_owned(),
            jwks_uri: None,
            resource: None,
            organization: None,
            tenant: None,
            login_page: "/login".to_owned(),
        }
    }

    /// Finds out now, and not at the first call, what can't be used.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |why: &'static str| Err(Error::configuration(why));
        if self.client_id.is_empty() || self.client_secret.expose().is_empty() {
            return refuse(
                "Mosaic needs a client id and a client secret (MOSAIC_CLIENT_ID, MOSAIC_CLIENT_SECRET)",
            );
        }
        if !is_path(&self.token_path) {
            return refuse("the token path must be a plain path (MOSAIC_TOKEN_PATH)");
        }
        if !is_path(&self.login_page) {
            return refuse("the login page must be a plain path of the app (MOSAIC_LOGIN_PAGE)");
        }
        // An empty one would be a claim that no token has, or a check that every token passes.
        let empty = |text: &Option<String>| text.as_ref().is_some_and(String::is_empty);
        if [&self.resource, &self.organization, &self.tenant]
            .into_iter()
            .any(empty)
        {
            return refuse("an option of Mosaic is set and empty");
        }
        let is_safe = |uri: &String| {
            Issuer::parse(uri).is_ok_and(|url| url.is_https() || url.is_loopback_http())
        };
        if self.jwks_uri.as_ref().is_some_and(|uri| !is_safe(uri)) {
            return refuse("the keys' URL must be https (MOSAIC_JWKS_URI)");
        }
        Ok(())
    }
}

/// A path that a browser or a client can't take for anything else: `//host` and `/\host` are another origin.
fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\' | b'%'))
        && !path.split('/').any(|part| matches!(part, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_used_is_found_at_once() {
        type Bend = fn(&mut MosaicConfig);
        let good = || MosaicConfig::new(Region::Us, "app", "s3cr3t");
        good().check().unwrap();
        let bends: &[(&str, Bend)] = &[
            ("client id", |config| config.client_id.clear()),
            ("secret", |config| config.client_secret = "".into()),
            ("token path", |config| config.token_path = "token".into()),
            ("login page elsewhere", |config| {
                config.login_page = "//evil.example".into();
            }),
            ("login page elsewhere", |config| {
                config.login_page = "/\\evil.example".into();
            }),
            ("login page with a tab", |config| {
                config.login_page = "/\t/evil.example".into();
            }),
            ("login page that climbs", |config| {
                config.login_page = "/..//evil.example".into();
            }),
            ("login page with a query", |config| {
                config.login_page = "/login?x".into();
            }),
            ("login page by URL", |config| {
                config.login_page = "https://evil.example".into();
            }),
            ("resource", |config| config.resource = Some(String::new())),
            ("organization", |config| {
                config.organization = Some(String::new());
            }),
            ("tenant", |config| config.tenant = Some(String::new())),
            ("keys over http", |config| {
                config.jwks_uri = Some("http://a.example/keys".into());
            }),
        ];
        for (what, bend) in bends {
            let mut config = good();
            bend(&mut config);
            let error = config.check().expect_err(what);
            assert!(error.is_configuration(), "{what}");
            assert!(!error.to_string().contains("evil"), "{what}");
        }
    }
}
