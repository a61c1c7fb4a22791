//! npm `oidc-provider` signs people in to an app.

use std::collections::HashSet;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_sso::oidc::{ClientAuthChoice, ResponseMode};
use tower_sso::{CookieKey, Policy, RequireLayer, Session, Sso, SsoBuilder};

use crate::support::{Account, Browser, Fetch, Page, ProviderProcess, Redirects, SameSite};

const APP: &str = "https://app.example.com";
const SECOND: &str = "https://second.example.org";
const GOLD: &str = "urn:example:gold";

/// An app in this process at `url`, which reaches the provider over the network.
struct App {
    browser: Browser,
    url: &'static str,
    sso: Sso,
}

impl App {
    fn new(browser: &Browser, idp: &ProviderProcess) -> Self {
        Self::with(browser, idp, APP, |builder| builder)
    }

    fn with(
        browser: &Browser,
        idp: &ProviderProcess,
        url: &'static str,
        configure: impl FnOnce(SsoBuilder) -> SsoBuilder,
    ) -> Self {
        let builder = Sso::builder(idp.issuer())
            .client("app", ProviderProcess::secret("app"))
            .base_url(url)
            .cookie_key(CookieKey::generate());
        let sso = configure(builder).build().unwrap();
        let guarded = |policy| get(identity).layer(RequireLayer::new(policy));
        let routes = Router::new()
            .route("/", get(|| async { "public" }))
            .route("/protected", guarded(Policy::login()))
            .route("/mfa", guarded(Policy::mfa()))
            .route("/acr", guarded(Policy::login().acr([GOLD])));
        browser.serve(url, sso.into_axum(routes));
        Self {
            browser: browser.clone(),
            url,
            sso,
        }
    }

    fn visit(&self, path: &str) -> Fetch {
        self.browser.visit(&format!("{}{path}", self.url))
    }

    /// Goes to `path`, fills in the login page that it leads to and follows to the end.
    async fn sign_in(&self, path: &str, account: Account) -> Page {
        ProviderProcess::sign_in(&self.visit(path).await, account).await
    }

    fn session_cookie(&self) -> Option<String> {
        self.browser.cookie("__Host-sso").map(|cookie| cookie.value)
    }
}

async fn identity(session: Session) -> Json<Value> {
    Json(json!({
        "iss": session.issuer(),
        "sub": session.subject(),
        "email": session.claim("email"),
        "email": session.claim("email"),
        "amr": session.amr().collect::<Vec<_>>(),
        "acr": session.acr(),
        "claims": session.claims(),
    }))
}

/// A provider that knows one client, `app` at [`APP`], as `change` makes it.
fn provider(host: &str, change: impl FnOnce(&mut Value)) -> Option<ProviderProcess> {
    let mut client = ProviderProcess::client("app", APP);
    change(&mut client);
    ProviderProcess::start(host, &json!([client]))
}

fn assert_at(page: &Page, url: &str) {
    assert_eq!(page.url.as_str(), url, "{}", page.html());
    assert_eq!(page.status, 200, "{}", page.html());
}

#[tokio::test]
async fn a_person_signs_in_and_is_who_the_provider_says() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let app = App::new(&Browser::new(), &idp);
    app.sso.ready().await.unwrap();
    let page = app.sign_in("/protected?tab=2", Account::ALICE).await;
    assert_at(&page, "https://app.example.com/protected?tab=2");
    let who = page.json();
    assert_eq!(who["iss"], idp.issuer());
    assert_eq!(who["sub"], "alice");
    assert_eq!(who["email"], "alice@example.com");
    assert_eq!(who["amr"], json!(["pwd"]));
    assert_eq!(who["claims"]["groups"], json!(["staff", "admins"]));
}

