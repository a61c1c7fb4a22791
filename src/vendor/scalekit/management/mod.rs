//! The management API: connections, domains, and links into the admin portal.
//!
//! 1. One client token serves all calls. A 401 fetches a new one once, and nothing else is ever sent twice.
//! 2. After a 429 no call goes out for as long as `Retry-After` says.
//! 3. No answer, 5xx, a page and a redirect are "try later". A refusal keeps its names.
//! 4. What becomes part of a path is one segment of it, whatever it holds.
//! 5. A portal link leads to the environment's own origin or one that is named, or it is not handed out.

mod answer;
mod connection;
mod domain;
mod portal_link;

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use url::Url;

pub use answer::ManagementRefusal;
pub use connection::{Connection, ConnectionFilter};
pub use domain::OrganizationDomain;
pub(super) use portal_link::portal_origin;
pub use portal_link::{PortalFeature, PortalLink};

use connection::domain_of;

use crate::clock::{Clock, SystemClock};
use crate::oidc::Issuer;
use crate::provider::{HttpClient, HttpOptions, ReqwestClient};
use crate::secret::ClientSecret;
use crate::vars::Vars;
use crate::vendor::api_client::ApiClient;
use crate::vendor::client_token::ClientCredentials;
use crate::vendor::path_segment::path_segment;
use crate::vendor::rate_limit::LimitedClient;
use crate::{Error, Result};

/// The largest page of a list that the API gives.
const PAGE: usize = 100;
/// No organization has more domains than this many pages hold.
const MOST_PAGES: usize = 10;

/// A client of Scalekit's management API. Cheap to clone, and the clones share client token and rate limit.
///
/// The link into the admin portal is for an administrator of the organization that it is for. Take the organization
/// from the session, never from the request, and ask for a role:
///
/// ```
/// use axum::{Extension, Router, http::StatusCode, routing::get};
/// use http::Response;
/// use tower_sso::vendor::scalekit::{PortalFeature, PortalPage, ScalekitManagement};
/// use tower_sso::{Policy, RequireLayer, User};
///
/// async fn portal(
///     Extension(scalekit): Extension<ScalekitManagement>,
///     user: User,
/// ) -> Result<Response<String>, StatusCode> {
///     let organization = user.organization().ok_or(StatusCode::FORBIDDEN)?;
///     let link = scalekit.portal_link(organization, &[PortalFeature::Sso]).await;
///     let link = link.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
///     let page = PortalPage::new(&link).events_to("/settings/sso/events");
///     Ok(page.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?.render())
/// }
///
/// # fn main() -> tower_sso::Result<()> {
/// let scalekit = ScalekitManagement::new("https://acme.scalekit.dev", "skc_1", "s3cr3t")?;
/// let admins = RequireLayer::new(Policy::login().role("admin")); // given by the app's `IdentityHook`
/// let app: Router = Router::new()
///     .route("/settings/sso", get(portal).layer(admins))
///     .layer(Extension(scalekit));
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ScalekitManagement(Arc<Inner>);

struct Inner {
    setup: Setup,
    api: ApiClient,
}

#[derive(Clone)]
struct Setup {
    /// Without a slash at its end.
    environment: String,
    client_id: String,
    client_secret: ClientSecret,
    portal_origins: Vec<String>,
}

impl ScalekitManagement {
    /// A client over the network, of an environment as `https://acme.scalekit.dev`. Makes no call.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the URL is neither https nor http on this
    /// machine, an id or a secret is empty, or as [`ReqwestClient::new`].
    pub fn new(
        environment_url: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<ClientSecret>,
    ) -> Result<Self> {
        let setup = Setup::new(environment_url, client_id.into(), client_secret.into())?;
        let http = ReqwestClient::new(&HttpOptions::default())?;
        Ok(Self::wired(setup, Arc::new(http), Arc::new(SystemClock)))
    }

