//! Scalekit, Modular SSO: one OpenID Provider for each environment, which stands in front of the identity providers
//! of many customers.

mod management;
mod portal;
mod timestamp;
mod webhook;

pub use management::{
    Connection, ConnectionFilter, ManagementRefusal, OrganizationDomain, PortalFeature, PortalLink,
    ScalekitManagement,
};
pub use portal::{PortalEvent, PortalEventType, PortalEvents, PortalPage};
pub use webhook::{
    Received, SeenWebhooks, Verified, WebhookEvent, WebhookSecret, Webhooks, verify_webhook,
};