#[tokio::test]
async fn a_second_app_needs_no_page() {
    let clients = json!([
        ProviderProcess::client("app", APP),
        ProviderProcess::client("second", SECOND)
    ]);
    let Some(idp) = ProviderProcess::start("127.0.0.1", &clients) else {
        return;
    };
    let browser = Browser::new();
    let first = App::new(&browser, &idp);
    let second = App::with(&browser, &idp, SECOND, |builder| {
        builder.client("second", ProviderProcess::secret("second"))
    });
    first.sign_in("/protected", Account::BOB).await;
    let page = second.visit("/protected").await;
    assert_at(&page, "https://second.example.org/protected");
    assert_eq!(page.json()["sub"], "bob");
}

#[tokio::test]
async fn each_way_to_authenticate_the_client_works() {
    for (method, choice) in [
        ("client_secret_basic", ClientAuthChoice::Auto),
        ("client_secret_basic", ClientAuthChoice::Basic),
        ("client_secret_post", ClientAuthChoice::Post),
    ] {
        let odd = "a secret: of + odd/characters=100%&~";
        let Some(idp) = provider("127.0.0.1", |client| {
            client["token_endpoint_auth_method"] = method.into();
            client["client_secret"] = odd.into();
        }) else {
            return;
        };
        let app = App::with(&Browser::new(), &idp, APP, |builder| {
            builder.client("app", odd).client_auth(choice)
        });
        let page = app.sign_in("/protected", Account::ALICE).await;
        assert_at(&page, "https://app.example.com/protected");
    }
}

#[tokio::test]
async fn a_client_without_a_secret_signs_in_by_pkce_alone() {
    let Some(idp) = provider("127.0.0.1", |client| {
        client["token_endpoint_auth_method"] = "none".into();
        client.as_object_mut().unwrap().remove("client_secret");
    }) else {
        return;
    };
    let app = App::with(&Browser::new(), &idp, APP, |builder| {
        builder.public_client("app")
    });
    let page = app.sign_in("/protected", Account::ALICE).await;
    assert_at(&page, "https://app.example.com/protected");
}

#[tokio::test]
async fn each_kind_of_signature_is_verified() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let Some(idp) = provider("127.0.0.1", |client| {
            client["id_token_signed_response_alg"] = algorithm.into();
        }) else {
            return;
        };
        let app = App::new(&Browser::new(), &idp);
        let page = app.sign_in("/protected", Account::ALICE).await;
        assert_at(&page, "https://app.example.com/protected");
    }
}

#[tokio::test]
async fn claims_that_only_userinfo_has_arrive_when_it_is_on() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    idp.give_claims_by_userinfo_only();
    let without = App::new(&Browser::new(), &idp);
    let page = without.sign_in("/protected", Account::ALICE).await;
    assert_eq!(page.json()["email"], Value::Null);
    let with = App::with(&Browser::new(), &idp, APP, |builder| builder.userinfo(true));
    let page = with.sign_in("/protected", Account::ALICE).await;
    assert_eq!(page.json()["email"], "alice@example.com");
    assert_eq!(page.json()["claims"]["groups"], json!(["staff", "admins"]));
}

#[tokio::test]
async fn a_sign_in_right_after_a_rotation_works() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let browser = Browser::new();
    let app = App::new(&browser, &idp);
    let published = async || {
        let keys = browser.visit(&format!("{}/jwks", idp.issuer())).await;
        let keys = keys.json()["keys"].as_array().unwrap().clone();
        keys.iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect::<HashSet<_>>()
    };
    // The old keys stay for a while, or are gone at once, as after a theft.
    let rotations: [(&dyn Fn(), bool); 3] = [
        (&|| idp.rotate_keys(), true),
        (&|| idp.replace_keys(), false),
        (&|| idp.replace_keys(), false),
    ];
    let page = app.sign_in("/protected", Account::ALICE).await;
    assert_at(&page, "https://app.example.com/protected");
    for (rotate, kept) in rotations {
        let before = published().await;
        rotate();
        let after = published().await;
        assert!(!after.is_subset(&before), "there are new keys");
        assert_eq!(!after.is_disjoint(&before), kept);
        // Who was signed in stays so, and the very first sign-in by a new key works.
        assert_eq!(app.visit("/protected").no_follow().await.status, 200);
        browser.clear_cookies();
        let page = app.sign_in("/protected", Account::ALICE).await;
        assert_at(&page, "https://app.example.com/protected");
    }
}

