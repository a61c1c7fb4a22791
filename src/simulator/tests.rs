//! The router as an application and a browser use it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::clock::TestClock;
use crate::crypto::{base64url, from_base64url, sha256, verify_signature};

const ISSUER: &str = "http://127.0.0.1:3001";
const CALLBACK: &str = "http://127.0.0.1:3000/auth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A browser and an application at one simulator.
struct World {
    simulator: Simulator,
    clock: TestClock,
    cookie: Option<String>,
}

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: String,
}

impl Answer {
    fn location(&self) -> &str {
        self.headers
            .get(header::LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// A parameter of the `Location`.
    fn param(&self, name: &str) -> Option<String> {
        let query = self.location().split_once('?')?.1;
        params::Params::parse(query.as_bytes())
            .get(name)
            .map(ToOwned::to_owned)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The value of a hidden input.
    fn hidden(&self, name: &str) -> String {
        let marker = format!("name=\"{name}\" value=\"");
        let rest = self.body.split_once(&marker).unwrap().1;
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl World {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(options: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> Self {
        let clock = TestClock::at(1_800_000_000);
        let builder = user::prepared()
            .into_iter()
            .fold(Simulator::builder(ISSUER), SimulatorBuilder::user)
            .client(
                SimulatedClient::new("app")
                    .with_secret("s3cr3t")
                    .add_redirect_uri(CALLBACK)
                    .add_post_logout_redirect_uri("http://127.0.0.1:3000/auth/logged-out"),
            )
            .algorithm(SigningAlgorithm::Es256)
            .clock(Arc::new(clock.clone()));
        Self {
            simulator: options(builder).build(),
            clock,
            cookie: None,
        }
    }

    async fn send(&mut self, request: http::request::Builder, body: impl Into<Body>) -> Answer {
        let request = match &self.cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        };
        let request = request.body(body.into()).unwrap();
        let response = self.simulator.router().oneshot(request).await.unwrap();
        if let Some(set) = response.headers().get(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(set.contains("HttpOnly; SameSite=Lax") && !set.contains("Domain"));
            self.cookie = Some(set.split_once(';').unwrap().0.to_owned());
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    async fn get(&mut self, uri: &str) -> Answer {
        self.send(Request::get(uri), Body::empty()).await
    }

    async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, body).await
    }

    async fn authorize(&mut self, more: &[(&str, &str)]) -> Answer {
        let challenge = base64url(&sha256(VERIFIER.as_bytes()));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", "app"),
                ("redirect_uri", CALLBACK),
                ("response_type", "code"),
                ("state", "the-state"),
                ("nonce", "the-nonce"),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ])
            .extend_pairs(more)
            .finish();
        let scope = if more.iter().any(|(name, _)| *name == "scope") {
            ""
        } else {
            "&scope=openid+profile+email"
        };
        self.get(&format!("/authorize?{query}{scope}")).await
    }

    /// Sends the form of a page.
    async fn submit(&mut self, page: &Answer, user: &str, factors: &[&str]) -> Answer {
        let interaction = page.hidden("interaction");
        let mut fields = vec![("interaction", &*interaction), ("user", user)];
        fields.extend(factors.iter().map(|factor| ("factor", *factor)));
        self.form("/login", &fields).await
    }

    async fn sign_in(&mut self, more: &[(&str, &str)]) -> Answer {
        let page = self.authorize(more).await;
        assert_eq!(page.status, 200, "{}", page.body);
        self.submit(&page, "alice", &["password"]).await
    }

    async fn token(&mut self, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("client_id", "app"), ("client_secret", "s3cr3t")];
        all.extend_from_slice(fields);
        self.form("/token", &all).await
    }

    async fn redeem(&mut self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn refresh(&mut self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    /// Signs in and redeems the code.
    async fn tokens(&mut self, more: &[(&str, &str)]) -> Value {
        let answer = self.sign_in(more).await;
        let tokens = self.redeem(&answer.param("code").unwrap()).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        tokens.json()
    }

    /// Whether a key of the published set made the signature, by `kid`.
    async fn verifies(&mut self, token: &str) -> bool {
        let kid = part(token, 0)["kid"].as_str().map(ToOwned::to_owned);
        let jwks = self.get("/jwks").await.json();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = from_base64url(signature).unwrap();
        jwks["keys"].as_array().unwrap().iter().any(|jwk| {
            let (Some(x), Some(y)) = (jwk["x"].as_str(), jwk["y"].as_str()) else {
                return false;
            };
            let Ok(key) = jsonwebtoken::DecodingKey::from_ec_components(x, y) else {
                return false;
            };
            let algorithm = jsonwebtoken::Algorithm::ES256;
            jwk["kid"].as_str() == kid.as_deref()
                && verify_signature(algorithm, &key, message.as_bytes(), &signature)
        })
    }
}

/// Header (0) or payload (1) of a JWT.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&from_base64url(part).unwrap()).unwrap()
}

fn id_token(tokens: &Value) -> &str {
    tokens["id_token"].as_str().unwrap()
}

#[tokio::test]
async fn code_flow_from_discovery_to_userinfo() {
    let mut world = World::new();
    let metadata = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["jwks_uri"], format!("{ISSUER}/jwks"));

    let answer = world.sign_in(&[]).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with(&format!("{CALLBACK}?code=")));
    assert_eq!(answer.param("state").unwrap(), "the-state");
    assert_eq!(answer.param("iss").unwrap(), ISSUER);

    let tokens = world.redeem(&answer.param("code").unwrap()).await;
    assert_eq!(tokens.headers[header::CACHE_CONTROL], "no-store");
    let tokens = tokens.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert!(tokens.get("refresh_token").is_none());
    let access_token = tokens["access_token"].as_str().unwrap();
    let claims = part(id_token(&tokens), 1);
    let expected = json!({
        "iss": ISSUER, "sub": "alice", "aud": "app", "azp": "app", "nonce": "the-nonce",
        "iat": 1_800_000_000_u64, "exp": 1_800_003_600_u64, "auth_time": 1_800_000_000_u64,
        "amr": ["pwd"], "acr": "urn:example:silver", "sid": claims["sid"],
        "at_hash": base64url(&sha256(access_token.as_bytes())[..16]),
        "email": "alice@example.com", "email_verified": true, "name": "Alice Arnold",
        "given_name": "Alice", "family_name": "Arnold", "groups": ["admin", "staff"],
    });
    assert_eq!(claims, expected);
    assert!(world.verifies(id_token(&tokens)).await);

    let bearer = format!("Bearer {access_token}");
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, &bearer);
    let userinfo = world.send(request, Body::empty()).await.json();
    assert_eq!(userinfo["sub"], "alice");
    assert_eq!(userinfo["groups"], json!(["admin", "staff"]));

