//! What replicas agree on: things used up, and leases.

use std::time::Duration;

use super::Stores;
use crate::clock::Clock;
use crate::crypto;

pub(super) async fn what_is_used_once_is_used_up(store: Stores<'_>, clock: &dyn Clock) {
    let until = clock.now().plus(Duration::from_secs(600));
    let (this, that) = (crypto::random(), crypto::random());
    assert!(store().use_once(this, until).await.expect("use works"));
    assert!(
        !store().use_once(this, until).await.expect("use works"),
        "used up"
    );
    assert!(store().use_once(that, until).await.expect("use works"));

    let many = crypto::random();
    let uses: Vec<_> = (0..16)
        .map(|_| {
            let store = store();
            tokio::spawn(async move { store.use_once(many, until).await })
        })
        .collect();
    let mut first = 0;
    for used in uses {
        first += u32::from(used.await.expect("no panic").expect("use works"));
    }
    assert_eq!(first, 1, "one of 16 uses at once is the first");
}

pub(super) async fn a_lease_has_one_holder(store: Stores<'_>, pass: &impl AsyncFn(Duration)) {
    let (what, other) = (crypto::random(), crypto::random());
    let (ada, bob) = (crypto::random(), crypto::random());
    let long = Duration::from_secs(60);
    let lease = async |what, holder, time| {
        let lease = store().lease(what, holder, time).await;
        lease.expect("lease works")
    };
    let release = async |holder| store().release(what, holder).await.expect("release works");

    assert!(lease(what, ada, long).await);
    assert!(!lease(what, bob, long).await, "taken");
    assert!(lease(other, bob, long).await, "another thing is free");
    release(bob).await;
    assert!(
        !lease(what, bob, long).await,
        "only the holder gives it back"
    );
    release(ada).await;
    assert!(lease(what, bob, Duration::from_secs(1)).await, "given back");
    pass(Duration::from_secs(3)).await;
    assert!(lease(what, ada, long).await, "a lease ends by itself");
    release(bob).await;
    assert!(
        !lease(what, bob, long).await,
        "its last holder does not give it back"
    );
}
