//! Microsoft Entra's tenants: one metadata document, and an issuer for each tenant.
//!
//! The documents at `common` and `organizations` name the issuer by a placeholder,
//! `https://login.microsoftonline.com/{tenantid}/v2.0`, where OpenID Connect Discovery 4.3 asks for one issuer.
//! Microsoft's own rules stand in its place:
//!
//! 1. `tid` of an ID token is a GUID, and `iss` is the template with it put in.
//! 2. A key of the set that has an `issuer` signs for that issuer alone; one with the placeholder for all.
//! 3. Who it is, is `(iss, sub)`: another tenant's `sub` is somebody else's.
//!
//! And one of ours: the tenants are listed. Anybody can make a tenant, and sign in at it as whoever they like.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::claims::{self, Claims};
use super::id_token::check_type;
use super::{CompactJwt, IdTokenCheck, IdTokenClaims, IdTokenFault, Issuer, KeySet};
use crate::{Error, Result};

const PLACEHOLDER: &str = "{tenantid}";

/// The names in the place of a tenant at which Microsoft answers for many.
const TENANT_INDEPENDENT: [&str; 2] = ["common", "organizations"];

/// The id of a tenant of Microsoft Entra: a GUID.
///
/// ```
/// use tower_sso::oidc::EntraTenantId;
///
/// let acme = EntraTenantId::parse("8EAEF023-2b34-4da1-9baa-8bc8c9d6a490")?;
/// assert_eq!(acme.as_str(), "8eaef023-2b34-4da1-9baa-8bc8c9d6a490");
/// assert!(EntraTenantId::parse("acme.onmicrosoft.com").is_err());
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntraTenantId(Box<str>);

impl EntraTenantId {
    /// The tenant of personal Microsoft accounts.
    pub const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

    /// Reads a GUID, as `8eaef023-2b34-4da1-9baa-8bc8c9d6a490`, in either case.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): it is none. A domain name of the tenant is
    /// none either, since it can pass to another tenant.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.to_ascii_lowercase();
        if !is_guid(&text) {
            return Err(Error::configuration("a tenant id of Entra is not a GUID"));
        }
        Ok(Self(text.into()))
    }

    /// The GUID, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A GUID as Microsoft writes it: lower case alone, so that there is one spelling of each issuer.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Which tenants of Microsoft Entra may sign people in.
///
/// ```
/// use tower_sso::oidc::{EntraTenantId, EntraTenants};
///
/// let acme = EntraTenantId::parse("8eaef023-2b34-4da1-9baa-8bc8c9d6a490")?;
/// let tenants = EntraTenants::Only(vec![acme]);
/// # let _ = tenants;
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntraTenants {
    /// These and no others.
    Only(Vec<EntraTenantId>),
    /// Every tenant that there is, and every personal account if the issuer is `common`. Anybody can make a
    /// tenant within minutes and write any e-mail address into its ID tokens: with this a sign-in says no
    /// more than `(iss, sub)`, and what they may do is for the app to decide.
    EveryTenantInTheWorld,
}

impl FromStr for EntraTenants {
    type Err = Error;

    /// Ids with commas between them, or `every-tenant-in-the-world`.
    fn from_str(text: &str) -> Result<Self> {
        if text == "every-tenant-in-the-world" {
            return Ok(Self::EveryTenantInTheWorld);
        }
        let ids = text.split(',').map(|id| EntraTenantId::parse(id.trim()));
        Ok(Self::Only(ids.collect::<Result<_>>()?))
    }
}

impl EntraTenants {
    fn include(&self, id: &str) -> bool {
        match self {
            Self::Only(ids) => ids.iter().any(|own| own.as_str() == id),
            Self::EveryTenantInTheWorld => true,
        }
    }
}

