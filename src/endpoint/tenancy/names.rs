//! Names of tenants as keys, which are looked up without being copied.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use crate::tenant::TenantBy;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Id,
    Host,
    Connection,
    Organization,
    Domain,
    Issuer,
}

/// A name that is kept.
#[derive(Clone, Debug)]
pub(super) struct Name {
    kind: Kind,
    text: Box<str>,
}

/// A name in a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameRef<'a> {
    kind: Kind,
    text: &'a str,
}

impl<'a> NameRef<'a> {
    pub(super) fn of(by: &TenantBy<'a>) -> Self {
        let (kind, text) = match *by {
            TenantBy::Id(id) => (Kind::Id, id),
            TenantBy::Host(host) => (Kind::Host, host),
            TenantBy::Connection(id) => (Kind::Connection, id),
            TenantBy::Organization(id) => (Kind::Organization, id),
            TenantBy::Domain(domain) => (Kind::Domain, domain),
            TenantBy::Issuer(issuer) => (Kind::Issuer, issuer),
        };
        Self { kind, text }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn key(&self) -> &(dyn Key + 'a) {
        self
    }

    pub(super) fn owned(&self) -> Name {
        Name {
            kind: self.kind,
            text: self.text.into(),
        }
    }
}

impl Name {
    pub(super) fn by(&self) -> TenantBy<'_> {
        let text = &*self.text;
        match self.kind {
            Kind::Id => TenantBy::Id(text),
            Kind::Host => TenantBy::Host(text),
            Kind::Connection => TenantBy::Connection(text),
            Kind::Organization => TenantBy::Organization(text),
            Kind::Domain => TenantBy::Domain(text),
            Kind::Issuer => TenantBy::Issuer(text),
        }
    }
}

/// Either of the two.
pub(super) trait Key: Send + Sync {
    fn is(&self) -> NameRef<'_>;
}

impl Key for Name {
    fn is(&self) -> NameRef<'_> {
        NameRef {
            kind: self.kind,
            text: &self.text,
        }
    }
}

impl Key for NameRef<'_> {
    fn is(&self) -> NameRef<'_> {
        *self
    }
}

impl Hash for dyn Key + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let NameRef { kind, text } = self.is();
        (kind, text).hash(state);
    }
}

impl PartialEq for dyn Key + '_ {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.is(), other.is());
        (one.kind, one.text) == (other.kind, other.text)
    }
}

impl Eq for dyn Key + '_ {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self as &dyn Key).hash(state);
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        (self as &dyn Key) == (other as &dyn Key)
    }
}

impl Eq for Name {}

impl<'a> Borrow<dyn Key + 'a> for Name {
    fn borrow(&self) -> &(dyn Key + 'a) {
        self
    }
}
