//! When a session has to be looked at again by the provider.

use std::str::FromStr;
use std::time::Duration;

use crate::clock::SecondsSinceEpoch;
use crate::session::access_token::is_ending;
use crate::session::{Record, Tokens};
use crate::{Error, Result};

/// When the provider is asked again whether a session still holds, before a protected request goes on.
///
/// A session that has a refresh token is renewed by it (RFC 6749 section 6), without the browser; so is one that
/// backends know by an id. Many providers give a refresh token for the scope `offline_access` only (OpenID Connect
/// Core 11). Not twice within 10 s.
///
/// A session that has neither can be renewed by its browser alone: a navigation is sent to the provider, which
/// answers from its own session without a page (`prompt=none`, OpenID Connect Core 3.1.2.1), and comes back to
/// the same URL with the same cookie. So that costs a round trip that people can see; it is asked for by name,
/// and happens at most once in five minutes for each browser. What is no navigation (a script's call, a form) is
/// served meanwhile, as long as the session lives.
///
/// | the provider | what becomes of the session |
/// |---|---|
/// | answers for the same person | it goes on, with the new claims, tokens and `auth_time`, and its old end or an earlier one |
/// | answers for somebody else | it ends, and nobody is signed in as the other |
/// | `login_required`: its own session is over | it ends; the person signs in anew |
/// | wants to show a page (`interaction_required`, `consent_required`, `account_selection_required`) | it stays as it was |
/// | fails, refuses otherwise, or can't be reached | it stays as it was |
///
/// ```
/// use std::time::Duration;
/// use tower_sso::Revalidation;
///
/// assert_eq!("auto".parse::<Revalidation>()?, Revalidation::default());
/// let each_quarter = Revalidation::Every(Duration::from_secs(15 * 60));
/// assert_eq!("every:900".parse::<Revalidation>()?, each_quarter);
/// # Ok::<(), tower_sso::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revalidation {
    /// As [`OnTokenExpiry`](Self::OnTokenExpiry) where it shows nobody anything: by a refresh token, or the id that
    /// backends know. A session with neither serves until its own end. The default.
    #[default]
    Auto,
    /// A minute before the access token ends, or a fifth of its life before where that is shorter. Then
    /// somebody whom the provider has signed out, or who lost a group, is known here within the life of
    /// an access token.
    OnTokenExpiry,
    /// So long after the tokens came, whatever their own life is; 10 s at least.
    Every(Duration),
    /// Only where an access token is asked for and the old one is about to end.
    Never,
}

impl FromStr for Revalidation {
    type Err = Error;

    /// `auto`, `on-token-expiry`, `every:<seconds>`, `never`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "on-token-expiry" => Ok(Self::OnTokenExpiry),
            "never" => Ok(Self::Never),
            _ => text
                .strip_prefix("every:")
                .and_then(|seconds| seconds.parse().ok())
                .filter(|seconds| *seconds > 0)
                .map(|seconds| Self::Every(Duration::from_secs(seconds)))
                .ok_or_else(|| {
                    Error::configuration("use auto, never, on-token-expiry or every:<seconds>")
                }),
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A policy or an extractor: somebody who is signed in.
    Session,
    /// What calls an API: an access token that lives a while longer.
    AccessToken,
}

impl Revalidation {
    /// Whether the session has to be renewed before the request goes on.
    pub(crate) fn is_due(self, need: Need, record: &Record, now: SecondsSinceEpoch) -> bool {
        let Some(tokens) = record.tokens.as_ref().filter(|_| record.is_renewable()) else {
            return false;
        };
        match need {
            Need::Session => self.is_old(tokens, now),
            Need::AccessToken => is_ending(tokens, now),
        }
    }

    /// Whether a session that nothing but its browser can renew is due to be. Only where that was asked for by
    /// name: it sends people round.
    pub(crate) fn sends_the_browser(self, record: &Record, now: SecondsSinceEpoch) -> bool {
        let asked_for = matches!(self, Self::OnTokenExpiry | Self::Every(_));
        let tokens = record.tokens.as_ref().filter(|_| asked_for);
        tokens.is_some_and(|tokens| !record.is_renewable() && self.is_old(tokens, now))
    }

    fn is_old(self, tokens: &Tokens, now: SecondsSinceEpoch) -> bool {
        match self {
            Self::Auto | Self::OnTokenExpiry => {
                is_ending(tokens, now) && !was_just_renewed(tokens, now)
            }
            // A clock that was set back must not make tokens look young.
            Self::Every(period) => {
                let period = period.max(AT_MOST_EVERY);
                now < tokens.obtained_at || now.since(tokens.obtained_at) >= period
            }
            Self::Never => false,
        }
    }
}