/// The issuers that one tenant-independent document of Entra speaks for, as far as they are let in.
///
/// ```
/// use tower_sso::oidc::{EntraIssuers, EntraTenantId, EntraTenants, Issuer};
///
/// let acme = EntraTenantId::parse("8eaef023-2b34-4da1-9baa-8bc8c9d6a490")?;
/// let issuer = Issuer::parse("https://login.microsoftonline.com/organizations/v2.0")?;
/// let issuers = EntraIssuers::new(&issuer, EntraTenants::Only(vec![acme]))?;
/// assert!(issuers.include("https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"));
/// assert!(!issuers.include("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"));
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntraIssuers {
    /// `https://login.microsoftonline.com/{tenantid}/v2.0`.
    template: Box<str>,
    tenants: EntraTenants,
}

impl EntraIssuers {
    /// Those of a tenant-independent issuer, as `https://login.microsoftonline.com/organizations/v2.0`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration): the first segment of its path is neither
    /// `common` nor `organizations`. The issuer of a single tenant needs no list.
    pub fn new(issuer: &Issuer, tenants: EntraTenants) -> Result<Self> {
        let template = template_of(issuer.as_str()).ok_or_else(|| {
            Error::configuration(
                "entra_tenants goes with an issuer whose path begins with /common or /organizations",
            )
        })?;
        Ok(Self {
            template: template.into(),
            tenants,
        })
    }

    /// The issuer of the metadata: that of the set-up, with a placeholder for the tenant.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Whether an issuer is that of a tenant that is let in.
    #[must_use]
    pub fn include(&self, issuer: &str) -> bool {
        let (before, after) = self.around();
        issuer
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|id| is_guid(id) && self.tenants.include(id))
    }

    /// The issuer that a token with these claims must be of.
    fn of(&self, tenant: &str) -> Result<Issuer, IdTokenFault> {
        if !is_guid(tenant) {
            return Err(IdTokenFault::MalformedClaim("tid"));
        }
        if !self.tenants.include(tenant) {
            return Err(IdTokenFault::WrongTenant);
        }
        Issuer::parse(&with_tenant(&self.template, tenant)).map_err(|_| IdTokenFault::WrongIssuer)
    }

    fn around(&self) -> (&str, &str) {
        self.template
            .split_once(PLACEHOLDER)
            .expect("a template has its placeholder since it was made")
    }
}

/// The template of a tenant-independent issuer.
pub(super) fn template_of(issuer: &str) -> Option<String> {
    let (scheme, rest) = issuer.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let (tenant, after) = path.split_at(path.find('/').unwrap_or(path.len()));
    TENANT_INDEPENDENT
        .contains(&tenant)
        .then(|| format!("{scheme}://{authority}/{PLACEHOLDER}{after}"))
}

fn with_tenant(template: &str, tenant: &str) -> String {
    template.replacen(PLACEHOLDER, tenant, 1)
}

impl IdTokenCheck<'_> {
    /// As [`verify`](Self::verify), for a token of any of these issuers in place of [`issuer`](Self::issuer). The
    /// claims have the one that it is of.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify_for_tenants(
        &self,
        jwt: &CompactJwt<'_>,
        keys: &KeySet,
        issuers: &EntraIssuers,
    ) -> Result<IdTokenClaims, IdTokenFault> {
        check_type(jwt)?;
        let all = claims::verified(jwt, keys, self.algorithms)?;
        let tenant = tenant(&all)?.to_owned();
        let issuer = issuers.of(&tenant)?;
        // The keys of personal accounts stand in the same set: they must not sign for an organization.
        let is_of_issuer = |own: &str| with_tenant(own, &tenant) == issuer.as_str();
        let kid = jwt.kid.as_deref();
        let signed_by_issuer = keys
            .candidates(kid, jwt.algorithm)
            .any(|key| key.issuer().is_none_or(is_of_issuer) && key.verify(jwt));
        if !signed_by_issuer {
            return Err(IdTokenFault::KeyOfAnotherIssuer);
        }
        let check = IdTokenCheck {
            issuer: &issuer,
            ..*self
        };
        check.judge(jwt.algorithm, all)
    }
}

fn tenant(all: &Map<String, Value>) -> Result<&str, IdTokenFault> {
    Claims(all)
        .text("tid")?
        .ok_or(IdTokenFault::MissingClaim("tid"))
}

#[cfg(test)]
mod tests;
