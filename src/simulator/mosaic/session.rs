//! Who is signed in at the tenant, and by what.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::SecondsSinceEpoch;
use crate::crypto::random_token;

/// How long a session lives after the last authentication in it.
const LIFETIME: Duration = Duration::from_secs(14 * 24 * 3600);

/// A way to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Password,
    EmailOtp,
    SmsOtp,
    EmailLink,
}

impl Method {
    fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::EmailOtp => "eotp",
            Self::SmsOtp => "sms",
            Self::EmailLink => "eml",
        }
    }

    /// What it proves. A code and a link that come to the same mailbox prove the same, which is why the
    /// vendor wants a second factor from somewhere else.
    fn kind(self) -> Kind {
        match self {
            Self::Password => Kind::Knowledge,
            Self::EmailOtp | Self::EmailLink => Kind::Mailbox,
            Self::SmsOtp => Kind::Phone,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Knowledge,
    Mailbox,
    Phone,
}

/// The `amr` of a session: its methods in their order, and `mfa` where they are of two kinds.
fn amr(methods: &[Method]) -> Vec<&'static str> {
    let mut amr: Vec<_> = methods.iter().map(|method| method.amr()).collect();
    let first = methods.first().map(|method| method.kind());
    if methods.iter().any(|method| Some(method.kind()) != first) {
        amr.push("mfa");
    }
    amr
}

/// What tokens say about a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authentication {
    pub(super) session_id: String,
    pub(super) user: String,
    pub(super) amr: Vec<&'static str>,
    pub(super) auth_time: SecondsSinceEpoch,
}

/// Why a factor is not added to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAdded {
    NotFound,
    /// Each session is bound to one user.
    OtherUser,
}

#[derive(Debug)]
struct Session {
    user: String,
    methods: Vec<Method>,
    /// When the user last did something to authenticate; a silent authentication leaves it.
    auth_time: SecondsSinceEpoch,
    expires_at: SecondsSinceEpoch,
}

/// All sessions by their ids.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<String, Session>);

impl Sessions {
    /// Whether a session lives.
    pub(super) fn has(&self, id: &str, now: SecondsSinceEpoch) -> bool {
        self.0
            .get(id)
            .is_some_and(|session| now < session.expires_at)
    }

    /// Starts a session.
    pub(super) fn start(
        &mut self,
        user: &str,
        method: Method,
        now: SecondsSinceEpoch,
    ) -> Authentication {
        self.0.retain(|_, session| now < session.expires_at);
        let session = Session {
            user: user.to_owned(),
            methods: vec![method],
            auth_time: now,
            expires_at: now.plus(LIFETIME),
        };
        let id = random_token();
        let authentication = session.stated(&id);
        self.0.insert(id, session);
        authentication
    }

    /// Adds a factor to a session.
    pub(super) fn add(
        &mut self,
        id: &str,
        user: &str,
        method: Method,
        now: SecondsSinceEpoch,
    ) -> Result<Authentication, NotAdded> {
        let session = self.living(id, now).ok_or(NotAdded::NotFound)?;
        if session.user != user {
            return Err(NotAdded::OtherUser);
        }
        if !session.methods.contains(&method) {
            session.methods.push(method);
        }
        session.auth_time = now;
        session.expires_at = now.plus(LIFETIME);
        Ok(session.stated(id))
    }

    /// Authenticates by a session alone, which it prolongs.
    pub(super) fn authenticate(
        &mut self,
        id: &str,
        now: SecondsSinceEpoch,
    ) -> Option<Authentication> {
        let session = self.living(id, now)?;
        session.expires_at = now.plus(LIFETIME);
        Some(session.stated(id))
    }

    /// Ends a session; whether there was one.
    pub(super) fn end(&mut self, id: &str, now: SecondsSinceEpoch) -> bool {
        self.has(id, now) && self.0.remove(id).is_some()
    }