    world.clock.advance(Duration::from_secs(3600));
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, &bearer);
    let late = world.send(request, Body::empty()).await;
    assert_eq!(late.status, 401);
    let challenge = late.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("invalid_token"));
    let handle = world.simulator.handle().clone();
    let counted =
        [Endpoint::Authorize, Endpoint::Login, Endpoint::Token].map(|e| handle.requests(e));
    assert_eq!((counted, handle.code_grants()), ([1, 1, 1], 1));
}

#[tokio::test]
async fn a_second_application_is_signed_in_without_a_page() {
    let mut world = World::with(SimulatorBuilder::any_client);
    world.sign_in(&[]).await;
    let other = "/authorize?client_id=other&redirect_uri=http://localhost:4000/cb&response_type=code\
                 &scope=openid";
    assert!(world.get(other).await.param("code").is_some());
    assert_eq!(world.simulator.handle().sessions(), 1);
    world.simulator.handle().end_sessions();
    assert_eq!(world.get(other).await.status, 200, "the page again");
}

#[tokio::test]
async fn an_unregistered_address_is_never_redirected_to() {
    let mut world = World::new();
    for query in [
        "client_id=app&redirect_uri=https://evil.example/&response_type=code&scope=openid",
        "client_id=other&redirect_uri=http://127.0.0.1:3000/auth/callback&response_type=code&scope=openid",
    ] {
        let answer = world.get(&format!("/authorize?{query}")).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::BAD_REQUEST, "")
        );
    }
}

