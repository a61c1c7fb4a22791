//! A scripted HTTP client, and the keys and tokens of the environment that it plays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::clock::TestClock;
use crate::crypto::{PublicKey, SigningKey, base64url, sha256, sign};
use crate::provider::{CodeGrant, HttpClient, HttpError, Identity, Provider as _, Selectors};
use crate::vendor::scalekit::{Scalekit, ScalekitConfig};
use crate::{Error, Result};

pub(super) const ENVIRONMENT: &str = "https://acme.scalekit.example";
pub(super) const CLIENT: &str = "skc_1";
pub(super) const SECRET: &str = "cl1ent-s3cr3t";
pub(super) const CODE: &str = "c0de-of-ada";
pub(super) const ACCESS_TOKEN: &str = "at-of-ada";
pub(super) const NONCE: &str = "n-1";
pub(super) const NOW: u64 = 1_700_000_000;

pub(super) const CONFIGURATION: &str = "/.well-known/openid-configuration";
pub(super) const KEYS: &str = "/keys";
pub(super) const TOKEN: &str = "/oauth/token";

/// Answers by path with a status and a body, again and again.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeHttp(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    replies: HashMap<String, (u16, Bytes)>,
    calls: Vec<http::Request<Bytes>>,
}

impl HttpClient for FakeHttp {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        let mut script = self.0.lock().unwrap();
        assert!(request.uri().to_string().starts_with(ENVIRONMENT));
        let (status, body) = script.replies[request.uri().path()].clone();
        script.calls.push(request);
        let answer = http::Response::builder()
            .status(status)
            .header("content-type", "application/json");
        Box::pin(async move { Ok(answer.body(body).unwrap()) })
    }
}

/// Signs by RS256; made once, for making one takes its time.
pub(super) fn key(number: usize) -> &'static SigningKey {
    static KEYS: [OnceLock<SigningKey>; 2] = [OnceLock::new(), OnceLock::new()];
    KEYS[number].get_or_init(|| SigningKey::generate(Algorithm::RS256).unwrap())
}

pub(super) fn key_set(keys: &[(&str, &SigningKey)]) -> Value {
    let keys = keys.iter().map(|(kid, key)| {
        let PublicKey::Rsa { n, e } = &key.public else {
            panic!("an RSA key");
        };
        json!({ "kty": "RSA", "kid": kid, "n": base64url(n), "e": base64url(e) })
    });
    json!({ "keys": keys.collect::<Vec<_>>() })
}

/// A token with just this header, signed with a key of the environment.
pub(super) fn with_header(header: &Value, claims: &Value) -> String {
    of_texts(&header.to_string(), &claims.to_string())
}

/// A token with this text for its claims.
pub(super) fn signed_text(claims: &str) -> String {
    of_texts(&json!({ "alg": "RS256", "kid": "k1" }).to_string(), claims)
}

fn of_texts(header: &str, claims: &str) -> String {
    let input = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(claims.as_bytes())
    );
    let signature = sign(Algorithm::RS256, &key(0).private, input.as_bytes()).unwrap();
    format!("{input}.{}", base64url(&signature))
}

pub(super) fn signed(claims: &Value) -> String {
    with_header(&json!({ "alg": "RS256", "kid": "k1" }), claims)
}

/// The same header and claims, with a key that the environment does not have.
pub(super) fn forged(kid: &str, claims: &Value) -> String {
    let header = json!({ "alg": "RS256", "kid": kid });
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let input = format!("{}.{}", part(&header), part(claims));
    let signature = sign(Algorithm::RS256, &key(1).private, input.as_bytes()).unwrap();
    format!("{input}.{}", base64url(&signature))
}

/// The claims with some changed, or taken out by `null`.
pub(super) fn bent(mut claims: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("claims by their names")
    };
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    claims
}

fn half_hash(text: &str) -> String {
    base64url(&sha256(text.as_bytes())[..16])
}

/// The claims of an ID token, as the vendor's sample has them: without `nonce`.
pub(super) fn claims() -> Value {
    json!({
        "iss": ENVIRONMENT, "sub": "conn_1;idp|ada", "aud": [CLIENT], "azp": CLIENT, "exp": NOW + 300, "iat": NOW,
        "amr": ["conn_1"], "oid": "org_1", "sid": "ses_1", "at_hash": half_hash(ACCESS_TOKEN),
        "c_hash": half_hash(CODE), "email": "ada@acme.example", "given_name": "Ada", "family_name": "Lovelace",
        "employee_number": "1729",
    })
}

pub(super) fn tokens(id_token: &str) -> Value {
    json!({
        "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
    })
}

pub(super) fn organization(id: &str) -> Selectors {
    Selectors {
        organization: Some(id.to_owned()),
        ..Selectors::default()
    }
}

pub(super) fn connection(id: &str) -> Selectors {
    Selectors {
        connection: Some(id.to_owned()),
        ..Selectors::default()
    }
}

pub(super) fn grant(selectors: Selectors) -> CodeGrant {
    CodeGrant {
        code: CODE.into(),
        redirect_uri: "https://app.example.com/auth/callback".to_owned(),
        code_verifier: "verifier-of-ada-verifier-of-ada-verifier-of".into(),
        nonce: NONCE.to_owned(),
        max_age: None,
        selectors,
    }
}

/// An environment that answers rightly to everything, and a client of it.
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
        vendor.on(CONFIGURATION, &metadata());
        vendor.on(KEYS, &key_set(&[("k1", key(0))]));
        vendor.on(TOKEN, &tokens(&signed(&claims())));
        vendor
    }

    pub(super) fn on(&self, path: &str, body: &Value) {
        self.answer(path, 200, body);
    }

    pub(super) fn answer(&self, path: &str, status: u16, body: &Value) {
        let mut script = self.http.0.lock().unwrap();
        let body = Bytes::from(body.to_string());
        script.replies.insert(path.to_owned(), (status, body));
    }

    /// The next ID tokens are these claims, signed.
    pub(super) fn issues(&self, claims: &Value) {
        self.on(TOKEN, &tokens(&signed(claims)));
    }

    pub(super) fn calls(&self, path: &str) -> Vec<http::Request<Bytes>> {
        let script = self.http.0.lock().unwrap();
        let calls = script.calls.iter();
        calls
            .filter(|call| call.uri().path() == path)
            .cloned()
            .collect()
    }

    pub(super) fn config(&self) -> ScalekitConfig {
        ScalekitConfig::new(ENVIRONMENT, CLIENT, SECRET)
    }

    pub(super) fn scalekit(&self) -> Scalekit {
        self.scalekit_with(self.config())
    }

    pub(super) fn scalekit_with(&self, config: ScalekitConfig) -> Scalekit {
        let scalekit = Scalekit::with_http_client(config, Arc::new(self.http.clone())).unwrap();
        scalekit.with_clock(Arc::new(self.clock.clone()))
    }

    pub(super) async fn redeem(&self, selectors: Selectors) -> Result<Identity> {
        self.scalekit().redeem(grant(selectors)).await
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(super) fn metadata() -> Value {
    json!({
        "issuer": ENVIRONMENT,
        "authorization_endpoint": format!("{ENVIRONMENT}/oauth/authorize"),
        "token_endpoint": format!("{ENVIRONMENT}/oauth/token"),
        "jwks_uri": format!("{ENVIRONMENT}/keys"),
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })
}

pub(super) fn form(call: &http::Request<Bytes>) -> HashMap<String, String> {
    form_urlencoded::parse(call.body()).into_owned().collect()
}

/// Which check failed.
pub(super) fn fault(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
