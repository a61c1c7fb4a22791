use super::*;
use crate::clock::TestClock;
use crate::session::store::conformance;
use crate::test_util::SignedIn;

const IDLE: Duration = Duration::from_secs(3600);

struct Fixture {
    clock: TestClock,
    store: Arc<MemoryStore>,
}

impl Fixture {
    fn of(bytes: u64) -> Self {
        let clock = TestClock::at(1_000_000);
        let store = Arc::new(MemoryStore::with_capacity(bytes, Arc::new(clock.clone())));
        Self { clock, store }
    }

    fn record(&self, subject: &str) -> Record {
        SignedIn::new(subject)
            .sid(format!("sid of {subject}"))
            .at(self.clock.now())
            .into_record()
    }

    async fn sign_in(&self, subject: &str) -> (SessionKey, Arc<Record>) {
        let key = SessionKey::of_cookie(subject);
        match self
            .store
            .create(key, self.record(subject), self.clock.now())
            .await
        {
            Ok(Created::Done(record)) => (key, record),
            other => panic!("{other:?}"),
        }
    }

    fn index_fits(&self) {
        let book = self.store.book();
        assert_eq!(book.index.len(), 2 * self.store.sessions.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_rules_of_a_store() {
    let Fixture { clock, store } = Fixture::of(MemoryStore::DEFAULT_CAPACITY);
    conformance::check_store(|| store.clone(), &clock, async |time| clock.advance(time)).await;
}

#[tokio::test]
async fn is_bounded_by_bytes_and_counts_whom_it_throws_out() {
    let fixture = Fixture::of(256 << 10);
    for n in 0..5_000 {
        fixture.sign_in(&format!("person {n}")).await;
        assert!(fixture.store.sessions.weight() <= 256 << 10);
    }
    let kept = fixture.store.sessions.len() as u64;
    assert!(kept > 100);
    assert_eq!(fixture.store.evicted(), 5_000 - kept);
    fixture.index_fits();
}

#[tokio::test]
async fn throws_out_what_is_over_before_what_lives() {
    let fixture = Fixture::of(1 << 20);
    let size = weight(&fixture.record("person 1000"));
    let many = (1 << 20) / size * 6 / 10;
    for n in 0..many {
        fixture.sign_in(&format!("early {n}")).await;
    }
    fixture.clock.advance(IDLE);
    for n in 0..many {
        fixture.sign_in(&format!("late {n}")).await;
    }
    assert_eq!(fixture.store.evicted(), 0);
    for n in 0..many {
        let key = SessionKey::of_cookie(&format!("late {n}"));
        assert!(fixture.store.sessions.peek(&key).is_some(), "late {n}");
    }
    fixture.index_fits();
}

#[tokio::test]
async fn throwing_out_what_is_over_is_no_loss() {
    let fixture = Fixture::of(64 << 10);
    let book = &mut fixture.store.book();
    for n in 0..500 {
        let key = SessionKey::of_cookie(&n.to_string());
        let record = Arc::new(fixture.record("ada"));
        let over = record.idle_expires_at();
        fixture.store.put(book, key, &record, over);
    }
    assert!(fixture.store.sessions.len() < 500);
    assert_eq!(fixture.store.evicted(), 0);
}

#[tokio::test]
async fn warns_at_most_once_a_minute() {
    let fixture = Fixture::of(64 << 10);
    let warned = |fixture: &Fixture| fixture.store.book().warned_at;
    let overflow = async |round: u32| {
        let before = fixture.store.evicted();
        for n in 0..500 {
            fixture.sign_in(&format!("{round} {n}")).await;
        }
        assert!(fixture.store.evicted() > before);
    };
    let start = fixture.clock.now();
    overflow(1).await;
    assert_eq!(warned(&fixture), Some(start));
    fixture.clock.advance(WARN_EVERY - Duration::from_secs(1));
    overflow(2).await;
    assert_eq!(warned(&fixture), Some(start));
    fixture.clock.advance(Duration::from_secs(1));
    overflow(3).await;
    assert_eq!(warned(&fixture), Some(start.plus(WARN_EVERY)));
}

#[tokio::test]
async fn a_session_too_large_is_an_error_and_leaves_no_trace() {
    let fixture = Fixture::of(64 << 10);
    let mut large = fixture.record("ada");
    large.claims = "x".repeat(70 << 10).into();
    let key = SessionKey::of_cookie("ada");
    let created = fixture
        .store
        .create(key, large.clone(), fixture.clock.now());
    assert!(created.await.is_err());
    assert!(fixture.store.load_local(key).flatten().is_none());
    fixture.index_fits();

    let (key, record) = fixture.sign_in("bob").await;
    let mut large = Record::clone(&record);
    large.claims = "x".repeat(70 << 10).into();
    assert!(fixture.store.replace(key, 0, large).await.is_err());
    assert!(fixture.store.sessions.peek(&key).is_some(), "unharmed");
    fixture.index_fits();
}

#[tokio::test]
async fn an_id_is_never_taken_over() {
    let fixture = Fixture::of(1 << 20);
    let (key, _) = fixture.sign_in("ada").await;
    let again = fixture
        .store
        .create(key, fixture.record("eve"), fixture.clock.now());
    assert!(again.await.is_err());
    let record = fixture.store.load_local(key).flatten();
    assert_eq!(
        record.map(|record| record.subject().to_owned()).as_deref(),
        Some("ada")
    );
}

#[tokio::test]
async fn the_indexes_follow_a_replaced_record() {
    let fixture = Fixture::of(1 << 20);
    let (key, record) = fixture.sign_in("ada").await;
    let mut moved = Record::clone(&record);
    moved.sid = Some("new sid".into());
    let _ = fixture.store.replace(key, 0, moved).await;
    fixture.index_fits();
    let at = fixture.clock.now();
    let by_old = fixture
        .store
        .delete_by_sid(record.issuer(), "sid of ada", at);
    assert!(by_old.await.is_ok_and(|ended| ended.is_empty()));
    let by_new = fixture.store.delete_by_sid(record.issuer(), "new sid", at);
    assert!(by_new.await.is_ok_and(|ended| ended.len() == 1));
    fixture.index_fits();
}

#[tokio::test]
async fn nothing_revives_a_session_that_ran_out() {
    for (advance, live) in [(IDLE - Duration::from_secs(1), true), (IDLE, false)] {
        let fixture = Fixture::of(1 << 20);
        let (key, record) = fixture.sign_in("ada").await;
        fixture.clock.advance(advance);
        let later = fixture.clock.now().plus(IDLE);
        let _ = fixture.store.touch(key, later).await;
        assert_eq!(record.is_live(fixture.clock.now().plus(IDLE / 2)), live);

        let fixture = Fixture::of(1 << 20);
        let (key, record) = fixture.sign_in("ada").await;
        fixture.clock.advance(advance);
        let swap = fixture.store.replace(key, 0, Record::clone(&record)).await;
        assert_eq!(matches!(swap, Ok(Replaced::Done(_))), live);
        assert_eq!(matches!(swap, Ok(Replaced::Gone)), !live);
    }
}

#[tokio::test]
async fn a_swap_keeps_a_touch_that_it_did_not_see() {
    let fixture = Fixture::of(1 << 20);
    let (key, record) = fixture.sign_in("ada").await;
    let copy = Record::clone(&record);
    let later = record.idle_expires_at().plus(Duration::from_secs(300));
    let _ = fixture.store.touch(key, later).await;
    let swap = fixture.store.replace(key, 0, copy).await;
    assert!(matches!(swap, Ok(Replaced::Done(record)) if record.idle_expires_at() == later));
}

#[tokio::test]
async fn a_tombstone_outlives_a_login_state() {
    for (after, kept) in [
        (TOMBSTONE, false),
        (TOMBSTONE + Duration::from_secs(1), true),
    ] {
        let fixture = Fixture::of(1 << 20);
        let began_at = fixture.clock.now();
        let record = fixture.record("ada");
        let ended = fixture
            .store
            .delete_by_subject(record.issuer(), "ada", began_at);
        assert!(ended.await.is_ok());
        fixture.clock.advance(after);
        let created = fixture
            .store
            .create(SessionKey([0; 32]), record.clone(), began_at);
        assert_eq!(matches!(created.await, Ok(Created::Done(_))), kept);
    }
}

#[tokio::test]
async fn a_used_thing_is_remembered_until_its_end() {
    let fixture = Fixture::of(1 << 20);
    let until = fixture.clock.now().plus(TOMBSTONE);
    let first_time = async || fixture.store.use_once([7; 32], until).await.unwrap();
    assert!(first_time().await);
    fixture.clock.advance(TOMBSTONE);
    assert!(!first_time().await);
    fixture.clock.advance(Duration::from_secs(1));
    assert!(first_time().await);
}

#[tokio::test]
async fn debug_shows_nobody() {
    let fixture = Fixture::of(1 << 20);
    fixture.sign_in("ada").await;
    assert!(!format!("{:?}", fixture.store).contains("ada"));
}

#[tokio::test]
async fn a_second_use_does_not_shorten_the_memory_of_the_first() {
    let fixture = Fixture::of(1 << 20);
    let until = fixture.clock.now().plus(TOMBSTONE);
    assert!(fixture.store.use_once([7; 32], until).await.unwrap());
    let soon = fixture.clock.now();
    assert!(!fixture.store.use_once([7; 32], soon).await.unwrap());
    fixture.clock.advance(TOMBSTONE);
    assert!(!fixture.store.use_once([7; 32], until).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_indexes_survive_a_crowd() {
    let fixture = Arc::new(Fixture::of(64 << 10));
    let crowd: Vec<_> = (0..4_u64)
        .map(|worker| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move {
                for n in 0..500 {
                    let name = format!("{worker} {n}");
                    let (key, record) = fixture.sign_in(&name).await;
                    let later = record.idle_expires_at().plus(Duration::from_secs(600));
                    fixture.store.touch(key, later).await.unwrap();
                    let swap = fixture.store.replace(key, 0, Record::clone(&record));
                    swap.await.unwrap();
                    let at = fixture.clock.now();
                    match n % 4 {
                        0 => drop(fixture.store.delete(key).await.unwrap()),
                        1 => drop(
                            fixture
                                .store
                                .delete_by_subject(record.issuer(), &name, at)
                                .await,
                        ),
                        _ => {}
                    }
                }
            })
        })
        .collect();
    for worker in crowd {
        worker.await.unwrap();
    }
    fixture.index_fits();
}