#[tokio::test]
async fn pkce_is_verified() {
    let mut world = World::new();
    let answer = world.sign_in(&[]).await;
    let code = answer.param("code").unwrap();
    for verifier in ["", "wrong"] {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        let refused = world.token(&fields).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["error"], "invalid_grant");
    }
    assert_eq!(world.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn a_code_is_good_for_one_use_and_a_minute() {
    let mut world = World::with(SimulatorBuilder::always_refresh_tokens);
    let code = world.sign_in(&[]).await.param("code").unwrap();
    let tokens = world.redeem(&code).await.json();
    let again = world.redeem(&code).await;
    assert_eq!(again.json()["error"], "invalid_grant");
    assert_eq!(world.simulator.handle().reuse_detected(), 1);
    let refresh = world
        .refresh(tokens["refresh_token"].as_str().unwrap())
        .await;
    assert_eq!(refresh.json()["error"], "invalid_grant", "revoked with it");

    let code = world.authorize(&[]).await.param("code").unwrap();
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.redeem(&code).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn token_errors_have_the_right_status() {
    let mut world = World::new();
    let grant = ("grant_type", "authorization_code");
    let wrong = world
        .form(
            "/token",
            &[("client_id", "app"), ("client_secret", "no"), grant],
        )
        .await;
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.json()["error"], "invalid_client");
    assert!(!wrong.headers.contains_key(header::WWW_AUTHENTICATE));
    assert_eq!(wrong.headers[header::CACHE_CONTROL], "no-store");

    let credentials = base64::engine::general_purpose::STANDARD.encode("app:no");
    let request = Request::post("/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::AUTHORIZATION, format!("Basic {credentials}"));
    let wrong = world.send(request, "grant_type=authorization_code").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.headers.contains_key(header::WWW_AUTHENTICATE));

    for (fields, code) in [
        (vec![], "invalid_request"),
        (vec![grant], "invalid_request"),
        (vec![grant, grant], "invalid_request"),
        (vec![grant, ("code", "x")], "invalid_grant"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("grant_type", "refresh_token")], "invalid_request"),
    ] {
        let answer = world.token(&fields).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"], code, "{fields:?}");
    }
    let request = Request::post("/token").header(header::CONTENT_TYPE, "application/json");
    let json = world.send(request, "{}").await;
    assert_eq!(json.json()["error"], "invalid_request");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_reuse_revokes_the_family() {
    let mut world = World::new();
    let first = world.tokens(&[("scope", "openid offline_access")]).await;
    world.clock.advance(Duration::from_secs(100));
    let first_token = first["refresh_token"].as_str().unwrap();
    let second = world.refresh(first_token).await.json();
    let claims = part(id_token(&second), 1);
    assert_eq!(
        claims["auth_time"], 1_800_000_000_u64,
        "Core 12.2: the original"
    );
    assert_eq!(claims["iat"], 1_800_000_100_u64);
    assert!(claims.get("nonce").is_none());
    let second_token = second["refresh_token"].as_str().unwrap();
    assert_ne!(first_token, second_token);

    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", second_token),
        ("scope", "openid email"),
    ];
    assert_eq!(world.token(&wider).await.json()["error"], "invalid_scope");

    assert_eq!(
        world.refresh(first_token).await.json()["error"],
        "invalid_grant"
    );
    assert_eq!(
        world.refresh(second_token).await.json()["error"],
        "invalid_grant"
    );
    let handle = world.simulator.handle();
    assert_eq!((handle.refresh_grants(), handle.reuse_detected()), (1, 1));
}