/// Whether the tokens came a few seconds ago: a provider whose tokens end at once is not asked at each
/// request.
fn was_just_renewed(tokens: &Tokens, now: SecondsSinceEpoch) -> bool {
    now >= tokens.obtained_at && now.since(tokens.obtained_at) < AT_MOST_EVERY
}

const AT_MOST_EVERY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::secret::Secret;
    use crate::session::Lifetime;

    const START: u64 = 1_000_000;
    const MINUTE: Duration = Duration::from_secs(60);

    fn record(life: Option<u64>, refresh_token: bool) -> Record {
        let now = SecondsSinceEpoch(START);
        let issuer = Arc::from("https://idp.example");
        let mut record = Record::new(issuer, "alice", now, Lifetime::default());
        record.tokens = Some(Box::new(Tokens {
            refresh_token: refresh_token.then(|| Secret::from("r")),
            access_token_expires_at: life.map(|life| now.plus(Duration::from_secs(life))),
            obtained_at: now,
            ..Tokens::default()
        }));
        record
    }

    #[test]
    fn a_token_is_renewed_a_minute_or_a_fifth_of_its_life_ahead() {
        use Revalidation::{Auto, Every, Never, OnTokenExpiry};
        for (option, need, life, after, due) in [
            (OnTokenExpiry, Need::Session, Some(3600), 0, false),
            (OnTokenExpiry, Need::Session, Some(3600), 3539, false),
            (OnTokenExpiry, Need::Session, Some(3600), 3540, true),
            (OnTokenExpiry, Need::Session, Some(3600), 9999, true),
            (Auto, Need::Session, Some(3600), 3539, false),
            (Auto, Need::Session, Some(3600), 3540, true),
            (Auto, Need::AccessToken, Some(3600), 3540, true),
            (OnTokenExpiry, Need::Session, Some(60), 47, false),
            (OnTokenExpiry, Need::Session, Some(60), 48, true),
            (OnTokenExpiry, Need::Session, Some(0), 9, false),
            (OnTokenExpiry, Need::Session, Some(0), 10, true),
            (OnTokenExpiry, Need::AccessToken, Some(0), 0, true),
            (OnTokenExpiry, Need::Session, None, 999_999, false),
            (Never, Need::Session, Some(60), 9999, false),
            (Never, Need::AccessToken, Some(60), 47, false),
            (Never, Need::AccessToken, Some(60), 48, true),
            (Every(MINUTE), Need::Session, Some(3600), 59, false),
            (Every(MINUTE), Need::Session, Some(3600), 60, true),
            (Every(MINUTE), Need::Session, None, 60, true),
            (Every(MINUTE), Need::AccessToken, Some(3600), 60, false),
            (Every(Duration::ZERO), Need::Session, Some(3600), 9, false),
            (Every(Duration::ZERO), Need::Session, Some(3600), 10, true),
        ] {
            let now = SecondsSinceEpoch(START + after);
            let verdict = option.is_due(need, &record(life, true), now);
            assert_eq!(verdict, due, "{option:?} {need:?} {life:?} {after}");
            assert!(!option.is_due(need, &record(life, false), now), "no token");
        }
    }

    #[test]
    fn a_browser_is_sent_only_by_name_and_where_nothing_else_renews() {
        use Revalidation::{Auto, Every, Never, OnTokenExpiry};
        let period = Duration::from_secs(600);
        for (option, life, after, sends) in [
            (OnTokenExpiry, Some(3600), 3539, false),
            (OnTokenExpiry, Some(3600), 3540, true),
            (OnTokenExpiry, Some(3600), 9999, true),
            (OnTokenExpiry, Some(0), 9, false),
            (OnTokenExpiry, None, 999_999, false),
            (Every(period), None, 599, false),
            (Every(period), None, 600, true),
            (Auto, Some(3600), 9999, false),
            (Never, Some(3600), 9999, false),
        ] {
            let now = SecondsSinceEpoch(START + after);
            let verdict = option.sends_the_browser(&record(life, false), now);
            assert_eq!(verdict, sends, "{option:?} {life:?} {after}");
            let renewable = record(life, true);
            assert!(!option.sends_the_browser(&renewable, now), "{option:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_makes_it_due() {
        let earlier = SecondsSinceEpoch(START - 1);
        let record = record(Some(3600), true);
        for option in [Revalidation::OnTokenExpiry, Revalidation::Every(MINUTE)] {
            assert!(option.is_due(Need::Session, &record, earlier), "{option:?}");
        }
    }

    #[test]
    fn the_words_of_the_variable() {
        for (text, option) in [
            ("auto", Some(Revalidation::Auto)),
            ("on-token-expiry", Some(Revalidation::OnTokenExpiry)),
            ("never", Some(Revalidation::Never)),
            ("every:60", Some(Revalidation::Every(MINUTE))),
            ("every:0", None),
            ("every:", None),
            ("every:-1", None),
            ("always", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), option, "{text}");
        }
    }
}
