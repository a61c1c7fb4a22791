//! What an app tells about its environment at Scalekit.

use crate::oidc::Issuer;
use crate::provider::Selectors;
use crate::secret::ClientSecret;
use crate::{Error, Result};

/// What Modular SSO refuses: it gives no refresh token.
const OFFLINE_ACCESS: &str = "offline_access";

/// The registration of this app at a Scalekit environment.
///
/// ```
/// use tower_sso::provider::Selectors;
/// use tower_sso::vendor::scalekit::ScalekitConfig;
///
/// let mut config = ScalekitConfig::new("https://acme.scalekit.com", "skc_1234", "s3cr3t");
/// config.selectors = Selectors { organization: Some("org_acme".to_owned()), ..Selectors::default() };
/// assert_eq!(config.scopes, ["openid", "profile", "email"]);
/// assert!(!format!("{config:?}").contains("s3cr3t"));
/// ```
#[derive(Clone, Debug)]
pub struct ScalekitConfig {
    /// The environment, as `https://acme.scalekit.com`: exactly as the environment spells its issuer. `http` only
    /// on this machine.
    pub environment_url: String,
    /// The client identifier.
    pub client_id: String,
    /// The client secret.
    pub client_secret: ClientSecret,
    /// The scopes to ask for; `openid` is always among them. Default: `openid profile email`.
    ///
    /// `offline_access` is refused: Modular SSO gives no refresh tokens, and every sign-in would fail.
    pub scopes: Vec<String>,
    /// Who may say that a sign-in began there (`iss` of an `idp_initiated_login` token), each as an exact string.
    /// Default (`None`): the environment URL, with and without `/` at its end. An empty list switches such sign-ins
    /// off.
    pub initiated_issuers: Option<Vec<String>>,
    /// Whether each ID token must have a `nonce`. Default: no, since the vendor's own sample has none. One that is
    /// there must be ours in any case, and PKCE binds the code to the browser (RFC 9700 section 2.1.1).
    pub require_nonce: bool,
    /// Where people sign in who were sent without a selector. Default: none.
    ///
    /// It is a default and no limit: who may pass is said by
    /// [`Policy::organization`](crate::Policy::organization) or
    /// [`Policy::connection`](crate::Policy::connection).
    pub selectors: Selectors,
    /// The audiences that an access token may be for
    /// ([`verify_access_token`](super::Scalekit::verify_access_token)). Default: empty, which stands for the client
    /// id.
    pub access_token_audiences: Vec<String>,
}

impl ScalekitConfig {
    /// A registration with the defaults of each field.
    #[must_use]
    pub fn new(
        environment_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<ClientSecret>,
    ) -> Self {
        Self {
            environment_url: environment_url.into(),
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            scopes: ["openid", "profile", "email"].map(String::from).to_vec(),
            initiated_issuers: None,
            require_nonce: false,
            selectors: Selectors::default(),
            access_token_audiences: Vec::new(),
        }
    }

