//! The quickstart, as a process with its variables, at `oidc-provider`: each route of the contract. Where time
//! would have to pass, at a simulator in this process, which says what lies back.

use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_sso::clock::{Clock, SystemClock};
use tower_sso::simulator::{Fault, LoginChoice, SimulatedUser, Simulator, SimulatorHandle};

use crate::support::{Account, Browser, Page, ProviderProcess, Quickstart};

const GOLD: &str = "urn:example:gold";

struct Running {
    app: Quickstart,
    idp: ProviderProcess,
    browser: Browser,
}

impl Running {
    fn start(hosts: (&str, &str), variables: &[(&str, &str)]) -> Option<Self> {
        let url = Quickstart::free_url(hosts.0);
        let client = ProviderProcess::client("app", &url);
        let idp = ProviderProcess::start(hosts.1, &json!([client]))?;
        let app = Quickstart::with_provider(&idp.issuer(), &url, variables)?;
        assert_eq!(app.url, url, "it says under which URL to open it");
        let browser = Browser::new();
        Some(Self { app, idp, browser })
    }

    async fn visit(&self, path: &str) -> Page {
        self.browser.visit(&self.app.at(path)).await
    }

    async fn sign_in(&self, path: &str, account: Account) -> Page {
        let page = ProviderProcess::sign_in(&self.visit(path).await, account).await;
        self.assert_at(&page, path);
        page
    }

    fn assert_at(&self, page: &Page, path: &str) {
        assert_eq!(page.url.as_str(), self.app.at(path), "{}", page.html());
        assert_eq!(page.status, 200, "{}", page.html());
    }
}

const LOOPBACK: (&str, &str) = ("127.0.0.1", "127.0.0.1");

#[tokio::test]
async fn a_stranger_sees_what_is_public_and_is_sent_to_sign_in_for_the_rest() {
    let Some(site) = Running::start(LOOPBACK, &[]) else {
        return;
    };
    let home = site.visit("/").await;
    assert!(home.text().contains("Nobody is signed in"));
    assert_eq!(
        site.visit("/optional").await.json(),
        json!({"signed_in": false, "sub": null})
    );
    let session = site.visit("/auth/session").await.json();
    assert_eq!(session["signed_in"], false);
    for path in [
        "/protected",
        "/mfa",
        "/recent",
        "/acr",
        "/api/me",
        "/auth/login",
    ] {
        let page = site.visit(path).await;
        assert!(page.url.as_str().starts_with(&site.idp.issuer()), "{path}");
        page.form("login");
    }
    assert_eq!(home.fetch("/api/me").await.status, 401);
    let stream = home
        .fetch("/events")
        .header("accept", "text/event-stream")
        .await;
    assert_eq!(stream.status, 401);
    for link in home.links() {
        let page = home.follow(&link.href).no_follow().await;
        assert!(page.status.as_u16() < 400, "{} {}", link.href, page.status);
    }
}

#[tokio::test]
async fn each_route_serves_who_is_signed_in_well_enough() {
    let Some(site) = Running::start(LOOPBACK, &[]) else {
        return;
    };
    let who = site.sign_in("/protected", Account::ALICE).await.json();
    assert_eq!(who["iss"], site.idp.issuer());
    assert_eq!(who["sub"], "alice");
    assert_eq!(who["email"], "alice@example.com");
    assert_eq!(who["amr"], json!(["pwd"]));
    assert!(who["auth_time"].is_u64(), "{who}");
    assert_eq!(who["groups"], json!(["staff", "admins"]));
    for absent in ["acr", "org", "connection"] {
        assert_eq!(who.get(absent), Some(&Value::Null), "{absent}");
    }

    let page = site.visit("/recent").await;
    site.assert_at(&page, "/recent");
    site.sign_in("/mfa", Account::ALICE.with_amr(&["pwd", "otp"]))
        .await;
    let page = site.sign_in("/acr", Account::ALICE.with_acr(GOLD)).await;
    assert_eq!(page.json()["acr"], GOLD);

    let home = site.visit("/").await;
    assert!(
        home.text().contains("Signed in as The user alice"),
        "{}",
        home.text()
    );
    assert_eq!(home.fetch("/api/me").await.json()["sub"], "alice");
    assert_eq!(
        site.visit("/optional").await.json(),
        json!({"signed_in": true, "sub": "alice"})
    );
    let token = site.visit("/token").await.json();
    assert_eq!(token["access_token_sha256"].as_str().unwrap().len(), 64);
    assert!(
        (200..=300).contains(&token["expires_in"].as_u64().unwrap()),
        "{token}"
    );
    let session = site.visit("/auth/session").await.json();
    assert_eq!(session["signed_in"], true);
    assert!(session["idle_seconds"].as_u64().unwrap() > 3500);
    assert!(session["absolute_seconds"].as_u64().unwrap() > 12 * 3600 - 100);
}

