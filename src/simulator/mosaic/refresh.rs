//! Refresh tokens: each good for one use, in families that end when a used one comes again
//! (RFC 9700 section 4.14.2).

use std::collections::HashMap;

use super::session::Authentication;
use super::tokens::Wanted;
use crate::crypto::random_token;

/// What a refresh token stands for, and what tokens are issued for.
#[derive(Clone, Debug)]
pub(super) struct RefreshGrant {
    pub(super) client_id: String,
    /// As it was when the user authenticated (OpenID Connect Core 12.2).
    pub(super) authentication: Authentication,
    pub(super) wanted: Wanted,
}

/// All tokens that came from one authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Family(u64);

#[derive(Debug)]
struct Entry {
    family: Family,
    grant: RefreshGrant,
    used: bool,
}

/// Why a refresh token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotRefreshed {
    Unknown,
    OtherClient,
    /// It came a second time: its family is revoked.
    Reused,
}

/// All refresh tokens.
#[derive(Debug, Default)]
pub(super) struct RefreshTokens {
    next: u64,
    entries: HashMap<String, Entry>,
}

impl RefreshTokens {
    /// A new token, in a new family if there is none yet.
    pub(super) fn issue(&mut self, family: Option<Family>, grant: RefreshGrant) -> String {
        let family = family.unwrap_or_else(|| {
            self.next += 1;
            Family(self.next)
        });
        let token = random_token();
        let entry = Entry {
            family,
            grant,
            used: false,
        };
        self.entries.insert(token.clone(), entry);
        token
    }

    /// Uses a token up, if it is to be `rotated`.
    pub(super) fn redeem(
        &mut self,
        token: &str,
        client_id: &str,
        rotated: bool,
    ) -> Result<(Family, RefreshGrant), NotRefreshed> {
        let entry = self.entries.get_mut(token).ok_or(NotRefreshed::Unknown)?;
        let family = entry.family;
        if entry.grant.client_id != client_id {
            return Err(NotRefreshed::OtherClient);
        }
        if entry.used {
            self.entries.retain(|_, entry| entry.family != family);
            return Err(NotRefreshed::Reused);
        }
        entry.used = rotated;
        Ok((family, entry.grant.clone()))
    }

    /// Forgets the tokens of sessions that are over: a refresh token doesn't outlive its session.
    pub(super) fn keep_those_of(&mut self, lives: impl Fn(&str) -> bool) {
        self.entries
            .retain(|_, entry| lives(&entry.grant.authentication.session_id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SecondsSinceEpoch;

    fn grant(session_id: &str) -> RefreshGrant {
        RefreshGrant {
            client_id: "app".to_owned(),
            authentication: Authentication {
                session_id: session_id.to_owned(),
                user: "alice".to_owned(),
                amr: vec!["pwd"],
                auth_time: SecondsSinceEpoch(1_000),
            },
            wanted: Wanted::default(),
        }
    }

    #[test]
    fn reuse_revokes_the_family_and_no_other() {
        let mut tokens = RefreshTokens::default();
        let other = tokens.issue(None, grant("s1"));
        let first = tokens.issue(None, grant("s1"));
        let (family, again) = tokens.redeem(&first, "app", true).unwrap();
        let second = tokens.issue(Some(family), again);
        let reused = tokens.redeem(&first, "app", true);
        assert_eq!(reused.err(), Some(NotRefreshed::Reused));
        let child = tokens.redeem(&second, "app", true);
        assert_eq!(child.err(), Some(NotRefreshed::Unknown));
        assert!(tokens.redeem(&other, "app", true).is_ok());
    }

    #[test]
    fn each_check_of_a_token() {
        let mut tokens = RefreshTokens::default();
        let token = tokens.issue(None, grant("s1"));
        let stolen = tokens.redeem(&token, "other", true);
        assert_eq!(stolen.err(), Some(NotRefreshed::OtherClient));
        assert!(tokens.redeem(&token, "app", false).is_ok());
        assert!(
            tokens.redeem(&token, "app", true).is_ok(),
            "was not rotated"
        );

        let token = tokens.issue(None, grant("s1"));
        tokens.keep_those_of(|session| session == "s2");
        let ended = tokens.redeem(&token, "app", true);
        assert_eq!(ended.err(), Some(NotRefreshed::Unknown));
    }
}
