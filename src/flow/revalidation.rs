//! When a session has to be looked at again by the provider.

use std::str::FromStr;
use std::time::Duration;

use crate::clock::SecondsSinceEpoch;
use crate::session::{Record, Tokens};
use crate::{Error, Result};

/// When a session is renewed by its refresh token (RFC 6749 section 6) before a protected request goes on.
///
/// A session without a refresh token is never renewed: it serves until its own end. Ask for one where you
/// want this; many providers want the scope `offline_access` for it (OpenID Connect Core 11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revalidation {
    /// A minute before the access token ends, or a fifth of its life before where that is shorter. Then
    /// somebody whom the provider has signed out, or who lost a group, is known here within the life of
    /// an access token. Not twice within 10 s. The default.
    #[default]
    OnTokenExpiry,
    /// So long after the tokens came, whatever their own life is.
    Every(Duration),
    /// Only where an access token is asked for and the old one is about to end.
    Never,
}

impl FromStr for Revalidation {
    type Err = Error;

    /// `auto` and `on-token-expiry`, `every:<seconds>`, `never`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" | "on-token-expiry" => Ok(Self::OnTokenExpiry),
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
    /// A handler that calls an API: an access token that lives a while longer.
    #[cfg_attr(
        not(feature = "axum"),
        expect(dead_code, reason = "only an extractor asks")
    )]
    AccessToken,
}

impl Revalidation {
    /// Whether the session has to be renewed before the request goes on.
    pub(crate) fn is_due(self, need: Need, record: &Record, now: SecondsSinceEpoch) -> bool {
        let Some(tokens) = record.tokens.as_ref().filter(|_| record.is_renewable()) else {
            return false;
        };
        match (self, need) {
            (Self::OnTokenExpiry, Need::Session) => {
                is_ending(tokens, now) && !was_just_renewed(tokens, now)
            }
            (_, Need::AccessToken) => is_ending(tokens, now),
            // A clock that was set back must not make tokens look young.
            (Self::Every(period), Need::Session) => {
                now < tokens.obtained_at || now.since(tokens.obtained_at) >= period
            }
            (Self::Never, Need::Session) => false,
        }
    }
}

/// Whether the tokens came a few seconds ago: a provider whose tokens end at once is not asked at each
/// request.
fn was_just_renewed(tokens: &Tokens, now: SecondsSinceEpoch) -> bool {
    now >= tokens.obtained_at && now.since(tokens.obtained_at) < AT_MOST_EVERY
}

const AT_MOST_EVERY: Duration = Duration::from_secs(10);

/// How long before its end an access token is renewed, at most.
const AHEAD: Duration = Duration::from_secs(60);

/// Whether the access token ends within a minute, or within a fifth of its life where that is shorter: a
/// token that lives a minute would else be renewed at each request.
pub(crate) fn is_ending(tokens: &Tokens, now: SecondsSinceEpoch) -> bool {
    tokens.access_token_expires_at.is_some_and(|end| {
        let life = end.since(tokens.obtained_at);
        now >= end.minus(AHEAD.min(life / 5)) || now < tokens.obtained_at
    })
}

/// Whether the access token can still be used. One whose end the provider does not tell is taken for good.
pub(crate) fn is_good(tokens: &Tokens, now: SecondsSinceEpoch) -> bool {
    tokens.access_token_expires_at.is_none_or(|end| now < end)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::secret::Secret;
    use crate::session::Lifetime;

    const START: u64 = 1_000_000;

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
        use Revalidation::{Every, Never, OnTokenExpiry};
        let minute = Duration::from_secs(60);
        for (option, need, life, after, due) in [
            (OnTokenExpiry, Need::Session, Some(3600), 0, false),
            (OnTokenExpiry, Need::Session, Some(3600), 3539, false),
            (OnTokenExpiry, Need::Session, Some(3600), 3540, true),
            (OnTokenExpiry, Need::Session, Some(3600), 9999, true),
            (OnTokenExpiry, Need::Session, Some(60), 47, false),
            (OnTokenExpiry, Need::Session, Some(60), 48, true),
            (OnTokenExpiry, Need::Session, Some(0), 9, false),
            (OnTokenExpiry, Need::Session, Some(0), 10, true),
            (OnTokenExpiry, Need::AccessToken, Some(0), 0, true),
            (OnTokenExpiry, Need::Session, None, 999_999, false),
            (Never, Need::Session, Some(60), 9999, false),
            (Never, Need::AccessToken, Some(60), 47, false),
            (Never, Need::AccessToken, Some(60), 48, true),
            (Every(minute), Need::Session, Some(3600), 59, false),
            (Every(minute), Need::Session, Some(3600), 60, true),
            (Every(minute), Need::Session, None, 60, true),
            (Every(minute), Need::AccessToken, Some(3600), 60, false),
        ] {
            let now = SecondsSinceEpoch(START + after);
            let verdict = option.is_due(need, &record(life, true), now);
            assert_eq!(verdict, due, "{option:?} {need:?} {life:?} {after}");
            assert!(!option.is_due(need, &record(life, false), now), "no token");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_makes_it_due() {
        let earlier = SecondsSinceEpoch(START - 1);
        let record = record(Some(3600), true);
        for option in [Revalidation::OnTokenExpiry, Revalidation::Every(AHEAD)] {
            assert!(option.is_due(Need::Session, &record, earlier), "{option:?}");
        }
    }

    #[test]
    fn a_token_is_good_until_the_second_of_its_end() {
        let record = record(Some(60), true);
        let tokens = record.tokens.as_ref().unwrap();
        assert!(is_good(tokens, SecondsSinceEpoch(START + 59)));
        assert!(!is_good(tokens, SecondsSinceEpoch(START + 60)));
    }

    #[test]
    fn the_words_of_the_variable() {
        for (text, option) in [
            ("auto", Some(Revalidation::OnTokenExpiry)),
            ("on-token-expiry", Some(Revalidation::OnTokenExpiry)),
            ("never", Some(Revalidation::Never)),
            ("every:60", Some(Revalidation::Every(AHEAD))),
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