    /// Finds out now, and not at the first sign-in, what can't be used.
    pub(super) fn check(&self) -> Result<Issuer> {
        let refuse = |why: &'static str| Err(Error::configuration(why));
        if self.client_id.is_empty() || self.client_secret.expose().is_empty() {
            return refuse(
                "Scalekit needs a client id and a client secret (SCALEKIT_CLIENT_ID, SCALEKIT_CLIENT_SECRET)",
            );
        }
        if self.scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
            return refuse(
                "Scalekit's Modular SSO refuses the scope offline_access: it gives no refresh tokens (SCALEKIT_SCOPES)",
            );
        }
        if (self.scopes.iter()).any(|scope| scope.is_empty() || scope.contains(char::is_whitespace))
        {
            return refuse("a scope is empty or has a space in it (SCALEKIT_SCOPES)");
        }
        let mut lists =
            (self.initiated_issuers.iter().flatten()).chain(&self.access_token_audiences);
        if lists.any(String::is_empty) {
            return refuse(
                "an issuer or an audience is empty (SCALEKIT_INITIATED_ISSUERS, SCALEKIT_AUDIENCES)",
            );
        }
        match Issuer::parse(&self.environment_url) {
            Ok(issuer) if issuer.is_https() || issuer.is_loopback_http() => Ok(issuer),
            Ok(_) => refuse("the environment's URL must be https (SCALEKIT_ENVIRONMENT_URL)"),
            Err(error) => Err(Error::configuration(
                "the environment's URL can't be used (SCALEKIT_ENVIRONMENT_URL)",
            )
            .with_source(error)),
        }
    }

    /// The environment URL without `/` at its end.
    pub(super) fn base(&self) -> &str {
        self.environment_url
            .strip_suffix('/')
            .unwrap_or(&self.environment_url)
    }

    /// Whether sign-ins may begin at this issuer.
    pub(super) fn may_initiate(&self, iss: &str) -> bool {
        match &self.initiated_issuers {
            Some(list) => list.iter().any(|issuer| issuer == iss),
            None => iss.strip_suffix('/').unwrap_or(iss) == self.base(),
        }
    }

    /// Whether an access token for these audiences is for this app.
    pub(super) fn is_audience(&self, audience: &[String]) -> bool {
        if self.access_token_audiences.is_empty() {
            return audience.contains(&self.client_id);
        }
        (self.access_token_audiences.iter()).any(|ours| audience.contains(ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> ScalekitConfig {
        ScalekitConfig::new("https://acme.scalekit.example", "skc_1", "s3cr3t")
    }

    #[test]
    fn what_can_not_be_used_is_found_at_once() {
        type Bend = fn(&mut ScalekitConfig);
        good().check().unwrap();
        let bends: &[(&str, Bend)] = &[
            ("client id", |config| config.client_id.clear()),
            ("client secret", |config| config.client_secret = "".into()),
            ("offline_access", |config| {
                config.scopes.push("offline_access".into());
            }),
            ("scope", |config| config.scopes.push("a b".into())),
            ("scope", |config| config.scopes.push(String::new())),
            ("issuer", |config| {
                config.initiated_issuers = Some(vec![String::new()]);
            }),
            ("audience", |config| {
                config.access_token_audiences = vec![String::new()];
            }),
            ("https", |config| {
                config.environment_url = "http://acme.example".into();
            }),
            ("URL", |config| {
                config.environment_url = "acme.example".into();
            }),
            ("URL", |config| {
                config.environment_url = "https://acme.example?x".into();
            }),
        ];
        for (what, bend) in bends {
            let mut config = good();
            bend(&mut config);
            let error = config.check().expect_err(what);
            assert!(error.is_configuration(), "{what}");
            assert!(error.to_string().contains(what), "{what}: {error}");
        }
        for url in [
            "http://127.0.0.1:3001",
            "http://localhost:3001",
            "https://acme.example/",
        ] {
            let config = ScalekitConfig::new(url, "skc_1", "s3cr3t");
            assert_eq!(config.check().unwrap().as_str(), url);
        }
    }

    #[test]
    fn sign_ins_begin_at_the_environment_or_where_the_list_says() {
        let own = "https://acme.scalekit.example";
        let listed = || Some(vec!["https://b2b.example".to_owned()]);
        for (issuers, iss, may) in [
            (None, own, true),
            (None, "https://acme.scalekit.example/", true),
            (None, "https://acme.scalekit.example//", false),
            (None, "https://ACME.scalekit.example", false),
            (None, "https://acme.scalekit.example.evil", false),
            (None, "", false),
            (listed(), "https://b2b.example", true),
            (listed(), "https://b2b.example/", false),
            (listed(), own, false),
            (Some(Vec::new()), own, false),
        ] {
            for url in [own, "https://acme.scalekit.example/"] {
                let mut config = good();
                config.environment_url = url.to_owned();
                config.initiated_issuers.clone_from(&issuers);
                assert_eq!(config.may_initiate(iss), may, "{issuers:?} {iss}");
            }
        }
    }

    #[test]
    fn an_access_token_is_for_this_client_or_a_listed_audience() {
        for (ours, audience, fits) in [
            (&[][..], &["skc_1"][..], true),
            (&[], &["other", "skc_1"], true),
            (&[], &["other"], false),
            (&[], &[], false),
            (&["api"], &["api"], true),
            (&["api"], &["skc_1"], false),
            (&["api"], &[], false),
        ] {
            let texts = |list: &[&str]| {
                list.iter()
                    .map(|text| (*text).to_owned())
                    .collect::<Vec<_>>()
            };
            let mut config = good();
            config.access_token_audiences = texts(ours);
            assert_eq!(
                config.is_audience(&texts(audience)),
                fits,
                "{ours:?} {audience:?}"
            );
        }
    }
}