    /// The client that `SCALEKIT_ENVIRONMENT_URL`, `SCALEKIT_CLIENT_ID` and `SCALEKIT_CLIENT_SECRET` (or
    /// `SCALEKIT_CLIENT_SECRET_FILE`) describe.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): one is missing, or as
    /// [`ScalekitManagement::new`].
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// As [`ScalekitManagement::from_env`], with variables from anywhere.
    ///
    /// # Errors
    /// As [`ScalekitManagement::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let vars = Vars(&lookup);
        let secret = vars
            .secret("SCALEKIT_CLIENT_SECRET")?
            .ok_or_else(|| Error::configuration("SCALEKIT_CLIENT_SECRET is missing"))?;
        Self::new(
            &vars.required("SCALEKIT_ENVIRONMENT_URL")?,
            vars.required("SCALEKIT_CLIENT_ID")?,
            secret,
        )
    }

    /// The same client, whose calls go out through `http`.
    #[must_use]
    pub fn with_http_client(self, http: Arc<dyn HttpClient>) -> Self {
        let clock = Arc::clone(&self.0.api.http.clock);
        Self::wired(self.0.setup.clone(), http, clock)
    }

    /// The same client with another clock, and nothing kept of what the first one knew.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        let http = Arc::clone(&self.0.api.http.http);
        Self::wired(self.0.setup.clone(), http, clock)
    }

    /// The same client, which takes portal links of this origin too: a domain of one's own for the portal, as
    /// `https://sso.example.com`. Default: the environment's origin only.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): it is no origin of https, or of http on this
    /// machine.
    pub fn add_portal_origin(self, origin: &str) -> Result<Self> {
        let mut setup = self.0.setup.clone();
        setup.portal_origins.push(origin_of(origin)?);
        let http = &self.0.api.http;
        Ok(Self::wired(
            setup,
            Arc::clone(&http.http),
            Arc::clone(&http.clock),
        ))
    }

    fn wired(setup: Setup, http: Arc<dyn HttpClient>, clock: Arc<dyn Clock>) -> Self {
        let http = LimitedClient::new("Scalekit", http, clock);
        let credentials = ClientCredentials {
            url: format!("{}/oauth/token", setup.environment),
            client_id: setup.client_id.clone(),
            client_secret: setup.client_secret.clone(),
            resource: None,
        };
        let api = ApiClient::new(http, credentials);
        Self(Arc::new(Inner { setup, api }))
    }

    /// The connections that fit a filter. Entries without an id are left out.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): no answer that says anything; with the code
    /// `RATE_LIMITED` while Scalekit limits the rate. [`ErrorKind::Provider`](crate::ErrorKind::Provider): it
    /// refuses; the source is a [`ManagementRefusal`].
    pub async fn connections(&self, filter: &ConnectionFilter) -> Result<Vec<Connection>> {
        let path = match filter.query() {
            query if query.is_empty() => "/api/v1/connections".to_owned(),
            query => format!("/api/v1/connections?{query}"),
        };
        let body = self.call(Method::GET, &path, None).await?;
        Ok(list(&body, "connections", Connection::read))
    }

    /// The connection that an e-mail address or its domain leads to, if people can sign in through one: ask before
    /// you send somebody to Scalekit, and show the app's other login where there is none.
    ///
    /// What is no domain has none, and nobody is asked. Where several fit, it is the first. The answer may change at
    /// any time: it says where to send somebody, never who they are.
    ///
    /// Each call takes from the rate that Scalekit allows the client, and after a 429 nobody's address is looked up for a
    /// while. A form that anybody can send needs a limit of its own, by client address, in front of it.
    ///
    /// # Errors
    /// As [`ScalekitManagement::connections`].
    pub async fn usable_connection(&self, domain_or_email: &str) -> Result<Option<Connection>> {
        let Some(domain) = domain_of(domain_or_email) else {
            return Ok(None);
        };
        let filter = ConnectionFilter::domain(&*domain);
        let mut found = self.connections(&filter).await?.into_iter();
        Ok(found.find(|connection| connection.is_usable() && connection.is_of(&domain)))
    }

    /// A link into the admin portal for an administrator of this organization: see the example of
    /// [`ScalekitManagement`]. Without features it has all that the organization has.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): the id can be no segment of a path. Else as
    /// [`ScalekitManagement::connections`]; a location at any other origin is
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider).
    pub async fn portal_link(
        &self,
        organization_id: &str,
        features: &[PortalFeature],
    ) -> Result<PortalLink> {
        let mut path = organization_path(organization_id, "portal_links")?;
        for (at, feature) in features.iter().enumerate() {
            path.push(if at == 0 { '?' } else { '&' });
            path.push_str("features=");
            path.push_str(feature.name());
        }
        let body = self.call(Method::PUT, &path, None).await?;
        let now = self.0.api.now();
        PortalLink::read(&Value::Object(body), &self.0.setup.portal_origins, now)
    }

    /// The domains of an organization, a thousand at most.
    ///
    /// # Errors
    /// As [`ScalekitManagement::portal_link`].
    pub async fn domains(&self, organization_id: &str) -> Result<Vec<OrganizationDomain>> {
        let path = organization_path(organization_id, "domains")?;
        let mut domains: Vec<OrganizationDomain> = Vec::new();
        for number in 0..MOST_PAGES {
            let path = format!("{path}?page_size={PAGE}&page_number={number}");
            let body = self.call(Method::GET, &path, None).await?;
            let page = list(&body, "domains", OrganizationDomain::read);
            let is_last = page.len() < PAGE;
            let known = domains.len();
            domains.extend(page);
            // One that does not know of pages gives the same again.
            let is_same = domains[known..]
                .first()
                .is_some_and(|first| domains[..known].contains(first));
            if is_same {
                domains.truncate(known);
            }
            if is_last || is_same {
                break;
            }
        }
        Ok(domains)
    }

    /// Adds a domain that leads people to the organization's connection.
    ///
    /// Whoever owns a domain gets its people's sign-ins: add one only after its owner has shown that it is theirs.
    /// It is sent once: where there is no answer, look at [`ScalekitManagement::domains`].
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): it is no domain. Else as
    /// [`ScalekitManagement::portal_link`].
    pub async fn add_domain(
        &self,
        organization_id: &str,
        domain: &str,
    ) -> Result<OrganizationDomain> {
        let domain = domain_of(domain)
            .filter(|_| !domain.contains('@'))
            .ok_or_else(|| Error::request("the domain is none"))?;
        let path = organization_path(organization_id, "domains")?;
        let body = json!({ "domain": domain, "domain_type": "ORGANIZATION_DOMAIN" });
        let answer = self.call(Method::POST, &path, Some(body)).await?;
        answer
            .get("domain")
            .and_then(OrganizationDomain::read)
            .ok_or_else(|| Error::provider("Scalekit's answer has no domain"))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Map<String, Value>> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.0.setup.environment))
            .header(ACCEPT, "application/json");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string()));
        let request = request.body(body.unwrap_or_default()).map_err(|error| {
            Error::configuration("the URL of Scalekit's API is unusable").with_source(error)
        })?;
        let answer = self.0.api.call(&request, false).await;
        let outcome = answer.and_then(|answer| answer::object(&answer));
        outcome.map_err(|error| self.named(error))
    }

    /// A pause that a 429 began has the vendor's name for it.
    fn named(&self, error: Error) -> Error {
        let http = &self.0.api.http;
        if error.is_temporary() && http.limit.left(http.clock.now()).is_some() {
            error.with_code("RATE_LIMITED")
        } else {
            error
        }
    }
}

