//! A scripted HTTP client, and the keys and tokens of the Mosaic that it plays.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::clock::TestClock;
use crate::crypto::{PublicKey, SigningKey, base64url, sign};
use crate::provider::{
    BackendAnswer, BackendAuthentication, BackendSession, BackendSessions as _, ClientAttributes,
    HttpClient, HttpError, HttpErrorKind,
};
use crate::vendor::mosaic::{Mosaic, MosaicConfig, Region};
use crate::{Error, Result};

pub(super) const API: &str = "https://api.mosaic.example";
pub(super) const ISSUER: &str = "https://mosaic.example";
pub(super) const CLIENT: &str = "my-app";
pub(super) const CLIENT_SECRET: &str = "cl1ent-s3cr3t";
pub(super) const SESSION: &str = "sess10n-of-ada";
pub(super) const NOW: u64 = 1_700_000_000;

pub(super) const TOKEN: &str = "/oidc/token";
pub(super) const KEYS: &str = "/cis/oidc/jwks";
pub(super) const AUTHENTICATE: &str = "/cis/v1/auth/session/authenticate";
pub(super) const LOGOUT: &str = "/cis/v1/auth/session/logout";
pub(super) const REFRESH: &str = "/cis/v1/auth/token/refresh";
pub(super) const PASSWORD: &str = "/cis/v1/auth/password/authenticate";

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Answer(u16, Vec<(&'static str, String)>, Bytes),
    Fail(HttpErrorKind),
    Hang,
    After(Duration, Box<Reply>),
}

impl Reply {
    pub(super) fn new(status: u16, body: &str) -> Self {
        Self::Answer(status, Vec::new(), Bytes::from(body.to_owned()))
    }

    pub(super) fn json(body: &Value) -> Self {
        Self::new(200, &body.to_string())
    }

    pub(super) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer(_, headers, _) = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// Answers by path, one after the other; the last answer repeats.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeHttp(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    replies: HashMap<String, VecDeque<Reply>>,
    calls: Vec<http::Request<Bytes>>,
}

impl HttpClient for FakeHttp {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        let mut script = self.0.lock().unwrap();
        assert!(request.uri().to_string().starts_with(API));
        let replies = script.replies.get_mut(request.uri().path());
        let replies = replies.expect("a path that is in the script");
        let reply = match replies.len() {
            1 => replies[0].clone(),
            _ => replies.pop_front().expect("a reply"),
        };
        script.calls.push(request);
        Box::pin(perform(reply))
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

/// Signs by RS256; made once, for making one takes its time.
pub(super) fn key(number: usize) -> &'static SigningKey {
    static KEYS: [OnceLock<SigningKey>; 2] = [OnceLock::new(), OnceLock::new()];
    KEYS[number].get_or_init(|| SigningKey::generate(Algorithm::RS256).unwrap())
}

pub(super) fn key_set(keys: &[(&str, &SigningKey)]) -> Reply {
    let keys = keys.iter().map(|(kid, key)| {
        let PublicKey::Rsa { n, e } = &key.public else {
            panic!("an RSA key");
        };
        json!({ "kty": "RSA", "kid": kid, "n": base64url(n), "e": base64url(e) })
    });
    Reply::json(&json!({ "keys": keys.collect::<Vec<_>>() }))
}

pub(super) fn signed(kid: &str, key: &SigningKey, claims: &Value) -> String {
    let header = json!({ "alg": "RS256", "kid": kid });
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let input = format!("{}.{}", part(&header), part(claims));
    let signature = sign(Algorithm::RS256, &key.private, input.as_bytes()).unwrap();
    format!("{input}.{}", base64url(&signature))
}

pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "ada", "aud": CLIENT, "exp": NOW + 3_600, "iat": NOW,
        "auth_time": NOW - 10, "amr": ["pwd"], "tid": "acme",
    })
}

