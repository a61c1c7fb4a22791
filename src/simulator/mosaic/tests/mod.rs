//! The router as backends use it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::clock::TestClock;
use crate::crypto::{from_base64url, verify_signature};

mod client_token;
mod factor;
mod fault;
mod page;
mod refresh;
mod session;

const START: u64 = 1_800_000_000;
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);

const SILENT: &str = "/cis/v1/auth/session/authenticate";
const LOGOUT: &str = "/cis/v1/auth/session/logout";
const REFRESH: &str = "/cis/v1/auth/token/refresh";
const PASSWORD: &str = "/cis/v1/auth/password/authenticate";
const OTP_SEND: &str = "/cis/v1/auth/otp/send";
const OTP: &str = "/cis/v1/auth/otp/authenticate";
const LINK_SEND: &str = "/cis/v1/auth/link/email/send";
const LINK: &str = "/cis/v1/auth/link/email/authenticate";

/// A tenant with two applications, and the client token of one of them.
struct World {
    simulator: MosaicSimulator,
    clock: TestClock,
    token: String,
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

    /// The tokens of an answer that has to have them.
    #[track_caller]
    fn tokens(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        self.json()
    }

    /// Status and body of a refusal.
    #[track_caller]
    fn refusal(&self) -> (u16, Value) {
        (self.status.as_u16(), self.json())
    }
}

/// A refusal that has the status for a code.
fn refused(status: u16, message: &str) -> (u16, Value) {
    coded(status, &status.to_string(), message)
}

fn coded(status: u16, code: &str, message: &str) -> (u16, Value) {
    (status, json!({"error_code": code, "message": message}))
}

impl World {
    async fn new() -> Self {
        let clock = TestClock::at(START);
        let simulator = MosaicSimulator::builder("https://userid.security")
            .client("payroll", "s3cr3t")
            .client("travel", "0th3r")
            .tenant("acme")
            .redirect_uri("https://app.example.com/verify")
            .user(
                MosaicUser::new("alice")
                    .with_password("wonderland")
                    .with_email("alice@example.com")
                    .with_phone("+15550100")
                    .with_claim("roles", vec!["admin"]),
            )
            .user(MosaicUser::new("bob").with_password("builder"))
            .clock(Arc::new(clock.clone()))
            .build();
        let mut world = Self {
            simulator,
            clock,
            token: String::new(),
        };
        world.token = world.client_token("payroll", "s3cr3t").await;
        world
    }

    fn handle(&self) -> &MosaicHandle {
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

    /// A request for a client token, with this `Authorization` and form.
    async fn ask_token(&self, authorization: Option<&str>, form: &str) -> Answer {
        let mut request = Request::post("/oidc/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        self.send(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    async fn client_token(&self, id: &str, secret: &str) -> String {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let answer = self.ask_token(None, &form).await;
        text(&answer.tokens(), "access_token")
    }

    /// Gets a new client token, the old one being over.
    async fn renew(&mut self) {
        self.token = self.client_token("payroll", "s3cr3t").await;
    }

    async fn call_as(&self, token: &str, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    async fn call(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, path, &body).await
    }

    async fn delete_sessions(&self, user: &str) -> Answer {
        let path = format!("/cis/v1/auth/users/{user}/sessions");
        let request =
            Request::delete(path).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Alice signs in with her password.
    async fn alice(&self) -> Value {
        let body = json!({"username": "alice", "password": "wonderland"});
        self.call(PASSWORD, body).await.tokens()
    }

    async fn silent(&self, session_id: &str) -> Answer {
        self.call(SILENT, json!({"session_id": session_id})).await
    }

    /// Asks for a passcode by SMS, and says which it is.
    async fn sms_code(&self) -> String {
        let sent = self.call(OTP_SEND, sms()).await;
        assert_eq!(sent.tokens(), json!({"message": "OTP sent"}));
        self.handle().last_code("alice").unwrap()
    }

    /// Alice's claims, from a token that a published key signed.
    async fn claims(&self, tokens: &Value) -> Value {
        let token = text(tokens, "id_token");
        assert!(self.verifies(&token).await);
        part(&token, 1)
    }

    async fn verifies(&self, token: &str) -> bool {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = from_base64url(signature).unwrap();
        let keys = self.get("/cis/oidc/jwks").await.json();
        let kid = &part(token, 0)["kid"];
        keys["keys"].as_array().unwrap().iter().any(|key| {
            let (n, e) = (text(key, "n"), text(key, "e"));
            let public = DecodingKey::from_rsa_components(&n, &e).unwrap();
            &key["kid"] == kid
                && verify_signature(Algorithm::RS256, &public, message.as_bytes(), &signature)
        })
    }
}

fn sms() -> Value {
    json!({"channel": "sms", "identifier_type": "phone_number", "identifier": "+15550100"})
}

/// What comes back for a passcode by SMS.
fn passcode(code: &str) -> Value {
    json!({"passcode": code, "identifier_type": "phone_number", "identifier": "+15550100"})
}

fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
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