#[tokio::test]
async fn a_page_that_wants_a_class_gets_it_by_a_step_up() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let app = App::new(&Browser::new(), &idp);
    app.sign_in("/protected", Account::ALICE).await;
    let before = app.session_cookie();
    let page = app.visit("/acr").await;
    assert_eq!(page.form("login").value("acr").as_deref(), Some(GOLD));
    let page = ProviderProcess::sign_in(&page, Account::ALICE.with_acr(GOLD)).await;
    assert_at(&page, "https://app.example.com/acr");
    assert_eq!(page.json()["acr"], GOLD);
    assert_ne!(app.session_cookie(), before, "the session id is new");
}

#[tokio::test]
async fn a_step_up_that_comes_back_too_weak_ends_in_a_page() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let app = App::new(&Browser::new(), &idp);
    app.sign_in("/protected", Account::ALICE).await;
    for path in ["/acr", "/mfa"] {
        let page = app.sign_in(path, Account::ALICE).await;
        assert_eq!((page.status.as_u16(), page.url.path()), (403, path));
        assert!(page.text().contains("stronger sign-in"), "{}", page.text());
        let again = app.visit(path).no_follow().await;
        assert_eq!(again.status, 403, "nobody goes round in circles");
    }
    assert_eq!(app.visit("/protected").await.json()["sub"], "alice");
}

#[tokio::test]
async fn multi_factor_is_reached_by_methods_or_by_a_class() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let by_methods = App::new(&Browser::new(), &idp);
    by_methods.sign_in("/protected", Account::ALICE).await;
    let page = by_methods
        .sign_in("/mfa", Account::ALICE.with_amr(&["pwd", "otp"]))
        .await;
    assert_at(&page, "https://app.example.com/mfa");

    let by_class = App::with(&Browser::new(), &idp, APP, |builder| {
        builder.mfa_acr_values([GOLD])
    });
    by_class.sign_in("/protected", Account::ALICE).await;
    let page = by_class.visit("/mfa").await;
    assert_eq!(page.form("login").value("acr").as_deref(), Some(GOLD));
    let page = ProviderProcess::sign_in(&page, Account::ALICE.with_acr(GOLD)).await;
    assert_at(&page, "https://app.example.com/mfa");
    assert_eq!(page.json()["amr"], json!(["pwd"]));
}

#[tokio::test]
async fn who_presses_cancel_gets_a_page_and_can_try_again() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let app = App::new(&Browser::new(), &idp);
    let page = app.visit("/protected").await;
    let page = page.submit(&page.form("login").press("Cancel")).await;
    assert_eq!(page.status, 403);
    assert!(
        page.text().contains("the user pressed cancel"),
        "{}",
        page.text()
    );
    assert_eq!(app.session_cookie(), None);
    let page = ProviderProcess::sign_in(&page.click("Try again").await, Account::ALICE).await;
    assert_at(&page, "https://app.example.com/protected");
}

#[tokio::test]
async fn an_answer_must_name_its_issuer() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let issuer = idp.issuer();
    for iss in [None, Some("https://evil.example"), Some(issuer.as_str())] {
        let app = App::new(&Browser::new(), &idp);
        let page = app.visit("/protected").await;
        let page = ProviderProcess::sign_in(&page, Account::ALICE)
            .stop_before(&format!("{APP}/auth/callback"))
            .await;
        let mut callback = page.location().unwrap();
        let given: Vec<_> = callback.query_pairs().into_owned().collect();
        let others = given.iter().filter(|(name, _)| name != "iss").cloned();
        let named = iss.map(|iss| ("iss".to_owned(), iss.to_owned()));
        callback
            .query_pairs_mut()
            .clear()
            .extend_pairs(others.chain(named));
        let page = page.follow(callback.as_str()).await;
        let signed_in = iss == Some(issuer.as_str());
        assert_eq!(page.status, if signed_in { 200 } else { 400 }, "{iss:?}");
        assert_eq!(app.session_cookie().is_some(), signed_in, "{iss:?}");
    }
}

