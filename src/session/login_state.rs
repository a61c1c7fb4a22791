//! The state of one sign-in attempt: a sealed cookie of its own, good for ten minutes and one use.
//!
//! 1. Each attempt has its own cookie, so parallel tabs do not collide. Its name carries the time and a
//!    hash of `state`; only names with our own prefix count.
//! 2. `state`, `nonce` and the PKCE verifier follow from one random seed that the cookie seals: who has
//!    only the URL of a callback has none of them.
//! 3. At most [`MOST_ATTEMPTS`] stay in a browser; a new attempt removes the oldest.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tower_cookies::Cookie;

use super::ReturnTo;
use super::cookie::{self, CookieSettings};
use super::record::SessionKey;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::{self, Purpose, Sealer};
use crate::secret::{Secret, constant_time_eq};

/// How long an attempt may take.
pub(crate) const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How many attempts one browser may have under way.
pub(crate) const MOST_ATTEMPTS: usize = 10;
/// How many cookies one response removes: proxies refuse an answer with kilobytes of headers.
const MOST_REMOVALS: usize = 20;
/// The longest name that can be of our making, and some more.
const LONGEST_NAME: usize = 128;
/// The longest name and value of one cookie, in bytes.
const LARGEST_COOKIE: usize = 700;
/// Characters of the hash of `state` in a cookie's name: 96 bits.
const HASH_LENGTH: usize = 16;

/// What one attempt must find again when the browser comes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoginState {
    #[serde(rename = "s", with = "seed")]
    seed: Secret<Vec<u8>>,
    /// Whose answer is awaited.
    #[serde(rename = "i")]
    pub(crate) issuer: String,
    /// The tenant that it is for.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// The organization that was asked for.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) organization: Option<String>,
    /// The connection that was asked for.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) connection: Option<String>,
    /// The domain that was asked for.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) domain: Option<String>,
    /// The kind of identity provider that was asked for.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity_provider: Option<String>,
    /// When the attempt began.
    #[serde(rename = "t")]
    pub(crate) began_at: SecondsSinceEpoch,
    /// Where the person wanted to go.
    #[serde(rename = "r")]
    pub(crate) return_to: String,
    /// The `max_age` that was asked for, in seconds.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<u64>,
    /// The requirement that a step-up is for.
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub(crate) step_up: Option<u64>,
    /// The session that this attempt will replace.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<SessionKey>,
    /// How many sign-ins this browser had finished lately when this one began.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub(crate) round_trips: u64,
    /// Whether no page was to be shown.
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) silent: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

mod seed {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::crypto::{base64url, from_base64url};
    use crate::secret::Secret;

    pub(super) fn serialize<S: Serializer>(
        seed: &Secret<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url(seed.expose()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Secret<Vec<u8>>, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        from_base64url(&text)
            .map(Secret::new)
            .ok_or_else(|| serde::de::Error::custom("not base64url"))
    }
}

impl LoginState {
    /// A new attempt with a seed of its own.
    pub(crate) fn new(issuer: &str, began_at: SecondsSinceEpoch, return_to: &ReturnTo) -> Self {
        Self {
            seed: Secret::new(crypto::random::<32>().to_vec()),
            issuer: issuer.to_owned(),
            tenant: None,
            organization: None,
            connection: None,
            domain: None,
            identity_provider: None,
            began_at,
            return_to: return_to.as_str().to_owned(),
            max_age: None,
            step_up: None,
            replaces: None,
            round_trips: 0,
            silent: false,
        }
    }

    /// The `state` of the authorization request.
    pub(crate) fn state(&self) -> String {
        self.derived(b"state")
    }

    /// The `nonce` of the authorization request.
    pub(crate) fn nonce(&self) -> String {
        self.derived(b"nonce")
    }

    /// The PKCE verifier: 43 characters (RFC 7636 section 4.1).
    pub(crate) fn code_verifier(&self) -> Secret<String> {
        Secret::new(self.derived(b"code_verifier"))
    }

    fn derived(&self, label: &[u8]) -> String {
        crypto::base64url(&crypto::derive::<32>(self.seed.expose(), label))
    }

    /// Whether the attempt's time is over at `now`.
    pub(crate) fn is_over(&self, now: SecondsSinceEpoch) -> bool {
        now >= self.began_at.plus(LIFETIME)
    }