impl fmt::Debug for ScalekitManagement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScalekitManagement")
            .field("environment", &self.0.setup.environment)
            .field("client_id", &self.0.setup.client_id)
            .field("portal_origins", &self.0.setup.portal_origins)
            .finish_non_exhaustive()
    }
}

impl Setup {
    fn new(environment_url: &str, client_id: String, client_secret: ClientSecret) -> Result<Self> {
        if client_id.is_empty() || client_secret.expose().is_empty() {
            return Err(Error::configuration(
                "Scalekit needs a client id and a client secret (SCALEKIT_CLIENT_ID, SCALEKIT_CLIENT_SECRET)",
            ));
        }
        let url = Issuer::parse(environment_url)
            .ok()
            .filter(|url| url.is_https() || url.is_loopback_http())
            .and_then(|url| Url::parse(url.as_str()).ok())
            .ok_or_else(|| {
                Error::configuration(
                    "the environment's URL must be https (SCALEKIT_ENVIRONMENT_URL)",
                )
            })?;
        Ok(Self {
            environment: environment_url.trim_end_matches('/').to_owned(),
            client_id,
            client_secret,
            portal_origins: vec![url.origin().ascii_serialization()],
        })
    }
}

/// An origin and nothing after it, as browsers write it.
pub(super) fn origin_of(text: &str) -> Result<String> {
    let url = Url::parse(text).ok();
    let origin = url.as_ref().and_then(portal_origin);
    origin
        .filter(|origin| text.trim_end_matches('/').eq_ignore_ascii_case(origin))
        .ok_or_else(|| Error::configuration("a portal's origin is `https://` and a host"))
}

fn organization_path(organization_id: &str, what: &str) -> Result<String> {
    let id = path_segment(organization_id, "organization id")?;
    Ok(format!("/api/v1/organizations/{id}/{what}"))
}

fn list<T>(body: &Map<String, Value>, name: &str, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    let entries = body.get(name).and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(read).collect()
}
