//! Two customers of one app at hosts of their own: npm `oidc-provider` signs in the people of one, a Scalekit
//! environment those of the other.

use axum::routing::get;
use axum::{Json, Router};
use fantoccini::cookies::Cookie;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_sso::oidc::Issuer;
use tower_sso::provider::OidcConfig;
use tower_sso::simulator::{
    ScalekitConnection, ScalekitOrganization, ScalekitSimulator, ScalekitUser,
};
use tower_sso::tenant::{Tenant, TenantFrom, TenantList};
use tower_sso::vendor::scalekit::{Scalekit, ScalekitConfig};
use tower_sso::{CookieKey, Policy, RequireLayer, Sso, User};

use crate::support::{Account, Browser, Chromium, ProviderProcess};

/// The app, the provider of `acme` and the environment of `globex`, each on a port of its own.
struct World {
    port: u16,
    acme: ProviderProcess,
    globex: ScalekitSimulator,
}

impl World {
    async fn start() -> Option<Self> {
        let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = app.local_addr().unwrap().port();
        let host = |tenant: &str| format!("http://{tenant}.localhost:{port}");
        let callback = |tenant: &str| format!("{}/auth/callback/{tenant}", host(tenant));

        let mut client = ProviderProcess::client("app", &host("acme"));
        client["redirect_uris"] = json!([callback("acme")]);
        let acme = ProviderProcess::start("127.0.0.1", &json!([client]))?;

        let environment = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", environment.local_addr().unwrap());
        let globex = ScalekitSimulator::builder(&url)
            .client("skc_app", "secret")
            .redirect_uri(&callback("globex"))
            .post_logout_redirect_uri(&format!("{}/auth/logged-out", host("globex")))
            .organization(ScalekitOrganization::new("org_globex"))
            .connection(ScalekitConnection::new("conn_globex", "org_globex"))
            // The name that the other provider has, too.
            .user(ScalekitUser::new("conn_globex", "alice").email("alice@example.com"))
            .build();
        let router = globex.router();
        tokio::spawn(async move { axum::serve(environment, router).await });

        let mut at_acme = OidcConfig::new(Issuer::parse(&acme.issuer()).unwrap(), "app");
        at_acme.client_secret = Some(ProviderProcess::secret("app").into());
        let at_globex = ScalekitConfig::new(url, "skc_app", "secret");
        let tenants = TenantList::new([
            Tenant::new("acme").openid(at_acme).host("acme.localhost"),
            Tenant::new("globex")
                .provider(Scalekit::new(at_globex).unwrap())
                .organization("org_globex")
                .host("globex.localhost"),
        ]);
        let sso = Sso::for_tenants(tenants.unwrap())
            .tenant_from(TenantFrom::host())
            .base_url(host("app"))
            .cookie_key(CookieKey::generate())
            .dangerous()
            .allow_private_tenant_addresses()
            .build()
            .unwrap();
        let routes = Router::new().route("/", get(|| async { "public" })).route(
            "/protected",
            get(identity).layer(RequireLayer::new(Policy::login())),
        );
        let service = sso.into_axum(routes);
        tokio::spawn(async move { axum::serve(app, service).await });
        Some(Self { port, acme, globex })
    }

    fn at(&self, tenant: &str, path: &str) -> String {
        format!("http://{tenant}.localhost:{}{path}", self.port)
    }
}

async fn identity(user: User) -> Json<Value> {
    Json(json!({
        "iss": user.issuer(),
        "sub": user.subject(),
        "tenant": user.tenant(),
        "organization": user.organization(),
    }))
}

#[tokio::test]
async fn each_tenants_people_sign_in_at_their_own_provider() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = Browser::new();
    let page = browser.visit(&world.at("acme", "/protected")).await;
    let page = ProviderProcess::sign_in(&page, Account::ALICE).await;
    assert_eq!(page.url.as_str(), world.at("acme", "/protected"));
    let who = page.json();
    assert_eq!(who["iss"], world.acme.issuer());
    assert_eq!(
        (&who["sub"], &who["tenant"]),
        (&json!("alice"), &json!("acme"))
    );

    let page = browser.visit(&world.at("globex", "/protected")).await;
    assert!(
        page.url.as_str().starts_with(world.globex.url()),
        "{}",
        page.url
    );
    let form = page.form("sign-in").press("Sign in");
    let page = page.submit(&form).await;
    assert_eq!(page.url.as_str(), world.at("globex", "/protected"));
    let who = page.json();
    assert_eq!(who["iss"], world.globex.url());
    assert_eq!(who["tenant"], "globex");
    assert_eq!(who["organization"], "org_globex");

    let page = browser.visit(&world.at("nobody", "/protected")).await;
    assert_eq!(page.status, 421);
}

async fn is_signed_in(browser: &Chromium, world: &World, tenant: &str) -> bool {
    browser.goto(&world.at(tenant, "/auth/session")).await;
    let answer: Value = serde_json::from_str(&browser.text("pre").await).unwrap();
    answer["signed_in"] == true
}

/// The session's cookie of the host whose page is shown.
async fn session(browser: &Chromium, world: &World) -> Cookie<'static> {
    let name = format!("sso-{}", world.port);
    let mut cookies = browser.cookies().await.into_iter();
    cookies.find(|cookie| cookie.name() == name).unwrap()
}

#[tokio::test]
async fn one_browser_is_signed_in_at_both_hosts_and_signs_out_at_one() {
    let Some(world) = World::start().await else {
        return;
    };
    let Some(browser) = Chromium::start().await else {
        return;
    };
    browser.goto(&world.at("acme", "/protected")).await;
    browser.wait_for_url(&world.acme.issuer()).await;
    browser.fill("input[name=user]", "alice").await;
    browser.click("button[value=continue]").await;
    browser.wait_for_url(&world.at("acme", "/protected")).await;
    let of_acme = session(&browser, &world).await;

    browser.goto(&world.at("globex", "/protected")).await;
    browser.wait_for_url(world.globex.url()).await;
    browser.click("#user-alice").await;
    browser.click("#submit").await;
    browser
        .wait_for_url(&world.at("globex", "/protected"))
        .await;
    let of_globex = session(&browser, &world).await;
    for tenant in ["acme", "globex"] {
        assert!(is_signed_in(&browser, &world, tenant).await, "{tenant}");
    }

    // Somebody puts the cookie of one host into the other.
    let put = async |of: &Cookie<'static>| {
        let client = browser.client();
        client.delete_cookie(of.name()).await.unwrap();
        let line = format!("{}={}; path=/", of.name(), of.value());
        let script = "document.cookie = arguments[0]";
        client.execute(script, vec![line.into()]).await.unwrap();
    };
    put(&of_acme).await;
    assert_eq!(session(&browser, &world).await.value(), of_acme.value());
    assert!(!is_signed_in(&browser, &world, "globex").await);
    browser.goto(&world.at("globex", "/protected")).await;
    browser.wait_for_url(world.globex.url()).await;
    browser.goto(&world.at("globex", "/")).await;
    put(&of_globex).await;
    assert!(is_signed_in(&browser, &world, "globex").await);

    browser.goto(&world.at("acme", "/auth/logout")).await;
    browser.click("form button").await;
    browser.wait_for_url(&world.acme.issuer()).await;
    browser.click("button[name=logout]").await;
    browser
        .wait_for_url(&world.at("acme", "/auth/logged-out"))
        .await;
    assert!(!is_signed_in(&browser, &world, "acme").await);
    assert!(is_signed_in(&browser, &world, "globex").await);
    assert_eq!(world.globex.handle().logouts(), 0);
}
