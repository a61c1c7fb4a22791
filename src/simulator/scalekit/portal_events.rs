//! What the admin portal tells the page around it.

use serde_json::{Value, json};

use super::tenant::ScalekitConnection;
use super::time::rfc3339;
use crate::clock::SecondsSinceEpoch;

/// An event of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortalEvent {
    SsoEnabled,
    SsoDisabled,
    DirectoryEnabled,
    DirectoryDisabled,
    LoadSuccess,
    LoadFailure,
    SessionWarning,
    SessionExpiry,
}

impl PortalEvent {
    pub(super) const ALL: [Self; 8] = [
        Self::SsoEnabled,
        Self::SsoDisabled,
        Self::DirectoryEnabled,
        Self::DirectoryDisabled,
        Self::LoadSuccess,
        Self::LoadFailure,
        Self::SessionWarning,
        Self::SessionExpiry,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SsoEnabled => "ORGANIZATION_SSO_ENABLED",
            Self::SsoDisabled => "ORGANIZATION_SSO_DISABLED",
            Self::DirectoryEnabled => "ORGANIZATION_DIRECTORY_ENABLED",
            Self::DirectoryDisabled => "ORGANIZATION_DIRECTORY_DISABLED",
            Self::LoadSuccess => "PORTAL_LOAD_SUCCESS",
            Self::LoadFailure => "PORTAL_LOAD_FAILURE",
            Self::SessionWarning => "PORTAL_SESSION_WARNING",
            Self::SessionExpiry => "PORTAL_SESSION_EXPIRY",
        }
    }

    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    fn message(self) -> &'static str {
        match self {
            Self::SsoEnabled => "Single sign-on is enabled",
            Self::SsoDisabled => "Single sign-on is disabled",
            Self::DirectoryEnabled => "The directory is synchronized",
            Self::DirectoryDisabled => "The directory is no longer synchronized",
            Self::LoadSuccess => "The admin portal is there",
            Self::LoadFailure => "The admin portal can't be shown",
            Self::SessionWarning => "The admin portal ends in 5 minutes",
            Self::SessionExpiry => "The admin portal has ended",
        }
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// Left out where the link was never given to anybody.
    pub(super) organization: Option<&'a str>,
    pub(super) connection: Option<&'a ScalekitConnection>,
    pub(super) ends_at: SecondsSinceEpoch,
    /// Why the portal can't be shown.
    pub(super) error_code: &'static str,
}

impl About<'_> {
    /// The event, as it is posted.
    pub(super) fn event(&self, event: PortalEvent) -> Value {
        let connection = |enabled: bool| {
            let known = self.connection;
            json!({
                "connection_type": "SSO",
                "id": known.map(|known| &known.id),
                "type": known.map(|known| &known.kind),
                "provider": known.map(|known| &known.provider),
                "enabled": enabled,
            })
        };
        let directory = |enabled: bool| {
            let organization = self.organization.unwrap_or_default();
            json!({
                "directory_type": "SCIM",
                "id": format!("dir_{organization}"),
                "provider": "MICROSOFT_AD",
                "enabled": enabled,
            })
        };
        let session = || json!({"expiry": rfc3339(self.ends_at)});
        let (object, data) = match event {
            PortalEvent::SsoEnabled => ("connection", connection(true)),
            PortalEvent::SsoDisabled => ("connection", connection(false)),
            PortalEvent::DirectoryEnabled => ("directory", directory(true)),
            PortalEvent::DirectoryDisabled => ("directory", directory(false)),
            PortalEvent::LoadSuccess => ("portal", json!({})),
            PortalEvent::LoadFailure => ("portal", json!({"error_code": self.error_code})),
            PortalEvent::SessionWarning | PortalEvent::SessionExpiry => ("session", session()),
        };
        let mut posted = json!({
            "event_type": event.name(),
            "object": object,
            "message": event.message(),
            "data": data,
        });
        if let Some(organization) = self.organization {
            posted["organization_id"] = organization.into();
        }
        posted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_found_by_its_name() {
        for event in PortalEvent::ALL {
            assert_eq!(PortalEvent::find(event.name()), Some(event));
        }
        assert_eq!(PortalEvent::find("PORTAL_SESSION_TIMEOUT"), None);
    }

    #[test]
    fn events_are_shaped_as_documented() {
        let okta = ScalekitConnection::new("conn_1", "org_1");
        let about = About {
            organization: Some("org_1"),
            connection: Some(&okta),
            ends_at: SecondsSinceEpoch(1_800_000_000),
            error_code: "SESSION_EXPIRED",
        };
        let event = about.event(PortalEvent::SsoDisabled);
        assert_eq!(event["event_type"], "ORGANIZATION_SSO_DISABLED");
        assert_eq!(
            (&event["object"], &event["organization_id"]),
            (&json!("connection"), &json!("org_1"))
        );
        let data = json!({
            "connection_type": "SSO", "id": "conn_1", "type": "OIDC", "provider": "OKTA", "enabled": false,
        });
        assert_eq!(event["data"], data);
        let event = about.event(PortalEvent::DirectoryEnabled);
        assert_eq!(event["object"], "directory");
        assert_eq!(event["data"]["directory_type"], "SCIM");
        assert_eq!(event["data"]["enabled"], true);
        let event = about.event(PortalEvent::SessionWarning);
        assert_eq!(event["object"], "session");
        assert_eq!(event["data"], json!({"expiry": "2027-01-15T08:00:00Z"}));
        let nobody = About {
            organization: None,
            ..about
        };
        let event = nobody.event(PortalEvent::LoadFailure);
        assert!(event.get("organization_id").is_none());
        assert_eq!(event["data"], json!({"error_code": "SESSION_EXPIRED"}));
    }
}
