//! Sessions as the rest of the crate uses them: found by cookie, made, replaced and ended.

use std::sync::Arc;
use std::time::Duration;

use tower_cookies::Cookie;

use super::cookie::{self, CookieSettings, Found};
use super::record::{Record, SessionKey};
use super::store::{Created, Replaced, SessionStore};
use super::{Lifetime, Session};
use crate::clock::{Clock, SecondsSinceEpoch};
use crate::{Result, crypto};

/// How long the old id of a stepped-up session still answers, with the old and weaker record, for
/// requests that are in flight.
const OLD_ID_ANSWERS: Duration = Duration::from_secs(10);

/// What the cookie of a request leads to without waiting.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// No cookie, an ambiguous one, or one of no live session.
    Nobody,
    /// A live session.
    Live(Session),
    /// Only the store knows.
    Ask(SessionKey),
}

/// What became of a session that was to be made.
#[derive(Debug)]
pub(crate) enum Made {
    /// It lives.
    Session(Box<NewSession>),
    /// The provider ended it while it was being made.
    SignedOut,
}

/// A session, and all that it takes to undo it.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub(crate) session: Session,
    pub(crate) cookie: Cookie<'static>,
    retired: Option<Retired>,
}

/// An old id that answers a few seconds more.
#[derive(Clone, Debug)]
struct Retired {
    key: SessionKey,
    before: Arc<Record>,
    version: u64,
}

/// What became of the session that another one follows.
#[derive(Debug)]
enum Followed {
    /// It is over, or there was none.
    Over,
    Retired(Retired),
    /// It was signed out meanwhile: then what was to follow it must not live either.
    SignedOut,
}

/// All sessions of one app.
#[derive(Debug)]
pub(crate) struct Sessions {
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
    lifetime: Lifetime,
    cookie: CookieSettings,
}

