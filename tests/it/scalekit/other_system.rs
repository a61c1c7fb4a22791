//! What signs people in beside Scalekit: the shape of three systems' tokens, and the layer that an app has for them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};
use serde_json::{Value, json};
use tower_sso::clock::{Clock as _, TestClock};

/// The keys of the system, and those of somebody else. Made once: that takes a moment.
static KEYS: LazyLock<[KeyPair; 2]> =
    LazyLock::new(|| [(); 2].map(|()| KeyPair::generate(KeySize::Rsa2048).unwrap()));

/// Whom the other system signed in. The app's own layer leaves it in a request, and nothing else does.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) iss: String,
    pub(super) sub: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Auth0,
    Firebase,
    Cognito,
}

impl Kind {
    pub(super) fn issuer(self) -> &'static str {
        match self {
            Self::Auth0 => "https://acme.eu.auth0.com/",
            Self::Firebase => "https://session.firebase.google.com/acme-app",
            Self::Cognito => "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Acme",
        }
    }

    /// Where a browser goes to sign out there. Firebase has no session that a browser could be sent to.
    pub(super) fn logout(self) -> Option<&'static str> {
        match self {
            Self::Auth0 => Some("https://acme.eu.auth0.com/v2/logout"),
            Self::Firebase => None,
            Self::Cognito => Some("https://acme.auth.eu-west-1.amazoncognito.com/logout"),
        }
    }

    /// The cookie that brings the token; the others' come as `Authorization: Bearer`.
    pub(super) fn cookie(self) -> Option<&'static str> {
        (self == Self::Firebase).then_some("__session")
    }

    pub(super) fn claims(self, sub: &str, now: u64) -> Value {
        let mut claims = json!({
            "iss": self.issuer(), "sub": sub, "iat": now, "exp": now + 3600, "auth_time": now,
        });
        let own = match self {
            Self::Auth0 => json!({
                "aud": ["https://api.app.example.com", "https://acme.eu.auth0.com/userinfo"],
                "azp": "the-spa", "scope": "openid profile",
            }),
            Self::Firebase => json!({
                "aud": "acme-app", "user_id": sub, "email": "alice@example.com", "email_verified": true,
                "firebase": { "sign_in_provider": "password" },
            }),
            Self::Cognito => json!({
                "client_id": "the-app-client", "token_use": "access", "username": sub, "scope": "openid",
            }),
        };
        for (name, value) in own.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    /// Whom a token is for, by the vendor's own rule.
    fn is_for_us(self, claims: &Value) -> bool {
        match self {
            Self::Auth0 => {
                let audience = claims["aud"].as_array();
                audience.is_some_and(|all| all.contains(&json!("https://api.app.example.com")))
            }
            Self::Firebase => claims["aud"] == "acme-app",
            Self::Cognito => {
                claims["token_use"] == "access" && claims["client_id"] == "the-app-client"
            }
        }
    }
}

/// The other system, as the app knows it: its rules and its public key.
#[derive(Clone)]
pub(super) struct OtherSystem {
    pub(super) kind: Kind,
    clock: Arc<TestClock>,
}

impl OtherSystem {
    pub(super) fn new(kind: Kind, clock: &TestClock) -> Self {
        let clock = Arc::new(clock.clone());
        Self { kind, clock }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now().0
    }

    /// A token for somebody, valid for an hour.
    pub(super) fn token(&self, sub: &str) -> String {
        Self::signed(&self.kind.claims(sub, self.now()))
    }

    pub(super) fn signed(claims: &Value) -> String {
        sign(
            &KEYS[0],
            &json!({ "alg": "RS256", "typ": "JWT", "kid": "1" }),
            claims,
        )
    }

    /// Tokens that look like those of the system and are none.
    pub(super) fn forged(&self, sub: &str) -> Vec<(&'static str, String)> {
        let good = self.kind.claims(sub, self.now());
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            Self::signed(&claims)
        };
        let header = |alg| json!({ "alg": alg, "typ": "JWT" });
        let for_others = match self.kind {
            Kind::Auth0 => with("aud", json!(["https://api.other.example.com"])),
            Kind::Firebase => with("aud", json!("other-app")),
            Kind::Cognito => with("token_use", json!("id")),
        };
        vec![
            ("another's key", sign(&KEYS[1], &header("RS256"), &good)),
            ("no signature", sign(&KEYS[0], &header("none"), &good)),
            ("over", with("exp", json!(self.now() - 1))),
            (
                "another issuer",
                with("iss", json!("https://evil.example/")),
            ),
            ("for others", for_others),
        ]
    }

    fn verify(&self, token: &str) -> Option<Person> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let (header, claims) = (json(header)?, json(claims)?);
        let key = KEYS[0].public_key().as_ref();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?)
            .ok()?;
        let fits = header["alg"] == "RS256"
            && claims["iss"] == self.kind.issuer()
            && claims["exp"].as_u64()? > self.now()
            && self.kind.is_for_us(&claims);
        fits.then_some(Person {
            iss: self.kind.issuer().to_owned(),
            sub: claims["sub"].as_str()?.to_owned(),
        })
    }

    fn token_in<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        if let Some(name) = self.kind.cookie() {
            let fields = headers.get_all(header::COOKIE).iter();
            let mut pairs = fields
                .filter_map(|field| field.to_str().ok())
                .flat_map(|field| field.split("; "))
                .filter_map(|pair| pair.split_once('='));
            return pairs.find(|pair| pair.0 == name).map(|pair| pair.1);
        }
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        value.strip_prefix("Bearer ")
    }
}

fn sign(key: &KeyPair, header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The layer that the app had before.
pub(super) async fn authenticate(
    State(system): State<OtherSystem>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = system.token_in(request.headers());
    if let Some(person) = token.and_then(|token| system.verify(token)) {
        request.extensions_mut().insert(person);
    }
    next.run(request).await
}

/// The time that a session at the other system lasts.
pub(super) const LIFE: Duration = Duration::from_secs(3600);
