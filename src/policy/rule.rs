//! The rules that a policy is made of.

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Missing, Reason, Requirement, SignInAt};
use crate::clock::SecondsSinceEpoch;
use crate::session::{AccessToken, Session};

/// How far in the future `auth_time` may lie: the clocks of provider and app are not the same.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(super) enum Rule {
    SignIn,
    MultiFactor,
    AmrAny(Box<[String]>),
    AmrAll(Box<[String]>),
    Acr(Box<[String]>),
    MaxAge(Duration),
    Scope(String),
    Role(String),
    Claim(String, ClaimTest),
    Attribute(String, Value),
    Organization(String),
    Connection(String),
    AccessToken,
    All(Vec<Rule>),
    Any(Vec<Rule>),
}

#[derive(Clone)]
pub(super) enum ClaimTest {
    Equals(Value),
    Contains(Value),
    Where(String, Arc<dyn Fn(&Value) -> bool + Send + Sync>),
}

impl ClaimTest {
    fn holds(&self, claim: &Value) -> bool {
        match self {
            Self::Equals(value) => claim == value,
            Self::Contains(value) => {
                claim == value || claim.as_array().is_some_and(|items| items.contains(value))
            }
            Self::Where(_, test) => test(claim),
        }
    }
}

impl fmt::Debug for ClaimTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(value) => f.debug_tuple("Equals").field(value).finish(),
            Self::Contains(value) => f.debug_tuple("Contains").field(value).finish(),
            Self::Where(description, _) => f.debug_tuple("Where").field(description).finish(),
        }
    }
}

/// How a live session stands to a rule, from best to worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Met,
    /// A new sign-in brings what is missing, with the authentication as it is.
    SpentToken,
    /// A new authentication can mend it.
    TooWeak,
    Refused,
}

impl Standing {
    fn mendable(met: bool) -> Self {
        if met { Self::Met } else { Self::TooWeak }
    }

    fn of_token(lives: bool) -> Self {
        if lives { Self::Met } else { Self::SpentToken }
    }

    fn firm(met: bool) -> Self {
        if met { Self::Met } else { Self::Refused }
    }
}

/// A live session at a time; its JSON is parsed at most once, and only if a rule asks.
pub(super) struct Facts<'a> {
    session: &'a Session,
    now: SecondsSinceEpoch,
    claims: OnceCell<Map<String, Value>>,
    attributes: OnceCell<Map<String, Value>>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(session: &'a Session, now: SecondsSinceEpoch) -> Self {
        Self {
            session,
            now,
            claims: OnceCell::new(),
            attributes: OnceCell::new(),
        }
    }

    fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get_or_init(|| self.session.claims()).get(name)
    }

    fn attribute(&self, name: &str) -> Option<&Value> {
        self.attributes
            .get_or_init(|| self.session.attributes())
            .get(name)
    }

    fn has_method(&self, method: &str) -> bool {
        self.session.amr().any(|used| used == method)
    }

    fn authenticated_within(&self, age: Duration) -> bool {
        self.session.auth_time().is_some_and(|at| {
            at.0 != 0 && at <= self.now.plus(CLOCK_SKEW) && self.now.since(at) <= age
        })
    }
}

fn at(place: SignInAt) -> Requirement {
    Requirement {
        at: Some(Box::new(place)),
        ..Requirement::default()
    }
}

impl Rule {
    /// Whether the rule looks at the access token, alone or beside others.
    pub(super) fn wants_access_token(&self) -> bool {
        match self {
            Self::AccessToken => true,
            Self::All(rules) | Self::Any(rules) => rules.iter().any(Self::wants_access_token),
            _ => false,
        }
    }

    /// Allocates nothing, but for the JSON of claims and attributes where a rule asks for them.
    pub(super) fn standing(&self, facts: &Facts<'_>) -> Standing {
        let session = facts.session;
        match self {
            Self::SignIn => Standing::Met,
            Self::MultiFactor => Standing::mendable(session.is_multi_factor()),
            // No authentication satisfies an empty list, so none is asked for.
            Self::AmrAny(list) | Self::AmrAll(list) | Self::Acr(list) if list.is_empty() => {
                Standing::Refused
            }
            Self::AmrAny(methods) => {
                Standing::mendable(methods.iter().any(|method| facts.has_method(method)))
            }
            Self::AmrAll(methods) => {
                Standing::mendable(methods.iter().all(|method| facts.has_method(method)))
            }
            Self::Acr(values) => Standing::mendable(
                session
                    .acr()
                    .is_some_and(|acr| values.iter().any(|value| value == acr)),
            ),
            Self::MaxAge(age) => Standing::mendable(facts.authenticated_within(*age)),
            Self::Scope(scope) => Standing::firm(session.scopes().any(|given| given == scope)),
            Self::Role(role) => Standing::firm(session.roles().any(|given| given == role)),
            Self::Claim(name, test) => {
                Standing::firm(facts.claim(name).is_some_and(|claim| test.holds(claim)))
            }
            Self::Attribute(name, value) => Standing::firm(facts.attribute(name) == Some(value)),
            Self::Organization(id) => Standing::firm(session.organization() == Some(id)),
            Self::Connection(id) => Standing::firm(session.connection() == Some(id)),
            Self::AccessToken => Standing::of_token(AccessToken::of(session, facts.now).is_some()),
            Self::All(rules) => rules
                .iter()
                .map(|rule| rule.standing(facts))
                .max()
                .unwrap_or(Standing::Met),
            Self::Any(rules) => rules
                .iter()
                .map(|rule| rule.standing(facts))
                .min()
                .unwrap_or(Standing::Refused),
        }
    }

