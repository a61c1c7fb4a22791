//! Domains of an organization.

use serde_json::Value;

use super::answer::text;

/// A domain of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrganizationDomain {
    /// The id of the entry.
    pub id: String,
    /// The domain.
    pub domain: String,
    /// Whose it is.
    pub organization_id: Option<String>,
    /// What it is for (`domain_type`): `ORGANIZATION_DOMAIN` leads people to the organization's connection.
    pub domain_type: Option<String>,
    /// Whether somebody has shown that it is theirs, as `PENDING`, `VERIFIED` or `AUTO_VERIFIED`.
    pub verification_status: Option<String>,
    /// The name of the DNS record that shows it.
    pub txt_record_key: Option<String>,
    /// The value of that record.
    pub txt_record_secret: Option<String>,
}

impl OrganizationDomain {
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: text(value, ["id", "id"])?,
            domain: text(value, ["domain", "domain"])?,
            organization_id: text(value, ["organization_id", "organizationId"]),
            domain_type: text(value, ["domain_type", "domainType"]),
            verification_status: text(value, ["verification_status", "verificationStatus"]),
            txt_record_key: text(value, ["txt_record_key", "txtRecordKey"]),
            txt_record_secret: text(value, ["txt_record_secret", "txtRecordSecret"]),
        })
    }
}
