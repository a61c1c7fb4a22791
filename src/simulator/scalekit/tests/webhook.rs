//! Webhooks, checked by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::*;

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64, "a longer key would be hashed first");
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        for (slot, key) in block.iter_mut().zip(key) {
            *slot ^= key;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner);
    outer.finalize().to_vec()
}

/// Which of the signatures of a webhook this secret made.
fn made_by(webhook: &ScalekitWebhook, secret: &str) -> Vec<bool> {
    let headers = webhook.headers();
    let value = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (_, key) = secret.split_once('_').unwrap();
    let key = STANDARD.decode(key).unwrap();
    let message = format!(
        "{}.{}.{}",
        value("webhook-id"),
        value("webhook-timestamp"),
        webhook.body()
    );
    let expected = format!("v1,{}", STANDARD.encode(hmac(&key, message.as_bytes())));
    value("webhook-signature")
        .split(' ')
        .map(|signature| signature == expected)
        .collect()
}

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
const OLD: &str = "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk";

fn world() -> World {
    World::with(|builder| builder.webhook_secret(SECRET))
}

fn connection() -> Value {
    json!({"id": "conn_acme", "organization_id": "org_acme", "enabled": true})
}

#[test]
fn the_hmac_is_that_of_rfc_4231() {
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let hash = hmac(b"Jefe", b"what do ya want for nothing?");
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
}

#[test]
fn a_webhook_is_signed_over_id_time_and_body() {
    let world = world();
    let webhook = world
        .handle()
        .webhook("organization.sso_enabled", connection());
    assert_eq!(made_by(&webhook, SECRET), [true]);
    assert_eq!(made_by(&webhook, OLD), [false]);
    assert_eq!(webhook.headers()["webhook-timestamp"], START.to_string());
    assert_eq!(webhook.headers()["webhook-id"], webhook.id());
    let body: Value = serde_json::from_str(webhook.body()).unwrap();
    for (name, value) in [
        ("type", json!("organization.sso_enabled")),
        ("spec_version", json!("1")),
        ("object", json!("Connection")),
        ("organization_id", json!("org_acme")),
        ("occurred_at", json!("2027-01-15T08:00:00Z")),
        ("data", connection()),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    let data = json!({"id": "org_acme"});
    let webhook = world.handle().webhook("organization.updated", data);
    let body: Value = serde_json::from_str(webhook.body()).unwrap();
    assert_eq!(
        (&body["object"], &body["organization_id"]),
        (&json!("Organization"), &json!("org_acme"))
    );
}

#[test]
fn a_webhook_can_be_late_early_and_signed_by_others() {
    let world = world();
    let webhook = || {
        world
            .handle()
            .webhook("organization.sso_enabled", connection())
    };
    let at = |webhook: &ScalekitWebhook| webhook.headers()["webhook-timestamp"].clone();
    let late = webhook().late(301 * SECOND);
    assert_eq!(at(&late), (START - 301).to_string());
    assert_eq!(made_by(&late, SECRET), [true], "signed as it is sent");
    let early = webhook().early(301 * SECOND);
    assert_eq!(at(&early), (START + 301).to_string());
    let wrong = webhook().signed_with(OLD);
    assert_eq!(made_by(&wrong, SECRET), [false]);
    assert_eq!(made_by(&wrong, OLD), [true]);
    let both = webhook().also_signed_with(OLD);
    assert_eq!(made_by(&both, OLD), [true, false]);
    assert_eq!(made_by(&both, SECRET), [false, true]);
}

#[test]
fn a_secret_is_made_where_none_is_given() {
    let (one, other) = (World::new(), World::new());
    let secret = |world: &World| world.handle().webhook_secret().expose().clone();
    assert!(secret(&one).starts_with("whsec_"));
    assert_ne!(secret(&one), secret(&other));
    let webhook = one
        .handle()
        .webhook("organization.sso_enabled", connection());
    assert_eq!(made_by(&webhook, &secret(&one)), [true]);
}