impl Sessions {
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        clock: Arc<dyn Clock>,
        lifetime: Lifetime,
        cookie: CookieSettings,
    ) -> Self {
        Self {
            store,
            clock,
            lifetime,
            cookie,
        }
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// Looks for a session without waiting.
    pub(crate) fn look_up<'a>(
        &self,
        fields: impl Iterator<Item = &'a [u8]>,
        now: SecondsSinceEpoch,
    ) -> Lookup {
        let Found::One(value) = cookie::find(fields, &self.cookie.name) else {
            return Lookup::Nobody;
        };
        let key = SessionKey::of_cookie(value);
        match self.store.load_local(key) {
            None => Lookup::Ask(key),
            Some(record) => live(key, record, now).map_or(Lookup::Nobody, Lookup::Live),
        }
    }

    /// Asks the store for a session.
    pub(crate) async fn load(&self, key: SessionKey) -> Result<Option<Session>> {
        let record = self.store.load(key).await?;
        Ok(live(key, record, self.clock.now()))
    }

    /// The session of a request, waiting for the store where needed.
    pub(crate) async fn find<'a>(
        &self,
        fields: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Option<Session>> {
        match self.look_up(fields, self.clock.now()) {
            Lookup::Nobody => Ok(None),
            Lookup::Live(session) => Ok(Some(session)),
            Lookup::Ask(key) => self.load(key).await,
        }
    }

    /// Moves the idle end of a session that is in use. Never delays the request: the store is told in a
    /// task of its own.
    pub(crate) fn slide(&self, session: &Session, now: SecondsSinceEpoch) {
        let record = session.record();
        let Some(target) = Lifetime::slide(record.idle_timeout, record.idle_expires_at(), now)
        else {
            return;
        };
        if record.idle_expires_at() >= record.absolute_expires_at {
            return;
        }
        record.slide(target);
        let (store, key) = (Arc::clone(&self.store), session.key());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = store.touch(key, target).await {
                    tracing::warn!(%error, "the session's idle time could not be written");
                }
            });
        }
    }

    /// Makes a session under a new id. The one that it follows, if any, is over: at once if it was
    /// another person's, after a few seconds if it was this person's.
    pub(crate) async fn make(
        &self,
        mut record: Record,
        follows: Option<&Session>,
        began_at: SecondsSinceEpoch,
    ) -> Result<Made> {
        let same_person = follows
            .filter(|old| old.issuer() == record.issuer() && old.subject() == record.subject());
        if let Some(old) = same_person {
            record.public_id = old.public_id().into();
        }
        let value = crypto::random_token();
        let key = SessionKey::of_cookie(&value);
        let record = match self.store.create(key, record, began_at).await? {
            Created::Done(record) => record,
            Created::SignedOut => return Ok(Made::SignedOut),
        };
        let followed = match (follows, same_person) {
            (None, _) => Ok(Followed::Over),
            (Some(_), Some(old)) => self.retire(old, key).await,
            (Some(old), None) => self.end(old).await.map(|()| Followed::Over),
        };
        let retired = match followed {
            Ok(Followed::Over) => None,
            Ok(Followed::Retired(retired)) => Some(retired),
            Ok(Followed::SignedOut) => {
                self.delete(key).await?;
                return Ok(Made::SignedOut);
            }
            Err(error) => {
                // Nobody may be left with two sessions because one could not be ended.
                self.delete(key).await?;
                return Err(error);
            }
        };
        Ok(Made::Session(Box::new(NewSession {
            session: Session::new(key, record),
            cookie: self.cookie.set(&self.cookie.name, &value, None),
            retired,
        })))
    }

    /// Undoes [`make`](Self::make) for a browser that did not get the cookie: the id that it still has
    /// answers as before. An id that was ended stays ended, and one that somebody else wrote since is theirs.
    pub(crate) async fn take_back(&self, made: &NewSession) -> Result<()> {
        self.delete(made.session.key()).await?;
        if let Some(Retired {
            key,
            before,
            version,
        }) = &made.retired
        {
            let record = Record::clone(before);
            self.store.replace(*key, *version, record).await?;
        }
        Ok(())
    }

    /// Lets an old id answer a few seconds more.
    async fn retire(&self, old: &Session, successor: SessionKey) -> Result<Followed> {
        let mut before = Arc::clone(old.record());
        loop {
            let mut record = Record::clone(&before);
            let end = self.clock.now().plus(OLD_ID_ANSWERS);
            record.absolute_expires_at = record.absolute_expires_at.min(end);
            // A retired id gives no token away: they belong to the session that follows.
            record.tokens = None;
            let key = old.key();
            match self.store.replace(key, before.version(), record).await? {
                Replaced::Done(standing) => {
                    let version = standing.version();
                    return Ok(Followed::Retired(Retired {
                        key,
                        before,
                        version,
                    }));
                }
                Replaced::Gone if self.ended_by_itself(old, successor).await? => {
                    return Ok(Followed::Over);
                }
                Replaced::Gone => return Ok(Followed::SignedOut),
                Replaced::Conflict(newer) => before = newer,
            }
        }
    }

    /// Whether a session that is gone had run out, or was followed by the one of another tab. If neither,
    /// somebody signed out.
    async fn ended_by_itself(&self, old: &Session, successor: SessionKey) -> Result<bool> {
        if !old.record().is_live(self.clock.now()) {
            return Ok(true);
        }
        let others = self
            .store
            .find_by_subject(old.issuer(), old.subject())
            .await?;
        Ok(others
            .iter()
            .any(|(key, record)| *key != successor && *record.public_id == *old.public_id()))
    }

    /// Ends a session, and what else this browser has of it: ids from before a step-up, and sessions that
    /// parallel tabs made of the same session at the provider.
    pub(crate) async fn end(&self, session: &Session) -> Result<()> {
        self.end_others(session).await?;
        // Its own last: who has to try again after a failure must still be known.
        self.delete(session.key()).await?;
        // A step-up in another tab may have made one since the first look. From now on none can: it finds
        // that what it follows is gone.
        self.end_others(session).await
    }

    async fn end_others(&self, session: &Session) -> Result<()> {
        let own = session.record();
        let all = self
            .store
            .find_by_subject(session.issuer(), session.subject())
            .await?;
        for (key, record) in all {
            let same_sid = own.sid.is_some() && record.sid == own.sid;
            if key != session.key() && (same_sid || record.public_id == own.public_id) {
                self.delete(key).await?;
            }
        }
        Ok(())
    }

    /// Puts a record in the place of the one that stands.
    pub(crate) async fn replace(
        &self,
        key: SessionKey,
        standing: &Record,
        record: Record,
    ) -> Result<Replaced> {
        self.store.replace(key, standing.version(), record).await
    }

    /// See [`SessionStore::lease`].
    pub(crate) async fn lease(
        &self,
        what: [u8; 32],
        holder: [u8; 16],
        for_at_most: Duration,
    ) -> Result<bool> {
        self.store.lease(what, holder, for_at_most).await
    }

    /// See [`SessionStore::release`].
    pub(crate) async fn release(&self, what: [u8; 32], holder: [u8; 16]) -> Result<()> {
        self.store.release(what, holder).await
    }

    /// The live sessions of a person.
    pub(crate) async fn of_person(&self, issuer: &str, subject: &str) -> Result<Vec<Session>> {
        let (all, now) = (
            self.store.find_by_subject(issuer, subject).await?,
            self.clock.now(),
        );
        Ok(all
            .into_iter()
            .filter_map(|(key, record)| live(key, Some(record), now))
            .collect())
    }

    /// Ends what was made of a session at the provider. What is being made of it meanwhile does not live.
    pub(crate) async fn end_by_sid(
        &self,
        issuer: &str,
        sid: &str,
        at: SecondsSinceEpoch,
    ) -> Result<()> {
        self.store.delete_by_sid(issuer, sid, at).await.map(drop)
    }

    /// Ends one session, and nothing else of this browser.
    pub(crate) async fn delete(&self, key: SessionKey) -> Result<()> {
        self.store.delete(key).await.map(drop)
    }

    /// The cookie that removes the session's.
    pub(crate) fn removal(&self) -> Cookie<'static> {
        self.cookie.removal(&self.cookie.name)
    }

    /// Notes that a login state was used; `false` if it had been before.
    pub(crate) async fn use_once(&self, state: &str, until: SecondsSinceEpoch) -> Result<bool> {
        let mut what = b"login-state\0".to_vec();
        what.extend_from_slice(state.as_bytes());
        self.store.use_once(crypto::sha256(&what), until).await
    }
}

fn live(key: SessionKey, record: Option<Arc<Record>>, now: SecondsSinceEpoch) -> Option<Session> {
    record
        .filter(|record| record.is_live(now))
        .map(|record| Session::new(key, record))
}