pub(super) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(super) fn id_token(claims: &Value) -> String {
    signed("k1", key(0), claims)
}

/// The body of an answer with tokens.
pub(super) fn tokens(id_token: &str) -> Value {
    json!({
        "access_token": "at-of-ada", "refresh_token": "rt-of-ada", "token_type": "Bearer",
        "expires_in": 3_600, "session_id": SESSION, "id_token": id_token,
    })
}

pub(super) fn tokens_with(name: &str, value: Value) -> Value {
    let mut tokens = tokens(&id_token(&claims()));
    if value.is_null() {
        tokens.as_object_mut().unwrap().remove(name);
    } else {
        tokens[name] = value;
    }
    tokens
}

pub(super) fn client_token(number: u32) -> Reply {
    Reply::json(&json!({
        "access_token": format!("client-token-{number}"), "token_type": "Bearer", "expires_in": 3_600,
    }))
}

/// A Mosaic that answers rightly to everything, and a client of it.
pub(super) struct Vendor {
    pub(super) http: FakeHttp,
    pub(super) clock: TestClock,
}

impl Vendor {
    pub(super) fn new() -> Self {
        let vendor = Self {
            http: FakeHttp::default(),
            clock: TestClock::at(NOW),
        };
        vendor.on(TOKEN, client_token(1));
        vendor.on(KEYS, key_set(&[("k1", key(0))]));
        let good = Reply::json(&tokens(&id_token(&claims())));
        vendor.on(AUTHENTICATE, good.clone());
        vendor.on(PASSWORD, good.clone());
        vendor.on(REFRESH, good);
        vendor.on(LOGOUT, Reply::new(204, ""));
        vendor
    }

    /// From now on, and again and again.
    pub(super) fn on(&self, path: &str, reply: Reply) {
        let mut script = self.http.0.lock().unwrap();
        script.replies.insert(path.to_owned(), [reply].into());
    }

    /// After what is in the script for this path.
    pub(super) fn then(&self, path: &str, reply: Reply) {
        let mut script = self.http.0.lock().unwrap();
        script.replies.get_mut(path).unwrap().push_back(reply);
    }

    pub(super) fn calls(&self, path: &str) -> Vec<http::Request<Bytes>> {
        let script = self.http.0.lock().unwrap();
        let calls = script.calls.iter();
        let calls = calls.filter(|call| call.uri().path() == path);
        calls.cloned().collect()
    }

    pub(super) fn all_calls(&self) -> usize {
        self.http.0.lock().unwrap().calls.len()
    }

    pub(super) fn config(&self) -> MosaicConfig {
        MosaicConfig::new(Region::custom(API, ISSUER).unwrap(), CLIENT, CLIENT_SECRET)
    }

    pub(super) fn mosaic(&self) -> Mosaic {
        self.mosaic_with(self.config())
    }

    pub(super) fn mosaic_with(&self, config: MosaicConfig) -> Mosaic {
        let mosaic = Mosaic::with_http_client(config, Arc::new(self.http.clone())).unwrap();
        mosaic.with_clock(Arc::new(self.clock.clone()))
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(super) fn silent() -> BackendAuthentication {
    BackendAuthentication {
        session_id: SESSION.into(),
        client: ClientAttributes::default(),
    }
}

/// One silent authentication that must sign in.
pub(super) async fn signed_in(mosaic: &Mosaic) -> BackendSession {
    match mosaic.authenticate(silent()).await.unwrap() {
        BackendAnswer::SignedIn(session) => *session,
        BackendAnswer::NotFound => panic!("there is a session"),
    }
}

/// One silent authentication that must fail.
pub(super) async fn failed(mosaic: &Mosaic) -> Error {
    let answer = mosaic.authenticate(silent()).await;
    answer.expect_err("an answer that says nothing")
}

pub(super) fn body_of(call: &http::Request<Bytes>) -> Value {
    serde_json::from_slice(call.body()).unwrap()
}