    /// What to ask of an authentication so that this rule holds afterwards; `facts` of the session that
    /// it replaces, if there is one.
    pub(super) fn requirement(&self, facts: Option<&Facts<'_>>) -> Requirement {
        match self {
            Self::MultiFactor => Requirement {
                multi_factor: true,
                ..Requirement::default()
            },
            Self::AmrAny(methods) | Self::AmrAll(methods) => Requirement {
                amr: methods.to_vec(),
                ..Requirement::default()
            },
            Self::Acr(values) => Requirement {
                acr_values: values.to_vec(),
                ..Requirement::default()
            },
            Self::MaxAge(age) => Requirement {
                max_age: Some(*age),
                ..Requirement::default()
            },
            Self::All(rules) => rules
                .iter()
                .map(|rule| rule.requirement(facts))
                .fold(Requirement::default(), Requirement::and),
            Self::Any(rules) => match facts {
                Some(facts) => best_alternative(rules, facts),
                None => rules.first(),
            }
            .map_or_else(Requirement::default, |rule| rule.requirement(facts)),
            // Who is signed in for another one is not sent away: it may be theirs, too.
            Self::Organization(id) if facts.is_none() => at(SignInAt {
                organization: Some(id.clone()),
                connection: None,
            }),
            Self::Connection(id) if facts.is_none() => at(SignInAt {
                organization: None,
                connection: Some(id.clone()),
            }),
            Self::SignIn
            | Self::Scope(_)
            | Self::Role(_)
            | Self::Claim(..)
            | Self::Attribute(..)
            | Self::Organization(_)
            | Self::Connection(_)
            | Self::AccessToken => Requirement::default(),
        }
    }

    /// Why a session that does not meet this rule does not.
    pub(super) fn reason(&self, facts: &Facts<'_>) -> Reason {
        match self {
            Self::SignIn | Self::AccessToken => {
                Reason::new(Missing::SignIn, "this page needs a sign-in")
            }
            Self::MultiFactor => {
                Reason::new(Missing::MultiFactor, "this page needs a second factor")
            }
            Self::AmrAny(methods) => Reason::new(
                Missing::Amr,
                format!("this page needs a sign-in with {}", methods.join(" or ")),
            ),
            Self::AmrAll(methods) => Reason::new(
                Missing::Amr,
                format!("this page needs a sign-in with {}", methods.join(" and ")),
            ),
            Self::Acr(values) => Reason::new(
                Missing::Acr,
                format!(
                    "this page needs a stronger sign-in: {}",
                    values.join(" or ")
                ),
            ),
            Self::MaxAge(age) => Reason::new(
                Missing::MaxAge,
                format!("this page needs a sign-in within the last {}", spoken(*age)),
            ),
            Self::Scope(scope) => {
                Reason::new(Missing::Scope, format!("this page needs the scope {scope}"))
            }
            Self::Role(role) => {
                Reason::new(Missing::Role, format!("this page needs the role {role}"))
            }
            Self::Claim(_, ClaimTest::Where(description, _)) => {
                Reason::new(Missing::Claim, format!("this page needs {description}"))
            }
            Self::Claim(name, _) => Reason::new(
                Missing::Claim,
                format!("this page needs a certain value of the claim {name}"),
            ),
            Self::Attribute(name, _) => Reason::new(
                Missing::Attribute,
                format!("this page needs a certain value of the attribute {name}"),
            ),
            Self::Organization(_) => Reason::new(
                Missing::Organization,
                "this page is for members of another organization",
            ),
            Self::Connection(_) => Reason::new(
                Missing::Connection,
                "this page needs a sign-in through another connection",
            ),
            Self::All(rules) => worst(rules, facts).map_or_else(closed, |rule| rule.reason(facts)),
            Self::Any(rules) => {
                best_alternative(rules, facts).map_or_else(closed, |rule| rule.reason(facts))
            }
        }
    }
}

fn closed() -> Reason {
    Reason::new(Missing::Alternative, "this page is closed to everybody")
}

/// The first of the rules that a session comes closest to.
fn best_alternative<'a>(rules: &'a [Rule], facts: &Facts<'_>) -> Option<&'a Rule> {
    rules.iter().min_by_key(|rule| rule.standing(facts))
}

/// The first of the rules that a session is farthest from.
fn worst<'a>(rules: &'a [Rule], facts: &Facts<'_>) -> Option<&'a Rule> {
    rules.iter().rev().max_by_key(|rule| rule.standing(facts))
}

/// A duration as one says it after "the last": "15 minutes", "minute", "90 seconds".
fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = [(86_400, "day"), (3_600, "hour"), (60, "minute")]
        .into_iter()
        .find(|(length, _)| seconds != 0 && seconds.is_multiple_of(*length))
        .map_or((seconds, "second"), |(length, unit)| {
            (seconds / length, unit)
        });
    if count == 1 {
        unit.to_owned()
    } else {
        format!("{count} {unit}s")
    }
}
