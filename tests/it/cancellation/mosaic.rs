//! Who hangs up while they sign in, add a factor or sign out at an app whose provider is Mosaic.

use std::sync::{Arc, Mutex};

use tower_sso::clock::TestClock;
use tower_sso::session::store::SessionStore as _;
use tower_sso::simulator::MosaicEndpoint;

use crate::support::{MosaicApps, RemoteStore, drop_at_each_await};

const ONE: &str = MosaicApps::ONE;
const TWO: &str = MosaicApps::TWO;

/// Two apps, and the store of each.
struct World {
    apps: MosaicApps,
    stores: Vec<RemoteStore>,
}

impl World {
    fn new() -> Self {
        let stores = Mutex::new(Vec::new());
        let apps = MosaicApps::with(|builder| {
            // Nobody turns the clock here.
            let store = RemoteStore::new(&TestClock::at(1_800_000_000));
            stores.lock().unwrap().push(store.clone());
            builder.session_store(Arc::new(store))
        });
        let stores = stores.into_inner().unwrap();
        Self { apps, stores }
    }

    async fn signed_in() -> Self {
        let world = Self::new();
        world.apps.sign_in(ONE, "alice").await;
        world
    }

    /// How many sessions the apps have of her.
    async fn sessions(&self) -> usize {
        let mut count = 0;
        for store in &self.stores {
            let all = store.find_by_subject(MosaicApps::ISSUER, "alice");
            count += all.await.unwrap().len();
        }
        count
    }

    /// Whoever comes next is served, at both apps, and nothing was asked in vain.
    async fn works(&self, what: &str) {
        let so_far = self.apps.asked();
        self.apps.sign_in(ONE, "alice").await;
        assert_eq!(self.apps.status(TWO, "/protected").await, 200, "{what}");
        assert_eq!(self.apps.asked(), so_far + 1, "{what}");
        assert_eq!(self.apps.idp().client_tokens(), 1, "{what}");
        assert_eq!(self.apps.idp().requests(MosaicEndpoint::Jwks), 1, "{what}");
        assert_eq!(self.apps.idp().reuse_detected(), 0, "{what}");
    }
}

/// What was made for an answer that never left is undone.
#[tokio::test]
async fn a_sign_in_at_the_own_page() {
    let fields = [("username", "alice"), ("password", MosaicApps::PASSWORD)];
    let login = format!("{ONE}/login");
    let points = drop_at_each_await(
        async || World::new(),
        async |world| {
            let fetch = world.apps.browser.visit_from(ONE, &login);
            fetch.post_form(&fields).no_follow().await
        },
        async |world, dropped| {
            let what = format!("after {} polls", dropped.polls);
            let kept = usize::from(dropped.output.is_some());
            assert_eq!(world.sessions().await, kept, "{what}");
            assert_eq!(world.apps.handle().is_some(), kept == 1, "{what}");
            let sent = world.apps.idp().requests(MosaicEndpoint::Password);
            assert!(sent <= 1, "{what}: {sent}");
            world.works(&what).await;
        },
    )
    .await;
    assert!(points > 3, "{points}");
}

/// The session that stands is as good as it was, and takes the next code.
#[tokio::test]
async fn a_factor_that_is_added() {
    let otp = format!("{ONE}/login/otp");
    let points = drop_at_each_await(
        async || {
            let world = World::signed_in().await;
            let channel = [("channel", "sms")];
            world.apps.post(ONE, "/login/code", &channel).await;
            world
        },
        async |world| {
            let code = world.apps.idp().last_code("alice").unwrap();
            let fields = [("channel", "sms"), ("passcode", &*code)];
            let fetch = world.apps.browser.visit_from(ONE, &otp);
            fetch.post_form(&fields).no_follow().await
        },
        async |world, dropped| {
            let what = format!("after {} polls", dropped.polls);
            let status = world.apps.status(ONE, "/protected").await;
            assert_eq!(status, 200, "{what}");
            let expected = if dropped.output.is_some() { 200 } else { 303 };
            assert_eq!(world.apps.status(ONE, "/mfa").await, expected, "{what}");
            let page = world.apps.add_code(ONE, "sms", "/mfa").await;
            assert_eq!(page.status, 200, "{what}");
            assert_eq!(world.apps.idp().sessions(), 1, "{what}");
            world.works(&what).await;
        },
    )
    .await;
    assert!(points > 3, "{points}");
}

/// All of it ends, here and there, or nothing of it.
#[tokio::test]
async fn a_sign_out() {
    let points = drop_at_each_await(
        async || {
            let world = World::signed_in().await;
            world.apps.status(TWO, "/protected").await;
            world
        },
        async |world| world.apps.sign_out(ONE).await,
        async |world, dropped| {
            let what = format!("after {} polls", dropped.polls);
            let idp = world.apps.idp();
            assert_eq!(world.sessions().await, 2 * idp.sessions(), "{what}");
            let told = idp.requests(MosaicEndpoint::SessionLogout);
            assert_eq!(told as usize, 1 - idp.sessions(), "{what}");
            if idp.sessions() == 0 {
                for origin in [ONE, TWO] {
                    let status = world.apps.status(origin, "/protected").await;
                    assert_eq!(status, 303, "{what}");
                }
                assert_eq!(world.apps.asked(), 1, "{what}");
            }
            world.apps.browser.clear_cookies();
            world.works(&what).await;
        },
    )
    .await;
    assert!(points > 3, "{points}");
}
