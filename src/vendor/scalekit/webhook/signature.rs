//! Whether a webhook comes from Scalekit, and comes now: pure.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use super::secret::WebhookSecret;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::hmac_sha256;
use crate::secret::constant_time_eq;
use crate::{Error, Result};

/// How far the time of a webhook may be from ours, both ways.
pub(super) const TOLERANCE: Duration = Duration::from_secs(300);

const LONGEST_ID: usize = 256;
/// Scalekit sends one signature for each secret that is in use: two while they are rotated.
const MOST_SIGNATURES: usize = 8;
const LONGEST_SIGNATURES: usize = 1_024;

/// What a webhook's headers say, once the signature over them holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The id of the message (`webhook-id`). It stays the same when Scalekit sends it again.
    pub id: String,
    /// When it was sent (`webhook-timestamp`).
    pub at: SecondsSinceEpoch,
}

/// Checks the signature of a webhook over its raw body, and its time.
///
/// Several secrets are for the time of a rotation: any of them may have signed. That a webhook is new is not
/// looked at: [`Webhooks`](super::Webhooks) does.
///
/// ```
/// use tower_sso::clock::{Clock, SystemClock};
/// use tower_sso::vendor::scalekit::{WebhookSecret, verify_webhook};
///
/// let secrets = [WebhookSecret::parse("whsec_c2l4dGVlbi1ieXRlcy1vci1tb3Jl")?];
/// let forged = http::HeaderMap::new();
/// verify_webhook(&secrets, &forged, b"{}", SystemClock.now()).unwrap_err();
/// # Ok::<(), tower_sso::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Request`](crate::ErrorKind::Request): a header is missing, comes twice or is malformed, no
/// signature fits, or the time is more than 5 minutes away. Answer 401.
pub fn verify_webhook(
    secrets: &[WebhookSecret],
    headers: &HeaderMap,
    raw_body: &[u8],
    now: SecondsSinceEpoch,
) -> Result<Verified> {
    let id = only(headers, "webhook-id")?;
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::request("the webhook-id is none"));
    }
    let timestamp = only(headers, "webhook-timestamp")?;
    let at = seconds(timestamp).ok_or_else(|| Error::request("the webhook-timestamp is none"))?;
    let signatures = only(headers, "webhook-signature")?;
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", raw_body];
    if !is_signed(secrets, signatures, &parts) {
        return Err(Error::request("no signature of the webhook fits"));
    }
    if now.since(at) > TOLERANCE || at.since(now) > TOLERANCE {
        return Err(Error::request("the webhook was sent at another time"));
    }
    Ok(Verified {
        id: id.to_owned(),
        at,
    })
}

/// A header that comes once: of two, the next reader may take the other one.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (Some(Ok(value)), None) => Ok(value),
        _ => Err(Error::request(format!("{name} must be there once"))),
    }
}

/// Digits only: `parse` alone would take `+1`.
fn seconds(text: &str) -> Option<SecondsSinceEpoch> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        .then_some(text)?
        .parse()
        .ok()
        .map(SecondsSinceEpoch)
}

/// `v1,<base64>`, several parted by spaces. Those of other versions are not for us.
fn is_signed(secrets: &[WebhookSecret], signatures: &str, parts: &[&[u8]]) -> bool {
    if signatures.len() > LONGEST_SIGNATURES {
        return false;
    }
    let given: Vec<Vec<u8>> = signatures
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .take(MOST_SIGNATURES)
        .collect();
    secrets.iter().any(|secret| {
        let expected = hmac_sha256(secret.key(), parts);
        given.iter().any(|given| constant_time_eq(given, &expected))
    })
}
