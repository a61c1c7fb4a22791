//! The router as applications and browsers use it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use url::Url;

use super::*;
use crate::clock::TestClock;
use crate::crypto::{base64url, from_base64url, sha256, verify_signature};
use crate::simulator::params::Params;

mod authorize;
mod fault;
mod idp_initiated;
mod management;
mod page;
mod portal;
mod sign_out;
mod token;
mod webhook;

const START: u64 = 1_800_000_000;
const SECOND: Duration = Duration::from_secs(1);
const ENVIRONMENT: &str = "https://acme.scalekit.example";
const CALLBACK: &str = "https://app.example/auth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// An environment with three customers.
struct World {
    simulator: ScalekitSimulator,
    clock: TestClock,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The body of an answer that has to be good.
    #[track_caller]
    fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()
    }

    /// The status and the error of a token endpoint.
    #[track_caller]
    fn error(&self) -> (u16, String) {
        (self.status.as_u16(), text(&self.json(), "error"))
    }

    /// Where the browser is sent.
    #[track_caller]
    fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.body);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// What the callback gets, by name; nothing may come twice.
    #[track_caller]
    fn callback(&self) -> Params {
        let (address, query) = self.location().split_once('?').unwrap();
        assert_eq!(address, CALLBACK);
        let params = Params::parse(query.as_bytes());
        assert!(!params.repeats_any(), "{query}");
        params
    }

    /// The error that the callback gets.
    #[track_caller]
    fn refused(&self) -> String {
        let params = self.callback();
        assert!(params.get("code").is_none());
        assert!(params.get("error_description").is_some());
        params.get("error").unwrap().to_owned()
    }

    /// The value of a hidden input of a page.
    #[track_caller]
    fn hidden(&self, name: &str) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&start).expect(name);
        rest.split('"').next().unwrap().to_owned()
    }
}

fn builder() -> ScalekitSimulatorBuilder {
    let user = ScalekitUser::new;
    ScalekitSimulator::builder(ENVIRONMENT)
        .client("skc_1", "s3cr3t")
        .client("skc_2", "0th3r")
        .redirect_uri(CALLBACK)
        .post_logout_redirect_uri("https://app.example/bye")
        .organization(
            ScalekitOrganization::new("org_acme")
                .name("Acme")
                .domain("example.com"),
        )
        .organization(
            ScalekitOrganization::new("org_beta")
                .domain("example.org")
                .own_domains_only(),
        )
        .organization(ScalekitOrganization::new("org_new"))
        .connection(ScalekitConnection::new("conn_acme", "org_acme"))
        .connection(ScalekitConnection::new("conn_off", "org_acme").enabled(false))
        .connection(
            ScalekitConnection::new("conn_beta", "org_beta")
                .provider("GOOGLE")
                .type_("SAML"),
        )
        .connection(ScalekitConnection::new("conn_draft", "org_new").status("DRAFT"))
        .user(
            user("conn_acme", "alice")
                .email("alice@example.com")
                .name("Alice", "Adams")
                .username("al")
                .attribute("department", "payroll"),
        )
        .user(user("conn_acme", "bob;x").email("bob@elsewhere.example"))
        .user(user("conn_acme", "nameless"))
        .user(
            user("conn_acme", "gone")
                .email("gone@example.com")
                .inactive(),
        )
        .user(user("conn_beta", "carol").email("carol@example.org"))
        .user(user("conn_beta", "stray").email("stray@example.com"))
}

impl World {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(change: impl FnOnce(ScalekitSimulatorBuilder) -> ScalekitSimulatorBuilder) -> Self {
        let clock = TestClock::at(START);
        let builder = change(builder()).clock(Arc::new(clock.clone()));
        Self {
            simulator: builder.build(),
            clock,
        }
    }

    fn handle(&self) -> &ScalekitHandle {
        self.simulator.handle()
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.simulator.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_as(None, path, fields).await
    }

    async fn post_as(
        &self,
        authorization: Option<&str>,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        self.send(request.body(Body::from(form(fields))).unwrap())
            .await
    }

    /// A good authorization request with these parameters too.
    async fn authorize(&self, more: &[(&str, &str)]) -> Answer {
        let challenge = base64url(&sha256(VERIFIER.as_bytes()));
        let mut fields = vec![
            ("client_id", "skc_1"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid email"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        fields.extend_from_slice(more);
        self.get(&format!("/oauth/authorize?{}", form(&fields)))
            .await
    }

    /// The answer when this person signs in at the page of their IdP.
    async fn sign_in(&self, subject: &str) -> Answer {
        let (connection, _) = subject.split_once(';').unwrap();
        let page = self.authorize(&[("connection_id", connection)]).await;
        let interaction = page.hidden("interaction");
        self.post(
            "/idp/login",
            &[("interaction", &interaction), ("user", subject)],
        )
        .await
    }

    async fn code(&self) -> String {
        let answer = self.sign_in("conn_acme;alice").await;
        answer.callback().get("code").unwrap().to_owned()
    }

    /// A good exchange of a code, with some fields in place of others.
    async fn exchange_with(&self, code: &str, other: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("client_id", "skc_1"),
            ("client_secret", "s3cr3t"),
            ("code_verifier", VERIFIER),
        ];
        fields.retain(|(name, _)| !other.iter().any(|(other, _)| other == name));
        fields.extend(other.iter().filter(|(_, value)| !value.is_empty()));
        self.post("/oauth/token", &fields).await
    }

    async fn exchange(&self, code: &str) -> Answer {
        self.exchange_with(code, &[]).await
    }

    /// The tokens of alice.
    async fn tokens(&self) -> Value {
        let code = self.code().await;
        self.exchange(&code).await.ok()
    }

    /// The claims of a token of an answer, which a published key signed.
    async fn claims(&self, tokens: &Value, name: &str) -> Value {
        let token = text(tokens, name);
        assert!(self.verifies(&token).await);
        part(&token, 1)
    }

    /// Whether a published key of the token's `kid` signed it with RS256.
    async fn verifies(&self, token: &str) -> bool {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = from_base64url(signature).unwrap();
        let keys = self.get("/keys").await.json();
        let kid = &part(token, 0)["kid"];
        keys["keys"].as_array().unwrap().iter().any(|key| {
            let (n, e) = (text(key, "n"), text(key, "e"));
            let public = DecodingKey::from_rsa_components(&n, &e).unwrap();
            &key["kid"] == kid
                && verify_signature(Algorithm::RS256, &public, message.as_bytes(), &signature)
        })
    }

    async fn management_token(&self) -> String {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", "skc_1"),
            ("client_secret", "s3cr3t"),
        ];
        let answer = self.post("/oauth/token", &fields).await.ok();
        text(&answer, "access_token")
    }

    /// A call of the management API.
    async fn call(&self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

#[track_caller]
fn text(value: &Value, name: &str) -> String {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {value}"))
        .to_owned()
}

/// A part of a JWT.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&from_base64url(part).unwrap()).unwrap()
}
