//! What a policy asks of an authentication.

use std::time::Duration;

use crate::crypto;

/// What to ask the provider for, so that the authentication that comes back satisfies the policy.
///
/// The default asks for nothing beyond a sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// More than one factor.
    pub multi_factor: bool,
    /// Acceptable context classes, best first (`acr_values`, OpenID Connect Core 3.1.2.1); empty asks
    /// for none.
    pub acr_values: Vec<String>,
    /// Methods that the policy names (`amr`, RFC 8176); empty asks for none.
    pub amr: Vec<String>,
    /// How long ago the person may have authenticated (`max_age`, whole seconds).
    pub max_age: Option<Duration>,
    /// Where to sign in, if nobody is signed in yet.
    pub at: Option<Box<SignInAt>>,
}

/// Where somebody shall sign in, at a provider that stands in front of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInAt {
    /// The organization to sign in for (`organization_id`).
    pub organization: Option<String>,
    /// The connection to sign in through (`connection_id`).
    pub connection: Option<String>,
}

impl Requirement {
    /// Whether it asks for nothing beyond a sign-in, wherever that is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.multi_factor
            && self.acr_values.is_empty()
            && self.amr.is_empty()
            && self.max_age.is_none()
    }

    /// A number that stands for this requirement, the same in every process and version: a step-up that
    /// came back too weak is recognised by it, on any replica.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut text = Vec::with_capacity(64);
        text.push(u8::from(self.multi_factor));
        match self.max_age {
            None => text.push(0),
            Some(age) => {
                text.push(1);
                text.extend(age.as_secs().to_be_bytes());
            }
        }
        for list in [&self.acr_values, &self.amr] {
            text.extend((list.len() as u64).to_be_bytes());
            for item in list {
                text.extend((item.len() as u64).to_be_bytes());
                text.extend(item.as_bytes());
            }
        }
        let hash = crypto::sha256(&text);
        u64::from_be_bytes([
            hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
        ])
    }

    /// Both at once: the shorter age, the context classes that both accept, all methods.
    ///
    /// Where no class is acceptable to both, those of the first are asked for: no answer can satisfy
    /// such a policy, and its refusal names what is missing.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.multi_factor |= other.multi_factor;
        self.max_age = match (self.max_age, other.max_age) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if self.acr_values.is_empty() {
            self.acr_values = other.acr_values;
        } else if other
            .acr_values
            .iter()
            .any(|value| self.acr_values.contains(value))
        {
            self.acr_values
                .retain(|value| other.acr_values.contains(value));
        }
        self.at = match (self.at, other.at) {
            (Some(mut at), Some(other)) => {
                at.organization = at.organization.or(other.organization);
                at.connection = at.connection.or(other.connection);
                Some(at)
            }
            (at, other) => at.or(other),
        };
        for method in other.amr {
            if !self.amr.contains(&method) {
                self.amr.push(method);
            }
        }
        self
    }
}
