//! What an app tells about its registration at a provider.

use std::time::Duration;

use crate::oidc::{ClientAuthChoice, EntraTenants, Issuer, ResponseMode};
use crate::secret::ClientSecret;

/// The registration of this app at an OpenID Provider, and what each sign-in asks for.
///
/// ```
/// use tower_sso::ClientSecret;
/// use tower_sso::oidc::Issuer;
/// use tower_sso::provider::OidcConfig;
///
/// # fn main() -> tower_sso::Result<()> {
/// let mut config = OidcConfig::new(Issuer::parse("https://idp.example.com")?, "my-app");
/// config.client_secret = Some(ClientSecret::from("s3cr3t"));
/// config.userinfo = true;
/// assert_eq!(config.scopes, ["openid", "profile", "email"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OidcConfig {
    /// Whose word is taken.
    pub issuer: Issuer,
    /// Which tenants may sign people in, where the issuer is one of Microsoft Entra's that speak for many
    /// (`https://login.microsoftonline.com/organizations/v2.0`, or `common` with personal accounts). With any
    /// other issuer it is refused. Default: none, and such an issuer is refused.
    ///
    /// The issuer of a session is then that of its own tenant.
    pub entra_tenants: Option<EntraTenants>,
    /// The client identifier (RFC 6749 section 2.2).
    pub client_id: String,
    /// The client secret; `None` for a public client. Default: none.
    pub client_secret: Option<ClientSecret>,
    /// How the client authenticates. Default: what fits the metadata.
    pub client_auth: ClientAuthChoice,
    /// The scopes to ask for; `openid` is always among them. Default: `openid profile email`.
    pub scopes: Vec<String>,
    /// How the provider answers. Default: in the query.
    pub response_mode: ResponseMode,
    /// Whether claims of the UserInfo endpoint are added. Default: no, the ID token says enough.
    pub userinfo: bool,
    /// The `acr` values that count as multi-factor, and are asked for where that is wanted. Default: none.
    pub mfa_acr_values: Vec<String>,
    /// The `acr_values` of each sign-in that does not ask for others. Default: none.
    pub acr_values: Vec<String>,
    /// The `max_age` of each sign-in; a shorter one that a policy wants comes before it. Default: none.
    pub max_age: Option<Duration>,
    /// The `ui_locales` of each sign-in that does not ask for others. Default: none.
    pub ui_locales: Option<String>,
    /// How the provider speaks of organizations, if it has such: then
    /// [`Session::organization`](crate::Session::organization) is what its claim says, and one that was asked for and is
    /// not named in the ID token signs nobody in. Default: it has none.
    pub organizations: Option<Organizations>,
    /// Parameters of the provider's own for each authorization request. Default: none.
    pub extra: Vec<(String, String)>,
}

impl OidcConfig {
    /// A public client with the defaults of each field.
    #[must_use]
    pub fn new(issuer: Issuer, client_id: impl Into<String>) -> Self {
        Self {
            issuer,
            entra_tenants: None,
            client_id: client_id.into(),
            client_secret: None,
            client_auth: ClientAuthChoice::default(),
            scopes: ["openid", "profile", "email"].map(String::from).to_vec(),
            response_mode: ResponseMode::default(),
            userinfo: false,
            mfa_acr_values: Vec::new(),
            acr_values: Vec::new(),
            max_age: None,
            ui_locales: None,
            organizations: None,
            extra: Vec::new(),
        }
    }
}

/// By what names an OpenID Provider speaks of organizations. There is no standard for it.
///
/// ```
/// use tower_sso::provider::Organizations;
///
/// // Auth0
/// let organizations = Organizations::new("org_id", "organization");
/// assert_eq!(organizations.claim, "org_id");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organizations {
    /// The claim of the ID token that has the id, as text.
    pub claim: String,
    /// The parameter of the authorization request that asks for one.
    pub parameter: String,
}

impl Organizations {
    /// A claim and a parameter.
    #[must_use]
    pub fn new(claim: impl Into<String>, parameter: impl Into<String>) -> Self {
        Self {
            claim: claim.into(),
            parameter: parameter.into(),
        }
    }
}
