//! Whose sign-ins these are: the app’s own, or one tenant’s. It keeps the sessions of tenants apart.

use std::sync::Arc;

use super::Context;
use crate::provider::{Identity, Selectors};
use crate::session::{Record, Session};
use crate::tenant::{At, Tenant};
use crate::{Error, Result};

/// Whose requests are served.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// An app that has no tenants.
    Undivided,
    /// What no tenant is named for, in an app that has some.
    Unnamed {
        /// Whether there is a provider to sign in at, as long as no tenant is known.
        decided: bool,
    },
    /// A tenant.
    Tenant(Arc<Tenant>),
}

impl Place {
    pub(crate) fn tenant(&self) -> Option<&Tenant> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Undivided | Self::Unnamed { .. } => None,
        }
    }

    /// The last segment of its redirect URI, where it has one of its own: each issuer comes back to another one, so
    /// that none can hand over what another said (RFC 9700 section 2.1).
    pub(crate) fn callback(&self) -> Option<&str> {
        let tenant = self.tenant()?;
        (!matches!(tenant.at(), At::Ours)).then_some(tenant.id())
    }

    /// Whether there are tenants, and none is named.
    pub(crate) fn is_unnamed(&self) -> bool {
        matches!(self, Self::Unnamed { .. })
    }

    /// Whether nobody can sign in before it is known at which tenant.
    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self, Self::Unnamed { decided: false })
    }

    /// What a sign-in selects: what was asked for, and what the tenant is where its provider has several.
    ///
    /// # Errors
    /// Somebody else’s organization or connection was asked for.
    pub(super) fn selectors(&self, mut asked: Selectors) -> Result<Selectors> {
        let Some(tenant) = self.tenant() else {
            return Ok(asked);
        };
        let own = [
            (&mut asked.connection, tenant.own_connection()),
            (&mut asked.organization, tenant.own_organization()),
        ];
        for (asked, own) in own {
            let Some(own) = own else { continue };
            if asked.as_deref().is_some_and(|asked| asked != own) {
                return Err(Error::request(
                    "the organization or connection that was asked for is not the one of this tenant",
                ));
            }
            *asked = Some(own.to_owned());
        }
        let NamesOfOurs {
            organization,
            connection,
        } = NamesOfOurs::of(tenant);
        Ok(Selectors {
            organization: asked.organization.filter(|_| !organization),
            connection: asked.connection.filter(|_| !connection),
            ..asked
        })
    }

    /// Checks that somebody signed in where the tenant’s people do, and adds what its own provider does not say.
    ///
    /// # Errors
    /// They signed in elsewhere.
    pub(super) fn admit(&self, identity: &mut Identity) -> Result<()> {
        let Some(tenant) = self.tenant() else {
            return Ok(());
        };
        let ours = NamesOfOurs::of(tenant);
        let both = [
            (
                &mut identity.organization,
                tenant.own_organization(),
                ours.organization,
            ),
            (
                &mut identity.connection,
                tenant.own_connection(),
                ours.connection,
            ),
        ];
        for (came, own, is_ours) in both {
            let Some(own) = own else { continue };
            if is_ours && came.is_none() {
                *came = Some(own.to_owned());
            }
            if came.as_deref() != Some(own) {
                return Err(Error::provider(
                    "the person signed in at another organization or connection than this tenant’s",
                ));
            }
        }
        Ok(())
    }
}

/// Which names of a tenant are the app's own, and unknown to its provider.
struct NamesOfOurs {
    organization: bool,
    connection: bool,
}

impl NamesOfOurs {
    fn of(tenant: &Tenant) -> Self {
        match tenant.at() {
            // One that speaks of organizations says itself who is of which: taking its silence for this tenant's would
            // let in whoever has an account there.
            At::OpenId(config) => Self {
                organization: config.organizations.is_none(),
                connection: true,
            },
            At::Ours | At::Made(_) => Self {
                organization: false,
                connection: false,
            },
        }
    }
}

/// Checks that an identity is of what was selected, where it says of what it is.
///
/// # Errors
/// It is of another connection or organization: then somebody else’s provider may have spoken.
pub(super) fn check_selected(asked: &Selectors, identity: &Identity) -> Result<()> {
    let both = [
        (&asked.organization, &identity.organization),
        (&asked.connection, &identity.connection),
    ];
    let differ = |(asked, came): &(&Option<String>, &Option<String>)| {
        asked.is_some() && came.is_some() && asked != came
    };
    if both.iter().any(differ) {
        return Err(Error::provider(
            "the person signed in at another organization or connection than was asked for",
        ));
    }
    Ok(())
}

impl Context {
    /// Whether a session counts here: it was made at the same tenant, or at none as here, by an issuer, for an
    /// organization and through a connection that are the tenant’s now.
    pub(crate) fn counts(&self, session: &Session) -> bool {
        let record: &Record = session.record();
        match &self.place {
            // A store may have sessions of a time, or of another app, with tenants: whoever one of those believes is
            // nobody here.
            Place::Undivided => record.tenant.is_none(),
            Place::Unnamed { .. } => {
                record.tenant.is_none() && self.provider.vouches_for(record.issuer())
            }
            Place::Tenant(tenant) => {
                let fits = |own: Option<&str>, has: Option<&str>| own.is_none() || own == has;
                record.tenant.as_deref() == Some(tenant.id())
                    && self.provider.vouches_for(record.issuer())
                    && fits(tenant.own_organization(), record.organization.as_deref())
                    && fits(tenant.own_connection(), record.connection.as_deref())
            }
        }
    }
}