#[tokio::test]
async fn only_offline_access_outlives_the_session() {
    for (scope, status) in [("openid", 400), ("openid offline_access", 200)] {
        let mut world = World::with(SimulatorBuilder::always_refresh_tokens);
        let tokens = world.tokens(&[("scope", scope)]).await;
        world.simulator.handle().end_sessions();
        let token = tokens["refresh_token"].as_str().unwrap();
        assert_eq!(world.refresh(token).await.status, status, "{scope}");
    }
    let mut world = World::with(SimulatorBuilder::always_refresh_tokens);
    let tokens = world.tokens(&[]).await;
    world.clock.advance(Duration::from_secs(12 * 3600));
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(
        world.refresh(token).await.status,
        400,
        "the session ended by itself"
    );

    let mut world = World::new();
    let tokens = world.tokens(&[("scope", "openid offline_access")]).await;
    world.simulator.handle().revoke_refresh_tokens();
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(world.refresh(token).await.status, 400);
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let mut world = World::new();
    let silent =
        |more: Vec<(&'static str, &'static str)>| [vec![("prompt", "none")], more].concat();
    let answer = world.authorize(&silent(vec![])).await;
    assert_eq!(answer.param("error").unwrap(), "login_required");
    assert_eq!(answer.param("state").unwrap(), "the-state");
    assert_eq!(answer.param("iss").unwrap(), ISSUER);
    world
        .simulator
        .handle()
        .set_default_login(LoginChoice::new("alice"));
    let answer = world.authorize(&silent(vec![])).await;
    assert_eq!(
        answer.param("error").unwrap(),
        "login_required",
        "auto-login or not"
    );
    world.simulator.handle().set_default_login(None);

    let alice = id_token(&world.tokens(&[]).await).to_owned();
    assert!(
        world
            .authorize(&silent(vec![]))
            .await
            .param("code")
            .is_some()
    );
    let hinted = [("prompt", "none"), ("id_token_hint", &*alice)];
    assert!(world.authorize(&hinted).await.param("code").is_some());
    let answer = world.authorize(&silent(vec![("acr_values", "mfa")])).await;
    assert_eq!(answer.param("error").unwrap(), "interaction_required");

    world.simulator.handle().end_sessions();
    let page = world.authorize(&[]).await;
    world.submit(&page, "bob", &["password"]).await;
    let answer = world.authorize(&hinted).await;
    assert_eq!(
        answer.param("error").unwrap(),
        "login_required",
        "another user"
    );
    let forged = format!("{}AAAA", &alice[..alice.len() - 4]);
    let answer = world.authorize(&[("id_token_hint", &forged)]).await;
    assert_eq!(answer.param("error").unwrap(), "invalid_request");
    world.simulator.handle().set_fault(Fault::IgnoreIdTokenHint);
    assert!(world.authorize(&hinted).await.param("code").is_some());
}

