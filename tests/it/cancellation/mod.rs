//! Who hangs up, at any moment: each future is dropped at each of its await points, and nothing is lost,
//! locked or leaked.

mod caches;
mod endpoints;
mod ladder;
mod mosaic;
mod requests;
mod sign_in;
mod silent;
mod stores;
mod tenants;

use std::collections::HashSet;

use axum::body::Body;
use http::Request;
use tower_sso::SsoBuilder;
use tower_sso::simulator::Endpoint;

use crate::support::{App, RemoteStore, Wire};

/// An app that has to wait for whatever it calls, and what it calls.
struct World {
    app: App,
    store: RemoteStore,
    wire: Wire,
}

impl World {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(configure: impl FnOnce(SsoBuilder) -> SsoBuilder) -> Self {
        let (app, store, wire) = App::far_from_everything(configure);
        Self { app, store, wire }
    }

    /// The browser's cookies as a header.
    fn cookies(&self) -> String {
        let cookies = self.app.browser.cookies().into_iter();
        let pairs = cookies.filter(|cookie| cookie.name.starts_with(App::COOKIE));
        let pairs: Vec<_> = pairs
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        pairs.join("; ")
    }

    /// How many codes were sent to the provider, none of them twice.
    fn codes_sent(&self) -> usize {
        let calls = self.wire.sent().into_iter();
        let grants: Vec<_> = calls
            .filter(|call| call.uri().path() == "/token")
            .map(|call| call.into_body())
            .collect();
        let different: HashSet<_> = grants.iter().collect();
        assert_eq!(different.len(), grants.len(), "a code was sent twice");
        assert_eq!(self.app.idp().reuse_detected(), 0);
        grants.len()
    }

    /// The next person, and the next request of the same one, find everything in order.
    async fn works(&self) {
        let mut stranger = self.app.clone();
        stranger.browser = self.app.browser.stranger();
        stranger.sign_in("/protected").await;
        self.app.sign_in("/protected").await;
        assert_eq!(self.app.idp().requests(Endpoint::Discovery), 1);
        assert_eq!(self.app.idp().requests(Endpoint::Jwks), 1);
        self.codes_sent();
    }

    /// Sends a request as it is written here, without a browser.
    async fn send(&self, request: Request<Body>) -> http::Response<Body> {
        let service = self.app.sso.into_axum(self.app.routes());
        tower::ServiceExt::oneshot(service, request).await.unwrap()
    }
}
