//! Several customers in one app: none opens another's door, and none is in another's way.

mod answers;
mod belonging;
mod changes;
mod floods;
mod hosts;
mod links;
mod nobodys;
mod paths;
mod sessions;
mod shared_provider;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Request, Response, header};
use tower::ServiceExt as _;
use tower_sso::tenant::{Tenant, TenantBy, TenantFrom, from_fn};
use tower_sso::{Sso, SsoBuilder};

use crate::support::TenantApp;

/// The app's database of tenants, which a test changes. `sister` signs in at the issuer of `acme`, and all call their
/// organization by the same name.
#[derive(Clone)]
struct Directory {
    way: Way,
    tenants: Arc<Mutex<HashMap<String, Arc<Tenant>>>>,
}

impl Directory {
    fn new(way: Way) -> Self {
        let directory = Self {
            way,
            tenants: Arc::default(),
        };
        for tenant in [
            TenantApp::tenant("acme"),
            TenantApp::tenant("globex"),
            TenantApp::sister(),
        ] {
            directory.put(tenant.organization("org"));
        }
        directory
    }

    fn put(&self, tenant: Tenant) {
        let id = tenant.id().to_owned();
        let tenant = match self.way {
            Way::Host => tenant.host(format!("{id}.example.net")),
            _ => tenant,
        };
        self.tenants.lock().unwrap().insert(id, Arc::new(tenant));
    }

    fn remove(&self, id: &str) {
        self.tenants.lock().unwrap().remove(id);
    }

    fn app(&self, configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> TenantApp {
        let from = self.way.from();
        let directory = self.clone();
        let tenants = from_fn(move |by| {
            let tenants = directory.tenants.lock().unwrap();
            let found = match by {
                TenantBy::Id(id) => tenants.get(id).cloned(),
                TenantBy::Host(host) => tenants
                    .iter()
                    .find(|(id, _)| format!("{id}.example.net") == host)
                    .map(|(_, tenant)| Arc::clone(tenant)),
                _ => None,
            };
            Box::pin(std::future::ready(Ok(found)))
        });
        TenantApp::from(Sso::for_tenants(tenants), |builder| {
            configure(builder.tenant_from(from))
        })
    }
}

/// How requests name their tenant.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Path,
    Subdomain,
    Host,
    Header,
}

impl Way {
    const ALL: [Self; 4] = [Self::Path, Self::Subdomain, Self::Host, Self::Header];

    fn from(self) -> TenantFrom {
        match self {
            Self::Path => TenantFrom::path("/t/"),
            Self::Subdomain => TenantFrom::subdomain_of("app.example.com"),
            Self::Host => TenantFrom::host(),
            Self::Header => TenantFrom::request(|request| {
                let tenant = request.headers().get("x-tenant")?;
                tenant.to_str().ok().map(str::to_owned)
            }),
        }
    }

    fn app(self) -> TenantApp {
        Directory::new(self).app(|builder| builder)
    }

    fn origin(self, tenant: &str) -> String {
        match self {
            Self::Path | Self::Header => TenantApp::URL.to_owned(),
            Self::Subdomain => format!("https://{tenant}.app.example.com"),
            Self::Host => format!("https://{tenant}.example.net"),
        }
    }

    /// Somebody signs in; their session's cookie.
    async fn sign_in(self, app: &TenantApp, tenant: &str) -> String {
        let url = format!("{}/t/{tenant}/protected", self.origin(tenant));
        let url = match self {
            Self::Header => format!("{url}?x"),
            _ => url,
        };
        let page = app.visit(&url).header("x-tenant", tenant).await;
        assert_eq!(page.status, 200, "{self:?} {} {}", page.url, page.html());
        assert_eq!(page.json()["tenant"], tenant);
        let cookies = app.browser.cookies();
        let origin = url::Url::parse(&url).unwrap();
        let own = |domain: &str| origin.host_str() == Some(domain);
        let session = cookies
            .into_iter()
            .find(|cookie| cookie.name == "__Host-sso" && own(&cookie.domain));
        format!("__Host-sso={}", session.unwrap().value)
    }

    /// What a navigation by the address bar asks for, with a cookie that is put in by hand.
    fn request(self, tenant: &str, path: &str, cookie: &str) -> http::request::Builder {
        Request::get(format!("{}{path}", self.origin(tenant)))
            .header("x-tenant", tenant)
            .header(header::COOKIE, cookie)
            .header(header::ACCEPT, "text/html")
            .header("sec-fetch-site", "none")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
    }

    async fn get(self, app: &TenantApp, tenant: &str, path: &str, cookie: &str) -> Response<Body> {
        let request = self.request(tenant, path, cookie).body(Body::empty());
        ask(app, request.unwrap()).await
    }
}

async fn ask(app: &TenantApp, request: Request<Body>) -> Response<Body> {
    app.service().oneshot(request).await.unwrap()
}

fn location(response: &Response<Body>) -> &str {
    let location = response.headers().get(header::LOCATION);
    location.map_or("", |location| location.to_str().unwrap())
}

/// The issuer and the client that a tenant's people are sent to.
fn door(tenant: &str) -> (&'static str, &'static str) {
    match tenant {
        "acme" => (TenantApp::ACME, "client_id=app&"),
        "globex" => (TenantApp::GLOBEX, "client_id=app&"),
        _ => (TenantApp::ACME, "client_id=sister&"),
    }
}

fn has_session(app: &TenantApp) -> bool {
    let cookies = app.browser.cookies();
    cookies.iter().any(|cookie| cookie.name == "__Host-sso")
}