#[tokio::test]
async fn a_step_up_adds_a_factor_to_the_same_session() {
    let mut world = World::new();
    let first = world.tokens(&[]).await;
    world.clock.advance(Duration::from_secs(50));
    let page = world.authorize(&[("acr_values", "urn:example:gold")]).await;
    assert!(page.body.contains("One more factor"), "{}", page.body);
    let answer = world.submit(&page, "alice", &["otp"]).await;
    let second = world.redeem(&answer.param("code").unwrap()).await.json();
    let (before, after) = (part(id_token(&first), 1), part(id_token(&second), 1));
    assert_eq!(after["amr"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(after["acr"], "urn:example:gold");
    assert_eq!(after["auth_time"], 1_800_000_050_u64);
    assert_eq!(after["sid"], before["sid"]);
    let silent = world
        .authorize(&[("prompt", "none"), ("acr_values", "mfa")])
        .await;
    assert!(silent.param("code").is_some());
}

#[tokio::test]
async fn an_essential_level_is_reached_or_refused() {
    let essential =
        |acr: &str| json!({"id_token": {"acr": {"essential": true, "values": [acr]}}}).to_string();
    let mut world = World::new();
    let claims = essential("urn:example:gold");
    let page = world.authorize(&[("claims", &claims)]).await;
    let page = world.submit(&page, "alice", &["password"]).await;
    assert_eq!(page.status, 400, "not enough: the page again");
    let interaction = page.hidden("interaction");
    let cannot = [
        ("interaction", &*interaction),
        ("deny", "unmet_authentication_requirements"),
    ];
    let refused = world.form("/login", &cannot).await;
    let unmet = "unmet_authentication_requirements";
    assert_eq!(refused.param("error").unwrap(), unmet);
    let answer = world.submit(&page, "alice", &["security_key"]).await;
    assert!(answer.param("code").is_some());

    let unknown = essential("urn:unknown");
    let answer = world.authorize(&[("claims", &unknown)]).await;
    assert_eq!(answer.param("error").unwrap(), unmet, "out of reach");

    let handle = world.simulator.handle().clone();
    handle.end_sessions();
    handle.set_default_login(LoginChoice::new("alice"));
    let answer = world.authorize(&[("claims", &claims)]).await;
    assert_eq!(
        answer.param("error").unwrap(),
        unmet,
        "no page for auto-login"
    );
    handle.set_default_login(LoginChoice::new("alice").with_acr("urn:unknown"));
    let answer = world.authorize(&[("claims", &unknown)]).await;
    let tokens = world.redeem(&answer.param("code").unwrap()).await.json();
    assert_eq!(part(id_token(&tokens), 1)["acr"], "urn:unknown");
}

#[tokio::test]
async fn a_person_can_refuse_and_must_pick() {
    let mut world = World::new();
    let page = world.authorize(&[]).await;
    assert_eq!(world.submit(&page, "alice", &[]).await.status, 400);
    assert_eq!(
        world.submit(&page, "nobody", &["password"]).await.status,
        400
    );
    let interaction = page.hidden("interaction");
    for (fields, code) in [
        (vec![("deny", "access_denied")], "access_denied"),
        (
            vec![("deny", "selected"), ("error", "server_error")],
            "server_error",
        ),
        (
            vec![("deny", "selected"), ("error", "<script>")],
            "access_denied",
        ),
    ] {
        let fields = [vec![("interaction", &*interaction)], fields].concat();
        let answer = world.form("/login", &fields).await;
        assert_eq!(answer.param("error").unwrap(), code);
    }
    assert_eq!(
        world.form("/login", &[("interaction", "x")]).await.status,
        400
    );
    world.clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(
        world.submit(&page, "alice", &["password"]).await.status,
        400
    );
}

#[tokio::test]
async fn consent_and_a_new_login_in_one_attempt() {
    let mut world = World::new();
    world.sign_in(&[]).await;
    let page = world.authorize(&[("prompt", "login consent")]).await;
    assert!(page.body.contains("Sign in again"));
    let page = world.submit(&page, "alice", &["otp"]).await;
    assert!(page.body.contains("Allow access?"), "{}", page.body);
    assert!(
        world
            .submit(&page, "alice", &[])
            .await
            .param("code")
            .is_some()
    );
}

#[tokio::test]
async fn the_page_escapes_what_the_request_says_and_runs_no_script() {
    let mut world = World::with(SimulatorBuilder::any_client);
    let page = world
        .get(
            "/authorize?client_id=%3Cscript%3Ealert(1)%3C/script%3E&redirect_uri=http://localhost/\
             &response_type=code&scope=openid&acr_values=%22%3E%3Cb%3E&login_hint=bob@example.com",
        )
        .await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("<script>") && !page.body.contains("<b>"));
    assert!(
        page.body.contains("value=\"bob\" checked"),
        "login_hint preselects"
    );
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"));
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn form_post_answers_with_a_page_that_sends_itself() {
    let mut world = World::new();
    world.sign_in(&[]).await;
    let page = world
        .authorize(&[("response_mode", "form_post"), ("state", "")])
        .await;
    assert_eq!(page.param("error"), None);
    assert_eq!(
        page.status, 303,
        "state comes twice, and the answer goes by query"
    );

    world.cookie = None;
    let form_post = [("response_mode", "form_post")];
    let page = world.authorize(&form_post).await;
    let page = world.submit(&page, "alice", &["password"]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body
            .contains(&format!("method=\"post\" action=\"{CALLBACK}\""))
    );
    assert_eq!(page.hidden("state"), "the-state");
    assert_eq!(page.hidden("iss"), ISSUER);
    assert!(page.body.contains("<noscript>"));
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("script-src 'sha256-"));
    let code = page.hidden("code");
    assert_eq!(world.redeem(&code).await.status, 200);

    world.simulator.handle().end_sessions();
    let silent = [("response_mode", "form_post"), ("prompt", "none")];
    assert_eq!(
        world.authorize(&silent).await.hidden("error"),
        "login_required"
    );
}

#[tokio::test]
async fn end_session_goes_back_to_a_registered_address_only() {
    let mut world = World::new();
    let tokens = world.tokens(&[]).await;
    let hint = id_token(&tokens).to_owned();
    let bad =
        format!("/end_session?id_token_hint={hint}&post_logout_redirect_uri=https://evil.example/");
    let refused = world.get(&bad).await;
    assert_eq!(
        (refused.status, refused.location()),
        (StatusCode::BAD_REQUEST, "")
    );
    assert_eq!(world.simulator.handle().sessions(), 1);

    let back = "post_logout_redirect_uri=http://127.0.0.1:3000/auth/logged-out&state=s";
    let unknown_client = world.get(&format!("/end_session?{back}")).await;
    assert_eq!(unknown_client.status, 400, "nobody to register it for");
    let page = world
        .get(&format!("/end_session?client_id=app&{back}"))
        .await;
    assert!(
        page.body.contains("Sign out?"),
        "no hint: the person is asked"
    );
    assert_eq!(world.simulator.handle().sessions(), 1);

    let answer = world
        .get(&format!("/end_session?id_token_hint={hint}&{back}"))
        .await;
    assert_eq!(
        answer.location(),
        "http://127.0.0.1:3000/auth/logged-out?state=s"
    );
    assert_eq!(world.simulator.handle().sessions(), 0);

    world.sign_in(&[]).await;
    let confirmed = world
        .form("/end_session", &[("client_id", "app"), ("confirm", "yes")])
        .await;
    assert!(confirmed.body.contains("You are signed out"));
    assert_eq!(world.simulator.handle().sessions(), 0);
}

#[tokio::test]
async fn keys_rotate_and_old_ones_stay_until_dropped() {
    let mut world = World::new();
    let old = id_token(&world.tokens(&[]).await).to_owned();
    let handle = world.simulator.handle().clone();
    handle.rotate_keys();
    let code = world.authorize(&[]).await.param("code").unwrap();
    let new = id_token(&world.redeem(&code).await.json()).to_owned();
    assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
    assert!(world.verifies(&old).await && world.verifies(&new).await);
    handle.drop_old_keys();
    assert!(!world.verifies(&old).await && world.verifies(&new).await);
    handle.set_fault(Fault::RotateJustBeforeSigning);
    let code = world.authorize(&[]).await.param("code").unwrap();
    let newest = id_token(&world.redeem(&code).await.json()).to_owned();
    assert_ne!(part(&new, 0)["kid"], part(&newest, 0)["kid"]);
    assert!(world.verifies(&newest).await);
}

#[tokio::test]
async fn faults_of_the_id_token() {
    let mut world = World::new();
    world.sign_in(&[]).await;
    let handle = world.simulator.handle().clone();
    let forge = |alg| vec![Fault::IdTokenAlg(alg)];
    let claim = |name: &str, value| vec![Fault::IdTokenClaim(name.to_owned(), value)];
    let check = |pointer: &'static str, expected: Value| {
        move |header: &Value, claims: &Value| {
            let found = header.pointer(pointer).or(claims.pointer(pointer));
            assert_eq!(found.unwrap_or(&Value::Null), &expected, "{pointer}");
        }
    };
    let hs256 = || check("/alg", json!("HS256"));
    type Check = Box<dyn Fn(&Value, &Value)>;
    let rows: Vec<(Vec<Fault>, bool, Check)> = vec![
        (
            claim("nonce", None),
            true,
            Box::new(check("/nonce", Value::Null)),
        ),
        (
            claim("exp", Some(json!("1"))),
            true,
            Box::new(check("/exp", json!("1"))),
        ),
        (vec![Fault::BadSignature], false, Box::new(|_, _| {})),
        (
            vec![Fault::NoKid],
            false,
            Box::new(check("/kid", Value::Null)),
        ),
        (vec![Fault::UnknownKid], false, Box::new(|_, _| {})),
        (vec![Fault::JwksEmpty], false, Box::new(|_, _| {})),
        (vec![Fault::JwksExtraKeys], true, Box::new(|_, _| {})),
        (
            vec![Fault::JwksSeveralKeysNoKid],
            true,
            Box::new(check("/kid", Value::Null)),
        ),
        (
            vec![Fault::ExtraHeader("crit".to_owned(), json!(["x"]))],
            true,
            Box::new(check("/crit", json!(["x"]))),
        ),
        (
            vec![Fault::CHash("x".to_owned())],
            true,
            Box::new(check("/c_hash", json!("x"))),
        ),
        (
            vec![Fault::ClockSkew(-90)],
            true,
            Box::new(check("/iat", json!(1_799_999_910_u64))),
        ),
        (
            forge(ForgedAlg::None("nOnE".to_owned())),
            false,
            Box::new(check("/alg", json!("nOnE"))),
        ),
        (
            forge(ForgedAlg::Named("RS256".to_owned())),
            true,
            Box::new(check("/alg", json!("RS256"))),
        ),
        (
            forge(ForgedAlg::Hs256WithClientSecret),
            false,
            Box::new(hs256()),
        ),
        (
            forge(ForgedAlg::Hs256WithClientId),
            false,
            Box::new(hs256()),
        ),
        (
            forge(ForgedAlg::Hs256WithPublicKeyPem),
            false,
            Box::new(hs256()),
        ),
        (
            forge(ForgedAlg::Hs256WithPublicKeyDer),
            false,
            Box::new(hs256()),
        ),
        (
            forge(ForgedAlg::Hs256WithPublicKeyBytes),
            false,
            Box::new(hs256()),
        ),
    ];
    for (faults, verifies, check) in rows {
        handle.clear_faults();
        let code = world.authorize(&[]).await.param("code").unwrap();
        for fault in &faults {
            handle.set_fault(fault.clone());
        }
        let tokens = world.redeem(&code).await.json();
        let token = id_token(&tokens);
        check(&part(token, 0), &part(token, 1));
        assert_eq!(world.verifies(token).await, verifies, "{faults:?}");
        handle.clear_faults();
    }
    let code = world.authorize(&[]).await.param("code").unwrap();
    handle.set_fault(Fault::AtHashWrong);
    let tokens = world.redeem(&code).await.json();
    let hash = base64url(&sha256(tokens["access_token"].as_str().unwrap().as_bytes())[..16]);
    assert_ne!(part(id_token(&tokens), 1)["at_hash"], hash);
}

