//! What a webhook tells.

use serde_json::{Map, Value};

use crate::clock::SecondsSinceEpoch;
use crate::oidc::json;
use crate::oidc::text::clean;
use crate::vendor::scalekit::timestamp;
use crate::{Error, Result};

const LONGEST_ID: usize = 256;
/// Larger than any event that is documented.
pub(super) const LARGEST: usize = 256 * 1024;

/// An event of Scalekit, out of the body of a webhook.
///
/// ```
/// use tower_sso::vendor::scalekit::WebhookEvent;
///
/// let event = WebhookEvent::parse(
///     br#"{"type":"organization.sso_enabled","id":"evt_1","organization_id":"org_1","data":{"id":"conn_1"}}"#,
/// )?;
/// assert_eq!(event.event_type, "organization.sso_enabled");
/// assert_eq!(event.data["id"], "conn_1");
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// What happened (`type`), as `organization.sso_enabled`.
    pub event_type: String,
    /// The id of the event. It is another than that of the message.
    pub id: Option<String>,
    /// Whose event it is.
    pub organization_id: Option<String>,
    /// What it is about (`object`), as `Connection`.
    pub object: Option<String>,
    /// When it happened.
    pub occurred_at: Option<SecondsSinceEpoch>,
    /// The particulars; empty where there are none. Whoever can change a connection or a directory has a hand
    /// in what they say: escape them on a page.
    pub data: Map<String, Value>,
}

impl WebhookEvent {
    /// Reads a body whose signature holds. Names that are not known are passed over, and of those that are known
    /// only `type` must be there.
    ///
    /// # Errors
    /// [`ErrorKind::Provider`](crate::ErrorKind::Provider): no JSON object, one with a name that comes twice, no
    /// `type`, or more than 256 KiB.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let malformed = || Error::provider("the body of the webhook is no event");
        if body.len() > LARGEST {
            return Err(malformed());
        }
        let mut body = json::object(body).ok_or_else(malformed)?;
        let text = |name: &str| {
            let text = clean(body.get(name)?.as_str()?, LONGEST_ID);
            (!text.is_empty()).then_some(text)
        };
        Ok(Self {
            event_type: text("type").ok_or_else(malformed)?,
            id: text("id"),
            organization_id: text("organization_id"),
            object: text("object"),
            occurred_at: body.get("occurred_at").and_then(timestamp::read),
            data: match body.remove("data") {
                Some(Value::Object(data)) => data,
                _ => Map::new(),
            },
        })
    }
}