#[tokio::test]
async fn a_sign_out_ends_the_event_stream_and_asks_again() {
    let Some(site) = Running::start(LOOPBACK, &[]) else {
        return;
    };
    site.sign_in("/protected", Account::ALICE).await;
    let home = site.visit("/").await;
    let stream = home
        .fetch("/events")
        .header("accept", "text/event-stream")
        .open()
        .await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut stream = stream.into_body();
    let first = stream.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "data: 0\n\n");

    let asked = home.submit(&home.only_form()).await;
    let page = asked.submit(&asked.only_form().press("Sign out")).await;
    assert_eq!(page.url.path(), "/auth/logged-out", "{}", page.html());
    let rest = tokio::time::timeout(Duration::from_secs(5), stream.collect());
    assert!(rest.await.is_ok(), "the stream ends with the session");
    assert_eq!(site.visit("/auth/session").await.json()["signed_in"], false);
    site.visit("/protected").await.form("login");
}

#[tokio::test]
async fn a_login_that_is_asked_for_comes_back_to_the_given_path_only() {
    let Some(site) = Running::start(LOOPBACK, &[]) else {
        return;
    };
    let page = site
        .visit("/auth/login?return_to=/optional&login_hint=bob")
        .await;
    assert_eq!(page.form("login").value("user").as_deref(), Some("bob"));
    let page = ProviderProcess::sign_in(&page, Account::BOB).await;
    site.assert_at(&page, "/optional");
    let page = site
        .visit("/auth/login?return_to=//evil.example/&prompt=login")
        .await;
    let page = ProviderProcess::sign_in(&page, Account::BOB).await;
    site.assert_at(&page, "/");
}

#[tokio::test]
async fn the_variables_reach_the_provider_across_sites() {
    let Some(site) = Running::start(
        ("app.localhost", "idp.localhost"),
        &[
            ("SSO_RESPONSE_MODE", "form_post"),
            ("SSO_CLIENT_AUTH", "client_secret_basic"),
            ("SSO_USERINFO", "on"),
            ("SSO_MFA_ACR_VALUES", "urn:example:gold"),
            ("SSO_DEMO_ACR", "urn:example:silver urn:example:gold"),
            ("SSO_DEMO_PROTECTED_ACR", "urn:example:silver"),
            ("SSO_DEMO_PROTECTED_AMR", "otp"),
        ],
    ) else {
        return;
    };
    site.idp.give_claims_by_userinfo_only();
    let silver = Account::ALICE
        .with_acr("urn:example:silver")
        .with_amr(&["otp"]);
    let page = site.visit("/protected").await;
    let posting = ProviderProcess::sign_in(&page, silver).await;
    let page = posting.auto_submit().await;
    site.assert_at(&page, "/protected");
    assert_eq!(page.json()["acr"], "urn:example:silver");
    assert_eq!(page.json()["email"], "alice@example.com");
    let page = site.visit("/acr").await;
    site.assert_at(&page, "/acr");
    let page = site.visit("/mfa").await;
    let posting = ProviderProcess::sign_in(&page, silver.with_acr(GOLD)).await;
    let page = posting.auto_submit().await;
    site.assert_at(&page, "/mfa");
}

#[tokio::test]
async fn the_log_tells_who_did_what_and_no_secret() {
    let Some(site) = Running::start(LOOPBACK, &[]) else {
        return;
    };
    let page = site
        .sign_in("/protected?private=query", Account::ALICE)
        .await;
    let home = site.visit("/").await;
    let asked = home.submit(&home.only_form()).no_follow().await;
    let log = site.app.log_until("signed out").await;
    assert!(
        log.contains("alice") && log.contains(&site.idp.issuer()),
        "{log}"
    );

    let callback = page.hop(&site.app.at("/auth/callback")).unwrap();
    let logout = asked.location().unwrap();
    let in_urls = callback.url.query_pairs().chain(logout.query_pairs());
    let in_urls = in_urls
        .filter(|(name, _)| matches!(&**name, "code" | "state" | "id_token_hint"))
        .map(|(_, value)| value.into_owned());
    let in_cookies = page.hops.iter().flat_map(|hop| &hop.set_cookies);
    let in_cookies = in_cookies.filter_map(|(line, _)| {
        let value = line.split(';').next()?.split_once('=')?.1;
        Some(value.to_owned())
    });
    let known = ["private=query".to_owned(), ProviderProcess::secret("app")];
    for secret in in_urls.chain(in_cookies).chain(known) {
        assert!(
            secret.len() < 10 || !log.contains(&secret),
            "{secret} is in the log: {log}"
        );
    }
}

/// The quickstart at a simulator in this process, which signs alice in without a page.
async fn at_simulator(variables: &[(&str, &str)]) -> Option<(Quickstart, SimulatorHandle)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let simulator = Simulator::builder(&issuer)
        .any_client()
        .user(SimulatedUser::new("alice"))
        .build();
    let handle = simulator.handle().clone();
    handle.set_default_login(LoginChoice::new("alice"));
    tokio::spawn(simulator.serve(listener));
    let url = Quickstart::free_url("127.0.0.1");
    let app = Quickstart::with_provider(&issuer, &url, variables)?;
    Some((app, handle))
}

