//! The people who can sign in.

use serde_json::{Map, Value};

/// A person that the simulator knows, with claims (OpenID Connect Core 5.1).
///
/// ```
/// use tower_sso::simulator::SimulatedUser;
///
/// let dora = SimulatedUser::new("dora")
///     .with_name("Dora", "Example")
///     .with_email("dora@example.com")
///     .with_groups(["staff"])
///     .with_claim("department", "payroll");
/// assert_eq!(dora.subject(), "dora");
/// ```
#[derive(Clone, Debug)]
pub struct SimulatedUser {
    subject: String,
    claims: Map<String, Value>,
}

impl SimulatedUser {
    /// A person with this `sub` and no other claim.
    #[must_use]
    pub fn new(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            claims: Map::new(),
        }
    }

    /// Sets `given_name`, `family_name` and `name`.
    #[must_use]
    pub fn with_name(self, given: &str, family: &str) -> Self {
        self.with_claim("name", format!("{given} {family}"))
            .with_claim("given_name", given)
            .with_claim("family_name", family)
    }

    /// Sets `email`, verified.
    #[must_use]
    pub fn with_email(self, email: &str) -> Self {
        self.with_claim("email", email)
            .with_claim("email_verified", true)
    }

    /// Sets `groups`.
    #[must_use]
    pub fn with_groups<G: Into<String>>(self, groups: impl IntoIterator<Item = G>) -> Self {
        let groups: Vec<String> = groups.into_iter().map(Into::into).collect();
        self.with_claim("groups", groups)
    }

    /// Sets any claim; a claim with the name of a protocol claim, as `sub` or `exp`, has no effect on tokens.
    #[must_use]
    pub fn with_claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// The `sub` claim.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What a page calls this person.
    pub(super) fn display_name(&self) -> &str {
        self.text("name").unwrap_or(&self.subject)
    }

    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.claims
            .get("groups")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }

    /// Whether a `login_hint` means this person: subject or e-mail address.
    pub(super) fn is_meant_by(&self, hint: &str) -> bool {
        hint == self.subject
            || self
                .text("email")
                .is_some_and(|email| email.eq_ignore_ascii_case(hint))
    }

    /// The claims that a scope (OpenID Connect Core 5.4) or a request by name (5.5) asks for.
    pub(super) fn claims_for(&self, scope: &str, named: &[String]) -> Map<String, Value> {
        let scopes: Vec<&str> = scope.split_ascii_whitespace().collect();
        self.claims
            .iter()
            .filter(|(name, _)| named.contains(name) || scopes.contains(&scope_of(name)))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// The scope that gives a claim; claims of our own come with `profile`, so that a small app sees them.
fn scope_of(claim: &str) -> &'static str {
    match claim {
        "email" | "email_verified" => "email",
        "phone_number" | "phone_number_verified" => "phone",
        "address" => "address",
        _ => "profile",
    }
}

/// The three people who come with [`Simulator::quickstart`](super::Simulator::quickstart).
pub(super) fn prepared() -> Vec<SimulatedUser> {
    vec![
        SimulatedUser::new("alice")
            .with_name("Alice", "Arnold")
            .with_email("alice@example.com")
            .with_groups(["admin", "staff"]),
        SimulatedUser::new("bob")
            .with_name("Bob", "Brown")
            .with_email("bob@example.com")
            .with_groups(["staff"]),
        SimulatedUser::new("carol")
            .with_name("Carol", "Clark")
            .with_email("carol@example.com")
            .with_groups(["customers"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scope: &str, named: &[&str]) -> Vec<String> {
        let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
        prepared()[0]
            .claims_for(scope, &named)
            .keys()
            .cloned()
            .collect()
    }

    #[test]
    fn claims_come_by_scope_or_by_name() {
        assert!(names("openid", &[]).is_empty());
        assert_eq!(names("openid email", &[]), ["email", "email_verified"]);
        assert_eq!(
            names("openid profile", &[]),
            ["family_name", "given_name", "groups", "name"]
        );
        assert_eq!(names("openid", &["email"]), ["email"]);
    }

    #[test]
    fn a_hint_is_a_subject_or_an_email_address() {
        let alice = &prepared()[0];
        assert!(alice.is_meant_by("alice"));
        assert!(alice.is_meant_by("Alice@Example.com"));
        assert!(!alice.is_meant_by("ali"));
        assert!(!alice.is_meant_by("Alice Arnold"));
    }
}