    pub(super) fn end_those_of(&mut self, user: &str) {
        self.0.retain(|_, session| session.user != user);
    }

    pub(super) fn end_all(&mut self) {
        self.0.clear();
    }

    pub(super) fn count(&self, now: SecondsSinceEpoch) -> usize {
        self.0
            .values()
            .filter(|session| now < session.expires_at)
            .count()
    }

    fn living(&mut self, id: &str, now: SecondsSinceEpoch) -> Option<&mut Session> {
        self.0
            .get_mut(id)
            .filter(|session| now < session.expires_at)
    }
}

impl Session {
    fn stated(&self, id: &str) -> Authentication {
        Authentication {
            session_id: id.to_owned(),
            user: self.user.clone(),
            amr: amr(&self.methods),
            auth_time: self.auth_time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Method::{EmailLink, EmailOtp, Password, SmsOtp};

    const NOW: SecondsSinceEpoch = SecondsSinceEpoch(1_000);
    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

    #[test]
    fn mfa_takes_two_kinds() {
        for (methods, expected) in [
            (&[Password][..], &["pwd"][..]),
            (&[Password, SmsOtp], &["pwd", "sms", "mfa"]),
            (&[EmailOtp, EmailLink], &["eotp", "eml"]),
            (&[EmailLink, SmsOtp], &["eml", "sms", "mfa"]),
            (
                &[Password, EmailOtp, EmailLink],
                &["pwd", "eotp", "eml", "mfa"],
            ),
        ] {
            assert_eq!(amr(methods), expected);
        }
    }

    #[test]
    fn each_authentication_gives_two_weeks_more() {
        let mut sessions = Sessions::default();
        let id = sessions.start("alice", Password, NOW).session_id;
        let silent = NOW.plus(WEEK);
        let same = sessions.authenticate(&id, silent).unwrap();
        assert_eq!((same.auth_time, same.amr), (NOW, vec!["pwd"]));
        let added = silent.plus(WEEK * 2 - Duration::from_secs(1));
        let more = sessions.add(&id, "alice", SmsOtp, added).unwrap();
        assert_eq!((more.auth_time, &*more.session_id), (added, &*id));

        let last = added.plus(WEEK * 2 - Duration::from_secs(1));
        assert!(sessions.has(&id, last));
        assert_eq!(sessions.count(last), 1);
        let over = added.plus(WEEK * 2);
        assert!(!sessions.has(&id, over));
        assert_eq!(sessions.count(over), 0);
        assert_eq!(sessions.authenticate(&id, over), None);
        assert_eq!(
            sessions.add(&id, "alice", SmsOtp, over),
            Err(NotAdded::NotFound)
        );
        assert!(!sessions.end(&id, over));
    }

    #[test]
    fn a_factor_counts_once_and_for_its_user_only() {
        let mut sessions = Sessions::default();
        let id = sessions.start("alice", SmsOtp, NOW).session_id;
        let again = sessions.add(&id, "alice", SmsOtp, NOW).unwrap();
        assert_eq!(again.amr, ["sms"]);
        assert_eq!(
            sessions.add(&id, "bob", Password, NOW),
            Err(NotAdded::OtherUser)
        );
        assert_eq!(sessions.authenticate(&id, NOW).unwrap().amr, ["sms"]);
    }

    #[test]
    fn ends_what_it_should() {
        let mut sessions = Sessions::default();
        let first = sessions.start("alice", Password, NOW).session_id;
        let second = sessions.start("alice", Password, NOW).session_id;
        let other = sessions.start("bob", Password, NOW).session_id;
        assert_ne!(first, second);
        assert!(sessions.end(&first, NOW) && !sessions.end(&first, NOW));
        assert!(sessions.has(&second, NOW));
        sessions.end_those_of("alice");
        assert!(!sessions.has(&second, NOW) && sessions.has(&other, NOW));
        sessions.end_all();
        assert_eq!(sessions.count(NOW), 0);
    }
}
