//! A scripted HTTP client, and the keys and tokens of the provider that it plays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::clock::{Clock as _, TestClock};
use crate::crypto::{base64url, random, sign};
use crate::oidc::Issuer;
use crate::provider::{CodeGrant, HttpClient, HttpError, HttpErrorKind, OidcConfig, OidcProvider};

#[cfg(feature = "aws-lc-rs")]
use jsonwebtoken::crypto::aws_lc as backend;
#[cfg(not(feature = "aws-lc-rs"))]
use jsonwebtoken::crypto::rust_crypto as backend;

pub(super) const ISSUER: &str = "https://idp.example.com";
pub(super) const CLIENT: &str = "my app";
pub(super) const SECRET: &str = "p:w+d";
pub(super) const CODE: &str = "c0de-of-alice";
pub(super) const ACCESS_TOKEN: &str = "at-of-alice";
pub(super) const VERIFIER: &str = "verifier-of-alice-verifier-of-alice-verifier";
pub(super) const NONCE: &str = "n-1";
pub(super) const NOW: u64 = 1_700_000_000;

pub(super) const CONFIGURATION: &str = "/.well-known/openid-configuration";
pub(super) const JWKS: &str = "/keys";
pub(super) const TOKEN: &str = "/oauth/token";
pub(super) const USERINFO: &str = "/me";

/// What the scripted provider does with a call.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Answer(u16, Vec<(&'static str, String)>, Bytes),
    Fail(HttpErrorKind),
    Hang,
    After(Duration, Box<Reply>),
}

impl Reply {
    pub(super) fn json(body: &Value) -> Self {
        Self::text(200, "application/json", &body.to_string())
    }

    pub(super) fn text(status: u16, media_type: &str, body: &str) -> Self {
        let body = Bytes::from(body.to_owned());
        Self::Answer(status, vec![("content-type", media_type.to_owned())], body)
    }

    pub(super) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer(_, headers, _) = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// Answers by path, and remembers what it was asked.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeHttp(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    replies: HashMap<String, Reply>,
    calls: Vec<http::Request<Bytes>>,
}

impl FakeHttp {
    pub(super) fn on(&self, path: &str, reply: Reply) {
        let mut script = self.0.lock().unwrap();
        script.replies.insert(path.to_owned(), reply);
    }

    pub(super) fn calls(&self, path: &str) -> Vec<http::Request<Bytes>> {
        let script = self.0.lock().unwrap();
        let calls = script.calls.iter();
        calls
            .filter(|call| call.uri().path() == path)
            .cloned()
            .collect()
    }
}

impl HttpClient for FakeHttp {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        let mut script = self.0.lock().unwrap();
        let reply = script.replies.get(request.uri().path()).cloned();
        script.calls.push(request);
        Box::pin(perform(reply.expect("a path that is in the script")))
    }
}

async fn perform(mut reply: Reply) -> Result<http::Response<Bytes>, HttpError> {
    loop {
        match reply {
            Reply::After(delay, next) => {
                tokio::time::sleep(delay).await;
                reply = *next;
            }
            Reply::Hang => std::future::pending().await,
            Reply::Fail(kind) => return Err(HttpError::new(kind)),
            Reply::Answer(status, headers, body) => {
                let mut answer = http::Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, value);
                }
                return Ok(answer.body(body).unwrap());
            }
        }
    }
}

/// An Ed25519 key that was made for one test.
#[derive(Clone)]
pub(super) struct TestKey {
    kid: Option<&'static str>,
    pkcs8: Vec<u8>,
}

impl TestKey {
    pub(super) fn new(kid: &'static str) -> Self {
        // RFC 8410 section 7: PrivateKeyInfo around the 32 bytes.
        let header = [
            0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
        ];
        Self {
            kid: Some(kid),
            pkcs8: [&header[..], &random::<32>()].concat(),
        }
    }

    pub(super) fn without_kid(&self) -> Self {
        Self {
            kid: None,
            ..self.clone()
        }
    }

    pub(super) fn jwk(&self) -> Value {
        let utils = &backend::DEFAULT_PROVIDER.key_utils;
        let x = (utils.ed_pub_components_from_private_key)(&self.pkcs8, &EllipticCurve::Ed25519);
        let mut jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(&x.unwrap()) });
        if let Some(kid) = self.kid {
            jwk["kid"] = kid.into();
        }
        jwk
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        let mut header = json!({ "alg": "EdDSA" });
        if let Some(kid) = self.kid {
            header["kid"] = kid.into();
        }
        let input = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes())
        );
        let key = EncodingKey::from_ed_der(&self.pkcs8);
        let signature = sign(Algorithm::EdDSA, &key, input.as_bytes()).unwrap();
        format!("{input}.{}", base64url(&signature))
    }
}

pub(super) fn key_set(keys: &[&TestKey]) -> Reply {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    Reply::json(&json!({ "keys": keys }))
}

pub(super) fn metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://idp.example.com/oauth/authorize?tenant=acme",
        "token_endpoint": "https://idp.example.com/oauth/token",
        "jwks_uri": "https://idp.example.com/keys",
        "userinfo_endpoint": "https://idp.example.com/me",
        "end_session_endpoint": "https://idp.example.com/logout?tenant=acme",
        "id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "EdDSA"],
    })
}

pub(super) fn metadata_with(name: &str, value: Value) -> Value {
    let mut metadata = metadata();
    metadata[name] = value;
    metadata
}

pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": CLIENT, "exp": NOW + 300, "iat": NOW,
        "nonce": NONCE, "amr": ["pwd", "otp"],
    })
}

pub(super) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(super) fn tokens(id_token: &str) -> Reply {
    Reply::json(&json!({
        "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300,
        "id_token": id_token,
    }))
}

pub(super) fn grant() -> CodeGrant {
    CodeGrant {
        code: CODE.into(),
        redirect_uri: "https://app.example.com/auth/callback".to_owned(),
        code_verifier: VERIFIER.into(),
        nonce: NONCE.to_owned(),
        max_age: None,
        selectors: crate::provider::Selectors::default(),
    }
}

/// A provider that answers rightly to everything, and a client of it.
pub(super) struct Idp {
    pub(super) http: FakeHttp,
    pub(super) clock: TestClock,
    pub(super) key: TestKey,
}

impl Idp {
    pub(super) fn new() -> Self {
        let (http, key) = (FakeHttp::default(), TestKey::new("k1"));
        http.on(CONFIGURATION, Reply::json(&metadata()));
        http.on(JWKS, key_set(&[&key]));
        http.on(TOKEN, tokens(&key.sign(&claims())));
        http.on(
            USERINFO,
            Reply::json(&json!({ "sub": "alice", "email": "alice@example.com" })),
        );
        Self {
            http,
            clock: TestClock::at(NOW),
            key,
        }
    }

    pub(super) fn config(&self) -> OidcConfig {
        let issuer = Issuer::parse(ISSUER).unwrap();
        let mut config = OidcConfig::new(issuer, CLIENT);
        config.client_secret = Some(SECRET.into());
        config
    }

    pub(super) fn provider(&self) -> OidcProvider {
        self.provider_with(self.config())
    }

    pub(super) fn provider_with(&self, config: OidcConfig) -> OidcProvider {
        OidcProvider::new(
            config,
            Arc::new(self.http.clone()),
            Arc::new(self.clock.clone()),
        )
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        assert!(self.clock.now().0 >= NOW);
    }
}
