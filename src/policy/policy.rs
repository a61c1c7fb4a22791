//! What a route asks for, put together of rules.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Verdict;
use super::rule::{ClaimTest, Facts, Rule, Standing};
use crate::clock::SecondsSinceEpoch;
use crate::session::Session;

/// Who may pass. Starts with [`login`](Self::login), [`mfa`](Self::mfa) or [`any_of`](Self::any_of);
/// each further method adds a rule that must hold as well. Cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use tower_sso::Policy;
///
/// let recent = Policy::login().max_age(Duration::from_secs(60));
/// let staff = Policy::login().claim_equals("department", "finance").or(Policy::login().role("admin"));
/// let both = recent.and(staff);
/// ```
#[derive(Clone)]
#[must_use = "a policy protects what it is given to"]
pub struct Policy(Arc<Rule>);

impl Policy {
    /// Anybody who is signed in.
    pub fn login() -> Self {
        Self(Arc::new(Rule::SignIn))
    }

    /// Anybody whose authentication was multi-factor
    /// ([`is_multi_factor`](crate::oidc::is_multi_factor)): decided by the provider's rule at the
    /// sign-in, of one ID token and never of a union of several.
    pub fn mfa() -> Self {
        Self(Arc::new(Rule::MultiFactor))
    }

    /// Whoever satisfies one of these. Of nothing: nobody.
    pub fn any_of(policies: impl IntoIterator<Item = Self>) -> Self {
        let rules = policies.into_iter().map(Self::into_rule).collect();
        Self(Arc::new(Rule::Any(rules)))
    }

    /// One of these methods was used (`amr`, RFC 8176).
    pub fn amr_any<S: Into<String>>(self, methods: impl IntoIterator<Item = S>) -> Self {
        self.with(Rule::AmrAny(strings(methods)))
    }

    /// All these methods were used (`amr`, RFC 8176).
    pub fn amr_all<S: Into<String>>(self, methods: impl IntoIterator<Item = S>) -> Self {
        self.with(Rule::AmrAll(strings(methods)))
    }

    /// The authentication reached one of these context classes (`acr`), best first. They are compared
    /// literally: no class is taken to include another.
    pub fn acr<S: Into<String>>(self, values: impl IntoIterator<Item = S>) -> Self {
        self.with(Rule::Acr(strings(values)))
    }

    /// The person authenticated at most so long ago, by `auth_time` (OpenID Connect Core 2) and nothing
    /// else. Without `auth_time`, with one of 0, and with one more than a minute in the future it does
    /// not hold.
    pub fn max_age(self, age: Duration) -> Self {
        self.with(Rule::MaxAge(age))
    }

    /// The scope was granted.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.with(Rule::Scope(scope.into()))
    }

    /// The app's identity hook gave this role.
    pub fn role(self, role: impl Into<String>) -> Self {
        self.with(Rule::Role(role.into()))
    }

    /// The claim is there and is this JSON value.
    pub fn claim_equals(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(Rule::Claim(name.into(), ClaimTest::Equals(value.into())))
    }

    /// The claim is an array with this element, or is this value itself (many providers send a group of
    /// one as a plain string). A string is never searched inside: `"administrator"` does not contain
    /// `"admin"`, and neither does `"user admin"`.
    pub fn claim_contains(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(Rule::Claim(name.into(), ClaimTest::Contains(value.into())))
    }

    /// The claim is there and `test` holds of it. `description` completes "this page needs …" in the
    /// reason: "a verified e-mail address".
    pub fn claim_where(
        self,
        description: impl Into<String>,
        name: impl Into<String>,
        test: impl Fn(&Value) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with(Rule::Claim(
            name.into(),
            ClaimTest::Where(description.into(), Arc::new(test)),
        ))
    }

    /// The app's identity hook gave this attribute with this value. Claims don't count.
    pub fn attribute_equals(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(Rule::Attribute(name.into(), value.into()))
    }

    /// The person signed in for this organization. Where nobody is signed in, a provider that has organizations is
    /// asked to sign them in for this one.
    pub fn organization(self, id: impl Into<String>) -> Self {
        self.with(Rule::Organization(id.into()))
    }

    /// The person signed in through this connection. As [`organization`](Self::organization).
    pub fn connection(self, id: impl Into<String>) -> Self {
        self.with(Rule::Connection(id.into()))
    }

    /// The session has an access token that lives, for a route that calls an API. A
    /// [`RequireLayer`](crate::RequireLayer) with it renews one that is about to end, as
    /// [`AccessToken`](crate::AccessToken) says; where none can be had, the person has to sign in again.
    ///
    /// ```
    /// use tower_sso::clock::{Clock, SystemClock};
    /// use tower_sso::{Policy, Verdict, test_util::SignedIn};
    ///
    /// let (policy, now) = (Policy::login().access_token(), SystemClock.now());
    /// let with = SignedIn::new("ada").access_token("opaque").build();
    /// assert!(policy.judge(Some(&with), now).is_allow());
    /// let without = SignedIn::new("ada").build();
    /// assert!(matches!(policy.judge(Some(&without), now), Verdict::SignIn(_)));
    /// ```
    pub fn access_token(self) -> Self {
        self.with(Rule::AccessToken)
    }

    /// Both must hold.
    pub fn and(self, other: Self) -> Self {
        self.with(other.into_rule())
    }

    /// One of both must hold. Where neither does, this one is what a browser is asked for first.
    pub fn or(self, other: Self) -> Self {
        Self::any_of([self, other])
    }

    /// Judges a session at `now`. A session that is not live at `now` counts as none.
    pub fn judge(&self, session: Option<&Session>, now: SecondsSinceEpoch) -> Verdict {
        let Some(session) = session.filter(|session| session.record().is_live(now)) else {
            return Verdict::SignIn(self.0.requirement(None));
        };
        let facts = Facts::new(session, now);
        match self.0.standing(&facts) {
            Standing::Met => Verdict::Allow,
            Standing::SpentToken => Verdict::SignIn(self.0.requirement(Some(&facts))),
            Standing::TooWeak => {
                Verdict::StepUp(self.0.requirement(Some(&facts)), self.0.reason(&facts))
            }
            Standing::Refused => Verdict::Forbidden(self.0.reason(&facts)),
        }
    }

    /// Whether the access token counts, so that one that is about to end is to be renewed first.
    pub(crate) fn wants_access_token(&self) -> bool {
        self.0.wants_access_token()
    }

    fn into_rule(self) -> Rule {
        Arc::unwrap_or_clone(self.0)
    }

    fn with(self, rule: Rule) -> Self {
        let all = match (self.into_rule(), rule) {
            // Any rule includes a sign-in.
            (Rule::SignIn, rule) | (rule, Rule::SignIn) => rule,
            (Rule::All(mut rules), Rule::All(more)) => {
                rules.extend(more);
                Rule::All(rules)
            }
            (Rule::All(mut rules), rule) => {
                rules.push(rule);
                Rule::All(rules)
            }
            (first, second) => Rule::All(vec![first, second]),
        };
        Self(Arc::new(all))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Policy").field(&self.0).finish()
    }
}

fn strings<S: Into<String>>(items: impl IntoIterator<Item = S>) -> Box<[String]> {
    items.into_iter().map(Into::into).collect()
}
