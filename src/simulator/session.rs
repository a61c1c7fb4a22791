//! Who is signed in at the provider.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::authentication;
use crate::clock::SecondsSinceEpoch;
use crate::crypto::random_token;

/// How somebody authenticated, and when.
#[derive(Clone, Debug)]
pub(super) struct Authentication {
    pub(super) user: String,
    pub(super) amr: Vec<String>,
    /// The level to state whatever the methods; only tests choose one.
    pub(super) acr: Option<String>,
    pub(super) auth_time: SecondsSinceEpoch,
}

impl Authentication {
    pub(super) fn holds_acr(&self, asked: &str) -> bool {
        self.acr.as_deref() == Some(asked) || authentication::reaches(&self.amr, asked)
    }

    /// The `acr` claim of an answer to a request for these levels.
    pub(super) fn stated_acr(&self, asked: &[String]) -> Option<String> {
        self.acr
            .as_deref()
            .or_else(|| authentication::acr(&self.amr, asked))
            .map(ToOwned::to_owned)
    }
}

/// One browser that is signed in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) authentication: Authentication,
    /// The `sid` claim (OpenID Connect Front-Channel Logout 1.0 section 3): the same for all clients, and
    /// kept when the same person authenticates again.
    pub(super) sid: String,
    pub(super) consented: BTreeSet<String>,
    expires_at: SecondsSinceEpoch,
}

/// All sessions, by the value of their cookie.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<String, Session>);

impl Sessions {
    pub(super) fn find(&self, cookie: &str, now: SecondsSinceEpoch) -> Option<Session> {
        let session = self.0.get(cookie)?;
        (now < session.expires_at).then(|| session.clone())
    }

    /// Signs somebody in over what the browser had, under a new cookie value.
    pub(super) fn sign_in(
        &mut self,
        old_cookie: Option<&str>,
        authentication: Authentication,
        lifetime: Duration,
    ) -> String {
        let now = authentication.auth_time;
        self.0.retain(|_, session| now < session.expires_at);
        let old = old_cookie
            .and_then(|cookie| self.0.remove(cookie))
            .filter(|old| old.authentication.user == authentication.user);
        let (sid, consented) = match old {
            Some(old) => (old.sid, old.consented),
            None => (random_token(), BTreeSet::new()),
        };
        let cookie = random_token();
        let session = Session {
            authentication,
            sid,
            consented,
            expires_at: now.plus(lifetime),
        };
        self.0.insert(cookie.clone(), session);
        cookie
    }

    pub(super) fn consent(&mut self, cookie: &str, client_id: &str) {
        if let Some(session) = self.0.get_mut(cookie) {
            session.consented.insert(client_id.to_owned());
        }
    }

    pub(super) fn end(&mut self, sid: &str) {
        self.0.retain(|_, session| session.sid != sid);
    }

    pub(super) fn end_all(&mut self) {
        self.0.clear();
    }

    pub(super) fn count(&self, now: SecondsSinceEpoch) -> usize {
        self.0.values().filter(|s| now < s.expires_at).count()
    }

    pub(super) fn has_sid(&self, sid: &str, now: SecondsSinceEpoch) -> bool {
        self.0.values().any(|s| s.sid == sid && now < s.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authentication(user: &str, at: u64) -> Authentication {
        Authentication {
            user: user.to_owned(),
            amr: vec!["pwd".to_owned()],
            acr: None,
            auth_time: SecondsSinceEpoch(at),
        }
    }

    #[test]
    fn the_cookie_is_new_and_the_sid_stays_with_the_person() {
        let mut sessions = Sessions::default();
        let hour = Duration::from_secs(3600);
        let at = SecondsSinceEpoch(100);
        let first = sessions.sign_in(None, authentication("alice", 100), hour);
        let sid = sessions.find(&first, at).unwrap().sid;
        sessions.consent(&first, "app");
        let second = sessions.sign_in(Some(&first), authentication("alice", 100), hour);
        assert!(
            sessions.find(&first, at).is_none(),
            "the old cookie is dead"
        );
        assert_eq!(sessions.find(&second, at).unwrap().sid, sid);
        assert!(
            sessions
                .find(&second, at)
                .unwrap()
                .consented
                .contains("app")
        );
        let third = sessions.sign_in(Some(&second), authentication("bob", 100), hour);
        let bob = sessions.find(&third, at).unwrap();
        assert!(bob.sid != sid && bob.consented.is_empty());
        assert_eq!(sessions.count(at), 1);
    }

    #[test]
    fn a_session_ends_at_its_time() {
        let mut sessions = Sessions::default();
        let cookie = sessions.sign_in(None, authentication("alice", 100), Duration::from_secs(10));
        assert!(sessions.find(&cookie, SecondsSinceEpoch(109)).is_some());
        assert!(sessions.find(&cookie, SecondsSinceEpoch(110)).is_none());
        assert_eq!(sessions.count(SecondsSinceEpoch(110)), 0);
    }
}
