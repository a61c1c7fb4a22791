//! The people who can sign in.

use serde_json::{Map, Value};

use crate::secret::{Secret, constant_time_eq};

/// A person that the simulated tenant knows.
///
/// ```
/// use tower_sso::simulator::MosaicUser;
///
/// let alice = MosaicUser::new("alice")
///     .with_password("wonderland")
///     .with_email("alice@example.com")
///     .with_phone("+15550100");
/// assert_eq!(alice.id(), "alice");
/// ```
#[derive(Clone, Debug)]
pub struct MosaicUser {
    id: String,
    password: Option<Secret>,
    email: Option<String>,
    phone: Option<String>,
    claims: Map<String, Value>,
}

impl MosaicUser {
    /// A person with this user id, which is the username too, and no way to sign in yet.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            password: None,
            email: None,
            phone: None,
            claims: Map::new(),
        }
    }

    /// Lets the person sign in with a password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Lets the person sign in with a code or a link that is sent to this address, which is in `email`.
    #[must_use]
    pub fn with_email(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    /// Lets the person sign in with a code that is sent to this number, which is in `phone_number`.
    #[must_use]
    pub fn with_phone(mut self, number: &str) -> Self {
        self.phone = Some(number.to_owned());
        self
    }

    /// Sets a claim that a request may ask for, as `{"claims":{"id_token":{"roles":null}}}` does for `roles`.
    #[must_use]
    pub fn with_claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// The user id: the `sub` claim.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    pub(super) fn phone(&self) -> Option<&str> {
        self.phone.as_deref()
    }

    pub(super) fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    pub(super) fn has_password(&self, tried: &str) -> bool {
        self.password
            .as_ref()
            .is_some_and(|own| constant_time_eq(own.expose().as_bytes(), tried.as_bytes()))
    }

    /// Whether an identifier of the API means this person.
    pub(super) fn is(&self, identifier: &Identifier<'_>) -> bool {
        let own = match identifier.kind {
            "user_id" | "username" => Some(self.id()),
            "email" => {
                let own = self.email();
                return own.is_some_and(|own| own.eq_ignore_ascii_case(identifier.value));
            }
            "phone_number" => self.phone(),
            _ => None,
        };
        own == Some(identifier.value)
    }

    /// The claims that an ID token has about the person: those of the profile, and those asked for by name.
    pub(super) fn claims(&self, named: &[String]) -> Map<String, Value> {
        let mut claims = Map::new();
        if let Some(email) = &self.email {
            claims.insert("email".to_owned(), email.clone().into());
            claims.insert("email_verified".to_owned(), true.into());
        }
        if let Some(phone) = &self.phone {
            claims.insert("phone_number".to_owned(), phone.clone().into());
            claims.insert("phone_number_verified".to_owned(), true.into());
        }
        for name in named {
            if let Some(value) = self.claims.get(name) {
                claims.insert(name.clone(), value.clone());
            }
        }
        claims
    }
}

/// Who is meant: a value, and what kind of value it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identifier<'a> {
    pub(super) kind: &'a str,
    pub(super) value: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_means_a_person_by_its_kind() {
        let alice = MosaicUser::new("alice")
            .with_email("alice@example.com")
            .with_phone("+15550100");
        for (kind, value, meant) in [
            ("user_id", "alice", true),
            ("username", "alice", true),
            ("username", "Alice", false),
            ("email", "Alice@Example.com", true),
            ("phone_number", "+15550100", true),
            ("phone_number", "alice", false),
            ("email", "alice", false),
            ("badge", "alice", false),
        ] {
            let identifier = Identifier { kind, value };
            assert_eq!(alice.is(&identifier), meant, "{identifier:?}");
        }
        let nobody = Identifier {
            kind: "email",
            value: "",
        };
        assert!(!MosaicUser::new("bob").is(&nobody));
    }

    #[test]
    fn claims_of_ones_own_come_only_when_asked_for() {
        let user = MosaicUser::new("alice")
            .with_email("alice@example.com")
            .with_claim("roles", vec!["admin"]);
        let names = |named: &[&str]| {
            let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
            user.claims(&named).keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["email", "email_verified"]);
        assert_eq!(
            names(&["roles", "other"]),
            ["email", "email_verified", "roles"]
        );
    }

    #[test]
    fn a_password_is_compared_whole_and_not_printed() {
        let user = MosaicUser::new("alice").with_password("wonderland");
        assert!(user.has_password("wonderland"));
        assert!(!user.has_password("wonder") && !user.has_password(""));
        assert!(!MosaicUser::new("bob").has_password(""), "has none");
        assert!(!format!("{user:?}").contains("wonderland"));
    }
}