#[tokio::test]
async fn a_token_that_is_over_is_renewed_before_its_hash_is_told() {
    let scopes = ("SSO_SCOPES", "openid offline_access");
    let Some((app, idp)) = at_simulator(&[scopes]).await else {
        return;
    };
    let browser = Browser::new();
    idp.set_fault(Fault::ExpiresIn(Some(json!(0))));
    let page = browser.visit(&app.at("/auth/login?return_to=/")).await;
    assert!(page.text().contains("Signed in as"), "{}", page.html());
    idp.clear_faults();
    let before = idp.refresh_grants();
    let fresh = browser.visit(&app.at("/token")).no_follow().await;
    assert_eq!(fresh.status, 200, "{}", fresh.html());
    let fresh = fresh.json();
    assert!(fresh["expires_in"].as_u64().unwrap() >= 60, "{fresh}");
    assert_eq!(fresh["access_token_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        fresh.as_object().unwrap().len(),
        2,
        "never the token itself"
    );
    let again = browser.visit(&app.at("/token")).no_follow().await.json();
    assert_eq!(again["access_token_sha256"], fresh["access_token_sha256"]);
    assert_eq!((before, idp.refresh_grants()), (0, 1));
    assert_eq!(idp.code_grants(), 1);
}

/// The named fields of the contract are those of the session: a claim of the same name takes no field's place.
#[tokio::test]
async fn the_organization_of_the_set_up_is_told_and_no_claim_of_that_name() {
    let Some((app, idp)) = at_simulator(&[("SSO_ORGANIZATION_CLAIM", "org_id")]).await else {
        return;
    };
    for (name, value) in [
        ("org_id", "org_acme"),
        ("org", "org_forged"),
        ("connection", "conn_forged"),
    ] {
        idp.set_fault(Fault::IdTokenClaim(name.to_owned(), Some(json!(value))));
    }
    let browser = Browser::new();
    let login = "/auth/login?organization_id=org_acme&return_to=/protected";
    let asked = browser.visit(&app.at(login)).no_follow().await;
    let asked = asked.location().unwrap().to_string();
    assert!(asked.contains("organization_id=org_acme"), "{asked}");
    let page = browser.visit(&app.at(login)).await;
    assert_eq!(page.url.as_str(), app.at("/protected"), "{}", page.html());
    let who = page.json();
    assert_eq!(who["org"], "org_acme");
    assert_eq!(who["connection"], Value::Null);
    assert_eq!(who["org_id"], "org_acme", "and the claim as it came");
}

#[tokio::test]
async fn a_token_that_is_over_for_good_is_had_by_a_sign_in() {
    let Some((app, idp)) = at_simulator(&[]).await else {
        return;
    };
    let browser = Browser::new();
    idp.set_fault(Fault::ExpiresIn(Some(json!(0))));
    browser.visit(&app.at("/auth/login?return_to=/")).await;
    idp.clear_faults();
    let script = browser.visit(&app.at("/")).await.fetch("/token").await;
    assert_eq!(script.status, 401);
    let page = browser.visit(&app.at("/token")).await;
    assert_eq!(page.url.as_str(), app.at("/token"), "{}", page.html());
    assert!(page.json()["expires_in"].as_u64().unwrap() >= 60);
    assert_eq!((idp.code_grants(), idp.refresh_grants()), (2, 0));
}

#[tokio::test]
async fn who_signed_in_more_than_a_minute_ago_is_asked_again() {
    let Some((app, idp)) = at_simulator(&[]).await else {
        return;
    };
    let browser = Browser::new();
    let minutes_ago = SystemClock.now().0 - 120;
    let auth_time = ("auth_time".to_owned(), Some(json!(minutes_ago)));
    idp.set_fault(Fault::IdTokenClaim(auth_time.0, auth_time.1));
    let old = browser.visit(&app.at("/protected")).await.json();
    assert_eq!(old["auth_time"], minutes_ago);
    idp.clear_faults();
    let asked = browser.visit(&app.at("/recent")).no_follow().await;
    let asked = asked.location().unwrap().to_string();
    assert!(asked.contains("max_age=60"), "{asked}");
    let page = browser.visit(&app.at("/recent")).await;
    assert_eq!(page.url.as_str(), app.at("/recent"), "{}", page.html());
    let new = page.json();
    assert_eq!((&new["sub"], idp.code_grants()), (&old["sub"], 2));
    assert!(
        new["auth_time"].as_u64().unwrap() > minutes_ago + 60,
        "{new}"
    );
    let page = browser.visit(&app.at("/recent")).no_follow().await;
    assert_eq!((page.status.as_u16(), idp.code_grants()), (200, 2));
}
