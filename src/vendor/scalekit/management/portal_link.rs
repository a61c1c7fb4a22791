//! Links into the admin portal.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::answer::{member, text};
use crate::clock::SecondsSinceEpoch;
use crate::oidc::Issuer;
use crate::vendor::scalekit::timestamp;
use crate::{Error, Result};

/// How long a link lives that does not say.
const LIFE: Duration = Duration::from_secs(60);

/// What an organization's administrator may set up in the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PortalFeature {
    /// Single sign-on (`sso`).
    Sso,
    /// Directory sync, SCIM (`dir_sync`).
    DirectorySync,
}

impl PortalFeature {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sso => "sso",
            Self::DirectorySync => "dir_sync",
        }
    }
}

/// A link into the admin portal. It opens once, within a minute, to whoever has it: fetch it while the page is
/// made that shows it, and keep it nowhere.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortalLink {
    /// Its id.
    pub id: Option<String>,
    /// Where it leads. `Debug` shows the origin only.
    pub location: Url,
    /// When it ends.
    pub expires_at: SecondsSinceEpoch,
}

impl PortalLink {
    /// Reads `{"link": {…}}`, and takes a location at one of these origins only.
    pub(super) fn read(body: &Value, origins: &[String], now: SecondsSinceEpoch) -> Result<Self> {
        let none = || Error::provider("Scalekit's answer has no usable portal link");
        let link = body.get("link").ok_or_else(none)?;
        let location = text(link, ["location", "location"]).ok_or_else(none)?;
        let location = location_at(&location, origins).ok_or_else(none)?;
        let expires_at = member(link, ["expire_time", "expireTime"]).and_then(timestamp::read);
        Ok(Self {
            id: text(link, ["id", "id"]),
            location,
            expires_at: expires_at.unwrap_or(now.plus(LIFE)),
        })
    }
}

impl fmt::Debug for PortalLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalLink")
            .field("origin", &self.location.origin().ascii_serialization())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The origin of a URL that may be shown in a page: https, or http on this machine. The origin alone does not tell:
/// that of a `blob:` is the one inside it.
pub(in crate::vendor::scalekit) fn portal_origin(url: &Url) -> Option<String> {
    let text = url.origin().ascii_serialization();
    let safe = Issuer::parse(&text).is_ok_and(|url| url.is_https() || url.is_loopback_http());
    let plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "https" | "http") && safe && plain).then_some(text)
}

fn location_at(text: &str, origins: &[String]) -> Option<Url> {
    let location = Url::parse(text).ok()?;
    let origin = portal_origin(&location)?;
    origins.contains(&origin).then_some(location)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_705_314_600);

    fn read(location: &str) -> Result<PortalLink> {
        let origins = [
            "https://acme.scalekit.dev".into(),
            "http://portal.localhost:3002".into(),
        ];
        let body = json!({ "link": { "id": "lnk_1", "location": location } });
        PortalLink::read(&body, &origins, NOW)
    }

    #[test]
    fn only_a_location_of_the_portal_is_handed_out() {
        for good in [
            "https://acme.scalekit.dev/magicLink/one_p",
            "https://acme.scalekit.dev:443/magicLink/one_p",
            "http://portal.localhost:3002/x",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "http://acme.scalekit.dev/magicLink/one_p",
            "https://acme.scalekit.dev.evil.example/",
            "https://evil.example/?https://acme.scalekit.dev",
            "https://acme.scalekit.dev@evil.example/",
            "https://user@acme.scalekit.dev/",
            "https://:password@acme.scalekit.dev/",
            "https://acme.scalekit.dev:8443/",
            "http://portal.localhost:3003/x",
            "//acme.scalekit.dev/x",
            "/magicLink/one_p",
            "javascript:alert(1)//https://acme.scalekit.dev",
            "data:text/html,x",
            "blob:https://acme.scalekit.dev/x",
            "",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_link_ends_when_it_says_in_either_spelling_or_after_a_minute() {
        let location = "https://acme.scalekit.dev/x";
        let origins = ["https://acme.scalekit.dev".to_owned()];
        for (link, seconds) in [
            (json!({ "expire_time": "2024-01-15T10:30:30Z" }), 30),
            (json!({ "expireTime": "2024-01-15T10:30:30.5Z" }), 30),
            (json!({ "expireTime": NOW.0 + 20 }), 20),
            (json!({ "expire_time": "soon" }), 60),
            (json!({}), 60),
        ] {
            let mut link = link;
            link["location"] = json!(location);
            let read = PortalLink::read(&json!({ "link": link }), &origins, NOW).unwrap();
            assert_eq!(read.expires_at.since(NOW).as_secs(), seconds, "{link}");
        }
        let link = read("https://acme.scalekit.dev/magicLink/s3cr3t").unwrap();
        assert!(!format!("{link:?}").contains("s3cr3t"));
    }
}
