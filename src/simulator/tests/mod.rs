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

mod code_flow;
mod fault;
mod page;
mod silent_answer;
mod token;

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
