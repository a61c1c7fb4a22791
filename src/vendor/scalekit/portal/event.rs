//! What the portal tells the page around it.

use std::fmt;

use serde_json::{Map, Value};

use super::super::management::origin_of;
use crate::oidc::json;
use crate::oidc::text::clean;
use crate::{Error, Result};

/// What the listener sends at most, with room to spare.
const LARGEST: usize = 64 * 1024;
const LONGEST_TEXT: usize = 1_024;
const LONGEST_NAME: usize = 64;

/// What happened in the portal (`event_type`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PortalEventType {
    /// `ORGANIZATION_SSO_ENABLED`: a connection was switched on.
    SsoEnabled,
    /// `ORGANIZATION_SSO_DISABLED`: a connection was switched off.
    SsoDisabled,
    /// `ORGANIZATION_DIRECTORY_ENABLED`: directory sync was switched on.
    DirectoryEnabled,
    /// `ORGANIZATION_DIRECTORY_DISABLED`: directory sync was switched off.
    DirectoryDisabled,
    /// `PORTAL_LOAD_SUCCESS`: the portal is there.
    LoadSuccess,
    /// `PORTAL_LOAD_FAILURE`: it could not be loaded; a link that was used or is too old, as a rule.
    LoadFailure,
    /// `PORTAL_SESSION_WARNING`: its session ends soon.
    SessionWarning,
    /// `PORTAL_SESSION_EXPIRY`: its session has ended. A new link opens it again.
    SessionExpiry,
    /// One that this version does not know.
    Other(String),
}

impl PortalEventType {
    /// Capitals, digits and underscores: anything else is no name of an event.
    fn read(name: &str) -> Option<Self> {
        let is_name = (1..=LONGEST_NAME).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        is_name.then(|| match name {
            "ORGANIZATION_SSO_ENABLED" => Self::SsoEnabled,
            "ORGANIZATION_SSO_DISABLED" => Self::SsoDisabled,
            "ORGANIZATION_DIRECTORY_ENABLED" => Self::DirectoryEnabled,
            "ORGANIZATION_DIRECTORY_DISABLED" => Self::DirectoryDisabled,
            "PORTAL_LOAD_SUCCESS" => Self::LoadSuccess,
            "PORTAL_LOAD_FAILURE" => Self::LoadFailure,
            "PORTAL_SESSION_WARNING" => Self::SessionWarning,
            "PORTAL_SESSION_EXPIRY" => Self::SessionExpiry,
            other => Self::Other(other.to_owned()),
        })
    }

    /// The name that it has on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SsoEnabled => "ORGANIZATION_SSO_ENABLED",
            Self::SsoDisabled => "ORGANIZATION_SSO_DISABLED",
            Self::DirectoryEnabled => "ORGANIZATION_DIRECTORY_ENABLED",
            Self::DirectoryDisabled => "ORGANIZATION_DIRECTORY_DISABLED",
            Self::LoadSuccess => "PORTAL_LOAD_SUCCESS",
            Self::LoadFailure => "PORTAL_LOAD_FAILURE",
            Self::SessionWarning => "PORTAL_SESSION_WARNING",
            Self::SessionExpiry => "PORTAL_SESSION_EXPIRY",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for PortalEventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event of the portal, as the page around it passes it on.
///
/// It is a hint and no proof: whoever is signed in can make their browser send one. Look at
/// [`ScalekitManagement`](super::super::ScalekitManagement) or wait for the webhook before anything depends on it,
/// and take the organization from the session: `organization_id` is what the browser says.
///
/// ```
/// use tower_sso::vendor::scalekit::{PortalEvent, PortalEventType};
///
/// let event = PortalEvent::parse(br#"{"event_type":"PORTAL_SESSION_EXPIRY","message":"The session has ended"}"#)?;
/// assert_eq!(event.event_type, PortalEventType::SessionExpiry);
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PortalEvent {
    /// What happened.
    pub event_type: PortalEventType,
    /// What it is about, as `connection`.
    pub object: Option<String>,
    /// Whose it is said to be.
    pub organization_id: Option<String>,
    /// A sentence on it: escape it on a page.
    pub message: Option<String>,
    /// The particulars; empty where there are none.
    pub data: Map<String, Value>,
}

impl PortalEvent {
    /// Reads `{event_type, object, organization_id?, message, data}`. Only `event_type` must be there.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): no JSON object, no name of an event, or more than 64 KiB.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let malformed = || Error::request("the body is no event of the portal");
        if body.len() > LARGEST {
            return Err(malformed());
        }
        let mut body = json::object(body).ok_or_else(malformed)?;
        let name = body.get("event_type").and_then(Value::as_str);
        let event_type = name.and_then(PortalEventType::read).ok_or_else(malformed)?;
        let text = |name: &str| Some(clean(body.get(name)?.as_str()?, LONGEST_TEXT));
        Ok(Self {
            event_type,
            object: text("object"),
            organization_id: text("organization_id"),
            message: text("message"),
            data: match body.remove("data") {
                Some(Value::Object(data)) => data,
                _ => Map::new(),
            },
        })
    }
}