    /// Where the person wanted to go, by the strict parser again.
    pub(crate) fn return_to(&self) -> ReturnTo {
        ReturnTo::parse(&self.return_to).unwrap_or_else(ReturnTo::root)
    }
}

/// The cookies of attempts: their prefix, seal and attributes.
#[derive(Debug)]
pub(crate) struct LoginStates {
    prefix: String,
    settings: CookieSettings,
}

impl LoginStates {
    /// `session` names the session cookie, `settings` says how the browser keeps an attempt.
    pub(crate) fn new(session: &str, settings: CookieSettings) -> Self {
        Self {
            prefix: format!("{session}-login-"),
            settings,
        }
    }

    /// The cookie that keeps `state` in the browser.
    pub(crate) fn cookie(&self, sealer: &Sealer, mut state: LoginState) -> Cookie<'static> {
        let name = format!(
            "{}{:x}-{}",
            self.prefix,
            state.began_at.0,
            hash(&state.state())
        );
        let mut value = seal(sealer, &name, &state);
        if name.len() + value.len() > LARGEST_COOKIE {
            state.return_to = state.return_to().path_only().as_str().to_owned();
            value = seal(sealer, &name, &state);
        }
        if name.len() + value.len() > LARGEST_COOKIE {
            state.return_to = ReturnTo::root().as_str().to_owned();
            value = seal(sealer, &name, &state);
        }
        self.settings.set(&name, &value, Some(LIFETIME))
    }

    /// The attempt that a callback's `state` belongs to, with the cookie's name.
    pub(crate) fn find<'a>(
        &self,
        sealer: &Sealer,
        fields: impl Iterator<Item = &'a [u8]>,
        state: &str,
    ) -> Option<(&'a str, LoginState)> {
        let wanted = hash(state);
        cookie::names_with_prefix(fields, &self.prefix)
            .filter(|(name, _)| self.parts(name).is_some_and(|(_, hash)| hash == wanted))
            .find_map(|(name, value)| {
                let found: LoginState =
                    serde_json::from_slice(&sealer.open(Purpose::LoginState, name, value)?).ok()?;
                constant_time_eq(found.state().as_bytes(), state.as_bytes())
                    .then_some((name, found))
            })
    }

    /// The removal of one attempt's cookie.
    pub(crate) fn removal(&self, name: &str) -> Cookie<'static> {
        self.settings.removal(name)
    }

    /// What has to go so that a further attempt fits: what is over, and the oldest beyond the limit.
    pub(crate) fn surplus<'a>(
        &self,
        fields: impl Iterator<Item = &'a [u8]>,
        now: SecondsSinceEpoch,
    ) -> Vec<Cookie<'static>> {
        let mut attempts: Vec<(Option<u64>, &str)> =
            cookie::names_with_prefix(fields, &self.prefix)
                .filter(|(name, _)| name.len() <= LONGEST_NAME)
                .map(|(name, _)| (self.parts(name).map(|(time, _)| time), name))
                .collect();
        // Names that are not of our making sort first, as the oldest; so do those that a clock made before it
        // was set back, or they would push out whatever begins now.
        let latest = now.plus(LIFETIME).0;
        attempts.sort_unstable_by_key(|(time, name)| (time.filter(|time| *time <= latest), *name));
        let keep_from = attempts.len().saturating_sub(MOST_ATTEMPTS - 1);
        attempts
            .iter()
            .enumerate()
            .filter(|(index, (time, _))| {
                *index < keep_from
                    || time.is_none_or(|time| now >= SecondsSinceEpoch(time).plus(LIFETIME))
            })
            .map(|(_, (_, name))| self.removal(name))
            .take(MOST_REMOVALS)
            .collect()
    }

    fn parts<'n>(&self, name: &'n str) -> Option<(u64, &'n str)> {
        let (time, hash) = name.strip_prefix(&self.prefix)?.split_once('-')?;
        (hash.len() == HASH_LENGTH).then_some(())?;
        Some((u64::from_str_radix(time, 16).ok()?, hash))
    }
}

fn seal(sealer: &Sealer, name: &str, state: &LoginState) -> String {
    let json = serde_json::to_vec(state).expect("a login state has string keys only");
    sealer.seal(Purpose::LoginState, name, &json)
}

fn hash(state: &str) -> String {
    let mut hash = crypto::base64url(&crypto::sha256(state.as_bytes()));
    hash.truncate(HASH_LENGTH);
    hash
}

#[cfg(test)]
mod tests;