#[tokio::test]
async fn faults_of_the_other_answers() {
    let mut world = World::new();
    world.sign_in(&[]).await;
    let handle = world.simulator.handle().clone();
    handle.set_fault(Fault::OmitState);
    handle.set_fault(Fault::IssParameter(None));
    let answer = world.authorize(&[]).await;
    assert_eq!((answer.param("state"), answer.param("iss")), (None, None));
    handle.clear_faults();
    handle.set_fault(Fault::WrongState);
    handle.set_fault(Fault::IssParameter(Some("https://evil.example".to_owned())));
    handle.set_fault(Fault::DuplicateCode);
    let answer = world.authorize(&[]).await;
    assert_eq!(answer.param("state").unwrap(), "wrong-state");
    assert_eq!(answer.param("iss").unwrap(), "https://evil.example");
    assert_eq!(answer.location().matches("code=").count(), 2);
    handle.clear_faults();
    handle.set_fault(Fault::AuthorizeError("x".to_owned(), Some("y".to_owned())));
    let answer = world.authorize(&[]).await;
    assert_eq!(answer.param("error").unwrap(), "x");
    assert_eq!(answer.param("error_description").unwrap(), "y");
    handle.clear_faults();

    handle.set_fault(Fault::WeakStepUp);
    let more = [("prompt", "login"), ("max_age", "0"), ("acr_values", "mfa")];
    assert!(world.authorize(&more).await.param("code").is_some());
    handle.clear_faults();

    let code = world.authorize(&[]).await.param("code").unwrap();
    handle.set_fault(Fault::NoIdToken);
    handle.set_fault(Fault::TokenType("mac".to_owned()));
    handle.set_fault(Fault::ExpiresIn(None));
    let tokens = world.redeem(&code).await.json();
    assert_eq!(tokens["token_type"], "mac");
    assert!(tokens.get("id_token").is_none() && tokens.get("expires_in").is_none());
    handle.clear_faults();

    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    handle.set_fault(Fault::UserInfoSub("mallory".to_owned()));
    handle.set_fault(Fault::UserInfoClaims(json!({"extra": 1})));
    handle.set_fault(Fault::UserInfoSigned);
    let request = Request::get("/userinfo").header(header::AUTHORIZATION, &bearer);
    let userinfo = world.send(request, Body::empty()).await;
    assert_eq!(userinfo.headers[header::CONTENT_TYPE], "application/jwt");
    let claims = part(&userinfo.body, 1);
    assert_eq!(
        (&claims["sub"], &claims["extra"]),
        (&json!("mallory"), &json!(1))
    );
    assert_eq!(claims["aud"], "app");
    assert!(world.verifies(&userinfo.body).await);
    handle.clear_faults();

    handle.set_fault(Fault::DiscoveryIssuer("https://evil.example".to_owned()));
    handle.set_fault(Fault::DiscoveryField("jwks_uri".to_owned(), None));
    let metadata = world.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], "https://evil.example");
    assert!(metadata.get("jwks_uri").is_none());
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_network() {
    let mut world = World::new();
    let handle = world.simulator.handle().clone();
    handle.set_fault(Fault::Status(Endpoint::Jwks, 503, Some(7)));
    let down = world.get("/jwks").await;
    assert_eq!(down.status, 503);
    assert_eq!(down.headers[header::RETRY_AFTER], "7");
    assert_eq!(
        world.get("/.well-known/openid-configuration").await.status,
        200
    );
    handle.clear_faults();

    handle.set_fault(Fault::Garbage(Endpoint::Jwks));
    assert!(world.get("/jwks").await.body.starts_with("<!doctype html>"));
    handle.clear_faults();
    handle.set_fault(Fault::HugeBody(Endpoint::Jwks));
    assert_eq!(world.get("/jwks").await.body.len(), 16 * 1024 * 1024);
    handle.clear_faults();
    handle.set_fault(Fault::Redirect(Endpoint::Jwks));
    let redirect = world.get("/jwks").await;
    assert_eq!(redirect.location(), format!("{ISSUER}/jwks?redirected=1"));
    assert_eq!(world.get("/jwks?redirected=1").await.status, 200);
    handle.clear_faults();
    handle.set_fault(Fault::Hang(Endpoint::Jwks));
    let minute = Duration::from_secs(60);
    assert!(
        tokio::time::timeout(minute, world.get("/jwks"))
            .await
            .is_err()
    );
    handle.clear_faults();
    handle.set_fault(Fault::Slow(Endpoint::Jwks, minute));
    let start = tokio::time::Instant::now();
    assert_eq!(world.get("/jwks").await.status, 200);
    assert!(start.elapsed() >= minute);
    assert_eq!(handle.requests(Endpoint::Jwks), 7);
}

#[tokio::test]
async fn an_issuer_with_a_path_is_mounted_there() {
    let simulator = Simulator::quickstart("http://127.0.0.1:3001/realms/acme");
    let router = Router::new().nest("/realms/acme", simulator.router());
    let request = Request::get(
        "/realms/acme/authorize?client_id=a&redirect_uri=http://localhost/&response_type=code&scope=openid",
    );
    let request = request.body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body);
    assert!(body.contains("action=\"/realms/acme/login\""));
}

#[test]
fn everything_is_send_and_sync_and_prints_no_secret() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug>(_: &T) {}
    let simulator = World::new().simulator;
    check(&simulator);
    check(simulator.handle());
    assert!(!format!("{simulator:?}").contains("s3cr3t"));
}
