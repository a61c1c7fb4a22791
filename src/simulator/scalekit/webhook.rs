//! Webhooks: what is sent, and how it is signed.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::time::rfc3339;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{random, random_token, sign};
use crate::secret::Secret;

/// The environment's id in webhooks.
const ENVIRONMENT_ID: &str = "env_simulated";

/// A key for signatures.
#[derive(Clone)]
pub(super) struct WebhookKey {
    bytes: Vec<u8>,
    secret: Secret,
}

impl WebhookKey {
    /// The key is the base64 after the secret's first `_`.
    pub(super) fn parse(secret: &Secret) -> Option<Self> {
        let (_, encoded) = secret.expose().split_once('_')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let secret = secret.clone();
        Some(Self { bytes, secret })
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    fn sign(&self, message: &str) -> String {
        let key = EncodingKey::from_secret(&self.bytes);
        let signature = sign(Algorithm::HS256, &key, message.as_bytes());
        format!("v1,{}", STANDARD.encode(signature.unwrap_or_default()))
    }
}

/// A secret that nobody can guess.
pub(super) fn random_secret() -> Secret {
    Secret::new(format!("whsec_{}", STANDARD.encode(random::<32>())))
}

/// A webhook as it would be posted: [`headers`](Self::headers) and [`body`](Self::body).
///
/// Made by [`ScalekitHandle::webhook`](super::ScalekitHandle::webhook), signed with the environment's secret at
/// the time of its clock. The signature is made last: what is changed here is signed.
///
/// ```
/// use tower_sso::simulator::ScalekitSimulator;
///
/// let simulator = ScalekitSimulator::demo("http://127.0.0.1:3001", "http://127.0.0.1:3000");
/// let data = serde_json::json!({"id": "conn_example_okta", "organization_id": "org_example"});
/// let webhook = simulator.handle().webhook("organization.sso_enabled", data);
/// assert!(webhook.headers()["webhook-signature"].to_str().unwrap().starts_with("v1,"));
/// ```
#[derive(Clone)]
#[must_use = "a webhook is not sent by itself"]
pub struct ScalekitWebhook {
    id: String,
    at: SecondsSinceEpoch,
    body: String,
    keys: Vec<WebhookKey>,
}

impl ScalekitWebhook {
    pub(super) fn new(
        event_type: &str,
        data: &Value,
        at: SecondsSinceEpoch,
        key: WebhookKey,
    ) -> Self {
        let id = data["id"].as_str().unwrap_or_default();
        let (object, own_id) = match id.split_once('_') {
            Some(("conn", _)) => ("Connection", None),
            Some(("dir", _)) => ("Directory", None),
            _ => ("Organization", Some(id)),
        };
        let organization = data["organization_id"].as_str().or(own_id);
        let body = json!({
            "spec_version": "1",
            "id": format!("evt_{}", random_token()),
            "object": object,
            "environment_id": ENVIRONMENT_ID,
            "occurred_at": rfc3339(at),
            "organization_id": organization,
            "type": event_type,
            "data": data,
        });
        Self {
            id: format!("msg_{}", random_token()),
            at,
            body: body.to_string(),
            keys: vec![key],
        }
    }

    /// Sent so long ago.
    pub fn late(mut self, by: Duration) -> Self {
        self.at = self.at.minus(by);
        self
    }

    /// Sent so far in the future.
    pub fn early(mut self, by: Duration) -> Self {
        self.at = self.at.plus(by);
        self
    }

    /// Signed with another secret alone: a wrong one, or the old one.
    ///
    /// # Panics
    /// If the secret has no base64 after its `_`.
    pub fn signed_with(mut self, secret: impl Into<Secret>) -> Self {
        self.keys.clear();
        self.also_signed_with(secret)
    }

    /// Signed with another secret too; its signature comes first, as while a secret is changed.
    ///
    /// # Panics
    /// If the secret has no base64 after its `_`.
    pub fn also_signed_with(mut self, secret: impl Into<Secret>) -> Self {
        let key = WebhookKey::parse(&secret.into());
        let key = key.expect("the secret for webhooks is whsec_ and base64");
        self.keys.insert(0, key);
        self
    }

    /// `webhook-id`, `webhook-timestamp`, `webhook-signature` and the type of the content.
    ///
    /// The signature is HMAC-SHA256 over `{id}.{timestamp}.{body}`, as `v1,` and base64; several are separated
    /// by spaces.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let message = format!("{}.{}.{}", self.id, self.at.0, self.body);
        let signatures: Vec<String> = self.keys.iter().map(|key| key.sign(&message)).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("webhook-id", self.id.clone()),
            ("webhook-timestamp", self.at.0.to_string()),
            ("webhook-signature", signatures.join(" ")),
        ] {
            let value = HeaderValue::try_from(value).expect("ids, numbers and base64 are ASCII");
            headers.insert(name, value);
        }
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        headers
    }

    /// The body, byte for byte as it was signed.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The id of the delivery; the same each time it is tried.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for ScalekitWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScalekitWebhook")
            .field("id", &self.id)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