/// The receiver of what [`PortalPage::events_to`](super::PortalPage::events_to) sends: calls of the app's own page.
///
/// ```
/// use tower_sso::vendor::scalekit::PortalEvents;
///
/// let events = PortalEvents::from_pages_at("https://app.example.com")?;
/// let body = br#"{"event_type":"PORTAL_LOAD_SUCCESS"}"#;
/// events.check(Some("https://app.example.com"), body)?;
/// events.check(Some("https://evil.example"), body).unwrap_err();
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PortalEvents(String);

impl PortalEvents {
    /// A receiver for pages of this origin: the app's own.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): it is no origin of https, or of http on this
    /// machine.
    pub fn from_pages_at(origin: &str) -> Result<Self> {
        origin_of(origin).map(Self)
    }

    /// Reads an event out of a POST. `origin` is the request's `Origin` header, which browsers send with each.
    ///
    /// Put the route behind a [`RequireLayer`](crate::RequireLayer) too. What comes out is a hint: see
    /// [`PortalEvent`].
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request): it comes from a page of another origin or of none, or as
    /// [`PortalEvent::parse`].
    pub fn check(&self, origin: Option<&str>, body: &[u8]) -> Result<PortalEvent> {
        if origin != Some(&*self.0) {
            return Err(Error::request("the event comes from another site's page"));
        }
        PortalEvent::parse(body)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ErrorKind;

    #[test]
    fn each_name_is_itself_on_the_wire() {
        for name in [
            "ORGANIZATION_SSO_ENABLED",
            "ORGANIZATION_SSO_DISABLED",
            "ORGANIZATION_DIRECTORY_ENABLED",
            "ORGANIZATION_DIRECTORY_DISABLED",
            "PORTAL_LOAD_SUCCESS",
            "PORTAL_LOAD_FAILURE",
            "PORTAL_SESSION_WARNING",
            "PORTAL_SESSION_EXPIRY",
        ] {
            let event = PortalEventType::read(name).unwrap();
            assert!(!matches!(event, PortalEventType::Other(_)), "{name}");
            assert_eq!(event.as_str(), name);
        }
        let other = PortalEventType::read("PORTAL_2").unwrap();
        assert_eq!(other, PortalEventType::Other("PORTAL_2".to_owned()));
        for bad in [
            "",
            "portal_load",
            "PORTAL LOAD",
            "<B>",
            "É",
            &"A".repeat(65),
        ] {
            assert_eq!(PortalEventType::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_event_is_read_leniently_and_within_bounds() {
        let event = json!({
            "event_type": "ORGANIZATION_SSO_ENABLED", "object": "connection", "organization_id": "org_1",
            "message": "on\u{202e}\n", "data": { "id": "conn_1", "enabled": true }, "new": 1,
        });
        let event = PortalEvent::parse(event.to_string().as_bytes()).unwrap();
        assert_eq!(event.organization_id.as_deref(), Some("org_1"));
        assert_eq!(event.message.as_deref(), Some("on"));
        assert_eq!(event.data["id"], "conn_1");

        let odd =
            br#"{"event_type":"PORTAL_LOAD_FAILURE","object":1,"organization_id":null,"data":[]}"#;
        let odd = PortalEvent::parse(odd).unwrap();
        assert_eq!((odd.object, odd.organization_id), (None, None));
        assert!(odd.data.is_empty());

        let long = json!({ "event_type": "X", "message": "a".repeat(2_000) }).to_string();
        let long = PortalEvent::parse(long.as_bytes()).unwrap();
        assert_eq!(long.message.unwrap().len(), 1_024);

        let huge = json!({ "event_type": "X", "data": { "a": "a".repeat(65_536) } }).to_string();
        let twice = r#"{"event_type":"X","event_type":"Y"}"#;
        for bad in ["", "[]", "{}", r#"{"event_type":1}"#, twice, &huge] {
            let error = PortalEvent::parse(bad.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request);
        }
    }
}
