//! Rows 31 to 33: an app whose people sign in by another system, with Scalekit beside it for customers who have single
//! sign-on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::header;
use serde_json::{Value, json};
use tower_sso::clock::TestClock;
use tower_sso::provider::InProcessClient;
use tower_sso::simulator::{ScalekitEndpoint, ScalekitSimulator};
use tower_sso::vendor::scalekit::{Scalekit, ScalekitConfig};
use tower_sso::{BoxError, CookieKey, Decision, Enrichment, Identity, Policy, RequireLayer};
use tower_sso::{Sso, User};

use super::other_system::{Kind, LIFE, OtherSystem, Person, authenticate};
use crate::support::{Browser, Page};

const APP: &str = "https://app.example.com";
const ENVIRONMENT: &str = "https://acme.scalekit.example";
const ALICE: &str = "conn_example_okta;alice";
/// The same person, says the address, at the other system. It proves nothing.
const OTHER_ALICE: &str = "other|alice";

/// The app's users, by issuer and subject of whoever vouches for them.
#[derive(Clone, Default)]
struct Users(Arc<Mutex<BTreeMap<(String, String), usize>>>);

impl Users {
    fn of(&self, iss: &str, sub: &str) -> usize {
        let mut users = self.0.lock().unwrap();
        let next = users.len();
        *users
            .entry((iss.to_owned(), sub.to_owned()))
            .or_insert(next)
    }

    fn link(&self, iss: &str, sub: &str, user: usize) {
        let who = (iss.to_owned(), sub.to_owned());
        self.0.lock().unwrap().insert(who, user);
    }
}

struct Beside {
    browser: Browser,
    clock: TestClock,
    simulator: ScalekitSimulator,
    system: OtherSystem,
}

impl Beside {
    fn new(kind: Kind) -> Self {
        let clock = TestClock::at(1_800_000_000);
        let simulator = ScalekitSimulator::demo_builder(ENVIRONMENT, APP)
            .clock(Arc::new(clock.clone()))
            .build();
        let http = Arc::new(InProcessClient::new(simulator.router()));
        let config = ScalekitConfig::new(ENVIRONMENT, "skc_demo", "demo-secret");
        let scalekit = Scalekit::with_http_client(config, http).unwrap();
        let users = Users::default();
        let known = users.clone();
        let sso = Sso::with_provider(scalekit.with_clock(Arc::new(clock.clone())))
            .base_url(APP)
            .cookie_key(CookieKey::generate())
            .clock(Arc::new(clock.clone()))
            .on_identity(move |identity| user_of(known.clone(), identity))
            .build()
            .unwrap();
        let system = OtherSystem::new(kind, &clock);
        let either = RequireLayer::new(Policy::login())
            .pass_through(|request| request.extensions.get::<Person>().is_some());
        let router = Router::new()
            .route("/", get(|| async { "public" }))
            .route("/protected", get(who).layer(either))
            .route(
                "/link",
                post(link).layer(RequireLayer::new(Policy::login())),
            )
            .route("/sign-out", post(sign_out))
            .route("/other/sign-out", get(sign_out_there))
            .layer(from_fn_with_state(system.clone(), authenticate))
            .with_state((users, system.clone()));
        let browser = Browser::with_clock(&clock);
        browser.serve(APP, sso.into_axum(router));
        browser.serve(ENVIRONMENT, simulator.router());
        if let Some(logout) = kind.logout() {
            let origin: url::Url = logout.parse().unwrap();
            let page = Router::new().fallback(|| async { "signed out there" });
            browser.serve(&origin.origin().ascii_serialization(), page);
        }
        Self {
            browser,
            clock,
            simulator,
            system,
        }
    }

    /// A script's GET of the protected page, with a token of the other system.
    async fn with_token(&self, token: &str) -> Page {
        self.send("/protected", "GET", token).await
    }

    async fn send(&self, path: &str, method: &str, token: &str) -> Page {
        let page = self.browser.visit(&format!("{APP}/")).await;
        let fetch = page.fetch(path).method(method.parse().unwrap());
        match self.system.kind.cookie() {
            None => {
                fetch
                    .header("authorization", &format!("Bearer {token}"))
                    .await
            }
            Some(name) => {
                let line = format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Lax");
                self.browser.set_cookie(APP, &line).unwrap();
                let answer = fetch.await;
                let removal = format!("{name}=; Path=/; Secure; Max-Age=0");
                self.browser.set_cookie(APP, &removal).unwrap();
                answer
            }
        }
    }