#[tokio::test]
async fn a_sign_out_ends_both_sessions_and_comes_back() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let app = App::new(&Browser::new(), &idp);
    app.sign_in("/protected", Account::ALICE).await;
    let page = app.visit("/auth/logout").await;
    let asked = page.submit(&page.only_form()).await;
    assert!(
        asked.url.as_str().starts_with(&idp.issuer()),
        "{}",
        asked.url
    );
    assert_eq!(app.session_cookie(), None, "signed out here first");
    let page = asked.submit(&asked.only_form().press("Sign out")).await;
    assert_eq!(page.url.path(), "/auth/logged-out", "{}", page.html());
    assert_eq!(page.status, 200);
    let state = page.url.query_pairs().find(|(name, _)| name == "state");
    assert!(state.is_some(), "{}", page.url);
    let page = app.visit("/protected").await;
    assert!(page.url.as_str().starts_with(&idp.issuer()));
    page.form("login");
}

#[tokio::test]
async fn a_sign_out_goes_on_to_the_page_that_asked_for_it() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    let app = App::new(&Browser::new(), &idp);
    app.sign_in("/protected", Account::ALICE).await;
    let page = app.visit("/auth/logout").await;
    let asked = page
        .follow("/auth/logout")
        .post_form(&[("return_to", "/?bye")])
        .await;
    let page = asked.submit(&asked.only_form().press("Sign out")).await;
    assert_at(&page, "https://app.example.com/?bye");
}

#[tokio::test]
async fn form_post_signs_in_across_sites_in_each_kind_of_browser() {
    let Some(idp) = provider("127.0.0.1", |_| {}) else {
        return;
    };
    for redirects in [Redirects::Considered, Redirects::Ignored] {
        let browser = Browser::new().with_redirects(redirects);
        let app = App::with(&browser, &idp, APP, |builder| {
            builder.response_mode(ResponseMode::FormPost)
        });
        let posting = app.sign_in("/protected", Account::ALICE).await;
        assert_eq!(posting.only_form().action, format!("{APP}/auth/callback"));
        // The answer is a POST of another site: only a `None` cookie comes along (draft 6265bis 5.7.3).
        assert!(posting.url.as_str().starts_with(&idp.issuer()));
        let cookies = browser.cookies();
        let mut attempts = cookies.iter().filter(|one| one.name.contains("-login-"));
        assert!(attempts.all(|one| one.same_site == SameSite::None && one.secure));
        assert_at(
            &posting.auto_submit().await,
            "https://app.example.com/protected",
        );
        let posting = app.sign_in("/acr", Account::ALICE.with_acr(GOLD)).await;
        assert_at(&posting.auto_submit().await, "https://app.example.com/acr");
    }
}

/// Ports do not make a site; names under `localhost` do.
#[tokio::test]
async fn names_under_localhost_are_sites_of_their_own() {
    const URL: &str = "http://app.localhost:3000";
    let Some(idp) = ProviderProcess::start(
        "idp.localhost",
        &json!([ProviderProcess::client("app", URL)]),
    ) else {
        return;
    };
    let app = App::with(&Browser::new(), &idp, URL, |builder| builder);
    let page = app.sign_in("/protected", Account::ALICE).await;
    assert_at(&page, "http://app.localhost:3000/protected");
    let session = app.browser.cookie("sso-3000").unwrap();
    assert_eq!(session.same_site, SameSite::Lax);

    let app = App::with(&Browser::new(), &idp, URL, |builder| {
        builder.response_mode(ResponseMode::FormPost)
    });
    let posting = app.sign_in("/protected", Account::BOB).await;
    let page = posting.auto_submit().await;
    assert_at(&page, "http://app.localhost:3000/protected");
    assert_eq!(page.json()["sub"], "bob");
}
