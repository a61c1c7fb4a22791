//! The access token of a session, and when it is too old.

use std::fmt;
use std::time::Duration;

use super::{Session, Tokens};
use crate::clock::SecondsSinceEpoch;
use crate::secret::Secret;

/// The access token of the person who is signed in, for a call to an API on their behalf (RFC 6749 section 1.4).
///
/// Three ways lead to it:
///
/// 1. As an argument of an axum handler. It lives for the margin, or is renewed first by the session's refresh
///    token, whatever [`Revalidation`](crate::Revalidation) says. While the provider can't be reached the old
///    one is handed out as long as it lives. Where there is none that lives, and no way to renew it, the
///    request is refused as if nobody were signed in.
/// 2. [`Sso::access_token`](crate::Sso::access_token), for code that has a [`Session`] and no request: the same,
///    and an error where there is none.
/// 3. [`Session::access_token`](crate::Session::access_token), which asks nobody.
///
/// The margin is a minute, or a fifth of the token's life where that is shorter. A token whose end the provider
/// does not tell is taken for good.
///
/// ```
/// use tower_sso::AccessToken;
///
/// async fn invoices(token: AccessToken) -> String {
///     let header = format!("Bearer {}", token.expose());
///     // … call the API with it …
/// #   drop(header);
///     format!("good for {:?}", token.expires_in())
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(invoices));
/// ```
#[derive(Clone)]
pub struct AccessToken {
    token: Secret<String>,
    expires_in: Option<Duration>,
}

impl AccessToken {
    /// The token of a session, if it still lives.
    pub(crate) fn of(session: &Session, now: SecondsSinceEpoch) -> Option<Self> {
        let tokens = session.record().tokens.as_ref()?;
        is_good(tokens, now).then_some(())?;
        Some(Self {
            token: tokens.access_token.clone()?,
            expires_in: tokens.access_token_expires_at.map(|end| end.since(now)),
        })
    }

    /// The token itself. It is a secret: it goes into an `Authorization` header and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.token.expose()
    }

    /// How long it still lives, counted from when it was handed out; `None` if the provider did not say
    /// (`expires_in`, RFC 6749 section 5.1).
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

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
    use crate::session::{Lifetime, Record, SessionKey};

    const START: SecondsSinceEpoch = SecondsSinceEpoch(1_000_000);

    fn session(life: Option<u64>, token: Option<&str>) -> Session {
        let mut record = Record::new("https://idp".into(), "ada", START, Lifetime::default());
        record.tokens = Some(Box::new(Tokens {
            access_token: token.map(Secret::from),
            access_token_expires_at: life.map(|life| START.plus(Duration::from_secs(life))),
            obtained_at: START,
            ..Tokens::default()
        }));
        Session::new(SessionKey([0; 32]), Arc::new(record))
    }

    /// A request that can renew takes what lives; a session by itself gives only what lives for the margin.
    #[test]
    fn a_token_is_handed_out_while_it_lives_and_by_the_session_for_the_margin() {
        for (life, after, of_request, of_session) in [
            (Some(3600), 3539, Some(Some(61)), true),
            (Some(3600), 3540, Some(Some(60)), false),
            (Some(3600), 3599, Some(Some(1)), false),
            (Some(3600), 3600, None, false),
            (Some(60), 47, Some(Some(13)), true),
            (Some(60), 48, Some(Some(12)), false),
            (None, 999_999, Some(None), true),
        ] {
            let now = START.plus(Duration::from_secs(after));
            let session = session(life, Some("t"));
            let lives = AccessToken::of(&session, now);
            let left = |token: AccessToken| token.expires_in().map(|left| left.as_secs());
            assert_eq!(lives.map(left), of_request, "{life:?} {after}");
            let own = session.access_token(now);
            assert_eq!(own.is_some(), of_session, "{life:?} {after}");
        }
        assert!(session(None, None).access_token(START).is_none());
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_token_young() {
        let earlier = START.minus(Duration::from_secs(1));
        assert!(session(Some(60), Some("t")).access_token(earlier).is_none());
    }

    #[test]
    fn no_token_is_printed() {
        let token = AccessToken::of(&session(Some(60), Some("secret")), START);
        let text = format!("{token:?}");
        assert!(!text.contains("secret") && text.contains("60s"), "{text}");
    }
}