    /// Goes through the sign-in of a customer's person.
    async fn sign_in(&self, organization: &str, subject: &str) -> Value {
        self.simulator.handle().set_default_login(subject);
        let url = format!("{APP}/auth/login?organization_id={organization}&return_to=%2Fprotected");
        let page = self.browser.visit(&url).await;
        self.simulator.handle().set_default_login(None);
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/protected"));
        page.json()
    }

    /// How often somebody was sent to Scalekit.
    fn sent(&self) -> u64 {
        self.simulator
            .handle()
            .requests(ScalekitEndpoint::Authorize)
    }
}

/// The hook: the app's user of an identity, by issuer and subject.
async fn user_of(users: Users, identity: Identity) -> Result<Decision, BoxError> {
    let claims = &identity.claims;
    let user = users.of(claims.issuer.as_str(), &claims.subject);
    let enrichment = Enrichment::new().with_attribute("user", user);
    Ok(Decision::Enrich(enrichment))
}

type Shared = State<(Users, OtherSystem)>;

async fn who(
    State((users, _)): Shared,
    person: Option<Extension<Person>>,
    user: Option<User>,
) -> Json<Value> {
    match (person, user) {
        (Some(Extension(person)), _) => {
            let user = users.of(&person.iss, &person.sub);
            Json(json!({ "by": "other", "user": user }))
        }
        (None, Some(user)) => {
            let attributes = user.session().attributes();
            Json(json!({ "by": "scalekit", "user": attributes["user"], "sub": user.subject() }))
        }
        (None, None) => Json(json!({ "by": "nobody" })),
    }
}

/// The app's own check before two accounts become one: whoever asks has proven both, in this very request.
async fn link(State((users, _)): Shared, Extension(person): Extension<Person>, user: User) {
    let own = users.of(&person.iss, &person.sub);
    users.link(user.issuer(), user.subject(), own);
}

async fn sign_out(State((_, system)): Shared, user: Option<User>) -> Response {
    let next = match user {
        // It stays a POST, with the `return_to` of the form.
        Some(_) => Redirect::temporary("/auth/logout"),
        None => Redirect::to("/other/sign-out"),
    };
    let name = system.kind.cookie().unwrap_or("none");
    let removal = format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    ([(header::SET_COOKIE, removal)], next).into_response()
}

async fn sign_out_there(State((_, system)): Shared) -> Redirect {
    Redirect::to(system.kind.logout().unwrap_or("/"))
}

async fn their_people_pass(kind: Kind) {
    let app = Beside::new(kind);
    let page = app.with_token(&app.system.token(OTHER_ALICE)).await;
    assert_eq!(page.json(), json!({ "by": "other", "user": 0 }));
    assert_eq!(page.header("cache-control").unwrap(), "private, no-store");
    for (what, token) in app.system.forged(OTHER_ALICE) {
        assert_eq!(app.with_token(&token).await.status, 401, "{what}");
    }
    let token = app.system.token(OTHER_ALICE);
    app.clock.advance(LIFE);
    assert_eq!(app.with_token(&token).await.status, 401, "over");
    assert_eq!(app.sent(), 0);
    // Who has neither is sent to sign in, and asked where.
    let page = app.browser.visit(&format!("{APP}/protected")).await;
    assert!(
        page.url.as_str().starts_with(&format!("{APP}/auth/login")) && app.sent() == 0,
        "{}",
        page.url
    );
}

async fn a_customers_people_get_users_of_their_own(kind: Kind) {
    let app = Beside::new(kind);
    let token = app.system.token(OTHER_ALICE);
    assert_eq!(app.with_token(&token).await.json()["user"], 0);
    // The same address, and another person for all that the app knows.
    let alice = app.sign_in("org_example", ALICE).await;
    assert_eq!(alice, json!({ "by": "scalekit", "user": 1, "sub": ALICE }));
    let carol = app.browser.stranger();
    let carol = Beside {
        browser: carol,
        ..app
    };
    let answer = carol
        .sign_in("org_society", "conn_society_entra;carol")
        .await;
    assert_eq!(answer["user"], 2);
}

async fn accounts_become_one_after_the_apps_own_check(kind: Kind) {
    let app = Beside::new(kind);
    let token = app.system.token(OTHER_ALICE);
    assert_eq!(app.with_token(&token).await.json()["user"], 0);
    assert_eq!(app.sign_in("org_example", ALICE).await["user"], 1);
    // One proof alone links nothing.
    assert_eq!(app.send("/link", "POST", "no token").await.status, 500);
    assert_eq!(app.sign_in("org_example", ALICE).await["user"], 1);
    let stranger = Beside {
        browser: app.browser.stranger(),
        ..app
    };
    assert_eq!(stranger.send("/link", "POST", &token).await.status, 401);
    assert_eq!(stranger.sign_in("org_example", ALICE).await["user"], 1);
    // Both do.
    assert_eq!(stranger.send("/link", "POST", &token).await.status, 200);
    assert_eq!(stranger.sign_in("org_example", ALICE).await["user"], 0);
}

async fn a_sign_out_ends_both(kind: Kind) {
    let app = Beside::new(kind);
    let token = app.system.token(OTHER_ALICE);
    if let Some(name) = kind.cookie() {
        let line = format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Lax");
        app.browser.set_cookie(APP, &line).unwrap();
    }
    app.simulator.handle().set_default_login(ALICE);
    let login = format!("{APP}/auth/login?organization_id=org_example");
    app.browser.visit(&login).await;
    assert!(app.browser.cookie("__Host-sso").is_some());

    let form = [("return_to", "/other/sign-out")];
    let page = app.browser.visit_from(APP, &format!("{APP}/sign-out"));
    let page = page.post_form(&form).await;
    let arrived = kind
        .logout()
        .map_or_else(|| format!("{APP}/"), str::to_owned);
    assert_eq!(page.url.as_str(), arrived);
    assert_eq!(app.simulator.handle().logouts(), 1);
    assert!(app.browser.cookie("__session").is_none());

    app.simulator.handle().set_default_login(None);
    let page = app.browser.visit(&format!("{APP}/protected")).await;
    assert_ne!(page.url.path(), "/protected", "{}", page.html());
}

#[tokio::test]
async fn row_31_beside_auth0_its_people_pass_by_its_own_tokens_alone() {
    their_people_pass(Kind::Auth0).await;
}

#[tokio::test]
async fn row_31_beside_auth0_a_customers_people_get_users_of_their_own() {
    a_customers_people_get_users_of_their_own(Kind::Auth0).await;
}

#[tokio::test]
async fn row_31_beside_auth0_accounts_become_one_after_the_apps_own_check() {
    accounts_become_one_after_the_apps_own_check(Kind::Auth0).await;
}

#[tokio::test]
async fn row_31_beside_auth0_a_sign_out_ends_both() {
    a_sign_out_ends_both(Kind::Auth0).await;
}

#[tokio::test]
async fn row_32_beside_firebase_its_people_pass_by_its_own_tokens_alone() {
    their_people_pass(Kind::Firebase).await;
}

#[tokio::test]
async fn row_32_beside_firebase_a_customers_people_get_users_of_their_own() {
    a_customers_people_get_users_of_their_own(Kind::Firebase).await;
}

#[tokio::test]
async fn row_32_beside_firebase_accounts_become_one_after_the_apps_own_check() {
    accounts_become_one_after_the_apps_own_check(Kind::Firebase).await;
}

#[tokio::test]
async fn row_32_beside_firebase_a_sign_out_ends_both() {
    a_sign_out_ends_both(Kind::Firebase).await;
}

#[tokio::test]
async fn row_33_beside_cognito_its_people_pass_by_its_own_tokens_alone() {
    their_people_pass(Kind::Cognito).await;
}

#[tokio::test]
async fn row_33_beside_cognito_a_customers_people_get_users_of_their_own() {
    a_customers_people_get_users_of_their_own(Kind::Cognito).await;
}

#[tokio::test]
async fn row_33_beside_cognito_accounts_become_one_after_the_apps_own_check() {
    accounts_become_one_after_the_apps_own_check(Kind::Cognito).await;
}

#[tokio::test]
async fn row_33_beside_cognito_a_sign_out_ends_both() {
    a_sign_out_ends_both(Kind::Cognito).await;
}
